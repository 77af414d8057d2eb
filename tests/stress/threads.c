/*
 * threads.c - do threads that allocate, free and hand over at random agree?
 *
 * Each thread has objects of its own and a mailbox; one operation in eight
 * gives an object to a random other thread, which checks and frees it.  So
 * objects are freed where they were made, elsewhere, late and at once.
 */
#include "stress.h"

enum { THREADS = 6, OWN = 2000, BOX = 256 };

struct mailbox {
	pthread_mutex_t lock;
	size_t count;
	struct object box[BOX];
};

static struct mailbox mail[THREADS];
static atomic_ulong operations;

static bool send(struct mailbox *m, struct object *o)
{
	bool sent;

	pthread_mutex_lock(&m->lock);
	sent = m->count < BOX;
	if (sent)
		m->box[m->count++] = *o;
	pthread_mutex_unlock(&m->lock);
	if (sent)
		o->p = NULL;
	return sent;
}

static void receive(struct mailbox *m, struct random *r)
{
	struct object got[BOX];
	size_t n;

	pthread_mutex_lock(&m->lock);
	n = m->count;
	memcpy(got, m->box, n * sizeof(*got));
	m->count = 0;
	pthread_mutex_unlock(&m->lock);
	while (n) {
		struct object *o = &got[random_below(r, n)];

		object_free(o, "from another thread");
		*o = got[--n];
	}
}

static void *run(void *arg)
{
	struct random r = random_start((uintptr_t)arg + 1);
	struct mailbox *mine = &mail[(uintptr_t)arg];
	struct object *own = calloc(OWN, sizeof(*own));

	REQUIRE(own);
	while (!time_is_up()) {
		for (int k = 0; k < 1000; k++) {
			struct object *o = &own[random_below(&r, OWN)];
			size_t most = random_below(&r, 200) ? 2000 : 300000;

			if (o->p && random_below(&r, 8) == 0)
				send(&mail[random_below(&r, THREADS)], o);
			object_free(o, "own");
			if (random_below(&r, 5))
				REQUIRE(object_alloc(o, random_size(&r,
								    most)));
		}
		receive(mine, &r);
		atomic_fetch_add(&operations, 1000);
	}
	for (size_t i = 0; i < OWN; i++)
		object_free(&own[i], "own, at the end");
	free(own);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t t[THREADS];
	struct random r;

	stress_start(argc, argv);
	for (size_t i = 0; i < THREADS; i++)
		pthread_mutex_init(&mail[i].lock, NULL);
	for (uintptr_t i = 0; i < THREADS; i++)
		REQUIRE(!pthread_create(&t[i], NULL, run, (void *)i));
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	r = random_start(0);
	for (size_t i = 0; i < THREADS; i++)
		receive(&mail[i], &r);
	printf("%lu operations\n", atomic_load(&operations));
	return 0;
}
