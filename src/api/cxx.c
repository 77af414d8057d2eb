/*
 * cxx.c - operator new and operator delete, by their mangled names.
 *
 * These are the twenty replaceable forms of C++20 on a 64-bit target.  Plain
 * and aligned new, and plain and aligned delete, are base forms; the standard
 * defines every other form as a call of a base form:
 *
 *	new[]             new           delete[]          delete
 *	new nothrow       new           delete sized      delete
 *	new[] nothrow     new[]         delete nothrow    delete
 *	                                delete[] sized    delete[]
 *	                                delete[] nothrow  delete[]
 *
 * and the same once more with an alignment.  A program may replace the base
 * forms alone and count on that.  So each derived form compares what the
 * dynamic linker bound its base to with our own: ours is inlined, another
 * one is called.
 *
 * No C++ run time is linked.  What a failing new needs of it (new_handler,
 * throw, catch, unwinder) is referred to weakly, and searched for when
 * needed if it came later, by dlopen().  libstdc++ and libc++ share these
 * mangled names; where both are loaded, the first in the global scope serves.
 *
 * A new_handler may throw.  Every frame here can be unwound (the Makefile
 * gives this file -fexceptions) and holds nothing to undo.  The nothrow forms
 * owe NULL for such an exception and C cannot catch, so they call through
 * cxx_try(): a few instructions of assembly whose personality routine is
 * ours, stops every exception and hands it to cxx_caught().  A forced unwind
 * (thread cancellation) goes through.  On an architecture without cxx_try()
 * the exception goes through too.
 *
 * Failure: throws std::bad_alloc, or returns NULL from the nothrow forms.
 * Without a C++ run time there is nothing to throw: one line and abort().
 * The same in a static program into which nothing linked std::bad_alloc; no
 * handler in it can name that type.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <unwind.h>

#include <stdlib.h>

#include "api/malloc.h"
#include "core/report.h"
#include "lib/compiler.h"

#ifndef __EXCEPTIONS
#error "a new_handler may throw through these frames: needs -fexceptions"
#endif

_Static_assert(sizeof(size_t) == sizeof(long) && sizeof(long) == 8,
	       "the names below spell size_t as unsigned long");

/* std::nothrow_t: passed by reference, never looked at. */
struct nothrow;

typedef void *new_fn(size_t n);
typedef void *new_nothrow_fn(size_t n, const struct nothrow *tag);
typedef void *new_aligned_fn(size_t n, size_t align);
typedef void *new_aligned_nothrow_fn(size_t n, size_t align,
				     const struct nothrow *tag);
typedef void delete_fn(void *p);
typedef void delete_sized_fn(void *p, size_t n);
typedef void delete_nothrow_fn(void *p, const struct nothrow *tag);
typedef void delete_aligned_fn(void *p, size_t align);
typedef void delete_sized_aligned_fn(void *p, size_t n, size_t align);
typedef void delete_aligned_nothrow_fn(void *p, size_t align,
				       const struct nothrow *tag);

/*
 * Weak, as in every C++ run time: a statically linked program that brings its
 * own replaces ours instead of colliding with it.
 */
#define FORM(type, name, mangled) \
	EXPORT __attribute__((weak)) type name __asm__(mangled)

FORM(new_fn, cxx_new, "_Znwm");
FORM(new_fn, cxx_new_array, "_Znam");
FORM(new_nothrow_fn, cxx_new_nothrow, "_ZnwmRKSt9nothrow_t");
FORM(new_nothrow_fn, cxx_new_array_nothrow, "_ZnamRKSt9nothrow_t");
FORM(new_aligned_fn, cxx_new_aligned, "_ZnwmSt11align_val_t");
FORM(new_aligned_fn, cxx_new_array_aligned, "_ZnamSt11align_val_t");
FORM(new_aligned_nothrow_fn, cxx_new_aligned_nothrow,
     "_ZnwmSt11align_val_tRKSt9nothrow_t");
FORM(new_aligned_nothrow_fn, cxx_new_array_aligned_nothrow,
     "_ZnamSt11align_val_tRKSt9nothrow_t");

FORM(delete_fn, cxx_delete, "_ZdlPv");
FORM(delete_fn, cxx_delete_array, "_ZdaPv");
FORM(delete_sized_fn, cxx_delete_sized, "_ZdlPvm");
FORM(delete_sized_fn, cxx_delete_array_sized, "_ZdaPvm");
FORM(delete_nothrow_fn, cxx_delete_nothrow, "_ZdlPvRKSt9nothrow_t");
FORM(delete_nothrow_fn, cxx_delete_array_nothrow, "_ZdaPvRKSt9nothrow_t");
FORM(delete_aligned_fn, cxx_delete_aligned, "_ZdlPvSt11align_val_t");
FORM(delete_aligned_fn, cxx_delete_array_aligned, "_ZdaPvSt11align_val_t");
FORM(delete_sized_aligned_fn, cxx_delete_sized_aligned,
     "_ZdlPvmSt11align_val_t");
FORM(delete_sized_aligned_fn, cxx_delete_array_sized_aligned,
     "_ZdaPvmSt11align_val_t");
FORM(delete_aligned_nothrow_fn, cxx_delete_aligned_nothrow,
     "_ZdlPvSt11align_val_tRKSt9nothrow_t");
FORM(delete_aligned_nothrow_fn, cxx_delete_array_aligned_nothrow,
     "_ZdaPvSt11align_val_tRKSt9nothrow_t");

/* Where our own forms are, whoever answers to the exported name. */
#define OWN(type, name, mangled) \
	static type name __attribute__((alias(mangled)))

OWN(new_fn, own_new, "_Znwm");
OWN(new_fn, own_new_array, "_Znam");
OWN(new_aligned_fn, own_new_aligned, "_ZnwmSt11align_val_t");
OWN(new_aligned_fn, own_new_array_aligned, "_ZnamSt11align_val_t");
OWN(delete_fn, own_delete, "_ZdlPv");
OWN(delete_fn, own_delete_array, "_ZdaPv");
OWN(delete_aligned_fn, own_delete_aligned, "_ZdlPvSt11align_val_t");
OWN(delete_aligned_fn, own_delete_array_aligned, "_ZdaPvSt11align_val_t");

/*
 * What the dynamic linker bound @form to.  The empty asm keeps a compiler
 * that sees our definition from taking for granted that it is ours.
 */
#define BOUND(form)                              \
	({                                       \
		__typeof__(&form) bound_ = form; \
		__asm__("" : "+r"(bound_));      \
		bound_;                          \
	})

/*
 * libstdc++'s operators call malloc, so a program that defines its own malloc
 * and no operators is served by that one, whole.  That one may have NULL for
 * no bytes, which an operator may not: it asks for one, as libstdc++'s does.
 */
__fastpath void *c_malloc(size_t n)
{
	if (unlikely(BOUND(malloc) != own_malloc))
		return malloc(n ? n : 1);
	return malloc_within(n);
}

__fastpath void *c_memalign(size_t align, size_t n)
{
	if (unlikely(BOUND(malloc) != own_malloc))
		return n > PTRDIFF_MAX ? NULL :	/* it would wrap */
		       aligned_alloc(align, ALIGN_UP(n ? n : 1, align));
	return memalign_impl(align, n);
}

__fastpath void c_free(void *p)
{
	if (unlikely(BOUND(free) != own_free))
		free(p);
	else
		free_fast(p);
}

__fastpath void c_free_sized(void *p, size_t n)
{
	if (unlikely(BOUND(free) != own_free))
		free(p);
	else
		free_sized_impl(p, n);
}

typedef void new_handler_fn(void);

/* Of libstdc++ or libc++, and of the unwinder; NULL in a program without. */
#define WEAK __attribute__((weak))

WEAK new_handler_fn *
std_get_new_handler(void) __asm__("_ZSt15get_new_handlerv");
WEAK void std_throw_bad_alloc(void) __asm__("_ZSt17__throw_bad_allocv");
WEAK void *__cxa_allocate_exception(size_t n);
WEAK void __cxa_throw(void *exc, void *type, void (*destroy)(void *));
WEAK void *__cxa_begin_catch(void *exc);
WEAK void __cxa_end_catch(void);
WEAK extern char bad_alloc_type[] __asm__("_ZTISt9bad_alloc");
WEAK extern void *bad_alloc_vtable[] __asm__("_ZTVSt9bad_alloc");

#pragma weak _Unwind_SetGR
#pragma weak _Unwind_SetIP

#pragma weak dlsym
#pragma weak dlclose
#pragma weak dladdr

/* Look in the object loaded as @file, and load nothing. */
static void *symbol_of(const char *file, const char *name)
{
	/*
	 * Not named directly: a static program would be linked with a warning
	 * about dlopen(), and has nothing to search anyway.
	 */
	void *(*load)(const char *, int) = dlsym(RTLD_DEFAULT, "dlopen");
	void *object = load ? load(file, RTLD_LAZY | RTLD_NOLOAD) : NULL;
	void *symbol = object ? dlsym(object, name) : NULL;

	if (object)
		dlclose(object);
	return symbol;
}

/**
 * runtime_search - find a symbol of a C++ run time that was loaded later
 * @name: mangled name
 *
 * First in the global scope, then in the run times that a dlopen() without
 * RTLD_GLOBAL brought in.
 *
 * Context: may take the dynamic linker's lock and allocate.
 * Return: the address, or NULL.
 */
static __slowpath void *runtime_search(const char *name)
{
	static const char *const homes[] = {
		"libstdc++.so.6",
		"libc++abi.so.1",
		"libc++.so.1",
	};
	void *symbol;

	if (!dlsym || !dlclose)
		return NULL;
	symbol = dlsym(RTLD_DEFAULT, name);
	for (size_t i = 0; !symbol && i < ARRAY_SIZE(homes); i++)
		symbol = symbol_of(homes[i], name);
	return symbol;
}

/* The symbol @name of the object that has @addr in its text, or @other. */
static __slowpath void *runtime_beside(const void *addr, const char *name,
				       void *other)
{
	void *symbol = NULL;
	Dl_info info;

	if (dlsym && dlclose && dladdr && dladdr(addr, &info))
		symbol = symbol_of(info.dli_fname, name);
	return symbol ? symbol : other;
}

/* @weak if it was there when we were loaded, else what is called @name. */
#define RUNTIME(weak, name) \
	((__typeof__(&*(weak)))((weak) ? (void *)(weak) : runtime_search(name)))

/*
 * std::__throw_bad_alloc() is missing from a static program that nothing else
 * pulled it into.  One that catches std::bad_alloc has its type and the parts
 * of a throw expression.
 */
static __slowpath __noreturn void throw_bad_alloc(void)
{
	void (*throw_ready)(void) =
		RUNTIME(std_throw_bad_alloc, "_ZSt17__throw_bad_allocv");

	if (throw_ready)
		throw_ready();
	if (__cxa_allocate_exception && __cxa_throw && bad_alloc_type &&
	    bad_alloc_vtable) {
		void ***exc = __cxa_allocate_exception(sizeof(*exc));

		/* An object is its vtable pointer, past offset and type. */
		*exc = &bad_alloc_vtable[2];
		__cxa_throw(exc, bad_alloc_type, NULL);
	}
	alloc_fatal("operator new: out of memory, and no C++ run time found "
		    "to throw std::bad_alloc");
}

static void *new_try(size_t n, size_t align)
{
	return align ? c_memalign(align, n) : c_malloc(n);
}

/*
 * After a failure: the handler makes room, throws, ends the program, or is
 * replaced by another; it is asked for again each time.
 */
static void *new_retry(size_t n, size_t align)
{
	new_handler_fn *(*get_handler)(void) =
		RUNTIME(std_get_new_handler, "_ZSt15get_new_handlerv");
	new_handler_fn *handler;
	void *p;

	while (get_handler && (handler = get_handler())) {
		handler();
		p = new_try(n, align);
		if (p)
			return p;
	}
	return NULL;
}

static __slowpath void *new_slow(size_t n, size_t align)
{
	void *p = new_retry(n, align);

	if (!p)
		throw_bad_alloc();
	return p;
}

/* --- the nothrow forms: an exception becomes NULL --- */

/**
 * cxx_try - call a base form; NULL if it throws
 * @fn: anything that takes (n) or (n, align) in the first two registers
 */
void *cxx_try(void *(*fn)(size_t n, size_t align), size_t n, size_t align);

/* Where cxx_try() goes on after a throw. */
extern const char cxx_try_caught[];

/* The rest is called from assembly or from unwind tables only. */
void *cxx_caught(struct _Unwind_Exception *exc);
_Unwind_Reason_Code cxx_personality(int version, _Unwind_Action actions,
				    _Unwind_Exception_Class class,
				    struct _Unwind_Exception *exc,
				    struct _Unwind_Context *ctx);

/* Ends the exception as a catch (...) would, the count of uncaught included. */
__attribute__((used)) void *cxx_caught(struct _Unwind_Exception *exc)
{
	void *(*begin)(void *) =
		RUNTIME(__cxa_begin_catch, "__cxa_begin_catch");
	void (*end)(void) = RUNTIME(__cxa_end_catch, "__cxa_end_catch");

	if (begin && end) {
		begin(exc);
		end();
	} else if (exc->exception_cleanup) {
		exc->exception_cleanup(_URC_FOREIGN_EXCEPTION_CAUGHT, exc);
	}
	return NULL;
}

/* The unwinder asks about cxx_try(), whose one call is the only thrower. */
__attribute__((used)) _Unwind_Reason_Code
cxx_personality(int version, _Unwind_Action actions,
		_Unwind_Exception_Class class, struct _Unwind_Exception *exc,
		struct _Unwind_Context *ctx)
{
	const void *unwinder = __builtin_return_address(0);
	__typeof__(&_Unwind_SetGR) set_gr;
	__typeof__(&_Unwind_SetIP) set_ip;

	(void)class;
	if (version != 1 || (actions & _UA_FORCE_UNWIND))
		return _URC_CONTINUE_UNWIND;
	/*
	 * libgcc_s and libunwind may both be loaded, and neither understands
	 * a context of the other.
	 */
	set_gr = runtime_beside(unwinder, "_Unwind_SetGR", _Unwind_SetGR);
	set_ip = runtime_beside(unwinder, "_Unwind_SetIP", _Unwind_SetIP);
	if (!set_gr || !set_ip)
		return _URC_CONTINUE_UNWIND;
	if (actions & _UA_SEARCH_PHASE)
		return _URC_HANDLER_FOUND;
	if (!(actions & _UA_HANDLER_FRAME))
		return _URC_CONTINUE_UNWIND;
	set_gr(ctx, __builtin_eh_return_data_regno(0), (_Unwind_Word)exc);
	set_ip(ctx, (_Unwind_Ptr)cxx_try_caught);
	return _URC_INSTALL_CONTEXT;
}

/* clang-format off */
/* 0x1b: the personality routine is given as a 32-bit pc-relative offset. */
#define CXX_TRY(call, leave, caught)					\
	__asm__(".pushsection .text.unlikely, \"ax\", @progbits\n"	\
		"	.balign	16\n"					\
		"	.hidden	cxx_try, cxx_try_caught\n"		\
		"	.globl	cxx_try, cxx_try_caught\n"		\
		"	.type	cxx_try, %function\n"			\
		"cxx_try:\n"						\
		"	.cfi_startproc\n"				\
		"	.cfi_personality 0x1b, cxx_personality\n"	\
		call							\
		"	.cfi_remember_state\n"				\
		leave							\
		"cxx_try_caught:\n"					\
		"	.cfi_restore_state\n"				\
		caught							\
		leave							\
		"	.cfi_endproc\n"					\
		"	.size	cxx_try, . - cxx_try\n"			\
		"	.popsection\n")

#if defined(__x86_64__)
#define CXX_HAVE_TRY 1
CXX_TRY(/* call */
	"	endbr64\n"
	"	sub	$8, %rsp\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	mov	%rdi, %rax\n"
	"	mov	%rsi, %rdi\n"
	"	mov	%rdx, %rsi\n"
	"	call	*%rax\n",
	/* leave */
	"	add	$8, %rsp\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	ret\n",
	/* caught */
	"	endbr64\n"
	"	mov	%rax, %rdi\n"
	"	call	cxx_caught\n");
#elif defined(__aarch64__)
#define CXX_HAVE_TRY 1
CXX_TRY(/* call */
	"	hint	#34\n"			/* bti c */
	"	stp	x29, x30, [sp, #-16]!\n"
	"	.cfi_def_cfa_offset 16\n"
	"	.cfi_offset x29, -16\n"
	"	.cfi_offset x30, -8\n"
	"	mov	x29, sp\n"
	"	mov	x3, x0\n"
	"	mov	x0, x1\n"
	"	mov	x1, x2\n"
	"	blr	x3\n",
	/* leave */
	"	ldp	x29, x30, [sp], #16\n"
	"	.cfi_restore x30\n"
	"	.cfi_restore x29\n"
	"	.cfi_def_cfa_offset 0\n"
	"	ret\n",
	/* caught */
	"	hint	#36\n"			/* bti j */
	"	bl	cxx_caught\n");
#else
#define CXX_HAVE_TRY 0
#endif
/* clang-format on */

static __slowpath void *new_nothrow_slow(void *(*fn)(size_t n, size_t align),
					 size_t n, size_t align)
{
	return CXX_HAVE_TRY ? cxx_try(fn, n, align) : fn(n, align);
}

/* A plain base form ignores the second register. */
static __slowpath void *new_nothrow_bound(new_fn *base, size_t n)
{
	return new_nothrow_slow((void *(*)(size_t, size_t))(void *)base, n, 0);
}

/* --- new --- */

__fastpath void *new_fast(size_t n)
{
	void *p = c_malloc(n);

	if (unlikely(!p))
		return new_slow(n, 0);
	return p;
}

__fastpath void *new_fast_aligned(size_t n, size_t align)
{
	void *p = c_memalign(align, n);

	if (unlikely(!p))
		return new_slow(n, align);
	return p;
}

__fastpath void *new_fast_nothrow(size_t n)
{
	void *p = c_malloc(n);

	if (unlikely(!p))
		return new_nothrow_slow(new_retry, n, 0);
	return p;
}

__fastpath void *new_fast_aligned_nothrow(size_t n, size_t align)
{
	void *p = c_memalign(align, n);

	if (unlikely(!p))
		return new_nothrow_slow(new_retry, n, align);
	return p;
}

void *cxx_new(size_t n)
{
	return new_fast(n);
}

void *cxx_new_array(size_t n)
{
	new_fn *base = BOUND(cxx_new);

	if (unlikely(base != own_new))
		return base(n);
	return new_fast(n);
}

void *cxx_new_nothrow(size_t n, const struct nothrow *tag)
{
	new_fn *base = BOUND(cxx_new);

	(void)tag;
	if (unlikely(base != own_new))
		return new_nothrow_bound(base, n);
	return new_fast_nothrow(n);
}

void *cxx_new_array_nothrow(size_t n, const struct nothrow *tag)
{
	new_fn *base = BOUND(cxx_new_array);

	(void)tag;
	if (unlikely(base != own_new_array || BOUND(cxx_new) != own_new))
		return new_nothrow_bound(base, n);
	return new_fast_nothrow(n);
}

void *cxx_new_aligned(size_t n, size_t align)
{
	return new_fast_aligned(n, align);
}

void *cxx_new_array_aligned(size_t n, size_t align)
{
	new_aligned_fn *base = BOUND(cxx_new_aligned);

	if (unlikely(base != own_new_aligned))
		return base(n, align);
	return new_fast_aligned(n, align);
}

void *cxx_new_aligned_nothrow(size_t n, size_t align, const struct nothrow *tag)
{
	new_aligned_fn *base = BOUND(cxx_new_aligned);

	(void)tag;
	if (unlikely(base != own_new_aligned))
		return new_nothrow_slow(base, n, align);
	return new_fast_aligned_nothrow(n, align);
}

void *cxx_new_array_aligned_nothrow(size_t n, size_t align,
				    const struct nothrow *tag)
{
	new_aligned_fn *base = BOUND(cxx_new_array_aligned);

	(void)tag;
	if (unlikely(base != own_new_array_aligned ||
		     BOUND(cxx_new_aligned) != own_new_aligned))
		return new_nothrow_slow(base, n, align);
	return new_fast_aligned_nothrow(n, align);
}

/* --- delete --- */

void cxx_delete(void *p)
{
	c_free(p);
}

void cxx_delete_array(void *p)
{
	delete_fn *base = BOUND(cxx_delete);

	if (unlikely(base != own_delete))
		return base(p);
	c_free(p);
}

void cxx_delete_sized(void *p, size_t n)
{
	delete_fn *base = BOUND(cxx_delete);

	if (unlikely(base != own_delete))
		return base(p);
	c_free_sized(p, n);
}

void cxx_delete_array_sized(void *p, size_t n)
{
	delete_fn *base = BOUND(cxx_delete_array);

	if (unlikely(base != own_delete_array ||
		     BOUND(cxx_delete) != own_delete))
		return base(p);
	c_free_sized(p, n);
}

void cxx_delete_nothrow(void *p, const struct nothrow *tag)
{
	(void)tag;
	BOUND(cxx_delete)(p);
}

void cxx_delete_array_nothrow(void *p, const struct nothrow *tag)
{
	(void)tag;
	BOUND(cxx_delete_array)(p);
}

void cxx_delete_aligned(void *p, size_t align)
{
	(void)align;
	c_free(p);
}

void cxx_delete_array_aligned(void *p, size_t align)
{
	delete_aligned_fn *base = BOUND(cxx_delete_aligned);

	if (unlikely(base != own_delete_aligned))
		return base(p, align);
	c_free(p);
}

void cxx_delete_sized_aligned(void *p, size_t n, size_t align)
{
	delete_aligned_fn *base = BOUND(cxx_delete_aligned);

	if (unlikely(base != own_delete_aligned))
		return base(p, align);
	c_free_sized(p, n);
}

void cxx_delete_array_sized_aligned(void *p, size_t n, size_t align)
{
	delete_aligned_fn *base = BOUND(cxx_delete_array_aligned);

	if (unlikely(base != own_delete_array_aligned ||
		     BOUND(cxx_delete_aligned) != own_delete_aligned))
		return base(p, align);
	c_free_sized(p, n);
}

/* Called by a new-expression whose constructor threw: never hot. */
void cxx_delete_aligned_nothrow(void *p, size_t align,
				const struct nothrow *tag)
{
	(void)tag;
	BOUND(cxx_delete_aligned)(p, align);
}

void cxx_delete_array_aligned_nothrow(void *p, size_t align,
				      const struct nothrow *tag)
{
	(void)tag;
	BOUND(cxx_delete_array_aligned)(p, align);
}
