/*
 * conformance.c - which allocator is under test, and how helpers are run.
 */
#include "conformance.h"

#include <fcntl.h>
#include <regex.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define MAX_ARGS 16

const size_t test_sizes[] = {
	1, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 48, 63, 64, 65, 80, 96, 112,
	127, 128, 129, 160, 192, 224, 256, 257, 320, 384, 448, 511, 512, 513,
	640, 768, 896, 1000, 1023, 1024, 1025, 1280, 1536, 1792, 2047, 2048,
	2049, 3000, 4095, 4096, 4097, 6000, 8191, 8192, 8193, 12288, 16384,
	16385, 20480, 32767, 32768, 32769, 65535, 65536, 65537, 100000,
	131071, 131072, 131073, 200000, 262144, 262145, 524288, 524289,
	1048575, 1048576, 1048577, 2097151, 2097152, 2097153, 3000000,
	4194303, 4194304, 4194305, 8388608, 8388609, 16777216, 33554433,
};
const size_t nr_test_sizes = ARRAY_SIZE(test_sizes);

char helper_output[65536];

const char *allocator_name(void)
{
	const char *name = getenv("TEST_ALLOCATOR");

	return name && *name ? name : "liballoc";
}

bool allocator_is(const char *name)
{
	return strcmp(allocator_name(), name) == 0;
}

/* The file that a caller's reference to @symbol would reach. */
const char *object_of(const char *symbol)
{
	void *addr = dlsym(RTLD_DEFAULT, symbol);
	Dl_info info;

	if (!addr || !dladdr(addr, &info) || !info.dli_fname)
		return "nowhere";
	return info.dli_fname;
}

bool served_by_allocator(const char *symbol)
{
	const char *file = strrchr(object_of(symbol), '/');
	const char *want = allocator_is("glibc") ? "libc.so" :
						   allocator_name();

	return file && strstr(file, want);
}

void needs_liballoc(const char *why)
{
	if (!allocator_is("liballoc"))
		cr_skip_test("%s: %s", allocator_name(), why);
}

/* A function that glibc 2.36 does not declare; liballoc must have it. */
void *optional_symbol(const char *name)
{
	void *addr = dlsym(RTLD_DEFAULT, name);

	if (!addr && !allocator_is("liballoc"))
		cr_skip_test("%s has no %s", allocator_name(), name);
	REQUIRE(addr, "%s is not exported", name);
	return addr;
}

const char *helper_path(const char *name)
{
	static char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash;

	REQUIRE(n > 0, "no /proc/self/exe");
	path[n] = '\0';
	slash = strrchr(path, '/');
	snprintf(slash, sizeof(path) - (slash - path), "/helpers/%s", name);
	return path;
}

bool command_exists(const char *name)
{
	char *path = strdup(getenv("PATH") ? getenv("PATH") : "/usr/bin");
	char *save = NULL, file[4096];
	bool found = false;

	for (char *dir = strtok_r(path, ":", &save); dir && !found;
	     dir = strtok_r(NULL, ":", &save)) {
		snprintf(file, sizeof(file), "%s/%s", dir, name);
		found = access(file, X_OK) == 0;
	}
	free(path);
	return found;
}

static bool overrides(const char *env, const char *var)
{
	size_t name = strcspn(env, "=") + 1;

	return strncmp(env, var, name) == 0;
}

/*
 * Run @argv with @env ("NAME=value" or NULL) over the environment and keep
 * what it writes to stdout and stderr.  SIGKILL by the test's own timeout
 * takes the worker and not the child, so the child gets an alarm of its own.
 */
int command_run(const char *env, char *const argv[])
{
	char *envp[512];
	int fds[2], status, n = 0;
	size_t used = 0;
	pid_t pid;

	for (char **e = environ; *e && n < 500; e++)
		if (!env || !overrides(env, *e))
			envp[n++] = *e;
	if (env)
		envp[n++] = (char *)env;
	envp[n] = NULL;

	REQUIRE(pipe2(fds, O_CLOEXEC) == 0, "pipe: %m");
	pid = fork();
	REQUIRE(pid >= 0, "fork: %m");
	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		dup2(fds[1], STDERR_FILENO);
		signal(SIGPIPE, SIG_DFL);
		alarm(310);
		execvpe(argv[0], argv, envp);
		_exit(127);
	}
	close(fds[1]);
	for (;;) {
		char dump[4096];
		size_t room = sizeof(helper_output) - 1 - used;
		char *to = room ? helper_output + used : dump;
		ssize_t got = read(fds[0], to, room ? room : sizeof(dump));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		if (room)
			used += got;
	}
	helper_output[used] = '\0';
	close(fds[0]);
	while (waitpid(pid, &status, 0) < 0)
		REQUIRE(errno == EINTR, "waitpid: %m");
	return status;
}

static int helper_vrun(const char *env, const char *name, va_list args)
{
	char *argv[MAX_ARGS], path[4096];
	int n = 0;

	snprintf(path, sizeof(path), "%s", helper_path(name));
	argv[n++] = path;
	do
		argv[n] = va_arg(args, char *);
	while (argv[n++] && n < MAX_ARGS);
	return command_run(env, argv);
}

int helper_run(const char *env, const char *name, ...)
{
	va_list args;
	int status;

	va_start(args, name);
	status = helper_vrun(env, name, args);
	va_end(args);
	return status;
}

void helper_must_pass(const char *name, ...)
{
	va_list args;
	int status;

	va_start(args, name);
	status = helper_vrun(NULL, name, args);
	va_end(args);
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIP)
		cr_skip_test("%s", helper_output);
	REQUIRE(!WIFSIGNALED(status), "%s: killed by signal %d (%s)\n%s", name,
		WTERMSIG(status), strsignal(WTERMSIG(status)), helper_output);
	REQUIRE(WEXITSTATUS(status) == 0, "%s: exit %d\n%s", name,
		WEXITSTATUS(status), helper_output);
}

bool output_matches(const char *regex)
{
	regex_t re;
	bool ok;

	if (regcomp(&re, regex, REG_EXTENDED | REG_NEWLINE | REG_NOSUB))
		return false;
	ok = regexec(&re, helper_output, 0, NULL, 0) == 0;
	regfree(&re);
	return ok;
}

void helper_must_abort(const char *env, const char *regex,
		       const char *name, ...)
{
	va_list args;
	int status;

	va_start(args, name);
	status = helper_vrun(env, name, args);
	va_end(args);
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIP)
		cr_skip_test("%s", helper_output);
	REQUIRE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT,
		"%s: did not abort (status %#x)\n%s", name, status,
		helper_output);
	REQUIRE(output_matches(regex), "%s: no report like %s in\n%s", name,
		regex, helper_output);
}
