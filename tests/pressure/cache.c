/*
 * cache.c - a program that caches without bound.
 *
 *   cache [shrink] [old] [threads=N] [total=MIB] [size=BYTES] [random]
 *
 * It makes @total MiB of objects and keeps them all, oldest first in a list.
 * With "shrink" it registers a shrinker that frees the oldest, else the system
 * sees to it.  "old" uses the registration of kernels before 6.7; "random"
 * frees objects all over the place instead, so that slabs get holes.
 *
 * Exit 0: it ran to its end, and every object held what was put into it; 1:
 * an allocation failed, and it stopped; 2: an object did not.  Prints what it did.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIBALLOC_KMEM_NAMES
#include <liballoc.h>

struct object {
	struct object *next;
	size_t number;
	char data[];
};

static struct cache {
	pthread_mutex_t lock;
	struct object *oldest, **newest;	/* a list */
	struct object **slots;			/* or, random, a table */
	size_t nr;
} cache = { .lock = PTHREAD_MUTEX_INITIALIZER };

static size_t size = 1000, total = 1024, nr_slots;
static int random_order;
static atomic_size_t made, evicted, most, failed, wrong;
static atomic_size_t calls;

static void check(const struct object *o)
{
	for (size_t i = 0; i < size - sizeof(*o); i += 97)
		if (o->data[i] != (char)(o->number + i))
			wrong++;
}

static unsigned long count(struct shrinker *s, struct shrink_control *sc)
{
	(void)s;
	(void)sc;
	return cache.nr;
}

static struct object *take_oldest(void)
{
	struct object *o = cache.oldest;

	if (o) {
		cache.oldest = o->next;
		if (!cache.oldest)
			cache.newest = &cache.oldest;
	}
	return o;
}

static struct object *take_random(void)
{
	static uint64_t x = 1;
	struct object *o = NULL;

	while (!o) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		o = cache.slots[x % nr_slots];
		cache.slots[x % nr_slots] = NULL;
	}
	return o;
}

static unsigned long scan(struct shrinker *s, struct shrink_control *sc)
{
	unsigned long freed = 0;

	(void)s;
	calls++;
	/* The caller may hold it. */
	if (pthread_mutex_trylock(&cache.lock))
		return SHRINK_STOP;
	while (freed < sc->nr_to_scan && cache.nr) {
		struct object *o = random_order ? take_random() : take_oldest();

		if (!o)
			break;
		check(o);
		free(o);
		cache.nr--;
		freed++;
	}
	evicted += freed;
	pthread_mutex_unlock(&cache.lock);
	return freed;
}

static void keep(struct object *o)
{
	struct object *old = NULL;

	pthread_mutex_lock(&cache.lock);
	if (random_order) {
		struct object **slot = &cache.slots[o->number % nr_slots];

		old = *slot;
		*slot = o;
	} else {
		*cache.newest = o;
		cache.newest = &o->next;
	}
	cache.nr += !old;
	if (cache.nr * size > most)
		most = cache.nr * size;
	pthread_mutex_unlock(&cache.lock);
	free(old);
}

static void *work(void *arg)
{
	size_t end = (total << 20) / size;

	(void)arg;
	for (size_t n; !failed && (n = made++) < end;) {
		struct object *o = malloc(size);

		if (!o) {
			failed++;
			break;
		}
		o->next = NULL;
		o->number = n;
		for (size_t i = 0; i < size - sizeof(*o); i++)
			o->data[i] = (char)(n + i);
		keep(o);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	static struct shrinker before_6_7 = {
		.count_objects = count, .scan_objects = scan,
		.seeks = DEFAULT_SEEKS,
	};
	struct shrinker *s = NULL;
	int shrink = 0, old = 0, threads = 1;
	pthread_t t[64];

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "shrink"))
			shrink = 1;
		else if (!strcmp(argv[i], "old"))
			old = shrink = 1;
		else if (!strcmp(argv[i], "random"))
			random_order = 1;
		else if (sscanf(argv[i], "threads=%d", &threads) != 1 &&
			 sscanf(argv[i], "total=%zu", &total) != 1 &&
			 sscanf(argv[i], "size=%zu", &size) != 1)
			return 3;
	}
	cache.newest = &cache.oldest;
	nr_slots = (total << 20) / size;
	if (random_order)
		cache.slots = calloc(nr_slots, sizeof(*cache.slots));
	if (old) {
		register_shrinker(&before_6_7, "cache-%d", 6);
	} else if (shrink) {
		s = shrinker_alloc(0, "cache");
		s->count_objects = count;
		s->scan_objects = scan;
		shrinker_register(s);
	}
	for (int i = 0; i < threads; i++)
		pthread_create(&t[i], NULL, work, NULL);
	for (int i = 0; i < threads; i++)
		pthread_join(t[i], NULL);
	if (old)
		unregister_shrinker(&before_6_7);
	shrinker_free(s);
	printf("made %zu MiB, kept %zu MiB at most, evicted %zu MiB in %zu "
	       "calls, now %zu MiB; %zu failed, %zu wrong\n",
	       (size_t)total, (size_t)most >> 20, evicted * size >> 20,
	       (size_t)calls, cache.nr * size >> 20, (size_t)failed,
	       (size_t)wrong);
	return wrong ? 2 : failed ? 1 : 0;
}
