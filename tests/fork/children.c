/*
 * children.c - children made in every manner but by a handler, what each does
 * with the heap that it finds, and how it ends.
 *
 * A child of fork() does what it likes: T1 to T4 of torture.c.  One of vfork()
 * allocates in its parent's memory; one of _Fork() or clone() reads.
 */
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "torture.h"

void wait_child(pid_t pid, int want, const char *what)
{
	int status;

	if (pid < 0) {
		if (errno == ENOMEM || errno == EAGAIN)
			return;
		fail(what, NULL, (size_t)pid);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			fail("waitpid()", NULL, (size_t)pid);
	if (status != want)
		fail(what, NULL, (size_t)status);
}

static void *child_thread(void *arg)
{
	u64 state = (u64)(uintptr_t)arg;

	ops(&state, 1500);
	return NULL;
}

static void with_threads(u64 *state)
{
	pthread_t t[3];
	u32 nr = 0;

	count(THREADED);
	for (; nr < ARRAY_SIZE(t); nr++)
		if (pthread_create(&t[nr], NULL, child_thread,
				   (void *)(uintptr_t)next(state)))
			break;
	if (!nr && !may_refuse)
		fail("pthread_create()", NULL, 0);
	fork_one(state, 2);
	ops(state, 200);
	while (nr)
		pthread_join(t[--nr], NULL);
	check_all();
}

static __attribute__((noreturn)) void child(u64 *state, u32 depth)
{
	u64 w = next(state);

	whose = "child";
	walk();
	check_all();
	switch (w & 7) {
	case 0: case 1:
		/* All that it inherited, and as much again. */
		put_all(state);
		alloc_rcu_barrier();
		if (w & 8)
			malloc_trim(0);
		get_all(state);
		check_all();
		walk();
		break;
	case 2: case 3:
		if (!emulated) {
			with_threads(state);
			break;
		}
		__attribute__((fallthrough));
	case 4:
		alloc_synchronize_rcu();
		short_cache(w);
		short_pool();
		short_shrinker();
		alloc_reclaim(SIZE_MAX);
		walk();
		ops(state, 300);
		break;
	default:
		ops(state, 500);
		check_all();
		walk();
	}
	if (depth < 2 && w & 16)
		fork_one(state, depth + 1);
	if (w & 32)
		_exit(0);
	/* As exit() does it, but what stdio holds is the parent's. */
	if (w & 64)
		quick_exit(0);
	exit(0);
}

void fork_one(u64 *state, u32 depth)
{
	bool reader = next(state) % 8 == 0;
	u64 own = next(state);
	pid_t pid;

	if (reader)
		alloc_rcu_read_lock();
	pid = fork();
	if (reader)
		alloc_rcu_read_unlock();
	if (!pid)
		child(&own, depth);
	count(depth ? NESTED : FORKS);
	if (reader)
		count(READERS);
	ops(state, 50);
	wait_child(pid, 0, "a child");
}

/* The child and its parent are one memory: what it leaves is there after. */
void vfork_one(u64 *state)
{
	struct slot *volatile mine = NULL;
	volatile u64 w = next(state);
	pid_t pid;

	for (u32 i = 0; i < 50 && !mine; i++) {
		struct slot *s = &slots[next(state) % NR_SLOTS];

		if (claim(s, EMPTY))
			mine = s;
	}
	if (mine)
		mine->p = NULL;
	pid = vfork();
	if (!pid) {
		if (mine && w & 1 && !emulated &&
		    (mine->p = malloc(w >> 8 & 1023))) {
			mine->kind = LIBC;
			mine->size = w >> 8 & 1023;
			stamp_slot(mine, (u32)(w >> 32));
		}
		if (w & 2)
			_exit(3);
		execl("/bin/sh", "sh", "-c", "exit 3", NULL);
		_exit(127);
	}
	count(VFORKS);
	if (mine && pid > 0 && w & 1 && mine->p) {
		check(mine);
		settle(mine, FULL);
	} else if (mine) {
		settle(mine, EMPTY);
	}
	wait_child(pid, 3 << 8, "a vfork child");
}

void spawn_one(void)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)"exit 3", NULL };
	extern char **environ;
	pid_t pid = -1;
	int err = posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ);

	count(SPAWNS);
	if (err) {
		errno = err;
		pid = -1;
	}
	wait_child(pid, 3 << 8, "a spawned child");
}

void shell_one(u64 w)
{
	char text[16];
	int status = -1;
	FILE *f;

	count(SHELLS);
	if (w & 1) {
		status = system("exit 3");
	} else if ((f = popen("echo well; exit 3", "r"))) {
		if (!fgets(text, sizeof(text), f) || strcmp(text, "well\n"))
			fail("popen() gives other text", NULL, 0);
		status = pclose(f);
	}
	if (status != 3 << 8 && !may_refuse)
		fail("a shell", NULL, (size_t)status);
}

/* No handlers run: the child does not allocate. */
void raw_one(u64 w)
{
	pid_t pid = w & 1 ? _Fork() :
		    (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (!pid) {
		whose = "raw child";
		check_all();
		if (w & 2)
			execl("/bin/sh", "sh", "-c", "exit 3", NULL);
		_exit(3);
	}
	count(RAW);
	wait_child(pid, 3 << 8, "a child of _Fork() or clone()");
}

void walk_in_child(void)
{
	pid_t pid = fork();

	if (!pid) {
		walk();
		_exit(0);
	}
	wait_child(pid, 0, "the walk");
}
