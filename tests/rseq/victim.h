/*
 * victim.h - what the tracer (torture.c) and the traced program (victim.c)
 * share: a file mapped by both.
 */
#ifndef VICTIM_H
#define VICTIM_H

#include <stdatomic.h>
#include <stdint.h>

/* What the victim is told at its stops. */
enum command { CMD_RUN, CMD_FINISH, CMD_BASELINE, CMD_COMPARE, CMD_EXIT };

/* What the other thread does while the victim is stopped. */
enum meddle {
	MEDDLE_SWAP,	/* pop one, push another: the same count, another top */
	MEDDLE_STEAL,	/* pop two */
	MEDDLE_GIVE,	/* push two */
	MEDDLE_TRIM,	/* drain all CPUs */
	MEDDLE_DROP,	/* free all that it holds */
};

struct shared {
	/* Written by the victim once. */
	uint64_t lib_base;	/* where the library is mapped */
	char lib_path[4096];
	uint64_t rseq_area;	/* of the victim, 0 if there is none */
	uint32_t nr_drivers;
	char drivers[64][40];
	uint32_t driver_locks[64];	/* see struct driver */

	/* The victim's turn. */
	atomic_uint command, driver;
	atomic_uint idle;	/* it is in its own stop */
	atomic_uint in_handler;	/* depth */
	atomic_uint step;	/* operations done */
	atomic_uint handled;	/* signals */
	uint64_t baseline, used;

	/* The meddler's: a futex each way. */
	atomic_uint seq, done;
	atomic_uint meddle, cpu;
	atomic_uint seen_cpu, seen_cid;
};

#endif
