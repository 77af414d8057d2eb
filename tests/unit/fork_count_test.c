/*
 * fork_count_test.c - does the count get 0 again, wherever the fork came?
 */
#include "steps.h"
#include "unit.h"

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
static void enter_and_leave(void)
{
	fork_count_leave(&count, fork_count_enter(&count));
}

static void fork_here(void)
{
	fork_count_child(&count);
}

/* A handler forks that interrupted it before each of its instructions. */
Test(fork_count, forks_at_each_instruction, .timeout = 300)
{
	u64 word = count.word;
	u32 at = 0, forks = 0;

	for (; steps_run(enter_and_leave, at, fork_here); at++) {
		REQUIRE(fork_count_read(&count) == 0, "at %u", at);
		forks += count.word != word;
		word = count.word;
	}
	cr_assert_gt(forks, 0, "some came in between");
}
#endif
