/*
 * workload.c - one run: every part of the library that makes system calls, while
 * some of those fail, and all of it once more when none does.
 *
 * A request that is refused is counted; anything else that is not as it should
 * be is in result->wrong.
 */
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "faults.h"
#include "sys/internal.h"
#include "sys/sys.h"

#define NR_BLOCKS	48
#define HANG_SECONDS	100

struct result *result;

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

static bool somebody_waited(void)
{
	for (struct sys_site *s = __start_sys_sites; s < __stop_sys_sites; s++)
		if (!strcmp(s->func, "futex_wait") && READ_ONCE(s->calls))
			return true;
	return false;
}

static void run_threads(int n, void *(*run)(void *), u32 *nulls)
{
	pthread_t t[6];
	bool made[6];

	for (int i = 0; i < n; i++)
		made[i] = pthread_create(&t[i], NULL, run, nulls) == 0;
	for (int i = 0; i < n; i++)
		if (made[i])
			pthread_join(t[i], NULL);
}

static void threads(u32 *nulls)
{
	const char *options = getenv("LIBALLOC_OPTIONS");

	if (!options || !strstr(options, "check=1")) {
		run_threads(2, thread, nulls);
		return;
	}
	/* On a CPU that others use, too, they may pass by each other. */
	for (int i = 0; i < 20 && (!i || !somebody_waited()); i++)
		run_threads(6, contender, nulls);
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

/*
 * No address space for a while, in which areas go; nothing is asked for.  Where
 * it is scarce from the start, what lies between areas may be too short later.
 */
static void lowered(u32 *nulls)
{
	struct rlimit old, none;
	struct block b[4];

	if (getrlimit(RLIMIT_AS, &old))
		wrong("getrlimit()", (size_t)errno);
	if (old.rlim_cur != RLIM_INFINITY)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(b); i++)
		block_get(&b[i], (6 + i) << 20, 0, nulls);
	none = old;
	none.rlim_cur = 1 << 20;
	if (setrlimit(RLIMIT_AS, &none))
		wrong("setrlimit()", (size_t)errno);
	for (size_t i = 0; i < ARRAY_SIZE(b); i++)
		block_put(&b[i]);
	malloc_trim(0);
	if (setrlimit(RLIMIT_AS, &old))
		wrong("setrlimit() back", (size_t)errno);
}

/* What nobody has. */
static void absurd(void)
{
	void *p;

	errno = 0;
	p = malloc((size_t)1 << 50);
	if (p || errno != ENOMEM)
		wrong("a petabyte is served", (size_t)errno);
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
	char dir[] = "files-XXXXXX", path[100];
	int err = dup(STDERR_FILENO);

	sys_append_file("/dev/null", "", 0);
	sys_keep_err();
	close(STDERR_FILENO);
	sys_write_err("\n", 1);
	dup2(err, STDERR_FILENO);
	close(err);
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
	lowered(nulls);
	absurd();
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

/* --- what a run leaves --- */

static void walk(void)
{
	const char *what;

	slab_reclaim();
	span_drain();
	what = heap_wrong();
	if (what)
		wrong(what, 0);
}

int run_workload(void)
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
