/*
 * x86-64 half of arch/percpu_ops.h: read the contract there.
 *
 * %fs:0 is the thread control block, struct rseq lies at %fs:rseq.  The
 * index is scaled by one imul from memory.
 */
#ifndef ARCH_X86_64_PERCPU_OPS_H
#define ARCH_X86_64_PERCPU_OPS_H

#define RSEQ_SIG 0x53053053

/* A descriptor for the section 1: .. 2: with abort handler 4:. */
#define RSEQ_DESCRIPTOR							\
	".pushsection __rseq_cs, \"aw\", @progbits\n\t"			\
	".balign 32\n"							\
	"3:\n\t"							\
	".long 0, 0\n\t"						\
	".quad 1f, 2f - 1f, 4f\n\t"					\
	".popsection\n\t"

/* R2: label 1 right behind the store. */
#define RSEQ_ENTER(tmp)							\
	"leaq 3b(%%rip), " tmp "\n\t"					\
	"movq " tmp ", %%fs:%c[cs](%[rseq])\n"				\
	"1:\n\t"

#define RSEQ_LEAVE							\
	"2:\n\t"							\
	".pushsection .text.rseq_abort, \"ax\", @progbits\n\t"		\
	".byte 0x0f, 0xb9, 0x3d\n\t"					\
	".long %c[sig]\n"						\
	"4:\n\t"							\
	"jmp %l[fail]\n\t"						\
	".popsection\n\t"

/* As ".popsection" needs the label as an operand: abort to @fail. */
#define RSEQ_HEAD(h)							\
	"imull %[stride], %%fs:%c[idx](%[rseq]), %k[" h "]\n\t"		\
	"addq %[base], %[" h "]\n\t"

#define RSEQ_CONSTS(idx_off)						\
	[cs] "i" (RSEQ_OFF_RSEQ_CS), [idx] "i" (idx_off),		\
	[sig] "i" (RSEQ_SIG), [stride] "i" (PERCPU_STRIDE),		\
	[cur] "i" (offsetof(struct sheaf_head, cur) + PERCPU_BIAS),	\
	[lo] "i" (offsetof(struct sheaf_head, lo) + PERCPU_BIAS),	\
	[hi] "i" (offsetof(struct sheaf_head, hi) + PERCPU_BIAS),	\
	[guess] "i" (offsetof(struct sheaf_head, guess) + PERCPU_BIAS),	\
	[magic] "i" (offsetof(struct sheaf_head, magic) + PERCPU_BIAS),	\
	[mask] "i" (offsetof(struct sheaf_head, start_mask) + PERCPU_BIAS)

/*
 * An asm goto with outputs is miscompiled by some versions of gcc unless it
 * is volatile and followed by an empty asm (gcc bug 113921).
 */
#define asm_goto_output(x...)						\
	do { __asm__ volatile goto(x); __asm__(""); } while (0)
/* gcc 12 also takes an output for valid on the way to the label. */
#define asm_goto_failed(out) __asm__("" : "+r" (out))

static inline uintptr_t arch_thread_pointer(void)
{
	uintptr_t tp;

	__asm__("movq %%fs:0, %0" : "=r" (tp));
	return tp;
}

static inline void arch_relax(void)
{
	__builtin_ia32_pause();
}

/*
 * A full barrier.  What gcc -Os makes of a fence, mfence, also waits for all
 * that is on its way: 95 cycles more where this one takes 20.
 */
static inline void arch_mb(void)
{
	__asm__ volatile("lock; orl $0, (%%rsp)" ::: "memory", "cc");
}

/* A full barrier behind an atomic read-modify-write, which is one itself. */
static inline void arch_mb_after_rmw(void)
{
	__asm__ volatile("" ::: "memory");
}

/*
 * Between this thread and its handlers only, so without the lock prefix: a
 * single instruction is before or after any interrupt.
 */
static inline bool arch_local_cmpxchg(uint32_t *p, uint32_t old, uint32_t val)
{
	bool done;

	__asm__ volatile("cmpxchgl %[val], %[p]"
			 : [p] "+m" (*p), "+a" (old), "=@ccz" (done)
			 : [val] "r" (val)
			 : "memory");
	return done;
}

/* The result, or minus the error number; errno is left alone. */
static inline long arch_syscall(long nr, long a, long b, long c, long d,
				long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a" (ret)
			 : "a" (nr), "D" (a), "S" (b), "d" (c), "r" (r10),
			   "r" (r8), "r" (r9)
			 : "rcx", "r11", "memory");
	return ret;
}

static inline uint32_t arch_rseq_read(long rseq, long field)
{
	uint32_t val;

	__asm__ volatile("movl %%fs:(%1), %0" : "=r" (val) : "r" (rseq + field));
	return val;
}

/* Of a pop: the object by the slot, or the guess if the slot says the same. */
#define RSEQ_BY_SLOT "movq -8(%[c]), %[obj]\n\t"
#define RSEQ_BY_GUESS							\
	"movq %c[guess](%[h],%[off]), %[obj]\n\t"			\
	"cmpq -8(%[c]), %[obj]\n\t"					\
	"jne %l[fail]\n\t"

/* Returns the object, or NULL where pop fails. */
#define DEFINE_PERCPU_POP(name, idx_off, take)				\
static inline __attribute__((always_inline)) void *			\
name(uintptr_t base, long rseq, uintptr_t off)				\
{									\
	uintptr_t h, tmp;						\
	void **cur, *obj;						\
									\
	asm_goto_output(RSEQ_DESCRIPTOR RSEQ_ENTER("%[h]") RSEQ_HEAD("h")\
		"movq %c[cur](%[h],%[off]), %[c]\n\t"			\
		"cmpl %c[lo](%[h],%[off]), %k[c]\n\t"			\
		"jbe %l[fail]\n\t"					\
		take							\
		"movq -16(%[c]), %[tmp]\n\t"				\
		"movq %[tmp], %c[guess](%[h],%[off])\n\t"		\
		"subq $8, %[c]\n\t"					\
		"movq %[c], %c[cur](%[h],%[off])\n"			\
		RSEQ_LEAVE						\
		: [h] "=&r" (h), [c] "=&r" (cur), [obj] "=&r" (obj),	\
		  [tmp] "=&r" (tmp)					\
		: [base] "r" (base), [rseq] "r" (rseq), [off] "r" (off),\
		  RSEQ_CONSTS(idx_off)					\
		: "memory", "cc"					\
		: fail);						\
	if (!obj)	/* no sheaf holds NULL: spares the test */	\
		__builtin_unreachable();				\
	return obj;							\
fail:									\
	obj = NULL;							\
	asm_goto_failed(obj);						\
	return obj;							\
}

#define DEFINE_PERCPU_PUSH(name, idx_off)				\
static inline __attribute__((always_inline)) bool			\
name(uintptr_t base, long rseq, uintptr_t off, void *obj)		\
{									\
	uintptr_t h, tmp;						\
	void **cur;							\
									\
	asm_goto_output(RSEQ_DESCRIPTOR RSEQ_ENTER("%[h]") RSEQ_HEAD("h")\
		"movq %c[cur](%[h],%[off]), %[c]\n\t"			\
		"cmpl %c[hi](%[h],%[off]), %k[c]\n\t"			\
		"jae %l[fail]\n\t"					\
		"movzwl %c[mask](%[h],%[off]), %k[tmp]\n\t"		\
		"andl %k[obj], %k[tmp]\n\t"				\
		"imull %c[magic](%[h],%[off]), %k[tmp]\n\t"		\
		"shrl $16, %k[tmp]\n\t"				\
		"jne %l[fail]\n\t"					\
		"cmpq %[obj], -8(%[c])\n\t"				\
		"je %l[fail]\n\t"					\
		"movq %[obj], (%[c])\n\t"				\
		"movq %[obj], %c[guess](%[h],%[off])\n\t"		\
		"addq $8, %[c]\n\t"					\
		"movq %[c], %c[cur](%[h],%[off])\n"			\
		RSEQ_LEAVE						\
		: [h] "=&r" (h), [c] "=&r" (cur), [tmp] "=&r" (tmp)	\
		: [base] "r" (base), [rseq] "r" (rseq), [off] "r" (off),\
		  [obj] "r" (obj), RSEQ_CONSTS(idx_off)			\
		: "memory", "cc"					\
		: fail);						\
	return true;							\
fail:									\
	return false;							\
}

/* The index where it is known at compile time (the hot paths) ... */
DEFINE_PERCPU_POP(arch_pop_guess_cid, RSEQ_OFF_MM_CID, RSEQ_BY_GUESS)
DEFINE_PERCPU_POP(arch_pop_cid, RSEQ_OFF_MM_CID, RSEQ_BY_SLOT)
DEFINE_PERCPU_PUSH(arch_push_cid, RSEQ_OFF_MM_CID)
/* ... and on kernels without mm_cid, or with several nodes. */
DEFINE_PERCPU_POP(arch_pop_cpu, RSEQ_OFF_CPU_ID, RSEQ_BY_SLOT)
DEFINE_PERCPU_PUSH(arch_push_cpu, RSEQ_OFF_CPU_ID)

/* @cnt slots, an odd one and then two at a time. */
#define RSEQ_COPY(from, to)						\
	"xorl %k[i], %k[i]\n\t"						\
	"testb $1, %b[cnt]\n\t"						\
	"je 6f\n\t"							\
	"movq (%[" from "]), %[tmp]\n\t"				\
	"movq %[tmp], (%[" to "])\n\t"					\
	"incl %k[i]\n\t"						\
	"jmp 6f\n"							\
	"5:\n\t"							\
	"movups (%[" from "],%[i],8), %%xmm0\n\t"			\
	"movups %%xmm0, (%[" to "],%[i],8)\n\t"			\
	"addq $2, %[i]\n"						\
	"6:\n\t"							\
	"cmpq %[cnt], %[i]\n\t"						\
	"jb 5b\n\t"

/*
 * Take up to @n objects from the top into @dst; returns how many.  Slots are
 * copied before the commit, into memory of the caller.
 */
static inline uint32_t arch_pop_batch(uintptr_t base, long rseq, long idx,
				      uintptr_t off, void **dst, uint32_t n)
{
	uintptr_t h, cur, cnt, i;
	void *tmp;

	asm_goto_output(RSEQ_DESCRIPTOR RSEQ_ENTER("%[h]")
		"imull %[stride], %%fs:(%[idxo]), %k[h]\n\t"
		"addq %[base], %[h]\n\t"
		"addq %[off], %[h]\n\t"
		"movq %c[cur](%[h]), %[p]\n\t"
		"movl %k[p], %k[cnt]\n\t"
		"subl %c[lo](%[h]), %k[cnt]\n\t"
		"jbe %l[fail]\n\t"
		"shrq $3, %[cnt]\n\t"
		"cmpq %[n], %[cnt]\n\t"
		"cmovaq %[n], %[cnt]\n\t"
		"leaq (,%[cnt],8), %[i]\n\t"
		"subq %[i], %[p]\n\t"
		RSEQ_COPY("p", "dst")
		"movq -8(%[p]), %[tmp]\n\t"
		"movq %[tmp], %c[guess](%[h])\n\t"
		"movq %[p], %c[cur](%[h])\n"
		RSEQ_LEAVE
		: [h] "=&r" (h), [p] "=&r" (cur), [cnt] "=&r" (cnt),
		  [i] "=&r" (i), [tmp] "=&r" (tmp)
		: [base] "r" (base), [rseq] "r" (rseq), [off] "r" (off),
		  [idxo] "r" (rseq + idx), [dst] "r" (dst),
		  [n] "r" ((uintptr_t)n), RSEQ_CONSTS(0)
		: "memory", "cc", "xmm0"
		: fail);
	return (uint32_t)cnt;
fail:
	cnt = 0;
	asm_goto_failed(cnt);
	return (uint32_t)cnt;
}

/* Put as many of @n objects of @src on top as there is room for. */
static inline uint32_t arch_push_batch(uintptr_t base, long rseq, long idx,
				       uintptr_t off, void *const *src,
				       uint32_t n)
{
	uintptr_t h, cur, cnt, i;
	void *tmp;

	asm_goto_output(RSEQ_DESCRIPTOR RSEQ_ENTER("%[h]")
		"imull %[stride], %%fs:(%[idxo]), %k[h]\n\t"
		"addq %[base], %[h]\n\t"
		"addq %[off], %[h]\n\t"
		"movq %c[cur](%[h]), %[p]\n\t"
		"movl %c[hi](%[h]), %k[cnt]\n\t"
		"subl %k[p], %k[cnt]\n\t"
		"jbe %l[fail]\n\t"
		"shrq $3, %[cnt]\n\t"
		"cmpq %[n], %[cnt]\n\t"
		"cmovaq %[n], %[cnt]\n\t"
		RSEQ_COPY("src", "p")
		"leaq (%[p],%[cnt],8), %[p]\n\t"
		"movq -8(%[p]), %[tmp]\n\t"
		"movq %[tmp], %c[guess](%[h])\n\t"
		"movq %[p], %c[cur](%[h])\n"
		RSEQ_LEAVE
		: [h] "=&r" (h), [p] "=&r" (cur), [cnt] "=&r" (cnt),
		  [i] "=&r" (i), [tmp] "=&r" (tmp)
		: [base] "r" (base), [rseq] "r" (rseq), [off] "r" (off),
		  [idxo] "r" (rseq + idx), [src] "r" (src),
		  [n] "r" ((uintptr_t)n), RSEQ_CONSTS(0)
		: "memory", "cc", "xmm0"
		: fail);
	return (uint32_t)cnt;
fail:
	cnt = 0;
	asm_goto_failed(cnt);
	return (uint32_t)cnt;
}

/* *@addr = @val, if this thread runs under index @cpu at the commit. */
static inline bool arch_percpu_store(long rseq, long idx, uint32_t cpu,
				     uintptr_t *addr, uintptr_t val)
{
	uintptr_t tmp;

	asm_goto_output(RSEQ_DESCRIPTOR RSEQ_ENTER("%[tmp]")
		"cmpl %[cpu], %%fs:(%[idxo])\n\t"
		"jne %l[fail]\n\t"
		"movq %[val], (%[addr])\n"
		RSEQ_LEAVE
		: [tmp] "=&r" (tmp)
		: [rseq] "r" (rseq), [idxo] "r" (rseq + idx), [cpu] "r" (cpu),
		  [addr] "r" (addr), [val] "r" (val),
		  [cs] "i" (RSEQ_OFF_RSEQ_CS), [sig] "i" (RSEQ_SIG)
		: "memory", "cc"
		: fail);
	return true;
fail:
	return false;
}

#endif
