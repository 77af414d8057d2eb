/*
 * oracle.c - random sequences over the whole API against a model of it.
 *
 *	oracle [-s SEED] [-n OPS] [-t THREADS] [-T SECONDS] [-k FILE] [-p] [-r] [-m]
 *	oracle -				operations from standard input
 *
 * An operation is one 64-bit word; what it does depends on the word and on the
 * slots of its thread alone, so operations can be left out and the rest still
 * mean the same.  Word i of thread t is a hash of seed, t and i; or 8 bytes of
 * input, for byte-driven fuzzers (libFuzzer calls LLVMFuzzerTestOneInput(),
 * AFL++ writes to standard input).
 *
 * The model:
 *   O1. a bit for each 8 bytes of address space says whether a live block has
 *	 it.  A new block must find its bits clear (no overlap); they are
 *	 cleared before the block is freed.
 *   O2. a block is filled from its tag: the first and last 64 bytes, one word
 *	 of each page, and all of it if it is small.  That is what is found
 *	 when it is resized, handed on, looked at or freed.
 *   O3. the address is a multiple of what was asked for (16, or 8 below 16
 *	 bytes); the usable size is at least the size, and all of it is filled.
 *   O4. what is promised to be zero is zero, to the last byte asked for;
 *	 objects with a constructor are what it made of them.
 *   O5. when all is freed, every structure's invariants hold and as many bytes
 *	 are in use as before.
 *
 * Threads hand blocks on through mailboxes, so most are freed by another thread
 * than the one that allocated them.
 *
 * -r runs the operations of one thread in a process of its own; if they fail,
 * ever smaller subsets that still fail are sought, and printed.  -k names the
 * indexes to run, -p prints what is run, with -m requests may be refused.
 */#include "oracle.h"

static u64 deadline_ns;
static bool quiet;

/* --- runs --- */

static void *thread_main(void *arg)
{
	struct thread *t = arg;
	u64 i;

	for (i = 0; i < t->ops; i++) {
		if (deadline_ns && i % 4096 == 0 && clock_ns() > deadline_ns)
			break;
		one_op(t, i, mix(t->seed ^ mix(i)));
	}
	t->done = i;
	return NULL;
}

/* O5; libc's own are few, and the same before and after. */
static void run_threads(u64 seed, u64 ops, u32 nr)
{
	u64 begin = clock_ns(), done = 0;

	for (u32 i = 0; i < nr; i++) {
		threads[i].nr = i;
		threads[i].seed = mix(seed + i);
		threads[i].ops = ops;
	}
	if (nr == 1) {
		thread_main(&threads[0]);
	} else {
		for (u32 i = 0; i < nr; i++)
			if (pthread_create(&threads[i].t, NULL, thread_main,
					   &threads[i]))
				fail("pthread_create()", NULL, i);
		for (u32 i = 0; i < nr; i++)
			pthread_join(threads[i].t, NULL);
	}
	for (u32 i = 0; i < nr; i++)
		done += threads[i].done;
	finish(nr);
	if (!quiet)
		printf("oracle: seed %lu, %u threads, %lu operations, "
		       "%lu refused, %.1f s: all well\n", (unsigned long)seed,
		       nr, (unsigned long)done, (unsigned long)nr_failed,
		       (double)(clock_ns() - begin) / 1e9);
}

static void run_words(const u64 *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		one_op(&threads[0], i, words[i]);
	finish(1);
}

int oracle_one_input(const uint8_t *data, size_t size);

int oracle_one_input(const uint8_t *data, size_t size)
{
	static u64 words[1 << 16];
	size_t n = min(size / 8, sizeof(words) / 8);

	if (!threads)
		start(1);
	memcpy(words, data, n * 8);
	run_words(words, n);
	return 0;
}

#ifdef ORACLE_LIBFUZZER

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return oracle_one_input(data, size);
}

#else
/* --- the command line --- */

static int run_input(void)
{
	static uint8_t data[1 << 19];
	size_t n = 0;
	ssize_t got;

	while ((got = read(0, data + n, sizeof(data) - n)) > 0)
		n += (size_t)got;
	return oracle_one_input(data, n);
}

int main(int argc, char **argv)
{
	u64 seed = (u64)time(NULL), ops = 200000;
	const char *kept_file = NULL;
	double seconds = 0;
	u32 nr = 1;
	bool less = false;
	size_t over;
	long before;
	void *ballast[14];
	int opt;

	while ((opt = getopt(argc, argv, "s:n:t:T:k:prqm")) != -1) {
		switch (opt) {
		case 's':
			seed = strtoul(optarg, NULL, 0);
			break;
		case 'n':
			ops = strtoul(optarg, NULL, 0);
			break;
		case 't':
			nr = (u32)strtoul(optarg, NULL, 0);
			break;
		case 'T':
			seconds = strtod(optarg, NULL);
			ops = ~(u64)0;
			break;
		case 'k':
			kept_file = optarg;
			break;
		case 'p':
			print = true;
			break;
		case 'r':
			less = true;
			break;
		case 'q':
			quiet = true;
			break;
		case 'm':
			may_refuse = true;
			break;
		default:
			fprintf(stderr, "usage: oracle [-s SEED] [-n OPS] "
				"[-t THREADS] [-T SECONDS] [-k FILE] [-p] "
				"[-r] [-q] [-m] [-]\n");
			return 2;
		}
	}
	nr = nr < 1 ? 1 : nr > MAX_THREADS ? MAX_THREADS : nr;
	if (optind < argc && !strcmp(argv[optind], "-"))
		return run_input();
	if (kept_file)
		return run_kept(seed, kept_file);
	if (less)
		return run_reduced(seed, ops);
	/* No buffer of libc's in the figures. */
	setvbuf(stdout, NULL, _IONBF, 0);
	/* If it aborts, the seed is what is wanted. */
	fprintf(stderr, "oracle: -s %lu -t %u\n", (unsigned long)seed, nr);
	start(nr);
	if (nr > 1) {
		/* What libc keeps of its first threads comes before. */
		run_threads(seed, 0, nr);
	}
	/* Spans are kept in heaps above 32 MiB: half the runs have one. */
	for (u32 i = 0; i < ARRAY_SIZE(ballast); i++)
		ballast[i] = seed & 1 && !may_refuse ? malloc(3 << 20) : NULL;
	before = heap_bytes_in_use();
	if (seconds > 0)
		deadline_ns = clock_ns() + (u64)(seconds * 1e9);
	run_threads(seed, ops, nr);
	if ((over = heap_bytes_over(before)))
		fail("more bytes are in use than before", NULL, over);
	for (u32 i = 0; i < ARRAY_SIZE(ballast); i++)
		free(ballast[i]);
	shrinker_end();
	pools_destroy();
	caches_destroy();
	walk();
	return 0;
}

#endif
