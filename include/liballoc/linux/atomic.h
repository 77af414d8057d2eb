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
#define smp_store_mb(x, v)	__atomic_store_n(&(x), (v), __ATOMIC_SEQ_CST)
#define xchg(p, v)		__atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)
#define cmpxchg(p, old, new) __extension__ ({				\
	__typeof__(*(p)) _cmpxchg = (old);				\
									\
	__atomic_compare_exchange_n((p), &_cmpxchg, (new), 0,		\
				    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED); \
	_cmpxchg; })
#define try_cmpxchg(p, old, new)					\
	__atomic_compare_exchange_n((p), (old), (new), 0,		\
				    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)

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
static inline num name##_xchg(type *v, num n)				\
{									\
	return __atomic_exchange_n(&v->counter, n, __ATOMIC_SEQ_CST);	\
}									\
static inline bool name##_try_cmpxchg(type *v, num *old, num n)	\
{									\
	return __atomic_compare_exchange_n(&v->counter, old, n, 0,	\
					   __ATOMIC_SEQ_CST,		\
					   __ATOMIC_RELAXED);		\
}									\
static inline num name##_cmpxchg(type *v, num old, num n)		\
{									\
	name##_try_cmpxchg(v, &old, n);					\
	return old;							\
}									\
LIBALLOC_ATOMIC_OP(name, type, num, add)				\
LIBALLOC_ATOMIC_OP(name, type, num, sub)				\
LIBALLOC_ATOMIC_OP(name, type, num, and)				\
LIBALLOC_ATOMIC_OP(name, type, num, or)					\
LIBALLOC_ATOMIC_OP(name, type, num, xor)				\
static inline void name##_inc(type *v) { name##_add(1, v); }		\
static inline void name##_dec(type *v) { name##_sub(1, v); }		\
static inline num name##_inc_return(type *v)				\
{									\
	return name##_add_return(1, v);					\
}									\
static inline num name##_dec_return(type *v)				\
{									\
	return name##_sub_return(1, v);					\
}									\
static inline num name##_fetch_inc(type *v)				\
{									\
	return name##_fetch_add(1, v);					\
}									\
static inline num name##_fetch_dec(type *v)				\
{									\
	return name##_fetch_sub(1, v);					\
}									\
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

#define LIBALLOC_ATOMIC_OP(name, type, num, op)				\
static inline void name##_##op(num n, type *v)				\
{									\
	__atomic_fetch_##op(&v->counter, n, __ATOMIC_RELAXED);		\
}									\
static inline num name##_##op##_return(num n, type *v)			\
{									\
	return __atomic_##op##_fetch(&v->counter, n, __ATOMIC_SEQ_CST);	\
}									\
static inline num name##_fetch_##op(num n, type *v)			\
{									\
	return __atomic_fetch_##op(&v->counter, n, __ATOMIC_SEQ_CST);	\
}

typedef struct {
	long counter;
} atomic_long_t;

LIBALLOC_ATOMIC(atomic, atomic_t, int)
LIBALLOC_ATOMIC(atomic64, atomic64_t, s64)
LIBALLOC_ATOMIC(atomic_long, atomic_long_t, long)

#endif
