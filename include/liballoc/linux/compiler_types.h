/* linux/compiler_types.h - words of kernel code, most of them empty here. */
#ifndef LIBALLOC_LINUX_COMPILER_TYPES_H
#define LIBALLOC_LINUX_COMPILER_TYPES_H

/* The kernel's build gives it to each file, by -D. */
#ifndef KBUILD_MODNAME
#define KBUILD_MODNAME	"module"
#endif

#ifndef likely
#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)
#endif

#ifndef __always_inline
#define __always_inline	inline __attribute__((__always_inline__))
#endif
#ifndef __attribute_const__
#define __attribute_const__	__attribute__((__const__))
#endif
#define noinline	__attribute__((__noinline__))
#define __cold		__attribute__((__cold__))
#define __pure		__attribute__((__pure__))
#define __packed	__attribute__((__packed__))
#define __aligned(n)	__attribute__((__aligned__(n)))
#define __printf(f, a)	__attribute__((__format__(printf, f, a)))
#define __maybe_unused	__attribute__((__unused__))
#define __always_unused	__attribute__((__unused__))
#define __must_check	__attribute__((__warn_unused_result__))
#define __weak		__attribute__((__weak__))
#define __noreturn	__attribute__((__noreturn__))
/*
 * What only the linker's marks around a section lead to: -Wl,--gc-sections
 * keeps it, of lld and of -z start-stop-gc, too.  Compilers that do not know
 * the word are older than linkers that need it.
 */
#if defined(__has_attribute) && __has_attribute(__retain__)
#define liballoc_section(name)						\
	__attribute__((__section__(name), __used__, __retain__))
#else
#define liballoc_section(name)	__attribute__((__section__(name), __used__))
#endif
#define __ro_after_init
#define __read_mostly
#define ____cacheline_aligned	__attribute__((__aligned__(64)))
#define ____cacheline_aligned_in_smp ____cacheline_aligned
#if defined(__has_attribute) && __has_attribute(__fallthrough__)
#define fallthrough	__attribute__((__fallthrough__))
#else
#define fallthrough	do { } while (0)
#endif

/* For a checker that does not look at programs. */
#define __user
#define __kernel
#define __iomem
#define __percpu
#define __rcu
#define __force
#define __bitwise
#define __must_hold(x)
#define __acquires(x)
#define __releases(x)

#define barrier()	__asm__ volatile("" ::: "memory")
/*
 * Once: atomically what is a number or a pointer; a structure, union or
 * floating-point number as a volatile one, which up to 8 bytes is one access.
 */
#define READ_ONCE(x)							\
	__builtin_choose_expr(LIBALLOC_IS_WORD(x),			\
		__atomic_load_n(LIBALLOC_WORD(x, &(x)), __ATOMIC_RELAXED), \
		*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)						\
	do {								\
		if (LIBALLOC_IS_WORD(x))				\
			__atomic_store_n(LIBALLOC_WORD(x, &(x)),	\
				__builtin_choose_expr(			\
					LIBALLOC_IS_WORD(x), v, 0),	\
				__ATOMIC_RELAXED);			\
		else							\
			*(volatile __typeof__(x) *)&(x) = (v);		\
	} while (0)
/* Integers, enumerations, bool and pointers, by the numbers of compilers. */
#define LIBALLOC_IS_WORD(x)						\
	(__builtin_classify_type(*(__typeof__(x) *)0) <= 5)
#define LIBALLOC_WORD(x, p)						\
	__builtin_choose_expr(LIBALLOC_IS_WORD(x), p, (int *)(unsigned long)(p))
#define data_race(x)	(x)

#endif
