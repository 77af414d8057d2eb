/*
 * life_test.c - does the allocator follow a process through its whole life?
 *
 * Rows "fork" to "exit": threads, their end, and the process's own end.  Each
 * runs a program of helpers/, where the row is acted out.
 */
#include "conformance.h"

#include <signal.h>
#include <sys/wait.h>

TEST_INTERPOSED(life)

Test(life, fork_while_threads_are_busy, .timeout = 320)
{
	helper_must_pass("forks", "busy", NULL);
}

Test(life, fork_of_a_child_of_a_child, .timeout = 320)
{
	helper_must_pass("forks", "grandchild", NULL);
}

Test(life, fork_from_another_thread, .timeout = 320)
{
	helper_must_pass("forks", "thread", NULL);
}

Test(life, fork_in_a_single_thread, .timeout = 320)
{
	helper_must_pass("forks", "single", NULL);
}

Test(life, fork_child_frees_the_parents_memory, .timeout = 320)
{
	helper_must_pass("forks", "inherit", NULL);
}

Test(life, posix_spawn, .timeout = 320)
{
	helper_must_pass("spawns", "posix_spawn", NULL);
}

Test(life, system, .timeout = 320)
{
	helper_must_pass("spawns", "system", NULL);
}

Test(life, popen, .timeout = 320)
{
	helper_must_pass("spawns", "popen", NULL);
}

Test(life, vfork_and_exec, .timeout = 320)
{
	helper_must_pass("spawns", "vfork", NULL);
}

Test(life, threads_by_the_thousand, .timeout = 320)
{
	helper_must_pass("threads", "thousands", NULL);
}

Test(life, threads_alive_by_the_thousand, .timeout = 320)
{
	helper_must_pass("threads", "alive", NULL);
}

Test(life, pthread_key_destructors_allocate_and_free, .timeout = 320)
{
	helper_must_pass("threads", "key", NULL);
}

Test(life, tss_destructors_allocate_and_free, .timeout = 320)
{
	helper_must_pass("threads", "tss", NULL);
}

Test(life, detached_threads_at_exit, .timeout = 320)
{
	helper_must_pass("threads", "detached", NULL);
}

Test(life, cancelled_threads, .timeout = 320)
{
	helper_must_pass("threads", "cancel", NULL);
}

Test(life, small_stacks, .timeout = 320)
{
	helper_must_pass("threads", "small-stack", NULL);
}

Test(life, free_by_another_thread, .timeout = 320)
{
	helper_must_pass("handoff", "living", NULL);
}

Test(life, free_after_the_allocating_thread_ended, .timeout = 320)
{
	helper_must_pass("handoff", "ended", NULL);
}

Test(life, realloc_by_another_thread, .timeout = 320)
{
	helper_must_pass("handoff", "realloc", NULL);
}

Test(life, return_from_main)
{
	helper_must_pass("exits", "return", NULL);
	cr_assert(strstr(helper_output, "destructor ok"), "%s", helper_output);
	cr_assert(strstr(helper_output, "atexit ok"), "%s", helper_output);
	cr_assert(strstr(helper_output, "library ok"), "%s", helper_output);
}

Test(life, exit_from_main)
{
	helper_must_pass("exits", "exit", NULL);
	cr_assert(strstr(helper_output, "library ok"), "%s", helper_output);
}

Test(life, exit_from_another_thread)
{
	helper_must_pass("exits", "thread", NULL);
	cr_assert(strstr(helper_output, "library ok"), "%s", helper_output);
}

Test(life, exit_while_threads_are_busy, .timeout = 320)
{
	for (int i = 0; i < 20; i++)
		helper_must_pass("exits", "busy", NULL);
}

Test(life, pthread_exit_of_main)
{
	helper_must_pass("exits", "pthread_exit", NULL);
}

Test(life, quick_exit)
{
	helper_must_pass("exits", "quick_exit", NULL);
	cr_assert(strstr(helper_output, "at_quick_exit ok"), "%s",
		  helper_output);
}

Test(life, underscore_exit)
{
	helper_must_pass("exits", "_exit", NULL);
	cr_assert_str_eq(helper_output, "");
}

Test(life, abort)
{
	int status = helper_run(NULL, "exits", "abort", NULL);

	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

Test(life, cxa_finalize_and_on_exit)
{
	helper_must_pass("exits", "on_exit", NULL);
	cr_assert(strstr(helper_output, "on_exit ok"), "%s", helper_output);
}

Test(life, handler_allocates, .timeout = 320)
{
	if (allocator_is("glibc") || allocator_is("jemalloc"))
		cr_skip_test("%s deadlocks", allocator_name());
	helper_must_pass("signals", "allocate", NULL);
}

Test(life, handler_allocates_in_threads, .timeout = 320)
{
	if (allocator_is("glibc") || allocator_is("jemalloc"))
		cr_skip_test("%s deadlocks", allocator_name());
	helper_must_pass("signals", "threads", NULL);
}

Test(life, handler_leaves_by_siglongjmp, .timeout = 320)
{
	needs_liballoc("others keep a lock");
	helper_must_pass("signals", "longjmp", NULL);
}

Test(life, timer_at_a_high_rate_loses_no_progress, .timeout = 320)
{
	helper_must_pass("signals", "rate", NULL);
}

Test(life, setitimer_prof_loses_no_progress, .timeout = 320)
{
	helper_must_pass("signals", "prof", NULL);
}

Test(life, a_heap_dropped_beside_work_on_buffers, .timeout = 320)
{
	needs_liballoc("others keep it");
	helper_must_pass("drops", "heap", NULL);
}

Test(life, single_threaded_stays_single_threaded, .timeout = 320)
{
	helper_must_pass("single", "tasks", NULL);
}
