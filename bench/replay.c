/*
 * replay - run what a program asked of its allocator, again, under another.
 *
 *	replay [-s CSV] TRACE	TRACE: of LIBALLOC_OPTIONS=trace=FILE
 *	replay -c TRACE		count what is in it, run nothing
 *
 * Each thread of the trace is a thread here, born before its first call and
 * ended after its last, and makes the same calls.  A new block is written once
 * (of one that grew, the new part), and read when it is freed: a word in each
 * cache line.  What a program does between its calls is left out, so the time
 * is the allocator's and that of the memory it chose.
 *
 * The calls of one thread keep their order, and so do those that concern one
 * block, whoever makes them: each waits for its turn.  Block numbers are used
 * again, the last freed first, as addresses are.  And no thread runs more than WINDOW calls ahead of the last, so that a queue of the
 * program does not become longer here.
 *
 * The trace is first made into a list of calls for each thread, in shared
 * mappings: they are resident but not "anonymous", so what is counted below is
 * the allocator's.  Whatever is freed without having been seen (by a forked
 * child: what its parent had allocated) is left out and counted.
 *
 * Prints seconds, nanoseconds a call and page faults.  With -s the resident
 * memory is looked at 200 times and written to CSV, as call, live bytes and
 * resident bytes; prints its peak, and live over resident as the mean and at
 * its least, once half of the peak was reached.  To look costs time: the
 * seconds of such a run say nothing.
 */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "bench.h"
#include "core/trace_format.h"

#define SAMPLES 200
#define WINDOW 65536
#define PUBLISH 256 /* calls between two words on where a thread is */
#define STEP 64	    /* a cache line */
#define END UINT64_MAX

struct call {
	uint32_t block;
	uint32_t turn;	    /* calls that concern the block before this one */
	uint64_t nr : 48;   /* in the trace */
	uint64_t op : 8;
	uint64_t align_log2 : 8;
	uint64_t size;
};

/* Of whoever has the turn. */
struct block {
	char *at;
	size_t size;
	_Atomic uint32_t turn;
};

struct entry {
	uint64_t addr;	/* 0: free */
	uint64_t size;
	uint32_t block;
};


struct thread {
	struct call *calls;
	uint64_t nr_calls, first;
	struct entry from; /* of a realloc under way; address 0: none */
	_Atomic uint64_t done; /* number of the call it is at, END at the end */
	pthread_t id;
};

static const struct trace_record *records;
static uint64_t nr_records;
static struct thread *threads;
static uint32_t nr_threads;
static struct block *blocks;
static uint64_t nr_blocks;
static uint64_t counts[TRACE_OPS];
static uint64_t failed, unknown, odd, live, peak, peak_nr, live_blocks;
static uint64_t live_at[SAMPLES + 1], rss_at[SAMPLES + 1];
static uint64_t sample_step;
static _Atomic uint64_t floor_nr;
static FILE *csv;

/* Not of the allocator's memory, and not counted as such. */
static void *shared_mem(size_t size)
{
	void *mem = mmap(NULL, size ? size : 1, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED)
		bench_die("no memory for the trace");
	return mem;
}

__attribute__((noreturn)) static void file_die(const char *path,
					       const char *what)
{
	fprintf(stderr, "replay: %s: %s\n", path, what);
	exit(1);
}

static void load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *mem;

	if (fd < 0 || fstat(fd, &st))
		file_die(path, strerror(errno));
	if (st.st_size < 16)
		file_die(path, "this is no trace");
	mem = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		file_die(path, strerror(errno));
	close(fd);
	records = mem;
	nr_records = (uint64_t)st.st_size / sizeof(*records);
	if (records[0].what != TRACE_MAGIC)
		file_die(path, "this is no trace");
	while (nr_records > 1 && !records[nr_records - 1].what)
		nr_records--;
}

/* --- addresses to block numbers: open addressing, deletion by shifting --- */

static struct entry *map;
static uint64_t map_mask, map_used;

static uint64_t home(uint64_t addr)
{
	return (addr * BENCH_MIX >> 20) & map_mask;
}

static struct entry *map_find(uint64_t addr)
{
	uint64_t i = home(addr);

	while (map[i].addr && map[i].addr != addr)
		i = (i + 1) & map_mask;
	return &map[i];
}

static void map_init(uint64_t size)
{
	map = shared_mem(size * sizeof(*map));
	map_mask = size - 1;
}

static void map_grow(void)
{
	struct entry *old = map;
	uint64_t size = map_mask + 1, i;

	map_init(size * 2);
	for (i = 0; i < size; i++)
		if (old[i].addr)
			*map_find(old[i].addr) = old[i];
	munmap(old, size * sizeof(*old));
}

static void map_add(struct entry e)
{
	if (++map_used * 2 > map_mask)
		map_grow();
	*map_find(e.addr) = e;
}

static void map_remove(struct entry *e)
{
	uint64_t hole = (uint64_t)(e - map), i = hole;

	map_used--;
	for (;;) {
		i = (i + 1) & map_mask;
		if (!map[i].addr)
			break;
		if (((i - home(map[i].addr)) & map_mask) >=
		    ((i - hole) & map_mask)) {
			map[hole] = map[i];
			hole = i;
		}
	}
	map[hole].addr = 0;
}

/* --- block numbers: the last freed is used first --- */

static uint32_t *spares, *turns;
static uint64_t nr_spares;

static uint32_t spare_get(void)
{
	return nr_spares ? spares[--nr_spares] : (uint32_t)nr_blocks++;
}

/* --- the trace, made into calls --- */

static void call_add(const struct trace_record *r, uint64_t nr, uint32_t op,
		     uint32_t block, uint64_t size)
{
	struct thread *t = &threads[trace_thread(r)];

	t->calls[t->nr_calls++] = (struct call){
		.block = block,
		.turn = turns[block]++,
		.nr = nr,
		.op = op,
		.align_log2 = trace_align_log2(r),
		.size = size,
	};
}

static void count_live(uint64_t nr, uint64_t more, uint64_t less)
{
	live += more - less;
	if (live > peak) {
		peak = live;
		peak_nr = nr;
	}
}

static void drop(const struct trace_record *r, uint64_t nr, uint32_t op,
		 struct entry *e)
{
	call_add(r, nr, op, e->block, 0);
	spares[nr_spares++] = e->block;
	count_live(nr, 0, e->size);
	live_blocks--;
	map_remove(e);
}

static void add(const struct trace_record *r, uint64_t nr, uint32_t op)
{
	struct entry *e = map_find(trace_addr(r));
	uint32_t block;

	if (e->addr) { /* its free was not seen */
		odd++;
		drop(r, nr, TRACE_FREE, e);
	}
	block = spare_get();
	call_add(r, nr, op, block, trace_size(r));
	map_add((struct entry){ trace_addr(r), trace_size(r), block });
	count_live(nr, trace_size(r), 0);
	live_blocks++;
}

/* The block keeps its number; @t remembers it until the second record. */
static void realloc_from(const struct trace_record *r, struct thread *t)
{
	struct entry *e = map_find(trace_addr(r));

	t->from = *e;
	if (!e->addr) {
		unknown++;
		return;
	}
	live -= e->size;
	map_remove(e);
}

static void realloc_to(const struct trace_record *r, uint64_t nr,
		       struct thread *t)
{
	struct entry *e = map_find(trace_addr(r)), to = t->from;

	t->from.addr = 0;
	if (!to.addr) {
		if (trace_addr(r))
			add(r, nr, TRACE_MALLOC);
		return;
	}
	if (!trace_addr(r)) {
		failed++; /* it is still there */
	} else {
		if (e->addr) {
			odd++;
			drop(r, nr, TRACE_FREE, e);
		}
		to.addr = trace_addr(r);
		to.size = trace_size(r);
		call_add(r, nr, TRACE_REALLOC_TO, to.block, to.size);
	}
	map_add(to);
	count_live(nr, to.size, 0);
}

static void record_add(const struct trace_record *r, uint64_t nr)
{
	struct entry *e;

	switch (trace_op(r)) {
	case TRACE_MALLOC:
	case TRACE_CALLOC:
	case TRACE_ALIGNED:
		add(r, nr, trace_op(r));
		break;
	case TRACE_FREE:
	case TRACE_FREE_SIZED:
		e = map_find(trace_addr(r));
		if (e->addr)
			drop(r, nr, TRACE_FREE, e);
		else
			unknown++;
		break;
	case TRACE_REALLOC_FROM:
		realloc_from(r, &threads[trace_thread(r)]);
		break;
	case TRACE_REALLOC_TO:
		realloc_to(r, nr, &threads[trace_thread(r)]);
		break;
	default:
		bench_die("the trace has a call that is not known");
	}
	counts[trace_op(r)]++;
}

/* Room for each thread's calls: at most two for each record (an odd one). */
static void lay_out(void)
{
	uint64_t total = 0, i;
	struct call *calls;
	uint32_t t;

	threads = shared_mem((TRACE_THREADS + 1) * sizeof(*threads));
	for (i = 1; i < nr_records; i++) {
		if (!records[i].what)
			continue;
		t = trace_thread(&records[i]);
		threads[t].nr_calls += 2;
		total += 2;
	}
	calls = shared_mem(total * sizeof(*calls));
	for (t = 0; t <= TRACE_THREADS; t++) {
		if (!threads[t].nr_calls)
			continue;
		threads[t].calls = calls;
		calls += threads[t].nr_calls;
		threads[t].nr_calls = 0;
	}
}

static int by_first(const void *a, const void *b)
{
	const struct thread *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

static void compile(void)
{
	uint64_t i;
	uint32_t t;

	lay_out();
	spares = shared_mem(nr_records * sizeof(*spares));
	turns = shared_mem(nr_records * sizeof(*turns));
	map_init(1 << 16);
	sample_step = nr_records / SAMPLES + 1;
	for (i = 1; i < nr_records; i++) {
		if (i % sample_step == 0)
			live_at[i / sample_step] = live;
		if (records[i].what)
			record_add(&records[i], i);
	}
	for (t = 0; t <= TRACE_THREADS; t++) {
		struct thread *from = &threads[t];

		if (!from->nr_calls)
			continue;
		from->first = from->calls[0].nr;
		if (from != &threads[nr_threads])
			threads[nr_threads] = *from;
		nr_threads++;
	}
	qsort(threads, nr_threads, sizeof(*threads), by_first);
	blocks = shared_mem(nr_blocks * sizeof(*blocks));
	memset(blocks, 0, nr_blocks * sizeof(*blocks));
	munmap(map, (map_mask + 1) * sizeof(*map));
	munmap(spares, nr_records * sizeof(*spares));
	munmap(turns, nr_records * sizeof(*turns));
}

/* --- running --- */

static void touch_new(char *p, size_t from, size_t size)
{
	if (size > from)
		memset(p + from, 0x5a, size - from);
	escape(p);
}

static void touch_old(const char *p, size_t size)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < size; i += STEP)
		sum += (unsigned char)p[i];
	__asm__ volatile("" : : "r"(sum));
}

static void publish(struct thread *t, uint64_t nr)
{
	atomic_store_explicit(&t->done, nr, memory_order_release);
}

static void wait_for_others(struct thread *t, uint64_t nr)
{
	publish(t, nr);
	while (nr > atomic_load_explicit(&floor_nr, memory_order_relaxed) +
		    WINDOW)
		usleep(50);
}

/* Until all earlier calls that concern the block have been made. */
static void wait_for_turn(struct thread *t, const struct call *c)
{
	struct block *b = &blocks[c->block];
	unsigned int spins = 0;

	while (atomic_load_explicit(&b->turn, memory_order_acquire) !=
	       c->turn) {
		if (!spins)
			publish(t, c->nr);
		backoff(&spins);
	}
}

static void look(uint64_t nr)
{
	rss_at[nr / sample_step] = (uint64_t)rss_now().anon << 10;
}

static void *obtain(const struct call *c)
{
	void *p = NULL;

	switch (c->op) {
	case TRACE_CALLOC:
		return must(calloc(1, c->size));
	case TRACE_ALIGNED:
		if (c->align_log2 < 4)
			break;
		if (posix_memalign(&p, (size_t)1 << c->align_log2, c->size))
			bench_die("out of memory");
		return p;
	}
	return must(malloc(c->size));
}

static void run_call(struct thread *t, const struct call *c)
{
	struct block *b = &blocks[c->block];

	wait_for_turn(t, c);
	switch (c->op) {
	case TRACE_FREE:
		touch_old(b->at, b->size);
		free(b->at);
		break;
	case TRACE_REALLOC_TO:
		b->at = must(realloc(b->at, c->size));
		touch_new(b->at, b->size, c->size);
		break;
	default:
		b->at = obtain(c);
		touch_new(b->at, 0, c->size);
	}
	b->size = c->size;
	atomic_store_explicit(&b->turn, c->turn + 1, memory_order_release);
}

static void *run_thread(void *arg)
{
	struct thread *t = arg;
	uint64_t i, next = t->first / sample_step * sample_step + sample_step;

	for (i = 0; i < t->nr_calls; i++) {
		const struct call *c = &t->calls[i];

		if (i % PUBLISH == 0 && nr_threads > 1)
			wait_for_others(t, c->nr);
		if (csv && c->nr >= next) {
			look(c->nr);
			next = c->nr / sample_step * sample_step + sample_step;
		}
		run_call(t, c);
	}
	publish(t, END);
	return NULL;
}

/* The least place of the threads [0, @n), END if all have ended. */
static uint64_t least_place(uint32_t n, uint32_t *from)
{
	uint64_t least = END, at;
	uint32_t i;

	for (i = *from; i < n; i++) {
		at = atomic_load_explicit(&threads[i].done,
					  memory_order_acquire);
		if (at == END && i == *from)
			++*from; /* the oldest have ended */
		if (at < least)
			least = at;
	}
	return least;
}

static void run(void)
{
	pthread_attr_t attr;
	uint32_t n = 0, ended = 0, i;
	uint64_t least;

	if (nr_threads == 1) {
		run_thread(&threads[0]);
		return;
	}
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, KIB(256));
	for (;;) {
		least = least_place(n, &ended);
		if (n < nr_threads && least >= threads[n].first) {
			publish(&threads[n], threads[n].first);
			if (pthread_create(&threads[n].id, &attr, run_thread,
					   &threads[n]))
				bench_die("cannot start a thread");
			n++;
			continue;
		}
		if (n == nr_threads && least == END)
			break;
		if (n < nr_threads && threads[n].first < least)
			least = threads[n].first;
		atomic_store(&floor_nr, least);
		usleep(100);
	}
	for (i = 0; i < nr_threads; i++)
		join(threads[i].id);
}

/* --- words --- */

static void print_counts(void)
{
	printf("threads=%u mallocs=%llu callocs=%llu aligned=%llu frees=%llu "
	       "sized=%llu reallocs=%llu failed=%llu unknown=%llu odd=%llu "
	       "left_blocks=%llu left_bytes=%llu peak_bytes=%llu\n", nr_threads,
	       (unsigned long long)counts[TRACE_MALLOC],
	       (unsigned long long)counts[TRACE_CALLOC],
	       (unsigned long long)counts[TRACE_ALIGNED],
	       (unsigned long long)counts[TRACE_FREE],
	       (unsigned long long)counts[TRACE_FREE_SIZED],
	       (unsigned long long)counts[TRACE_REALLOC_TO],
	       (unsigned long long)failed, (unsigned long long)unknown,
	       (unsigned long long)odd, (unsigned long long)live_blocks,
	       (unsigned long long)live, (unsigned long long)peak);
}

static void print_samples(uint64_t base)
{
	double used = 0, least = 1e9, share;
	uint64_t top = 0, i;
	int n = 0;

	fprintf(csv, "call,live_bytes,resident_bytes\n");
	for (i = 1; i <= SAMPLES; i++) {
		uint64_t rss = rss_at[i] > base ? rss_at[i] - base : 0;

		if (!rss)
			continue;
		fprintf(csv, "%llu,%llu,%llu\n",
			(unsigned long long)(i * sample_step),
			(unsigned long long)live_at[i],
			(unsigned long long)rss);
		share = (double)live_at[i] / (double)rss;
		used += share;
		n++;
		if (live_at[i] * 2 >= peak && share < least)
			least = share;
		if (rss > top)
			top = rss;
	}
	fclose(csv);
	printf("peak_kib=%llu live_kib=%llu used=%.4f used_least=%.4f\n",
	       (unsigned long long)top >> 10, (unsigned long long)peak >> 10,
	       n ? used / n : 0, least < 1e9 ? least : 0);
}

static uint64_t faults(void)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	return (uint64_t)ru.ru_minflt;
}

static const char usage[] =
	"usage: replay [-c | -s CSV] TRACE\n"
	"Makes the calls of TRACE (LIBALLOC_OPTIONS=trace=FILE) under whatever\n"
	"allocator is preloaded.\n"
	"  -c  count what is in it, run nothing\n"
	"  -s  write call, live bytes and resident bytes to CSV, 200 times\n";

int main(int argc, char **argv)
{
	uint64_t calls = 0, base, t0, ns, f0;
	bool count = false;
	uint32_t i;
	int opt;

	while ((opt = getopt(argc, argv, "cs:h")) != -1) {
		if (opt == 'c') {
			count = true;
		} else if (opt == 's') {
			csv = fopen(optarg, "w");
			if (!csv)
				file_die(optarg, strerror(errno));
		} else {
			fputs(usage, opt == 'h' ? stdout : stderr);
			return opt == 'h' ? 0 : 2;
		}
	}
	if (optind + 1 != argc) {
		fputs(usage, stderr);
		return 2;
	}
	load(argv[optind]);
	compile();
	if (count) {
		print_counts();
		return 0;
	}
	for (i = 0; i < nr_threads; i++)
		calls += threads[i].nr_calls;
	base = (uint64_t)rss_now().anon << 10;
	f0 = faults();
	t0 = now_ns();
	run();
	ns = now_ns() - t0;
	printf("replay_s=%.6f call_ns=%.2f replay_faults=%llu calls=%llu\n",
	       (double)ns / 1e9, calls ? (double)ns / (double)calls : 0,
	       (unsigned long long)(faults() - f0), (unsigned long long)calls);
	if (csv)
		print_samples(base);
	return 0;
}
