/*
 * fork_test.c - fork in a process whose threads allocate: is the child's heap
 * whole, with no lock held?  And fork in a handler that interrupted a holder.
 */
#include "refuse.h"
#include "unit.h"

#include <sys/resource.h>
#include <sys/single_threaded.h>

#include "api/init.h"
#include "mm/memblock.h"
#include "mm/vmalloc.h"

static void up(void)
{
	cr_assert(alloc_init());
}

TestSuite(fork, .init = up);

/* tests/unit.mk */
void *la_malloc(size_t size);
void la_free(void *ptr);

static int stop;

static void use_all(u64 *seed)
{
	struct page *page = page_range_alloc(NUMA_NO_NODE, 1 + rnd_below(seed, 40), 0, 0);
	void *area = vmalloc(65536 + rnd_below(seed, MIB), 4096, 0);
	char *p[16];
	size_t size;

	memblock_alloc(64);
	for (u32 i = 0; i < 16; i++) {
		p[i] = kmalloc(rnd_below(seed, 4000));
		*p[i] = 1;
	}
	for (u32 i = 0; i < 16; i++)
		slab_free_slow(class_to_cache(addr_to_class(p[i])), p[i]);
	if (page)
		page_range_free(page, page->nr_pages);
	if (area)
		vfree(area, &size);
}

static void *user(void *arg)
{
	u64 seed = 101 + (uintptr_t)arg;

	while (!READ_ONCE(stop))
		use_all(&seed);
	return NULL;
}

static void check_child(void)
{
	u64 seed = 111;

	alarm(10);
	if (zone_normal.lock.word || !zone_is_valid(&zone_normal))
		_exit(1);
	if (!vmalloc_is_valid())
		_exit(2);
	for (u32 i = 0; i < MAX_SHEAVES; i++)
		if (kmem_caches[i] && !slabs_are_valid(kmem_caches[i]))
			_exit(3);
	for (u32 i = 0; i < 20; i++)
		use_all(&seed);
	slab_reclaim();
	if (!zone_is_valid(&zone_normal))
		_exit(4);
	_exit(0);
}

Test(fork, while_threads_allocate, .timeout = 300)
{
	pthread_t t[3];

	for (uintptr_t i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, user, (void *)i);
	for (u32 i = 0; i < 60; i++) {
		pid_t pid = fork();
		int status;

		cr_assert_geq(pid, 0);
		if (!pid)
			check_child();
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		cr_assert_eq(status, 0, "the child's heap: status %x", status);
	}
	WRITE_ONCE(stop, 1);
	for (u32 i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	cr_assert(zone_is_valid(&zone_normal));
	cr_assert(vmalloc_is_valid());
}

Test(fork, children_of_children)
{
	char *p = kmalloc(100);
	int status;
	pid_t pid;

	*p = 7;
	pid = fork();
	if (!pid) {
		pid = fork();
		if (!pid) {
			if (*p != 7)
				_exit(9);
			check_child();
		}
		waitpid(pid, &status, 0);
		if (status)
			_exit(8);
		*p = 8;
		check_child();
	}
	waitpid(pid, &status, 0);
	cr_assert_eq(status, 0);
	cr_assert_eq(*p, 7, "copy on write");
}

/* The interrupted section keeps its lock, in parent and child. */
Test(fork, inside_a_critical_section)
{
	int status;
	pid_t pid;

	lock_try_enter(&zone_normal.lock);
	pid = fork();
	if (!pid) {
		alarm(10);
		if (!lock_is_own(&zone_normal.lock))
			_exit(7);
		lock_exit(&zone_normal.lock);
		check_child();
	}
	cr_assert(lock_is_own(&zone_normal.lock));
	lock_exit(&zone_normal.lock);
	waitpid(pid, &status, 0);
	cr_assert_eq(status, 0);
	cr_assert_eq(zone_normal.lock.word, 0);
	cr_assert(zone_is_valid(&zone_normal));
}

/* Holds a lock of low rank and waits for one that the main thread has. */
static void *waits_inside(void *arg)
{
	struct lock *low = arg;

	lock_try_enter(low);
	lock_enter_nested(&zone_normal.lock, 1);
	lock_exit(&zone_normal.lock);
	lock_exit(low);
	return NULL;
}

/*
 * Neither thread can go on before the other does: the fork goes on without
 * that lock, and its child does not wait for it.
 */
Test(fork, inside_of_what_another_waits_for, .timeout = 300)
{
	char *p = la_malloc(32), *q;
	struct kmem_cache *s = class_to_cache(addr_to_class(p));
	int status;
	pthread_t t;
	pid_t pid;

	cr_assert(p && s);
	lock_try_enter(&zone_normal.lock);
	pthread_create(&t, NULL, waits_inside,
		       &kmem_cache_node(s, 0)->lock);
	while (!(READ_ONCE(zone_normal.lock.word) & 1))
		usleep(1000);
	pid = fork();
	if (!pid) {
		alarm(30);
		if (!fork_is_torn() || !lock_is_own(&zone_normal.lock))
			_exit(1);
		la_free(p);
		for (u32 i = 0; i < 10000; i++) {
			q = la_malloc(32);
			if (q)
				*q = 1;
			else if (errno != ENOMEM)
				_exit(2);
		}
		q = la_malloc(MIB);
		if (q || errno != ENOMEM)
			_exit(3);
		_exit(0);
	}
	cr_assert(!fork_is_torn());
	cr_assert(lock_is_own(&zone_normal.lock));
	lock_exit(&zone_normal.lock);
	pthread_join(t, NULL);
	waitpid(pid, &status, 0);
	cr_assert_eq(status, 0);
	cr_assert_eq(kmem_cache_node(s, 0)->lock.word, 0);
	la_free(p);
	pid = fork();
	if (!pid)
		check_child();
	waitpid(pid, &status, 0);
	cr_assert_eq(status, 0, "and the next fork is whole");
}

static int forked = -1;	/* by the handler: its child's status */

static void forks(int sig)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	waitpid(pid, &forked, 0);
}

static void *holds_and_signals(void *arg)
{
	lock_try_enter(&zone_normal.lock);
	WRITE_ONCE(stop, 1);
	usleep(100000);
	pthread_kill(*(pthread_t *)arg, SIGUSR1);
	usleep(200000);		/* longer than a handler's fork waits */
	lock_exit(&zone_normal.lock);
	return NULL;
}

/* A handler that forks comes before a fork or after it, not inside. */
Test(fork, handler_forks_meanwhile, .timeout = 300)
{
	pthread_t self = pthread_self(), t;
	int status;
	pid_t pid;

	signal(SIGUSR1, forks);
	pthread_create(&t, NULL, holds_and_signals, &self);
	while (!READ_ONCE(stop))
		usleep(1000);
	pid = fork();
	if (!pid) {
		if (fork_is_torn())
			_exit(1);
		check_child();
	}
	pthread_join(t, NULL);
	waitpid(pid, &status, 0);
	cr_assert_eq(status, 0, "the fork is whole");
	cr_assert_eq(forked, 0, "and the handler's has come");
}

#ifdef __x86_64__
/*
 * Idle blocks are on their way back: at the second one that the kernel is asked
 * to take, the thread stands still, or forks itself.
 */
static struct {
	size_t used;
	int asked, go_on, done;
	int at;
	bool lazily, offline, forks, child;
	pid_t pid;
} way;

static void on_madvise(int sig, siginfo_t *info, void *context)
{
	/* Metadata that is to go stays, and so does its block. */
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX] =
		way.offline ? -EINVAL : 0;
	if (__atomic_add_fetch(&way.asked, 1, __ATOMIC_RELAXED) != way.at)
		return;
	if (way.forks) {
		way.pid = fork();
		way.child = !way.pid;
	}
	while (!way.forks && !READ_ONCE(way.go_on))
		usleep(1000);
}

static void check_way(void)
{
	if (zone_used(&zone_normal) != way.used)
		_exit(5);
	check_child();
}

static __attribute__((noreturn)) void *gives_back(void *arg)
{
	static const int calls[] = { SYS_madvise };

	refuse(calls, 1, SECCOMP_RET_TRAP);
	if (way.offline)
		zones_offline();
	else
		zone_report_free(&zone_normal, SIZE_MAX, way.lazily);
	if (way.child)
		check_way();
	WRITE_ONCE(way.done, 1);
	for (;;)
		pause();	/* libc has an madvise() for a thread's end */
}

static void fork_on_the_way(bool lazily, bool forks)
{
	struct sigaction sa = { .sa_sigaction = on_madvise,
				.sa_flags = SA_SIGINFO };
	struct page *page[3];
	pthread_t t;
	int status;

	for (u32 i = 0; i < 3; i++) {
		page[i] = page_range_alloc(0, MAX_ORDER_PAGES, 0, 0);
		cr_assert(page[i]);
		memset(page_address(page[i]), 1, MAX_ORDER_PAGES << PAGE_SHIFT);
	}
	for (u32 i = 0; i < 3; i++)
		cr_assert(page_range_free(page[i], MAX_ORDER_PAGES));
	way.used = zone_used(&zone_normal);
	way.lazily = lazily;
	way.forks = forks;
	way.at = way.offline ? 1 : 2;
	if (way.offline)
		zone_report_free(&zone_normal, SIZE_MAX, false);
	sigaction(SIGSYS, &sa, NULL);
	cr_assert_eq(pthread_create(&t, NULL, gives_back, NULL), 0);
	if (!forks) {
		while (READ_ONCE(way.asked) < way.at)
			usleep(1000);
		way.pid = fork();
		if (!way.pid)
			check_way();
	}
	WRITE_ONCE(way.go_on, 1);
	while (!READ_ONCE(way.done))
		usleep(1000);
	cr_assert_eq(waitpid(way.pid, &status, 0), way.pid);
	cr_assert_eq(status, 0, "status %x", status);
	cr_assert_eq(zone_used(&zone_normal), way.used);
	cr_assert(zone_is_valid(&zone_normal));
}

Test(fork, idle_blocks_on_their_way_back, .timeout = 300)
{
	fork_on_the_way(false, false);
}

Test(fork, idle_blocks_on_their_way_back_lazily, .timeout = 300)
{
	fork_on_the_way(true, false);
}

Test(fork, a_block_on_its_way_offline, .timeout = 300)
{
	way.offline = true;
	fork_on_the_way(false, false);
}

Test(fork, by_whom_has_one_on_its_way_offline, .timeout = 300)
{
	way.offline = true;
	fork_on_the_way(false, true);
}

/*
 * The same under RLIMIT_DATA: the thread stands still where the block is no
 * longer committed.  Its system call is made here, as it cannot itself.
 */
static struct {
	void *addr;
	size_t bytes;
	int asked, go_on, done;
} gone;

static void on_mprotect(int sig, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;

	regs[REG_RAX] = 0;
	if (READ_ONCE(gone.asked))
		return;
	gone.addr = (void *)regs[REG_RDI];
	gone.bytes = (size_t)regs[REG_RSI];
	store_release(&gone.asked, 1);
	while (!READ_ONCE(gone.go_on))
		usleep(1000);
}

static __attribute__((noreturn)) void *goes_offline(void *arg)
{
	static const int calls[] = { SYS_mprotect };

	refuse(calls, 1, SECCOMP_RET_TRAP);
	zones_offline();
	WRITE_ONCE(gone.done, 1);
	for (;;)
		pause();
}

static void limit_data(size_t bytes)
{
	struct rlimit lim;

	getrlimit(RLIMIT_DATA, &lim);
	lim.rlim_cur = bytes;
	setrlimit(RLIMIT_DATA, &lim);
}

#define NR_WAY 3

/* @refused: the child cannot commit it until the limit is raised. */
static void check_gone(bool refused)
{
	struct section *sec = sections[0];

	if (zone_used(&zone_normal) != way.used)
		_exit(5);
	if (sec->nr_offline != refused || !zone_is_valid(&zone_normal))
		_exit(6);
	if (refused && addr_to_page(gone.addr)->type != PAGE_NONE)
		_exit(7);
	limit_data(GIB);
	for (u32 i = 0; i < NR_WAY; i++) {
		struct page *page = page_range_alloc(0, MAX_ORDER_PAGES, 0, 0);

		if (!page)
			_exit(8);
		memset(page_address(page), 1, MAX_ORDER_PAGES << PAGE_SHIFT);
	}
	if (sec->nr_offline)
		_exit(9);
	check_child();
}

static void fork_without_the_block(bool refused)
{
	struct sigaction sa = { .sa_sigaction = on_mprotect,
				.sa_flags = SA_SIGINFO };
	struct page *page[NR_WAY];
	pthread_t t;
	int status;
	pid_t pid;

	for (u32 i = 0; i < NR_WAY; i++)
		page[i] = page_range_alloc(0, MAX_ORDER_PAGES, 0, 0);
	cr_assert(page[0] && page[1] && page[2]);
	for (u32 i = 0; i < NR_WAY; i++)
		cr_assert(page_range_free(page[i], MAX_ORDER_PAGES));
	way.used = zone_used(&zone_normal);
	zone_report_free(&zone_normal, SIZE_MAX, false);
	sigaction(SIGSYS, &sa, NULL);
	cr_assert_eq(pthread_create(&t, NULL, goes_offline, NULL), 0);
	while (!load_acquire(&gone.asked))
		usleep(1000);
	cr_assert_eq(gone.bytes, MAX_ORDER_PAGES << PAGE_SHIFT);
	cr_assert_eq(mprotect(gone.addr, gone.bytes, PROT_NONE), 0);
	if (refused)
		limit_data(4096);	/* 0 is none to the kernel */
	pid = fork();
	if (!pid)
		check_gone(refused);
	limit_data(GIB);
	WRITE_ONCE(gone.go_on, 1);
	while (!READ_ONCE(gone.done))
		usleep(1000);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0, "status %x", status);
	cr_assert(zone_is_valid(&zone_normal));
}

static void up_limited(void)
{
	limit_data(GIB);
	up();
}

Test(fork_limited, a_block_that_is_not_committed, .init = up_limited,
     .timeout = 300)
{
	fork_without_the_block(false);
}

Test(fork_limited, a_block_that_is_refused, .init = up_limited, .timeout = 300)
{
	fork_without_the_block(true);
}

/* Whom it interrupted puts them back. */
Test(fork, by_whom_has_blocks_in_hand, .timeout = 300)
{
	fork_on_the_way(false, true);
}

Test(fork, by_whom_has_blocks_in_hand_lazily, .timeout = 300)
{
	fork_on_the_way(true, true);
}
#endif

static void *start_up(void *arg)
{
	alloc_init();
	return arg;
}

/* The child of a fork before start-up, or during it, has its own. */
Test(fork_early, before_the_first_call)
{
	pthread_t t;
	int status;
	pid_t pid;

	cr_assert_eq(nr_sections, 0);
	for (u32 i = 0; i < 20; i++) {
		if (i == 10)
			cr_assert_eq(pthread_create(&t, NULL, start_up, NULL),
				     0);
		pid = fork();
		if (!pid) {
			alarm(10);
			if (!alloc_init())
				_exit(7);
			check_child();
		}
		waitpid(pid, &status, 0);
		cr_assert_eq(status, 0);
	}
	pthread_join(t, NULL);
	cr_assert(zone_is_valid(&zone_normal));
}

/* Page faults of some forks, here and of the children. */
static long fork_faults(void)
{
	struct rusage before, after;
	int status;
	pid_t pid;

	getrusage(RUSAGE_SELF, &before);
	for (u32 i = 0; i < 20; i++) {
		pid = fork();
		if (!pid)
			_exit(0);
		waitpid(pid, &status, 0);
		cr_assert_eq(status, 0);
	}
	getrusage(RUSAGE_SELF, &after);
	return after.ru_minflt - before.ru_minflt;
}

/* What a process with one thread does not lock, it need not copy either. */
Test(fork, alone_takes_no_lock)
{
	long alone, all;
	u64 seed = 7;
	int status;
	pid_t pid;

	/* Criterion has threads, but this process of it has not. */
	__libc_single_threaded = 1;
	use_all(&seed);
	if (sys_is_threaded())
		cr_skip_test("libc does not tell");
	fork_faults();
	alone = fork_faults();
	lock_try_enter(&zone_normal.lock);
	all = fork_faults();
	lock_exit(&zone_normal.lock);
	cr_assert_lt(alone + 20, all, "faults of 20 forks");
	pid = fork();
	if (!pid)
		check_child();
	waitpid(pid, &status, 0);
	cr_assert_eq(status, 0);
}
