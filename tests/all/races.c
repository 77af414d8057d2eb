/*
 * races.c - four threads in every layer at once, for ThreadSanitizer.
 *
 * Sizes of slabs, pages and areas are allocated, resized and freed, here and
 * by other threads, while two of the threads also ask for figures and give
 * memory back.  So every lock is taken against every other use of what it
 * guards.  Half-way all caches get sides (split.c).
 */
#include "../stress/stress.h"

enum { THREADS = 4, OWN = 64 };

void split_caches(void);

static pthread_mutex_t shelf_lock = PTHREAD_MUTEX_INITIALIZER;
static struct object shelf[256];
static atomic_ulong operations;

/* Up to 8 KiB slabs, up to 4 MiB pages, above areas. */
static size_t any_size(struct random *r)
{
	switch (random_below(r, 64)) {
	case 0:
		return 4 * MIB + random_below(r, 2 * MIB);
	case 1 ... 6:
		return 1 + random_below(r, 100 * KIB);
	default:
		return 1 + random_below(r, 9000);
	}
}

/* What stood on the shelf was made by any thread. */
static void swap(struct object *o, struct random *r)
{
	struct object *other = &shelf[random_below(r, ARRAY_SIZE(shelf))], t;

	pthread_mutex_lock(&shelf_lock);
	t = *other;
	*other = *o;
	*o = t;
	pthread_mutex_unlock(&shelf_lock);
}

static void alloc(struct object *o, struct random *r)
{
	size_t align = (size_t)16 << random_below(r, 10);

	o->size = any_size(r);
	switch (random_below(r, 8)) {
	case 0:
		o->p = calloc(1, o->size);
		break;
	case 1:
		o->p = aligned_alloc(align, o->size);
		break;
	default:
		o->p = malloc(o->size);
	}
	REQUIRE(o->p);
	object_fill(o);
}

static void resize(struct object *o, struct random *r)
{
	struct object old = *o;

	o->size = any_size(r);
	o->p = realloc(old.p, o->size);
	REQUIRE(o->p);
	bytes_check(&old, o->p, old.size < o->size ? old.size : o->size,
		    "after realloc");
	object_fill(o);
}

static void look(struct object *o, struct random *r)
{
	struct mallinfo2 m;

	switch (random_below(r, 3)) {
	case 0:
		m = mallinfo2();
		REQUIRE(m.uordblks <= m.arena);
		break;
	case 1:
		malloc_trim(random_below(r, MIB));
		break;
	default:
		if (o->p)
			REQUIRE(malloc_usable_size(o->p) >= o->size);
	}
}

static void *run(void *arg)
{
	struct random r = random_start((uintptr_t)arg + 1);
	struct object own[OWN] = { 0 };

	while (!time_is_up()) {
		for (int k = 0; k < 200; k++) {
			struct object *o = &own[random_below(&r, OWN)];

			if (random_below(&r, 4) == 0)
				swap(o, &r);
			if (o->p && random_below(&r, 4) == 0)
				resize(o, &r);
			object_free(o, "any thread's");
			if (random_below(&r, 4))
				alloc(o, &r);
		}
		if ((uintptr_t)arg < 2)
			look(&own[random_below(&r, OWN)], &r);
		atomic_fetch_add(&operations, 200);
	}
	for (size_t i = 0; i < OWN; i++)
		object_free(&own[i], "own, at the end");
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t t[THREADS];

	stress_start(argc, argv);
	for (uintptr_t i = 0; i < THREADS; i++)
		REQUIRE(!pthread_create(&t[i], NULL, run, (void *)i));
	usleep((useconds_t)((stress_end - stress_now()) * 5e5));
	split_caches();
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	for (size_t i = 0; i < ARRAY_SIZE(shelf); i++)
		object_free(&shelf[i], "on the shelf");
	printf("%lu operations\n", atomic_load(&operations));
	return 0;
}
