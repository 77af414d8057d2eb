/*
 * fork_count_test.c - does the count get 0 again, wherever the fork came?
 */
#include "unit.h"

#include <ucontext.h>

#include "lib/fork_count.h"

static struct fork_count count;

Test(fork_count, others_are_not_in_the_child)
{
	u32 mine = fork_count_enter(&count), other = fork_count_enter(&count);

	cr_assert_eq(fork_count_read(&count), 2);
	fork_count_leave(&count, other);
	cr_assert_eq(fork_count_read(&count), 1);
	fork_count_child(&count);
	cr_assert_eq(fork_count_read(&count), 0);
	other = fork_count_enter(&count);
	fork_count_leave(&count, mine);
	cr_assert_eq(fork_count_read(&count), 1, "of another generation");
	fork_count_leave(&count, other);
	cr_assert_eq(fork_count_read(&count), 0);
}

/* Generations never come again: a grandchild's is not its grandparent's. */
Test(fork_count, forks_of_forks)
{
	u32 inside[8];

	for (u32 i = 0; i < 8; i++) {
		inside[i] = fork_count_enter(&count);
		fork_count_child(&count);
	}
	for (u32 i = 8; i--;) {
		fork_count_leave(&count, inside[i]);
		cr_assert_eq(fork_count_read(&count), 0);
	}
}

Test(fork_count, what_is_0_is_not_stored)
{
	u64 word = count.word;

	fork_count_leave(&count, fork_count_enter(&count));
	fork_count_child(&count);
	cr_assert_eq(count.word, word);
}

#ifdef __x86_64__
#define TRAP_FLAG 0x100

static u32 step, fork_at;

static void on_step(int sig, siginfo_t *si, void *ctx)
{
	if (step++ == fork_at)
		fork_count_child(&count);
}

static void set_trap_flag(bool on)
{
	unsigned long flags = __builtin_ia32_readeflags_u64();

	__builtin_ia32_writeeflags_u64(on ? flags | TRAP_FLAG :
					    flags & ~(unsigned long)TRAP_FLAG);
}

/* A handler forks that interrupted it before each of its instructions. */
Test(fork_count, forks_at_each_instruction, .timeout = 60)
{
	struct sigaction sa = { .sa_sigaction = on_step,
				.sa_flags = SA_SIGINFO };
	u32 generation, forks = 0;

	sigaction(SIGTRAP, &sa, NULL);
	for (fork_at = 0; fork_at < 1000; fork_at++) {
		u64 word = count.word;

		step = 0;
		set_trap_flag(true);
		generation = fork_count_enter(&count);
		fork_count_leave(&count, generation);
		set_trap_flag(false);
		REQUIRE(fork_count_read(&count) == 0, "at %u", fork_at);
		forks += count.word != word;
		if (step <= fork_at)
			break;
	}
	cr_assert_lt(fork_at, 1000);
	cr_assert_gt(forks, 0, "some came in between");
}
#endif
