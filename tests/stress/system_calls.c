/*
 * system_calls.c - can system calls read and write every block, too?
 *
 * What a program may store to is not all there is: an emulator checks by a
 * table of its own what a system call is given, and may think that memory is
 * gone which was moved about.  So blocks of every size, up to many MiB, are
 * filled by read(), and a word of each page is read by another system call.
 * And what calloc() gives is zero, whatever was written before.
 */
#include <fcntl.h>
#include <signal.h>

#include "stress.h"

enum { OWN = 24, MOST = 12 << 20 };

static int zeros;

static void is_for_system_calls(void *p, size_t size)
{
	if (read(zeros, p, size) != (ssize_t)size)
		FAIL("read() into %p of %zu B: errno %d (seed %llu)", p, size,
		     errno, (unsigned long long)stress_seed);
	/* Zeros block nothing. */
	for (size_t i = 0; i + sizeof(sigset_t) <= size; i += 4096)
		if (sigprocmask(SIG_BLOCK, (sigset_t *)((char *)p + i), NULL))
			FAIL("a system call cannot read %p: errno %d (seed "
			     "%llu)", (char *)p + i, errno,
			     (unsigned long long)stress_seed);
}

static void is_zero(const unsigned char *p, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (p[i])
			FAIL("calloc() gives %#x at byte %zu of %zu (seed "
			     "%llu)", p[i], i, size,
			     (unsigned long long)stress_seed);
}

int main(int argc, char **argv)
{
	struct object own[OWN] = { { NULL, 0, 0 } };
	unsigned long operations = 0;
	struct random r;

	stress_start(argc, argv);
	r = random_start(1);
	zeros = open("/dev/zero", O_RDONLY);
	REQUIRE(zeros >= 0);
	for (; !time_is_up(); operations++) {
		struct object *o = &own[random_below(&r, OWN)];
		size_t size = random_size(&r, MOST);

		if (o->p && random_below(&r, 3) == 0) {
			object_check(o, "system_calls");
			o->p = realloc(o->p, size);
			o->size = size;
		} else {
			object_free(o, "system_calls");
			if (random_below(&r, 16) == 0)
				malloc_trim(0);
			o->p = calloc(1, size);
			o->size = size;
			REQUIRE(o->p);
			is_zero(o->p, size);
		}
		REQUIRE(o->p);
		is_for_system_calls(o->p, size);
		object_fill(o);
	}
	for (size_t i = 0; i < OWN; i++)
		object_free(&own[i], "system_calls, at the end");
	printf("%lu operations\n", operations);
	return 0;
}
