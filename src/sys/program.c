/*
 * program.c - what the program itself is made of.
 *
 * The kernel gives a program the address of its own program headers.  Where a
 * loader was started by name, they are the loader's: then nothing of the
 * program is known, and the answer is no.
 */
#include <elf.h>
#include <link.h>
#include <sys/auxv.h>

#include "sys/sys.h"

/* How far the program lies from where it was linked to. */
static bool load_bias(const ElfW(Phdr) *ph, size_t n, uintptr_t *bias)
{
	for (size_t i = 0; i < n; i++)
		if (ph[i].p_type == PT_PHDR) {
			*bias = (uintptr_t)ph - ph[i].p_vaddr;
			return true;
		}
	/* Without: the headers follow the file's own, in its first segment. */
	for (size_t i = 0; i < n; i++)
		if (ph[i].p_type == PT_LOAD && !ph[i].p_offset) {
			*bias = (uintptr_t)ph - sizeof(ElfW(Ehdr)) -
				ph[i].p_vaddr;
			return true;
		}
	return false;
}

bool sys_is_rodata(const void *addr)
{
	const ElfW(Phdr) *ph = (const ElfW(Phdr) *)getauxval(AT_PHDR);
	size_t n = getauxval(AT_PHNUM);
	uintptr_t bias;

	if (!addr || !ph || !load_bias(ph, n, &bias))
		return false;
	for (size_t i = 0; i < n; i++)
		if (ph[i].p_type == PT_LOAD && !(ph[i].p_flags & PF_W) &&
		    (uintptr_t)addr - (bias + ph[i].p_vaddr) < ph[i].p_memsz)
			return true;
	return false;
}
