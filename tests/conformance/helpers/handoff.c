/*
 * handoff.c - memory freed where it was not allocated.
 *
 *   living   four producers, four consumers, a queue between
 *   ended    the allocating thread is gone when its memory is freed
 *   realloc  the other thread reallocs before it frees
 */
#include "helper.h"

#include <pthread.h>

struct message {
	size_t size, seed;
	unsigned char *body;
};

enum { QUEUE = 1024, PER_PRODUCER = 40000, PAIRS = 4 };

static struct message *queue[QUEUE];
static size_t head, tail;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool with_realloc;

static struct message *message_new(uint32_t *rnd)
{
	struct message *m = malloc(sizeof(*m));

	REQUIRE(m);
	m->size = random_next(rnd) % 1000 ? 1 + random_next(rnd) % 700 :
					    random_size(rnd);
	m->seed = random_next(rnd);
	m->body = malloc(m->size);
	REQUIRE(m->body);
	fill(m->body, m->size, m->seed);
	return m;
}

static void message_free(struct message *m)
{
	REQUIRE(intact(m->body, m->size, m->seed));
	if (with_realloc) {
		m->body = realloc(m->body, m->size * 2);
		REQUIRE(m->body && intact(m->body, m->size, m->seed));
	}
	free(m->body);
	free(m);
}

static void *produce(void *arg)
{
	uint32_t rnd = (uintptr_t)arg * 977 + 1;

	for (int i = 0; i < PER_PRODUCER; i++) {
		struct message *m = message_new(&rnd);

		pthread_mutex_lock(&lock);
		while (head - tail == QUEUE)
			pthread_cond_wait(&changed, &lock);
		queue[head++ % QUEUE] = m;
		pthread_cond_broadcast(&changed);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

static void *consume(void *arg)
{
	for (int i = 0; i < PER_PRODUCER; i++) {
		struct message *m;

		pthread_mutex_lock(&lock);
		while (head == tail)
			pthread_cond_wait(&changed, &lock);
		m = queue[tail++ % QUEUE];
		pthread_cond_broadcast(&changed);
		pthread_mutex_unlock(&lock);
		message_free(m);
	}
	return arg;
}

static void living(void)
{
	pthread_t t[2 * PAIRS];

	for (uintptr_t i = 0; i < PAIRS; i++) {
		REQUIRE(!pthread_create(&t[2 * i], NULL, produce, (void *)i));
		REQUIRE(!pthread_create(&t[2 * i + 1], NULL, consume, NULL));
	}
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		pthread_join(t[i], NULL);
	REQUIRE(head == tail);
}

enum { LEFT = 200 };

static void *leave_behind(void *arg)
{
	uint32_t rnd = (uintptr_t)arg * 7919 + 1;
	struct message **left = malloc(LEFT * sizeof(*left));

	REQUIRE(left);
	for (int i = 0; i < LEFT; i++)
		left[i] = message_new(&rnd);
	return left;
}

static void ended(void)
{
	for (uintptr_t round = 0; round < 300; round++) {
		struct message **left;
		void *result;
		pthread_t t;

		REQUIRE(!pthread_create(&t, NULL, leave_behind,
					(void *)round));
		pthread_join(t, &result);
		left = result;
		for (int i = 0; i < LEFT; i++)
			message_free(left[i]);
		free(left);
	}
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	alarm(300);
	with_realloc = !strcmp(how, "realloc");
	if (!strcmp(how, "ended"))
		ended();
	else
		living();
	return 0;
}
