/*
 * rcu.h - readers that never wait, and knowing when they are gone.
 *
 * What a reader may have found is not freed before a grace period has passed:
 * a span of time by whose end every reader has left that was inside at its
 * start.  There is no thread that drives grace periods: whoever asks whether
 * one is over (rcu_gp_done()) drives it.
 */
#ifndef MM_RCU_H
#define MM_RCU_H

#include "lib/compiler.h"

struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *head);
};

/* A func below this is an offset: what is called for is free(head - func). */
#define RCU_FREE_OFFSETS 4096

/*
 * Nest, and may be used in signal handlers; a section ends on the thread it
 * began on.  Cost: an atomic addition each; a nested one, none.
 */
void rcu_read_lock(void);
void rcu_read_unlock(void);
/* This thread is inside a section. */
bool rcu_read_held(void);
/*
 * It is neither, nor in a handler that interrupted RCU: a grace period does not
 * wait for what this thread has yet to do.
 */
bool rcu_may_wait(void);

/*
 * Name a grace period that begins after everything this thread has done, and
 * ask whether it is over, helping it along.  rcu_gp_done() looks at no more
 * than a few cache lines, takes no lock that it would wait for, and may be
 * called anywhere, also by a reader (who holds it up himself).  What other
 * threads did inside the sections waited for is visible after true.
 */
u64 rcu_start_gp(void);
bool rcu_gp_done(u64 gp);

/*
 * Wait for a whole grace period.  Context: sleeps; where that would be for
 * ever (unless rcu_may_wait()) it ends the process with a report.
 */
void synchronize_rcu(void);

/**
 * call_rcu - have @func(@head) called after a grace period
 *
 * @head lies in what is to be freed and belongs to RCU until then.  Calls are
 * made one at a time, in the order asked for, by whoever comes by: here,
 * synchronize_rcu(), rcu_barrier(), rcu_poll(); never inside a section, nor
 * in a handler that interrupted a lock of ours.  So no lock may be held here
 * that a callback takes.
 *
 * Context: any.
 */
void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
/* All callbacks asked for before have returned.  Context: sleeps. */
void rcu_barrier(void);
/*
 * The same if there are any and this thread may wait for them: it is no reader,
 * runs none of them, and is in no handler above one that does, or is.
 */
bool rcu_try_barrier(void);
/*
 * Another thread was freeing an object of @class that was due, and has done so.
 * False: none is, or this thread may not wait.
 */
bool rcu_wait_free(u32 class);
/* Call what is due; true if something is still waiting. */
bool rcu_poll(void);
/*
 * Free what is due before the next function of the program's own, and call
 * none: for reclaim.  True if anything was freed.
 */
bool rcu_free_due(void);
/* Who frees for RCU_FREE_OFFSETS; before the first such call. */
void rcu_set_free(void (*fn)(void *obj));

/* In the child, which has no readers but this thread. */
void rcu_fork_child(void);

#endif
