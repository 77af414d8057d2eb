/*
 * cxx_test.c - the twenty forms of operators new and delete over a malloc of
 * our own: each asks it for the right thing, frees once, and runs the
 * new_handler when there is no memory.
 *
 * The names malloc, free and aligned_alloc in src/api/cxx.c mean
 * unit_malloc() and so on here (unit.mk), so that Criterion keeps libc's.
 */
#include "unit.h"

#include <dlfcn.h>
#include <malloc.h>

#include "api/malloc.h"

struct nothrow;

#define FORM(ret, name, mangled, ...)					\
	ret name(__VA_ARGS__) __asm__(mangled)

FORM(void *, new_, "_Znwm", size_t);
FORM(void *, new_array, "_Znam", size_t);
FORM(void *, new_nothrow, "_ZnwmRKSt9nothrow_t", size_t, struct nothrow *);
FORM(void *, new_array_nothrow, "_ZnamRKSt9nothrow_t", size_t,
     struct nothrow *);
FORM(void *, new_aligned, "_ZnwmSt11align_val_t", size_t, size_t);
FORM(void *, new_array_aligned, "_ZnamSt11align_val_t", size_t, size_t);
FORM(void *, new_aligned_nothrow, "_ZnwmSt11align_val_tRKSt9nothrow_t",
     size_t, size_t, struct nothrow *);
FORM(void *, new_array_aligned_nothrow, "_ZnamSt11align_val_tRKSt9nothrow_t",
     size_t, size_t, struct nothrow *);
FORM(void, delete_, "_ZdlPv", void *);
FORM(void, delete_array, "_ZdaPv", void *);
FORM(void, delete_sized, "_ZdlPvm", void *, size_t);
FORM(void, delete_array_sized, "_ZdaPvm", void *, size_t);
FORM(void, delete_nothrow, "_ZdlPvRKSt9nothrow_t", void *, struct nothrow *);
FORM(void, delete_array_nothrow, "_ZdaPvRKSt9nothrow_t", void *,
     struct nothrow *);
FORM(void, delete_aligned, "_ZdlPvSt11align_val_t", void *, size_t);
FORM(void, delete_array_aligned, "_ZdaPvSt11align_val_t", void *, size_t);
FORM(void, delete_sized_aligned, "_ZdlPvmSt11align_val_t", void *, size_t,
     size_t);
FORM(void, delete_array_sized_aligned, "_ZdaPvmSt11align_val_t", void *,
     size_t, size_t);
FORM(void, delete_aligned_nothrow, "_ZdlPvSt11align_val_tRKSt9nothrow_t",
     void *, size_t, struct nothrow *);
FORM(void, delete_array_aligned_nothrow,
     "_ZdaPvSt11align_val_tRKSt9nothrow_t", void *, size_t, struct nothrow *);

/* --- the malloc below --- */

static u32 allocs, frees, refuse;
static size_t last_size, last_align;
static void *last_freed;

static void *give(size_t size, size_t align)
{
	allocs++;
	last_size = size;
	last_align = align;
	if (refuse) {
		refuse--;
		return NULL;
	}
	return memalign(align ? align : 16, size ? size : 1);
}

void *malloc_called(size_t size)
{
	return give(size, 0);
}

void *memalign_called(size_t align, size_t size)
{
	return give(size, align);
}

void free_slow(void *ptr)
{
	frees++;
	last_freed = ptr;
	free(ptr);
}

void free_sized_slow(void *ptr, size_t size)
{
	(void)size;
	free_slow(ptr);
}

void malloc_bad_object(void *obj, uintptr_t head)
{
	abort();
}

void *unit_malloc(size_t size);
void unit_free(void *ptr);
void *unit_aligned_alloc(size_t align, size_t size);

void *unit_malloc(size_t size)
{
	return give(size, 0);
}

void unit_free(void *ptr)
{
	free_slow(ptr);
}

void *unit_aligned_alloc(size_t align, size_t size)
{
	return give(size, align);
}

void *own_malloc(size_t size) __attribute__((alias("unit_malloc")));
void own_free(void *ptr) __attribute__((alias("unit_free")));

/* --- the new_handler --- */

typedef void handler_fn(void);

static handler_fn *handler;
static u32 handled, handle_at_most;

handler_fn *get_new_handler(void) __asm__("_ZSt15get_new_handlerv");

__attribute__((visibility("default"))) handler_fn *get_new_handler(void)
{
	return handler;
}

static void give_up_later(void)
{
	if (++handled == handle_at_most)
		handler = NULL;
}

/* --- tests --- */

static void *call_new(u32 form, size_t size, size_t align)
{
	switch (form) {
	case 0: return new_(size);
	case 1: return new_array(size);
	case 2: return new_nothrow(size, NULL);
	case 3: return new_array_nothrow(size, NULL);
	case 4: return new_aligned(size, align);
	case 5: return new_array_aligned(size, align);
	case 6: return new_aligned_nothrow(size, align, NULL);
	default: return new_array_aligned_nothrow(size, align, NULL);
	}
}

static void call_delete(u32 form, void *p)
{
	switch (form) {
	case 0: return delete_(p);
	case 1: return delete_array(p);
	case 2: return delete_sized(p, 40);
	case 3: return delete_array_sized(p, 40);
	case 4: return delete_nothrow(p, NULL);
	case 5: return delete_array_nothrow(p, NULL);
	case 6: return delete_aligned(p, 64);
	case 7: return delete_array_aligned(p, 64);
	case 8: return delete_sized_aligned(p, 40, 64);
	case 9: return delete_array_sized_aligned(p, 40, 64);
	case 10: return delete_aligned_nothrow(p, 64, NULL);
	default: return delete_array_aligned_nothrow(p, 64, NULL);
	}
}

Test(cxx, every_pair)
{
	for (u32 n = 0; n < 8; n++)
		for (u32 d = 0; d < 12; d++) {
			void *p;

			allocs = frees = 0;
			p = call_new(n, 40, 64);
			cr_assert_not_null(p);
			cr_assert_eq(allocs, 1, "form %u", n);
			cr_assert_eq(last_size, n < 4 ? 40 : last_size);
			cr_assert_geq(last_size, 40);
			cr_assert_eq(last_align, n < 4 ? 0 : 64);
			call_delete(d, p);
			cr_assert_eq(frees, 1, "form %u", d);
			cr_assert_eq(last_freed, p);
		}
}

Test(cxx, the_handler_is_asked_until_there_is_memory)
{
	for (u32 form = 0; form < 8; form++) {
		void *p;

		handler = give_up_later;
		handle_at_most = 1000;
		handled = allocs = 0;
		refuse = 3;
		p = call_new(form, 100, 128);
		cr_assert_not_null(p, "form %u", form);
		cr_assert_eq(handled, 3);
		cr_assert_eq(allocs, 4);
		cr_assert_geq(last_size, 100);
		cr_assert_eq(last_align, form < 4 ? 0 : 128);
		call_delete(0, p);
	}
}

Test(cxx, nothrow_without_memory_is_null)
{
	static const u32 forms[] = { 2, 3, 6, 7 };

	for (u32 i = 0; i < 4; i++) {
		handler = NULL;
		refuse = 1000;
		cr_assert_null(call_new(forms[i], 100, 64));
		/* A handler that gives up by removing itself. */
		handler = give_up_later;
		handled = 0;
		handle_at_most = 5;
		refuse = 1000;
		cr_assert_null(call_new(forms[i], 100, 64));
		cr_assert_eq(handled, 5);
	}
}

static void without_memory(void *form)
{
	refuse = 1000;
	call_new((u32)(uintptr_t)form, 100, 64);
}

/* There is no C++ here to throw with: one line, and the end. */
Test(cxx, throwing_without_a_run_time_ends_the_process)
{
	static const u32 forms[] = { 0, 1, 4, 5 };

	if (dlsym(RTLD_DEFAULT, "__cxa_throw"))
		cr_skip_test("a C++ run time is loaded");
	for (u32 i = 0; i < 4; i++)
		unit_reports(without_memory, (void *)(uintptr_t)forms[i],
			     "liballoc: operator new: out of memory");
}
