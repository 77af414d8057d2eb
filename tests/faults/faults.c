/*
 * faults.c - every system call that the library makes is made to fail.
 *
 *	faults [-l] [FILE:LINE...]
 *
 * The program is linked with a library built with LIBALLOC_FAULTS
 * (src/sys/inject.h), where each place in src/sys/ that makes a system call is a
 * site.  First it runs its workload without faults under each configuration
 * and counts the calls of each site.  A site that no configuration reaches is a
 * failure: then the workload wants extending.  Then, for each site, each error
 * number that its call may give, and each pattern (the first call, one in the
 * middle, all from the middle on, one in three at random, all), the workload
 * runs in a process of its own.  -l tries every configuration that reaches the
 * site, every error and every pattern, not some.
 *
 * What a run must show:
 *   - calls return NULL with ENOMEM, or a block; its bytes are kept, those of
 *     calloc() are zero; no crash, and an end within HANG_SECONDS;
 *   - once the fault is gone, the same requests are all served;
 *   - when all is freed, every structure's invariants hold, and no more pages
 *     are in use than after the same run without a fault (LEAK_PAGES).
 *
 * The workload ends with one record of struct result in a shared page.  What
 * runs write lies in a directory of their own, which goes at the end, or when
 * the driver is interrupted.
 */
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "faults.h"

#define LEAK_PAGES	128
#define NR_WORKERS	2

/* Calls of a function that fail all the while, so that others are reached. */
struct companion {
	const char *func, *call;
	u32 error, every;
};

static const struct config {
	const char *options;
	size_t as;		/* RLIMIT_AS; 0: none */
	struct companion with[2];
} configs[] = {
	{ .options = "" },
	{ .options = "percpu=0" },
	{ .options = "limit=160m,reclaim_delay=10" },
	{ .options = "thp=always,thp_start=0,madv_free=1,reclaim_delay=10" },
	{ .options = "trace=liballoc-faults-trace,verbose=1" },
	{ .options = "stats_file=/dev/null,stats=1,proc=buddyinfo+meminfo,check=1" },
	{ .options = "", .as = 400 << 20 },
	{ .options = "thp_start=0,lazy=0" },
	{ "", 0, { { "copy_once", "SYS_process_vm_readv", EPERM, 1 } } },
	{ "", 0, { { "try_forgets", "SYS_rt_sigprocmask", EFAULT, 1 } } },
	{ "", 0, { { "mremap_whole", "SYS_mremap", EFAULT, 1 },
		   { "sys_commit", "SYS_mprotect", ENOMEM, 2 } } },
	{ "", 0, { { "mremap_whole", "SYS_mremap", ENOMEM, 2 },
		   { "sys_commit", "SYS_mprotect", ENOMEM, 3 } } },
	{ "", 0, { { "sys_discard", "SYS_madvise", EINVAL, 2 } } },
	{ "", 0, { { "map_any", "SYS_mmap", EAGAIN, 2 } } },
	{ "trace=liballoc-faults-trace", 0,
	  { { "make_long", "SYS_fallocate", EOPNOTSUPP, 1 } } },
	{ "trace=liballoc-faults-trace", 0,
	  { { "sys_map_wiped", "SYS_madvise", EINVAL, 1 } } },
	{ "", 0, { { "sys_read_file", "SYS_openat", ENOENT, 1 } } },
	{ .options = "hardened=1" },
	{ "hardened=1", 0, { { "guard_works", "SYS_pipe2", EMFILE, 1 } } },
	{ .options = "pressure=1,reclaim_delay=10" },
};

#define NR_CONFIGS (sizeof(configs) / sizeof(*configs))

static const struct errors {
	const char *call;
	u32 error[4];
} errors[] = {
	{ "SYS_mmap", { ENOMEM, EAGAIN, EPERM } },
	{ "SYS_munmap", { ENOMEM, EINVAL } },
	{ "SYS_mprotect", { ENOMEM, EACCES } },
	{ "SYS_mremap", { ENOMEM, EINVAL, EFAULT } },
	{ "SYS_madvise", { ENOMEM, EINVAL, EAGAIN } },
	{ "SYS_mbind", { EPERM, EINVAL } },
	{ "SYS_get_mempolicy", { EPERM, ENOSYS, EINVAL } },
	{ "SYS_membarrier", { EPERM, ENOSYS, EINVAL } },
	{ "SYS_futex", { EAGAIN, EINTR, ENOSYS } },
	{ "SYS_openat", { ENOENT, EMFILE, EACCES } },
	{ "SYS_read", { EIO, EACCES } },
	{ "SYS_write", { EIO, EPIPE, EAGAIN } },
	{ "SYS_close", { EIO, EBADF } },
	{ "SYS_fallocate", { ENOSPC, EOPNOTSUPP } },
	{ "SYS_ftruncate", { ENOSPC, EINVAL } },
	{ "SYS_pipe2", { EMFILE, ENFILE } },
	{ "SYS_process_vm_readv", { EPERM, ENOSYS } },
	{ "SYS_clone", { EAGAIN } },
	{ "SYS_rt_sigprocmask", { EFAULT, EPERM } },
};

static const u32 other_errors[] = { EPERM, ENOSYS, EINVAL, 0 };

static const u32 *errors_of(const char *call)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (!strcmp(errors[i].call, call))
			return errors[i].error;
	return other_errors;
}

static int result_fd;
static bool thorough;
static u32 dry_calls[NR_CONFIGS][MAX_SITES];
static size_t dry_pages[NR_CONFIGS];

/*
 * Sites that are there for what no test machine of ours has, or that the end
 * of a process alone reaches, with the reason.
 */
static const struct exempt {
	const char *func, *why;
} exempt[] = {
	{ "sys_bind", "needs two NUMA nodes (make vm-test)" },
	{ "sys_yield", "cannot fail, and nobody asks" },
	{ "sys_tid", "cannot fail" },
	{ "die", "the process ends, by the one signal or the other" },
	{ "private_table", "for kernels without close_range() (unit tests)" },
	{ "watch_events", "cgroup v2 alone (unit tests, make vm-test)" },
	{ "events_sum", "cgroup v2 alone (unit tests, make vm-test)" },
	{ "exists", "cgroup v2 alone (unit tests, make vm-test)" },
	{ "watch_v1", "by the machine's cgroups (unit tests)" },
	{ "watch_psi", "by the machine's cgroups (unit tests)" },
	{ "watch_add", "more sources than a machine has (unit tests)" },
	{ "drop", "a cgroup that goes away (unit tests)" },
	{ "take", "an event of a cgroup (check-pressure)" },
	{ "sys_getcpu", "in reports that end the process (misuse tests)" },
	{ "futex_wake", "a wake of a word of ours cannot fail" },
	{ "sys_wake", "a wake of a word of ours cannot fail" },
};

static const char *why_exempt(const struct sys_site *s)
{
	for (size_t i = 0; i < sizeof(exempt) / sizeof(*exempt); i++)
		if (!strcmp(exempt[i].func, s->func))
			return exempt[i].why;
	return NULL;
}

/* Some are used and not tried all the same. */
static bool exempt_always(const char *why)
{
	return strstr(why, "cannot") || strstr(why, "the process");
}

/* What always fails under a configuration, as LIBALLOC_FAULT says it. */
static void companions(const struct config *c, char *spec, size_t size)
{
	size_t len = 0;

	*spec = '\0';
	for (int i = 0; i < 2 && c->with[i].func; i++)
		for (struct sys_site *s = __start_sys_sites;
		     s < __stop_sys_sites; s++)
			if (!strcmp(s->func, c->with[i].func) &&
			    !strcmp(s->call, c->with[i].call))
				len += (size_t)snprintf(spec + len, size - len,
					"%s:%u:%u:0:%u:%u,", s->file, s->line,
					c->with[i].error, ~0u,
					c->with[i].every);
}

/* --- where runs leave their files --- */

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *at)
{
	return remove(path);
}

static void remove_tree(const char *path)
{
	nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/*
 * Of this process alone: a worker's runs come one after the other.  Another
 * program has left a trace there, which stays as it is.
 */
static const char *run_dir(void)
{
	static char name[20];
	char trace[60];
	int fd;

	snprintf(name, sizeof(name), "%d", (int)getpid());
	snprintf(trace, sizeof(trace), "%s/liballoc-faults-trace", name);
	remove_tree(name);
	if (mkdir(name, 0700) || (fd = creat(trace, 0600)) < 0)
		return NULL;
	close(fd);
	return name;
}

/* Who was killed cannot end those he has started: the kernel does. */
static pid_t fork_bound(void)
{
	pid_t parent = getpid(), pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(6);
	}
	return pid;
}

static void on_end(int sig)
{
}

/*
 * Run @fn in a process whose working directory goes afterwards, as soon as all
 * that it has started have ended: they are this one's by then.
 */
static int in_own_dir(int (*fn)(int argc, char **argv), int argc, char **argv)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
	const char *tmp = getenv("TMPDIR");
	int status, ret = 1;
	char dir[200];
	pid_t pid;

	snprintf(dir, sizeof(dir), "%s/liballoc-faults.XXXXXX",
		 tmp ? tmp : "/tmp");
	if (!mkdtemp(dir) || chdir(dir))
		return 7;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid = fork_bound();
	if (!pid)
		_exit(fn(argc, argv));
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		sigaction(ends[i], &(struct sigaction){
			.sa_handler = on_end }, NULL);
	if (pid > 0 && waitpid(pid, &status, 0) == pid)
		ret = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
	else if (pid > 0)
		kill(pid, SIGKILL);	/* interrupted */
	while (wait(NULL) > 0 || errno == EINTR)
		;
	if (!chdir("/"))
		remove_tree(dir);
	return ret;
}

/* What went wrong, or NULL.  @r is a copy of what the run left. */
static const char *run_once(size_t c, const char *spec, struct result *r)
{
	static char text[200];
	const char *dir = run_dir();
	char all[600];
	struct rlimit core = { 0, 0 };
	int status;
	pid_t pid;

	if (!dir)
		return "no directory";
	companions(&configs[c], all, sizeof(all));
	snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s", spec);
	memset(result, 0, sizeof(*result));
	pid = fork_bound();
	if (!pid) {
		struct rlimit as = { configs[c].as, configs[c].as };
		int null = memfd_create("err", 0);

		setrlimit(RLIMIT_CORE, &core);
		dup2(null, 2);
		dup2(result_fd, RESULT_FD);
		setenv("LIBALLOC_OPTIONS", configs[c].options, 1);
		setenv("LIBALLOC_FAULT", all, 1);
		if (chdir(dir))
			_exit(7);
		if (as.rlim_cur)
			setrlimit(RLIMIT_AS, &as);
		execl("/proc/self/exe", "faults", "-w", (char *)NULL);
		_exit(8);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return "fork() of the driver";
	*r = *result;
	if (WIFSIGNALED(status)) {
		snprintf(text, sizeof(text), "%s",
			 WTERMSIG(status) == SIGALRM ? "hangs" :
			 strsignal(WTERMSIG(status)));
		return text;
	}
	if (WEXITSTATUS(status) || !r->done) {
		snprintf(text, sizeof(text), "exit %d", WEXITSTATUS(status));
		return text;
	}
	if (r->wrong[0])
		return r->wrong;
	if (r->late_nulls) {
		snprintf(text, sizeof(text), "%u requests refused afterwards",
			 r->late_nulls);
		return text;
	}
	if (spec[0] && r->pages > dry_pages[c] + LEAK_PAGES) {
		snprintf(text, sizeof(text), "%zu pages in use, not %zu",
			 r->pages, dry_pages[c]);
		return text;
	}
	return NULL;
}

static bool dry_runs(size_t n)
{
	struct result r;
	bool ok = true;

	for (size_t c = 0; c < NR_CONFIGS; c++) {
		const char *why = run_once(c, "", &r);

		if (why || (r.nulls && !configs[c].with[0].func)) {
			printf("faults: without a fault, options \"%s\": %s, "
			       "%u refused\n", configs[c].options,
			       why ? why : "all well", r.nulls);
			ok = false;
		}
		for (size_t i = 0; i < n; i++)
			dry_calls[c][i] = r.calls[i];
		dry_pages[c] = r.pages;
	}
	return ok;
}

static u32 failures, runs;

static void fail_once(struct sys_site *s, size_t c, u32 error, u32 skip,
		      u32 count, u32 every, u32 *hits, u32 *nulls)
{
	struct result r;
	char spec[200];
	const char *why;

	snprintf(spec, sizeof(spec), "%s:%u:%u:%u:%u:%u", s->file, s->line,
		 error, skip, count, every);
	why = run_once(c, spec, &r);
	runs++;
	*hits += r.hits;
	*nulls += r.nulls;
	if (why) {
		failures++;
		printf("not ok - LIBALLOC_FAULT=%s LIBALLOC_OPTIONS=%s%s: %s\n",
		       spec, configs[c].options,
		       configs[c].as ? " (RLIMIT_AS)" : "", why);
	}
}

/*
 * One configuration in which the site is used, or with -l all of them.  Where
 * it was used by chance it may not be this time, and the next one is tried.
 */
static void try_error(struct sys_site *s, size_t i, u32 error)
{
	/* Who waits for a lock is always a matter of chance. */
	bool chance = !strcmp(s->call, "SYS_futex");
	u32 hits = 0, nulls = 0, before = failures, tried = 0;

	for (size_t c = 0; c < NR_CONFIGS; c++) {
		u32 calls = dry_calls[c][i];

		if (!calls || ((chance ? tried : hits) && !thorough))
			continue;
		tried++;
		fail_once(s, c, error, 0, ~0u, 1, &hits, &nulls);
		fail_once(s, c, error, calls / 2, 1, 1, &hits, &nulls);
		if (calls < 2)
			continue;
		fail_once(s, c, error, 0, ~0u, 3, &hits, &nulls);
		if (!thorough)
			continue;
		fail_once(s, c, error, 0, 1, 1, &hits, &nulls);
		fail_once(s, c, error, calls / 2, ~0u, 1, &hits, &nulls);
	}
	printf("%-16s %5u %-22s %-12s %6u %6u  %s\n", s->file + 8, s->line,
	       s->call + 4, strerrorname_np((int)error), hits, nulls,
	       failures > before ? "WRONG" :
	       nulls ? "NULL, ENOMEM" : "served");
	if (!hits && !chance) {
		failures++;
		printf("not ok - no call of it failed\n");
	}
	fflush(stdout);
}

static bool chosen(const struct sys_site *s, int argc, char **argv, int first)
{
	char name[100];

	snprintf(name, sizeof(name), "%s:%u", s->file, s->line);
	for (int i = first; i < argc; i++)
		if (strstr(name, argv[i]))
			return true;
	return first >= argc;
}

static void try_site(struct sys_site *s, size_t i)
{
	const u32 *error = errors_of(s->call);
	const char *why = why_exempt(s);
	bool used = false;

	for (size_t c = 0; c < NR_CONFIGS; c++)
		used = used || dry_calls[c][i];
	if (!used || (why && exempt_always(why))) {
		printf("%-16s %5u %-22s not tried: %s\n", s->file + 8,
		       s->line, s->call + 4, why ? why : "NO TEST REACHES IT");
		failures += !why;
		return;
	}
	for (u32 k = 0; k < (thorough ? 4 : 2) && error[k]; k++)
		try_error(s, i, error[k]);
}

static bool result_make(void)
{
	result_fd = memfd_create("result", 0);
	if (result_fd < 0 || ftruncate(result_fd, sizeof(*result)))
		return false;
	result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE,
		      MAP_SHARED, result_fd, 0);
	return result != MAP_FAILED;
}

static int run_worker(size_t first, size_t n, int argc, char **argv)
{
	/* Whole lines into what is shared with the others. */
	setvbuf(stdout, NULL, _IOFBF, 8192);
	if (!result_make())
		return 9;
	for (size_t i = first; i < n; i += NR_WORKERS)
		if (chosen(&__start_sys_sites[i], argc, argv, optind))
			try_site(&__start_sys_sites[i], i);
	printf("%u runs with a fault, %u wrong\n", runs, failures);
	fflush(stdout);
	return failures != 0;
}

static int run_all(int argc, char **argv)
{
	size_t n = (size_t)(__stop_sys_sites - __start_sys_sites);
	int status, ret = 0;

	if (!result_make())
		return 9;
	if (!dry_runs(n))
		return 1;
	printf("%-16s %5s %-22s %-12s %6s %6s  outcome\n", "file", "line",
	       "call", "error", "failed", "NULLs");
	fflush(stdout);
	for (size_t i = 0; i < NR_WORKERS; i++)
		if (!fork_bound())
			_exit(run_worker(i, n, argc, argv));
	while (wait(&status) > 0)
		ret = ret || status;
	printf("faults: %zu sites%s\n", n, ret ? "" : ", all well");
	fflush(stdout);
	return ret;
}

int main(int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "wl")) != -1) {
		if (opt == 'w')
			return run_workload();
		thorough = thorough || opt == 'l';
	}
	return in_own_dir(run_all, argc, argv);
}
