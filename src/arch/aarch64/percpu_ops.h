/*
 * aarch64 half of arch/percpu_ops.h: read the contract there.
 *
 * The thread pointer is TPIDR_EL0.  The commit is one plain str: other
 * threads that use the block next run on this index only after the kernel
 * has switched to them, which orders memory.
 */
#ifndef ARCH_AARCH64_PERCPU_OPS_H
#define ARCH_AARCH64_PERCPU_OPS_H

#define RSEQ_SIG 0xd428bc00	/* brk #0x45e0, as data in code order */

#define RSEQ_DESCRIPTOR							\
	".pushsection __rseq_cs, \"aw\"\n\t"				\
	".balign 32\n"							\
	"3:\n\t"							\
	".long 0, 0\n\t"						\
	".quad 1f, 2f - 1f, 4f\n\t"					\
	".popsection\n\t"

/* R2: label 1 right behind the store. */
#define RSEQ_ENTER							\
	"adrp %[t], 3b\n\t"						\
	"add %[t], %[t], :lo12:3b\n\t"					\
	"str %[t], [%[area], %[cs]]\n"					\
	"1:\n\t"

#define RSEQ_LEAVE							\
	"2:\n\t"							\
	".pushsection .text.rseq_abort, \"ax\"\n\t"			\
	".inst %c[sig]\n"						\
	"4:\n\t"							\
	"b %l[fail]\n\t"						\
	".popsection\n\t"

#define RSEQ_HEAD							\
	"ldr %w[h], [%[area], %[idx]]\n\t"				\
	"add %[h], %[base], %[h], lsl %[shift]\n\t"			\
	"add %[h], %[h], %[off]\n\t"

#define RSEQ_CONSTS							\
	[cs] "i" (RSEQ_OFF_RSEQ_CS), [sig] "i" (RSEQ_SIG),		\
	[shift] "i" (PERCPU_SHIFT),					\
	[cur] "i" (offsetof(struct sheaf_head, cur)),			\
	[lo] "i" (offsetof(struct sheaf_head, lo)),			\
	[hi] "i" (offsetof(struct sheaf_head, hi)),			\
	[magic] "i" (offsetof(struct sheaf_head, magic)),		\
	[mask] "i" (offsetof(struct sheaf_head, start_mask))

#define asm_goto_output(x...)						\
	do { __asm__ volatile goto(x); __asm__(""); } while (0)
/* gcc 12 also takes an output for valid on the way to the label. */
#define asm_goto_failed(out) __asm__("" : "+r" (out))

static inline uintptr_t arch_thread_pointer(void)
{
	uintptr_t tp;

	__asm__("mrs %0, tpidr_el0" : "=r" (tp));
	return tp;
}

static inline void arch_relax(void)
{
	__asm__ volatile("yield");
}

/* A full barrier. */
static inline void arch_mb(void)
{
	__asm__ volatile("dmb ish" ::: "memory");
}

/* A full barrier behind an atomic read-modify-write, which is none. */
static inline void arch_mb_after_rmw(void)
{
	arch_mb();
}

/* Between this thread and its handlers only. */
static inline bool arch_local_cmpxchg(uint32_t *p, uint32_t old, uint32_t val)
{
	return __atomic_compare_exchange_n(p, &old, val, false,
					   __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/* The result, or minus the error number; errno is left alone. */
static inline long arch_syscall(long nr, long a, long b, long c, long d,
				long e, long f)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc #0"
			 : "+r" (x0)
			 : "r" (x1), "r" (x2), "r" (x3), "r" (x4), "r" (x5),
			   "r" (x8)
			 : "memory");
	return x0;
}

static inline uint32_t arch_rseq_read(long rseq, long field)
{
	return *(volatile uint32_t *)(arch_thread_pointer() +
				      (uintptr_t)(rseq + field));
}

#define DEFINE_PERCPU_POP(name, idx_off)				\
static inline __attribute__((always_inline)) void *			\
name(uintptr_t base, long rseq, uintptr_t off)				\
{									\
	uintptr_t area = arch_thread_pointer() + (uintptr_t)rseq;	\
	uintptr_t h, t;							\
	void *obj;							\
									\
	asm_goto_output(RSEQ_DESCRIPTOR RSEQ_ENTER RSEQ_HEAD		\
		"ldr %[obj], [%[h], %[cur]]\n\t"			\
		"ldr %w[t], [%[h], %[lo]]\n\t"				\
		"cmp %w[obj], %w[t]\n\t"				\
		"b.ls %l[fail]\n\t"					\
		"sub %[t], %[obj], #8\n\t"				\
		"ldr %[obj], [%[t]]\n\t"				\
		"str %[t], [%[h], %[cur]]\n"				\
		RSEQ_LEAVE						\
		: [h] "=&r" (h), [obj] "=&r" (obj), [t] "=&r" (t)	\
		: [base] "r" (base + PERCPU_BIAS), [area] "r" (area),	\
		  [off] "r" (off), [idx] "i" (idx_off), RSEQ_CONSTS	\
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
	uintptr_t area = arch_thread_pointer() + (uintptr_t)rseq;	\
	uintptr_t h, t, u, v;						\
									\
	asm_goto_output(RSEQ_DESCRIPTOR RSEQ_ENTER RSEQ_HEAD		\
		"ldr %w[t], [%[h], %[hi]]\n\t"				\
		"ldrh %w[u], [%[h], %[mask]]\n\t"			\
		"ldr %w[v], [%[h], %[magic]]\n\t"			\
		"ldr %[h], [%[h], %[cur]]\n\t"				\
		"cmp %w[h], %w[t]\n\t"					\
		"b.hs %l[fail]\n\t"					\
		"and %w[u], %w[u], %w[obj]\n\t"			\
		"mul %w[u], %w[u], %w[v]\n\t"				\
		"lsr %w[u], %w[u], #16\n\t"				\
		"cbnz %w[u], %l[fail]\n\t"				\
		"ldr %[t], [%[h], #-8]\n\t"				\
		"cmp %[t], %[obj]\n\t"					\
		"b.eq %l[fail]\n\t"					\
		"str %[obj], [%[h]], #8\n\t"				\
		"ldr %w[t], [%[area], %[idx]]\n\t"			\
		"add %[t], %[base], %[t], lsl %[shift]\n\t"		\
		"add %[t], %[t], %[off]\n\t"				\
		"str %[h], [%[t], %[cur]]\n"				\
		RSEQ_LEAVE						\
		: [h] "=&r" (h), [t] "=&r" (t), [u] "=&r" (u),		\
		  [v] "=&r" (v)						\
		: [base] "r" (base + PERCPU_BIAS), [area] "r" (area),	\
		  [off] "r" (off), [obj] "r" (obj), [idx] "i" (idx_off),\
		  RSEQ_CONSTS						\
		: "memory", "cc"					\
		: fail);						\
	return true;							\
fail:									\
	return false;							\
}

/* The guess is not used here: nobody has measured it. */
DEFINE_PERCPU_POP(arch_pop_guess_cid, RSEQ_OFF_MM_CID)
DEFINE_PERCPU_POP(arch_pop_cid, RSEQ_OFF_MM_CID)
DEFINE_PERCPU_PUSH(arch_push_cid, RSEQ_OFF_MM_CID)
DEFINE_PERCPU_POP(arch_pop_cpu, RSEQ_OFF_CPU_ID)
DEFINE_PERCPU_PUSH(arch_push_cpu, RSEQ_OFF_CPU_ID)

#define RSEQ_HEAD_ANY							\
	"ldr %w[h], [%[area], %[idx]]\n\t"				\
	"add %[h], %[base], %[h], lsl %[shift]\n\t"			\
	"add %[h], %[h], %[off]\n\t"

static inline uint32_t arch_pop_batch(uintptr_t base, long rseq, long idx,
				      uintptr_t off, void **dst, uint32_t n)
{
	uintptr_t area = arch_thread_pointer() + (uintptr_t)rseq;
	uintptr_t h, p, cnt, i, t;

	asm_goto_output(RSEQ_DESCRIPTOR RSEQ_ENTER RSEQ_HEAD_ANY
		"ldr %[p], [%[h], %[cur]]\n\t"
		"ldr %w[t], [%[h], %[lo]]\n\t"
		"subs %w[cnt], %w[p], %w[t]\n\t"
		"b.ls %l[fail]\n\t"
		"lsr %[cnt], %[cnt], #3\n\t"
		"cmp %[cnt], %[n]\n\t"
		"csel %[cnt], %[n], %[cnt], hi\n\t"
		"sub %[p], %[p], %[cnt], lsl #3\n\t"
		"mov %[i], #0\n"
		"5:\n\t"
		"ldr %[t], [%[p], %[i], lsl #3]\n\t"
		"str %[t], [%[dst], %[i], lsl #3]\n\t"
		"add %[i], %[i], #1\n\t"
		"cmp %[i], %[cnt]\n\t"
		"b.lo 5b\n\t"
		"str %[p], [%[h], %[cur]]\n"
		RSEQ_LEAVE
		: [h] "=&r" (h), [p] "=&r" (p), [cnt] "=&r" (cnt),
		  [i] "=&r" (i), [t] "=&r" (t)
		: [base] "r" (base + PERCPU_BIAS), [area] "r" (area),
		  [off] "r" (off), [idx] "r" (idx), [dst] "r" (dst),
		  [n] "r" ((uintptr_t)n), RSEQ_CONSTS
		: "memory", "cc"
		: fail);
	return (uint32_t)cnt;
fail:
	cnt = 0;
	asm_goto_failed(cnt);
	return (uint32_t)cnt;
}

static inline uint32_t arch_push_batch(uintptr_t base, long rseq, long idx,
				       uintptr_t off, void *const *src,
				       uint32_t n)
{
	uintptr_t area = arch_thread_pointer() + (uintptr_t)rseq;
	uintptr_t h, p, cnt, i, t;

	asm_goto_output(RSEQ_DESCRIPTOR RSEQ_ENTER RSEQ_HEAD_ANY
		"ldr %[p], [%[h], %[cur]]\n\t"
		"ldr %w[t], [%[h], %[hi]]\n\t"
		"subs %w[cnt], %w[t], %w[p]\n\t"
		"b.ls %l[fail]\n\t"
		"lsr %[cnt], %[cnt], #3\n\t"
		"cmp %[cnt], %[n]\n\t"
		"csel %[cnt], %[n], %[cnt], hi\n\t"
		"mov %[i], #0\n"
		"5:\n\t"
		"ldr %[t], [%[src], %[i], lsl #3]\n\t"
		"str %[t], [%[p], %[i], lsl #3]\n\t"
		"add %[i], %[i], #1\n\t"
		"cmp %[i], %[cnt]\n\t"
		"b.lo 5b\n\t"
		"add %[p], %[p], %[cnt], lsl #3\n\t"
		"str %[p], [%[h], %[cur]]\n"
		RSEQ_LEAVE
		: [h] "=&r" (h), [p] "=&r" (p), [cnt] "=&r" (cnt),
		  [i] "=&r" (i), [t] "=&r" (t)
		: [base] "r" (base + PERCPU_BIAS), [area] "r" (area),
		  [off] "r" (off), [idx] "r" (idx), [src] "r" (src),
		  [n] "r" ((uintptr_t)n), RSEQ_CONSTS
		: "memory", "cc"
		: fail);
	return (uint32_t)cnt;
fail:
	cnt = 0;
	asm_goto_failed(cnt);
	return (uint32_t)cnt;
}

static inline bool arch_percpu_store(long rseq, long idx, uint32_t cpu,
				     uintptr_t *addr, uintptr_t val)
{
	uintptr_t area = arch_thread_pointer() + (uintptr_t)rseq;
	uintptr_t t;

	asm_goto_output(RSEQ_DESCRIPTOR RSEQ_ENTER
		"ldr %w[t], [%[area], %[idx]]\n\t"
		"cmp %w[t], %w[cpu]\n\t"
		"b.ne %l[fail]\n\t"
		"str %[val], [%[addr]]\n"
		RSEQ_LEAVE
		: [t] "=&r" (t)
		: [area] "r" (area), [idx] "r" (idx), [cpu] "r" (cpu),
		  [addr] "r" (addr), [val] "r" (val),
		  [cs] "i" (RSEQ_OFF_RSEQ_CS), [sig] "i" (RSEQ_SIG)
		: "memory", "cc"
		: fail);
	return true;
fail:
	return false;
}

#endif
