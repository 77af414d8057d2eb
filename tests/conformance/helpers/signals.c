/*
 * signals.c - a timer that interrupts everything.
 *
 *   allocate  the handler itself allocates, checks and frees
 *   threads   the same with several threads, the signals fall on all
 *   longjmp   the handler leaves by siglongjmp out of malloc's callers only
 *   rate      a high rate with an empty handler: the work gets done
 *   prof      SIGPROF by setitimer
 */
#include "helper.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>
#include <time.h>

static atomic_ulong fired, handled;
static _Thread_local volatile sig_atomic_t inside;

static void count(int sig)
{
	(void)sig;
	atomic_fetch_add(&fired, 1);
}

/* May not wait or abort the program; NULL from a slow path is no crime. */
static void allocate(int sig)
{
	int saved = errno;

	(void)sig;
	atomic_fetch_add(&fired, 1);
	if (inside)
		return;
	inside = 1;
	for (size_t i = 0; i < 8; i++) {
		size_t n = 16 + i * 24;
		void *p = malloc(n);

		if (!p)
			continue;
		fill(p, n, i);
		if (!intact(p, n, i))
			_exit(3);
		free(p);
		atomic_fetch_add(&handled, 1);
	}
	inside = 0;
	errno = saved;
}

static timer_t start(void (*handler)(int), long nsec)
{
	struct sigaction sa = { .sa_handler = handler,
				.sa_flags = SA_RESTART };
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL,
			       .sigev_signo = SIGRTMIN };
	struct itimerspec its = { .it_value.tv_nsec = nsec,
				  .it_interval.tv_nsec = nsec };
	timer_t timer;

	REQUIRE(!sigaction(SIGRTMIN, &sa, NULL));
	REQUIRE(!timer_create(CLOCK_MONOTONIC, &ev, &timer));
	REQUIRE(!timer_settime(timer, 0, &its, NULL));
	return timer;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* Objects of a few sizes, so that hot and slow paths are both interrupted. */
static void work(double seconds, uint32_t seed)
{
	enum { N = 3000 };
	static _Thread_local void *p[N];
	static _Thread_local size_t size[N];
	double end = now() + seconds;
	uint32_t rnd = seed * 7919 + 1;

	do {
		for (int k = 0; k < 2000; k++) {
			size_t i = random_next(&rnd) % N;

			if (p[i]) {
				REQUIRE(intact(p[i], size[i], i));
				free(p[i]);
			}
			size[i] = 1 + random_next(&rnd) % 220;
			p[i] = malloc(size[i]);
			REQUIRE(p[i]);
			fill(p[i], size[i], i);
		}
		churn(20, rnd);
	} while (now() < end);
	for (size_t i = 0; i < N; i++) {
		if (p[i])
			REQUIRE(intact(p[i], size[i], i));
		free(p[i]);
		p[i] = NULL;
	}
}

static void *work_thread(void *arg)
{
	work(1.5, (uintptr_t)arg);
	return NULL;
}

static sigjmp_buf out;
static volatile sig_atomic_t may_jump;

static void jump(int sig)
{
	(void)sig;
	atomic_fetch_add(&fired, 1);
	if (may_jump)
		siglongjmp(out, 1);
}

/*
 * A jump out of malloc leaks at worst the object in flight, as long as it
 * leaves the hot path: nothing there is locked.  Slow paths are not jumped
 * out of here, the sizes and count stay within what has been used before.
 */
static void longjmps(void)
{
	volatile unsigned long jumps = 0;
	double end = now() + 1.5;
	void *warm[8];

	for (size_t i = 0; i < ARRAY_SIZE(warm); i++)
		warm[i] = malloc(32);
	for (size_t i = 0; i < ARRAY_SIZE(warm); i++)
		free(warm[i]);
	start(jump, 200 * 1000);
	while (now() < end) {
		if (sigsetjmp(out, 1)) {
			may_jump = 0;
			jumps++;
			/* Give back what the jumps may have lost. */
			continue;
		}
		may_jump = 1;
		for (int i = 0; i < 1000; i++)
			free(opaque(malloc(32)));
		may_jump = 0;
	}
	may_jump = 0;
	REQUIRE(jumps > 10);
	churn(20000, 1);
}

static void progress(void)
{
	double begin = now(), plain, signalled;
	timer_t timer;

	churn(200000, 1);
	plain = now() - begin;
	timer = start(count, 50 * 1000);
	begin = now();
	churn(200000, 1);
	signalled = now() - begin;
	timer_delete(timer);
	REQUIRE(atomic_load(&fired) > 20);
	if (signalled > 20 * plain + 2)
		FAIL("%.3f s of work took %.3f s", plain, signalled);
}

static void prof(void)
{
	struct sigaction sa = { .sa_handler = count, .sa_flags = SA_RESTART };
	struct itimerval it = { { 0, 1000 }, { 0, 1000 } };
	pthread_t t[4];

	REQUIRE(!sigaction(SIGPROF, &sa, NULL));
	REQUIRE(!setitimer(ITIMER_PROF, &it, NULL));
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		REQUIRE(!pthread_create(&t[i], NULL, work_thread, (void *)i));
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		pthread_join(t[i], NULL);
	REQUIRE(atomic_load(&fired) > 20);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	pthread_t t[4];

	alarm(300);
	if (!strcmp(how, "allocate")) {
		start(allocate, 60 * 1000);
		work(3, 1);
		REQUIRE(atomic_load(&handled) > 100);
	} else if (!strcmp(how, "threads")) {
		start(allocate, 60 * 1000);
		for (size_t i = 0; i < ARRAY_SIZE(t); i++)
			REQUIRE(!pthread_create(&t[i], NULL, work_thread,
						(void *)i));
		work(1.5, 9);
		for (size_t i = 0; i < ARRAY_SIZE(t); i++)
			pthread_join(t[i], NULL);
		REQUIRE(atomic_load(&handled) > 100);
	} else if (!strcmp(how, "longjmp")) {
		longjmps();
	} else if (!strcmp(how, "rate")) {
		progress();
	} else if (!strcmp(how, "prof")) {
		prof();
	} else {
		FAIL("what?");
	}
	return 0;
}
