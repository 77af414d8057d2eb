/*
 * loader_test.c - does the allocator live with the dynamic loader?
 *
 * Rows about who calls malloc before us, who else is preloaded, what dlopen
 * and dlclose bring, and whose malloc wins.
 */
#include "conformance.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

TEST_INTERPOSED(loader)

/* LD_PRELOAD with @lib before (or after) the allocator. */
static const char *preload_with(const char *lib, bool first)
{
	static char env[9000];
	const char *old = getenv("LD_PRELOAD");
	char path[4096];

	snprintf(path, sizeof(path), "%s", helper_path(lib));
	if (!old || !*old)
		snprintf(env, sizeof(env), "LD_PRELOAD=%s", path);
	else if (first)
		snprintf(env, sizeof(env), "LD_PRELOAD=%s:%s", path, old);
	else
		snprintf(env, sizeof(env), "LD_PRELOAD=%s:%s", old, path);
	return env;
}

static void must_be_ok(int status)
{
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		  "status %#x:\n%s", status, helper_output);
}

/* A library whose constructor runs before every other (DF_1_INITFIRST). */
Test(loader, constructors_before_ours)
{
	must_be_ok(helper_run(preload_with("libinitfirst.so", true), "probe",
			      "early", NULL));
	cr_assert(strstr(helper_output, "initfirst ok"), "%s", helper_output);
	must_be_ok(helper_run(preload_with("libinitfirst.so", false), "probe",
			      "early", NULL));
	cr_assert(strstr(helper_output, "initfirst ok"), "%s", helper_output);
}

/* What the last destructor frees was allocated by the first constructor. */
Test(loader, destructors_after_ours)
{
	must_be_ok(helper_run(preload_with("libinitfirst.so", false), "probe",
			      "early", NULL));
	cr_assert(strstr(helper_output, "initfirst freed"), "%s",
		  helper_output);
}

/* Handlers of fork that were there before any allocation may allocate. */
Test(loader, fork_handlers_of_an_early_library, .timeout = 320)
{
	must_be_ok(helper_run(preload_with("libatfork.so", false), "forks",
			      "busy", NULL));
	cr_assert(strstr(helper_output, "atfork ok"), "%s", helper_output);
	must_be_ok(helper_run(preload_with("libatfork.so", true), "forks",
			      "busy", NULL));
	cr_assert(strstr(helper_output, "atfork ok"), "%s", helper_output);
}

/* A wrapper finds the next malloc by dlsym() inside its first call. */
Test(loader, dlsym_inside_a_preloaded_wrapper)
{
	must_be_ok(helper_run(preload_with("libwrap.so", true), "probe",
			      "wrapped", NULL));
	cr_assert(strstr(helper_output, "wrap counted"), "%s", helper_output);
}

Test(loader, wrapper_after_us_is_harmless)
{
	must_be_ok(helper_run(preload_with("libwrap.so", false), "probe",
			      "wrapped", NULL));
}

/* IFUNC resolvers and TLS descriptors run inside the loader. */
Test(loader, dlopen_and_dlclose, .timeout = 320)
{
	helper_must_pass("loads", "loop", NULL);
}

Test(loader, dlopen_in_sixteen_threads, .timeout = 320)
{
	helper_must_pass("loads", "threads", NULL);
}

Test(loader, dlmopen_namespace, .timeout = 320)
{
	helper_must_pass("loads", "dlmopen", NULL);
}

Test(loader, deepbind_library_keeps_its_own, .timeout = 320)
{
	helper_must_pass("loads", "deepbind", NULL);
}

Test(loader, deepbind_pointer_is_reported_never_adopted, .timeout = 320)
{
	needs_liballoc("the report is liballoc's");
	helper_must_abort(NULL,
			  "^liballoc: invalid free: 0x[0-9a-f]+ "
			  "\\(not from this heap\\) cpu [0-9-]+ tid [0-9]+$",
			  "loads", "deepbind-free", NULL);
	helper_must_abort(NULL,
			  "^liballoc: invalid realloc: 0x[0-9a-f]+ "
			  "\\(not from this heap\\) cpu [0-9-]+ tid [0-9]+$",
			  "loads", "deepbind-realloc", NULL);
}

/* Symbols that glibc binds early: dlerror's buffer, the audit of a miss. */
Test(loader, failing_dlopen_and_dlsym, .timeout = 320)
{
	helper_must_pass("loads", "missing", NULL);
}

Test(loader, static_program)
{
	helper_must_pass("static", NULL);
	cr_assert_str_eq(helper_output, "static ok\n");
}

/* The program's own malloc serves libc and libraries too: whole. */
Test(loader, program_with_its_own_malloc)
{
	helper_must_pass("own_malloc", NULL);
	cr_assert(strstr(helper_output, "own malloc ok"), "%s", helper_output);
}

/* And the operators that the program did not define use it as well. */
Test(loader, program_with_its_own_malloc_in_cxx)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s", helper_path("own_malloc_cxx"));
	if (access(path, X_OK))
		cr_skip_test("no C++ compiler when this was built");
	helper_must_pass("own_malloc_cxx", NULL);
	cr_assert(strstr(helper_output, "own malloc ok"), "%s", helper_output);
}

Test(loader, program_with_its_own_operator_new)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s", helper_path("own_new"));
	if (access(path, X_OK))
		cr_skip_test("no C++ compiler when this was built");
	helper_must_pass("own_new", NULL);
}

static void under(const char *tool, char *const argv[])
{
	int status;

	if (!command_exists(tool))
		cr_skip_test("%s is not installed", tool);
	status = command_run(NULL, argv);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		  "%s: status %#x:\n%s", tool, status, helper_output);
	cr_assert(strstr(helper_output, "probe ok"), "%s:\n%s", tool,
		  helper_output);
}

#define UNDER(tool, ...)						\
	do {								\
		char path[4096];					\
		snprintf(path, sizeof(path), "%s",			\
			 helper_path("probe"));				\
		under(tool, (char *[]){ tool, __VA_ARGS__, NULL });	\
	} while (0)

Test(loader, under_gdb, .timeout = 320)
{
	UNDER("gdb", "-nx", "-batch", "-return-child-result", "-ex", "run",
	      "--args", path, "load");
}

/* Single-stepping never gets through a restartable sequence in one piece. */
Test(loader, stepped_by_gdb, .timeout = 320)
{
	UNDER("gdb", "-nx", "-batch", "-return-child-result", "-ex",
	      "break step_here", "-ex", "run", "-ex", "stepi 3000", "-ex",
	      "delete", "-ex", "continue", "--args", path, "step");
}

Test(loader, under_strace, .timeout = 320)
{
	UNDER("strace", "-f", "-o", "/dev/null", path, "load");
}

Test(loader, under_valgrind, .timeout = 320)
{
	UNDER("valgrind", "-q", path, "load-light");
}

Test(loader, under_perf, .timeout = 320)
{
	UNDER("perf", "record", "-q", "-o", "/dev/null", path, "load");
}

Test(loader, under_rr, .timeout = 320)
{
	UNDER("rr", "record", "-n", path, "load-light");
}

Test(loader, without_rseq, .timeout = 320)
{
	int status = helper_run("GLIBC_TUNABLES=glibc.pthread.rseq=0",
				"probe", "load", NULL);

	must_be_ok(status);
	cr_assert(strstr(helper_output, "probe ok"), "%s", helper_output);
}

Test(loader, with_an_empty_environment)
{
	char path[4096];
	char preload[9000];
	const char *old = getenv("LD_PRELOAD");
	int status;

	snprintf(path, sizeof(path), "%s", helper_path("probe"));
	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", old ? old : "");
	status = command_run(NULL, (char *[]){ "env", "-i", preload, path,
					       "load", NULL });
	must_be_ok(status);
	cr_assert(strstr(helper_output, "probe ok"), "%s", helper_output);
}
