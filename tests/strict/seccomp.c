/*
 * seccomp.c - a filter that kills for every call that start-up needs and
 * life does not: files, limits, names, the machine's size.
 *
 *   seccomp		the heap grows, shrinks and idles under the filter
 *   seccomp FILE	opens a file under it: must be killed by SIGSYS
 *
 * Unlike the list of what is allowed in tests/conformance, this one lets
 * threads start: what the library does in a thread of its own is seen, too.
 */
#include "../conformance/helpers/helper.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static const int deadly[] = {
#ifdef SYS_open
	SYS_open, SYS_access, SYS_readlink, SYS_stat, SYS_getrlimit,
#endif
	SYS_openat, SYS_faccessat, SYS_readlinkat, SYS_prctl, SYS_prlimit64,
	SYS_sysinfo, SYS_uname, SYS_sched_getaffinity, SYS_sched_setaffinity,
	SYS_mbind, SYS_set_mempolicy, SYS_get_mempolicy, SYS_getcpu,
	SYS_getdents64, SYS_socket, SYS_ioctl, SYS_getuid, SYS_setpriority,
};

static void filter(void)
{
	struct sock_filter code[2 * ARRAY_SIZE(deadly) + 2];
	struct sock_fprog prog = { .filter = code };
	unsigned short n = 0;

	code[n++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < ARRAY_SIZE(deadly); i++) {
		code[n++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, deadly[i], 0, 1);
		code[n++] = (struct sock_filter)BPF_STMT(
			BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	}
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
						 SECCOMP_RET_ALLOW);
	prog.len = n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog))
		SKIP("seccomp: errno %d", errno);
}

static void *thread(void *arg)
{
	churn(20000, (uintptr_t)arg);
	return NULL;
}

static void grow_and_shrink(size_t size, size_t bytes)
{
	void **all = NULL;

	for (size_t n = 0; n < bytes / size; n++) {
		void **p = malloc(size);

		REQUIRE(p);
		memset(p, 1, size);
		*p = all;
		all = p;
	}
	while (all) {
		void **next = *all;

		free(all);
		all = next;
	}
}

static void life(void)
{
	pthread_t t[4];

	for (int round = 0; round < 3; round++) {
		grow_and_shrink(100, 40 * MIB);
		grow_and_shrink(2000, 40 * MIB);
		grow_and_shrink(100000, 80 * MIB);
		grow_and_shrink(5 * MIB, 200 * MIB);
		free(realloc(realloc(malloc(MIB), 80 * MIB), 3 * MIB));
		free(aligned_alloc(2 * MIB, 8 * MIB));
		for (uintptr_t i = 0; i < ARRAY_SIZE(t); i++)
			REQUIRE(!pthread_create(&t[i], NULL, thread,
						(void *)i));
		for (size_t i = 0; i < ARRAY_SIZE(t); i++)
			pthread_join(t[i], NULL);
		REQUIRE(!malloc((size_t)1 << 60));
		/* Idle memory goes back, by whoever does that. */
		usleep(400000);
		churn(2000, 3);
		mallinfo2();
		malloc_trim(0);
	}
}

int main(int argc, char **argv)
{
	pid_t pid;

	alarm(60);
	free(malloc(100));
	filter();
	if (argc > 1)
		return open(argv[1], O_RDONLY) < 0;
	life();
	pid = fork();
	if (!pid) {
		churn(20000, 5);
		grow_and_shrink(100, 40 * MIB);
		usleep(200000);
		malloc_trim(0);
		_exit(0);
	}
	wait_for(pid);
	return 0;
}
