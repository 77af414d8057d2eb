/*
 * percpu_sheaf.c - pop and push: by restartable sequences, or on the block of
 * a slot under its lock; percpu.h has the invariants, arch/percpu_ops.h the
 * sequences.  The inlined paths (api/malloc.h) are the first of these.
 */
#include "lib/lock.h"
#include "mm/percpu.h"

static u32 slot_index(void)
{
	uintptr_t tp = arch_thread_pointer();

	return (u32)((tp >> 6) * 0x9e3779b97f4a7c15u >> 40) % percpu.nr_slots;
}

u32 percpu_index(void)
{
	if (percpu.mode == PERCPU_SLOTS)
		return slot_index();
	return arch_rseq_read(percpu.rseq, percpu.idx);
}

static uintptr_t block_base(void)
{
	return (uintptr_t)percpu.blocks - PERCPU_BIAS;
}

/* --- the operations on a block under its lock --- */

static u32 head_room(const struct sheaf_head *h)
{
	u32 hi = READ_ONCE(h->hi), cur = (u32)(uintptr_t)READ_ONCE(h->cur);

	return cur < hi ? (hi - cur) / (u32)sizeof(*h->cur) : 0;
}

static void *slot_pop(struct sheaf_head *h)
{
	void **cur = READ_ONCE(h->cur), *obj;

	if (!head_count(h))
		return NULL;
	obj = cur[-1];
	WRITE_ONCE(h->cur, cur - 1);
	return obj;
}

static bool slot_push(struct sheaf_head *h, void *obj)
{
	void **cur = READ_ONCE(h->cur);

	if (!head_room(h) || cur[-1] == obj ||
	    ((u32)(uintptr_t)obj & h->start_mask) * h->magic >> 16)
		return false;
	WRITE_ONCE(*cur, obj);
	WRITE_ONCE(h->cur, cur + 1);
	return true;
}

void *percpu_pop(u32 off)
{
	void *obj;
	u32 slot;

	switch (percpu.mode) {
	case PERCPU_CID:
		return arch_pop_cid(block_base(), percpu.rseq, off);
	case PERCPU_CPU:
		return arch_pop_cpu(block_base(), percpu.rseq, off);
	default:
		break;
	}
	slot = slot_index();
	if (!lock_try_enter(&percpu.slot_locks[slot]))
		return NULL;
	obj = slot_pop(percpu_head(slot, off));
	lock_exit(&percpu.slot_locks[slot]);
	return obj;
}

bool percpu_push(u32 off, void *obj)
{
	bool done;
	u32 slot;

	switch (percpu.mode) {
	case PERCPU_CID:
		return arch_push_cid(block_base(), percpu.rseq, off, obj);
	case PERCPU_CPU:
		return arch_push_cpu(block_base(), percpu.rseq, off, obj);
	default:
		break;
	}
	slot = slot_index();
	if (!lock_try_enter(&percpu.slot_locks[slot]))
		return false;
	done = slot_push(percpu_head(slot, off), obj);
	lock_exit(&percpu.slot_locks[slot]);
	return done;
}

u32 percpu_pop_batch(u32 off, void **dst, u32 n)
{
	struct sheaf_head *h;
	void **cur;
	u32 slot, got;

	if (percpu.mode != PERCPU_SLOTS)
		return arch_pop_batch(block_base(), percpu.rseq, percpu.idx,
				      off, dst, n);
	slot = slot_index();
	if (!lock_try_enter(&percpu.slot_locks[slot]))
		return 0;
	h = percpu_head(slot, off);
	/* The same order as the sequence: dst[0] is the lowest. */
	got = min(n, head_count(h));
	cur = READ_ONCE(h->cur) - got;
	if (got)	/* the cur of a closed head may be another's */
		WRITE_ONCE(h->cur, cur);
	for (u32 i = 0; i < got; i++)
		dst[i] = cur[i];
	lock_exit(&percpu.slot_locks[slot]);
	return got;
}

u32 percpu_push_batch(u32 off, void *const *src, u32 n)
{
	struct sheaf_head *h;
	void **cur;
	u32 slot, put;

	if (percpu.mode != PERCPU_SLOTS)
		return arch_push_batch(block_base(), percpu.rseq, percpu.idx,
				       off, src, n);
	slot = slot_index();
	if (!lock_try_enter(&percpu.slot_locks[slot]))
		return 0;
	h = percpu_head(slot, off);
	cur = READ_ONCE(h->cur);
	put = min(n, head_room(h));
	for (u32 i = 0; i < put; i++)
		WRITE_ONCE(cur[i], src[i]);
	if (put)
		WRITE_ONCE(h->cur, cur + put);
	lock_exit(&percpu.slot_locks[slot]);
	return put;
}
