/*
 * fork_count.h - how many threads are in a place, also after a fork.
 *
 * In the child of a fork those of other threads are not there, so it counts
 * afresh.  But its one thread may be in such a place itself: a handler forks
 * that interrupted it, anywhere before, between or behind the counting.
 *
 * Invariant: the word is the generation and the count of it.  Who enters counts
 * himself in the generation that he found, in one step; who leaves takes himself
 * from that one, or from none if a fork came between.  So the count of a
 * generation is never below 0, and gets 0 again.
 *
 * The child does not count a place that it is in already: nobody is there who
 * would wait for it but a handler above it, which must not.
 */
#ifndef LIB_FORK_COUNT_H
#define LIB_FORK_COUNT_H

#include "lib/compiler.h"

struct fork_count {
	u64 word;		/* atomic; generation << 32 | count */
};

static inline u32 fork_count_read(const struct fork_count *c)
{
	return (u32)__atomic_load_n(&c->word, __ATOMIC_SEQ_CST);
}

/* For fork_count_leave(). */
static inline u32 fork_count_enter(struct fork_count *c)
{
	u64 word = READ_ONCE(c->word);

	while (!__atomic_compare_exchange_n(&c->word, &word, word + 1, true,
					    __ATOMIC_SEQ_CST,
					    __ATOMIC_RELAXED))
		;
	return (u32)(word >> 32);
}

static inline void fork_count_leave(struct fork_count *c, u32 generation)
{
	u64 word = READ_ONCE(c->word);

	while (word >> 32 == generation &&
	       !__atomic_compare_exchange_n(&c->word, &word, word - 1, true,
					    __ATOMIC_SEQ_CST,
					    __ATOMIC_RELAXED))
		;
}

/* Not stored in vain (see keep_or_set()): at 0, nobody leaves it. */
static inline void fork_count_child(struct fork_count *c)
{
	u64 word = READ_ONCE(c->word);

	if ((u32)word)
		WRITE_ONCE(c->word, ((word >> 32) + 1) << 32);
}

#endif
