/*
 * tracee.c - the victim: started under a configuration, told what to do, stopped
 * and let go on, moved about, and meddled with.
 */
#ifdef __x86_64__

#include <linux/futex.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/user.h>

#include "torture.h"

struct user_regs_struct regs(void)
{
	struct user_regs_struct r;

	if (ptrace(PTRACE_GETREGS, victim, NULL, &r) < 0)
		die("PTRACE_GETREGS: %s", strerror(errno));
	return r;
}

void set_ip(uint64_t ip)
{
	struct user_regs_struct r = regs();

	r.rip = ip;
	/* Or the kernel takes the stop for an interrupted system call. */
	r.orig_rax = (unsigned long long)-1;
	if (ptrace(PTRACE_SETREGS, victim, NULL, &r) < 0)
		die("PTRACE_SETREGS: %s", strerror(errno));
}

/* Goes on; at its next SIGTRAP, returns the program counter. */
uint64_t go(enum __ptrace_request how, int sig)
{
	int status;

	if (ptrace(how, victim, NULL, sig) < 0)
		die("ptrace: %s", strerror(errno));
	for (;;) {
		if (waitpid(victim, &status, __WALL) < 0)
			die("waitpid: %s", strerror(errno));
		if (WIFEXITED(status)) {
			victim = 0;
			die("the victim exits with %d", WEXITSTATUS(status));
		}
		if (WIFSIGNALED(status)) {
			victim = 0;
			die("the victim ends by signal %d", WTERMSIG(status));
		}
		if (WSTOPSIG(status) == SIGTRAP)
			return regs().rip;
		if (WSTOPSIG(status) == SIGALRM || WSTOPSIG(status) == SIGUSR1)
			sig = WSTOPSIG(status);
		else
			die("the victim is stopped by signal %d at %s+%#llx",
			    WSTOPSIG(status), symbol_of(regs().rip - base),
			    regs().rip - base);
		if (ptrace(how, victim, NULL, sig) < 0)
			die("ptrace: %s", strerror(errno));
	}
}

/* Behind its own int3, of which the file has one and the library none. */
bool is_idle(uint64_t ip)
{
	unsigned char insn;

	if (!atomic_load(&sh->idle) || (ip >= base && ip < base + (64 << 20)))
		return false;
	peek(ip - 1, &insn, 1);
	return insn == 0xcc;
}

/* It is idle; told to do @cmd it goes on, up to its next stop. */
uint64_t command(enum command cmd, unsigned int driver)
{
	atomic_store(&sh->command, cmd);
	atomic_store(&sh->driver, driver);
	return go(PTRACE_CONT, 0);
}

void command_whole(enum command cmd, unsigned int driver)
{
	uint64_t ip = command(cmd, driver);

	if (!is_idle(ip))
		die("unexpected stop at %#lx", ip - base);
}

void pin(pid_t pid, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(pid, sizeof(set), &set) < 0)
		die("sched_setaffinity: %s", strerror(errno));
}

void meddle(enum meddle what, int cpu)
{
	unsigned int seq = atomic_load(&sh->seq) + 1;
	double end = seconds() + 20;

	atomic_store(&sh->meddle, what);
	atomic_store(&sh->cpu, (unsigned int)cpu);
	atomic_store(&sh->seq, seq);
	syscall(SYS_futex, &sh->seq, FUTEX_WAKE, 1, NULL, NULL, 0);
	while (atomic_load(&sh->done) != seq) {
		struct timespec ts = { 0, 100 * 1000 * 1000 };
		unsigned int done = atomic_load(&sh->done);

		if (done != seq)
			syscall(SYS_futex, &sh->done, FUTEX_WAIT, done, &ts,
				NULL, 0);
		if (seconds() > end)
			die("the meddler waits for the stopped victim");
		if (waitpid(victim, NULL, WNOHANG | __WALL) > 0) {
			victim = 0;
			die("the victim died of its other thread");
		}
	}
}

/* At the stop of exec: what the kernel says of struct rseq, a size of 20. */
static void hide_mm_cid(void)
{
	uint64_t at = regs().rsp, word, size = 20;

	peek(at, &word, 8);
	at += 8 * (word + 2);
	do {
		peek(at, &word, 8);
		at += 8;
	} while (word);
	for (;; at += 16) {
		peek(at, &word, 8);
		if (word == AT_NULL)
			break;
		if (word == AT_RSEQ_FEATURE_SIZE)
			poke(at + 8, &size, 8);
	}
}

/* False: there is no tracing here. */
bool start(const struct config *c)
{
	char fd[16], path[64], options[400];
	int status;

	snprintf(fd, sizeof(fd), "%d", sh_fd);
	snprintf(options, sizeof(options), "LIBALLOC_OPTIONS=%s%s", c->options,
		 strstr(c->options, "trace=") ? scratch : "");
	memset(sh, 0, sizeof(*sh));
	victim = fork();
	if (victim < 0)
		die("fork: %s", strerror(errno));
	if (!victim) {
		char *argv[] = { (char *)victim_path, fd, (char *)c->name,
				 NULL };

		putenv(options);
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(77);
		execv(victim_path, argv);
		_exit(2);
	}
	if (waitpid(victim, &status, 0) < 0 || WIFEXITED(status)) {
		victim = 0;
		if (WEXITSTATUS(status) == 77)
			return false;
		die("cannot run %s", victim_path);
	}
	ptrace(PTRACE_SETOPTIONS, victim, NULL, PTRACE_O_EXITKILL);
	snprintf(path, sizeof(path), "/proc/%d/mem", victim);
	if (mem_fd >= 0)
		close(mem_fd);
	mem_fd = open(path, O_RDWR | O_CLOEXEC);
	if (mem_fd < 0)
		die("%s: %s", path, strerror(errno));
	if (c->no_cid)
		hide_mm_cid();
	home = 0;
	pin(victim, cpus[0]);
	base = 0;
	go(PTRACE_CONT, 0);
	if (!atomic_load(&sh->idle))
		die("no first stop");
	base = sh->lib_base;
	return true;
}

void stop(void)
{
	atomic_store(&sh->command, CMD_EXIT);
	ptrace(PTRACE_CONT, victim, NULL, 0);
	waitpid(victim, NULL, __WALL);
	victim = 0;
}

#endif
