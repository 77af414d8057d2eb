/*
 * idle - what does a program hold that was large once and now sleeps?
 *
 * It grows to 1 GiB, frees all and sleeps for ten seconds.  A good citizen is
 * then as small as it was at its start; the bar is 1.1 times that.
 *
 *	idle 1|4 small|large|mixed [SECONDS] [MIB]
 *
 * The first argument is the number of threads.  With 1 there is no thread but
 * the first, and after the sleep it allocates and frees 32 bytes once: an
 * allocator that starts no thread of its own may use that call.  With more,
 * threads that exist from start to end hold the objects and wait in read() on
 * a pipe; after the last free nobody calls the allocator any more.
 *
 * The start is measured when the threads are there and each has allocated and
 * freed one object, so that neither the allocator's set-up nor stacks count as
 * growth.  What the program itself needs to remember its objects lies in
 * mappings of its own, gone again before the sleep.
 */
#include "bench.h"
#include <sys/mman.h>

#define SLEEP_S 10
#define TOTAL_MIB 1024
#define MAX_THREADS 64

enum kind { SMALL, LARGE, MIXED, NR_KINDS };

static const char *const kind_names[NR_KINDS] = { "small", "large", "mixed" };

struct object {
	void *p;
	size_t size;
};

struct holder {
	pthread_t thread;
	struct rng rng;
	struct object *objects; /* mapped for as long as they live */
	size_t nr;
	int go[2]; /* one byte: take the next step */
};

static struct holder holders[MAX_THREADS];
static enum kind kind;
static size_t share; /* bytes of each holder */
static int done[2]; /* one byte: a holder has taken its step */

static size_t draw_small(struct rng *r)
{
	return rng_between(r, 16, 2000);
}

static size_t draw_large(struct rng *r)
{
	return rng_between(r, MIB(5), MIB(25));
}

/* A third of the bytes each in small, medium and large ones. */
static size_t draw_mixed(struct rng *r, const size_t *bytes)
{
	if (bytes[0] <= bytes[1] && bytes[0] <= bytes[2])
		return draw_small(r);
	if (bytes[1] <= bytes[2])
		return rng_size(r, KIB(2), 9);
	return draw_large(r);
}

static size_t draw(struct rng *r, size_t *bytes)
{
	size_t size;

	if (kind == SMALL)
		return draw_small(r);
	if (kind == LARGE)
		return draw_large(r);
	size = draw_mixed(r, bytes);
	bytes[size <= 2000 ? 0 : size < MIB(5) ? 1 : 2] += size;
	return size;
}

/* Room for as many as there could be; only what is used becomes resident. */
static size_t table_bytes(void)
{
	return (share / 16 + 1) * sizeof(struct object);
}

static void holder_grow(struct holder *h)
{
	size_t bytes[3] = { 0 }, held = 0;

	h->objects = mmap(NULL, table_bytes(), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (h->objects == MAP_FAILED)
		bench_die("no room for the table of objects");
	for (h->nr = 0; held < share; h->nr++) {
		struct object *o = &h->objects[h->nr];

		o->size = draw(&h->rng, bytes);
		if (o->size > share - held && share - held >= 16)
			o->size = share - held;
		o->p = get(o->size, h->nr);
		held += o->size;
	}
}

static void holder_free(struct holder *h)
{
	size_t i;

	for (i = 0; i < h->nr; i++)
		put(h->objects[i].p, h->objects[i].size, i);
	munmap(h->objects, table_bytes());
}

static void one_object(void)
{
	put(get(32, 1), 32, 1);
}

static void signal_to(int fd)
{
	if (write(fd, "", 1) != 1)
		bench_die("cannot write to a pipe");
}

static void wait_on(int fd)
{
	char c;

	if (read(fd, &c, 1) != 1)
		bench_die("cannot read from a pipe");
}

static void *holder_main(void *arg)
{
	struct holder *h = arg;

	one_object();
	signal_to(done[1]);
	wait_on(h->go[0]);
	holder_grow(h);
	signal_to(done[1]);
	wait_on(h->go[0]);
	holder_free(h);
	signal_to(done[1]);
	wait_on(h->go[0]);
	return NULL;
}

static void all_done(int threads)
{
	int i;

	for (i = 0; i < threads; i++)
		wait_on(done[0]);
}

static void all_go(int threads)
{
	int i;

	for (i = 0; i < threads; i++)
		signal_to(holders[i].go[1]);
}

static void start(int threads)
{
	int i;

	for (i = 0; i < threads; i++)
		holders[i].rng = rng_seed(300 + i);
	one_object();
	if (threads == 1)
		return;
	if (pipe(done))
		bench_die("no pipe");
	for (i = 0; i < threads; i++) {
		if (pipe(holders[i].go))
			bench_die("no pipe");
		spawn(&holders[i].thread, holder_main, &holders[i]);
	}
	all_done(threads);
}

static void step(int threads, void (*alone)(struct holder *h))
{
	if (threads == 1) {
		alone(&holders[0]);
		return;
	}
	all_go(threads);
	all_done(threads);
}

static void end(int threads)
{
	int i;

	if (threads == 1)
		return;
	all_go(threads);
	for (i = 0; i < threads; i++)
		join(holders[i].thread);
}

static enum kind kind_of(const char *name)
{
	int k;

	for (k = 0; k < NR_KINDS; k++)
		if (!strcmp(name, kind_names[k]))
			return k;
	bench_die("the second argument is small, large or mixed");
}

int main(int argc, char **argv)
{
	int threads = argc > 1 ? atoi(argv[1]) : 1;
	struct timespec rest = { .tv_sec = argc > 3 ? atoi(argv[3]) : SLEEP_S };
	size_t mib = argc > 4 ? strtoul(argv[4], NULL, 10) : TOTAL_MIB;
	struct rss first, peak, freed, slept, last;

	if (threads < 1 || threads > MAX_THREADS)
		bench_die("the first argument is a number of threads");
	kind = kind_of(argc > 2 ? argv[2] : "small");
	share = MIB(mib) / threads;

	start(threads);
	/* Code that runs only later belongs to the start all the same. */
	nanosleep(&(struct timespec){ 0 }, NULL);
	rss_now();
	first = rss_now();
	step(threads, holder_grow);
	peak = rss_now();
	step(threads, holder_free);
	freed = rss_now();
	nanosleep(&rest, NULL);
	slept = rss_now();
	if (threads == 1)
		one_object();
	last = rss_now();

	printf("idle: start_kib=%lu peak_kib=%lu freed_kib=%lu slept_kib=%lu "
	       "last_kib=%lu ratio=%.3f\n",
	       first.all, peak.all, freed.all, slept.all, last.all,
	       (double)last.all / (double)first.all);
	printf("anonymous: anon_start_kib=%lu anon_freed_kib=%lu "
	       "anon_last_kib=%lu\n",
	       first.anon, freed.anon, last.anon);
	end(threads);
	return 0;
}
