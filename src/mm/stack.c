/*
 * stack.c - stacks with guards, kept warm when freed, and overflows by name.
 *
 *	guard (GUARD)	stack		guard (a page)
 *	no access	lo ... hi	no access
 *
 * All of it is one area of vmalloc's window, the lowest that fits, so stacks
 * lie side by side and share page tables.  Nothing of it is touched here.
 *
 * A freed stack goes to a cache, youngest first, and the next of its size is
 * served from there: no system call for its space, no page fault for its upper
 * end.  What lies deeper goes back to the OS at once, since one deep call is
 * no reason to keep that memory for ever.
 *
 * An overflow runs into the guard, and SIGSEGV comes.  With no stack left the
 * handler needs another one, an alternate stack, which every thread has to ask
 * for itself (stack_enter()).  They come from a pool.  Nobody has to give
 * his back: an entry whose thread is gone is taken over by the next that needs
 * one.  A few entries are looked at each time, going round, so there are never
 * many more than there were threads at once.
 *
 * Invariants, under lock:
 *   T1. a descriptor is in exactly one place: in use and hashed (LIVE, CACHED,
 *	 GOING), or in the list of unused ones.
 *   T2. CACHED ones are in cached, oldest last, and nr_cached is their number.
 *   T3. descriptors are made and never unmade; lo, hi and guard are set before
 *	 the state says LIVE.  So the fault handler reads them without a lock:
 *	 the stack that the thread runs on does not change meanwhile.
 *   T4. put_off is 1 only while LIVE: freed in a handler, and whoever makes
 *	 or frees a stack next does the rest.  Set without the lock, cleared
 *	 under it, with the state.
 *
 * Locking: LOCK_STACK; areas are made and given back without it.  In a handler
 * that interrupted a lock nothing begins that would take it twice: between the
 * two another thread could take it and wait for what was interrupted.
 */
#include <string.h>

#include "core/options.h"
#include "core/report.h"
#include "core/stats.h"
#include "lib/list.h"
#include "lib/lock.h"
#include "mm/memblock.h"
#include "mm/page.h"
#include "mm/stack.h"
#include "mm/vmalloc.h"
#include "sys/sys.h"

#define GUARD		(64 * KIB)	/* below; many a frame is large */
#define KEEP		(16 * KIB)	/* of a freed stack, below hi */
#define FRAME_MAX	MIB		/* sp may be that far below a guard */
#define ALT_SIZE	(64 * KIB)
#define ALT_LOOKS	8		/* entries tried before one is made */
#define CHUNK		62		/* descriptors made at once */
#define BUCKETS		256

enum { STACK_UNUSED, STACK_LIVE, STACK_GOING, STACK_CACHED };

struct stack {
	uintptr_t guard, lo, hi;
	u32 state;		/* atomic; under lock but for the handler */
	struct stack *next;	/* in its bucket, or unused */
	struct list_head list;	/* CACHED: by age */
	u64 stamp;		/* CACHED: sys_clock_ms() when freed */
	u32 put_off;		/* T4; atomic */
	uintptr_t dirty;	/* CACHED: from here on not known to be zero */
	bool reports;		/* LIVE: STACK_REPORT; before it is handed out */
	char name[STACK_NAME];
};

struct chunk {
	struct chunk *next;
	struct stack stacks[CHUNK];
};

/* An alternate stack, and whose it is; 0: nobody's. */
struct alt {
	struct alt *next;	/* in a ring */
	void *mem;
	int tid;
};

static struct lock lock = LOCK_INITIALIZER(LOCK_STACK);
static struct chunk *chunks;		/* only grows; read without lock */
static struct stack *unused;
static struct stack *buckets[BUCKETS];
static struct list_head cached = LIST_HEAD_INIT(cached);
static size_t nr_cached;
static struct alt *hand;		/* somewhere in the ring */
static uintptr_t lowest = UINTPTR_MAX, highest;	/* of all there ever were */
static u32 watching;			/* atomic */
static u32 nr_put_off;			/* atomic; a hint */

/* --- descriptors --- */

static struct stack **bucket_of(uintptr_t lo)
{
	return &buckets[(lo >> 12) * 0x9e3779b97f4a7c15u >> 56];
}

static bool chunk_add(void)
{
	struct chunk *c = memblock_alloc(sizeof(*c));

	if (!c)
		return false;
	for (u32 i = 0; i < CHUNK; i++) {
		c->stacks[i].next = unused;
		unused = &c->stacks[i];
	}
	c->next = chunks;
	store_release(&chunks, c);
	return true;
}

static struct stack *stack_get(void)
{
	struct stack *s = NULL;

	if (!lock_try_enter(&lock))
		return NULL;
	if (unused || chunk_add()) {
		s = unused;
		unused = s->next;
	}
	lock_exit(&lock);
	return s;
}

/* It is in no bucket. */
static void stack_put(struct stack *s)
{
	lock_enter(&lock);
	s->next = unused;
	unused = s;
	lock_exit(&lock);
}

static void unhash(struct stack *s)
{
	struct stack **at = bucket_of(s->lo);

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	WRITE_ONCE(s->state, STACK_UNUSED);
}

static struct stack *find_exact(uintptr_t lo)
{
	struct stack *s = *bucket_of(lo);

	while (s && s->lo != lo)
		s = s->next;
	return s;
}

/* T3: the stack whose guards and memory have @addr, in whatever state. */
static struct stack *find_around(uintptr_t addr)
{
	if (addr < READ_ONCE(lowest) || addr >= READ_ONCE(highest))
		return NULL;
	for (struct chunk *c = load_acquire(&chunks); c; c = c->next)
		for (u32 i = 0; i < CHUNK; i++) {
			struct stack *s = &c->stacks[i];

			if (load_acquire(&s->state) != STACK_UNUSED &&
			    addr >= s->guard &&
			    addr < s->hi + sys_page_size())
				return s;
		}
	return NULL;
}

/* --- making and giving back --- */

static struct stack *stack_make(size_t size)
{
	struct stack *s = stack_get();
	struct stack **at;
	char *lo;

	if (!s)
		return NULL;
	lo = vmalloc_stack(size, GUARD);
	if (!lo && stacks_purge())
		lo = vmalloc_stack(size, GUARD);
	if (!lo) {
		stack_put(s);
		return NULL;
	}
	s->lo = (uintptr_t)lo;
	s->hi = s->lo + size;
	s->guard = s->lo - GUARD;
	s->name[0] = '\0';
	lock_enter(&lock);
	WRITE_ONCE(lowest, min(lowest, s->guard));
	WRITE_ONCE(highest, max(highest, s->hi + sys_page_size()));
	at = bucket_of(s->lo);
	s->next = *at;
	*at = s;
	store_release(&s->state, STACK_LIVE);	/* T3 */
	lock_exit(&lock);
	return s;
}

static struct stack *cache_take(size_t size)
{
	struct stack *found = NULL;

	if (!READ_ONCE(nr_cached) || !lock_try_enter(&lock))
		return NULL;
	list_for_each(s, &cached, struct stack, list)
		if (s->hi - s->lo == size) {
			found = s;
			break;
		}
	if (found) {
		list_del(&found->list);
		ADD_ONCE(nr_cached, -1);
		found->name[0] = '\0';
		store_release(&found->state, STACK_LIVE);
	}
	lock_exit(&lock);
	return found;
}

/* Bytes below hi that a freed stack keeps. */
static size_t kept_bytes(const struct stack *s)
{
	size_t keep = ALIGN_UP(KEEP, sys_page_size());

	return min(keep, s->hi - s->lo);
}

static void fault(uintptr_t addr, uintptr_t sp);

static void watch(void)
{
	u32 none = 0;

	if (!READ_ONCE(watching) &&
	    __atomic_compare_exchange_n(&watching, &none, 1, false,
					__ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		sys_watch_faults(fault);
}

/* Oldest ones out of the cache until @keep are left; they are in no bucket. */
static void cache_cut(size_t keep, u64 freed_until, struct list_head *out)
{
	while (nr_cached > keep) {
		struct stack *s = list_last(&cached, struct stack, list);

		if (s->stamp > freed_until)
			break;
		list_del(&s->list);
		ADD_ONCE(nr_cached, -1);
		unhash(s);
		list_add(&s->list, out);
	}
}

static size_t give_back(struct list_head *out)
{
	size_t pages = 0;

	while (!list_empty(out)) {
		struct stack *s = list_first(out, struct stack, list);

		list_del(&s->list);
		pages += kept_bytes(s) >> PAGE_SHIFT;
		/* Re-entered: the space is lost, its memory is not. */
		if (!vfree_stack((void *)s->lo, GUARD))
			sys_discard((void *)s->lo, s->hi - s->lo);
		stack_put(s);
	}
	return pages;
}

static size_t purge(u64 freed_until)
{
	struct list_head out = LIST_HEAD_INIT(out);

	if (!READ_ONCE(nr_cached) || lock_is_reentry() ||
	    !lock_try_enter(&lock))
		return 0;
	cache_cut(0, freed_until, &out);
	lock_exit(&lock);
	return give_back(&out);
}

size_t stacks_purge(void)
{
	return purge(UINT64_MAX);
}

size_t stacks_purge_idle(u64 now_ms, u32 age_ms)
{
	return now_ms < age_ms ? 0 : purge(now_ms - age_ms);
}

size_t stacks_idle_pages(void)
{
	return READ_ONCE(nr_cached) * (KEEP >> PAGE_SHIFT);
}

static enum stack_result free_result(const struct stack *s, uintptr_t lo)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);

	if (!s)
		return STACK_NOT_OURS;
	if (READ_ONCE(s->state) != STACK_LIVE || READ_ONCE(s->put_off))
		return STACK_AGAIN;
	if (s->lo != lo)
		return STACK_MIDDLE;
	return here >= s->lo && here < s->hi ? STACK_IN_USE : STACK_OK;
}

/* A GOING one: the system call is made without the lock. */
static void cache_put(struct stack *s)
{
	struct list_head out = LIST_HEAD_INIT(out);
	u64 now;

	s->dirty = s->hi - kept_bytes(s);
	/* Locked memory stays, and so does what is in it. */
	if (s->dirty > s->lo && !sys_discard((void *)s->lo, s->dirty - s->lo))
		s->dirty = s->lo;
	now = sys_clock_ms();
	lock_enter(&lock);
	s->stamp = now;
	list_add(&s->list, &cached);
	ADD_ONCE(nr_cached, 1);
	store_release(&s->state, STACK_CACHED);
	cache_cut(options.stack_cache, UINT64_MAX, &out);
	lock_exit(&lock);
	give_back(&out);
}

/* T4: in a handler that interrupted a lock; takes none. */
static enum stack_result put_off(uintptr_t lo, size_t *size)
{
	struct stack *s = find_around(lo);
	enum stack_result ret = free_result(s, lo);

	*size = s ? s->hi - s->lo : 0;
	if (ret != STACK_OK)
		return ret;
	if (__atomic_exchange_n(&s->put_off, 1, __ATOMIC_RELAXED))
		return STACK_AGAIN;
	__atomic_fetch_add(&nr_put_off, 1, __ATOMIC_RELAXED);
	return STACK_OK;
}

static void end_put_off(struct stack *s)
{
	bool mine = false;

	if (!READ_ONCE(s->put_off) || !lock_try_enter(&lock))
		return;
	if (READ_ONCE(s->put_off)) {
		/* Unless another thread has freed it at the same time. */
		mine = s->state == STACK_LIVE;
		if (mine)
			WRITE_ONCE(s->state, STACK_GOING);
		WRITE_ONCE(s->put_off, 0);
		__atomic_fetch_sub(&nr_put_off, 1, __ATOMIC_RELAXED);
	}
	lock_exit(&lock);
	if (mine)
		cache_put(s);
}

static void end_all_put_off(void)
{
	if (likely(!READ_ONCE(nr_put_off)))
		return;
	for (struct chunk *c = load_acquire(&chunks); c; c = c->next)
		for (u32 i = 0; i < CHUNK; i++)
			end_put_off(&c->stacks[i]);
}

enum stack_result stack_free(void *addr, size_t *size)
{
	uintptr_t lo = (uintptr_t)addr;
	enum stack_result ret;
	struct stack *s;

	if (lock_is_reentry())
		return put_off(lo, size);
	end_all_put_off();
	if (!lock_try_enter(&lock))
		return STACK_BUSY;
	s = find_exact(lo);
	if (!s)
		s = find_around(lo);
	ret = free_result(s, lo);
	*size = s ? s->hi - s->lo : 0;
	if (ret == STACK_OK)
		WRITE_ONCE(s->state, STACK_GOING);
	lock_exit(&lock);
	if (ret == STACK_OK)
		cache_put(s);
	return ret;
}

void *stack_alloc(size_t size, u32 flags)
{
	struct stack *s;

	if (!size || size > PTRDIFF_MAX - 4 * MIB || lock_is_reentry())
		return NULL;
	end_all_put_off();
	size = ALIGN_UP(size, sys_page_size());
	s = cache_take(size);
	if (s) {
		stat_add(STAT_STACK_WARM, 1);
		if (flags & STACK_ZERO)
			memset((void *)s->dirty, 0, s->hi - s->dirty);
	} else {
		s = stack_make(size);
	}
	if (!s)
		return NULL;
	stat_add(STAT_STACK_ALLOC, 1);
	WRITE_ONCE(s->reports, flags & STACK_REPORT);
	if (flags & STACK_REPORT) {
		watch();
		/* This thread may be the one that runs coroutines on it. */
		stack_enter();
	}
	return (void *)s->lo;
}

/* --- whose it is --- */

bool stack_find(uintptr_t addr, struct stack_info *info)
{
	struct stack *s = find_around(addr);

	if (!s)
		return false;
	info->lo = s->lo;
	info->hi = s->hi;
	info->cached = READ_ONCE(s->state) != STACK_LIVE ||
		       READ_ONCE(s->put_off);
	memcpy(info->name, s->name, STACK_NAME);
	info->name[STACK_NAME - 1] = '\0';
	return true;
}

bool stack_set_name(void *lo, const char *name)
{
	char text[STACK_NAME] = "";
	struct stack *s;
	bool ok;

	/* It may begin just before the end of what is mapped. */
	sys_copy_safe(text, name, STACK_NAME - 1);
	for (char *c = text; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	if (!lock_try_enter(&lock))
		return false;
	s = find_exact((uintptr_t)lo);
	ok = s && s->state == STACK_LIVE;
	if (ok)
		memcpy(s->name, text, STACK_NAME);
	lock_exit(&lock);
	return ok;
}

/* --- overflow --- */

/*
 * On the alternate stack.  The address alone says little: any stray pointer
 * may hit a guard.  It is an overflow if the thread runs on that stack, and is
 * reported if that was asked for.
 */
static void fault(uintptr_t addr, uintptr_t sp)
{
	struct stack *s = find_around(addr);
	char name[STACK_NAME];

	if (!s || READ_ONCE(s->state) != STACK_LIVE ||
	    !READ_ONCE(s->reports) || addr >= s->lo || sp >= s->hi ||
	    sp + FRAME_MAX < s->guard)
		return;
	memcpy(name, s->name, sizeof(name));
	name[sizeof(name) - 1] = '\0';
	if (!name[0])
		sys_thread_name(name, sizeof(name));
	alloc_fatal("stack overflow: owner %s (tid %d), stack [%p, %p), "
		    "fault at %p", name, sys_tid(), (void *)s->lo,
		    (void *)s->hi, (void *)addr);
}

/* --- alternate stacks --- */

/* Nobody's, or of a thread that is gone. */
static struct alt *alt_reuse(int tid)
{
	struct alt *a = NULL;

	if (!hand)
		return NULL;
	for (u32 i = 0; i < ALT_LOOKS && !a; i++) {
		hand = hand->next;
		if (!hand->tid || hand->tid == tid ||
		    !sys_thread_exists(hand->tid))
			a = hand;
	}
	if (a)
		a->tid = tid;
	return a;
}

static struct alt *alt_make(int tid)
{
	void *mem = vmalloc_stack(ALT_SIZE, sys_page_size());
	struct alt *a = mem ? memblock_alloc(sizeof(*a)) : NULL;

	if (!a) {
		if (mem)
			vfree_stack(mem, sys_page_size());
		return NULL;
	}
	a->mem = mem;
	a->tid = tid;
	lock_enter(&lock);
	a->next = hand ? hand->next : a;
	if (hand)
		hand->next = a;
	hand = a;
	lock_exit(&lock);
	return a;
}

static void alt_set_tid(const void *mem, int tid)
{
	struct alt *a = hand;

	if (!a)
		return;
	do {
		if (a->mem == mem)
			a->tid = tid;
		a = a->next;
	} while (a != hand);
}

bool stack_enter(void)
{
	int tid = sys_tid();
	struct alt *a;

	if (sys_altstack())
		return true;
	if (lock_is_reentry() || !lock_try_enter(&lock))
		return false;
	a = alt_reuse(tid);
	lock_exit(&lock);
	if (!a)
		a = alt_make(tid);
	return a && sys_altstack_set(a->mem, ALT_SIZE);
}

static bool alt_is_ours(const void *mem)
{
	struct alt *a = hand;

	if (!a || !mem)
		return false;
	do {
		if (a->mem == mem)
			return true;
		a = a->next;
	} while (a != hand);
	return false;
}

void stack_leave(void)
{
	void *mem = sys_altstack();

	if (!mem || !lock_try_enter(&lock))
		return;
	/* Refused while it is in use. */
	if (alt_is_ours(mem) && sys_altstack_set(NULL, 0))
		alt_set_tid(mem, 0);
	lock_exit(&lock);
}

/* --- fork --- */

void stack_fork_lock(void)
{
	lock_fork_enter(&lock);
}

void stack_fork_unlock(void)
{
	lock_fork_exit(&lock);
}

/* The thread goes on under another number, with its alternate stack. */
void stack_fork_child(void)
{
	if (hand)
		alt_set_tid(sys_altstack(), sys_tid());
}
