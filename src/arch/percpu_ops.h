/*
 * percpu_ops.h - the restartable sequences, one contract for every CPU.
 *
 * Each per-CPU block is an array of struct sheaf_head, one for each cache,
 * followed by the arrays they point into.  A head is
 *
 *	cur   one past the top object of the array
 *	lo    pop works only while cur > lo   (~0: closed)
 *	hi    push works only while cur < hi  (0: closed; a zero head is closed)
 *	guess what cur[-1] is, or was, or anything
 *
 * lo and hi are the low halves of addresses: all of a block has the same high
 * half, and no array ends with its block, so neither is 0.  They are one word,
 * opened and closed by one store.
 *
 * The operations, in pseudocode; everything between the brackets either
 * happens on one CPU without another thread of the process running there
 * under the same index, or the kernel sends the thread to @fail before the
 * commit (which is the last instruction, and one store):
 *
 *	pop:	[ h = block(index()) + off; if (h->cur <= h->lo) fail;
 *		  obj = h->cur[-1]; h->guess = h->cur[-2]; h->cur--; ]
 *	pop_guess: [ ...; obj = h->guess; if (h->cur[-1] != obj) fail;
 *		  h->guess = h->cur[-2]; h->cur--; ]
 *	push:	[ h = ...; if (h->cur >= h->hi) fail;
 *		  if ((obj & h->start_mask) * h->magic >> 16) fail;
 *		  if (h->cur[-1] == obj) fail;
 *		  h->cur[0] = obj; h->guess = obj; h->cur++; ]
 *	pop_batch, push_batch: as above for n objects, copied inside the
 *		brackets into or out of memory that only the caller owns.
 *	store:	[ if (index() != cpu) fail; *addr = val; ]
 *
 * Why pop_guess: who frees an object and asks for the next waits for cur, then
 * for the slot, then (to free it) for the page's class and for cur again, each
 * a load of what was just stored.  What the slot will say is nearly always
 * known beforehand, so the caller goes on with the guess, while the comparison
 * with the slot, which is all that makes it true, is a branch that the CPU
 * predicts (Lipasti, Wilkerson, Shen: "Value locality and load value
 * prediction", 1996; here in software).  A wrong guess costs a call of the slow
 * path, which pops by the slot.
 *
 * Rules kept by every implementation:
 *   R1. of struct rseq, only rseq_cs is written.
 *   R2. rseq_cs is stored by the instruction just before the section starts,
 *       so there is no point between the two where an interrupt is missed.
 *   R3. the index is read inside the section; so is everything derived
 *       from it.
 *   R4. one commit store, last.  What is stored earlier lies beyond cur
 *       (or in the caller's memory) and is nobody's; or it is the guess, which
 *       nobody believes.
 *   R5. no call, no system call inside.
 *   R6. the abort handler lies outside the section with RSEQ_SIG in the four
 *       bytes before it, and goes to the slow path: nothing retries by
 *       itself, so single-stepping makes progress.
 *
 * The registers the operations take: @base, the address of block 0 minus
 * PERCPU_BIAS; @rseq, offset of struct rseq from the thread pointer.
 *
 * Without restartable sequences, percpu.c uses the same heads under a lock.
 *
 * Sources: Documentation of rseq(2) in librseq and the kernel's
 * include/uapi/linux/rseq.h (layout, signature, feature size).
 */
#ifndef ARCH_PERCPU_OPS_H
#define ARCH_PERCPU_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* struct rseq, the fields we read (offsets are ABI). */
#define RSEQ_OFF_CPU_ID		4
#define RSEQ_OFF_RSEQ_CS	8
#define RSEQ_OFF_MM_CID		24

/* Space of one CPU: heads first (64 KiB of them), then arrays. */
#define PERCPU_SHIFT		18
#define PERCPU_STRIDE		(1 << PERCPU_SHIFT)

/*
 * The hot base is one byte below block 0: subtracting a pointer from it
 * gives minus (offset + 1), whose arithmetic shift is the page's index in
 * the page-class map counted downward, exact for every byte of a page.
 */
#define PERCPU_BIAS		1

struct sheaf_head {
	void **cur;		/* written by the owning CPU, or while closed */
	union {
		struct {
			uint32_t lo;	/* ~0 while closed */
			uint32_t hi;	/* 0 while closed */
		};
		uint64_t bounds;	/* both, as they are written */
	};
	void *guess;		/* written by anybody at any time */
	uint32_t magic;		/* these three: struct sheaf_geometry */
	uint16_t start_mask;
	uint8_t size_code;	/* of the object size (mm/percpu.h), or 0 */
};

_Static_assert(sizeof(struct sheaf_head) == 32, "index arithmetic");
_Static_assert(offsetof(struct sheaf_head, hi) == 12, "little-endian");

#if defined(__x86_64__)
#include "arch/x86_64/percpu_ops.h"
#elif defined(__aarch64__)
#include "arch/aarch64/percpu_ops.h"
#else
#error "liballoc knows x86-64 and aarch64"
#endif

#endif
