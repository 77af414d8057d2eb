/*
 * sleep.c - who looks once more before it sleeps (README.md: K, H).
 *
 * K. kswapd_rest() and kswapd_rouse() (mm/vmscan.c): it sleeps without a timer
 *    only if nobody has freed since.
 * H. closing and opening of a sheaf from outside (mm/percpu.c): an object that
 *    is pushed while a sheaf is drained is drained or refused or kept, once.
 *    The library's own functions.
 */
#include "litmus.h"
#include "liballoc.h"
#include "mm/percpu.h"
#include "slab/slab.h"

/* --- K --- */

enum { AWAKE, ASLEEP };

static struct cell {
	u32 state;
	u32 idle __aligned(64);
	u32 sleeps, roused;
} __aligned(128) cells[CELLS];

static void reset(void)
{
	memset(cells, 0, sizeof(cells));
}

static void rest(u32 i)
{
	struct cell *c = &cells[i];
	u32 awake = AWAKE;

	if (!__atomic_compare_exchange_n(&c->state, &awake, ASLEEP, false,
					 __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		return;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);		/* K1 */
	c->sleeps = !READ_ONCE(c->idle);
}

static void rouse(u32 i)
{
	struct cell *c = &cells[i];
	u32 asleep = ASLEEP;

	WRITE_ONCE(c->idle, 1);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);		/* K2 */
	if (READ_ONCE(c->state) == ASLEEP &&
	    __atomic_compare_exchange_n(&c->state, &asleep, AWAKE, false,
					__ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		c->roused = 1;
}

/* The same without what orders the store before the load. */
static void rest_weak(u32 i)
{
	struct cell *c = &cells[i];

	WRITE_ONCE(c->state, ASLEEP);
	c->sleeps = !READ_ONCE(c->idle);
}

static void rouse_weak(u32 i)
{
	struct cell *c = &cells[i];

	WRITE_ONCE(c->idle, 1);
	c->roused = READ_ONCE(c->state) == ASLEEP;
}

static u32 outcome(u32 i)
{
	const struct cell *c = &cells[i];

	return !c->sleeps ? 0 : c->roused ? 1 : 2;
}

/* --- H --- */

static struct kmem_cache *handle, *cache;
static void *objs[CELLS];
static u8 pushed[CELLS];
static u32 drained[CELLS];

static u32 number(const void *obj)
{
	for (u32 i = 0; i < CELLS; i++)
		if (objs[i] == obj)
			return i;
	return CELLS;
}

static void drained_put(u32 off, void **p, u32 n)
{
	for (u32 k = 0; k < n; k++) {
		u32 i = number(p[k]);

		if (i < CELLS)
			__atomic_fetch_add(&drained[i], 1, __ATOMIC_RELAXED);
	}
}

static void sheaf_reset(void)
{
	memset(drained, 0, sizeof(drained));
	memset(pushed, 0, sizeof(pushed));
}

static void push(u32 i)
{
	if (!percpu_capacity(cache->geo.off))
		percpu_grow(&cache->geo, 64);
	pushed[i] = percpu_push(cache->geo.off, objs[i]);
}

static void drain(u32 i)
{
	if (i % 16 == 0)
		percpu_drain(cache->geo.off, cache->geo.off, drained_put);
}

static u32 sheaf_outcome(u32 i)
{
	if (!i)
		percpu_drain(cache->geo.off, cache->geo.off, drained_put);
	return drained[i] != pushed[i] ? 2 : pushed[i];
}

static const struct litmus tests[] = {
	{ "K: no wake-up of kswapd is lost", { "it saw what is idle",
	  "it sleeps and is roused", "it sleeps, and nobody rouses it" }, 2,
	  false, reset, { rest, rouse }, outcome },
	{ "K without K1 and K2", { "it saw what is idle",
	  "it sleeps and is roused", "it sleeps, and nobody rouses it" }, 2,
	  true, reset, { rest_weak, rouse_weak }, outcome },
	{ "H: a push meets a drain", { "refused", "in the sheaf, then drained",
	  "lost, or drained twice" }, 2, false, sheaf_reset, { push, drain },
	  sheaf_outcome },
};

int main(int argc, char **argv)
{
	handle = alloc_kmem_cache_create("litmus", 64, 0, ALLOC_SLAB_NO_MERGE,
					 NULL);
	if (!handle)
		return 3;
	cache = kmem_cache_root(handle, "litmus");
	for (u32 i = 0; i < CELLS; i++) {
		objs[i] = alloc_kmem_cache_alloc(handle, ALLOC_GFP_KERNEL);
		if (!objs[i])
			return 3;
	}
	slab_reclaim_cache(cache);
	return litmus_main(tests, ARRAY_SIZE(tests), argc, argv);
}
