/*
 * stack_test.c - T1 to T3: stacks with guards, side by side, that come back
 * warm and trimmed; overflows by name; alternate stacks that do not leak.
 */
#include "unit.h"

#include <setjmp.h>

#include <ucontext.h>

#include "mm/memblock.h"
#include "mm/stack.h"
#include "mm/vmalloc.h"

#define SIZE (256 * KIB)
#define KEPT (16 * KIB)
#define NR   200

static void up(void)
{
	unit_up();
	vmalloc_init();
}

static void fill(char *stack, size_t size)
{
	memset(stack, 0x5a, size);
}

static enum stack_result put(void *stack)
{
	size_t size;

	return stack_free(stack, &size);
}

Test(stack, usable_between_its_guards, .init = up)
{
	char *s = stack_alloc(SIZE - 100, 0);

	cr_assert(s && IS_ALIGNED((uintptr_t)s, sys_page_size()));
	cr_assert_eq(unit_resident(s, SIZE), 0, "untouched");
	fill(s, SIZE);
	unit_faults(s - 1);
	unit_faults(s - 64 * KIB);
	unit_faults(s + SIZE);
	cr_assert(vmalloc_is_valid());
	cr_assert_eq(put(s), STACK_OK);
	cr_assert(vmalloc_is_valid());
}

Test(stack, a_guard_below_the_lowest_of_all, .init = up)
{
	char *s[20];

	for (u32 i = 0; i < 20; i++) {
		s[i] = stack_alloc(16 * KIB, 0);
		fill(s[i], 16 * KIB);
	}
	for (u32 i = 0; i < 20; i++)
		for (size_t off = 4096; off <= 64 * KIB; off += 20 * KIB)
			unit_faults(s[i] - off);
}

Test(stack, freed_ones_serve_again_and_are_trimmed, .init = up)
{
	char *s = stack_alloc(SIZE, 0), *other;

	fill(s, SIZE);
	cr_assert_eq(put(s), STACK_OK);
	cr_assert_leq(unit_resident(s, SIZE), KEPT);
	cr_assert_eq(stacks_idle_pages(), KEPT / PAGE_SIZE);
	other = stack_alloc(SIZE / 2, 0);
	cr_assert_neq(other, s, "another size");
	cr_assert_eq(stack_alloc(SIZE, STACK_ZERO), s);
	for (u32 i = 0; i < SIZE; i++)
		REQUIRE(!s[i]);
	cr_assert_eq(stacks_idle_pages(), 0);
	cr_assert_eq(stat_read(STAT_STACK_ALLOC), 3);
	cr_assert_eq(stat_read(STAT_STACK_WARM), 1);
}

Test(stack, the_cache_has_a_bound, .init = up)
{
	char *s[NR];

	options.stack_cache = 10;
	for (u32 i = 0; i < NR; i++)
		s[i] = stack_alloc(SIZE, 0);
	for (u32 i = 0; i < NR; i++)
		cr_assert_eq(put(s[i]), STACK_OK);
	cr_assert_eq(stacks_idle_pages(), 10 * KEPT / PAGE_SIZE);
	unit_faults(s[0]);
	cr_assert(vmalloc_is_valid());
	/* The youngest comes first. */
	cr_assert_eq(stack_alloc(SIZE, 0), s[NR - 1]);
	cr_assert_eq(stacks_purge(), 9 * KEPT / PAGE_SIZE);
	cr_assert_eq(stacks_idle_pages(), 0);
	unit_faults(s[NR - 2]);
	options.stack_cache = 0;
	cr_assert_eq(put(s[NR - 1]), STACK_OK);
	unit_faults(s[NR - 1]);
	cr_assert(vmalloc_is_valid());
}

Test(stack, reclaim_and_idleness_take_them, .init = up)
{
	void *a = stack_alloc(SIZE, 0), *b = stack_alloc(SIZE, 0);
	u64 now;

	put(a);
	now = sys_clock_ms();
	cr_assert_eq(stacks_purge_idle(now, 1000), 0, "too young");
	cr_assert_eq(stacks_purge_idle(now + 1000, 1000), 4);
	put(b);
	cr_assert_geq(reclaim(SIZE_MAX), 4);
	cr_assert_eq(stacks_idle_pages(), 0);
	cr_assert(vmalloc_is_valid());
}

Test(stack, impossible_sizes, .init = up)
{
	cr_assert_null(stack_alloc(0, 0));
	cr_assert_null(stack_alloc(SIZE_MAX, 0));
	cr_assert_null(stack_alloc(PTRDIFF_MAX, 0));
	cr_assert_null(stack_alloc((size_t)1 << 47, 0));
	cr_assert(vmalloc_is_valid());
}

static size_t nr_maps(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	size_t nr = 0;
	int c;

	while ((c = getc(f)) != EOF)
		nr += c == '\n';
	fclose(f);
	return nr;
}

/* Page tables and mappings are what many stacks cost. */
Test(stack, many_lie_side_by_side, .init = up)
{
	uintptr_t low = UINTPTR_MAX, high = 0;
	size_t before = nr_maps();
	struct vmalloc_info info;

	vmalloc_info(&info);
	for (u32 i = 0; i < NR; i++) {
		uintptr_t s = (uintptr_t)stack_alloc(64 * KIB, 0);

		cr_assert(s);
		low = min(low, s);
		high = max(high, s + 64 * KIB);
	}
	cr_assert_leq(high - low, NR * 132 * KIB);
	cr_assert_leq(nr_maps() - before, 2 * NR + 8);
	cr_assert(vmalloc_is_valid());
}

/* --- misuse --- */

Test(stack, wrong_addresses, .init = up)
{
	char *s = stack_alloc(SIZE, 0), on_mine;
	size_t size = 1;

	cr_assert_eq(stack_free(&on_mine, &size), STACK_NOT_OURS);
	cr_assert_eq(size, 0);
	cr_assert_eq(put(NULL), STACK_NOT_OURS);
	cr_assert_eq(stack_free(s + 4096, &size), STACK_MIDDLE);
	cr_assert_eq(size, SIZE);
	cr_assert_eq(put(s - 1), STACK_MIDDLE);
	cr_assert_eq(vfree(s, &size), VFREE_MIDDLE);
	cr_assert_eq(vfree(s - 64 * KIB, &size), VFREE_WRONG_KIND);
	cr_assert_eq(put(s), STACK_OK);
	cr_assert_eq(put(s), STACK_AGAIN);
	cr_assert_eq(put(s + 16), STACK_AGAIN);
	stacks_purge();
	cr_assert_eq(put(s), STACK_NOT_OURS);
}

/* A handler that interrupted the holder of the lock gets nothing, and frees. */
Test(stack, re_entry, .init = up)
{
	void *s = stack_alloc(SIZE, 0);
	struct stack_info info;

	stack_fork_lock();
	cr_assert_null(stack_alloc(SIZE, 0));
	cr_assert(!stack_set_name(s, "x"));
	cr_assert(stack_find((uintptr_t)s, &info), "takes no lock");
	cr_assert(!info.cached);
	cr_assert_eq(put((char *)s + 4096), STACK_MIDDLE);
	cr_assert_eq(put(s), STACK_OK, "put off");
	cr_assert_eq(put(s), STACK_AGAIN);
	cr_assert(stack_find((uintptr_t)s, &info) && info.cached);
	stack_fork_unlock();
	cr_assert_eq(put(s), STACK_AGAIN);
	cr_assert_eq(stack_alloc(SIZE, 0), s, "it was freed");
	cr_assert_eq(put(s), STACK_OK);
}

/* Nor does one above another lock, for which who has ours may wait. */
Test(stack, re_entry_of_another_lock, .init = up)
{
	void *s = stack_alloc(SIZE, 0), *kept = stack_alloc(SIZE, 0);

	cr_assert(s && kept);
	cr_assert_eq(put(kept), STACK_OK);
	memblock_fork_lock();
	cr_assert_null(stack_alloc(SIZE, 0));
	cr_assert_null(stack_alloc(2 * SIZE, 0));
	cr_assert_eq(put(s), STACK_OK, "put off");
	cr_assert_eq(stacks_purge(), 0);
	cr_assert(sys_altstack() || !stack_enter());
	memblock_fork_unlock();
	cr_assert_eq(put(s), STACK_AGAIN);
	cr_assert_eq(stack_alloc(SIZE, 0), s, "the last one freed");
	cr_assert_eq(stack_alloc(SIZE, 0), kept);
}

/* --- finding --- */

Test(stack, found_by_any_address, .init = up)
{
	char *s = stack_alloc(SIZE, 0), *edge;
	struct stack_info info;

	cr_assert(stack_find((uintptr_t)s, &info));
	cr_assert_eq(info.lo, (uintptr_t)s);
	cr_assert_eq(info.hi, (uintptr_t)s + SIZE);
	cr_assert_str_eq(info.name, "");
	cr_assert(!info.cached);
	cr_assert(stack_find((uintptr_t)s - 64 * KIB, &info));
	cr_assert(stack_find((uintptr_t)s + SIZE + 4095, &info));
	cr_assert(!stack_find((uintptr_t)s - 64 * KIB - 1, &info));
	cr_assert(!stack_find((uintptr_t)s + SIZE + 4096, &info));
	cr_assert(stack_set_name(s, "unit\n\x80 with a name that is too long"));
	stack_find((uintptr_t)s, &info);
	cr_assert_str_eq(info.name, "unit?? with a name that is too ");
	/* A name that ends with what is mapped; one that is not there. */
	edge = (char *)mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) + 4096;
	munmap(edge, 4096);
	memcpy(edge - 4, "abc", 4);
	cr_assert(stack_set_name(s, edge - 4));
	stack_find((uintptr_t)s, &info);
	cr_assert_str_eq(info.name, "abc");
	cr_assert(stack_set_name(s, edge));
	stack_find((uintptr_t)s, &info);
	cr_assert_str_eq(info.name, "");
	put(s);
	cr_assert(!stack_set_name(s, "gone"));
	cr_assert(stack_find((uintptr_t)s, &info) && info.cached);
	stacks_purge();
	cr_assert(!stack_find((uintptr_t)s, &info));
}

/* --- overflow --- */

static __attribute__((noinline)) u64 deep(u64 n)
{
	volatile char frame[200];

	frame[0] = (char)n;
	return n ? deep(n - 1) + (u64)frame[0] : 0;
}

static void *overflow(void *arg)
{
	stack_enter();
	return (void *)deep(1u << 30);
}

static void run_on(void *stack, size_t size, void *(*fn)(void *))
{
	pthread_attr_t attr;
	pthread_t t;

	pthread_attr_init(&attr);
	pthread_attr_setstack(&attr, stack, size);
	pthread_create(&t, &attr, fn, NULL);
	pthread_join(t, NULL);
}

static void thread_overflows(void *arg)
{
	void *s = stack_alloc(SIZE, STACK_REPORT);

	if (arg)
		stack_set_name(s, arg);
	pthread_setname_np(pthread_self(), "unit-main");
	fprintf(stderr, "%p %p\n", s, (void *)((char *)s + SIZE));
	run_on(s, SIZE, overflow);
}

static ucontext_t main_uc, co_uc;

static void co_overflow(void)
{
	deep(1u << 30);
}

static void coroutine_overflows(void *arg)
{
	void *s = stack_alloc(SIZE, STACK_REPORT);

	sys_altstack_set(NULL, 0);
	put(s);
	/* Its creator runs it: that one needs no call of his own. */
	s = stack_alloc(SIZE, STACK_REPORT);
	stack_set_name(s, "coroutine 1");
	fprintf(stderr, "%p %p\n", s, (void *)((char *)s + SIZE));
	getcontext(&co_uc);
	co_uc.uc_stack.ss_sp = s;
	co_uc.uc_stack.ss_size = SIZE;
	co_uc.uc_link = &main_uc;
	makecontext(&co_uc, co_overflow, 0);
	swapcontext(&main_uc, &co_uc);
}

static void check_report(void (*fn)(void *arg), void *arg, const char *owner)
{
	void *lo, *hi, *said_lo, *said_hi, *at;
	char text[2048], name[64] = "";
	int status = unit_child(fn, arg, text, sizeof(text)), tid;
	char *line = strchr(text, '\n') + 1;

	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT,
		  "status %x: %s", status, text);
	cr_assert_eq(sscanf(text, "%p %p", &lo, &hi), 2);
	cr_assert_eq(sscanf(line, "liballoc: stack overflow: owner %63[^(] "
			    "(tid %d), stack [%p, %p), fault at %p cpu ",
			    name, &tid, &said_lo, &said_hi, &at), 5, "%s",
		     text);
	name[strlen(name) - 1] = '\0';
	cr_assert_str_eq(name, owner);
	cr_assert(said_lo == lo && said_hi == hi, "%s", text);
	cr_assert(at < lo && (char *)at >= (char *)lo - 64 * KIB);
	cr_assert_gt(tid, 1);
	cr_assert_eq(strchr(line, '\n'), line + strlen(line) - 1, "one line");
}

Test(stack, overflow_of_a_thread, .init = up)
{
	check_report(thread_overflows, (void *)"worker 3", "worker 3");
	check_report(thread_overflows, NULL, "unit-main");
}

Test(stack, overflow_of_a_coroutine, .init = up)
{
	check_report(coroutine_overflows, NULL, "coroutine 1");
}

/* A stray pointer into a guard is no overflow. */
static void stray(void *arg)
{
	char *s = stack_alloc(SIZE, STACK_REPORT);

	unit_touch(s - 8);
}

static void below_all(void *arg)
{
	char *s = stack_alloc(SIZE, STACK_REPORT);

	unit_touch(s + SIZE);
}

Test(stack, other_faults_stay_what_they_are, .init = up)
{
	unit_dies(stray, NULL, SIGSEGV);
	unit_dies(below_all, NULL, SIGSEGV);
}

/* Not asked for: not installed. */
static void unasked(void *arg)
{
	struct sigaction sa;
	void *s = stack_alloc(SIZE, 0);

	sigaction(SIGSEGV, NULL, &sa);
	if (sa.sa_handler != SIG_DFL || sys_altstack())
		_exit(1);
	run_on(s, SIZE, overflow);
}

Test(stack, without_the_flag_nothing_is_installed, .init = up)
{
	unit_dies(unasked, NULL, SIGSEGV);
}

static sigjmp_buf recovered;

static void recover(int sig, siginfo_t *info, void *context)
{
	siglongjmp(recovered, 1);
}

static void *overflow_and_recover(void *arg)
{
	stack_enter();
	return sigsetjmp(recovered, 1) ? NULL : overflow(NULL);
}

/* The program's handler gets it, whatever others have asked for. */
static void unasked_among_others(void *arg)
{
	struct sigaction sa = { .sa_sigaction = recover,
				.sa_flags = SA_SIGINFO | SA_ONSTACK };
	void *s;

	sigaction(SIGSEGV, &sa, NULL);
	stack_alloc(2 * SIZE, STACK_REPORT);
	s = stack_alloc(SIZE, 0);
	run_on(s, SIZE, overflow_and_recover);
	/* As one that is used again, too, which had asked. */
	s = stack_alloc(3 * SIZE, STACK_REPORT);
	stack_free(s, &(size_t) { 0 });
	if (stack_alloc(3 * SIZE, 0) != s)
		_exit(2);
	run_on(s, 3 * SIZE, overflow_and_recover);
}

Test(stack, without_the_flag_others_get_the_fault, .init = up)
{
	char text[1024];

	cr_assert_eq(unit_child(unasked_among_others, NULL, text, sizeof(text)),
		     0, "%s", text);
}

/* --- alternate stacks --- */

static void *alts[300];
static u32 nr_alts;

static void *enter_and_end(void *arg)
{
	stack_enter();
	alts[nr_alts++] = sys_altstack();
	return NULL;
}

Test(stack, alternate_stacks_of_dead_threads_are_used_again, .init = up)
{
	u32 distinct = 0;
	pthread_t t;

	for (u32 i = 0; i < 300; i++) {
		pthread_create(&t, NULL, enter_and_end, NULL);
		pthread_join(t, NULL);
		cr_assert(alts[i]);
	}
	for (u32 i = 0; i < 300; i++) {
		u32 k = 0;

		while (k < i && alts[k] != alts[i])
			k++;
		distinct += k == i;
	}
	/* A joined thread may exist a moment longer. */
	cr_assert_leq(distinct, 40);
	cr_assert(vmalloc_is_valid());
}

Test(stack, enter_and_leave, .init = up)
{
	static char own[65536];
	void *mem;

	sys_altstack_set(own, sizeof(own));
	cr_assert(stack_enter());
	cr_assert_eq((char *)sys_altstack(), own, "the program's stays");
	stack_leave();
	cr_assert_eq((char *)sys_altstack(), own);
	sys_altstack_set(NULL, 0);
	cr_assert(stack_enter());
	mem = sys_altstack();
	cr_assert(mem);
	cr_assert(stack_enter());
	cr_assert_eq(sys_altstack(), mem);
	stack_leave();
	cr_assert_null(sys_altstack());
	stack_leave();
	cr_assert(stack_enter());
	cr_assert_eq(sys_altstack(), mem, "from the pool");
}

static void *enter(void *arg)
{
	stack_enter();
	return sys_altstack();
}

/* The child's thread goes on with its own under another number. */
static void child(void *arg)
{
	void *mine = sys_altstack(), *other = NULL;
	pthread_t t;

	stack_fork_child();
	pthread_create(&t, NULL, enter, NULL);
	pthread_join(t, &other);
	_exit(!mine || !other || mine == other);
}

Test(stack, fork, .init = up)
{
	char text[256];

	sys_altstack_set(NULL, 0);
	cr_assert(stack_enter());
	cr_assert_eq(unit_child(child, NULL, text, sizeof(text)), 0);
}

/* --- threads --- */

static void *churn(void *arg)
{
	u64 seed = (uintptr_t)arg + 1;
	char *held[8] = { 0 };
	size_t sizes[8];

	for (u32 i = 0; i < 3000; i++) {
		u32 k = (u32)rnd_below(&seed, 8);

		if (held[k]) {
			REQUIRE(held[k][0] == (char)k);
			REQUIRE(held[k][sizes[k] - 1] == (char)k);
			REQUIRE(put(held[k]) == STACK_OK);
			held[k] = NULL;
			continue;
		}
		sizes[k] = (1 + rnd_below(&seed, 4)) * 16 * KIB;
		held[k] = stack_alloc(sizes[k], 0);
		REQUIRE(held[k]);
		held[k][0] = held[k][sizes[k] - 1] = (char)k;
		if (i % 500 == 0)
			stacks_purge();
	}
	for (u32 k = 0; k < 8; k++)
		if (held[k])
			put(held[k]);
	return NULL;
}

Test(stack, threads, .init = up)
{
	pthread_t t[4];

	options.stack_cache = 6;
	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, churn, (void *)i);
	for (u32 i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	cr_assert(vmalloc_is_valid());
	cr_assert_leq(stacks_idle_pages(), 6 * KEPT / PAGE_SIZE);
	stacks_purge();
	cr_assert(vmalloc_is_valid());
}

/* Nor does the kernel give zeros for pages that it must keep. */
Test(stack, zero_where_memory_is_locked, .init = up)
{
	char *s = stack_alloc(SIZE, 0);

	if (mlock(s, SIZE))
		cr_skip_test("mlock: errno %d", errno);
	fill(s, SIZE);
	cr_assert_eq(put(s), STACK_OK);
	cr_assert_eq(stack_alloc(SIZE, STACK_ZERO), s);
	for (u32 i = 0; i < SIZE; i++)
		REQUIRE(!s[i], "%u", i);
}
