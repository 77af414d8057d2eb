/*
 * sandbox.c - what a process gives up, the allocator must not need.
 *
 *   closefrom        every descriptor from 3 is closed, the numbers reused
 *   unshare          CLONE_NEWUSER: refused in a process with two threads
 *   unshare-joined   the same some seconds after the last other thread has ended
 *   setuid           to nobody
 *   chroot           to an empty directory
 *   seccomp-deny     a strict filter, the rest fails with EPERM
 *   seccomp-kill     the same, the rest kills
 *   seccomp-threads  threads that start before the filter and work after it
 *   seccomp-idle     the same, idle for a second with the threads and for one
 *                    without
 *
 * Before each, little is allocated; after it, everything: whatever is opened
 * lazily would be opened too late.
 */
#include "helper.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* All sizes, all paths, more than before. */
static void everything(void)
{
	void *p[64];

	churn(30000, 1);
	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = malloc(100 + i * 60000);
		REQUIRE(p[i]);
		((volatile char *)p[i])[i * 60000] = 1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = realloc(p[i], 5000 + i * 90000);
		REQUIRE(p[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		free(p[i]);
	malloc_trim(0);
	REQUIRE(!malloc((size_t)1 << 60));
	churn(30000, 2);
}

static void *churn_thread(void *arg)
{
	churn(20000, (uintptr_t)arg);
	return NULL;
}

static void closes(void)
{
	char dir[] = "/tmp/liballoc-test-XXXXXX", path[64], byte;
	pthread_t t[4];
	int fds[40];

	churn(5000, 1);
	closefrom(3);
	everything();
	REQUIRE(mkdtemp(dir));
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		snprintf(path, sizeof(path), "%s/%zu", dir, i);
		fds[i] = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
		unlink(path);
	}
	rmdir(dir);
	everything();
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		REQUIRE(!pthread_create(&t[i], NULL, churn_thread, (void *)i));
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		pthread_join(t[i], NULL);
	for (int i = 0; i < 3; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			everything();
			_exit(0);
		}
		wait_for(pid);
	}
	/* The numbers are ours now: still open, still empty. */
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		REQUIRE(fcntl(fds[i], F_GETFD) >= 0);
		REQUIRE(lseek(fds[i], 0, SEEK_CUR) == 0);
		REQUIRE(read(fds[i], &byte, 1) == 0);
	}
}

static void unshares(void)
{
	churn(30000, 1);
	if (unshare(CLONE_NEWUSER)) {
		if (errno == EINVAL)
			FAIL("the process has more than one thread");
		SKIP("unshare: errno %d", errno);
	}
	everything();
}

/* A thread of the allocator's own may see the others out, but for no longer. */
static void unshares_later(void)
{
	pthread_t t;

	REQUIRE(!pthread_create(&t, NULL, churn_thread, (void *)1));
	REQUIRE(!pthread_join(t, NULL));
	for (int i = 0; i < 200 && unshare(CLONE_NEWUSER); i++) {
		if (errno != EINVAL)
			SKIP("unshare: errno %d", errno);
		if (i == 199)
			FAIL("the process has more than one thread");
		usleep(100000);
	}
	everything();
}

static void setuids(void)
{
	struct passwd *pw = getpwnam("nobody");

	if (getuid() || !pw)
		SKIP("not root, or no nobody");
	churn(30000, 1);
	REQUIRE(!setgid(pw->pw_gid));
	REQUIRE(!setuid(pw->pw_uid));
	everything();
}

static void chroots(void)
{
	char dir[] = "/tmp/liballoc-test-XXXXXX";
	pid_t pid;

	if (getuid())
		SKIP("not root");
	REQUIRE(mkdtemp(dir));
	pid = fork();
	if (pid == 0) {
		churn(1000, 1);
		if (chroot(dir) || chdir("/"))
			_exit(77);
		everything();
		_exit(0);
	}
	wait_for(pid);
	rmdir(dir);
}

/* What glibc's malloc, threads that end, and this program need. */
static const int allowed[] = {
	SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_madvise, SYS_brk,
	SYS_futex, SYS_read, SYS_write, SYS_close, SYS_exit, SYS_exit_group,
	SYS_rt_sigreturn, SYS_rt_sigprocmask, SYS_sched_yield, SYS_gettid,
	SYS_getpid, SYS_clock_gettime, SYS_getrandom, SYS_restart_syscall,
	SYS_set_robust_list, SYS_rseq, SYS_nanosleep, SYS_clock_nanosleep,
	SYS_newfstatat, SYS_fstat, SYS_lseek,
	SYS_membarrier, /* of a program with threads: idle, or malloc_trim() */
};

static void filter(unsigned int otherwise)
{
	struct sock_filter code[2 * ARRAY_SIZE(allowed) + 2];
	struct sock_fprog prog = { .filter = code };
	unsigned short n = 0;

	code[n++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++) {
		code[n++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, allowed[i], 0, 1);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
							 SECCOMP_RET_ALLOW);
	}
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, otherwise);
	prog.len = n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		    SECCOMP_FILTER_FLAG_TSYNC, &prog))
		SKIP("seccomp: errno %d", errno);
}

static atomic_bool go;

static void *wait_and_churn(void *arg)
{
	while (!atomic_load(&go))
		usleep(1000);
	churn(30000, (uintptr_t)arg);
	return NULL;
}

static void *wait_and_wait(void *arg)
{
	wait_and_churn(arg);
	while (atomic_load(&go))
		usleep(1000);
	return NULL;
}

static void filtered_idle(void)
{
	pthread_t t[4];

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		REQUIRE(!pthread_create(&t[i], NULL, wait_and_wait,
					(void *)i));
	filter(SECCOMP_RET_KILL_PROCESS);
	atomic_store(&go, true);
	everything();
	usleep(1000000);
	everything();
	atomic_store(&go, false);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		pthread_join(t[i], NULL);
	usleep(1000000);
	everything();
}

static void filtered_threads(void)
{
	pthread_t t[4];

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		REQUIRE(!pthread_create(&t[i], NULL, wait_and_churn,
					(void *)i));
	filter(SECCOMP_RET_KILL_PROCESS);
	atomic_store(&go, true);
	everything();
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		pthread_join(t[i], NULL);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	alarm(300);
	free(malloc(100));
	if (!strcmp(how, "closefrom")) {
		closes();
	} else if (!strcmp(how, "unshare")) {
		unshares();
	} else if (!strcmp(how, "unshare-joined")) {
		unshares_later();
	} else if (!strcmp(how, "setuid")) {
		setuids();
	} else if (!strcmp(how, "chroot")) {
		chroots();
	} else if (!strcmp(how, "seccomp-deny")) {
		filter(SECCOMP_RET_ERRNO | EPERM);
		everything();
	} else if (!strcmp(how, "seccomp-kill")) {
		filter(SECCOMP_RET_KILL_PROCESS);
		everything();
	} else if (!strcmp(how, "seccomp-threads")) {
		filtered_threads();
	} else if (!strcmp(how, "seccomp-idle")) {
		filtered_idle();
	} else {
		FAIL("what?");
	}
	return 0;
}
