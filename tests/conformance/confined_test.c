/*
 * confined_test.c - does the allocator live with less than it would like?
 *
 * Rows about limits, credentials, sandboxes and lost descriptors.
 */
#include "conformance.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

TEST_INTERPOSED(confined)

Test(confined, rlimit_as_exhausted_then_freed, .timeout = 320)
{
	helper_must_pass("limits", "as", NULL);
}

Test(confined, rlimit_as_in_threads, .timeout = 320)
{
	helper_must_pass("limits", "threads", NULL);
}

Test(confined, rlimit_data_exhausted_then_freed, .timeout = 320)
{
	helper_must_pass("limits", "data", NULL);
}

/* The limit stands before the program starts. */
Test(confined, ulimit_v_200000, .timeout = 320)
{
	helper_must_pass("limits", "start-as", "200000", NULL);
}

Test(confined, ulimit_v_50000, .timeout = 320)
{
	helper_must_pass("limits", "start-as", "50000", NULL);
}

Test(confined, ulimit_d_100000, .timeout = 320)
{
	helper_must_pass("limits", "start-data", "100000", NULL);
}

Test(confined, limit_lowered_below_what_is_mapped, .timeout = 320)
{
	helper_must_pass("limits", "below", NULL);
}

Test(confined, errno_and_old_blocks_when_exhausted, .timeout = 320)
{
	helper_must_pass("limits", "realloc", NULL);
}

Test(confined, realloc_to_less_when_exhausted, .timeout = 320)
{
	helper_must_pass("limits", "shrink", NULL);
}

/* A limit of our own, which is kept exactly; and blocks with an exact end. */
Test(confined, realloc_to_less_at_limit, .timeout = 320)
{
	static const char *const options[] = {
		"LIBALLOC_OPTIONS=limit=64m",
		"LIBALLOC_OPTIONS=limit=64m,hardened=1",
		"LIBALLOC_OPTIONS=limit=64m,hardened=2",
		"LIBALLOC_OPTIONS=limit=64m,percpu=0,check=1",
	};

	needs_liballoc("a limit of its own");
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		int status = helper_run(options[i], "limits", "realloc-shrinks",
					NULL);

		cr_assert_eq(status, 0, "%s: status %#x, %s", options[i],
			     status, helper_output);
	}
}

Test(confined, cgroup_limit_is_not_death, .timeout = 320)
{
	helper_must_pass("limits", "cgroup", NULL);
}

Test(confined, overcommit_never, .timeout = 320)
{
	char mode[8] = "";
	int fd = open("/proc/sys/vm/overcommit_memory", O_RDONLY);

	if (fd < 0 || read(fd, mode, sizeof(mode) - 1) <= 0 || mode[0] != '2')
		cr_skip_test("vm.overcommit_memory is not 2 here");
	helper_must_pass("limits", "as", NULL);
}

Test(confined, all_descriptors_closed, .timeout = 320)
{
	helper_must_pass("sandbox", "closefrom", NULL);
}

Test(confined, unshare_user, .timeout = 320)
{
	helper_must_pass("sandbox", "unshare", NULL);
}

Test(confined, unshare_user_after_a_thread, .timeout = 320)
{
	helper_must_pass("sandbox", "unshare-joined", NULL);
}

Test(confined, setuid, .timeout = 320)
{
	helper_must_pass("sandbox", "setuid", NULL);
}

Test(confined, chroot_to_nowhere, .timeout = 320)
{
	helper_must_pass("sandbox", "chroot", NULL);
}

/* What is not on the list fails with EPERM. */
Test(confined, seccomp_denies, .timeout = 320)
{
	helper_must_pass("sandbox", "seccomp-deny", NULL);
}

/* What is not on the list kills: only what glibc's malloc needs is on it. */
Test(confined, seccomp_kills, .timeout = 320)
{
	helper_must_pass("sandbox", "seccomp-kill", NULL);
}

Test(confined, seccomp_kills_with_threads, .timeout = 320)
{
	if (allocator_is("glibc"))
		cr_skip_test("glibc opens /proc/sys/vm/overcommit_memory");
	helper_must_pass("sandbox", "seccomp-threads", NULL);
}

/* Idle memory goes back by the calls that README names. */
Test(confined, seccomp_kills_when_idle, .timeout = 320)
{
	int status;

	needs_liballoc("the thread that does it is liballoc's");
	status = helper_run("LIBALLOC_OPTIONS=reclaim_delay=50", "sandbox",
			    "seccomp-idle", NULL);
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIP)
		cr_skip_test("%s", helper_output);
	cr_assert_eq(status, 0, "status %#x, %s", status, helper_output);
}

/* Copy helper @name where it can be made set-uid; false when it cannot. */
static void make_setuid(char *copy, const char *name, bool *ok)
{
	struct passwd *pw = getpwnam("nobody");
	char dir[] = "/tmp/liballoc-test-XXXXXX";
	char *argv[] = { "cp", (char *)helper_path(name), copy, NULL };

	*ok = false;
	if (access(argv[1], X_OK) || geteuid() || !pw || !mkdtemp(dir))
		return;
	chmod(dir, 0755);
	sprintf(copy, "%s/copy", dir);
	*ok = command_run(NULL, argv) == 0 && !chown(copy, pw->pw_uid, 0) &&
	      !chmod(copy, 04755);
}

static void remove_setuid(char *copy)
{
	unlink(copy);
	*strrchr(copy, '/') = '\0';
	rmdir(copy);
}

/*
 * A preloaded library is dropped by the loader in a set-uid program, so this
 * program has the library linked in.
 */
Test(confined, set_uid_ignores_options, .timeout = 320)
{
	char copy[64], *argv[] = { copy, "secure", NULL };
	bool ok, secure;
	int status;

	needs_liballoc("the options are liballoc's");
	make_setuid(copy, "probe_linked", &ok);
	if (!ok)
		cr_skip_test("not root, no nobody, or no static library");
	chmod(copy, 0755);
	status = command_run("LIBALLOC_OPTIONS=nonsense=1", argv);
	ok = WIFEXITED(status) && strstr(helper_output, "nonsense");
	chmod(copy, 04755);
	status = command_run("LIBALLOC_OPTIONS=nonsense=1", argv);
	remove_setuid(copy);
	secure = strstr(helper_output, "AT_SECURE 1");
	if (!secure)
		cr_skip_test("set-uid has no effect here");
	cr_assert(ok, "the option was not even seen without set-uid");
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	cr_assert(!strstr(helper_output, "nonsense"), "%s", helper_output);
}

Test(confined, preload_of_a_set_uid_program_is_harmless, .timeout = 320)
{
	char copy[64], *argv[] = { copy, "load", NULL };
	int status;
	bool ok;

	make_setuid(copy, "probe", &ok);
	if (!ok)
		cr_skip_test("not root, or no nobody");
	status = command_run(NULL, argv);
	remove_setuid(copy);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s",
		  helper_output);
	cr_assert(strstr(helper_output, "probe ok"), "%s", helper_output);
}
