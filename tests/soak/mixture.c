/*
 * mixture.c - a program that allocates in every way, for as long as it is told.
 *
 *	mixture SECONDS
 *
 * Six threads: each keeps a table of objects of mixed sizes and replaces
 * random ones, two of them hand objects to the others, one in a thousand steps
 * grows a large buffer by realloc, and threads end and are replaced every few
 * seconds, the new one taking over the table.  So the number of objects alive
 * is the same all the time once the tables are full, however fast the machine
 * is: memory that grows after that is the allocator's.  Contents are checked.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { THREADS = 6, TABLE = 3000, MAIL = 256 };

struct object {
	size_t size;
	unsigned char first, last;
};

static struct object *tables[THREADS][TABLE];
static _Atomic(struct object *) mail[MAIL];
static atomic_ulong nr_steps;
static double end;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t rnd(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	return *s ^= *s << 17;
}

static size_t random_size(uint64_t *s)
{
	uint64_t r = rnd(s);
	unsigned shift = (unsigned)(r >> 32) % 100;

	if (shift < 90)		/* 24 bytes to 1.5 KiB */
		return 24 + r % (24u << shift % 7);
	if (shift < 99)		/* to 40 KiB */
		return 1000 + r % 40000;
	return 100000 + r % 400000;
}

static struct object *make(uint64_t *s)
{
	size_t size = random_size(s);
	struct object *o = rnd(s) % 8 ? malloc(size) : calloc(1, size);

	if (!o)
		abort();
	o->size = size;
	o->first = (unsigned char)size;
	((unsigned char *)o)[size - 1] = o->first;
	return o;
}

static void drop(struct object *o)
{
	if (o && (o->first != (unsigned char)o->size ||
		  ((unsigned char *)o)[o->size - 1] != o->first)) {
		fprintf(stderr, "mixture: contents lost\n");
		abort();
	}
	free(o);
}

static void grow_buffer(uint64_t *s)
{
	size_t size = 1000, most = 100000 + rnd(s) % 6000000;
	char *p = malloc(size);

	for (; p && size < most; size += size / 2 + 1) {
		p[size - 1] = 1;
		p = realloc(p, size + size / 2 + 1);
	}
	free(p);
}

static void *work(void *arg)
{
	uint64_t s = (uintptr_t)arg * 0x9e3779b97f4a7c15u + 1;
	struct object **table = tables[(uintptr_t)arg % THREADS];
	double stop = now() + 3 + (double)(rnd(&s) % 4000) / 1000;
	unsigned long step = 0;

	for (; ++step % 256 || now() < (stop < end ? stop : end);) {
		unsigned at = (unsigned)(rnd(&s) % TABLE);

		if (step % 7 == 0) {
			unsigned box = (unsigned)(rnd(&s) % MAIL);

			drop(atomic_exchange(&mail[box], make(&s)));
		}
		drop(table[at]);
		table[at] = make(&s);
		if (step % 1000 == 0)
			grow_buffer(&s);
		/* A server waits most of its time. */
		if (step % 512 == 0)
			nanosleep(&(struct timespec){ .tv_nsec = 2000000 },
				  NULL);
	}
	atomic_fetch_add(&nr_steps, step);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t t[THREADS];
	uintptr_t seed = 1;

	end = now() + (argc > 1 ? atof(argv[1]) : 10);
	/* The number says whose table it is: seed % THREADS goes with t[i]. */
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, work, (void *)seed++))
			abort();
	for (int i = 0; now() < end; i = (i + 1) % THREADS) {
		pthread_join(t[i], NULL);
		if (pthread_create(&t[i], NULL, work, (void *)seed++))
			abort();
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	for (int i = 0; i < THREADS; i++)
		for (int at = 0; at < TABLE; at++)
			drop(tables[i][at]);
	for (int i = 0; i < MAIL; i++)
		drop(mail[i]);
	printf("%lu steps\n", nr_steps);
	return 0;
}
