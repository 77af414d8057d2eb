/*
 * cpu.c - the machine's size and the process's limits.
 */
#include <sys/resource.h>
#include <sys/sysinfo.h>

#include "lib/fmt.h"
#include "sys/internal.h"
#include "sys/sys.h"

/*
 * "0-7" or "0,2-5": the last number is the highest possible index.  Where
 * sysfs is not mounted, sched_getaffinity() returns the bytes of the kernel's
 * own CPU mask, which is as long as the highest index asks or longer.
 */
u32 sys_nr_cpus(void)
{
	char text[64];
	u64 mask[1024 / 8];
	size_t len = sys_read_file("/sys/devices/system/cpu/possible", text,
				   sizeof(text));
	size_t at = len;
	size_t last;
	long bytes;

	while (len && text[len - 1] == '\n')
		len--;
	for (at = len; at && text[at - 1] >= '0' && text[at - 1] <= '9';)
		at--;
	if (fmt_parse_size(text + at, len - at, &last) && last < 65536)
		return (u32)last + 1;
	bytes = sys_call(SYS_sched_getaffinity, 0, sizeof(mask), mask);
	return bytes > 0 ? (u32)bytes * 8 : 1024;
}

/*
 * Asked for at start-up only: a system call filter that the program installs
 * later may not know these calls.
 */
static size_t ram_bytes = 4 * GIB, limit_as = SIZE_MAX;

void sys_cpu_init(void)
{
	struct sysinfo si;
	struct rlimit lim;

	if (sys_call(SYS_sysinfo, &si) == 0)
		ram_bytes = (size_t)si.totalram * si.mem_unit;
	if (sys_call(SYS_prlimit64, 0, RLIMIT_AS, NULL, &lim) == 0 &&
	    lim.rlim_cur != RLIM_INFINITY)
		limit_as = lim.rlim_cur;
}

size_t sys_ram_bytes(void)
{
	return ram_bytes;
}

size_t sys_limit_as(void)
{
	return limit_as;
}
