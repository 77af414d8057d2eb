/*
 * thp.c - huge pages, and pages given back only when they are wanted.
 */
#include <sys/mman.h>

#include "lib/fmt.h"
#include "sys/internal.h"
#include "sys/sys.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

/* Not zero at first, to lie in a page that is written to anyway. */
static enum sys_thp thp_mode = SYS_THP_MADVISE;

/* "always [madvise] never": the word in brackets holds. */
void sys_thp_init(const char *root)
{
	char path[512], text[64];
	size_t len, at = 0;

	thp_mode = SYS_THP_NEVER;
	fmt_print(path, sizeof(path),
		  "%s/sys/kernel/mm/transparent_hugepage/enabled", root);
	len = sys_read_file(path, text, sizeof(text));
	while (at < len && text[at] != '[')
		at++;
	if (at + 1 >= len)
		return;
	if (text[at + 1] == 'a')
		thp_mode = SYS_THP_ALWAYS;
	else if (text[at + 1] == 'm')
		thp_mode = SYS_THP_MADVISE;
}

enum sys_thp sys_thp_mode(void)
{
	return thp_mode;
}

bool sys_collapse(void *addr, size_t size)
{
	return sys_call(SYS_madvise, addr, size, MADV_COLLAPSE) == 0;
}

bool sys_discard_lazily(void *addr, size_t size)
{
	return sys_call(SYS_madvise, addr, size, MADV_FREE) == 0;
}
