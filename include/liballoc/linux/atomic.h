/* linux/atomic.h - numbers that several threads change. */
#ifndef LIBALLOC_LINUX_ATOMIC_H
#define LIBALLOC_LINUX_ATOMIC_H

#include <linux/compiler.h>
#include <linux/types.h>

/*
 * Order, as the kernel documents it: read, set, inc, dec, add, sub order
 * nothing; what returns a value is a full barrier, but for _relaxed, _acquire
 * and _release; a conditional one that changes nothing orders nothing.
 */
#define ATOMIC_INIT(n)		{ (n) }
#define ATOMIC64_INIT(n)	{ (n) }
#define ATOMIC_LONG_INIT(n)	{ (n) }
#define smp_mb()	__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb()	__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb()	__atomic_thread_fence(__ATOMIC_RELEASE)
#define mb()		smp_mb()
#define rmb()		smp_rmb()
#define wmb()		smp_wmb()
#define smp_mb__before_atomic()	smp_mb()
#define smp_mb__after_atomic()	smp_mb()
#define smp_load_acquire(p)	__atomic_load_n((p), __ATOMIC_ACQUIRE)
#define smp_store_release(p, v)	__atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define smp_store_mb(x, v)						\
	do {								\
		WRITE_ONCE(x, v);					\
		smp_mb();						\
	} while (0)

/*
 * A sequentially consistent operation of C is a full barrier only to others of
 * its kind.  On x86 it is one instruction with a lock, which lets nothing pass.
 * On aarch64 it is a load and a store, exclusive, or does as these: what comes
 * before does not pass the store, which releases, and no other CPU gets in
 * between the two; but what comes behind passes the store, if not the load.
 * So a barrier behind makes it full, and none is needed in front.
 */
#if defined(__x86_64__) || defined(__i386__)
#define liballoc_mb_behind()	do { } while (0)
#else
#define liballoc_mb_behind()	smp_mb()
#endif
#define liballoc_no_mb()	do { } while (0)

/* Of any number or pointer *@p. */
#define LIBALLOC_XCHG(p, v, order, mb_behind) __extension__ ({		\
	__auto_type _xchg = __atomic_exchange_n((p), (v), order);	\
									\
	mb_behind();							\
	_xchg; })
#define LIBALLOC_TRY_CMPXCHG(p, old, new, order, mb_behind) __extension__ ({ \
	bool _changed = __atomic_compare_exchange_n((p), (old), (new), 0, \
						    order,		\
						    __ATOMIC_RELAXED);	\
									\
	if (_changed)							\
		mb_behind();						\
	_changed; })
#define LIBALLOC_CMPXCHG(p, old, new, order, mb_behind) __extension__ ({ \
	__typeof__(*(p)) _cmpxchg = (old);				\
									\
	(void)LIBALLOC_TRY_CMPXCHG(p, &_cmpxchg, new, order, mb_behind); \
	_cmpxchg; })

#define xchg(p, v)							\
	LIBALLOC_XCHG(p, v, __ATOMIC_SEQ_CST, liballoc_mb_behind)
#define xchg_relaxed(p, v)						\
	LIBALLOC_XCHG(p, v, __ATOMIC_RELAXED, liballoc_no_mb)
#define xchg_acquire(p, v)						\
	LIBALLOC_XCHG(p, v, __ATOMIC_ACQUIRE, liballoc_no_mb)
#define xchg_release(p, v)						\
	LIBALLOC_XCHG(p, v, __ATOMIC_RELEASE, liballoc_no_mb)
#define cmpxchg(p, old, new)						\
	LIBALLOC_CMPXCHG(p, old, new, __ATOMIC_SEQ_CST, liballoc_mb_behind)
#define cmpxchg_relaxed(p, old, new)					\
	LIBALLOC_CMPXCHG(p, old, new, __ATOMIC_RELAXED, liballoc_no_mb)
#define cmpxchg_acquire(p, old, new)					\
	LIBALLOC_CMPXCHG(p, old, new, __ATOMIC_ACQUIRE, liballoc_no_mb)
#define cmpxchg_release(p, old, new)					\
	LIBALLOC_CMPXCHG(p, old, new, __ATOMIC_RELEASE, liballoc_no_mb)
#define try_cmpxchg(p, old, new)					\
	LIBALLOC_TRY_CMPXCHG(p, old, new, __ATOMIC_SEQ_CST,		\
			     liballoc_mb_behind)
#define try_cmpxchg_relaxed(p, old, new)				\
	LIBALLOC_TRY_CMPXCHG(p, old, new, __ATOMIC_RELAXED, liballoc_no_mb)
#define try_cmpxchg_acquire(p, old, new)				\
	LIBALLOC_TRY_CMPXCHG(p, old, new, __ATOMIC_ACQUIRE, liballoc_no_mb)
#define try_cmpxchg_release(p, old, new)				\
	LIBALLOC_TRY_CMPXCHG(p, old, new, __ATOMIC_RELEASE, liballoc_no_mb)

/* The operations of one type. */
#define LIBALLOC_ATOMIC(name, type, num)				\
static inline num name##_read(const type *v)				\
{									\
	return __atomic_load_n(&v->counter, __ATOMIC_RELAXED);		\
}									\
static inline num name##_read_acquire(const type *v)			\
{									\
	return __atomic_load_n(&v->counter, __ATOMIC_ACQUIRE);		\
}									\
static inline void name##_set(type *v, num n)				\
{									\
	__atomic_store_n(&v->counter, n, __ATOMIC_RELAXED);		\
}									\
static inline void name##_set_release(type *v, num n)			\
{									\
	__atomic_store_n(&v->counter, n, __ATOMIC_RELEASE);		\
}									\
LIBALLOC_ATOMIC_OP(name, type, num, add)				\
LIBALLOC_ATOMIC_OP(name, type, num, sub)				\
LIBALLOC_ATOMIC_OP(name, type, num, and)				\
LIBALLOC_ATOMIC_OP(name, type, num, or)					\
LIBALLOC_ATOMIC_OP(name, type, num, xor)				\
LIBALLOC_ATOMIC_ORDER(name, type, num, , SEQ_CST, liballoc_mb_behind)	\
LIBALLOC_ATOMIC_ORDER(name, type, num, _relaxed, RELAXED, liballoc_no_mb) \
LIBALLOC_ATOMIC_ORDER(name, type, num, _acquire, ACQUIRE, liballoc_no_mb) \
LIBALLOC_ATOMIC_ORDER(name, type, num, _release, RELEASE, liballoc_no_mb) \
static inline void name##_inc(type *v) { name##_add(1, v); }		\
static inline void name##_dec(type *v) { name##_sub(1, v); }		\
static inline bool name##_inc_and_test(type *v)				\
{									\
	return name##_add_return(1, v) == 0;				\
}									\
static inline bool name##_dec_and_test(type *v)				\
{									\
	return name##_sub_return(1, v) == 0;				\
}									\
static inline bool name##_sub_and_test(num n, type *v)			\
{									\
	return name##_sub_return(n, v) == 0;				\
}									\
static inline bool name##_add_negative(num n, type *v)			\
{									\
	return name##_add_return(n, v) < 0;				\
}									\
/* The value before; @n is added unless that is @u. */			\
static inline num name##_fetch_add_unless(type *v, num n, num u)	\
{									\
	num old = name##_read(v);					\
									\
	while (old != u && !name##_try_cmpxchg(v, &old, old + n))	\
		;							\
	return old;							\
}									\
static inline bool name##_add_unless(type *v, num n, num u)		\
{									\
	return name##_fetch_add_unless(v, n, u) != u;			\
}									\
static inline bool name##_inc_not_zero(type *v)				\
{									\
	return name##_add_unless(v, 1, 0);				\
}									\
static inline num name##_dec_if_positive(type *v)			\
{									\
	num old = name##_read(v);					\
									\
	while (old > 0 && !name##_try_cmpxchg(v, &old, old - 1))	\
		;							\
	return old - 1;							\
}

/* What returns nothing. */
#define LIBALLOC_ATOMIC_OP(name, type, num, op)				\
static inline void name##_##op(num n, type *v)				\
{									\
	__atomic_fetch_##op(&v->counter, n, __ATOMIC_RELAXED);		\
}

/* What returns a value, in one order. */
#define LIBALLOC_ATOMIC_ORDER(name, type, num, suffix, order, mb_behind) \
LIBALLOC_ATOMIC_VALUE(name, type, num, add, suffix, order, mb_behind)	\
LIBALLOC_ATOMIC_VALUE(name, type, num, sub, suffix, order, mb_behind)	\
LIBALLOC_ATOMIC_VALUE(name, type, num, and, suffix, order, mb_behind)	\
LIBALLOC_ATOMIC_VALUE(name, type, num, or, suffix, order, mb_behind)	\
LIBALLOC_ATOMIC_VALUE(name, type, num, xor, suffix, order, mb_behind)	\
static inline num name##_inc_return##suffix(type *v)			\
{									\
	return name##_add_return##suffix(1, v);				\
}									\
static inline num name##_dec_return##suffix(type *v)			\
{									\
	return name##_sub_return##suffix(1, v);				\
}									\
static inline num name##_fetch_inc##suffix(type *v)			\
{									\
	return name##_fetch_add##suffix(1, v);				\
}									\
static inline num name##_fetch_dec##suffix(type *v)			\
{									\
	return name##_fetch_sub##suffix(1, v);				\
}									\
static inline num name##_xchg##suffix(type *v, num n)			\
{									\
	return LIBALLOC_XCHG(&v->counter, n, __ATOMIC_##order, mb_behind); \
}									\
static inline bool name##_try_cmpxchg##suffix(type *v, num *old, num n)	\
{									\
	return LIBALLOC_TRY_CMPXCHG(&v->counter, old, n,		\
				    __ATOMIC_##order, mb_behind);	\
}									\
static inline num name##_cmpxchg##suffix(type *v, num old, num n)	\
{									\
	name##_try_cmpxchg##suffix(v, &old, n);				\
	return old;							\
}

/* The new value, and the one before. */
#define LIBALLOC_ATOMIC_VALUE(name, type, num, op, suffix, order, mb_behind) \
static inline num name##_##op##_return##suffix(num n, type *v)		\
{									\
	num ret = __atomic_##op##_fetch(&v->counter, n,			\
					__ATOMIC_##order);		\
									\
	mb_behind();							\
	return ret;							\
}									\
static inline num name##_fetch_##op##suffix(num n, type *v)		\
{									\
	num ret = __atomic_fetch_##op(&v->counter, n, __ATOMIC_##order); \
									\
	mb_behind();							\
	return ret;							\
}

typedef struct {
	long counter;
} atomic_long_t;

LIBALLOC_ATOMIC(atomic, atomic_t, int)
LIBALLOC_ATOMIC(atomic64, atomic64_t, s64)
LIBALLOC_ATOMIC(atomic_long, atomic_long_t, long)

#endif
