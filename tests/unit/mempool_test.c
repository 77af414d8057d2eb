/*
 * mempool_test.c - does a pool keep its minimum, over an allocator that fails
 * when told to?
 */
#include "steps.h"
#include "unit.h"

#include "slab/mempool.h"

/* --- an allocator of numbers: elements need not be memory --- */

#define NR_NUMBERS 10000

struct numbers {
	int left;		/* that may be given out */
	int left_gently;	/* ... to those who may not reclaim */
	u32 out[NR_NUMBERS];	/* by number: given out now */
	int calls, frees;
	gfp_t last_gfp;
};

static struct numbers numbers;

static void *number_alloc(gfp_t gfp, void *data)
{
	struct numbers *n = data;

	n->calls++;
	n->last_gfp = gfp;
	if (!n->left || (!(gfp & __GFP_DIRECT_RECLAIM) && !n->left_gently))
		return NULL;
	for (uintptr_t i = 1; i < NR_NUMBERS; i++)
		if (!n->out[i]) {
			n->out[i] = 1;
			n->left--;
			n->left_gently -= n->left_gently > 0;
			return (void *)i;
		}
	return NULL;
}

static void number_free(void *element, void *data)
{
	struct numbers *n = data;
	uintptr_t i = (uintptr_t)element;

	REQUIRE(i && i < NR_NUMBERS && n->out[i], "not given out");
	n->out[i] = 0;
	n->left++;
	n->frees++;
}

static int nr_out(void)
{
	int nr = 0;

	for (u32 i = 0; i < NR_NUMBERS; i++)
		nr += numbers.out[i] != 0;
	return nr;
}

static struct mempool pool;

static int make(int min_nr)
{
	pool = (struct mempool){
		.min_nr = min_nr,
		.alloc = number_alloc,
		.free = number_free,
		.pool_data = &numbers,
	};
	return mempool_init(&pool, GFP_KERNEL);
}

static void up(void)
{
	unit_up();
	numbers.left = numbers.left_gently = 1000;
}

Test(mempool, minimum_is_put_aside, .init = up)
{
	cr_assert_eq(make(10), 0);
	cr_assert_eq(pool.curr_nr, 10);
	cr_assert_eq(nr_out(), 10);
	mempool_exit(&pool);
	cr_assert_eq(nr_out(), 0);
	mempool_exit(&pool);
	pool = (struct mempool){ 0 };
	mempool_exit(&pool);
}

Test(mempool, minimum_not_to_be_had, .init = up)
{
	numbers.left = 5;
	cr_assert_eq(make(10), -ENOMEM);
	cr_assert_eq(nr_out(), 0, "nothing is left behind");
	cr_assert_eq(make(-1), -EINVAL);
	cr_assert_eq(make(5), 0);
	mempool_exit(&pool);
}

/* The allocator first, gently; then the reserve; then with reclaim. */
Test(mempool, order_of_sources, .init = up)
{
	void *e[8];

	cr_assert_eq(make(2), 0);
	e[0] = mempool_alloc(&pool, GFP_KERNEL | __GFP_HIGH | __GFP_NOFAIL);
	cr_assert(e[0]);
	cr_assert_eq(pool.curr_nr, 2, "the reserve is not touched");
	cr_assert(!(numbers.last_gfp &
		    (__GFP_DIRECT_RECLAIM | __GFP_HIGH | __GFP_NOFAIL)));
	cr_assert(numbers.last_gfp & __GFP_NORETRY);
	numbers.left_gently = 0;
	e[1] = mempool_alloc(&pool, GFP_KERNEL);
	e[2] = mempool_alloc(&pool, GFP_KERNEL);
	cr_assert(e[1] && e[2]);
	cr_assert_eq(pool.curr_nr, 0);
	e[3] = mempool_alloc(&pool, GFP_KERNEL);
	cr_assert(e[3], "by reclaim");
	cr_assert(numbers.last_gfp & __GFP_DIRECT_RECLAIM);
	cr_assert(!(numbers.last_gfp & __GFP_NOFAIL));
	cr_assert_null(mempool_alloc(&pool, GFP_NOWAIT));
	cr_assert_eq(errno, ENOMEM);
	cr_assert_null(mempool_alloc(&pool, GFP_ATOMIC));
	/* Back: the reserve first. */
	mempool_free(e[3], &pool);
	mempool_free(e[1], &pool);
	cr_assert_eq(pool.curr_nr, 2);
	cr_assert_eq(numbers.frees, 0);
	mempool_free(e[2], &pool);
	mempool_free(e[0], &pool);
	cr_assert_eq(numbers.frees, 2);
	mempool_free(NULL, &pool);
	mempool_exit(&pool);
	cr_assert_eq(nr_out(), 0);
}

Test(mempool, preallocated_is_the_reserve_alone, .init = up)
{
	int calls;
	void *e;

	cr_assert_eq(make(1), 0);
	calls = numbers.calls;
	e = mempool_alloc_preallocated(&pool);
	cr_assert(e);
	cr_assert_null(mempool_alloc_preallocated(&pool));
	cr_assert_eq(numbers.calls, calls);
	mempool_free(e, &pool);
	mempool_exit(&pool);
}

Test(mempool, resize, .init = up)
{
	void *e[20];

	cr_assert_eq(make(4), 0);
	cr_assert_eq(mempool_resize(&pool, 2000), 0);
	cr_assert_eq(pool.min_nr, 2000);
	cr_assert_eq(pool.curr_nr, 1000, "as many as there are");
	cr_assert_eq(mempool_resize(&pool, 10), 0);
	cr_assert_eq(pool.curr_nr, 10);
	cr_assert_eq(nr_out(), 10);
	numbers.left = 0;
	for (u32 i = 0; i < 10; i++)
		e[i] = mempool_alloc(&pool, GFP_NOWAIT);
	cr_assert_null(mempool_alloc(&pool, GFP_NOWAIT));
	/* Below what is out: these go back to the allocator. */
	cr_assert_eq(mempool_resize(&pool, 3), 0);
	for (u32 i = 0; i < 10; i++)
		mempool_free(e[i], &pool);
	cr_assert_eq(pool.curr_nr, 3);
	cr_assert_eq(nr_out(), 3);
	cr_assert_eq(mempool_resize(&pool, 0), 0);
	cr_assert_eq(nr_out(), 0);
	cr_assert_eq(mempool_resize(&pool, -1), -EINVAL);
	mempool_exit(&pool);
}

/* Larger than what slabs hold. */
Test(mempool, many_elements, .init = up)
{
	numbers.left = numbers.left_gently = NR_NUMBERS;
	cr_assert_eq(make(9000), 0);
	cr_assert_eq(pool.curr_nr, 9000);
	cr_assert_eq(mempool_resize(&pool, 9500), 0);
	cr_assert_eq(pool.curr_nr, 9500);
	mempool_exit(&pool);
	cr_assert_eq(nr_out(), 0);
}

Test(mempool, bulk, .init = up)
{
	void *e[8] = { NULL };

	cr_assert_eq(make(4), 0);
	e[2] = mempool_alloc(&pool, GFP_KERNEL);
	numbers.left = 2;
	numbers.left_gently = 2;
	mempool_alloc_bulk(&pool, e, 6);
	for (u32 i = 0; i < 6; i++)
		for (u32 k = 0; k < i; k++)
			cr_assert(e[i] && e[i] != e[k]);
	cr_assert_eq(pool.curr_nr, 1, "3 of 5 out of the reserve");
	cr_assert_eq(mempool_free_bulk(&pool, e, 6), 3);
	cr_assert_eq(pool.curr_nr, 4);
	for (u32 i = 3; i < 6; i++)
		number_free(e[i], &numbers);
	mempool_exit(&pool);
	cr_assert_eq(nr_out(), 0);
}

/* --- waiting --- */

static void *free_later(void *element)
{
	while (!fork_count_read(&pool.state->waiters))
		usleep(1000);
	usleep(100000);
	mempool_free(element, &pool);
	return NULL;
}

static void wait_for_one(int min_nr)
{
	pthread_t t;
	void *e;
	u64 start;

	cr_assert_eq(make(min_nr), 0);
	e = mempool_alloc(&pool, GFP_KERNEL);
	numbers.left = 0;
	while (pool.curr_nr)
		cr_assert(mempool_alloc(&pool, GFP_NOWAIT));
	start = sys_clock_ns();
	pthread_create(&t, NULL, free_later, e);
	e = mempool_alloc(&pool, GFP_KERNEL);
	cr_assert(e, "it waits");
	cr_assert_gt(sys_clock_ns() - start, 50000000u);
	pthread_join(t, NULL);
	cr_assert_eq(fork_count_read(&pool.state->waiters), 0);
}

Test(mempool, who_may_wait_waits, .init = up, .timeout = 60)
{
	wait_for_one(3);
	cr_assert_gt(stat_read(STAT_MEMPOOL_WAIT), 0);
}

/* As the kernel has it: no minimum, but served when one comes back. */
Test(mempool, no_minimum, .init = up, .timeout = 60)
{
	wait_for_one(0);
	cr_assert_eq(pool.curr_nr, 0);
}

/* --- who waits is woken, and not only by his own clock (50 ms) --- */

static u64 got_ns;

static void *get_and_free(void *arg)
{
	void *e = mempool_alloc(&pool, GFP_KERNEL);

	__atomic_store_n(&got_ns, sys_clock_ns(), __ATOMIC_SEQ_CST);
	mempool_free(e, &pool);
	return NULL;
}

static u64 wake_latency(void)
{
	pthread_t t;
	u64 freed;
	void *e;

	/* The one there is: the reserve's, or the allocator's. */
	numbers.left = !pool.min_nr;
	e = mempool_alloc(&pool, GFP_KERNEL);
	numbers.left = 0;
	pthread_create(&t, NULL, get_and_free, NULL);
	while (!fork_count_read(&pool.state->waiters))
		sched_yield();
	usleep(2000);
	freed = sys_clock_ns();
	mempool_free(e, &pool);
	pthread_join(t, NULL);
	return got_ns - freed;
}

static void wakes(int min_nr)
{
	u64 best = UINT64_MAX;

	cr_assert_eq(make(min_nr), 0);
	for (u32 i = 0; i < 20; i++)
		best = min(best, wake_latency());
	cr_assert_lt(best, 20000000u, "%lu ns at the best of 20", best);
}

Test(mempool, waiters_are_woken, .init = up, .timeout = 300) { wakes(1); }
Test(mempool, waiters_are_woken_without_minimum, .init = up, .timeout = 300)
{
	wakes(0);
}

static void *take_four(void *arg)
{
	void *e[4] = { NULL };

	mempool_alloc_bulk(&pool, e, 4);
	return NULL;
}

Test(mempool, bulk_takes_all_or_nothing, .init = up, .timeout = 300)
{
	pthread_t t;
	void *e;

	cr_assert_eq(make(4), 0);
	numbers.left = 0;
	e = mempool_alloc(&pool, GFP_NOWAIT);
	pthread_create(&t, NULL, take_four, NULL);
	for (u32 i = 0; i < 50; i++) {
		usleep(2000);
		REQUIRE(READ_ONCE(pool.curr_nr) == 3);
	}
	mempool_free(e, &pool);
	pthread_join(t, NULL);
	cr_assert_eq(pool.curr_nr, 0);
}

/* Both want all there is: one gets it, then the other. */
static void *bulk_user(void *arg)
{
	for (u32 i = 0; i < 200; i++) {
		void *e[4] = { NULL };

		mempool_alloc_bulk(&pool, e, 4);
		for (u32 k = 0; k < 4; k++)
			REQUIRE(e[k]);
		cr_assert_eq(mempool_free_bulk(&pool, e, 4), 4);
	}
	return NULL;
}

Test(mempool, bulks_do_not_wait_for_each_other, .init = up, .timeout = 300)
{
	pthread_t t[3];

	cr_assert_eq(make(4), 0);
	numbers.left = 0;
	for (u32 i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, bulk_user, NULL);
	for (u32 i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	cr_assert_eq(pool.curr_nr, 4);
}

static void *memory_comes_back(void *arg)
{
	usleep(100000);
	WRITE_ONCE(numbers.left, 100);
	return NULL;
}

/* The reserve is full, but never enough: all there is to do is to wait. */
Test(mempool, bulk_above_the_minimum_sleeps, .init = up, .timeout = 300)
{
	void *e[4] = { NULL };
	u64 before;
	pthread_t t;

	cr_assert_eq(make(2), 0);
	numbers.left = numbers.calls = 0;
	before = stat_read(STAT_MEMPOOL_WAIT);
	pthread_create(&t, NULL, memory_comes_back, NULL);
	mempool_alloc_bulk(&pool, e, 4);
	pthread_join(t, NULL);
	cr_assert(e[0] && e[1] && e[2] && e[3]);
	cr_assert_leq((u64)numbers.calls,
		      16 + 4 * (stat_read(STAT_MEMPOOL_WAIT) - before),
		      "%d calls", numbers.calls);
}

/* --- fork and signal handlers --- */

static int stop;

static void *keep_busy(void *arg)
{
	while (!READ_ONCE(stop)) {
		void *e = mempool_alloc(&pool, GFP_KERNEL);

		mempool_free(e, &pool);
	}
	return NULL;
}

Test(mempool, fork_while_others_use_it, .init = up, .timeout = 300)
{
	pthread_t t[2];

	cr_assert_eq(make(1), 0);
	numbers.left = 0;
	for (u32 i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, keep_busy, NULL);
	for (u32 i = 0; i < 50; i++) {
		int status;
		pid_t pid;

		mempools_fork_lock();
		pid = fork();
		if (!pid)
			mempools_fork_child();
		mempools_fork_unlock();
		if (!pid) {
			alarm(10);
			/* Another thread has it, for ever; or the pool. */
			mempool_free(mempool_alloc(&pool, GFP_NOWAIT), &pool);
			_exit(fork_count_read(&pool.state->waiters) ? 1 : 0);
		}
		cr_assert(waitpid(pid, &status, 0) == pid);
		cr_assert_eq(status, 0, "status %x", status);
	}
	WRITE_ONCE(stop, 1);
	for (u32 i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	cr_assert_eq(pool.curr_nr, 1);
}

static void forking_handler(int sig)
{
	/* As in the child. */
	mempools_fork_child();
	WRITE_ONCE(numbers.left, 1);
}

/* The child goes on waiting, and is no less than nobody when it has. */
Test(mempool, a_handler_forks_while_its_thread_waits, .init = up,
     .timeout = 300)
{
	struct itimerval once = { .it_value = { 0, 75000 } };
	void *e;

	cr_assert_eq(make(0), 0);
	numbers.left = 0;
	signal(SIGALRM, forking_handler);
	setitimer(ITIMER_REAL, &once, NULL);
	e = mempool_alloc(&pool, GFP_KERNEL);
	cr_assert_eq(fork_count_read(&pool.state->waiters), 0);
	mempool_free(e, &pool);
	mempool_exit(&pool);
}

static u32 handled;

static void using_handler(int sig)
{
	void *e = mempool_alloc(&pool, GFP_KERNEL);

	mempool_free(e, &pool);
	handled++;
}

Test(mempool, handlers, .init = up, .timeout = 300)
{
	struct itimerval fast = { { 0, 200 }, { 0, 200 } }, off = { 0 };
	u64 begin = unit_now_ns();

	cr_assert_eq(make(3), 0);
	numbers.left = 0;
	signal(SIGALRM, using_handler);
	setitimer(ITIMER_REAL, &fast, NULL);
	while (unit_go_on(begin, 500, handled > 10)) {
		void *e = mempool_alloc(&pool, GFP_NOWAIT);

		mempool_free(e, &pool);
	}
	setitimer(ITIMER_REAL, &off, NULL);
	cr_assert_gt(handled, 10);
	while (mempool_alloc(&pool, GFP_NOWAIT))
		;
	/* A handler's free that met the lock went to the allocator. */
	cr_assert_eq(nr_out() + numbers.frees, 3);
}

#ifdef __x86_64__
static u32 refused;

static void use_reserve(void)
{
	mempool_free(mempool_alloc(&pool, GFP_NOWAIT), &pool);
}

static void resize_up(void)
{
	int before = pool.min_nr, ret = mempool_resize(&pool, before + 1);

	REQUIRE(ret == 0 || ret == -ENOMEM);
	REQUIRE(pool.min_nr == before + !ret);
	refused += ret != 0;
}

static void resize_down(void)
{
	int before = pool.min_nr, ret = mempool_resize(&pool, before - 1);

	REQUIRE(ret == 0 || ret == -ENOMEM);
	REQUIRE(pool.min_nr == before - !ret);
	refused += ret != 0;
}

static void bulk_in_handler(void)
{
	void *e[2] = { NULL };
	int ret = mempool_alloc_bulk(&pool, e, 2);

	REQUIRE(ret == -ENOMEM || (!ret && e[0] && e[1]));
	refused += ret != 0;
	for (u32 i = 0; i < 2; i++)
		if (e[i])
			mempool_free(e[i], &pool);
}

static void make_and_end(void)
{
	struct mempool p = {
		.min_nr = 1,
		.alloc = number_alloc,
		.free = number_free,
		.pool_data = &numbers,
	};

	if (mempool_init(&p, GFP_KERNEL))
		return;
	/* The handler's own: of the list nobody else has anything. */
	mempool_exit(&p);
}

static struct mempool other;

static void end_other(void)
{
	mempool_exit(&other);
}

/* Of the many instructions that a sanitizer adds, few are stopped at. */
#ifdef __SANITIZE_ADDRESS__
#define AT_EACH		7
#define END_STEP	37
#else
#define AT_EACH		1
#define END_STEP	3
#endif

/* What cannot be done is refused, at whatever instruction; nothing waits. */
static void at_each(void (*run)(void), void (*fn)(void))
{
	u32 at = 0;

	cr_assert_eq(make(4), 0);
	numbers.left = 0;
	for (; steps_run(run, at, fn); at += AT_EACH) {
		/* The kept ones of before, or those that a refusal lost. */
		numbers.left = 4;
		REQUIRE(!mempool_resize(&pool, 0));
		REQUIRE(!mempool_resize(&pool, 4) && pool.curr_nr == 4);
		numbers.left = 0;
	}
	cr_assert(at > 100 && refused > 2, "%u of %u", refused, at);
}

Test(mempool, a_handler_resizes, .init = up, .timeout = 300)
{
	at_each(use_reserve, resize_up);
}

Test(mempool, a_handler_makes_it_smaller, .init = up, .timeout = 300)
{
	at_each(use_reserve, resize_down);
}

Test(mempool, a_handler_asks_for_several, .init = up, .timeout = 300)
{
	at_each(use_reserve, bulk_in_handler);
}

Test(mempool, a_handler_ends_a_pool, .init = up, .timeout = 300)
{
	bool more = true;

	for (u32 at = 0; more; at += END_STEP) {
		other = (struct mempool){
			.min_nr = 1,
			.alloc = number_alloc,
			.free = number_free,
			.pool_data = &numbers,
		};
		REQUIRE(!mempool_init(&other, GFP_KERNEL));
		more = steps_run(make_and_end, at, end_other);
	}
}
#endif

/* --- misuse --- */

static void free_twice(void *arg)
{
	void *e = mempool_alloc_preallocated(&pool);

	mempool_free(e, &pool);
	mempool_alloc_preallocated(&pool);
	mempool_free(e, &pool);
	mempool_alloc_preallocated(&pool);
	mempool_alloc_preallocated(&pool);
	mempool_alloc_preallocated(&pool);
	mempool_free(e, &pool);
	mempool_free(e, &pool);
}

static void *waiter(void *arg)
{
	return mempool_alloc(&pool, GFP_KERNEL);
}

static void exit_under_waiter(void *arg)
{
	pthread_t t;

	numbers.left = 0;
	while (mempool_alloc(&pool, GFP_NOWAIT))
		;
	pthread_create(&t, NULL, waiter, NULL);
	for (;;)
		if (fork_count_read(&pool.state->waiters))
			mempool_exit(&pool);
}

static void no_pool(void *arg)
{
	mempool_alloc(NULL, GFP_KERNEL);
}

static void dead_pool(void *arg)
{
	mempool_exit(&pool);
	mempool_free((void *)5, &pool);
}

Test(mempool, misuse, .init = up)
{
	cr_assert_eq(make(3), 0);
	unit_reports(free_twice, NULL, "liballoc: double mempool_free: 0x");
	unit_reports(exit_under_waiter, NULL, "liballoc: invalid mempool_exit: ");
	unit_reports(no_pool, NULL, "liballoc: invalid mempool_alloc: NULL pool");
	unit_reports(dead_pool, NULL, "liballoc: invalid mempool_free_bulk: ");
}
