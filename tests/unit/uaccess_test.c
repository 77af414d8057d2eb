/*
 * uaccess_test.c - the exported copies, under the kernel's names, too.
 */
#define LIBALLOC_KMEM_NAMES
#include "liballoc/uaccess.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096

static char *two;	/* pages, the second of which is not there */

static void up(void)
{
	two = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert(two != MAP_FAILED && munmap(two + PAGE, PAGE) == 0);
	memset(two, 'x', PAGE);
}

Test(uaccess, copies, .init = up)
{
	char buf[64] = "";

	errno = 5;
	cr_assert_eq(alloc_copy_safe(buf, two + PAGE - 10, 64), 54);
	cr_assert_eq(copy_from_user(buf, NULL, 64), 64);
	cr_assert_eq(copy_to_user(two + PAGE - 1, buf, 2), 1);
	cr_assert_eq(copy_from_kernel_nofault(buf, two, 64), 0);
	cr_assert_eq(copy_from_kernel_nofault(buf, two + PAGE, 1), -EFAULT);
	cr_assert_eq(copy_to_kernel_nofault(two + PAGE, buf, 1), -EFAULT);
	cr_assert_eq(errno, 5);
	cr_assert_eq(buf[0], 'x');
}

/* What could not be copied is 0, but for copy_to_user(). */
Test(uaccess, pads, .init = up)
{
	char buf[200];

	memset(buf, 's', sizeof(buf));
	errno = 5;
	cr_assert_eq(copy_from_user(buf, two + PAGE - 100, 150), 50);
	cr_assert_eq(errno, 5);
	cr_assert_eq(buf[99], 'x');
	for (int i = 100; i < 150; i++)
		cr_assert_eq(buf[i], 0, "byte %d is %d", i, buf[i]);
	cr_assert_eq(buf[150], 's');
	cr_assert_eq(copy_from_user(buf, two, 0), 0);
	cr_assert_eq(copy_from_user(buf + 150, NULL, 1), 1);
	cr_assert_eq(buf[150], 0);
	cr_assert_eq(buf[151], 's');
	memset(buf, 's', sizeof(buf));
	cr_assert_eq(copy_to_user(buf, two + PAGE - 100, 150), 50);
	cr_assert_eq(alloc_copy_safe(buf, two + PAGE - 100, 150), 50);
	cr_assert_eq(buf[100], 's');
}

Test(uaccess, strings, .init = up)
{
	char buf[3000];

	/* One that ends with its page. */
	strcpy(two + PAGE - 6, "hello");
	memset(buf, 1, sizeof(buf));
	cr_assert_eq(alloc_strncpy_safe(buf, two + PAGE - 6, 100), 5);
	cr_assert_str_eq(buf, "hello");
	cr_assert_eq(strncpy_from_user(buf, two + PAGE - 6, 5), 5);
	cr_assert_eq(strncpy_from_user(buf, two + PAGE - 6, 6), 5);
	/* One that does not. */
	memset(two, 'x', PAGE);
	cr_assert_eq(alloc_strncpy_safe(buf, two + PAGE - 6, 6), 6);
	cr_assert_eq(alloc_strncpy_safe(buf, two + PAGE - 6, 7), -EFAULT);
	cr_assert_eq(alloc_strncpy_safe(buf, NULL, 7), -EFAULT);
	cr_assert_eq(alloc_strncpy_safe(NULL, two, 7), -EFAULT);
	cr_assert_eq(alloc_strncpy_safe(buf, two, 0), 0);
	cr_assert_eq(alloc_strncpy_safe(buf, two, -3), 0);
	/* Longer than one piece. */
	two[2999] = '\0';
	for (long from = 0; from < 700; from += 61) {
		cr_assert_eq(alloc_strncpy_safe(buf, two + from, 3000),
			     2999 - from);
		cr_assert_eq((long)strlen(buf), 2999 - from);
	}
	cr_assert_eq(alloc_strncpy_safe(buf, two, 2999), 2999);
}
