/*
 * rseq_test.c - does the probe agree with glibc and the kernel, and is there
 * a fence?  That the fence restarts sections, percpu_ops_test.c asks.
 */
#include "unit.h"

#include <sys/auxv.h>
#include <sys/rseq.h>

#ifndef AT_RSEQ_FEATURE_SIZE
#define AT_RSEQ_FEATURE_SIZE 27
#endif

static struct sys_rseq rseq;

static void probe(void)
{
	sys_init();
	sys_rseq_probe(&rseq);
}

Test(rseq, probe_finds_what_glibc_registered, .init = probe)
{
	unsigned long feature = getauxval(AT_RSEQ_FEATURE_SIZE);

	cr_assert_eq(rseq.cpu_id, __rseq_size != 0);
	if (!rseq.cpu_id)
		cr_skip_test("not registered");
	cr_assert_eq(rseq.offset, (long)__rseq_offset);
	cr_assert_eq(rseq.mm_cid, feature >= RSEQ_OFF_MM_CID + 4 ||
				  __rseq_size > 32);
}

Test(rseq, the_indices_are_bounded, .init = probe)
{
	u32 nr = sys_nr_cpus(), online = unit_nr_online();

	if (!rseq.cpu_id)
		cr_skip_test("not registered");
	for (u32 i = 0; i < online; i++) {
		unit_pin(i);
		cr_assert_eq(arch_rseq_read(rseq.offset, RSEQ_OFF_CPU_ID),
			     sys_getcpu());
		if (rseq.mm_cid)
			cr_assert_lt(arch_rseq_read(rseq.offset,
						    RSEQ_OFF_MM_CID), nr);
	}
}

Test(rseq, the_fence_needs_no_preparation, .init = probe)
{
	if (!rseq.cpu_id)
		cr_skip_test("not registered");
	errno = 0;
	cr_assert(sys_rseq_fence());
	cr_assert(sys_rseq_fence());
	cr_assert_eq(errno, 0);
}

Test(rseq, store_needs_the_right_cpu, .init = probe)
{
	uintptr_t val = 1;
	u32 cpu;

	if (!rseq.cpu_id)
		cr_skip_test("not registered");
	unit_pin(0);
	cpu = sys_getcpu();
	/* An abort is a refusal; it is rare. */
	for (int i = 0; i < 100 && val != 2; i++)
		arch_percpu_store(rseq.offset, RSEQ_OFF_CPU_ID, cpu, &val, 2);
	cr_assert_eq(val, 2);
	for (int i = 0; i < 100; i++)
		cr_assert(!arch_percpu_store(rseq.offset, RSEQ_OFF_CPU_ID,
					     cpu + 1, &val, 3));
	cr_assert_eq(val, 2);
}
