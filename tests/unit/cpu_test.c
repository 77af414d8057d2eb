/*
 * cpu_test.c - are the machine's size and the process's limits what libc
 * says they are?
 */
#include "unit.h"

#include <sys/mount.h>

Test(cpu, every_index_is_below_nr_cpus)
{
	u32 nr = sys_nr_cpus();

	cr_assert_geq(nr, 1);
	cr_assert_geq(nr, (u32)sysconf(_SC_NPROCESSORS_CONF));
	cr_assert_lt(nr, 65537);
	for (u32 cpu = 0; cpu < nr; cpu++) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		if (!sched_setaffinity(0, sizeof(set), &set))
			cr_assert_lt(sys_getcpu(), nr);
	}
}

Test(cpu, ram, .init = sys_init)
{
	size_t pages = (size_t)sysconf(_SC_PHYS_PAGES);

	cr_assert_eq(sys_ram_bytes(), pages * (size_t)sysconf(_SC_PAGESIZE));
}

/* Asked for at start-up: a filter installed later may not know the call. */
Test(cpu, limit_of_address_space)
{
	struct rlimit lim = { RLIM_INFINITY, RLIM_INFINITY };

	getrlimit(RLIMIT_AS, &lim);
	lim.rlim_cur = (rlim_t)64 * GIB;
	cr_assert(!setrlimit(RLIMIT_AS, &lim));
	errno = 0;
	sys_init();
	cr_assert_eq(sys_limit_as(), 64 * GIB);
	cr_assert_eq(errno, 0);
}

Test(cpu, no_limit_of_address_space)
{
	struct rlimit lim;

	getrlimit(RLIMIT_AS, &lim);
	if (lim.rlim_cur != RLIM_INFINITY)
		cr_skip_test("limited");
	sys_init();
	cr_assert_eq(sys_limit_as(), SIZE_MAX);
}

Test(cpu, limit_of_data)
{
	struct rlimit lim = { RLIM_INFINITY, RLIM_INFINITY };

	getrlimit(RLIMIT_DATA, &lim);
	lim.rlim_cur = (rlim_t)3 * GIB;
	cr_assert(!setrlimit(RLIMIT_DATA, &lim));
	errno = 0;
	sys_init();
	cr_assert_eq(sys_limit_data(), 3 * GIB);
	cr_assert_eq(errno, 0);
	/* What is changed later is not noticed. */
	lim.rlim_cur = (rlim_t)2 * GIB;
	cr_assert(!setrlimit(RLIMIT_DATA, &lim));
	cr_assert_eq(sys_limit_data(), 3 * GIB);
}

Test(cpu, limit_of_tasks)
{
	struct rlimit lim = { 0, 0 };

	getrlimit(RLIMIT_NPROC, &lim);
	if (lim.rlim_max < 60000)
		cr_skip_test("limited");
	lim.rlim_cur = 60000;
	cr_assert(!setrlimit(RLIMIT_NPROC, &lim));
	sys_init();
	cr_assert(!sys_tasks_are_scarce());
	lim.rlim_cur = 60;
	cr_assert(!setrlimit(RLIMIT_NPROC, &lim));
	sys_init();
	cr_assert(sys_tasks_are_scarce());
}

Test(cpu, no_limit_of_data)
{
	struct rlimit lim;

	getrlimit(RLIMIT_DATA, &lim);
	if (lim.rlim_cur != RLIM_INFINITY)
		cr_skip_test("limited");
	sys_init();
	cr_assert_eq(sys_limit_data(), SIZE_MAX);
}

/* Each in its turn is the least. */
Test(cpu, max_map_count, .init = sys_init)
{
	FILE *f = fopen("/proc/sys/vm/max_map_count", "r");
	size_t want = 65530;

	if (f) {
		cr_assert(fscanf(f, "%zu", &want) == 1);
		fclose(f);
	}
	cr_assert_eq(sys_max_map_count(), want);
}

/* Found out by space no memory could back, which is space again after that. */
Test(cpu, overcommit_probe, .init = sys_init)
{
	size_t size = 4 * sys_ram_bytes() & ~(size_t)65535;
	FILE *f = fopen("/proc/sys/vm/overcommit_memory", "r");
	char *p = sys_reserve(size, 0);
	int want = 0;

	if (f) {
		cr_assert(fscanf(f, "%d", &want) == 1);
		fclose(f);
	}
	cr_assert_not_null(p);
	sys_overcommit_probe(p, size);
	cr_assert_eq(sys_overcommit_strict(), want == 2);
	unit_faults(p);
	/* Too little space says nothing: the file does. */
	sys_overcommit_probe(p, 65536);
	cr_assert_eq(sys_overcommit_strict(), want == 2);
	unit_faults(p);
}

/* In a world of its own: where a list of CPUs can be put in the place. */
static void list_of_cpus(const char *text)
{
	char path[] = "/tmp/liballoc-cpus-XXXXXX";
	int fd = mkstemp(path);
	ssize_t len = (ssize_t)strlen(text);
	bool there;

	cr_assert(fd >= 0 && write(fd, text, (size_t)len) == len);
	close(fd);
	there = !unshare(CLONE_NEWNS) &&
		!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
		!mount(path, "/sys/devices/system/cpu/possible", NULL,
		       MS_BIND, NULL);
	unlink(path);
	if (!there)
		cr_skip_test("nothing may be mounted here");
}

static u32 highest_allowed(void)
{
	cpu_set_t set;
	u32 last = 0;

	cr_assert(!sched_getaffinity(0, sizeof(set), &set));
	for (u32 cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set))
			last = cpu;
	return last;
}

Test(cpu, a_sparse_list_is_read_to_its_end)
{
	list_of_cpus("0-3,8-11,16-19,24-27,32-35,40-43,48-51,56-59,64-67,"
		     "72-75,80-83,88-91,96-99,104-107,112-115,120-1723\n");
	cr_assert_eq(sys_nr_cpus(), 1724);
}

Test(cpu, a_list_that_is_too_long_is_not_cut)
{
	static char text[4000];
	size_t len = 0;

	for (u32 cpu = 1000; len < 3900; cpu += 2)
		len += (size_t)sprintf(text + len, "%u,", cpu);
	strcpy(text + len, "9\n");
	list_of_cpus(text);
	cr_assert_gt(sys_nr_cpus(), highest_allowed());
	cr_assert_neq(sys_nr_cpus(), 10);
}

Test(cpu, a_list_that_is_too_short)
{
	list_of_cpus("0\n");
	cr_assert_gt(sys_nr_cpus(), highest_allowed());
}
