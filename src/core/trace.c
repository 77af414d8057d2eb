/*
 * trace.c - every call, into a file that is mapped piece by piece.
 *
 * A record is 16 bytes (core/trace_format.h).  One counter numbers the records
 * of all threads, and a record's number is its place in the file: the order of
 * the calls is kept by where they are.  The pieces of the file are shared
 * mappings: what was written is in the file however the process ends, by
 * exec(), _exit() or a signal.
 *
 * No descriptor is kept: a piece is opened by name, made as long as it must
 * be (the disk has room, so a store does not fault), mapped and closed.
 *
 * Invariants:
 *   T1. a record number is given out once, and its slot is written once, the
 *	 word that shows it last (F3).
 *   T2. a piece is unmapped by whoever writes its last record; until then
 *	 nobody who has a number in it has written.
 *   T3. the state lies in memory that reads as zeros after a fork, and as it
 *	 was in a vfork child.  So a child of its own starts a file of its own
 *	 with its first record, and one that shares the heap shares the file.
 *   T4. no lock: a signal handler may come in anywhere.  What comes while a
 *	 file is begun is lost; there is one thread then.
 *
 * A file that is there already is never touched: then the process number is
 * appended to the name, so what a program executes, and what it forks, get
 * FILE.PID, and FILE.PID.1 where that is taken.
 */
#include <string.h>

#include "core/report.h"
#include "core/trace.h"
#include "lib/bits.h"
#include "lib/fmt.h"
#include "sys/sys.h"

#define PIECE_RECORDS	65536
#define PIECE_BYTES	(PIECE_RECORDS * sizeof(struct trace_record))
#define NR_PIECES	16384		/* 16 GiB */
#define NAME_SIZE	4096

enum { NO_FILE, BEGINNING, OPEN, STOPPED };

struct piece {
	struct trace_record *at;	/* atomic */
	u32 done;			/* records written; atomic */
};

struct state {
	u32 phase;			/* atomic */
	u64 next;			/* record number; atomic */
	char name[NAME_SIZE];		/* constant while OPEN */
	struct piece pieces[NR_PIECES];
};

static struct state *state;		/* T3 */
static char base[NAME_SIZE];		/* absolute; constant */
static u32 nr_threads;			/* atomic; goes on after a fork */

static __thread u32 thread __attribute__((tls_model("initial-exec")));

static void stop(const char *why)
{
	if (__atomic_exchange_n(&state->phase, STOPPED, __ATOMIC_RELAXED) !=
	    STOPPED)
		report("trace: %s: %s; nothing more is recorded", state->name,
		       why);
}

/* --- files --- */

/* Create the first of FILE, FILE.PID, FILE.PID.1 ... that is not there. */
static bool create(char *name)
{
	for (int try = 0; try < 100; try++) {
		if (try == 0)
			fmt_print(name, NAME_SIZE, "%s", base);
		else if (try == 1)
			fmt_print(name, NAME_SIZE, "%s.%d", base, sys_pid());
		else
			fmt_print(name, NAME_SIZE, "%s.%d.%d", base, sys_pid(),
				  try - 1);
		switch (sys_create_file(name)) {
		case SYS_CREATED:
			return true;
		case SYS_EXISTS:
			break;
		default:
			return false;
		}
	}
	return false;
}

/* Its memory, or NULL; any number of threads may ask at once. */
static struct trace_record *piece_map(u64 nr)
{
	struct trace_record *at, *none = NULL;

	if (nr >= NR_PIECES)
		return NULL;
	at = load_acquire(&state->pieces[nr].at);
	if (likely(at))
		return at;
	at = sys_map_file(state->name, nr * PIECE_BYTES, PIECE_BYTES);
	if (!at)
		return NULL;
	if (!__atomic_compare_exchange_n(&state->pieces[nr].at, &none, at,
					 false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE)) {
		sys_release(at, PIECE_BYTES);
		at = none;
	}
	return at;
}

/* T2: the count is the last that happens to a record. */
static void piece_done(u64 nr)
{
	struct piece *p = &state->pieces[nr];

	if (__atomic_add_fetch(&p->done, 1, __ATOMIC_ACQ_REL) == PIECE_RECORDS)
		sys_release(p->at, PIECE_BYTES);
}

static void record_write(struct trace_record *r, u64 what, u64 size)
{
	WRITE_ONCE(r->size, size);
	store_release(&r->what, what);		/* F3 */
}

/* True: a file is open, begun here if there was none. */
static bool begin(void)
{
	u32 phase = NO_FILE;
	struct trace_record *first;

	if (!__atomic_compare_exchange_n(&state->phase, &phase, BEGINNING,
					 false, __ATOMIC_ACQUIRE,
					 __ATOMIC_ACQUIRE))
		return phase == OPEN;
	if (!create(state->name)) {
		stop("cannot be created");
		return false;
	}
	first = piece_map(0);
	if (!first) {
		stop("cannot be written");
		return false;
	}
	record_write(first, TRACE_MAGIC, (u64)sys_pid());
	state->pieces[0].done = 1;
	state->next = 1;
	store_release(&state->phase, OPEN);
	return true;
}

/* --- */

static u64 this_thread(void)
{
	if (unlikely(!thread))
		thread = min(__atomic_add_fetch(&nr_threads, 1,
						__ATOMIC_RELAXED),
			     (u32)TRACE_THREADS);
	return thread;
}

void trace_record(enum trace_op op, const void *ptr, size_t size, size_t align)
{
	struct trace_record *at;
	u64 nr;

	if (unlikely(load_acquire(&state->phase) != OPEN) && !begin())
		return;
	nr = __atomic_fetch_add(&state->next, 1, __ATOMIC_RELAXED);
	at = piece_map(nr / PIECE_RECORDS);
	if (unlikely(!at)) {
		stop("cannot grow");
		return;
	}
	record_write(&at[nr % PIECE_RECORDS],
		     ((u64)(uintptr_t)ptr & TRACE_MASK) |
		     (u64)op << TRACE_BITS | (u64)ilog2(align) << 56,
		     min((u64)size, TRACE_MASK) | this_thread() << TRACE_BITS);
	piece_done(nr / PIECE_RECORDS);
}

void trace_init(void)
{
	if (!trace_is_on())
		return;
	/* The program may change its directory before the next piece. */
	if (sys_absolute(base, sizeof(base) - 32, options.trace)) {
		state = sys_map_wiped(sizeof(*state));
		if (state && begin())
			return;
	}
	if (!state)
		report("trace=%s: cannot be done here", options.trace);
	options.trace[0] = '\0';
}
