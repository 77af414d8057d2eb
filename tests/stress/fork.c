/*
 * fork.c - is the heap whole in a child, whatever the other threads did?
 *
 * Four threads allocate all the time, two others fork.  A child checks what
 * it inherited, frees half of it, allocates, makes a thread, and forks again
 * down to a grandchild; then it ends by exit() or _exit().
 */
#include "stress.h"

enum { BUSY = 4, FORKERS = 2, KEEP = 300 };

static atomic_ulong forks;

static void churn(struct random *r, int rounds)
{
	struct object own[64] = { { NULL, 0, 0 } };

	for (int i = 0; i < rounds; i++) {
		struct object *o = &own[random_below(r, ARRAY_SIZE(own))];

		object_free(o, "churn");
		REQUIRE(object_alloc(o, random_size(r, 40000)));
	}
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		object_free(&own[i], "churn, at the end");
}

static void *busy(void *arg)
{
	struct random r = random_start((uintptr_t)arg + 1);

	while (!time_is_up())
		churn(&r, 300);
	return NULL;
}

static void *thread_in_child(void *arg)
{
	struct random r = random_start((uintptr_t)arg);

	churn(&r, 300);
	return NULL;
}

static void fork_once(struct object *kept, struct random *r, int depth);

static _Noreturn void child(struct object *kept, struct random *r, int depth)
{
	pthread_t t;

	alarm(30);
	churn(r, 200);
	REQUIRE(!pthread_create(&t, NULL, thread_in_child,
				(void *)(uintptr_t)getpid()));
	for (size_t i = 0; i < KEEP; i++)
		if (random_below(r, 2))
			object_free(&kept[i], "inherited");
		else if (kept[i].p)
			object_check(&kept[i], "inherited");
	if (depth)
		fork_once(kept, r, depth - 1);
	pthread_join(t, NULL);
	if (random_below(r, 2))
		_exit(0);
	exit(0);
}

static void fork_once(struct object *kept, struct random *r, int depth)
{
	pid_t pid = fork();

	if (pid == 0) {
		r->state = mix(r->state + getpid()) | 1;
		child(kept, r, depth);
	}
	churn(r, 100);
	wait_for(pid);
	atomic_fetch_add(&forks, 1);
}

static void *forker(void *arg)
{
	struct random r = random_start((uintptr_t)arg + 100);
	struct object kept[KEEP] = { { NULL, 0, 0 } };

	while (!time_is_up()) {
		for (size_t i = 0; i < KEEP; i++)
			if (!kept[i].p)
				REQUIRE(object_alloc(&kept[i],
						     random_size(&r, 9000)));
		fork_once(kept, &r, random_below(&r, 3));
		object_free(&kept[random_below(&r, KEEP)], "parent");
	}
	for (size_t i = 0; i < KEEP; i++)
		object_free(&kept[i], "parent, at the end");
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t t[BUSY + FORKERS];

	stress_start(argc, argv);
	for (uintptr_t i = 0; i < ARRAY_SIZE(t); i++)
		REQUIRE(!pthread_create(&t[i], NULL, i < BUSY ? busy : forker,
					(void *)i));
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		pthread_join(t[i], NULL);
	printf("%lu forks\n", atomic_load(&forks));
	return 0;
}
