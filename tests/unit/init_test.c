/*
 * init_test.c - is everything up at the first call, once, or before main() if
 * the environment has options; and does the end of the process report and
 * check?
 *
 * The program runs itself again, with --list, to see a start and an end.
 */
#include "unit.h"

#include <sys/prctl.h>

#include <fcntl.h>
#include <signal.h>

#include "api/init.h"
#include "liballoc.h"
#include "mm/memblock.h"

static char output[1 << 16];

/* Run this program with @options; its stderr is in output. */
static int start_with(const char *options_text)
{
	int fd[2], status;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	cr_assert(pipe(fd) == 0);
	pid = fork();
	if (!pid) {
		int null = open("/dev/null", 2);

		dup2(null, STDOUT_FILENO);
		dup2(fd[1], STDERR_FILENO);
		close(fd[0]);
		close(fd[1]);
		clearenv();
		setenv("LIBALLOC_OPTIONS", options_text, 1);
		execl("/proc/self/exe", "api", "--list", (char *)NULL);
		_exit(127);
	}
	close(fd[1]);
	while ((n = read(fd[0], output + len, sizeof(output) - 1 - len)) > 0)
		len += (size_t)n;
	output[len] = '\0';
	close(fd[0]);
	cr_assert(waitpid(pid, &status, 0) == pid);
	return status;
}

/* A program that never allocates has no heap, and reads no limits. */
Test(init, nothing_before_the_first_call)
{
	cr_assert_eq(init_state, INIT_NONE);
	cr_assert_eq(nr_sections, 0);
	cr_assert_eq(sys_max_map_count(), 0);
	cr_assert_eq(memblock_bytes(), 0);
}

Test(init, ready_at_the_first_call)
{
	cr_assert(alloc_init());
	cr_assert_eq(init_state, INIT_READY);
	cr_assert(alloc_init());
	cr_assert(alloc_init_slow());
	cr_assert_eq(nr_sections, 1);
	cr_assert_eq(percpu_nr_cpus(), sys_nr_cpus());
	cr_assert(zone_is_valid(&zone_normal));
	cr_assert_not_null(kmalloc(100));
	if (percpu.mode == PERCPU_CID)
		cr_assert_gt(hot.malloc_end, 0);
	else
		cr_assert_eq(hot.malloc_end, 0);
}

Test(init, silent_without_options)
{
	cr_assert_eq(start_with(""), 0);
	cr_assert_str_eq(output, "");
}

Test(init, verbose_names_the_mechanisms)
{
	cr_assert_eq(start_with("verbose=1"), 0);
	cr_assert(strstr(output, "liballoc: per-CPU sheaves: "), "%s", output);
	cr_assert(strstr(output, "liballoc: window: "), "%s", output);
	cr_assert(strstr(output, "liballoc: version " LIBALLOC_VERSION
			  ", pid "), "%s", output);
	cr_assert_eq(start_with("verbose,limit=64m"), 0);
	cr_assert(strstr(output, "liballoc: limit: 64 MiB (option limit)\n"),
		  "%s", output);
}

Test(init, percpu_can_be_switched_off)
{
	cr_assert_eq(start_with("percpu=0,verbose=1"), 0);
	cr_assert(strstr(output, "sheaves: locked slots"), "%s", output);
}

Test(init, a_bad_option_is_one_line)
{
	cr_assert_eq(start_with("nonsense=1"), 0);
	cr_assert(!strncmp(output, "liballoc: unknown option \"nonsense=1\"", 37),
		  "%s", output);
	cr_assert_eq(strchr(output, '\n'), output + strlen(output) - 1);
}

Test(init, counters_at_exit)
{
	cr_assert_eq(start_with("stats=1"), 0);
	for (u32 i = 0; i < NR_STATS; i++)
		cr_assert(strstr(output, stat_name(i)), "%s", stat_name(i));
}

static char path[] = "/tmp/liballoc-unit-XXXXXX";

/* One line for each process, appended, with every counter. */
Test(init, a_line_at_exit)
{
	char line[8192], text[300], want[64], *end;
	size_t len;
	int pid;

	close(mkstemp(path));
	snprintf(text, sizeof(text), "stats_file=%s", path);
	cr_assert_eq(start_with(text), 0);
	cr_assert_eq(start_with(text), 0);
	cr_assert_str_eq(output, "");
	len = sys_read_file(path, line, sizeof(line) - 1);
	line[len] = '\0';
	unlink(path);
	cr_assert_eq(sscanf(line, "liballoc: pid=%d cmd=", &pid), 1, "%s",
		     line);
	for (u32 i = 0; i < NR_STATS; i++) {
		snprintf(want, sizeof(want), " %s=", stat_name(i));
		cr_assert(strstr(line, want), "%s in %s", want, line);
	}
	end = strchr(line, '\n');
	cr_assert(end && !strncmp(end + 1, "liballoc: pid=", 14));
	cr_assert_eq(strchr(end + 1, '\n'), line + len - 1);
}

static void move_and_end(void *arg)
{
	prctl(PR_SET_NAME, "two\nlines");
	setenv("LIBALLOC_OPTIONS", arg, 1);
	if (chdir("/tmp") || !alloc_init() || chdir("/"))
		_exit(1);
	info_at_exit();
}

/* In the directory where the program began; one line, whatever its name. */
Test(init, a_line_in_a_relative_file)
{
	char line[8192], text[300];
	size_t len;

	close(mkstemp(path));
	snprintf(text, sizeof(text), "stats_file=%s", path + strlen("/tmp/"));
	cr_assert_eq(unit_child(move_and_end, text, output, sizeof(output)),
		     0, "%s", output);
	cr_assert_str_eq(output, "");
	len = sys_read_file(path, line, sizeof(line) - 1);
	line[len] = '\0';
	unlink(path);
	cr_assert(strstr(line, " cmd=two?lines "), "%s", line);
	cr_assert_eq(strchr(line, '\n'), line + len - 1);
}

/* What an overflow could reach is read-only after start-up. */
Test(init, the_options_are_sealed)
{
	alloc_init();
	unit_faults(&options.lazy);
	unit_faults(options.stats_file);
}

static void misuse_and_exit(void *arg)
{
	struct kmem_cache *s;
	char *p;

	alloc_init();
	for (int i = 0; i < 20; i++)
		kmalloc(64);
	p = kmalloc(64);
	s = class_to_cache(addr_to_class(p));
	for (int i = 0; i < 50; i++)
		if (percpu_push(s->geo.off, p + 64 * 1024 * 1024))
			break;
	exit(0);
}

/* What is left in the sheaves at the end must be objects. */
Test(init, the_end_checks_the_sheaves)
{
	unit_reports(misuse_and_exit, NULL, "liballoc: invalid free: 0x");
}

/* A stray write to the options after start-up ends the process. */
Test(init, options_are_sealed, .signal = SIGSEGV)
{
	alloc_init();
	*(volatile size_t *)&options.check = 1;
}
