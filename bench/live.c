/*
 * live - the least memory a program can take: what it holds, and no more.
 *
 * A library to preload that lets libc allocate and counts the bytes which the
 * program asked for and has not freed.  At exit one line is appended to
 * $LIVE_FILE: the largest count, rounded up to pages, and the resident pages of
 * files (program and libraries) at that moment, both in KiB.  Their sum is a
 * floor for the peak of any allocator, where the program touches what it asks
 * for; one that leaves most of a buffer untouched can be below it.
 *
 * Each block is led by 16 bytes with its size.  A block of more alignment has
 * them just below the address that the program gets, and what libc gave lies
 * further down: the header says how far.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *ptr, size_t size);
extern void __libc_free(void *ptr);

struct header {
	size_t size;
	size_t before;	/* bytes from what libc gave to what the program got */
};

_Static_assert(sizeof(struct header) == 16, "keeps the alignment");

static _Atomic size_t live, peak;

static void count(size_t more, size_t less)
{
	size_t now = atomic_fetch_add(&live, more - less) + more - less;
	size_t seen = atomic_load_explicit(&peak, memory_order_relaxed);

	while (now > seen && more > less &&
	       !atomic_compare_exchange_weak(&peak, &seen, now))
		;
}

static struct header *header_of(void *ptr)
{
	return (struct header *)ptr - 1;
}

static void *no_memory(void)
{
	errno = ENOMEM;
	return NULL;
}

static void *dress(char *raw, size_t before, size_t size)
{
	void *ptr = raw + before;

	if (!raw)
		return no_memory();
	*header_of(ptr) = (struct header){ size, before };
	count(size, 0);
	return ptr;
}

EXPORT void *malloc(size_t size)
{
	if (size > PTRDIFF_MAX)
		return no_memory();
	return dress(__libc_malloc(size + 16), 16, size);
}

EXPORT void *calloc(size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes) || bytes > PTRDIFF_MAX)
		return no_memory();
	return dress(__libc_calloc(1, bytes + 16), 16, bytes);
}

EXPORT void free(void *ptr)
{
	struct header *h;

	if (!ptr)
		return;
	h = header_of(ptr);
	count(0, h->size);
	__libc_free((char *)ptr - h->before);
}

EXPORT void *memalign(size_t align, size_t size)
{
	char *raw;

	if (align <= 16)
		return malloc(size);
	if (size > PTRDIFF_MAX - align)
		return no_memory();
	raw = __libc_malloc(size + align + 16);
	return dress(raw, (size_t)((((uintptr_t)raw + 16 + align - 1) & -align) -
				   (uintptr_t)raw), size);
}

EXPORT void *realloc(void *ptr, size_t size)
{
	struct header *h;
	size_t old;
	char *raw;

	if (!ptr)
		return malloc(size);
	h = header_of(ptr);
	old = h->size;
	if (!size) {
		free(ptr);
		return NULL;
	}
	if (size > PTRDIFF_MAX)
		return no_memory();
	if (h->before != 16) {
		void *new = malloc(size);

		if (!new)
			return NULL;
		memcpy(new, ptr, old < size ? old : size);
		free(ptr);
		return new;
	}
	raw = __libc_realloc(h, size + 16);
	if (!raw)
		return no_memory();
	count(size, old);
	((struct header *)raw)->size = size;
	return raw + 16;
}

EXPORT void free_sized(void *ptr, size_t size)
{
	(void)size;
	free(ptr);
}

EXPORT void free_aligned_sized(void *ptr, size_t align, size_t size)
{
	(void)align;
	(void)size;
	free(ptr);
}

EXPORT void *reallocarray(void *ptr, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return no_memory();
	return realloc(ptr, bytes);
}

EXPORT void *aligned_alloc(size_t align, size_t size)
{
	return memalign(align, size);
}

EXPORT int posix_memalign(void **out, size_t align, size_t size)
{
	void *ptr = memalign(align, size);

	if (!ptr)
		return ENOMEM;
	*out = ptr;
	return 0;
}

EXPORT void *valloc(size_t size)
{
	return memalign(4096, size);
}

EXPORT void *pvalloc(size_t size)
{
	return memalign(4096, (size + 4095) & -(size_t)4096);
}

EXPORT size_t malloc_usable_size(void *ptr)
{
	return ptr ? header_of(ptr)->size : 0;
}

/* The third number of statm: resident pages of files. */
static size_t file_pages(void)
{
	char text[128];
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	unsigned long size, resident, shared = 0;
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	sscanf(text, "%lu %lu %lu", &size, &resident, &shared);
	return shared;
}

static __attribute__((destructor)) void write_down(void)
{
	const char *path = getenv("LIVE_FILE");
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char line[64];
	int fd, len;

	if (!path)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0)
		return;
	len = snprintf(line, sizeof(line), "%zu\t%zu\n",
		       (atomic_load(&peak) + page - 1) / page * page / 1024,
		       file_pages() * page / 1024);
	if (write(fd, line, (size_t)len) != len)
		fputs("live: cannot write\n", stderr);
	close(fd);
}
