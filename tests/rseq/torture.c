/*
 * torture.c - every instruction of every restartable sequence, interrupted.
 *
 *   torture VICTIM [TABLE]
 *
 * A tracer.  It finds the critical sections of the library in memory, from
 * the descriptors in its section __rseq_cs; it learns the instructions of
 * each by walking through it once; then it stops the victim on each of them,
 * does to it what it must survive, and lets it go on.
 *
 * How it knows what it claims:
 *   K1. Instructions: the walk single-steps from start_ip to the end, after
 *	 clearing rseq_cs in the victim's struct rseq, as otherwise the kernel
 *	 restarts the section at each stop.  Only a walk that ends right behind
 *	 the commit counts, so it went over each instruction of the section
 *	 (forward jumps of a section all leave it); gaps of more than 15 bytes
 *	 would be instructions not seen, and fail.
 *   K2. Hits: a breakpoint (int3) lies on that one instruction; the victim's
 *	 program counter right behind it is the evidence.
 *   K3. Aborts: before the victim goes on, a breakpoint is put on abort_ip.
 *	 It has to be reached before the driver's next operation is counted.
 *	 With STEP, one single step has to end where the abort handler jumps.
 *   K4. At the address behind the commit the same must not abort: what was
 *	 committed is done.
 *   K5. Objects: oracle.h, in the victim, of all its threads; when a driver
 *	 is done all is freed, and mallinfo2() must report as much in use as
 *	 before, so nothing was lost either.
 *   K6. The meddler worked on the same sheaf: it tells under which index it
 *	 ran, the victim's is read from its struct rseq.
 *   K7. The section begins where it must (R2): the instruction right before
 *	 it stores to rseq_cs.  So nothing before start_ip needs a look.
 *   K8. Some instruction inside reads from struct rseq by %fs (R3): were the
 *	 index read before, an interrupt in between would be no abort.
 *
 * The victim runs in several configurations, as not every section is used in
 * each; a section that no driver reaches is a failure.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "victim.h"

#ifndef AT_RSEQ_FEATURE_SIZE
#define AT_RSEQ_FEATURE_SIZE 27
#endif

#ifndef __x86_64__

int main(void)
{
	puts("torture: skipped, single-steps x86-64 only");
	return 0;
}

#else

enum {
	MAX_SECTIONS = 256,
	MAX_INSNS = 48,
	MAX_WALK = 4096,
	TRIES = 25,		/* to reach an instruction */
	WARM_UP = 16,		/* runs before a driver is looked at */
	ROUNDS = 8,		/* runs in which it is */
	/* Instructions of a run, at the most; hardened realloc() has 57000 to
	   65000, as each call takes a batch from the slabs and puts it back. */
	OPS_STEPPED = 100000,
	RSEQ_CPU_ID = 4, RSEQ_CS = 8, RSEQ_MM_CID = 24,
};

/* What happens to the victim while it is stopped. */
enum action {
	STOP,		/* nothing else: it was scheduled away */
	STEP,		/* goes on by a single step */
	SWAP, STEAL, GIVE, TRIM,	/* the meddler, on its CPU */
	MOVE,		/* to another CPU, and SWAP on the one it left */
	MASK,		/* its CPU is taken from its mask, and SWAP there */
	SIGNAL,		/* whose handler allocates and frees */
	NR_ACTIONS
};

static const char *const action_names[] = {
	"stop", "step", "swap", "steal", "give", "trim", "move", "mask",
	"signal",
};

struct count {
	unsigned int stops, aborts, shared;
	unsigned int by[NR_ACTIONS];
};

struct section {
	uint64_t start, len, abort;	/* addresses in the file */
	char name[56];
	unsigned int nr;		/* instructions */
	unsigned int off[MAX_INSNS + 1];
	struct count count[MAX_INSNS + 1];	/* the last: behind the commit */
	int config, driver;		/* that reach it, or -1 */
	unsigned int walks;		/* by the driver that discovers */
};

static struct section sections[MAX_SECTIONS];
static unsigned int nr_sections;

static const struct config {
	const char *name, *options;
	bool no_cid;		/* a kernel before 6.3 */
	bool locks;		/* drivers under a lock, for what is left */
} configs[] = {
	{ "default", "kswapd=0", false, false },
	{ "traced", "kswapd=0,trace=", false, false },
	{ "cpu_id", "kswapd=0", true, false },
	{ "hardened", "kswapd=0,hardened=1", false, false },
	{ "limited", "kswapd=0,limit=4m", false, false },
	{ "locked", "kswapd=0", false, true },
};

static struct shared *sh;
static int sh_fd, mem_fd = -1;
static pid_t victim;
static const char *victim_path;
static char scratch[256];
static uint64_t base;
static int cpus[2], nr_cpus, home;	/* home: index of the victim's CPU */
static const char *doing = "starting";
static unsigned long nr_stops, nr_aborts, nr_missed, nr_shared, nr_meddled;
static double deadline;

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void clean_up(void)
{
	char *end = strrchr(scratch, '/');

	if (!end)
		return;
	unlink(scratch);
	*end = '\0';
	rmdir(scratch);
}

static void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "torture: %s: ", doing);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	if (victim > 0)
		kill(victim, SIGKILL);
	clean_up();
	exit(1);
}

/* --- the library's file --- */

static char *file;

static const Elf64_Shdr *shdr(unsigned int i)
{
	const Elf64_Ehdr *eh = (const void *)file;

	return (const void *)(file + eh->e_shoff + i * eh->e_shentsize);
}

static const Elf64_Shdr *shdr_named(const char *name)
{
	const Elf64_Ehdr *eh = (const void *)file;
	const char *names = file + shdr(eh->e_shstrndx)->sh_offset;

	for (unsigned int i = 0; i < eh->e_shnum; i++)
		if (!strcmp(names + shdr(i)->sh_name, name))
			return shdr(i);
	return NULL;
}

static const char *symbol_of(uint64_t addr)
{
	const Elf64_Shdr *tab = shdr_named(".symtab");
	const Elf64_Sym *sym, *best = NULL;

	if (!tab)
		return "?";
	sym = (const void *)(file + tab->sh_offset);
	for (size_t i = 0; i < tab->sh_size / sizeof(*sym); i++, sym++)
		if (ELF64_ST_TYPE(sym->st_info) == STT_FUNC &&
		    sym->st_value <= addr &&
		    addr < sym->st_value + sym->st_size)
			best = sym;
	return best ? file + shdr(tab->sh_link)->sh_offset + best->st_name :
		      "?";
}

/* --- the victim's memory --- */

static void peek(uint64_t addr, void *buf, size_t n)
{
	if (pread(mem_fd, buf, n, (off_t)addr) != (ssize_t)n)
		die("cannot read %#lx: %s", addr, strerror(errno));
}

static void poke(uint64_t addr, const void *buf, size_t n)
{
	if (pwrite(mem_fd, buf, n, (off_t)addr) != (ssize_t)n)
		die("cannot write %#lx: %s", addr, strerror(errno));
}

static unsigned char arm(uint64_t addr)
{
	unsigned char old, int3 = 0xcc;

	peek(addr, &old, 1);
	if (old == int3)
		die("two breakpoints on %#lx", addr - base);
	poke(addr, &int3, 1);
	return old;
}

/* K7: movq %reg, %fs:RSEQ_CS(%reg), of 5 bytes, or 6 if the base is r12. */
static bool entered_by_store(uint64_t start)
{
	unsigned char b[6];

	peek(start - 6, b, 6);
	return b[5] == RSEQ_CS && ((b[1] == 0x64 && b[3] == 0x89) ||
				   (b[0] == 0x64 && b[2] == 0x89));
}

static void find_sections(void)
{
	const Elf64_Shdr *cs;
	struct stat st;
	int fd = open(sh->lib_path, O_RDONLY);

	if (fd < 0 || fstat(fd, &st) < 0)
		die("%s: %s", sh->lib_path, strerror(errno));
	file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (file == MAP_FAILED)
		die("%s: %s", sh->lib_path, strerror(errno));
	cs = shdr_named("__rseq_cs");
	if (!cs || !cs->sh_size)
		die("%s has no __rseq_cs", sh->lib_path);
	for (uint64_t at = 0; at < cs->sh_size; at += 32) {
		struct {
			uint32_t version, flags;
			uint64_t start, len, abort;
		} d;
		struct section *s = &sections[nr_sections++];
		int twins = 0;

		if (nr_sections > MAX_SECTIONS)
			die("more than %d sections", MAX_SECTIONS);
		/* From memory: there they are relocated. */
		peek(base + cs->sh_addr + at, &d, sizeof(d));
		*s = (struct section){ .start = d.start - base, .len = d.len,
				       .abort = d.abort - base, .config = -1 };
		snprintf(s->name, sizeof(s->name) - 6, "%s",
			 symbol_of(s->start));
		if (!entered_by_store(d.start))
			die("%s: no store to rseq_cs right before it", s->name);
		for (struct section *t = sections; t < s; t++)
			twins += !strcmp(symbol_of(t->start),
					 symbol_of(s->start));
		if (twins)
			sprintf(s->name + strlen(s->name), "/%d", twins + 1);
	}
}

/* --- the victim's life --- */

static struct user_regs_struct regs(void)
{
	struct user_regs_struct r;

	if (ptrace(PTRACE_GETREGS, victim, NULL, &r) < 0)
		die("PTRACE_GETREGS: %s", strerror(errno));
	return r;
}

static void set_ip(uint64_t ip)
{
	struct user_regs_struct r = regs();

	r.rip = ip;
	/* Or the kernel takes the stop for an interrupted system call. */
	r.orig_rax = (unsigned long long)-1;
	if (ptrace(PTRACE_SETREGS, victim, NULL, &r) < 0)
		die("PTRACE_SETREGS: %s", strerror(errno));
}

/* Goes on; at its next SIGTRAP, returns the program counter. */
static uint64_t go(enum __ptrace_request how, int sig)
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
static bool is_idle(uint64_t ip)
{
	unsigned char insn;

	if (!atomic_load(&sh->idle) || (ip >= base && ip < base + (64 << 20)))
		return false;
	peek(ip - 1, &insn, 1);
	return insn == 0xcc;
}

/* It is idle; told to do @cmd it goes on, up to its next stop. */
static uint64_t command(enum command cmd, unsigned int driver)
{
	atomic_store(&sh->command, cmd);
	atomic_store(&sh->driver, driver);
	return go(PTRACE_CONT, 0);
}

static void command_whole(enum command cmd, unsigned int driver)
{
	uint64_t ip = command(cmd, driver);

	if (!is_idle(ip))
		die("unexpected stop at %#lx", ip - base);
}

static void pin(pid_t pid, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(pid, sizeof(set), &set) < 0)
		die("sched_setaffinity: %s", strerror(errno));
}

static void meddle(enum meddle what, int cpu)
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
static bool start(const struct config *c)
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

static void stop(void)
{
	atomic_store(&sh->command, CMD_EXIT);
	ptrace(PTRACE_CONT, victim, NULL, 0);
	waitpid(victim, NULL, __WALL);
	victim = 0;
}

/* --- K1: which instructions there are, and who gets to them --- */

static int by_number(const void *a, const void *b)
{
	return (int)*(const unsigned int *)a - (int)*(const unsigned int *)b;
}

static void add_insn(struct section *s, uint64_t ip)
{
	unsigned int off = (unsigned int)(ip - base - s->start);

	for (unsigned int i = 0; i < s->nr; i++)
		if (s->off[i] == off)
			return;
	if (s->nr == MAX_INSNS)
		die("%s: more than %d instructions", s->name, MAX_INSNS);
	s->off[s->nr++] = off;
}

/* K8: only the index is read by %fs inside. */
static bool reads_index(const struct section *s)
{
	unsigned char prefix;

	for (unsigned int i = 0; i < s->nr; i++) {
		peek(base + s->start + s->off[i], &prefix, 1);
		if (prefix == 0x64)
			return true;
	}
	return false;
}

/* Stopped at start_ip: true if it went over all of it up to the commit. */
static bool walk(struct section *s)
{
	uint64_t ip = base + s->start, none = 0;

	s->nr = 0;
	poke(sh->rseq_area + RSEQ_CS, &none, 8);
	for (int n = 0; ip - base - s->start < s->len; n++) {
		if (n == MAX_WALK)
			die("%s does not end", s->name);
		add_insn(s, ip);
		ip = go(PTRACE_SINGLESTEP, 0);
	}
	if (ip != base + s->start + s->len)
		return false;
	qsort(s->off, s->nr, sizeof(s->off[0]), by_number);
	s->off[s->nr] = (unsigned int)s->len;
	for (unsigned int i = 0; i < s->nr; i++)
		if (s->off[i + 1] - s->off[i] > 15)
			die("%s+%u: instructions were jumped over", s->name,
			    s->off[i]);
	if (!reads_index(s))
		die("%s: the index is not read inside", s->name);
	return true;
}

/*
 * Which sections nobody has reached yet does this driver go through?  The one
 * that runs with a lock held is for those that say so: others come by it only
 * while a sheaf grows, which then happens to be now.
 */
static void discover(int config, unsigned int driver)
{
	unsigned char old[MAX_SECTIONS];
	bool armed[MAX_SECTIONS] = { false };
	uint64_t ip;

	for (unsigned int i = 0; i < nr_sections; i++)
		sections[i].walks = 0;
	for (int round = 0; round < ROUNDS; round++) {
		for (unsigned int i = 0; i < nr_sections; i++)
			if (sections[i].config < 0 && !armed[i] &&
			    (sh->driver_locks[driver] ||
			     strcmp(sections[i].name, "local_store"))) {
				old[i] = arm(base + sections[i].start);
				armed[i] = true;
			}
		ip = command(CMD_RUN, driver);
		while (!is_idle(ip)) {
			struct section *s = sections;

			while (s < sections + nr_sections &&
			       base + s->start != ip - 1)
				s++;
			if (s == sections + nr_sections)
				die("unexpected stop at %#lx", ip - base);
			poke(ip - 1, &old[s - sections], 1);
			set_ip(ip - 1);
			/* Not again in this round: once by chance is not it. */
			armed[s - sections] = false;
			if (walk(s) && ++s->walks >= ROUNDS / 2) {
				s->config = config;
				s->driver = (int)driver;
			}
			ip = go(PTRACE_CONT, 0);
		}
	}
	for (unsigned int i = 0; i < nr_sections; i++)
		if (armed[i])
			poke(base + sections[i].start, &old[i], 1);
}

/* --- K2 to K4, K6 --- */

/* Stopped inside a section: may the meddler have run under its index? */
static void meddle_beside(struct count *c, enum meddle what)
{
	uint32_t cpu, cid;

	peek(sh->rseq_area + RSEQ_CPU_ID, &cpu, 4);
	peek(sh->rseq_area + RSEQ_MM_CID, &cid, 4);
	meddle(what, (int)cpu);
	nr_meddled++;
	if (atomic_load(&sh->seen_cpu) == cpu &&
	    atomic_load(&sh->seen_cid) == cid) {
		c->shared++;
		nr_shared++;
	}
}

static void move_away(enum action action)
{
	cpu_set_t set;
	uint32_t cpu;

	home = !home;
	if (action == MOVE) {
		pin(victim, cpus[home]);
		return;
	}
	/* Of all it may use, the one it is on. */
	peek(sh->rseq_area + RSEQ_CPU_ID, &cpu, 4);
	sched_getaffinity(victim, sizeof(set), &set);
	CPU_CLR(cpu, &set);
	if (sched_setaffinity(victim, sizeof(set), &set) < 0)
		die("cannot take CPU %u from its mask: %s", cpu,
		    strerror(errno));
}

static void act(struct count *c, enum action action)
{
	switch (action) {
	case SWAP:
		meddle_beside(c, MEDDLE_SWAP);
		break;
	case STEAL:
		meddle_beside(c, MEDDLE_STEAL);
		break;
	case GIVE:
		meddle_beside(c, MEDDLE_GIVE);
		break;
	case TRIM:
		meddle_beside(c, MEDDLE_TRIM);
		break;
	case MOVE:
	case MASK:
		/* First the index it had, then another takes its CPU. */
		if (!sh->driver_locks[atomic_load(&sh->driver)])
			meddle_beside(c, MEDDLE_SWAP);
		move_away(action);
		break;
	default:
		break;
	}
}

/* Where the abort handler goes: it is one jump. */
static uint64_t abort_target(const struct section *s)
{
	unsigned char insn[5];
	int32_t far;

	peek(base + s->abort, insn, 5);
	if (insn[0] == 0xeb)
		return base + s->abort + 2 + (uint64_t)(int64_t)(int8_t)insn[1];
	if (insn[0] != 0xe9)
		die("%s: its abort handler is no jump", s->name);
	memcpy(&far, insn + 1, 4);
	return base + s->abort + 5 + (uint64_t)(int64_t)far;
}

/* Goes on by one instruction: was it restarted? */
static bool step_aborts(const struct section *s)
{
	uint64_t ip = go(PTRACE_SINGLESTEP, 0);

	return ip == abort_target(s) || ip == base + s->abort;
}

/* The instruction there may lead where the abort handler does: clang's do. */
static bool leads_to_target(const struct section *s, uint64_t at)
{
	return abort_target(s) - at <= 15;
}

/* Goes on, and ends idle: was it restarted before its next operation? */
static bool run_aborts(const struct section *s, int sig)
{
	uint64_t at = base + s->abort, ip;
	unsigned char old = arm(at);
	unsigned int step = atomic_load(&sh->step);
	bool aborted = false, armed = true;

	ip = go(PTRACE_CONT, sig);
	while (!is_idle(ip)) {
		if (!armed || ip - 1 != at)
			die("unexpected stop at %#lx", ip - base);
		poke(at, &old, 1);
		set_ip(at);
		if (atomic_load(&sh->in_handler)) {
			/* One of the handler's own. */
			go(PTRACE_SINGLESTEP, 0);
			arm(at);
		} else {
			aborted = atomic_load(&sh->step) == step;
			armed = false;
		}
		ip = go(PTRACE_CONT, 0);
	}
	if (armed)
		poke(at, &old, 1);
	return aborted;
}

/* False: this run did not come by. */
static bool torture_once(struct section *s, unsigned int i,
			 enum action action)
{
	uint64_t at = base + s->start + s->off[i], ip;
	struct count *c = &s->count[i];
	bool inside = i < s->nr, aborted;
	unsigned int handled = atomic_load(&sh->handled);
	unsigned char old;

	if (action == MASK) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET(cpus[0], &set);
		CPU_SET(cpus[1], &set);
		sched_setaffinity(victim, sizeof(set), &set);
	} else {
		pin(victim, cpus[home]);
	}
	old = arm(at);
	ip = command(CMD_RUN, (unsigned int)s->driver);
	poke(at, &old, 1);
	if (is_idle(ip))
		return false;
	if (ip - 1 != at)
		die("unexpected stop at %#lx", ip - base);
	set_ip(at);
	c->stops++;
	c->by[action]++;
	nr_stops++;
	act(c, action);
	if (inside ? action == STEP : !leads_to_target(s, at)) {
		aborted = step_aborts(s);
		ip = go(PTRACE_CONT, action == SIGNAL ? SIGUSR1 : 0);
		if (!is_idle(ip))
			die("unexpected stop at %#lx", ip - base);
	} else {
		aborted = run_aborts(s, action == SIGNAL ? SIGUSR1 : 0);
	}
	if (action == SIGNAL && atomic_load(&sh->handled) == handled)
		die("the signal was not handled");
	if (aborted != inside)
		die("stopped there, it was %s",
		    aborted ? "aborted after the commit" : "not restarted");
	c->aborts += aborted;
	nr_aborts += aborted;
	return true;
}

static bool applies(const struct section *s, enum action action)
{
	bool locks = sh->driver_locks[s->driver];

	if (action >= SWAP && action <= TRIM)
		return !locks;
	if (action == MOVE || action == MASK)
		return nr_cpus > 1;
	return true;
}

/* A whole run by single steps: restarted each time, it gets on (R6). */
static void step_through(unsigned int driver)
{
	uint64_t ip;
	int n = 0;

	atomic_store(&sh->command, CMD_RUN);
	atomic_store(&sh->driver, driver);
	while (atomic_load(&sh->idle))
		go(PTRACE_SINGLESTEP, 0);
	do {
		if (n++ == OPS_STEPPED)
			die("single-stepped, it does not get on");
		ip = go(PTRACE_SINGLESTEP, 0);
	} while (!is_idle(ip));
}

static void torture_driver(int config, unsigned int driver)
{
	char what[160];
	bool any = false;

	for (struct section *s = sections; s < sections + nr_sections; s++) {
		if (s->config != config || s->driver != (int)driver)
			continue;
		if (!any)
			command_whole(CMD_BASELINE, driver);
		any = true;
		for (unsigned int i = 0; i <= s->nr; i++)
			for (int a = 0; a < NR_ACTIONS; a++) {
				int tries = 0;

				snprintf(what, sizeof(what),
					 "%s, %s, %s+%u, %s",
					 configs[config].name,
					 sh->drivers[driver], s->name,
					 s->off[i], action_names[a]);
				doing = what;
				if (!applies(s, a))
					continue;
				if (seconds() > deadline)
					die("out of time");
				while (!torture_once(s, i, a) &&
				       ++tries < TRIES)
					;
				nr_missed += (unsigned int)tries;
			}
	}
	if (!any)
		return;
	snprintf(what, sizeof(what), "%s, %s", configs[config].name,
		 sh->drivers[driver]);
	doing = what;
	/* Without memory a run is long: all caches are drained, many times. */
	if (!sh->driver_locks[driver] && strcmp(configs[config].name, "limited"))
		step_through(driver);
	if (getenv("TORTURE_VERBOSE"))
		printf("%s: %.1f s left, %lu stops, %lu missed\n", doing,
		       deadline - seconds(), nr_stops, nr_missed);
	command_whole(CMD_FINISH, driver);
	meddle(MEDDLE_DROP, cpus[0]);
	command_whole(CMD_COMPARE, driver);
	if (sh->used != sh->baseline)
		die("%ld bytes were lost", (long)(sh->used - sh->baseline));
}

static void run_config(int config)
{
	static char what[160];

	for (unsigned int d = 0; d < sh->nr_drivers; d++) {
		if (sh->driver_locks[d] != configs[config].locks)
			continue;
		snprintf(what, sizeof(what), "%s, %s, discovery",
			 configs[config].name, sh->drivers[d]);
		doing = what;
		for (int i = 0; i < WARM_UP; i++)
			command_whole(CMD_RUN, d);
		discover(config, d);
		command_whole(CMD_FINISH, d);
	}
	/* Once more before the first: what is made once is made. */
	command_whole(CMD_COMPARE, 0);
	for (unsigned int d = 0; d < sh->nr_drivers; d++)
		torture_driver(config, d);
}

/* --- the report --- */

static void print_table(const char *path)
{
	FILE *f = fopen(path, "w");

	if (!f)
		die("%s: %s", path, strerror(errno));
	fprintf(f, "# section (driver, configuration); offset; stops; aborts; "
		   "meddler under the same index; stops by what followed\n");
	for (struct section *s = sections; s < sections + nr_sections; s++) {
		fprintf(f, "%s (%s, %s)\n", s->name,
			s->config < 0 ? "-" : sh->drivers[s->driver],
			s->config < 0 ? "-" : configs[s->config].name);
		for (unsigned int i = 0; s->config >= 0 && i <= s->nr; i++) {
			const struct count *c = &s->count[i];

			fprintf(f, "  +%-3u %4u %4u %4u ", s->off[i], c->stops,
				c->aborts, c->shared);
			for (int a = 0; a < NR_ACTIONS; a++)
				fprintf(f, " %s=%u", action_names[a], c->by[a]);
			fprintf(f, "%s\n", i == s->nr ? " (committed)" : "");
		}
	}
	fclose(f);
}

static int verdict(void)
{
	unsigned int insns = 0, bad = 0;

	for (struct section *s = sections; s < sections + nr_sections; s++) {
		if (s->config < 0) {
			printf("not ok - %s at %#lx: no driver reaches it\n",
			       s->name, s->start);
			bad++;
			continue;
		}
		insns += s->nr;
		for (unsigned int i = 0; i <= s->nr; i++) {
			const struct count *c = &s->count[i];
			bool ok = c->stops && (i == s->nr ? !c->aborts :
					       c->aborts == c->stops);

			for (int a = 0; a < NR_ACTIONS; a++)
				if (!c->by[a] && (nr_cpus > 1 ||
				    (a != MOVE && a != MASK)) &&
				    !(a >= SWAP && a <= TRIM &&
				      sh->driver_locks[s->driver]))
					ok = false;
			if (!ok) {
				printf("not ok - %s+%u: %u stops, %u aborts, "
				       "or an action missing\n", s->name,
				       s->off[i], c->stops, c->aborts);
				bad++;
			}
		}
	}
	printf("torture: %u sections, %u instructions: %lu stops, %lu aborts, "
	       "%lu of %lu times the meddler under the same index, "
	       "%lu runs did not come by\n", nr_sections, insns, nr_stops,
	       nr_aborts, nr_shared, nr_meddled, nr_missed);
	if (nr_meddled && !nr_shared) {
		printf("not ok - the meddler never met the victim\n");
		bad++;
	}
	return bad ? 1 : 0;
}

int main(int argc, char **argv)
{
	cpu_set_t set;
	char dir[] = "/tmp/rseq-torture.XXXXXX";

	if (argc < 2) {
		fprintf(stderr, "usage: torture VICTIM [TABLE]\n");
		return 2;
	}
	victim_path = argv[1];
	/* Then the library does without its inlined sections (percpu.c). */
	if (getauxval(AT_RSEQ_FEATURE_SIZE) < RSEQ_MM_CID + 4) {
		puts("torture: skipped, the kernel has no mm_cid");
		return 0;
	}
	if (!access("/sys/devices/system/node/node1", F_OK)) {
		puts("torture: skipped, there are several nodes");
		return 0;
	}
	deadline = seconds() + 300;
	sched_getaffinity(0, sizeof(set), &set);
	for (int i = 0; i < CPU_SETSIZE && nr_cpus < 2; i++)
		if (CPU_ISSET(i, &set))
			cpus[nr_cpus++] = i;
	sh_fd = memfd_create("torture", 0);
	if (sh_fd < 0 || ftruncate(sh_fd, sizeof(*sh)) < 0)
		die("memfd_create: %s", strerror(errno));
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED, sh_fd,
		  0);
	if (sh == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	if (!mkdtemp(dir))
		die("mkdtemp: %s", strerror(errno));
	snprintf(scratch, sizeof(scratch), "%s/trace", dir);
	for (int c = 0; c < (int)(sizeof(configs) / sizeof(configs[0])); c++) {
		doing = configs[c].name;
		if (!start(&configs[c])) {
			clean_up();
			puts("torture: skipped, ptrace is not allowed");
			return 0;
		}
		if (!sh->rseq_area) {
			clean_up();
			puts("torture: skipped, no restartable sequences");
			return 0;
		}
		if (!nr_sections)
			find_sections();
		run_config(c);
		if (c + 1 < (int)(sizeof(configs) / sizeof(configs[0])))
			stop();
	}
	if (argc > 2)
		print_table(argv[2]);
	stop();
	clean_up();
	return verdict();
}

#endif
