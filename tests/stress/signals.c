/*
 * signals.c - does a handler that allocates corrupt what it interrupts?
 *
 * A timer fires at 20 kHz on whichever thread runs; the handler allocates,
 * frees what an earlier handler left, and leaves something for a later one.
 * NULL in the handler is allowed (a slow path may refuse to be re-entered),
 * a hang and a broken object are not.
 *
 * Asks more than POSIX does: glibc's malloc deadlocks here.
 */
#include "stress.h"

#include <signal.h>

enum { THREADS = 3, OWN = 1500, LEFT = 64 };

static atomic_ulong fired, refused, operations;
static _Thread_local struct object left[LEFT];
static _Thread_local volatile unsigned int depth, turn;

static void handler(int sig)
{
	int saved = errno;
	struct object *o;

	(void)sig;
	atomic_fetch_add(&fired, 1);
	if (depth++ == 0) {
		o = &left[turn++ % LEFT];
		object_free(o, "left by a handler");
		if (!object_alloc(o, 1 + turn * 37 % 500))
			atomic_fetch_add(&refused, 1);
	}
	depth--;
	errno = saved;
}

static void *run(void *arg)
{
	struct random r = random_start((uintptr_t)arg + 1);
	struct object own[OWN] = { { NULL, 0, 0 } };

	while (!time_is_up()) {
		for (int k = 0; k < 2000; k++) {
			struct object *o = &own[random_below(&r, OWN)];
			size_t most = random_below(&r, 500) ? 500 : 100000;

			object_free(o, "interrupted");
			REQUIRE(object_alloc(o, random_size(&r, most)));
		}
		atomic_fetch_add(&operations, 2000);
	}
	depth = 1;	/* no more handlers that allocate, here */
	for (size_t i = 0; i < OWN; i++)
		object_free(&own[i], "interrupted, at the end");
	for (size_t i = 0; i < LEFT; i++)
		object_free(&left[i], "left by a handler, at the end");
	return NULL;
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = handler,
				.sa_flags = SA_RESTART };
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL,
			       .sigev_signo = SIGRTMIN };
	struct itimerspec its = { { 0, 50000 }, { 0, 50000 } };
	struct itimerspec off = { { 0, 0 }, { 0, 0 } };
	pthread_t t[THREADS];
	timer_t timer;

	stress_start(argc, argv);
	REQUIRE(!sigaction(SIGRTMIN, &sa, NULL));
	REQUIRE(!timer_create(CLOCK_MONOTONIC, &ev, &timer));
	REQUIRE(!timer_settime(timer, 0, &its, NULL));
	for (uintptr_t i = 0; i < THREADS; i++)
		REQUIRE(!pthread_create(&t[i], NULL, run, (void *)i));
	run((void *)(uintptr_t)THREADS);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	REQUIRE(!timer_settime(timer, 0, &off, NULL));
	REQUIRE(atomic_load(&fired) > 0);
	printf("%lu operations, %lu signals, %lu refused\n",
	       atomic_load(&operations), atomic_load(&fired),
	       atomic_load(&refused));
	return 0;
}
