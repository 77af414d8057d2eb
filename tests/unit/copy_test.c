/*
 * copy_test.c - bytes come over exactly up to the first page that is not
 * there, on either side, and no signal comes.
 */
#include "refuse.h"

#define PAGE 4096
#define NR   8			/* pages on either side */

static char *src, *dst;

static void *pages(int prot)
{
	void *p = mmap(NULL, NR * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);

	cr_assert_neq(p, MAP_FAILED);
	return p;
}

static void up(void)
{
	sys_init();
	src = pages(PROT_READ | PROT_WRITE);
	dst = pages(PROT_READ | PROT_WRITE);
	for (u32 i = 0; i < NR * PAGE; i++)
		src[i] = (char)(i * 7 + i / 251);
	cr_assert(munmap(src + (NR - 1) * PAGE, PAGE) == 0);
	cr_assert(munmap(dst + (NR - 1) * PAGE, PAGE) == 0);
}

/* dst[0, n) is src[0, n), and nothing was written behind it. */
static void check(size_t to, size_t from, size_t n, size_t copied)
{
	size_t end = (NR - 1) * PAGE;

	memset(dst, 0x5a, end);
	errno = 77;
	REQUIRE(sys_copy_safe(dst + to, src + from, n) == n - copied);
	REQUIRE(errno == 77);
	REQUIRE(!memcmp(dst + to, src + from, copied));
	for (size_t i = 0; i < to; i++)
		REQUIRE(dst[i] == 0x5a);
	for (size_t i = to + copied; i < end; i++)
		REQUIRE(dst[i] == 0x5a);
}

static void exact(void)
{
	static const size_t offsets[] = { 0, 1, 63, 4000, 4095, 4096, 9000 };
	static const size_t sizes[] = { 0, 1, 8, 100, 4096, 4097, 12000 };
	size_t end = (NR - 1) * PAGE;

	for (u32 i = 0; i < ARRAY_SIZE(offsets); i++)
		for (u32 k = 0; k < ARRAY_SIZE(offsets); k++)
			for (u32 n = 0; n < ARRAY_SIZE(sizes); n++)
				check(offsets[i], offsets[k], sizes[n],
				      sizes[n]);
	/* Over the end of the source, of the destination, of both. */
	for (size_t back = 1; back < 3 * PAGE; back += 509) {
		check(0, end - back, back + 1, back);
		check(0, end - back, back + 5000, back);
		check(end - back, 0, back + 1, back);
		check(end - back, 0, back + 5000, back);
		check(end - back, end - back, back + 5000, back);
		check(end - back, end - 100, back + 5000, min(back, 100ul));
	}
}

Test(copy, exact_up_to_the_bad_page, .init = up)
{
	exact();
}

/* One bad page in the middle of many good ones. */
Test(copy, holes, .init = up)
{
	static const int bad[] = { PROT_NONE, -1 };

	for (u32 hole = 0; hole < NR - 1; hole++)
		for (u32 kind = 0; kind < ARRAY_SIZE(bad); kind++) {
			if (bad[kind] < 0)
				munmap(src + hole * PAGE, PAGE);
			else
				mprotect(src + hole * PAGE, PAGE, bad[kind]);
			memset(dst, 0, (NR - 1) * PAGE);
			cr_assert_eq(sys_copy_safe(dst, src, 7 * PAGE),
				     (7 - hole) * PAGE);
			cr_assert_eq(memcmp(src, dst, hole * PAGE), 0);
			mmap(src + hole * PAGE, PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		}
}

Test(copy, a_read_only_destination, .init = up)
{
	mprotect(dst + 2 * PAGE, PAGE, PROT_READ);
	cr_assert_eq(sys_copy_safe(dst, src, 5 * PAGE), 3 * PAGE);
	cr_assert_eq(memcmp(src, dst, 2 * PAGE), 0);
	mprotect(src, PAGE, PROT_READ);
	cr_assert_eq(sys_copy_safe(dst, src, PAGE), 0, "a source may be");
}

Test(copy, no_addresses_at_all, .init = up)
{
	static const uintptr_t wild[] = {
		0, 1, 4095, 0x1234567, (uintptr_t)1 << 46,
		(uintptr_t)1 << 62, 0xffff800000000000, UINTPTR_MAX - 100,
		UINTPTR_MAX,
	};

	for (u32 i = 0; i < ARRAY_SIZE(wild); i++) {
		void *p = (void *)wild[i];

		cr_assert_eq(sys_copy_safe(dst, p, 64), 64, "%p", p);
		cr_assert_eq(sys_copy_safe(p, src, 64), 64, "%p", p);
		cr_assert_eq(sys_copy_safe(p, p, 64), 64, "%p", p);
		cr_assert_eq(sys_copy_safe(dst, p, SIZE_MAX), SIZE_MAX);
		cr_assert_eq(sys_copy_safe(p, p, 0), 0);
	}
	/* More than there can be: what there is comes over. */
	cr_assert_eq(sys_copy_safe(dst, src + 6 * PAGE, SIZE_MAX),
		     SIZE_MAX - PAGE);
}

/* A file that has become shorter: SIGBUS for a load, an end for us. */
Test(copy, behind_the_end_of_a_file, .init = up)
{
	int fd = memfd_create("unit", 0);
	char *map;

	cr_assert(fd >= 0 && ftruncate(fd, 3 * PAGE) == 0);
	map = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	memset(map, 9, 3 * PAGE);
	cr_assert(ftruncate(fd, PAGE) == 0);
	cr_assert_eq(sys_copy_safe(dst, map, 3 * PAGE), 2 * PAGE);
	cr_assert_eq(dst[PAGE - 1], 9);
	cr_assert_eq(sys_copy_safe(map, src, 3 * PAGE), 2 * PAGE);
}

static bool stop;

static void *flicker(void *arg)
{
	while (!READ_ONCE(stop)) {
		mprotect(src + PAGE, PAGE, PROT_NONE);
		mprotect(src + PAGE, PAGE, PROT_READ | PROT_WRITE);
	}
	return NULL;
}

/* A page that comes and goes: all of it or none. */
Test(copy, while_another_thread_protects, .init = up)
{
	pthread_t t;

	cr_assert_eq(pthread_create(&t, NULL, flicker, NULL), 0);
	for (u32 i = 0; i < 5000; i++) {
		size_t left = sys_copy_safe(dst, src, 3 * PAGE);

		REQUIRE(IS_ALIGNED(left, PAGE) && left <= 2 * PAGE);
	}
	WRITE_ONCE(stop, true);
	pthread_join(t, NULL);
}

/* --- where the kernel refuses --- */

Test(copy, through_a_pipe, .init = up)
{
	static const int calls[] = { SYS_process_vm_readv };

	int fd = dup(0);

	close(fd);
	refuse(calls, 1, SECCOMP_RET_ERRNO | EPERM);
	exact();
	cr_assert_eq(sys_copy_safe(dst, NULL, 64), 64);
	cr_assert_eq(sys_copy_safe(NULL, src, 64), 64);
	cr_assert_eq(dup(0), fd, "descriptors were left open");
}

Test(copy, where_nothing_is_allowed, .init = up)
{
	static const int calls[] = { SYS_process_vm_readv, SYS_pipe2 };

	refuse(calls, 2, SECCOMP_RET_ERRNO | EPERM);
	dst[0] = 1;
	cr_assert_eq(sys_copy_safe(dst, src + 1, 100), 100);
	cr_assert_eq(dst[0], 1);
}

/* Criterion's own socket needs none: only the child's are gone. */
static void no_descriptors(void *arg)
{
	static const int calls[] = { SYS_process_vm_readv };
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_NOFILE, &none);
	if (sys_copy_safe(dst, src, 100) != 0)
		_exit(1);
	refuse(calls, 1, SECCOMP_RET_ERRNO | EPERM);
	_exit(sys_copy_safe(dst, src, 100) == 100 ? 0 : 2);
}

Test(copy, without_descriptors, .init = up)
{
	char text[256];

	cr_assert_eq(unit_child(no_descriptors, NULL, text, sizeof(text)), 0);
}

static char state_of_main(void)
{
	char text[512] = "";
	int fd = open("/proc/self/stat", O_RDONLY);
	char *at;

	REQUIRE(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	at = strrchr(text, ')');
	return at && at[1] ? at[2] : '?';
}

static void *copy_alone(void *arg)
{
	struct rlimit none = { 0, 0 };

	/* Until the first thread is gone: its memory is, then. */
	while (state_of_main() != 'Z')
		usleep(1000);
	setrlimit(RLIMIT_NOFILE, &none);	/* no pipes */
	_exit(sys_copy_safe(dst, src, 8) != 0);
}

static void leave_by_thread(void *arg)
{
	pthread_t t;

	pthread_create(&t, NULL, copy_alone, NULL);
	pthread_exit(NULL);
}

Test(copy, where_main_has_left, .init = up)
{
	char text[512];

	cr_assert_eq(unit_child(leave_by_thread, NULL, text, sizeof(text)), 0);
}
