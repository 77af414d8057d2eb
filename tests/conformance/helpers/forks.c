/*
 * forks.c - fork in the middle of everything.
 *
 *   busy        threads allocate all the while; the main thread forks
 *   grandchild  a child forks too, while its own threads allocate
 *   thread      a thread that is not the main one forks
 *   single      no threads at all
 *   inherit     the child frees, reallocs and checks what the parent made
 */
#include "helper.h"

#include <pthread.h>
#include <stdatomic.h>

static atomic_bool stop;
static atomic_ulong progress[4];

static void *busy(void *arg)
{
	uintptr_t i = (uintptr_t)arg;

	while (!atomic_load(&stop)) {
		churn(200, i + 7);
		atomic_fetch_add(&progress[i], 1);
	}
	return NULL;
}

static void *churn_once(void *arg)
{
	churn(2000, (uintptr_t)arg);
	return NULL;
}

/* A child must allocate, make threads and free, at once. */
static _Noreturn void child(int depth)
{
	pthread_t t[2];

	alarm(300);
	churn(2000, getpid());
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		REQUIRE(!pthread_create(&t[i], NULL, churn_once, (void *)i));
	if (depth > 0) {
		pid_t pid = fork();

		if (pid == 0)
			child(depth - 1);
		wait_for(pid);
	}
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		pthread_join(t[i], NULL);
	churn(500, getpid());
	/* With all the destructors, unlike _exit(). */
	exit(0);
}

static void fork_often(int times, int depth)
{
	for (int i = 0; i < times; i++) {
		pid_t pid = fork();

		if (pid == 0)
			child(depth);
		churn(300, i);
		wait_for(pid);
	}
}

static void while_busy(int times, int depth)
{
	pthread_t t[ARRAY_SIZE(progress)];
	unsigned long before[ARRAY_SIZE(progress)];

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		REQUIRE(!pthread_create(&t[i], NULL, busy, (void *)i));
	fork_often(times, depth);
	/* The parent's threads go on. */
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		before[i] = atomic_load(&progress[i]);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		while (atomic_load(&progress[i]) == before[i])
			usleep(1000);
	atomic_store(&stop, true);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		pthread_join(t[i], NULL);
}

static void *forker(void *arg)
{
	(void)arg;
	fork_often(15, 1);
	return NULL;
}

static void from_threads(void)
{
	pthread_t t[3];

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		REQUIRE(!pthread_create(&t[i], NULL, forker, NULL));
	churn(50000, 5);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		pthread_join(t[i], NULL);
}

static void inherit(void)
{
	enum { N = 3000 };
	static void *p[N];
	static size_t size[N];
	uint32_t rnd = 99;

	for (size_t i = 0; i < N; i++) {
		size[i] = random_size(&rnd);
		p[i] = malloc(size[i]);
		REQUIRE(p[i]);
		fill(p[i], size[i], i);
	}
	for (int round = 0; round < 3; round++) {
		pid_t pid = fork();

		if (pid == 0) {
			for (size_t i = 0; i < N; i++) {
				REQUIRE(intact(p[i], size[i], i));
				if (i % 3 == 0) {
					p[i] = realloc(p[i], size[i] * 2);
					REQUIRE(p[i]);
					REQUIRE(intact(p[i], size[i], i));
				}
				free(p[i]);
			}
			churn(5000, 1);
			exit(0);
		}
		wait_for(pid);
		/* What the child did is not seen here. */
		for (size_t i = 0; i < N; i++)
			REQUIRE(intact(p[i], size[i], i));
	}
	for (size_t i = 0; i < N; i++)
		free(p[i]);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	alarm(300);
	if (!strcmp(how, "busy"))
		while_busy(60, 0);
	else if (!strcmp(how, "grandchild"))
		while_busy(15, 3);
	else if (!strcmp(how, "thread"))
		from_threads();
	else if (!strcmp(how, "single"))
		fork_often(60, 1);
	else if (!strcmp(how, "inherit"))
		inherit();
	else
		FAIL("what?");
	return 0;
}
