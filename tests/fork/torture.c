/*
 * torture.c - fork in every manner while every part of the library is busy.
 *
 *	torture [-T SECONDS] [-s SEED] [-w WORKERS] [-f FORKERS] [-m] [-q]
 *
 * Workers allocate, resize and free by every API in slots that all threads
 * share; forkers make children meanwhile, by fork(), vfork(), posix_spawn(),
 * system(), popen(), _Fork() and bare clone(), on the stack of a thread or of
 * alloc_thread_create(), inside an RCU reader and outside; and handlers of
 * signals that arrive anywhere in a worker fork, or keep it there a while.
 *
 * A slot is claimed by a compare-and-exchange and given back by a release.  The
 * child is a copy of one moment (the kernel lets no thread write to a page of
 * the parent that it has already copied, until the fork is over).  So:
 *   T1. a slot that is FULL in the child holds a block with the bytes that
 *	 it was stamped with, which the child may resize and free;
 *   T2. a slot that is BUSY belonged to a thread that is gone: its block is
 *	 lost to the child;
 *   T3. all invariants of the library's structures hold in the child at once
 *	 (`walk()`), and again when it has freed all and allocated anew, with
 *	 threads of its own or without;
 *   T4. two blocks never overlap: each keeps its stamp while others are
 *	 written;
 *   T5. at the end, no object of the parent's caches is in use, and no more
 *	 bytes than at the beginning, but for what libc keeps of its threads.
 *
 * What POSIX promises to a child of a process with threads is that it may
 * call functions that are async-signal-safe.  The children of fork() here do
 * what they like: pthread_atfork() handlers make the library whole for them.
 * Three kinds of children have no such handlers run, or not in a place where
 * all locks can be had:
 *   - _Fork() and bare clone(): the child reads the blocks, makes system calls
 *	 and ends or executes; it does not allocate.
 *   - fork() in a handler: the parent never hangs, whatever was interrupted,
 *	 and the child may use malloc() and free() without hanging, too.  If a
 *	 lock could not be had (fork.c), a request may be refused.
 *
 * With -m requests may be refused.  With -q it spares qemu-user: no child makes
 * threads, and one of vfork(), which is a copy there, does not allocate.
 *
 * Nothing here waits for ever unless the library does; tests/fork/run ends it
 * then, and prints where every thread stands.
 */
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>

#include "torture.h"
#include "liballoc/thread.h"
#include "sys/internal.h"

#define MAX_THREADS	32
#define SLACK		16384	/* libc keeps more or fewer threads, T5 */

u64 seed;
static u64 deadline_ns;
const char *whose = "parent";
bool may_refuse, emulated;
u64 *counts;

static const char *const count_names[NR_COUNTS] = {
	"forks", "of children", "in handlers", "that interrupted a lock",
	"torn", "holders kept", "vforks", "spawns", "shells", "raw",
	"on own stacks", "in readers", "with threads", "operations", "refused",
};

void fail(const char *what, const void *p, size_t n)
{
	char line[200];
	int len = snprintf(line, sizeof(line),
			   "torture: %s %d: %s: %p, %zu, errno %d\n",
			   whose, (int)getpid(), what, p, n, errno);

	if (write(2, line, (size_t)len) != len)
		_exit(4);
	abort();
}

static bool time_is_up(void)
{
	return clock_ns() > deadline_ns;
}

/* --- threads --- */

static void *worker(void *arg)
{
	u64 state = mix(seed ^ (uintptr_t)arg);

	handlers_allow(SIG_UNBLOCK);
	while (!time_is_up()) {
		ops(&state, 16);
		__atomic_fetch_add(&counts[OPS], 16, __ATOMIC_RELAXED);
	}
	handlers_allow(SIG_BLOCK);
	return NULL;
}

static void *fork_on_stack(void *arg)
{
	fork_one(arg, 0);
	return NULL;
}

/* A thread of the library's stacks is made, forks and ends. */
static void own_stack_one(u64 *state)
{
	void *stack = alloc_thread_stack(256 << 10, 0);
	u64 own = next(state);
	pthread_t t;

	if (!stack)
		return;
	count(OWN_STACK);
	if (!alloc_thread_create(&t, stack, fork_on_stack, &own))
		pthread_join(t, NULL);
	else if (!may_refuse)
		fail("alloc_thread_create()", stack, 0);
	alloc_thread_stack_free(stack);
}

static void *forker(void *arg)
{
	u64 state = mix(seed ^ (uintptr_t)arg);

	while (!time_is_up()) {
		u64 w = next(&state);

		switch (w & 15) {
		case 0: case 1:
			vfork_one(&state);
			break;
		case 2:
			spawn_one();
			break;
		case 3:
			shell_one(w >> 8);
			break;
		case 4: case 5:
			raw_one(w >> 8);
			break;
		case 6: case 7:
			own_stack_one(&state);
			break;
		default:
			fork_one(&state, 0);
		}
	}
	return NULL;
}

static void run(u32 workers, u32 forkers, double seconds)
{
	pthread_t t[2 * MAX_THREADS];
	u64 state = mix(seed);

	deadline_ns = clock_ns() + (u64)(seconds * 1e9);
	for (uintptr_t i = 0; i < workers + forkers; i++)
		if (pthread_create(&t[i], NULL, i < workers ? worker : forker,
				   (void *)(i + 1)))
			fail("pthread_create()", NULL, i);
	while (workers && !time_is_up()) {
		usleep(200 + next(&state) % 1000);
		pthread_kill(t[next(&state) % workers],
			     next(&state) % 16 ? SIGUSR2 : SIGUSR1);
		handlers_reap(false);
	}
	for (u32 i = 0; i < workers + forkers; i++)
		pthread_join(t[i], NULL);
	handlers_reap(true);
	check_all();
	walk_in_child();
	put_all(&state);
	walk_in_child();
}

/* Two nodes, on whatever machine: tests/fork/run has made such a tree. */
void __real_sys_numa_init(const char *root);
void __wrap_sys_numa_init(const char *root);

void __wrap_sys_numa_init(const char *root)
{
	const char *tree = getenv("FORK_NODES");

	__real_sys_numa_init(tree ? tree : root);
}

int main(int argc, char **argv)
{
	u32 workers = 4, forkers = 2;
	double seconds = 2;
	size_t over;
	long before;
	int opt;

	seed = (u64)time(NULL);
	while ((opt = getopt(argc, argv, "T:s:w:f:mq")) != -1) {
		switch (opt) {
		case 'T':
			seconds = strtod(optarg, NULL);
			break;
		case 's':
			seed = strtoul(optarg, NULL, 0);
			break;
		case 'w':
			workers = min((u32)strtoul(optarg, NULL, 0),
				      (u32)MAX_THREADS);
			break;
		case 'f':
			forkers = min((u32)strtoul(optarg, NULL, 0),
				      (u32)MAX_THREADS);
			break;
		case 'm':
			may_refuse = true;
			break;
		case 'q':
			emulated = true;
			break;
		default:
			fprintf(stderr, "usage: torture [-T SECONDS] [-s SEED] "
				"[-w WORKERS] [-f FORKERS] [-m] [-q]\n");
			return 2;
		}
	}
	setvbuf(stdout, NULL, _IONBF, 0);
	counts = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counts == MAP_FAILED)
		return 3;
	handlers_install();
	make_all();
	/* What libc keeps of its first threads and shells comes before. */
	run(workers, forkers, 0.3);
	before = heap_bytes_in_use();
	run(workers, forkers, seconds);
	over = heap_bytes_over(before);
	if (over > SLACK)
		fail("more bytes are in use than before", NULL, over);
	caches_are_empty();
	destroy_all();
	walk_in_child();
	printf("torture: seed %lu:", (unsigned long)seed);
	for (u32 i = 0; i < NR_COUNTS; i++)
		printf(" %lu %s%s", (unsigned long)counts[i], count_names[i],
		       i + 1 < NR_COUNTS ? "," : "\n");
	return 0;
}
