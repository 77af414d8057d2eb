/*
 * cpu_test.c - are the machine's size and the process's limits what libc
 * says they are?
 */
#include "unit.h"

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
