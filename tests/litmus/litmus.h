/*
 * litmus.h - two threads over the same row of cells, and what they saw.
 *
 * Both sides go through CELLS cells at the same time, each cell once, and wait
 * for each other every few cells, so that the two meet in some of them; then what each has seen of every cell is
 * counted, and the cells are made anew.  One outcome is forbidden.  A test
 * without its fences or with a weaker order ("weak") shows whether this
 * machine can produce the forbidden one at all: then it is expected, but not
 * required, since one CPU at a time never shows it.
 */
#ifndef LITMUS_H
#define LITMUS_H

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/compiler.h"

#define CELLS	4096
#define MEET	64		/* cells from one meeting to the next */

enum { SIDE_A, SIDE_B, SIDES };

struct litmus {
	const char *name;
	const char *what[4];		/* outcomes; NULL: impossible */
	u32 forbidden;			/* one of them */
	bool weak;			/* forbidden is what it shows */
	void (*reset)(void);
	void (*side[SIDES])(u32 cell);
	u32 (*outcome)(u32 cell);
};

static struct {
	const struct litmus *test;
	u32 rounds;
	pthread_barrier_t start, end;
	struct {
		u32 at __aligned(64);
	} side[SIDES];
} litmus_run;

/* Both are here; on a busy machine the other may be a while. */
static void litmus_meet(u32 side, u32 at)
{
	store_release(&litmus_run.side[side].at, at);
	for (u32 n = 0; load_acquire(&litmus_run.side[!side].at) < at; n++)
		if (n > 20000)
			sched_yield();
}

/* Each side on a CPU of its own, if there are two; else they take turns. */
static void litmus_pin(u32 side)
{
	cpu_set_t may, one;

	if (sched_getaffinity(0, sizeof(may), &may))
		return;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &may) || side--)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		return;
	}
}

static void *litmus_side(void *arg)
{
	u32 side = (u32)(uintptr_t)arg;

	litmus_pin(side);
	for (u32 r = 0; r < litmus_run.rounds; r++) {
		pthread_barrier_wait(&litmus_run.start);
		for (u32 i = 0; i < CELLS; i++) {
			if (i % MEET == 0)
				litmus_meet(side, r * CELLS + i + 1);
			litmus_run.test->side[side](i);
		}
		pthread_barrier_wait(&litmus_run.end);
	}
	return NULL;
}

/* Returns whether the test has failed. */
static bool litmus_one(const struct litmus *t, u32 rounds)
{
	u64 seen[4] = { 0 };
	pthread_t side[SIDES];
	bool failed;

	litmus_run.test = t;
	litmus_run.rounds = rounds;
	litmus_run.side[SIDE_A].at = litmus_run.side[SIDE_B].at = 0;
	pthread_barrier_init(&litmus_run.start, NULL, SIDES + 1);
	pthread_barrier_init(&litmus_run.end, NULL, SIDES + 1);
	for (uintptr_t i = 0; i < SIDES; i++)
		pthread_create(&side[i], NULL, litmus_side, (void *)i);
	for (u32 r = 0; r < rounds; r++) {
		t->reset();
		pthread_barrier_wait(&litmus_run.start);
		pthread_barrier_wait(&litmus_run.end);
		for (u32 i = 0; i < CELLS; i++)
			seen[t->outcome(i)]++;
	}
	for (u32 i = 0; i < SIDES; i++)
		pthread_join(side[i], NULL);
	failed = !t->weak && seen[t->forbidden];
	printf("%s - %s\n", failed ? "not ok" : "ok", t->name);
	for (u32 i = 0; i < 4; i++)
		if (t->what[i])
			printf("#   %10lu  %s%s\n", (unsigned long)seen[i],
			       t->what[i], i != t->forbidden ? "" :
			       t->weak ? " (as the fences prevent)" :
			       " (forbidden)");
	return failed;
}

static int litmus_main(const struct litmus *tests, u32 nr, int argc,
		       char **argv)
{
	u32 rounds = argc > 1 ? (u32)atoi(argv[1]) : 40;
	int failed = 0;

	setvbuf(stdout, NULL, _IONBF, 0);
	alarm(300);
	for (u32 i = 0; i < nr; i++)
		failed += litmus_one(&tests[i], rounds);
	return failed != 0;
}

#endif
