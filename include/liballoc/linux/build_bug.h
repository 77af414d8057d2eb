/* linux/build_bug.h - what must hold when it is compiled. */
#ifndef LIBALLOC_LINUX_BUILD_BUG_H
#define LIBALLOC_LINUX_BUILD_BUG_H

/*
 * Statements.  What the condition is, is known once the function that they
 * stand in is optimised, so it may be that of an argument of an inline one, or
 * !__builtin_constant_p() of it: that takes -O, as kernel code does anyhow.
 */
#if defined(__has_attribute) && __has_attribute(__error__)
#define BUILD_BUG_ON_MSG(cond, msg)					\
	LIBALLOC_BUILD_BUG(cond, msg, __COUNTER__)
#define LIBALLOC_BUILD_BUG(cond, msg, nr)				\
	LIBALLOC_BUILD_BUG_NR(cond, msg, nr)
#define LIBALLOC_BUILD_BUG_NR(cond, msg, nr)				\
	do {								\
		extern void liballoc_build_bug_##nr(void)		\
			__attribute__((__error__(msg)));		\
									\
		if (cond)						\
			liballoc_build_bug_##nr();			\
	} while (0)
#else
/* Nothing is said about what is no constant. */
#define BUILD_BUG_ON_MSG(cond, msg)					\
	do {								\
		(void)sizeof(char[1 - 2 * !!(cond)]);			\
	} while (0)
#endif
#define BUILD_BUG_ON(cond)	BUILD_BUG_ON_MSG(cond, "BUILD_BUG_ON: " #cond)
#define BUILD_BUG()		BUILD_BUG_ON_MSG(1, "BUILD_BUG")
/* An expression, 0. */
#define BUILD_BUG_ON_ZERO(cond)	((int)sizeof(char[1 - 2 * !!(cond)]) - 1)
#ifndef static_assert
#define static_assert			_Static_assert
#endif

#endif
