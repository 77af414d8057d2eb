/*
 * small_machine.c - windows sized for 4 GiB of memory.
 *
 * ThreadSanitizer knows 1.5 TiB of address space for mappings; the windows
 * of a large machine do not fit.  Linked with --wrap=sys_ram_bytes.
 */
#include <stddef.h>

size_t __wrap_sys_ram_bytes(void);

size_t __wrap_sys_ram_bytes(void)
{
	return (size_t)4 << 30;
}
