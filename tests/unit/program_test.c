/*
 * program_test.c - which addresses are constants of the program itself?
 */
#include "unit.h"

static const char constant[] = "constant";
static char data[] = "data", bss[16];

Test(program, what_it_cannot_write)
{
	cr_assert(sys_is_rodata(constant));
	cr_assert(sys_is_rodata(constant + sizeof(constant) - 1));
	cr_assert(sys_is_rodata("a literal"));
	cr_assert(sys_is_rodata((void *)sys_is_rodata), "its code");
}

Test(program, what_it_can)
{
	char local = 0, *heap = malloc(16);

	cr_assert(!sys_is_rodata(data));
	cr_assert(!sys_is_rodata(bss));
	cr_assert(!sys_is_rodata(&local));
	cr_assert(!sys_is_rodata(heap));
	cr_assert(!sys_is_rodata(&errno), "of another object");
	free(heap);
}

Test(program, what_is_not_its_own)
{
	cr_assert(!sys_is_rodata(NULL));
	cr_assert(!sys_is_rodata((void *)1));
	cr_assert(!sys_is_rodata((void *)~0ul));
	cr_assert(!sys_is_rodata(strerrorname_np(EINVAL)), "libc's");
}
