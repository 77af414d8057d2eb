/*
 * vfork_test.c - V1, V2: do both sides return to the right place with their
 * stack; and are the sheaves closed while the child lives on the parent's
 * index?
 */
#include "unit.h"

#include "api/init.h"

static void up(void)
{
	cr_assert(alloc_init());
}

TestSuite(vfork, .init = up);

long vfork_error(long ret);

static int status_of(pid_t pid)
{
	int status = -1;

	cr_assert_gt(pid, 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static __attribute__((noinline)) int dig(int depth)
{
	volatile char here[512];

	memset((char *)here, 0xa5, sizeof(here));
	return depth ? dig(depth - 1) + here[7] : 0;
}

static volatile int shared;

static __attribute__((noinline)) pid_t run_child(int n)
{
	volatile int local = n;
	pid_t pid = vfork();

	if (!pid) {
		/* Everything below our frame may go. */
		dig(30);
		shared = local;
		_exit(n & 63);
	}
	return local == n ? pid : -1;
}

Test(vfork, both_sides_go_on)
{
	for (int n = 1; n < 200; n++) {
		int status = status_of(run_child(n));

		cr_assert(WIFEXITED(status));
		cr_assert_eq(WEXITSTATUS(status), n & 63);
		cr_assert_eq(shared, n, "the memory is shared");
	}
}

Test(vfork, the_child_runs_another_program)
{
	pid_t pid = vfork();

	if (!pid) {
		execl("/bin/sh", "sh", "-c", "exit 17", (char *)NULL);
		_exit(127);
	}
	cr_assert_eq(WEXITSTATUS(status_of(pid)), 17);
}

Test(vfork, failure_is_minus_one_and_errno)
{
	errno = 0;
	cr_assert_eq(vfork_error(-EAGAIN), -1);
	cr_assert_eq(errno, EAGAIN);
}

/* Callee-saved registers are the compiler's: it must find them again. */
Test(vfork, registers_survive)
{
	long a = rand(), b = rand(), c = rand(), d = rand(), e = rand();
	long sum = a ^ b << 1 ^ c << 2 ^ d << 3 ^ e << 4;

	for (int i = 0; i < 50; i++) {
		pid_t pid = vfork();

		if (!pid) {
			dig(3);
			_exit(0);
		}
		cr_assert_eq(status_of(pid), 0);
		cr_assert_eq(a ^ b << 1 ^ c << 2 ^ d << 3 ^ e << 4, sum);
	}
}

static u32 off_of(const void *p)
{
	return addr_to_class(p);
}

/* An open sheaf that holds something. */
static void *warm_up(void)
{
	void *p = NULL;

	unit_pin(0);
	for (int i = 0; i < 50; i++) {
		p = kmalloc(64);
		slab_free_slow(class_to_cache(off_of(p)), p);
	}
	cr_assert_gt(percpu_capacity(off_of(p)), 0);
	return p;
}

void vfork_prepare(void);
void vfork_child_enter(void);
void vfork_parent_resume(void);

/* What its parent does then: nobody has entered. */
static void killed_before_it_enters(void)
{
	vfork_prepare();
	vfork_parent_resume();
}

Test(vfork, a_child_killed_before_it_enters)
{
	u32 off = off_of(warm_up()), cpu = percpu_index();
	const struct sheaf_head *h = percpu_head(cpu, off);
	bool closes = percpu.mode != PERCPU_SLOTS;

	killed_before_it_enters();
	vfork_prepare();
	vfork_child_enter();
	/* One of a vfork child: that one's sheaves stay closed. */
	killed_before_it_enters();
	cr_assert(!closes || h->hi <= h->lo);
	cr_assert(!kswapd_run());
	vfork_prepare();
	cr_assert_eq(vfork_error(-ENOMEM), -1);
	/* One that enters and ends. */
	vfork_prepare();
	vfork_child_enter();
	vfork_parent_resume();
	cr_assert(!closes || h->hi <= h->lo);
	cr_assert(!kswapd_run());
	vfork_parent_resume();
	cr_assert(!closes || h->hi > h->lo);
	cr_assert(kswapd_run(), "the parent may have its thread");
}

static volatile u32 seen_capacity;
static void *volatile seen_object;

Test(vfork, the_childs_sheaves_are_closed)
{
	u32 off = off_of(warm_up()), cpu = percpu_index();
	const struct sheaf_head *h = percpu_head(cpu, off);
	pid_t pid;

	if (percpu.mode == PERCPU_SLOTS)
		cr_skip_test("slots are locked");
	seen_capacity = 99;
	pid = vfork();
	if (!pid) {
		seen_capacity = percpu_capacity(off);
		seen_object = percpu_pop(off);
		_exit(0);
	}
	status_of(pid);
	cr_assert_eq(seen_capacity, 0);
	cr_assert_null(seen_object);
	/* The kernel may have given us another index since: an mm_cid. */
	cr_assert_gt(h->hi, h->lo, "open again");
}

Test(vfork, the_child_may_allocate)
{
	void *p = warm_up(), *mine;

	for (int i = 0; i < 50; i++) {
		pid_t pid = vfork();

		if (!pid) {
			for (int j = 0; j < 20; j++) {
				void *q = kmalloc(64);

				slab_free_slow(class_to_cache(off_of(q)), q);
			}
			seen_object = kmalloc(64);
			_exit(seen_object ? 0 : 1);
		}
		cr_assert_eq(status_of(pid), 0);
		mine = kmalloc(64);
		cr_assert_neq(mine, seen_object);
	}
	cr_assert(slabs_are_valid(class_to_cache(off_of(p))));
}

/* The end of a grandchild is not the end of the child. */
Test(vfork, children_of_children)
{
	u32 off = off_of(warm_up());
	pid_t pid;

	if (percpu.mode == PERCPU_SLOTS)
		cr_skip_test("slots are locked");
	seen_capacity = 99;
	pid = vfork();
	if (!pid) {
		pid_t child = vfork();
		int status;

		if (!child)
			_exit(0);
		waitpid(child, &status, 0);
		seen_capacity = percpu_capacity(off);
		_exit(0);
	}
	status_of(pid);
	cr_assert_eq(seen_capacity, 0, "the child's index is still frozen");
	cr_assert_gt(percpu_capacity(off), 0);
}

static int stop;
static u32 wrong;

static void *user(void *arg)
{
	while (!READ_ONCE(stop)) {
		u64 *p[32];

		for (uintptr_t i = 0; i < 32; i++) {
			p[i] = kmalloc(64);
			*p[i] = (uintptr_t)arg + i;
		}
		for (uintptr_t i = 0; i < 32; i++) {
			if (*p[i] != (uintptr_t)arg + i)
				__atomic_fetch_add(&wrong, 1,
						   __ATOMIC_RELAXED);
			*p[i] = 0;
			if (!percpu_push(off_of(p[i]), p[i]))
				slab_free_slow(class_to_cache(off_of(p[i])),
					       p[i]);
		}
	}
	return NULL;
}

Test(vfork, beside_threads_that_allocate, .timeout = 60)
{
	pthread_t t[3];

	for (uintptr_t i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, user, (void *)(i * 1000 + 1));
	for (int i = 0; i < 200; i++) {
		pid_t pid = vfork();

		if (!pid) {
			for (int j = 0; j < 20; j++) {
				u64 *q = kmalloc(64);

				*q = 0x1234;
				slab_free_slow(class_to_cache(off_of(q)), q);
			}
			_exit(0);
		}
		cr_assert_eq(status_of(pid), 0);
	}
	WRITE_ONCE(stop, 1);
	for (u32 i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	cr_assert_eq(wrong, 0);
	cr_assert(zone_is_valid(&zone_normal));
}
