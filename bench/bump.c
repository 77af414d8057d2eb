/*
 * bump - the least time an allocator can take: it never frees.
 *
 * A library to preload.  Each thread takes objects one after the other from a
 * chunk of its own, a dozen instructions; free() does nothing.  So this is what
 * a program costs whose allocator costs next to nothing, but for two things
 * that work against it: every object is on new memory, which must be faulted
 * in and misses the caches.  Chunks are large and ask for huge pages to keep
 * the first small (a thread's first is 256 KiB, each further one twice as
 * large, up to 32 MiB); where a program's memory is mostly reused, a real allocator
 * may be ahead of this one, and the floor is then the better of the two.
 *
 * A word before each object holds its size, for realloc().  The last object of
 * a chunk grows in place.  A request above a quarter of a chunk is mapped
 * alone.  All of it together ends at BUMP_MAX_MIB (default 1536), with NULL:
 * a program that churns through more has no such figure.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CHUNK ((size_t)32 << 20)
#define SMALL ((size_t)256 << 10) /* first chunk of a thread */
#define HUGE_PAGE ((size_t)2 << 20)
#define HEADER 16
#define EXPORT __attribute__((visibility("default")))
#define TLS __thread __attribute__((tls_model("initial-exec")))

static TLS char *next, *end;
static TLS size_t chunk_size; /* of the last one */
static atomic_size_t mapped;
static size_t max_bytes;

static void *map(size_t size)
{
	void *mem;

	if (!max_bytes) {
		const char *mib = getenv("BUMP_MAX_MIB");

		max_bytes = (mib ? strtoull(mib, NULL, 10) : 1536) << 20;
	}
	if (atomic_fetch_add(&mapped, size) + size > max_bytes)
		return NULL;
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return mem == MAP_FAILED ? NULL : mem;
}

static __attribute__((noinline, cold)) void *bump_slow(size_t size,
							size_t align)
{
	size_t chunk = !chunk_size ? SMALL :
		       chunk_size < CHUNK ? 2 * chunk_size : CHUNK;
	size_t need = size + align + HEADER;
	char *mem;

	if (size > PTRDIFF_MAX - CHUNK || align > PTRDIFF_MAX - CHUNK)
		goto fail;
	if (need > CHUNK / 4) {
		mem = map(need);
		if (!mem)
			goto fail;
		mem = (char *)(((uintptr_t)mem + HEADER + align - 1) & -align);
		((size_t *)mem)[-1] = size;
		return mem;
	}
	while (need > chunk)
		chunk *= 2;
	mem = map(chunk);
	if (!mem)
		goto fail;
	if (chunk > HUGE_PAGE)
		madvise(mem, chunk, MADV_HUGEPAGE);
	next = mem;
	end = mem + chunk;
	chunk_size = chunk;
	mem = (char *)(((uintptr_t)mem + HEADER + align - 1) & -align);
	((size_t *)mem)[-1] = size;
	next = mem + size;
	return mem;
fail:
	errno = ENOMEM;
	return NULL;
}

static inline __attribute__((always_inline)) void *bump(size_t size,
							size_t align)
{
	uintptr_t at = ((uintptr_t)next + 8 + align - 1) & -align;

	if (__builtin_expect(!next || at > (uintptr_t)end ||
			     size > (uintptr_t)end - at, 0))
		return bump_slow(size, align);
	((size_t *)at)[-1] = size;
	next = (char *)at + size;
	return (void *)at;
}

EXPORT void *malloc(size_t size)
{
	return bump(size, 16);
}

EXPORT void free(void *ptr)
{
	(void)ptr;
}

/* New memory is zero. */
EXPORT void *calloc(size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		bytes = SIZE_MAX;
	return bump(bytes, 16);
}

EXPORT void *realloc(void *ptr, size_t size)
{
	size_t old;
	void *new;

	if (!ptr)
		return bump(size, 16);
	old = ((size_t *)ptr)[-1];
	if (size <= old)
		return ptr;
	if ((char *)ptr + old == next && size <= (size_t)(end - (char *)ptr)) {
		((size_t *)ptr)[-1] = size;
		next = (char *)ptr + size;
		return ptr;
	}
	new = bump(size, 16);
	return new ? memcpy(new, ptr, old) : NULL;
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
		bytes = SIZE_MAX;
	return realloc(ptr, bytes);
}

EXPORT void *memalign(size_t align, size_t size)
{
	return bump(size, align < 16 ? 16 : align);
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
	return ptr ? ((size_t *)ptr)[-1] : 0;
}
