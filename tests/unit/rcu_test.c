/*
 * rcu_test.c - is a reader ever overtaken, and does every grace period end?
 */
#include "unit.h"

#include "mm/rcu.h"

static u32 stop;

/* --- one thread --- */

Test(rcu, a_period_without_readers_is_over_when_asked)
{
	u64 gp = rcu_start_gp();

	cr_assert(rcu_gp_done(gp));
	cr_assert(rcu_gp_done(gp), "and stays over");
	cr_assert_neq(rcu_start_gp(), gp, "the next is another");
}

Test(rcu, own_section_holds_it_up)
{
	u64 gp;

	rcu_read_lock();
	gp = rcu_start_gp();
	for (u32 i = 0; i < 100; i++)
		REQUIRE(!rcu_gp_done(gp));
	rcu_read_unlock();
	cr_assert(rcu_gp_done(gp));
}

Test(rcu, sections_nest)
{
	u64 gp;

	cr_assert(!rcu_read_held());
	rcu_read_lock();
	gp = rcu_start_gp();
	for (u32 i = 0; i < 1000; i++)
		rcu_read_lock();
	for (u32 i = 0; i < 1000; i++) {
		rcu_read_unlock();
		REQUIRE(rcu_read_held() && !rcu_gp_done(gp));
	}
	rcu_read_unlock();
	cr_assert(!rcu_read_held() && rcu_gp_done(gp));
}

/* One that began before the request does not count. */
Test(rcu, a_period_under_way_is_not_enough)
{
	u64 first, second;

	rcu_read_lock();
	first = rcu_start_gp();
	cr_assert(!rcu_gp_done(first));		/* has begun, waits */
	second = rcu_start_gp();
	cr_assert_neq(first, second);
	rcu_read_unlock();
	rcu_read_lock();
	cr_assert(rcu_gp_done(first), "the section began after the turn");
	second = rcu_start_gp();
	cr_assert(!rcu_gp_done(second));
	rcu_read_unlock();
	cr_assert(rcu_gp_done(second));
}

static void unlock_too_often(void *arg)
{
	rcu_read_lock();
	rcu_read_unlock();
	rcu_read_unlock();
}

static void wait_inside(void *arg)
{
	rcu_read_lock();
	synchronize_rcu();
}

static void barrier_inside(void *arg)
{
	rcu_read_lock();
	rcu_barrier();
}

static void barrier_in_callback(struct rcu_head *head)
{
	rcu_barrier();
}

static void call_barrier(void *arg)
{
	struct rcu_head head;

	call_rcu(&head, barrier_in_callback);
	rcu_barrier();
}

Test(rcu, misuse_is_reported)
{
	unit_reports(unlock_too_often, NULL,
		     "liballoc: invalid rcu_read_unlock: not in rcu_read_lock()");
	unit_reports(wait_inside, NULL,
		     "liballoc: invalid synchronize_rcu: inside rcu_read_lock()");
	unit_reports(barrier_inside, NULL,
		     "liballoc: invalid rcu_barrier: inside rcu_read_lock()");
	unit_reports(call_barrier, NULL,
		     "liballoc: invalid rcu_barrier: in a callback");
}

/* --- callbacks --- */

struct item {
	long before;
	struct rcu_head rcu;
	u32 nr;
};

static u32 called, out_of_order;

static void count_call(struct rcu_head *head)
{
	struct item *item = container_of(head, struct item, rcu);

	if (item->nr != called)
		out_of_order++;
	called++;
}

Test(rcu, callbacks_come_in_order_after_the_period)
{
	struct item items[100];

	rcu_read_lock();
	for (u32 i = 0; i < 100; i++) {
		items[i].nr = i;
		call_rcu(&items[i].rcu, count_call);
	}
	cr_assert(rcu_poll());
	cr_assert_eq(called, 0, "not inside a section");
	rcu_read_unlock();
	rcu_barrier();
	cr_assert_eq(called, 100);
	cr_assert_eq(out_of_order, 0);
	cr_assert(!rcu_poll());
}

Test(rcu, many_callbacks_do_not_pile_up)
{
	static struct item items[1000];

	for (u32 i = 0; i < 1000; i++) {
		items[i].nr = i;
		call_rcu(&items[i].rcu, count_call);
		REQUIRE(called + 64 > i);
	}
	rcu_barrier();
	cr_assert_eq(called, 1000);
}

static void call_again(struct rcu_head *head)
{
	if (++called < 1000)
		call_rcu(head, call_again);
}

Test(rcu, a_callback_may_ask_for_another)
{
	struct rcu_head head;

	call_rcu(&head, call_again);
	for (u32 i = 0; rcu_poll(); i++)
		REQUIRE(i < 10000);
	cr_assert_eq(called, 1000);
}

static void *freed;

static void note_free(void *obj)
{
	freed = obj;
}

Test(rcu, an_offset_means_free)
{
	struct item item;

	rcu_set_free(note_free);
	call_rcu(&item.rcu, (void (*)(struct rcu_head *))
			    offsetof(struct item, rcu));
	rcu_barrier();
	cr_assert_eq(freed, &item);
}

static u32 nr_freed;

static void count_free(void *obj)
{
	nr_freed++;
}

/* Reclaim frees, but calls nobody: the order stays. */
Test(rcu, reclaim_frees_up_to_the_next_function)
{
	void (*offset)(struct rcu_head *) = (void (*)(struct rcu_head *))
					    offsetof(struct item, rcu);
	struct item items[6];

	rcu_set_free(count_free);
	cr_assert(!rcu_free_due());
	items[3].nr = 0;
	rcu_read_lock();
	for (u32 i = 0; i < 6; i++)
		call_rcu(&items[i].rcu, i == 3 ? count_call : offset);
	cr_assert(!rcu_free_due());
	rcu_read_unlock();
	cr_assert(rcu_free_due());
	cr_assert_eq(nr_freed, 3);
	cr_assert_eq(called, 0);
	cr_assert(!rcu_free_due());
	rcu_barrier();
	cr_assert_eq(nr_freed, 5);
	cr_assert_eq(called, 1);
}

/* --- a signal handler --- */

static u64 handler_gp;
static bool handler_saw;

static void reading_handler(int sig)
{
	rcu_read_lock();
	handler_saw = !rcu_gp_done(rcu_start_gp()) && rcu_read_held();
	rcu_read_unlock();
	handler_gp = rcu_start_gp();
	__atomic_fetch_add(&called, 1, __ATOMIC_RELAXED);
}

Test(rcu, handlers_read)
{
	struct itimerval fast = { { 0, 200 }, { 0, 200 } }, off = { 0 };
	u64 start = unit_now_ns();

	signal(SIGALRM, reading_handler);
	setitimer(ITIMER_REAL, &fast, NULL);
	while (unit_go_on(start, 500, READ_ONCE(called) > 10)) {
		u64 gp;

		rcu_read_lock();
		gp = rcu_start_gp();
		REQUIRE(!rcu_gp_done(gp));
		rcu_read_unlock();
		REQUIRE(!rcu_read_held());
		while (!rcu_gp_done(gp))
			;
	}
	setitimer(ITIMER_REAL, &off, NULL);
	cr_assert(called > 10 && handler_saw, "%u handlers", called);
	cr_assert(rcu_gp_done(rcu_start_gp()), "none is counted any more");
}

/* --- torture: readers, updaters and forkers --- */

#define NR_READERS 4
#define NR_ITEMS 64

enum { GOOD = 0x600d, POISON = 0xdead };

struct element {
	u32 mark;		/* GOOD while a reader may see it */
	u64 gp;
	struct rcu_head rcu;
	u32 waits;		/* a callback comes */
};

static struct element elements[NR_ITEMS];
static struct element *shared;		/* the readers' way in */
static u64 overtaken, reads, periods;

static void *torture_reader(void *arg)
{
	u64 seed = 7 + (uintptr_t)arg, n = 0;

	while (!READ_ONCE(stop)) {
		u32 spins = rnd_below(&seed, 50) ? rnd_below(&seed, 40) : 5000;
		bool nested = rnd_below(&seed, 4) == 0;
		struct element *e;

		rcu_read_lock();
		e = load_acquire(&shared);
		if (nested) {
			rcu_read_lock();
			rcu_read_unlock();
		}
		if (rnd_below(&seed, 200) == 0)
			sched_yield();
		for (u32 i = 0; i < spins; i++)
			if (READ_ONCE(e->mark) != GOOD) {
				__atomic_fetch_add(&overtaken, 1,
						   __ATOMIC_RELAXED);
				break;
			}
		rcu_read_unlock();
		if (++n % 64 == 0)
			__atomic_fetch_add(&reads, 64, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void torture_poison(struct rcu_head *head)
{
	struct element *e = container_of(head, struct element, rcu);

	WRITE_ONCE(e->mark, POISON);
	store_release(&e->waits, 0);
}

/*
 * Publish one element, take the one before away, and poison it after a period
 * of one of the three kinds.
 */
static void *torture_updater(void *arg)
{
	u32 kind = (u32)(uintptr_t)arg % 3, at = (u32)(uintptr_t)arg * 16;
	struct element *mine = &elements[at], *old;
	u64 n = 0;

	while (!READ_ONCE(stop)) {
		struct element *e = &mine[n++ % 16];

		if (n % 4 == 0)
			__atomic_fetch_add(&periods, 4, __ATOMIC_RELAXED);

		while (load_acquire(&e->waits))
			rcu_poll();
		WRITE_ONCE(e->mark, GOOD);
		old = __atomic_exchange_n(&shared, e, __ATOMIC_ACQ_REL);
		/* Theirs may still be published by the other: leave those. */
		if (old < mine || old >= mine + 16)
			continue;
		if (old == e)
			continue;
		if (kind == 0) {
			synchronize_rcu();
			WRITE_ONCE(old->mark, POISON);
		} else if (kind == 1) {
			u64 gp = rcu_start_gp();

			while (!rcu_gp_done(gp))
				arch_relax();
			WRITE_ONCE(old->mark, POISON);
		} else {
			old->waits = 1;
			call_rcu(&old->rcu, torture_poison);
		}
	}
	return NULL;
}

static void torture(u32 updaters, u32 first, u32 ms)
{
	pthread_t t[NR_READERS + 3];
	u64 start = unit_now_ns();

	sys_init();
	for (u32 i = 0; i < NR_ITEMS; i++)
		elements[i].mark = GOOD;
	shared = &elements[first * 16];
	for (uintptr_t i = 0; i < NR_READERS; i++)
		pthread_create(&t[i], NULL, torture_reader, (void *)i);
	for (uintptr_t i = 0; i < updaters; i++)
		pthread_create(&t[NR_READERS + i], NULL, torture_updater,
			       (void *)(i + first));
	while (unit_go_on(start, ms, READ_ONCE(reads) > 100 &&
			  READ_ONCE(periods) > 10))
		usleep(10000);
	WRITE_ONCE(stop, 1);
	for (u32 i = 0; i < NR_READERS + updaters; i++)
		pthread_join(t[i], NULL);
	cr_assert_eq(overtaken, 0, "%lu readers overtaken", overtaken);
	cr_assert(reads > 100 && periods > 10, "%lu reads, %lu periods", reads,
		  periods);
	rcu_barrier();
	cr_assert(rcu_gp_done(rcu_start_gp()), "no reader is counted");
}

Test(rcu, torture_synchronize, .timeout = 300) { torture(1, 0, 700); }
Test(rcu, torture_poll, .timeout = 300) { torture(1, 1, 700); }
Test(rcu, torture_callbacks, .timeout = 300) { torture(1, 2, 700); }
Test(rcu, torture_all, .timeout = 300) { torture(3, 0, 700); }

/* Sections that overlap without end: each ends, so must every period. */
static void *relay(void *arg)
{
	while (!READ_ONCE(stop)) {
		rcu_read_lock();
		for (u32 i = 0; i < 1000; i++)
			arch_relax();
		rcu_read_unlock();
	}
	return NULL;
}

Test(rcu, new_readers_do_not_hold_it_up, .timeout = 300)
{
	pthread_t t[3];

	sys_init();
	for (u32 i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, relay, NULL);
	for (u32 i = 0; i < 20; i++)
		synchronize_rcu();
	WRITE_ONCE(stop, 1);
	for (u32 i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
}

/* --- fork --- */

static void *reader_for_ever(void *arg)
{
	rcu_read_lock();
	WRITE_ONCE(called, 1);
	while (!READ_ONCE(stop))
		usleep(1000);
	rcu_read_unlock();
	return NULL;
}

static void in_child(void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		alarm(10);
		rcu_fork_child();
		fn();
		_exit(0);
	}
	cr_assert(waitpid(pid, &status, 0) == pid);
	cr_assert_eq(status, 0, "status %x", status);
}

static void child_alone(void)
{
	u64 gp = rcu_start_gp();

	if (!rcu_gp_done(gp))
		_exit(1);
	rcu_read_lock();
	gp = rcu_start_gp();
	if (rcu_gp_done(gp))
		_exit(2);
	rcu_read_unlock();
	if (!rcu_gp_done(gp))
		_exit(3);
	rcu_barrier();
}

static void child_inside(void)
{
	u64 gp = rcu_start_gp();

	if (!rcu_read_held() || rcu_gp_done(gp))
		_exit(1);
	rcu_read_unlock();
	if (!rcu_gp_done(gp))
		_exit(2);
}

/* Three generations: both pairs of counters are used again. */
static void child_of_child(void)
{
	child_alone();
	rcu_read_lock();
	in_child(child_inside);
	rcu_read_unlock();
	rcu_read_lock();
	if (rcu_gp_done(rcu_start_gp()))
		_exit(4);
	rcu_read_unlock();
	in_child(child_alone);
}

Test(rcu, the_child_has_one_reader_at_most, .timeout = 300)
{
	pthread_t t;
	u64 gp;

	pthread_create(&t, NULL, reader_for_ever, NULL);
	while (!READ_ONCE(called))
		usleep(1000);
	gp = rcu_start_gp();
	cr_assert(!rcu_gp_done(gp), "a period is under way");
	in_child(child_alone);
	in_child(child_of_child);
	rcu_read_lock();
	in_child(child_inside);
	rcu_read_unlock();
	WRITE_ONCE(stop, 1);
	pthread_join(t, NULL);
	cr_assert(rcu_gp_done(gp));
}

/* Callbacks of the parent are the child's, too. */
static void child_calls(void)
{
	rcu_barrier();
	if (called != 3)
		_exit(1);
}

Test(rcu, the_child_has_the_callbacks, .timeout = 300)
{
	struct item items[3];

	for (u32 i = 0; i < 3; i++) {
		items[i].nr = i;
		call_rcu(&items[i].rcu, count_call);
	}
	in_child(child_calls);
	cr_assert_eq(called, 0);
	rcu_barrier();
	cr_assert_eq(called, 3);
}

#ifdef __x86_64__
/*
 * A handler that interrupts call_rcu() or rcu_barrier() forks, at each
 * instruction in turn (the CPU traps after each): nothing is lost or called
 * twice, in neither process.
 */
static struct {
	u32 at, then, steps, forks;
	bool inside, forked, again, child;
	int status;
} step = { .forks = 1 };

/* The grandchild says it to the child, and that to the test. */
static void fork_deep(u32 depth)
{
	pid_t pid = fork();
	int status = 1;

	if (pid) {
		waitpid(pid, &status, 0);
		if (step.child && status)
			_exit(64);
		step.status = status;
		return;
	}
	alarm(10);
	rcu_fork_child();
	step.child = true;
	if (depth > 1)
		fork_deep(depth - 1);
}

static void trap(int sig, siginfo_t *info, void *context)
{
	greg_t *flags = &((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL];

	*flags |= 0x100;
	if (step.inside && step.steps == (step.forked ? step.then : step.at)) {
		step.again = step.forked;
		step.forked = true;
		fork_deep(step.forks);
	}
	step.steps += step.inside;
	/* The child goes on by steps if it is to fork, too. */
	if (step.again || (step.forked && !(step.child && step.then)) ||
	    (step.steps && !step.inside))
		*flags &= ~0x100;
}

static void call_in_steps(struct item *item)
{
	step.steps = 0;
	step.forked = false;
	raise(SIGTRAP);
	WRITE_ONCE(step.inside, true);
	call_rcu(&item->rcu, count_call);
	rcu_barrier();
	WRITE_ONCE(step.inside, false);
}

Test(rcu, fork_in_a_handler_at_each_instruction, .timeout = 300)
{
	struct sigaction sa = { .sa_sigaction = trap, .sa_flags = SA_SIGINFO };
	struct item item = { 0 }, more = { 1 };

	sigaction(SIGTRAP, &sa, NULL);
	do {
		called = 0;
		call_in_steps(&item);
		if (step.child) {
			if (called != 1)
				_exit(1);
			call_rcu(&more.rcu, count_call);
			rcu_barrier();
			_exit(called == 2 ? 0 : 2);
		}
		cr_assert_eq(called, 1);
		cr_assert_eq(step.status, 0, "status %x, instruction %u",
			     step.status, step.at);
		step.at++;
	} while (step.forked);
	cr_assert_gt(step.at, 100);
}

static u32 depth;

static void read_in_steps(void)
{
	step.steps = 0;
	step.forked = false;
	step.again = false;
	raise(SIGTRAP);
	WRITE_ONCE(step.inside, true);
	for (u32 i = 0; i < depth; i++)
		rcu_read_lock();
	for (u32 i = 0; i < depth; i++)
		rcu_read_unlock();
	WRITE_ONCE(step.inside, false);
}

/* Neither process counts a reader that is gone. */
static void read_and_fork(u32 nested)
{
	depth = nested;
	step.at = 0;
	do {
		bool over;

		read_in_steps();
		over = !rcu_read_held() && rcu_gp_done(rcu_start_gp());
		if (step.child)
			_exit(!over);
		cr_assert(over);
		cr_assert_eq(step.status, 0, "status %x, instruction %u of %u "
			     "sections", step.status, step.at, nested);
		step.at++;
	} while (step.forked);
	cr_assert_gt(step.at, 20 * nested);
}

Test(rcu, fork_in_a_handler_of_a_reader, .timeout = 300)
{
	struct sigaction sa = { .sa_sigaction = trap, .sa_flags = SA_SIGINFO };

	sigaction(SIGTRAP, &sa, NULL);
	read_and_fork(1);
	read_and_fork(2);
}

/*
 * In the child another handler forks as well, at @then; false: the section was
 * over before.
 */
static bool read_and_fork_twice(u32 then)
{
	enum { OVER_BEFORE = 3 };
	bool over;

	step.then = then;
	step.status = 0;
	read_in_steps();
	over = !rcu_read_held() && rcu_gp_done(rcu_start_gp());
	if (step.child)
		_exit(!over ? 1 : step.again ? 0 : OVER_BEFORE);
	REQUIRE(over);
	REQUIRE(step.status == 0 || step.status == OVER_BEFORE << 8,
		"status %x, instructions %u and %u", step.status, step.at,
		then);
	return step.status == 0;
}

Test(rcu, forks_in_two_handlers_of_a_reader, .timeout = 300)
{
	struct sigaction sa = { .sa_sigaction = trap, .sa_flags = SA_SIGINFO };
	u32 twice = 0;

	sigaction(SIGTRAP, &sa, NULL);
	depth = 1;
	step.forked = true;
	do {
		/* As far as behind a second store. */
		for (u32 gap = 1; gap <= 24 && step.forked; gap++)
			twice += read_and_fork_twice(step.at + gap);
		step.at++;
	} while (step.forked);
	cr_assert_gt(twice, 200);
}

/* The child of the handler forks as well, before the handler returns. */
Test(rcu, forks_in_a_handler_of_a_reader, .timeout = 300)
{
	struct sigaction sa = { .sa_sigaction = trap, .sa_flags = SA_SIGINFO };

	sigaction(SIGTRAP, &sa, NULL);
	for (step.forks = 2; step.forks <= 4; step.forks++)
		read_and_fork(1);
}
#endif

static void nothing(struct rcu_head *head)
{
}

/* Fork while others hold every lock there is. */
static void *poller(void *arg)
{
	struct rcu_head head;

	while (!READ_ONCE(stop)) {
		call_rcu(&head, nothing);
		rcu_barrier();
		rcu_read_lock();
		rcu_read_unlock();
	}
	return NULL;
}

Test(rcu, fork_while_others_use_it, .timeout = 300)
{
	pthread_t t[3];

	sys_init();
	for (u32 i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, poller, NULL);
	for (u32 i = 0; i < 100; i++)
		in_child(child_alone);
	WRITE_ONCE(stop, 1);
	for (u32 i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
}
