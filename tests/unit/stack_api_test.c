/*
 * stack_api_test.c - the exported stacks: errors, questions, vmallocinfo, and
 * threads that begin on one.
 */
#include "liballoc/thread.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#define SIZE ((size_t)128 << 10)

Test(stack_api, errors)
{
	struct alloc_thread_stack_info info;
	void *s;

	errno = 0;
	cr_assert_null(alloc_thread_stack(0, 0));
	cr_assert_eq(errno, EINVAL);
	errno = 0;
	cr_assert_null(alloc_thread_stack(SIZE, 4));
	cr_assert_eq(errno, EINVAL);
	errno = 0;
	cr_assert_null(alloc_thread_stack(SIZE_MAX, 0));
	cr_assert_eq(errno, ENOMEM);
	errno = 7;
	s = alloc_thread_stack(SIZE, ALLOC_STACK_REPORT | ALLOC_STACK_ZERO);
	cr_assert(s);
	cr_assert_eq(alloc_thread_stack_query((char *)s + 5, &info), 0);
	cr_assert_eq(info.start, s);
	cr_assert_eq(info.size, SIZE);
	cr_assert_eq(alloc_thread_stack_query(s, NULL), 0);
	cr_assert_eq(alloc_thread_stack_enter(), 0);
	alloc_thread_stack_leave();
	alloc_thread_stack_free(s);
	alloc_thread_stack_free(NULL);
	cr_assert_eq(errno, 7);
	cr_assert_eq(alloc_thread_stack_query(s, &info), -1);
	cr_assert_eq(errno, ENOENT);
	errno = 0;
	cr_assert_eq(alloc_thread_stack_name(s, "x"), -1);
	cr_assert_eq(errno, ENOENT);
}

static char text[1 << 16];

static char *vmallocinfo(void)
{
	cr_assert_gt(alloc_proc_read("vmallocinfo", text, sizeof(text)), 0);
	return text;
}

Test(stack_api, vmallocinfo)
{
	void *s = alloc_thread_stack(SIZE, ALLOC_STACK_REPORT);
	char line[128];

	alloc_thread_stack_leave();
	snprintf(line, sizeof(line), "0x%016lx-0x%016lx  200704 pages=32 "
		 "vmalloc thread_stack\n", (unsigned long)s - (64 << 10),
		 (unsigned long)s + SIZE + 4096);
	cr_assert(strstr(vmallocinfo(), line), "%s in %s", line, text);
	cr_assert(strstr(text, " vmalloc signal_stack\n"), "%s", text);
	alloc_thread_stack_name(s, "worker-1");
	cr_assert(strstr(vmallocinfo(), " thread_stack worker-1\n"), "%s",
		  text);
	alloc_thread_stack_free(s);
	cr_assert(strstr(vmallocinfo(), " thread_stack cached worker-1\n"),
		  "%s", text);
}

static void *where(void *arg)
{
	struct alloc_thread_stack_info info;

	char here = 0;

	cr_assert_eq(alloc_thread_stack_query(&here, &info), 0);
	cr_assert_eq(strlen(arg), 3);
	return info.start;
}

Test(stack_api, a_thread_on_a_stack)
{
	void *s = alloc_thread_stack(SIZE, ALLOC_STACK_REPORT), *ret;
	void *volatile no_stack = &ret;
	pthread_t t;

	for (int i = 0; i < 20; i++) {
		errno = 3;
		cr_assert_eq(alloc_thread_create(&t, s, where, "abc"), 0);
		cr_assert_eq(errno, 3);
		cr_assert_eq(pthread_join(t, &ret), 0);
		cr_assert_eq(ret, s);
	}
	cr_assert_eq(alloc_thread_create(&t, (char *)s + 1, where, ""), EINVAL);
	cr_assert_eq(alloc_thread_create(&t, no_stack, where, ""), EINVAL);
	alloc_thread_stack_free(s);
	s = alloc_thread_stack(4096, 0);
	cr_assert_eq(alloc_thread_create(&t, s, where, ""), EINVAL);
}
