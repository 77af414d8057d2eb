/*
 * percpu_test.c - S1 to S4: sheaves open and grow, and no object is lost or
 * doubled while threads push, pop, drain and freeze; in all three modes.
 */
#include "sheaves.h"

#include <sys/mman.h>
#include <ucontext.h>

#include "mm/percpu_block.h"

TEST_MODES(percpu, growing_keeps_the_objects)
{
	struct sheaf_head *h;
	u32 full = 0;

	alone();
	for (u32 capacity = 2; capacity <= 256; capacity *= 2) {
		for (u32 n = 0; n < NR_SHEAVES; n++) {
			cr_assert(grow(OFF(n), capacity));
			cr_assert(!grow(OFF(n), capacity), "large enough");
			cr_assert(!grow(OFF(n), capacity / 2));
			cr_assert_eq(percpu_capacity(OFF(n)), capacity);
			for (u32 i = full; i < capacity; i++)
				cr_assert(push(OFF(n), obj(n * 1000 + i + 1)));
			cr_assert(!push(OFF(n), obj(999999)));
		}
		cr_assert(heads_are_valid());
		full = capacity;
	}
	for (u32 n = 0; n < NR_SHEAVES; n++)
		for (u32 i = full; i--;)
			cr_assert_eq(pop(OFF(n)), obj(n * 1000 + i + 1));
	h = percpu_head(percpu_index(), OFF(3));
	cr_assert_eq(h->magic, MAGIC_ALIGNED);
	cr_assert_eq(h->start_mask, 15);
	cr_assert_eq(h->size_code, 7);
}

/* Arrays are disjoint, inside the block, and used again when grown out of. */
TEST_MODES(percpu, arrays_fit_in_the_block)
{
	char *block = (char *)percpu_head(percpu_index(), 0);
	u32 opened = 0;

	alone();
	block = (char *)percpu_head(percpu_index(), 0);
	for (u32 n = 0; n < 500; n++)
		opened += grow(OFF(n), 256);
	cr_assert_eq(opened, (PERCPU_STRIDE - 65536) / (257 * 8));
	for (u32 n = 0; n < opened; n++) {
		struct sheaf_head *h = percpu_head(percpu_index(), OFF(n));

		cr_assert_geq((char *)(head_slot(h, h->lo) - 1), block + 65536);
		cr_assert_leq((char *)head_slot(h, h->hi),
			      block + PERCPU_STRIDE);
		cr_assert_eq(h->hi - h->lo, 256 * sizeof(void *));
		for (u32 m = 0; m < n; m++) {
			struct sheaf_head *o =
				percpu_head(percpu_index(), OFF(m));

			cr_assert(h->hi < o->lo || o->hi < h->lo);
		}
	}
}

TEST_MODES(percpu, arrays_grown_out_of_serve_again)
{
	u32 left[8], at;

	alone();
	at = percpu_index();
	for (u32 i = 0; i < 8; i++) {
		u32 capacity = 2u << i;

		cr_assert(grow(OFF(0), capacity));
		left[i] = percpu_head(at, OFF(0))->lo;
	}
	for (u32 i = 0; i < 7; i++) {
		cr_assert(grow(OFF(1 + i), 2u << i));
		cr_assert_eq(percpu_head(at, OFF(1 + i))->lo, left[i]);
		cr_assert_null(head_slot(percpu_head(at, 0), left[i])[-1],
			       "read by push");
	}
}

/* --- all at once --- */

static u8 state[NR_IDS];	/* 1: in a hand, 2: in a sheaf */
static u32 errors;
static int stop;
static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
static void *pool[NR_IDS];
static u32 nr_pool;

static void now(void *p, u8 from, u8 to)
{
	if (id_of(p) >= NR_IDS ||
	    __atomic_exchange_n(&state[id_of(p)], to, __ATOMIC_RELAXED) != from)
		__atomic_fetch_add(&errors, 1, __ATOMIC_RELAXED);
}

static void to_pool(u32 off, void **objs, u32 n)
{
	pthread_mutex_lock(&pool_lock);
	for (u32 i = 0; i < n; i++) {
		now(objs[i], 2, 1);
		if (nr_pool < NR_IDS)
			pool[nr_pool++] = objs[i];
	}
	pthread_mutex_unlock(&pool_lock);
}

static u32 from_pool(void **objs, u32 n)
{
	u32 got = 0;

	pthread_mutex_lock(&pool_lock);
	while (got < n && nr_pool)
		objs[got++] = pool[--nr_pool];
	pthread_mutex_unlock(&pool_lock);
	return got;
}

static void give(u32 off, void **hand, u32 *n, u32 batch)
{
	u32 put = 0;

	if (batch == 1) {
		now(hand[*n - 1], 1, 2);
		if (percpu_push(off, hand[*n - 1]))
			put = 1;
		else
			now(hand[*n - 1], 2, 1);
	} else {
		for (u32 i = 0; i < batch; i++)
			now(hand[*n - batch + i], 1, 2);
		put = percpu_push_batch(off, hand + *n - batch, batch);
		for (u32 i = put; i < batch; i++)
			now(hand[*n - batch + i], 2, 1);
		/* The rest stays in hand. */
		memmove(hand + *n - batch, hand + *n - batch + put,
			(batch - put) * sizeof(*hand));
	}
	*n -= put;
}

static void get(u32 off, void **hand, u32 *n, u32 batch)
{
	u32 got = 0;

	if (batch == 1) {
		hand[*n] = percpu_pop(off);
		got = hand[*n] != NULL;
	} else {
		got = percpu_pop_batch(off, hand + *n, batch);
	}
	for (u32 i = 0; i < got; i++)
		now(hand[*n + i], 2, 1);
	*n += got;
}

/*
 * A user grows what it uses, as the library's slow paths do: the grower's own
 * slot, or CPU, may be none that a user has.
 */
static void grow_some(u64 *seed)
{
	grow(OFF(rnd_below(seed, NR_SHEAVES)), 1u << (1 + rnd_below(seed, 6)));
}

static void *user(void *arg)
{
	u64 seed = 51 + (uintptr_t)arg;
	void *hand[600];
	u32 n = 0;

	while (!READ_ONCE(stop)) {
		u32 off = OFF(rnd_below(&seed, NR_SHEAVES));
		u32 batch = rnd_below(&seed, 3) ? 1 :
			    (u32)rnd_below(&seed, 40) + 1;

		if (rnd_below(&seed, 2) && n + batch < 600)
			get(off, hand, &n, batch);
		else if (n >= batch)
			give(off, hand, &n, batch);
		else
			n += from_pool(hand + n, 20);
		if (rnd_below(&seed, 500) == 0) {
			grow_some(&seed);
			sched_yield();
		}
	}
	pthread_mutex_lock(&pool_lock);
	while (n && nr_pool < NR_IDS)
		pool[nr_pool++] = hand[--n];
	pthread_mutex_unlock(&pool_lock);
	return NULL;
}

static void *grower(void *arg)
{
	u64 seed = 99;

	while (!READ_ONCE(stop)) {
		grow_some(&seed);
		usleep(50);
	}
	return NULL;
}

static void *drainer(void *arg)
{
	u64 seed = 98;

	while (!READ_ONCE(stop)) {
		u32 first = (u32)rnd_below(&seed, NR_SHEAVES);

		percpu_drain(OFF(first), OFF(NR_SHEAVES), to_pool);
		if (rnd_below(&seed, 4) == 0) {
			percpu_freeze();
			usleep(100);
			percpu_thaw();
		}
		usleep(300);
	}
	return NULL;
}

TEST_MODES(percpu, threads_grow_drain_and_freeze, .timeout = 60)
{
	pthread_t t[5];

	for (u32 id = 1; id < NR_IDS; id++) {
		state[id] = 1;
		pool[nr_pool++] = obj(id);
	}
	for (uintptr_t i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, user, (void *)i);
	pthread_create(&t[3], NULL, grower, NULL);
	pthread_create(&t[4], NULL, drainer, NULL);
	/* Longer only where the machine is busy with other things. */
	for (u32 i = 0; i < 7 || (i < 100 && !stat_read(STAT_SHEAF_DRAIN));
	     i++)
		usleep(100000);
	WRITE_ONCE(stop, 1);
	for (u32 i = 0; i < 5; i++)
		pthread_join(t[i], NULL);
	cr_assert(heads_are_valid());
	percpu_drain(OFF(0), OFF(NR_SHEAVES), to_pool);
	cr_assert_eq(errors, 0, "%u objects had two owners", errors);
	cr_assert_eq(nr_pool, NR_IDS - 1, "%u of %u are left", nr_pool,
		     NR_IDS - 1);
	for (u32 i = 0; i < nr_pool; i++)
		now(pool[i], 1, 3);
	cr_assert_eq(errors, 0);
	cr_assert_gt(stat_read(STAT_SHEAF_GROW), 0);
	cr_assert_gt(stat_read(STAT_SHEAF_DRAIN), 0, "grown %lu times",
		     stat_read(STAT_SHEAF_GROW));
}

static bool is_known(u32 off, const void *p)
{
	return off == OFF(0) && id_of(p) < NR_IDS;
}

Test(percpu, the_walk_sees_what_is_broken, .init = unit_up)
{
	struct sheaf_head *h;
	void **cur, **lo;

	alone();
	cr_assert(grow(OFF(0), 8));
	h = percpu_head(percpu_index(), OFF(0));
	for (uintptr_t i = 1; i <= 4; i++)
		cr_assert(push(OFF(0), obj(i)));
	cur = h->cur;
	lo = head_slot(h, h->lo);
	cr_assert(percpu_is_valid(is_known));
	h->cur = head_slot(h, h->hi) + 1;
	cr_assert(!percpu_is_valid(is_known), "S1: above hi");
	h->cur = lo - 1;
	cr_assert(!percpu_is_valid(is_known), "S1: below lo");
	h->cur = cur;
	lo[1] = lo[3];
	cr_assert(!percpu_is_valid(is_known), "S1: twice");
	lo[1] = obj(NR_IDS);
	cr_assert(!percpu_is_valid(is_known), "S1: not of the cache");
	lo[1] = obj(2);
	h->lo += sizeof(*lo);
	cr_assert(!percpu_is_valid(is_known), "not an array");
	h->lo -= sizeof(*lo);
	cr_assert(percpu_is_valid(is_known));
}

/* A block may end where the high half of addresses changes: hi is never 0. */
Test(percpu, a_block_that_ends_at_4_gib, .init = unit_up)
{
	char *end = (char *)(1ul << 45), *blocks = percpu.blocks, *mem;
	u32 cpu, grown = 0;

	alone();
	cpu = percpu_index();
	mem = mmap(end - PERCPU_STRIDE, PERCPU_STRIDE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	cr_assert_eq(mem, end - PERCPU_STRIDE);
	percpu.blocks = mem - ((size_t)cpu << PERCPU_SHIFT);
	memset(percpu_blocks[cpu].free, 0, sizeof(percpu_blocks[cpu].free));
	/* Room for three arrays of 64 to the byte. */
	percpu_blocks[cpu].next = PERCPU_STRIDE - 3 * 65 * sizeof(void *);
	for (u32 n = 0; n < 3; n++)
		if (grow(OFF(n), 64)) {
			cr_assert_eq(percpu_capacity(OFF(n)), 64);
			cr_assert(push(OFF(n), obj(1)));
			grown++;
		}
	cr_assert_eq(grown, 2);
	percpu.blocks = blocks;
}

#ifdef __x86_64__

#define TRAP_FLAG 0x100

static u32 steps, step_at;

/* What another does meanwhile, or a handler: open the sheaf and fill it. */
static void on_step(int sig __unused, siginfo_t *si __unused, void *ctx)
{
	ucontext_t *uc = ctx;

	if (steps++ != step_at)
		return;
	grow(OFF(0), 64);
	for (uintptr_t i = 1; i <= 40; i++)
		push(OFF(0), obj(i));
	uc->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
}

static void opened_while_looked_through(void *arg __unused)
{
	struct sigaction sa = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO };

	sigaction(SIGTRAP, &sa, NULL);
	__asm__ volatile("pushfq; orq %0, (%%rsp); popfq"
			 : : "i" (TRAP_FLAG) : "memory", "cc");
	percpu_contains(OFF(0), obj(3999));
	__asm__ volatile("pushfq; andq %0, (%%rsp); popfq"
			 : : "i" (~TRAP_FLAG) : "memory", "cc");
	_exit(steps > step_at);
}

Test(percpu, a_sheaf_that_opens_while_it_is_looked_through, .init = unit_up)
{
	char text[512];
	int more = 1;

	alone();
	for (step_at = 0; more && step_at < 200; step_at++) {
		int status = unit_child(opened_while_looked_through, NULL, text,
					sizeof(text));

		cr_assert(WIFEXITED(status), "step %u: %s", step_at, text);
		more = WEXITSTATUS(status);
	}
	cr_assert_gt(step_at, 5);
	cr_assert(!more);
}

#endif
