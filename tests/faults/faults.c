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
 * The workload ends with one record of struct result in a shared page.
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../fuzz/heap.h"
#include "sys/inject.h"
#include "sys/internal.h"
#include "sys/sys.h"

#define MAX_SITES	256
#define NR_BLOCKS	48
#define HANG_SECONDS	30
#define LEAK_PAGES	128
#define RESULT_FD	100
#define NR_WORKERS	2

struct result {
	u32 calls[MAX_SITES];	/* of the sites, in their order */
	u32 hits;		/* calls that failed */
	u32 nulls;		/* requests refused meanwhile */
	u32 late_nulls;		/* requests refused after the fault */
	size_t pages;		/* in use at the end */
	bool done;
	char wrong[120];	/* what is wrong, or "" */
};

static struct result *result;

/* --- the workload --------------------------------------------------------- */

static void wrong(const char *what, size_t n)
{
	if (!result->wrong[0])
		snprintf(result->wrong, sizeof(result->wrong), "%s (%zu)",
			 what, n);
}

struct block {
	unsigned char *p;
	size_t size;
	unsigned char tag;
};

/* Of large blocks, some of each 64 KiB: a run is short. */
static size_t stride(size_t size)
{
	return size > 1 << 18 ? 65521 : 509;
}

static void stamp(struct block *b)
{
	for (size_t i = 0; i < b->size; i += stride(b->size))
		b->p[i] = b->tag;
	b->p[b->size - 1] = b->tag;
}

static bool stamped(const struct block *b, size_t size)
{
	for (size_t i = 0; i < size; i += stride(b->size))
		if (b->p[i] != b->tag)
			return false;
	return size < b->size || b->p[b->size - 1] == b->tag;
}

static bool zeroed(const unsigned char *p, size_t size)
{
	for (size_t i = 0; i < size; i += stride(size) / 500)
		if (p[i])
			return false;
	return true;
}

static void *refused(u32 *nulls)
{
	if (errno != ENOMEM)
		wrong("NULL with another errno", (size_t)errno);
	__atomic_fetch_add(nulls, 1, __ATOMIC_RELAXED);
	return NULL;
}

static void *counted(void *p, u32 *nulls)
{
	return p ? p : refused(nulls);
}

static void block_get(struct block *b, size_t size, u32 kind, u32 *nulls)
{
	b->size = size;
	b->tag = (unsigned char)(size / 7 + kind) | 1;
	errno = 0;
	if (kind == 0) {
		b->p = counted(malloc(size), nulls);
	} else if (kind == 1) {
		b->p = counted(calloc(1, size), nulls);
		if (b->p && !zeroed(b->p, size))
			wrong("calloc() is not zero", size);
	} else {
		b->p = NULL;
		errno = posix_memalign((void **)&b->p, 4096, size);
		b->p = counted(b->p, nulls);
	}
	if (b->p)
		stamp(b);
}

static void block_resize(struct block *b, size_t size, u32 *nulls)
{
	struct block new = { NULL, size, b->tag };

	if (!b->p)
		return;
	errno = 0;
	new.p = counted(realloc(b->p, size), nulls);
	if (!new.p) {
		if (!stamped(b, b->size))
			wrong("a failed realloc() has spoilt", b->size);
		return;
	}
	b->p = new.p;
	if (!stamped(b, size < b->size ? size - 1 : b->size - 1))
		wrong("realloc() has not kept", b->size);
	*b = new;
	stamp(b);
}

static void block_put(struct block *b)
{
	if (!b->p)
		return;
	if (!stamped(b, b->size))
		wrong("a block has changed", b->size);
	errno = 71;
	free(b->p);
	if (errno != 71)
		wrong("free() has changed errno", (size_t)errno);
	b->p = NULL;
}

/* From 16 bytes to 12 MiB, most of it small; @scale for threads. */
static size_t size_of(u32 i, u32 scale)
{
	static const size_t sizes[] = {
		16, 100, 1000, 40, 5000, 64, 20000, 8192, 300000, 2000,
		2 << 20, 24, 70000, 6 << 20, 4096, 12 << 20,
	};

	return (sizes[i % 16] + i) / scale + 1;
}

static void churn(u32 scale, u32 *nulls)
{
	struct block blocks[NR_BLOCKS];
	struct block many[300];

	for (u32 i = 0; i < NR_BLOCKS; i++)
		block_get(&blocks[i], size_of(i, scale), i % 3, nulls);
	for (u32 i = 0; i < 300; i++)
		block_get(&many[i], 1 + i % 40 * 24, 0, nulls);
	for (u32 i = 0; i < NR_BLOCKS; i += 2)
		block_resize(&blocks[i], size_of(i * 5 + 3, scale), nulls);
	for (u32 i = 0; i < NR_BLOCKS; i += 3)
		block_put(&blocks[i]);
	for (u32 i = 0; i < NR_BLOCKS; i += 3)
		block_get(&blocks[i], size_of(i + 7, scale), 1, nulls);
	for (u32 i = 0; i < NR_BLOCKS; i++)
		block_put(&blocks[i]);
	for (u32 i = 0; i < 300; i++)
		block_put(&many[i]);
}

static void *thread(void *arg)
{
	churn(50, arg);
	return NULL;
}

/* Every free takes the lock of its slabs with check=1: somebody waits. */
static void *contender(void *arg)
{
	struct block b[2];

	for (u32 i = 0; i < 4000; i++) {
		block_get(&b[0], 100, 0, arg);
		block_get(&b[1], 40000, 0, arg);
		block_put(&b[0]);
		block_put(&b[1]);
	}
	return NULL;
}

static void threads(u32 *nulls)
{
	const char *options = getenv("LIBALLOC_OPTIONS");
	bool contend = options && strstr(options, "check=1");
	pthread_t t[6];
	bool made[6];
	int n = contend ? 6 : 2;

	for (int i = 0; i < n; i++)
		made[i] = pthread_create(&t[i], NULL,
					 contend ? contender : thread,
					 nulls) == 0;
	for (int i = 0; i < n; i++)
		if (made[i])
			pthread_join(t[i], NULL);
}

static void forks(void)
{
	pid_t pid = fork();
	int status = 0;

	if (!pid) {
		u32 nulls = 0;

		churn(20, &nulls);
		_exit(result->wrong[0] != 0);
	}
	if (pid > 0 && (waitpid(pid, &status, 0) != pid || status))
		wrong("the child of fork()", (size_t)status);
}

static void vmaps(u32 *nulls)
{
	struct page *pages[4];
	void *addr = NULL;
	bool all = true;

	for (int i = 0; i < 4; i++) {
		pages[i] = alloc_alloc_pages(ALLOC_GFP_KERNEL, i & 1);
		all = all && pages[i];
		if (pages[i])
			*(char *)alloc_page_address(pages[i]) = (char)(65 + i);
		else
			refused(nulls);
	}
	if (all)
		addr = alloc_vmap(pages, 4, 0, ALLOC_PAGE_KERNEL);
	if (addr) {
		for (int i = 0; i < 4; i++)
			if (((char *)addr)[i << 12] != 65 + i)
				wrong("vmap() shows another page", (size_t)i);
		alloc_vunmap(addr);
		/* It may say that the pages stay; then so be it. */
		if (alloc_vmalloc_to_page(addr)) {
			sys_fault_disarm();
			alloc_vunmap(addr);
		}
	}
	for (int i = 0; i < 4; i++)
		if (pages[i]) {
			if (*(char *)alloc_page_address(pages[i]) != 65 + i)
				wrong("vmap() has changed a page", (size_t)i);
			alloc___free_pages(pages[i], i & 1);
		}
}

static void low(u32 *nulls)
{
	unsigned long addr = alloc___get_free_pages(ALLOC_GFP_KERNEL |
						    ALLOC___GFP_DMA32, 2);

	if (addr) {
		if (addr >> 32)
			wrong("DMA32 above 4 GiB", addr);
		alloc_free_pages(addr, 2);
	} else {
		refused(nulls);
	}
}

static void copies(void)
{
	char from[100] = "abc", to[100] = "";
	size_t left = alloc_copy_safe(to, from, sizeof(from));

	if (left > sizeof(from) || memcmp(from, to, sizeof(from) - left))
		wrong("alloc_copy_safe()", left);
	left = alloc_copy_safe(to, (void *)16, 50);
	if (left != 50)
		wrong("alloc_copy_safe() of nothing", left);
}

static void looks(void)
{
	static const char *const files[] = {
		"buddyinfo", "zoneinfo", "meminfo", "vmallocinfo", "slabinfo",
	};
	char text[8192];
	FILE *f = fopen("/dev/null", "w");

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		alloc_proc_read(files[i], text, sizeof(text));
	mallinfo2();
	if (f) {
		malloc_info(0, f);
		fclose(f);
	}
}

/* Areas that do not grow where they stand. */
static void moves(u32 *nulls)
{
	struct block b[2];

	for (size_t i = 0; i < 8; i++) {
		block_get(&b[0], (5 + i) << 20, 0, nulls);
		block_get(&b[1], 5 << 20, 0, nulls);
		block_resize(&b[0], (12 + i) << 20, nulls);
		block_put(&b[0]);
		block_put(&b[1]);
	}
}

/* For raise() alone. */
static void on_segv(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (info->si_code > 0)
		signal(sig, SIG_DFL);
}

static void *on_a_stack(void *arg)
{
	alloc_thread_stack_enter();
	return arg;
}

/* The second thread finds what the first has left. */
static void stacks(u32 *nulls)
{
	void *stack = alloc_thread_stack(256 << 10, ALLOC_STACK_REPORT);
	pthread_t t;

	if (!stack)
		refused(nulls);
	for (int i = 0; i < 2; i++)
		if (!pthread_create(&t, NULL, on_a_stack, NULL))
			pthread_join(t, NULL);
	if (stack) {
		memset(stack, 1, 256 << 10);
		raise(SIGSEGV);
	}
	alloc_thread_stack_free(stack);
}

static void put_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (f) {
		fputs(text, f);
		fclose(f);
	}
}

/* Where the machine has version 1, the calls of version 2 are made as well. */
static void files(void)
{
	char dir[] = "/tmp/liballoc-faults-XXXXXX", path[100];

	sys_append_file("/dev/null", "", 0);
	if (!mkdtemp(dir))
		return;
	snprintf(path, sizeof(path), "%s/proc", dir);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/proc/self", dir);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/proc/self/cgroup", dir);
	put_file(path, "0::/a\n");
	sys_cgroup_init(dir);
	sys_cgroup_init("");
	unlink(path);
	snprintf(path, sizeof(path), "%s/proc/self", dir);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/proc", dir);
	rmdir(path);
	rmdir(dir);
}

static void workload(u32 *nulls)
{
	churn(1, nulls);
	moves(nulls);
	stacks(nulls);
	files();
	vmaps(nulls);
	low(nulls);
	copies();
	looks();
	threads(nulls);
	malloc_trim(0);
	churn(1, nulls);
	usleep(30000);		/* something lies idle, where that is short */
	forks();
	churn(3, nulls);
}

/* --- what a run leaves ---------------------------------------------------- */

static void walk(void)
{
	const char *what;

	slab_reclaim();
	span_drain();
	what = heap_wrong();
	if (what)
		wrong(what, 0);
}

static int run_workload(void)
{
	size_t n = (size_t)(__stop_sys_sites - __start_sys_sites);

	result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE,
		      MAP_SHARED, RESULT_FD, 0);
	if (result == MAP_FAILED)
		return 9;
	alarm(HANG_SECONDS);
	sigaction(SIGSEGV, &(struct sigaction){
		.sa_sigaction = on_segv, .sa_flags = SA_SIGINFO }, NULL);
	workload(&result->nulls);
	for (size_t i = 0; i < n; i++) {
		struct sys_site *s = &__start_sys_sites[i];

		result->calls[i] = s->calls;
		if (s->error)
			result->hits += min(s->failed, s->count);
	}
	sys_fault_disarm();
	usleep(100000);		/* what was refused is asked for again */
	workload(&result->late_nulls);
	malloc_trim(0);
	walk();
	result->pages = zones_used_pages();
	if (n > MAX_SITES)
		wrong("more sites than MAX_SITES", n);
	result->done = true;
	return 0;
}

/* --- the driver ----------------------------------------------------------- */

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
	{ "sys_tid", "in reports that end the process; cannot fail" },
	{ "die", "the process ends, by the one signal or the other" },
	{ "private_table", "for kernels without close_range() (unit tests)" },
	{ "watch_events", "cgroup v2 alone (unit tests, make vm-test)" },
	{ "events_sum", "cgroup v2 alone (unit tests, make vm-test)" },
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

/* What went wrong, or NULL.  @r is a copy of what the run left. */
static const char *run_once(size_t c, const char *spec, struct result *r)
{
	static char text[200];
	char all[600];
	struct rlimit core = { 0, 0 };
	int status;
	pid_t pid;

	companions(&configs[c], all, sizeof(all));
	snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s", spec);
	memset(result, 0, sizeof(*result));
	pid = fork();
	if (!pid) {
		struct rlimit as = { configs[c].as, configs[c].as };
		int null = memfd_create("err", 0);

		setrlimit(RLIMIT_CORE, &core);
		dup2(null, 2);
		dup2(result_fd, RESULT_FD);
		setenv("LIBALLOC_OPTIONS", configs[c].options, 1);
		setenv("LIBALLOC_FAULT", all, 1);
		if (chdir("/tmp"))
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

/* One configuration in which the site is used, or with -l all of them. */
static void try_error(struct sys_site *s, size_t i, u32 error)
{
	u32 hits = 0, nulls = 0, before = failures, tried = 0;

	for (size_t c = 0; c < NR_CONFIGS; c++) {
		u32 calls = dry_calls[c][i];

		if (!calls || (tried && !thorough))
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
	/* Who waits for a lock is a matter of chance. */
	if (!hits && strcmp(s->call, "SYS_futex")) {
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

int main(int argc, char **argv)
{
	size_t n = (size_t)(__stop_sys_sites - __start_sys_sites);
	int opt, status, ret = 0;

	while ((opt = getopt(argc, argv, "wl")) != -1) {
		if (opt == 'w')
			return run_workload();
		thorough = thorough || opt == 'l';
	}
	if (!result_make())
		return 9;
	if (!dry_runs(n))
		return 1;
	printf("%-16s %5s %-22s %-12s %6s %6s  outcome\n", "file", "line",
	       "call", "error", "failed", "NULLs");
	fflush(stdout);
	for (size_t i = 0; i < NR_WORKERS; i++)
		if (!fork())
			_exit(run_worker(i, n, argc, argv));
	while (wait(&status) > 0)
		ret = ret || status;
	unlink("/tmp/liballoc-faults-trace");
	printf("faults: %zu sites%s\n", n, ret ? "" : ", all well");
	return ret;
}
