/*
 * linux/cleanup.h - what is given back where its variable goes out of scope.
 *
 *	char *text __free(kfree) = kstrdup(s, GFP_KERNEL);
 *	guard(mutex)(&lock);
 *
 * __free() names how; no_free_ptr() and return_ptr() take the pointer out of
 * the variable, which frees nothing then.  A class is a type with a function
 * that makes and one that ends it; a guard is a class whose value is a lock.
 * Variables of one scope end in the reverse order of their declarations, so
 * declare and set them in one place.
 *
 * Here are those of memory and locks; each lock's header has its guards.  Names
 * and meaning are the kernel's (Documentation/core-api/cleanup.rst).
 */
#ifndef LIBALLOC_LINUX_CLEANUP_H
#define LIBALLOC_LINUX_CLEANUP_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/compiler.h>

#define __cleanup(func)	__attribute__((__cleanup__(func)))

/* @free is a statement that finds the variable's value in _T. */
#define DEFINE_FREE(name, type, free)					\
	static inline __maybe_unused void liballoc_free_##name(void *at)	\
	{								\
		type _T = *(type *)at;					\
									\
		free;							\
	}
#define __free(name)	__cleanup(liballoc_free_##name) __maybe_unused

static inline __must_check const volatile void *
liballoc_taken(const volatile void *p)
{
	return p;
}

#define LIBALLOC_TAKE(p)						\
	({								\
		__auto_type liballoc_was_ = (p);			\
									\
		(p) = NULL;						\
		liballoc_was_;						\
	})
#define no_free_ptr(p)	((__typeof__(p))liballoc_taken(LIBALLOC_TAKE(p)))
#define return_ptr(p)	return no_free_ptr(p)
/* Somebody else has it now: what it was given to. */
#define retain_and_null_ptr(p)	((void)LIBALLOC_TAKE(p))

/* @init is an expression of the arguments, @exit a statement about _T. */
#define DEFINE_CLASS(name, type, exit, init, ...)			\
	typedef type class_##name##_t;					\
	static inline __maybe_unused type				\
	class_##name##_constructor(__VA_ARGS__)				\
	{								\
		return init;						\
	}								\
	static inline __maybe_unused void				\
	class_##name##_destructor(type *at)				\
	{								\
		type _T = *at;						\
									\
		exit;							\
	}
#define CLASS(name, var)						\
	class_##name##_t var __cleanup(class_##name##_destructor)	\
		__maybe_unused = class_##name##_constructor

/* --- guards: the class of a lock that is held, NULL if it could not be had --- */

#define DEFINE_GUARD(name, type, lock, unlock)				\
	DEFINE_CLASS(name, type, if (_T) { unlock; },			\
		     ({ lock; _T; }), type _T)				\
	LIBALLOC_GUARD_HELD(name)
/* @try is true if it holds the lock then: guards for the two forms below. */
#define DEFINE_GUARD_COND(name, ext, try)				\
	typedef class_##name##_t class_##name##ext##_t;			\
	static inline __maybe_unused class_##name##_t			\
	class_##name##ext##_constructor(class_##name##_t _T)		\
	{								\
		return _T && (try) ? _T : NULL;				\
	}								\
	static inline __maybe_unused void				\
	class_##name##ext##_destructor(class_##name##_t *at)		\
	{								\
		class_##name##_destructor(at);				\
	}								\
	LIBALLOC_GUARD_HELD(name##ext)
#define LIBALLOC_GUARD_HELD(name)					\
	static inline __maybe_unused bool				\
	class_##name##_is_held(const class_##name##_t *at)		\
	{								\
		return *at != NULL;					\
	}

/* Of what is no object; its value says nothing. */
#define DEFINE_LOCK_GUARD_0(name, lock, unlock)				\
	typedef const char *class_##name##_t;				\
	static inline __maybe_unused class_##name##_t			\
	class_##name##_constructor(void)				\
	{								\
		lock;							\
		return "";						\
	}								\
	static inline __maybe_unused void				\
	class_##name##_destructor(class_##name##_t *at)			\
	{								\
		(void)at;						\
		unlock;							\
	}								\
	LIBALLOC_GUARD_HELD(name)

#define LIBALLOC_PASTE_(a, b)	a##b
#define LIBALLOC_PASTE(a, b)	LIBALLOC_PASTE_(a, b)

/* Until the end of the block. */
#define guard(name)	CLASS(name, LIBALLOC_PASTE(liballoc_guard_, __COUNTER__))
/* For the statement that follows; of a conditional one only if it is held. */
#define scoped_guard(name, ...)						\
	for (CLASS(name, liballoc_scope_)(__VA_ARGS__),			\
	     *liballoc_once_ = class_##name##_is_held(&liballoc_scope_) ?	\
			       &liballoc_scope_ : NULL;			\
	     liballoc_once_; liballoc_once_ = NULL)
/* The same, and the statement @fail if it is not held. */
#define scoped_cond_guard(name, fail, ...)				\
	for (CLASS(name, liballoc_scope_)(__VA_ARGS__),			\
	     *liballoc_once_ = &liballoc_scope_;			\
	     liballoc_once_; liballoc_once_ = NULL)			\
		if (!class_##name##_is_held(&liballoc_scope_)) {	\
			fail;						\
		} else

#endif
