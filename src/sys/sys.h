/*
 * sys.h - what liballoc asks of the operating system; nothing else asks.
 *
 * Preconditions for all memory calls: addresses and sizes are multiples of
 * sys_page_size() unless said otherwise.  They keep errno, never allocate,
 * and are async-signal-safe.
 */
#ifndef SYS_SYS_H
#define SYS_SYS_H

#include "lib/compiler.h"

/* Before any other call below; idempotent. */
void sys_init(void);

/* --- memory (mem.c) --- */

extern __hidden size_t sys_page_bytes;	/* of the OS: 4, 16 or 64 KiB; constant */

static inline size_t sys_page_size(void)
{
	return sys_page_bytes;
}

/*
 * Address space without memory (PROT_NONE, counted by RLIMIT_AS only),
 * aligned to @align (a power of two).  NULL if the kernel refuses.
 */
void *sys_reserve(size_t size, size_t align);
/* The same, wholly below address @limit: NULL if nothing is free there. */
void *sys_reserve_below(size_t size, size_t align, size_t limit);
/* Give address space back. */
void sys_release(void *addr, size_t size);
/* Make reserved space usable: zero, private, anonymous.  False: no memory. */
bool sys_commit(void *addr, size_t size);
/*
 * False: the kernel refuses a mapping of @size bytes, whatever is free.  With
 * vm.overcommit_memory=0, that is more than all RAM and swap; always, more
 * than the addresses.  Two system calls for more than the RAM, else none.
 */
bool sys_may_charge(size_t size);
/* Back to address space only; contents are lost. */
void sys_uncommit(void *addr, size_t size);
/*
 * The same, and the kernel no longer charges for it; the name is lost.  False:
 * refused, as is anything above a limit; its pages have gone, no more.
 */
bool sys_forget(void *addr, size_t size);
/* Something is mapped everywhere in it; whose, nobody says. */
bool sys_is_mapped(const void *addr, size_t size);
/* Make committed memory, or data of the library, read-only. */
void sys_seal(void *addr, size_t size);
/*
 * Give the pages back but stay usable; reads as zero afterwards.  False: what
 * was there is there still, for one because mlock() keeps it.
 */
bool sys_discard(void *addr, size_t size);
/* Fault all pages in for writing with one call; failure is harmless. */
void sys_populate(void *addr, size_t size);
/* Huge pages for this range: a hint. */
void sys_huge(void *addr, size_t size, bool want);
/*
 * (thp.c) Make huge pages of resident small ones now (MADV_COLLAPSE, Linux
 * 6.1).  False: some or all are still small.
 */
bool sys_collapse(void *addr, size_t size);
/*
 * (thp.c) Give the pages back when the kernel wants them (MADV_FREE): until
 * then they keep their contents, so nothing may be said of what they hold.
 * What is written later stays.
 */
bool sys_discard_lazily(void *addr, size_t size);
/*
 * Reserved space that fills what a failed move leaves unmapped: its end goes
 * first.  All that moves, and is not within what is left, costs a call more.
 * This and the moves below: one thread at a time.
 */
void sys_spare(void *addr, size_t size);
size_t sys_spare_left(void);
/*
 * Move the contents of [old, old + size) to @new, by page tables where that
 * is possible.  Both are committed and do not overlap; @new holds nothing.
 * True: @old is committed and empty.  False: the contents are all at @old,
 * and @new may have holes.
 */
bool sys_move_pages(void *old, void *new, size_t size);
/*
 * Undo that, where it said true and both are committed still: by copying, for
 * another mremap() could fail, and leave a hole in @old.  This cannot.
 */
void sys_unmove_pages(void *old, void *new, size_t size);
/*
 * The same for memory that is warm, but whose contents nobody needs: never
 * copied.  @new may be reserved space; it is usable but if some of it has no
 * access, or is lost: then it may have holes, and others' mappings be there.
 * @old is one mapping, or some of it may have moved.
 */
enum sys_moved { SYS_MOVED, SYS_NOT_MOVED, SYS_NO_ACCESS, SYS_LOST };
enum sys_moved sys_move_warm(void *old, void *new, size_t size);
/* Name a range in /proc/PID/maps; a hint. */
void sys_name(void *addr, size_t size, const char *name);

/* --- memory that may not be there (copy.c) --- */

/*
 * Copy @n bytes between any addresses, aligned or not; they must not overlap.
 * Returns the bytes not copied: those from the first page on that cannot be
 * read or written.  All of them where the kernel refuses to help.
 */
size_t sys_copy_safe(void *dst, const void *src, size_t n);

/* --- faults of memory (fault.c) --- */

/*
 * Have @look called, in the handler of SIGSEGV, with the address of every
 * fault and the stack pointer it was met with.  If it returns, the fault goes
 * on to whom it would have gone to.  Once a process; false: refused.
 */
bool sys_watch_faults(void (*look)(uintptr_t addr, uintptr_t sp));
/* Where this thread's alternate stack for signals begins; NULL: it has none. */
void *sys_altstack(void);
/* Give it one; @mem NULL: take it away.  False: refused, or in use. */
bool sys_altstack_set(void *mem, size_t size);
/* A thread of this process has that number. */
bool sys_thread_exists(int tid);

/* --- guard pages (guard.c), for hardened=1 --- */

void sys_guard_init(void);
/*
 * Any access to committed [addr, addr + size) faults, and the pages of a cheap
 * guard are given back; NONE: it does not, there are too many mappings.
 */
enum sys_guard { SYS_GUARD_NONE, SYS_GUARD_CHEAP, SYS_GUARD_MAPPED };
enum sys_guard sys_guard(void *addr, size_t size);
/*
 * Usable again; only what sys_guard() made, and said it was.  False: the
 * kernel refuses, and the guard stays.
 */
bool sys_unguard(void *addr, size_t size, enum sys_guard kind);
bool sys_guards_are_cheap(void);	/* they make no mappings */
/* Forbid any access, or allow it; what is there stays. */
bool sys_protect(void *addr, size_t size, bool access);
/* A number that nobody can guess. */
u64 sys_random(void);

/* --- limits and machine (cpu.c) --- */

/* Upper bound of every CPU index a thread can ever see, at least 1. */
u32 sys_nr_cpus(void);
size_t sys_ram_bytes(void);
/* Limits as they were at start-up, SIZE_MAX if none. */
size_t sys_limit_as(void);	/* RLIMIT_AS */
size_t sys_limit_data(void);	/* RLIMIT_DATA */
/* RLIMIT_NPROC may allow no thread beside the program's own. */
bool sys_tasks_are_scarce(void);
/* (cgroup.c) the tightest of the memory cgroups that this process is in */
size_t sys_limit_cgroup(void);
/*
 * Find out whether what is committed is charged (vm.overcommit_memory=2), by
 * reserved space of twice the RAM or more, which is as it was afterwards.
 */
void sys_overcommit_probe(void *addr, size_t size);
/* It has found that mlockall(MCL_FUTURE) was there before us. */
bool sys_born_locked(void);
/*
 * (room.c) The same as of now, and what is left: bytes below the tightest
 * limit of the cgroups, or of the machine, with what others use counted and
 * files that are cached not.  False: nothing is known.  One thread at a time.
 */
struct sys_room {
	size_t limit;	/* of the cgroups; SIZE_MAX: none */
	size_t left;
};
bool sys_room(struct sys_room *room);
bool sys_overcommit_strict(void);	/* it is; false before that */
size_t sys_max_map_count(void);	/* mappings a process may have */

/* --- NUMA (numa.c): what /sys said at start-up; one node if nothing --- */

#define SYS_MAX_NODES 64

/* Nodes that have memory, numbered 0 .. n - 1 here whatever the kernel says. */
u32 sys_nr_nodes(void);
u32 sys_node_id(u32 node);		/* the kernel's number of our @node */
u32 sys_cpu_to_node(u32 cpu);		/* nearest node with memory */
u32 sys_node_distance(u32 from, u32 to);	/* 10: local */
/*
 * Bind untouched memory to a node, preferring it; false: it may be anywhere.
 * Lost where the range is mapped anew (sys_forget()).  With more than one
 * node this is mbind(), which no filter of the program need allow: bind the
 * space at start-up, when it is reserved.
 */
bool sys_bind(void *addr, size_t size, u32 node);

/* --- restartable sequences (rseq.c) --- */

struct sys_rseq {
	long offset;	/* of struct rseq from the thread pointer */
	bool cpu_id;	/* the area is registered and usable */
	bool mm_cid;	/* ... and the kernel fills in mm_cid */
};

void sys_rseq_probe(struct sys_rseq *r);
/*
 * Restart every critical section now running in this process, on all CPUs,
 * with a full memory barrier.  False where the kernel cannot.
 */
bool sys_rseq_fence(void);

/* --- threads (thread.c) --- */

int sys_tid(void);
int sys_pid(void);
u32 sys_getcpu(void);
void sys_yield(void);
/*
 * Patience for the @i-th time with what another thread is about to end: the
 * first times yields, then sleeps a millisecond, since who yields gives way to
 * nobody of a lower priority (SCHED_FIFO).
 */
void sys_pause(u32 i);
#define SYS_PAUSE_YIELDS 20
u64 sys_clock_ms(void);		/* monotonic, coarse (1-10 ms), a few ns */
u64 sys_clock_ns(void);		/* monotonic */
/*
 * Where glibc says that no second thread was ever started; NULL elsewhere.  By
 * address: the weak declaration, seen by a test that writes the variable, has it
 * write libc's own instead of the program's copy, and libc's locks then hang.
 */
extern __hidden const char *const sys_single_threaded;
extern __hidden bool sys_own_thread;	/* sys_thread_start() has been called */

/*
 * The process has, or had since fork, more than one thread; true also where
 * libc does not tell (musl, or before libc's own start-up).
 */
static inline bool sys_is_threaded(void)
{
	return !sys_single_threaded || !READ_ONCE(*sys_single_threaded) ||
	       sys_own_thread;
}

bool sys_thread_known(void);	/* libc tells */
bool sys_in_loader(const void *code);	/* in ld.so; false if there is none */
/*
 * Block all signals but libc's own and SIGSYS in this thread; *@old is what
 * was blocked.  False: the kernel, or a filter, refuses.
 */
bool sys_signals_block(u64 *old);
void sys_signals_restore(u64 old);
/* The program has one thread beside ours, now; false where that is unknown. */
bool sys_is_alone(void);
/*
 * A detached thread of our own with all signals blocked and a small stack, of
 * the caller's scheduling class: to ask for it is a call that glibc does not
 * make, and a filter of the program may kill for.  It ends when @fn returns.
 * False: none could be made.  May allocate: no lock may be held; takes locks
 * of libc: not from a signal handler.  The thread has no name: that would be a
 * prctl() that a filter of the program may kill for.
 */
bool sys_thread_start(void (*fn)(void));
/*
 * Sleep until *@word is no longer @val, or woken, or @ms have passed; may
 * return early for no reason.  sys_wake() wakes all.
 */
void sys_wait_ms(u32 *word, u32 val, u32 ms);
void sys_wake(u32 *word);

/* --- memory pressure (pressure.c) --- */

enum sys_pressure {
	SYS_PSI,		/* /proc/pressure/memory */
	SYS_PSI_CGROUP,		/* memory.pressure of version 2 */
	SYS_CGROUP_EVENTS,	/* memory.events of version 2 */
	SYS_CGROUP_LEVEL,	/* memory.pressure_level of version 1 */
	SYS_CGROUP_USAGE,	/* memory.usage_in_bytes of version 1 */
	SYS_NR_PRESSURE,
};

struct sys_pressure_ops {
	size_t usage_left;	/* bytes below a limit that SYS_CGROUP_USAGE tells */
	/* Bits of the sources in use, and of those that report late (2 s). */
	void (*ready)(u32 sources, u32 coarse);
	void (*event)(enum sys_pressure source);
};

/*
 * Wait for what the kernel says of memory that is short.  The calling thread,
 * one of sys_thread_start(), loses its view of the descriptors of the process
 * and has a table of its own.  Returns, after ops->ready(0, 0), if there is
 * no source or no such table; or when all sources are gone.
 */
void sys_pressure_watch(const struct sys_pressure_ops *ops);
const char *sys_pressure_name(enum sys_pressure source);

/* --- text (log.c) --- */

void sys_write_err(const char *buf, size_t len);
/*
 * Keep a descriptor of what stderr is now, above 200, closed by execve(): if
 * stderr is closed later, sys_write_err() goes there.  At start-up only.
 */
void sys_keep_err(void);
/* Append to a file by name, creating it: for reports at exit. */
bool sys_append_file(const char *path, const char *buf, size_t len);
/* The text of a small file; returns the bytes read, 0 on any failure. */
size_t sys_read_file(const char *path, char *buf, size_t size);
/*
 * (file.c) Create @path, which must not exist.  SYS_EXISTS: another name may
 * do; not beside a device, a pipe or a socket, which is SYS_NOT_CREATED.
 */
enum sys_created { SYS_CREATED, SYS_EXISTS, SYS_NOT_CREATED };
enum sys_created sys_create_file(const char *path);
/*
 * [at, at + size) of a file, shared; the file becomes as long, on the disk
 * too where that can be had.  No descriptor stays.  NULL: it could not be.
 */
void *sys_map_file(const char *path, u64 at, size_t size);
/* The working directory; its length, 0 on any failure. */
size_t sys_getcwd(char *buf, size_t size);
/* @name from there on, into @buf; false: it does not fit, or nobody knows. */
bool sys_absolute(char *buf, size_t size, const char *name);
/* Zeroed memory, and zeroed again in every forked child; or NULL. */
void *sys_map_wiped(size_t size);
/* Value of an environment variable, also before libc is ready. */
void sys_early_env(char **env);	/* serves until environ is set */
const char *sys_getenv(const char *name, char *buf, size_t size);
/* Name of the program, for reports. */
const char *sys_comm(char *buf, size_t size);
/* Name of this thread. */
const char *sys_thread_name(char *buf, size_t size);
bool sys_secure(void);		/* set-uid and the like */
/* In a segment of the program (no library) that is never written. */
bool sys_is_rodata(const void *addr);

#endif
