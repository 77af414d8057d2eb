/*
 * renamed.h - programs for ThreadSanitizer, which keeps malloc for itself.
 *
 * The library's objects are linked in with these names (tests/all.mk); a
 * stress program that is compiled with this header calls them.
 */
#ifndef TESTS_ALL_RENAMED_H
#define TESTS_ALL_RENAMED_H

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

void *la_malloc(size_t size);
void la_free(void *ptr);
void *la_calloc(size_t n, size_t size);
void *la_realloc(void *ptr, size_t size);
void *la_reallocarray(void *ptr, size_t n, size_t size);
void *la_aligned_alloc(size_t align, size_t size);
void *la_memalign(size_t align, size_t size);
int la_posix_memalign(void **out, size_t align, size_t size);
void *la_valloc(size_t size);
void *la_pvalloc(size_t size);
size_t la_malloc_usable_size(void *ptr);
int la_malloc_trim(size_t pad);
struct mallinfo2 la_mallinfo2(void);
int la_malloc_info(int options, FILE *f);

#define malloc la_malloc
#define free la_free
#define calloc la_calloc
#define realloc la_realloc
#define reallocarray la_reallocarray
#define aligned_alloc la_aligned_alloc
#define memalign la_memalign
#define posix_memalign la_posix_memalign
#define valloc la_valloc
#define pvalloc la_pvalloc
#define malloc_usable_size la_malloc_usable_size
#define malloc_trim la_malloc_trim
#define mallinfo2() la_mallinfo2()
#define malloc_info la_malloc_info

#endif
