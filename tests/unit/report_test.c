/*
 * report_test.c - one line, one write, no allocation; a fatal one names CPU
 * and thread and aborts, in any state of the process.
 */
#include "unit.h"

#include "core/report.h"

static void say(void *arg)
{
	errno = 0;
	report("%s and %d", (char *)arg, 42);
	if (errno)
		_exit(1);
}

Test(report, one_line_with_the_prefix)
{
	char text[256];

	cr_assert_eq(unit_child(say, "this", text, sizeof(text)), 0);
	cr_assert_str_eq(text, "liballoc: this and 42\n");
}

Test(report, a_long_line_is_cut_and_ends)
{
	static char arg[5000], text[8192];

	memset(arg, 'z', sizeof(arg) - 1);
	cr_assert_eq(unit_child(say, arg, text, sizeof(text)), 0);
	cr_assert_leq(strlen(text), 1024);
	cr_assert_geq(strlen(text), 1000);
	cr_assert_eq(strchr(text, '\n'), text + strlen(text) - 1);
}

static void die(void *arg)
{
	alloc_fatal("wrong %s: %p", (char *)arg, (void *)0x1234);
}

Test(report, fatal_names_cpu_and_thread)
{
	char text[256], *at;
	int status, cpu, tid;

	status = unit_child(die, "free", text, sizeof(text));
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	cr_assert(!strncmp(text, "liballoc: wrong free: 0x1234 cpu ", 33),
		  "%s", text);
	at = strstr(text, "cpu ");
	cr_assert_eq(sscanf(at, "cpu %d tid %d\n", &cpu, &tid), 2);
	cr_assert_lt(cpu, (int)sys_nr_cpus());
	cr_assert_gt(tid, 1);
	cr_assert_neq(tid, getpid());
}

static void die_long(void *arg)
{
	static char text[3000];

	memset(text, 'q', sizeof(text) - 1);
	alloc_fatal("%s", text);
}

Test(report, fatal_with_a_long_text_stays_in_its_line)
{
	unit_reports(die_long, NULL, "liballoc: qqq");
}

static void die_without_stderr(void *arg)
{
	close(STDERR_FILENO);
	die("free");
}

Test(report, fatal_without_stderr_still_aborts)
{
	unit_dies(die_without_stderr, NULL, SIGABRT);
}

static void on_segv(int sig)
{
	alloc_fatal("in a handler");
}

static void die_in_handler(void *arg)
{
	signal(SIGUSR1, on_segv);
	raise(SIGUSR1);
}

Test(report, fatal_in_a_signal_handler)
{
	unit_reports(die_in_handler, NULL, "liballoc: in a handler cpu ");
}
