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
 */#include <stdarg.h>
#include <sys/auxv.h>
#include <sys/user.h>
#include <time.h>

#include "torture.h"

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

static const char *const action_names[] = {
	"stop", "step", "swap", "steal", "give", "trim", "move", "mask",
	"signal",
};

static const struct config configs[] = {
	{ "default", "kswapd=0", false, false },
	{ "traced", "kswapd=0,trace=", false, false },
	{ "cpu_id", "kswapd=0", true, false },
	{ "hardened", "kswapd=0,hardened=1", false, false },
	{ "limited", "kswapd=0,limit=4m", false, false },
	{ "locked", "kswapd=0", false, true },
};

struct shared *sh;
int sh_fd;
pid_t victim;
const char *victim_path;
char scratch[256];
int cpus[2], nr_cpus, home;
static const char *doing = "starting";
static unsigned long nr_stops, nr_aborts, nr_missed, nr_shared, nr_meddled;
double deadline;
double seconds(void)
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

void die(const char *fmt, ...)
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

/* Which sections nobody has reached yet does this driver go through? */
/*
 * With a lock held, a stopped victim stops the meddler: so such a section is for
 * the drivers that say so, and no other's, which may come by while a sheaf grows.
 */
static bool is_wanted(const struct section *s, int config)
{
	return s->config < 0 && (!s->locked || configs[config].locks);
}

static void discover(int config, unsigned int driver)
{
	unsigned char old[MAX_SECTIONS];
	bool armed[MAX_SECTIONS] = { false };
	uint64_t ip;

	for (unsigned int i = 0; i < nr_sections; i++)
		sections[i].walks = 0;
	for (int round = 0; round < ROUNDS; round++) {
		for (unsigned int i = 0; i < nr_sections; i++)
			if (is_wanted(&sections[i], config) && !armed[i]) {
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
	deadline = seconds() + 900;
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
