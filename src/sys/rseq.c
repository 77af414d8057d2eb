/*
 * rseq.c - the registration glibc made for us, and the fence.
 *
 * glibc 2.35 and later register struct rseq for every thread and publish
 * where it lies.  A size of 20 or 32 there is the size of the original area,
 * not of the fields the kernel fills in: those end at AT_RSEQ_FEATURE_SIZE.
 * Libraries without the symbols (musl, older glibc) leave them NULL: then
 * the caller falls back.
 */
#include <linux/membarrier.h>
#include <sys/auxv.h>
#include <sys/utsname.h>

#include "arch/percpu_ops.h"
#include "sys/internal.h"
#include "sys/sys.h"

#ifndef AT_RSEQ_FEATURE_SIZE
#define AT_RSEQ_FEATURE_SIZE 27
#endif

extern const ptrdiff_t __rseq_offset
	__attribute__((weak, visibility("default")));
extern const unsigned int __rseq_size
	__attribute__((weak, visibility("default")));

#define FENCE (1 << 7)		/* MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ */
#define FENCE_REGISTER (1 << 8)

/* 6.19 to 7.0 on arm64 missed the abort on same-CPU preemption. */
static bool kernel_is_broken(void)
{
#if defined(__aarch64__)
	struct utsname u;

	if (sys_call(SYS_uname, &u) < 0)
		return true;
	return !__builtin_strncmp(u.release, "6.19", 4) ||
	       !__builtin_strncmp(u.release, "7.0", 3);
#else
	return false;
#endif
}

void sys_rseq_probe(struct sys_rseq *r)
{
	const unsigned int *sizep = &__rseq_size;
	const ptrdiff_t *offsetp = &__rseq_offset;
	unsigned int size;

	*r = (struct sys_rseq){ 0 };
	/* A barrier on the addresses: weak symbols may be NULL. */
	__asm__("" : "+r" (sizep), "+r" (offsetp));
	if (!sizep || !offsetp || !*sizep || kernel_is_broken())
		return;
	size = *sizep;
	if (size == 20 || size == 32) {
		unsigned long feature = getauxval(AT_RSEQ_FEATURE_SIZE);

		size = (unsigned int)min(32UL, feature ? feature : 20UL);
	}
	r->offset = (long)*offsetp;
	if ((int)arch_rseq_read(r->offset, RSEQ_OFF_CPU_ID) < 0)
		return;
	r->cpu_id = true;
	r->mm_cid = size >= RSEQ_OFF_MM_CID + 4;
}

/*
 * Registration is per process and idempotent; it is made at the first fence,
 * since most short programs never need one: a process with one thread has
 * no other section to restart.
 */
bool sys_rseq_fence(void)
{
	if (!sys_is_threaded())
		return true;
	if (sys_call(SYS_membarrier, FENCE, 0, 0) == 0)
		return true;
	return sys_call(SYS_membarrier, FENCE_REGISTER, 0, 0) == 0 &&
	       sys_call(SYS_membarrier, FENCE, 0, 0) == 0;
}
