/*
 * compiler.h - types and compiler words every file uses.
 */
#ifndef LIB_COMPILER_H
#define LIB_COMPILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

/* A hot path is inlined whole; what it leaves to others is out of line. */
#define __fastpath	static inline __attribute__((always_inline))
#define __slowpath	__attribute__((noinline, cold))
#define __unused	__attribute__((unused))
#define __noreturn	__attribute__((noreturn))
#define __printf(f, a)	__attribute__((format(printf, f, a)))
#define __aligned(n)	__attribute__((aligned(n)))
/* Constants that a small program never reads (api/order.awk). */
#define __cold_const	__attribute__((section(".rodata_cold")))

/* Everything is hidden (-fvisibility=hidden) but what says EXPORT. */
#define EXPORT		__attribute__((visibility("default")))
/* ... and data that is only declared says so itself, to spare the GOT. */
#define __hidden	__attribute__((visibility("hidden")))

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define ALIGN_UP(x, a)	(((x) + (a) - 1) & ~((a) - 1))
#define ALIGN_DOWN(x, a) ((x) & ~((a) - 1))
#define IS_ALIGNED(x, a) (((x) & ((a) - 1)) == 0)
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))

#define min(a, b) ({ __auto_type _min_a = (a); __auto_type _min_b = (b);	\
		     _min_a < _min_b ? _min_a : _min_b; })
#define max(a, b) ({ __auto_type _max_a = (a); __auto_type _max_b = (b);	\
		     _max_a > _max_b ? _max_a : _max_b; })
#define clamp(v, lo, hi) min(max(v, lo), hi)

#define container_of(ptr, type, member)				\
	((type *)((char *)(ptr) - offsetof(type, member)))

/* One access, not torn and not repeated; orders nothing. */
#define READ_ONCE(x)	 __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)

/*
 * A word that others write, only compared, of which a wrong answer does no
 * harm: an aligned load, wherever gcc folds it into the comparison, which it
 * does with no atomic one.  ThreadSanitizer sees it as READ_ONCE().
 */
#ifdef __SANITIZE_THREAD__
#define READ_HINT(x)	 READ_ONCE(x)
#else
#define READ_HINT(x)	 (x)
#endif

/* A store that is not made in vain: after fork() it would copy a page. */
#define keep_or_set(x, val)						\
	do {								\
		if (READ_ONCE(x) != (val))				\
			WRITE_ONCE(x, val);				\
	} while (0)

/* Under a lock, of a word that others read without it. */
#define ADD_ONCE(x, n)	 WRITE_ONCE(x, (x) + (n))
#define load_acquire(p)	 __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)

/* Debug builds check; release builds let the compiler assume nothing. */
#ifdef LIBALLOC_DEBUG
#define ASSERT(cond)	do { if (unlikely(!(cond))) __builtin_trap(); } while (0)
#else
#define ASSERT(cond)	do { (void)sizeof(cond); } while (0)
#endif

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)

#endif
