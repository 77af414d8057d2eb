/*
 * shrinker_test.c - is each shrinker asked for what the arithmetic says, and
 * is none touched after it was taken away, whoever is in it?
 */
#include <stdatomic.h>

#include "mm/memblock.h"
#include "mm/shrinker.h"
#include "mm/vmalloc.h"
#include "steps.h"
#include "unit.h"

static struct shrinker *make(u32 flags, const char *fmt, ...)
{
	struct shrinker *s;
	va_list ap;

	va_start(ap, fmt);
	s = shrinker_alloc(flags, fmt, ap);
	va_end(ap);
	cr_assert(s);
	return s;
}

static bool register_old(struct shrinker *s, const char *fmt, ...)
{
	bool done;
	va_list ap;

	va_start(ap, fmt);
	done = register_shrinker(s, fmt, ap);
	va_end(ap);
	return done;
}

/* --- a shrinker that does as it is told and writes down what it was told --- */

#define MAX_CALLS 128

static struct {
	unsigned long count;
	unsigned long ret;		/* of scan; SCAN_ALL: what was asked */
	unsigned long scanned;		/* SCAN_ALL: leave nr_scanned */
	u32 counts, calls;
	unsigned long asked[MAX_CALLS];
	struct shrink_control last;
} fake;

#define SCAN_ALL (~0UL - 7)

static unsigned long fake_count(struct shrinker *s, struct shrink_control *sc)
{
	fake.counts++;
	fake.last = *sc;
	return fake.count;
}

static unsigned long fake_scan(struct shrinker *s, struct shrink_control *sc)
{
	cr_assert_eq(sc->nr_scanned, sc->nr_to_scan);
	if (fake.calls < MAX_CALLS)
		fake.asked[fake.calls] = sc->nr_to_scan;
	fake.calls++;
	if (fake.scanned != SCAN_ALL)
		sc->nr_scanned = fake.scanned;
	return fake.ret == SCAN_ALL ? sc->nr_to_scan : fake.ret;
}

static struct shrinker *fake_make(unsigned long count, int seeks, long batch)
{
	struct shrinker *s = make(0, "fake");

	cr_assert_eq(s->seeks, ALLOC_DEFAULT_SEEKS);
	s->count_objects = fake_count;
	s->scan_objects = fake_scan;
	s->seeks = seeks;
	s->batch = batch;
	fake.count = count;
	fake.ret = fake.scanned = SCAN_ALL;
	shrinker_register(s);
	return s;
}

/* One round: so many calls, each for @each but the last for @last. */
static void round_is(u32 priority, u32 calls, unsigned long each,
		     unsigned long last)
{
	unsigned long sum = 0;
	size_t freed;

	fake.calls = 0;
	freed = shrink_slab(GFP_KERNEL, priority);
	cr_assert_eq(fake.calls, calls, "priority %u: %u calls", priority,
		     fake.calls);
	for (u32 i = 0; i < calls; i++) {
		cr_assert_eq(fake.asked[i], i + 1 < calls ? each : last,
			     "priority %u, call %u: %lu", priority, i,
			     fake.asked[i]);
		sum += fake.asked[i];
	}
	if (fake.ret == SCAN_ALL)
		cr_assert_eq(freed, sum);
}

#define UP .init = unit_up

/* --- the arithmetic, against figures computed by hand --- */

Test(shrinker, nobody, UP)
{
	cr_assert_eq(shrink_slab(GFP_KERNEL, 0), 0);
	make(0, "never registered")->count_objects = fake_count;
	cr_assert_eq(nr_shrinkers, 0);
	cr_assert_eq(shrink_slab(GFP_KERNEL, 0), 0);
	cr_assert_eq(fake.counts, 0);
	fake_make(10, 2, 0);
	shrink_slab(GFP_KERNEL, 0);
	cr_assert_eq(fake.counts, 1, "not by the other's count");
}

/* 4096 objects, two seeks: 2 are due at 12, twice as many at each below. */
Test(shrinker, priorities, UP)
{
	fake_make(4096, 2, 0);
	for (u32 p = 12; p > 6; p--)
		round_is(p, 0, 0, 0);
	/* 2 + 4 + ... + 64 = 126 were put off.  126 >> 6, and 128. */
	round_is(6, 1, 128, 128);
	/* 126 + 128 - 128 are left: 126 >> 5, and 256: 259, two whole batches. */
	round_is(5, 2, 128, 128);
	/* 126 >> 0 and 8192, at most twice what there is. */
	round_is(0, 64, 128, 128);
	round_is(0, 64, 128, 128);
}

Test(shrinker, seeks, UP)
{
	fake_make(4096, 8, 0);
	/* 256 * 4 / 8 */
	round_is(4, 1, 128, 128);
	/* 4096 * 4 / 8 */
	round_is(0, 16, 128, 128);
}

/* Half of them, whatever the priority; 500 are 3 batches and 116. */
Test(shrinker, cheap_ones, UP)
{
	fake_make(1000, 0, 0);
	round_is(12, 3, 128, 128);
	/* 116 >> 12, and 500; 232 are put off. */
	round_is(12, 3, 128, 128);
	/* 232 and 500: 5 batches, 92 left. */
	round_is(0, 5, 128, 128);
}

Test(shrinker, batches, UP)
{
	fake_make(4096, 2, 100);
	/* 512: five whole ones. */
	round_is(4, 5, 100, 100);
	/* 12 >> 3, and 1024: 1025. */
	round_is(3, 10, 100, 100);
}

/* Fewer than a batch: all of them or none. */
Test(shrinker, few, UP)
{
	fake_make(10, 2, 0);
	round_is(3, 0, 0, 0);
	round_is(2, 0, 0, 0);
	/* 2 + 4 put off: 6 >> 0, and 20; at most 20. */
	round_is(0, 1, 20, 20);
}

Test(shrinker, nothing, UP)
{
	fake_make(0, 2, 0);
	round_is(0, 0, 0, 0);
	fake.count = SHRINK_EMPTY;
	round_is(0, 0, 0, 0);
	cr_assert_eq(fake.counts, 2);
	/* Nothing was put off either. */
	fake.count = 4096;
	round_is(6, 1, 128, 128);
}

/* What was not done is put off, but never more than twice what there is. */
Test(shrinker, stop_and_later, UP)
{
	u64 freed = stat_read(STAT_SHRINK_FREED);

	fake_make(1000, 2, 0);
	fake.ret = SHRINK_STOP;
	for (u32 i = 0; i < 10; i++)
		round_is(0, 1, 128, 128);
	cr_assert_eq(stat_read(STAT_SHRINK_FREED), freed);
	fake.ret = SCAN_ALL;
	/* 2000 >> 3 and 250: 3 batches, 116 of the 500 not done. */
	round_is(3, 3, 128, 128);
	/* 2000 + 250 - 384 = 1866; >> 1 = 933, and 1000; 15 batches. */
	round_is(1, 15, 128, 128);
}

/* A shrinker may look at fewer than it was asked to. */
Test(shrinker, looked_at_fewer, UP)
{
	fake_make(4096, 2, 0);
	fake.scanned = 32;
	fake.ret = 5;
	/* 256, 32 at a time, while a batch is due. */
	round_is(5, 5, 128, 128);
	cr_assert_eq(stat_read(STAT_SHRINK_SCANNED), 160);
	cr_assert_eq(stat_read(STAT_SHRINK_FREED), 25);
	/* Or at none: that is the end of the round. */
	fake.scanned = 0;
	round_is(0, 1, 128, 128);
}

Test(shrinker, what_it_is_told, UP)
{
	struct shrinker *s = fake_make(100, 2, 0);

	shrink_slab(GFP_KERNEL | __GFP_PREFAULT, 0);
	cr_assert_eq(fake.last.gfp_mask, GFP_KERNEL, "what is ours is hidden");
	cr_assert_eq(fake.last.nid, (int)sys_node_id(0));
	cr_assert_null(fake.last.memcg);
	cr_assert_eq(s->flags, 0);
}

/* Flags of whoever is short of memory, and what its thread forbids besides. */
Test(shrinker, what_it_may_do, UP)
{
	gfp_t was;

	fake_make(100, 2, 0);
	shrink_slab(GFP_NOFS, 0);
	cr_assert_eq(fake.last.gfp_mask, GFP_NOFS);
	was = shrink_for(GFP_NOFS);
	shrink_slab(GFP_KERNEL, 0);
	cr_assert_eq(fake.last.gfp_mask, GFP_NOFS);
	shrink_for(GFP_NOIO);
	shrink_slab(GFP_KERNEL, 0);
	cr_assert_eq(fake.last.gfp_mask, GFP_NOIO);
	/* Who may do no I/O enters no file system. */
	shrink_forbids = __GFP_IO;
	shrink_slab(GFP_KERNEL, 0);
	cr_assert_eq(fake.last.gfp_mask, GFP_NOIO);
	shrink_forbids = was;
	shrink_slab(GFP_KERNEL, 0);
	cr_assert_eq(fake.last.gfp_mask, GFP_KERNEL);
}

/* Two nodes on paper: only who knows of nodes is asked for each. */
Test(shrinker, nodes, UP)
{
	struct shrinker *s;

	nr_nodes = 2;
	s = fake_make(100, 2, 0);
	shrink_slab(GFP_KERNEL, 0);
	cr_assert_eq(fake.counts, 1);
	s->flags = SHRINKER_NUMA_AWARE | ALLOC_SHRINKER_MEMCG_AWARE;
	fake.counts = 0;
	shrink_slab(GFP_KERNEL, 0);
	cr_assert_eq(fake.counts, 2);
	nr_nodes = 1;
}

/* --- registration --- */

static struct shrinker old = {
	.count_objects = fake_count, .scan_objects = fake_scan, .seeks = 2,
};

Test(shrinker, old_registration, UP)
{
	fake.count = 10;
	fake.ret = fake.scanned = SCAN_ALL;
	cr_assert(register_old(&old, NULL));
	cr_assert_eq(nr_shrinkers, 1);
	round_is(0, 1, 20, 20);
	unregister_shrinker(&old);
	cr_assert_eq(nr_shrinkers, 0);
	round_is(0, 0, 0, 0);
	unregister_shrinker(&old);	/* as in the kernel: nothing */
	unregister_shrinker(NULL);
	cr_assert(register_old(&old, "again-%d", 2));
	round_is(0, 1, 20, 20);
}

Test(shrinker, entries_are_used_again, UP)
{
	size_t bytes;

	shrinker_free(make(0, "first"));
	bytes = memblock_bytes();
	for (u32 i = 0; i < 10000; i++) {
		struct shrinker *s = fake_make(1, 2, 0);

		cr_assert_eq(s->private_data, NULL);
		s->private_data = s;
		shrinker_free(s);
	}
	cr_assert_eq(memblock_bytes(), bytes);
	cr_assert_eq(nr_shrinkers, 0);
	shrinker_free(NULL);
}

static void twice(void *arg)
{
	struct shrinker *s = fake_make(1, 2, 0);

	shrinker_register(s);
}

static void old_twice(void *arg)
{
	register_old(&old, "cache");
	register_old(&old, "cache");
}

static void free_twice(void *arg)
{
	struct shrinker *s = fake_make(1, 2, 0);

	shrinker_free(s);
	shrinker_free(s);
}

static void no_scan(void *arg)
{
	struct shrinker *s = make(0, "half");

	s->count_objects = fake_count;
	shrinker_register(s);
}

static void foreign(void *arg)
{
	shrinker_register(&old);
}

static void wrong_end(void *arg)
{
	register_old(&old, "cache");
	shrinker_free(&old);
}

static void other_wrong_end(void *arg)
{
	unregister_shrinker(fake_make(1, 2, 0));
}

Test(shrinker, misuse, UP)
{
	unit_reports(twice, NULL, "liballoc: double shrinker_register: 0x");
	unit_reports(old_twice, NULL, "liballoc: double register_shrinker: 0x");
	unit_reports(free_twice, NULL, "liballoc: invalid shrinker_free: 0x");
	unit_reports(no_scan, NULL,
		     "liballoc: shrinker_register: half has no scan_objects");
	unit_reports(foreign, NULL, "liballoc: invalid shrinker_register: 0x");
	unit_reports(wrong_end, NULL, "liballoc: invalid shrinker_free: 0x");
	unit_reports(other_wrong_end, NULL,
		     "liballoc: invalid unregister_shrinker: 0x");
}

/* --- taken away while it runs --- */

static struct shrinker *self;
static u32 self_calls;

static unsigned long scan_and_free_self(struct shrinker *s,
					struct shrink_control *sc)
{
	self_calls++;
	shrinker_free(s);
	return 1;
}

static unsigned long scan_and_unregister_self(struct shrinker *s,
					      struct shrink_control *sc)
{
	self_calls++;
	unregister_shrinker(s);
	memset(s, 0xff, sizeof(*s));	/* it is ours again */
	return 1;
}

static unsigned long count_and_free_self(struct shrinker *s,
					 struct shrink_control *sc)
{
	self_calls++;
	shrinker_free(s);
	return 1000000;
}

/* The others are still asked, before it and behind it. */
Test(shrinker, frees_itself, UP)
{
	struct shrinker *mine;

	fake_make(10, 2, 0);
	self = fake_make(10000, 2, 0);
	self->scan_objects = scan_and_free_self;
	fake_make(10, 2, 0);
	cr_assert_eq(nr_shrinkers, 3);
	fake.counts = fake.calls = 0;
	shrink_slab(GFP_KERNEL, 0);
	cr_assert_eq(self_calls, 1);
	cr_assert_eq(fake.counts, 3);
	cr_assert_eq(fake.calls, 2);
	cr_assert_eq(nr_shrinkers, 2);
	/* Its entry is free for another. */
	mine = make(0, "next");
	cr_assert_eq(mine, self);
	mine->count_objects = count_and_free_self;
	mine->scan_objects = fake_scan;
	shrinker_register(mine);
	shrink_slab(GFP_KERNEL, 0);
	cr_assert_eq(self_calls, 2);
	cr_assert_eq(fake.calls, 4);
}

Test(shrinker, unregisters_itself, UP)
{
	struct shrinker mine = {
		.count_objects = fake_count,
		.scan_objects = scan_and_unregister_self, .seeks = 2,
	};

	fake.count = 100000;
	cr_assert(register_old(&mine, "mine"));
	shrink_slab(GFP_KERNEL, 0);
	cr_assert_eq(self_calls, 1);
	shrink_slab(GFP_KERNEL, 0);
	cr_assert_eq(self_calls, 1);
}

static atomic_uint in_scan, go_on, freed_it, late;

static unsigned long scan_slowly(struct shrinker *s, struct shrink_control *sc)
{
	in_scan++;
	while (!go_on)
		usleep(1000);
	late += freed_it;
	in_scan--;
	return SHRINK_STOP;
}

static void *shrink_thread(void *arg)
{
	shrink_slab(GFP_KERNEL, 0);
	return NULL;
}

static void *free_thread(void *arg)
{
	shrinker_free(arg);
	freed_it = 1;
	return NULL;
}

Test(shrinker, freeing_waits, UP)
{
	struct shrinker *s = fake_make(1000, 2, 0);
	pthread_t in[2], out;

	s->scan_objects = scan_slowly;
	pthread_create(&in[0], NULL, shrink_thread, NULL);
	pthread_create(&in[1], NULL, shrink_thread, NULL);
	while (in_scan < 2)
		usleep(1000);
	pthread_create(&out, NULL, free_thread, s);
	/* Before that, this thread would enter it, and never say go on. */
	while (READ_ONCE(nr_shrinkers))
		usleep(1000);
	usleep(50000);
	cr_assert_eq(freed_it, 0, "it did not wait");
	/* Nobody enters any more, and others can be registered. */
	fake.counts = 0;
	shrink_slab(GFP_KERNEL, 0);
	cr_assert_eq(fake.counts, 0);
	fake_make(10, 2, 0);
	go_on = 1;
	pthread_join(in[0], NULL);
	pthread_join(in[1], NULL);
	pthread_join(out, NULL);
	cr_assert_eq(late, 0);
	cr_assert_eq(nr_shrinkers, 1);
}

/* A run in another thread is not there in the child. */
Test(shrinker, fork_child, UP)
{
	struct shrinker *s = fake_make(1000, 2, 0);
	pthread_t in;
	int status;
	pid_t pid;

	s->scan_objects = scan_slowly;
	pthread_create(&in, NULL, shrink_thread, NULL);
	while (!in_scan)
		usleep(1000);
	shrinkers_fork_lock();
	pid = fork();
	if (!pid) {
		alarm(10);
		shrinkers_fork_child();
		shrinkers_fork_unlock();
		if (nr_shrinkers != 1)
			_exit(1);
		fake.counts = 0;
		s->scan_objects = fake_scan;
		shrink_slab(GFP_KERNEL, 0);
		if (fake.counts != 1)
			_exit(2);
		shrinker_free(s);	/* does not wait */
		_exit(nr_shrinkers);
	}
	shrinkers_fork_unlock();
	go_on = 1;
	pthread_join(in, NULL);
	cr_assert(waitpid(pid, &status, 0) == pid);
	cr_assert_eq(status, 0, "status %x", status);
}

/* --- the end --- */

static void *go_on_later(void *arg)
{
	usleep(100000);
	go_on = 1;
	return NULL;
}

Test(shrinker, stops, UP)
{
	struct shrinker *s = fake_make(1000, 2, 0);
	pthread_t in, later;

	s->scan_objects = scan_slowly;
	pthread_create(&in, NULL, shrink_thread, NULL);
	while (!in_scan)
		usleep(1000);
	pthread_create(&later, NULL, go_on_later, NULL);
	shrinkers_stop();
	cr_assert_eq(in_scan, 0, "it did not wait");
	fake.counts = 0;
	shrink_slab(GFP_KERNEL, 0);
	cr_assert_eq(fake.counts, 0);
	pthread_join(in, NULL);
	pthread_join(later, NULL);
}

static unsigned long scan_and_stop(struct shrinker *s,
				   struct shrink_control *sc)
{
	shrinkers_stop();	/* exit() in a callback */
	return SHRINK_STOP;
}

Test(shrinker, stops_inside, UP)
{
	u64 start = unit_now_ns();

	fake_make(1000, 2, 0)->scan_objects = scan_and_stop;
	fake_make(1000, 2, 0);
	shrink_slab(GFP_KERNEL, 0);
	cr_assert_eq(fake.calls, 0);
	cr_assert_lt(unit_now_ns() - start, 900000000);
}

/* --- many threads --- */

#define SHRINKERS 8

static struct {
	struct shrinker s;
	atomic_uint live, inside;
} many[SHRINKERS];
static atomic_uint stop, wrong;

static unsigned long many_count(struct shrinker *s, struct shrink_control *sc)
{
	return 1000;
}

static unsigned long many_scan(struct shrinker *s, struct shrink_control *sc)
{
	u32 i = (u32)(uintptr_t)s->private_data;

	many[i].inside++;
	if (!many[i].live)
		wrong++;
	sched_yield();
	if (!many[i].live)
		wrong++;
	many[i].inside--;
	return sc->nr_to_scan;
}

static void *shrink_on(void *arg)
{
	while (!stop)
		shrink_slab(GFP_KERNEL, 0);
	return NULL;
}

static void *come_and_go(void *arg)
{
	u32 i = (u32)(uintptr_t)arg;

	while (!stop) {
		many[i].live = 1;
		if (!register_old(&many[i].s, "many-%u", i))
			wrong++;
		sched_yield();
		unregister_shrinker(&many[i].s);
		many[i].live = 0;
		if (many[i].inside)
			wrong++;
	}
	return NULL;
}

Test(shrinker, many_come_and_go, UP, .timeout = 60)
{
	pthread_t t[SHRINKERS + 3];
	u64 start = unit_now_ns();

	for (u32 i = 0; i < SHRINKERS; i++) {
		many[i].s = (struct shrinker){
			.count_objects = many_count, .scan_objects = many_scan,
			.seeks = 2, .private_data = (void *)(uintptr_t)i,
		};
		pthread_create(&t[i], NULL, come_and_go,
			       (void *)(uintptr_t)i);
	}
	for (u32 i = 0; i < 3; i++)
		pthread_create(&t[SHRINKERS + i], NULL, shrink_on, NULL);
	while (unit_go_on(start, 500, stat_read(STAT_SHRINK_CALLS) > 100))
		usleep(10000);
	stop = 1;
	for (u32 i = 0; i < SHRINKERS + 3; i++)
		pthread_join(t[i], NULL);
	cr_assert_eq(wrong, 0);
	cr_assert_gt(stat_read(STAT_SHRINK_CALLS), 100);
	cr_assert_eq(nr_shrinkers, 0);
}

#ifdef __x86_64__
static void shrink_once(void)
{
	shrink_slab(GFP_KERNEL, 0);
}

/* The child of a handler's fork leaves what it was in, and waits for nobody. */
Test(shrinker, forks_at_each_instruction, UP)
{
	struct shrinker *s = fake_make(0, 2, 0);
	u32 at = 0;

	alarm(50);
	for (; steps_run(shrink_once, at, shrinkers_fork_child); at++) {
		shrinker_free(s);
		REQUIRE(nr_shrinkers == 0, "at %u", at);
		s = fake_make(0, 2, 0);
	}
	cr_assert_gt(at, 50);
}
#endif
