/*
 * unit.h - what the unit tests share.
 *
 * Criterion runs every test in a process of its own, so a test finds the
 * layers as they are before start-up and brings up what it needs, as
 * src/api/init.c does.  The program's own malloc is libc's throughout.
 *
 * REQUIRE() is for loops: unlike cr_assert() it costs nothing when it holds.
 * Threads count what goes wrong and let the main thread say so.
 *
 * A test of a bug that src/ still has is marked KNOWN_BUG: it fails with
 * UNIT_CFLAGS='-O2 -g -DRUN_KNOWN_BUGS' and is skipped without.
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/options.h"
#include "core/stats.h"
#include "lib/bits.h"
#include "lib/compiler.h"
#include "lib/field.h"
#include "mm/page.h"
#include "mm/percpu.h"
#include "mm/zone.h"
#include "slab/kmalloc.h"
#include "sys/internal.h"
#include "sys/sys.h"

#define REQUIRE(cond, ...)						\
	do {								\
		if (unlikely(!(cond))) {				\
			char why_[512];					\
									\
			snprintf(why_, sizeof(why_), " " __VA_ARGS__);	\
			cr_assert_fail("%s%s", #cond, why_);		\
		}							\
	} while (0)

#ifdef RUN_KNOWN_BUGS
#define KNOWN_BUG .disabled = false
#else
#define KNOWN_BUG .disabled = true
#endif

/* xorshift64*: the same numbers in every run. */
static inline u64 rnd(u64 *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 2685821657736338717u;
}

static inline u64 rnd_below(u64 *state, u64 n)
{
	return (rnd(state) >> 11) % n;
}

/* --- the layers --- */

/* As on a machine with the nodes of that tree (make check-unit-nodes). */
static inline void unit_sys_init(void)
{
	const char *root = getenv("UNIT_SYS_ROOT");

	sys_init();
	if (root)
		sys_numa_init(root);
}

/* Of several nodes: what tests say of zones is said of the first one's. */
static inline void unit_stay_on_node_0(void)
{
	cpu_set_t set, all;

	if (sys_nr_nodes() == 1 || sched_getaffinity(0, sizeof(all), &all))
		return;
	CPU_ZERO(&set);
	for (u32 cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all) && !sys_cpu_to_node(cpu))
			CPU_SET(cpu, &set);
	if (CPU_COUNT(&set))
		sched_setaffinity(0, sizeof(set), &set);
}

static inline void unit_up_mode(enum percpu_mode mode)
{
	u32 nr_cpus;

	unit_sys_init();
	unit_stay_on_node_0();
	options.percpu = mode != PERCPU_SLOTS;
	options.reclaim_delay = 3600000;	/* the clock changes nothing */
	zones_init();
	nr_cpus = sys_nr_cpus();
	cr_assert(pagemap_init(nr_cpus));
	cr_assert(percpu_init(nr_cpus));
	if (percpu.mode < mode)
		cr_skip_test("no such restartable sequences here");
	if (mode == PERCPU_CPU) {
		percpu.mode = PERCPU_CPU;
		percpu.idx = RSEQ_OFF_CPU_ID;
	}
	kmalloc_init();
	percpu_hot_enable();
}

/* In the best mode there is. */
static inline void unit_up(void)
{
	struct sys_rseq rseq;

	unit_sys_init();
	sys_rseq_probe(&rseq);
	unit_up_mode(rseq.mm_cid && sys_nr_nodes() == 1 ? PERCPU_CID :
		     rseq.cpu_id ? PERCPU_CPU : PERCPU_SLOTS);
}

/* The same test in all three modes. */
#define TEST_MODES(suite, name, ...)					\
	static void suite##_##name(void);				\
	Test(suite, name##_slots, ##__VA_ARGS__)			\
	{								\
		unit_up_mode(PERCPU_SLOTS);				\
		suite##_##name();					\
	}								\
	Test(suite, name##_cpu, ##__VA_ARGS__)				\
	{								\
		unit_up_mode(PERCPU_CPU);				\
		suite##_##name();					\
	}								\
	Test(suite, name##_cid, ##__VA_ARGS__)				\
	{								\
		unit_up_mode(PERCPU_CID);				\
		suite##_##name();					\
	}								\
	static void suite##_##name(void)

/* Before anybody stays on some of them. */
static cpu_set_t unit_cpus;

static __attribute__((constructor)) void unit_cpus_init(void)
{
	sched_getaffinity(0, sizeof(unit_cpus), &unit_cpus);
}

/*
 * Objects and blocks stay where they are: one CPU for this thread, the @n-th of
 * those that the process has: 0 may be no CPU of it.
 */
static inline void unit_pin(u32 n)
{
	cpu_set_t set;
	u32 cpu = 0;

	n %= max((u32)CPU_COUNT(&unit_cpus), 1u);
	while (cpu < CPU_SETSIZE - 1 && (!CPU_ISSET(cpu, &unit_cpus) || n--))
		cpu++;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static inline u32 unit_nr_online(void)
{
	cpu_set_t set;

	sched_getaffinity(0, sizeof(set), &set);
	return (u32)CPU_COUNT(&set);
}

/* All of /proc/self/maps: one read() gives a page of it. */
static inline void unit_read_maps(char *text, size_t size)
{
	int fd = open("/proc/self/maps", O_RDONLY);
	size_t len = 0;
	ssize_t n;

	REQUIRE(fd >= 0);
	while ((n = read(fd, text + len, size - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	REQUIRE(len && len < size - 1);
	text[len] = '\0';
}

/* --- children --- */

/* In a coverage build alone: what has run until now is written. */
void __gcov_dump(void) __attribute__((weak));

/*
 * Run @fn in a child; its stderr ends up in @text, its wait status is
 * returned.  A child that returns from @fn exits with 0.
 */
static inline int unit_child(void (*fn)(void *arg), void *arg, char *text,
			     size_t size)
{
	struct rlimit no_core = { 0, 0 };
	size_t len = 0;
	int fd[2], status;
	pid_t pid;

	cr_assert(pipe(fd) == 0);
	pid = fork();
	cr_assert(pid >= 0);
	if (!pid) {
		setrlimit(RLIMIT_CORE, &no_core);
		signal(SIGABRT, SIG_DFL);
		signal(SIGSEGV, SIG_DFL);
		signal(SIGTRAP, SIG_DFL);
		signal(SIGILL, SIG_DFL);
		dup2(fd[1], STDERR_FILENO);
		close(fd[0]);
		close(fd[1]);
		alarm(100);
		fn(arg);
		if (__gcov_dump)
			__gcov_dump();
		_exit(0);
	}
	close(fd[1]);
	while (len + 1 < size) {
		ssize_t n = read(fd[0], text + len, size - 1 - len);

		if (n <= 0)
			break;
		len += (size_t)n;
	}
	text[len] = '\0';
	close(fd[0]);
	cr_assert(waitpid(pid, &status, 0) == pid);
	return status;
}

/* @fn(@arg) must end by @sig. */
static inline void unit_dies(void (*fn)(void *arg), void *arg, int sig)
{
	char text[2048];
	int status = unit_child(fn, arg, text, sizeof(text));

	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == sig,
		  "status %x, stderr: %s", status, text);
}

/*
 * A size that the kernel refuses to map at once, whatever is free: where its
 * heuristic does, the least one, or nearly.
 */
static inline size_t unit_absurd_size(void)
{
	FILE *f = fopen("/proc/sys/vm/overcommit_memory", "r");
	bool guess = f && fgetc(f) == '0';
	struct sysinfo si;

	if (f)
		fclose(f);
	sysinfo(&si);
	return guess ? (si.totalram + si.totalswap) * si.mem_unit + 64 * MIB :
		       (size_t)1 << 50;
}

/* What __builtin_trap() ends in. */
#ifdef __x86_64__
#define UNIT_TRAP SIGILL
#else
#define UNIT_TRAP SIGTRAP
#endif

/* @fn(@arg) must abort with a report that begins with @start. */
static inline void unit_reports(void (*fn)(void *arg), void *arg,
				const char *start)
{
	char text[2048];
	int status = unit_child(fn, arg, text, sizeof(text));

	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT,
		  "status %x, stderr: %s", status, text);
	cr_assert(!strncmp(text, start, strlen(start)), "stderr: %s", text);
	cr_assert(strchr(text, '\n') == text + strlen(text) - 1,
		  "not one line: %s", text);
}

/* Touching *@p for writing ends the process: no memory is there. */
static inline void unit_touch(void *p)
{
	*(volatile char *)p = 1;
}

static inline void unit_faults(void *p)
{
	unit_dies(unit_touch, p, SIGSEGV);
}

/* Resident bytes of [addr, addr + size) by /proc: 0 for untouched memory. */
static inline size_t unit_resident(const void *addr, size_t size)
{
	size_t pages = size / 4096, nr = 0;
	unsigned char *vec = malloc(pages);

	cr_assert(vec && mincore((void *)addr, size, vec) == 0);
	for (size_t i = 0; i < pages; i++)
		nr += vec[i] & 1;
	free(vec);
	return nr * 4096;
}

static inline u64 unit_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000000000u + (u64)ts.tv_nsec;
}

/*
 * For loops: @ms from @start on, and longer where the machine is so busy with
 * other things that this was not @enough.
 */
static inline bool unit_go_on(u64 start, u32 ms, bool enough)
{
	u64 now = unit_now_ns();

	return now < start + ms * 1000000ull ||
	       (!enough && now < start + 10 * 1000000000ull);
}

/* AddressSanitizer makes mlock() do nothing. */
static inline int unit_mlock(void *p, size_t size)
{
	return (int)syscall(SYS_mlock, p, size);
}

/* Where a child has no way to what it wants to test. */
#define UNIT_SKIP 77

/*
 * In a child: nobody in particular from now on, who may lock 1 MiB, and has all
 * locked that comes.
 */
static inline void unit_lock_all(void)
{
	struct rlimit lim = { MIB, MIB };

	if (setrlimit(RLIMIT_MEMLOCK, &lim) ||
	    (!getuid() && setuid(65534)) ||
	    syscall(SYS_mlockall, MCL_FUTURE))
		_exit(UNIT_SKIP);
	if (mmap(NULL, 4 * MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		 0) != MAP_FAILED)
		_exit(UNIT_SKIP);
}

/* @fn must end well in a child, or by UNIT_SKIP. */
static inline void unit_in_child(void (*fn)(void *arg))
{
	char text[512];
	int status = unit_child(fn, NULL, text, sizeof(text));

	if (WIFEXITED(status) && WEXITSTATUS(status) == UNIT_SKIP)
		cr_skip_test("not to be had here");
	cr_assert_eq(status, 0, "%s", text);
}

/* --- maps for readers from outside --- */

/* What a field of @base has by its map. */
static inline u64 unit_field(const void *base, struct field f)
{
	u64 val = 0;

	cr_assert_leq(f.bytes, sizeof(val));
	memcpy(&val, (const char *)base + f.at, f.bytes);
	return val;
}

struct unit_note {
	const char *owner;
	u32 type, bytes;
	const void *found;
};

static inline int unit_note_look(struct dl_phdr_info *info, size_t size,
				 void *arg)
{
	struct unit_note *note = arg;

	for (u32 i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		const char *at = (char *)info->dlpi_addr + ph->p_vaddr;
		const char *end = at + ph->p_memsz;

		while (ph->p_type == PT_NOTE && at + 12 < end) {
			const ElfW(Nhdr) *n = (void *)at;

			at += sizeof(*n) + ALIGN_UP(n->n_namesz, 4u);
			if (n->n_type == note->type &&
			    !strcmp((char *)(n + 1), note->owner)) {
				cr_assert_eq(n->n_descsz, note->bytes);
				note->found = at;
			}
			at += ALIGN_UP(n->n_descsz, 4u);
		}
	}
	return 0;
}

/* An ELF note of this program: aligned to four bytes. */
static inline const void *unit_note(const char *owner, u32 type, u32 bytes)
{
	struct unit_note note = { owner, type, bytes, NULL };

	dl_iterate_phdr(unit_note_look, &note);
	cr_assert(note.found, "no note in the program headers");
	return note.found;
}

/* --- a heap with nothing left --- */

/*
 * All objects that @get has under RLIMIT_DATA, until it is NULL; some ms
 * later, a thread gives them back by @put.  For a child.
 */
struct unit_hoard {
	void *(*get)(void);
	void (*put)(void *obj);
	void *obj[1 << 20];
	u32 nr;
	bool full;
	pthread_t thread;
};

static inline void *unit_hoard_put(void *arg)
{
	struct unit_hoard *h = arg;

	while (!load_acquire(&h->full))
		usleep(1000);
	usleep(50000);
	for (u32 i = 0; i < h->nr; i++)
		h->put(h->obj[i]);
	return NULL;
}

static inline void unit_hoard_take(struct unit_hoard *h)
{
	struct rlimit lim = { 64 * MIB, 64 * MIB };

	/* It could not be made later. */
	pthread_create(&h->thread, NULL, unit_hoard_put, h);
	setrlimit(RLIMIT_DATA, &lim);
	while (h->nr < ARRAY_SIZE(h->obj) && (h->obj[h->nr] = h->get()))
		h->nr++;
	if (h->nr == ARRAY_SIZE(h->obj))
		_exit(1);
	store_release(&h->full, true);
}

#endif
