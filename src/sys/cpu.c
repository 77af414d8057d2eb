/*
 * cpu.c - the machine's size and the process's limits.
 */
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>

#include "lib/bits.h"
#include "lib/fmt.h"
#include "sys/internal.h"
#include "sys/sys.h"

/* One more than the highest index in @mask. */
static u32 mask_end(const u64 *mask, size_t words)
{
	while (words && !mask[words - 1])
		words--;
	return words ? (u32)(words - 1) * 64 + ilog2(mask[words - 1]) + 1 : 0;
}

/*
 * "0-7" or "0,2-5": the last number is the highest possible index.  Where
 * sysfs is not mounted, or the list is too long for us, sched_getaffinity()
 * returns the bytes of the kernel's own CPU mask, which is as long as the
 * highest index asks or longer.  What that mask has is there, whatever a
 * container's /sys says.
 */
u32 sys_nr_cpus(void)
{
	char text[1024];
	u64 mask[1024 / 8] = { 0 };
	size_t len = sys_read_file("/sys/devices/system/cpu/possible", text,
				   sizeof(text));
	bool whole = len < sizeof(text);
	size_t at;
	size_t last;
	long bytes = sys_call(SYS_sched_getaffinity, 0, sizeof(mask), mask);

	while (len && text[len - 1] == '\n')
		len--;
	for (at = len; at && text[at - 1] >= '0' && text[at - 1] <= '9';)
		at--;
	if (whole && fmt_parse_size(text + at, len - at, &last) &&
	    last < 65536)
		return max((u32)last + 1, mask_end(mask, ARRAY_SIZE(mask)));
	return bytes > 0 ? (u32)bytes * 8 : 1024;
}

#define TASKS_ROOM 64

/*
 * Asked for at start-up only: a system call filter that the program installs
 * later may not know these calls.
 */
static size_t ram_bytes = 4 * GIB;
static size_t limit_as = SIZE_MAX, limit_data = SIZE_MAX;
static size_t max_map_count;
static bool tasks_scarce;
static bool overcommit_strict;
static bool born_locked;

static size_t soft_limit(int resource)
{
	struct rlimit lim;

	if (sys_call(SYS_prlimit64, 0, resource, NULL, &lim) < 0 ||
	    lim.rlim_cur == RLIM_INFINITY)
		return SIZE_MAX;
	return lim.rlim_cur;
}

static size_t read_max_map_count(void)
{
	char text[32];
	size_t count;
	size_t len = sys_read_file("/proc/sys/vm/max_map_count", text,
				   sizeof(text));

	if (len && text[len - 1] == '\n')
		len--;
	/* The kernel's default. */
	return fmt_parse_size(text, len, &count) ? count : 65530;
}

static bool read_strict(void)
{
	char text[8];

	return sys_read_file("/proc/sys/vm/overcommit_memory", text,
			     sizeof(text)) && text[0] == '2';
}

/*
 * What is not charged may be committed whatever its size.  The file is read
 * where it may not: there are other reasons.  It is, too, where mlockall()
 * came before the first allocation: such space is filled with pages when it
 * becomes writable, and cannot be discarded, which tells.
 */
void sys_overcommit_probe(void *addr, size_t size)
{
	overcommit_strict = true;
	born_locked = !sys_discard(addr, sys_page_bytes);
	if (size / 2 > ram_bytes && !born_locked && sys_commit(addr, size)) {
		sys_call(SYS_mprotect, addr, size, PROT_NONE);
		overcommit_strict = false;
	} else {
		overcommit_strict = read_strict();
	}
}

bool sys_born_locked(void)
{
	return born_locked;
}

bool sys_overcommit_strict(void)
{
	return overcommit_strict;
}

/*
 * How many tasks the user has the kernel does not say, but how many there are
 * at all: where that many would do, a few more will.
 */
void sys_cpu_init(void)
{
	struct sysinfo si = { .procs = 0 };
	size_t tasks = soft_limit(RLIMIT_NPROC);

	if (sys_call(SYS_sysinfo, &si) == 0)
		ram_bytes = (size_t)si.totalram * si.mem_unit;
	tasks_scarce = tasks < (size_t)si.procs + TASKS_ROOM;
	limit_as = soft_limit(RLIMIT_AS);
	limit_data = soft_limit(RLIMIT_DATA);
	max_map_count = read_max_map_count();
}

size_t sys_ram_bytes(void)
{
	return ram_bytes;
}

size_t sys_limit_as(void)
{
	return limit_as;
}

size_t sys_limit_data(void)
{
	return limit_data;
}

bool sys_tasks_are_scarce(void)
{
	return tasks_scarce;
}

size_t sys_max_map_count(void)
{
	return max_map_count;
}
