/*
 * literature.h - what the programs of bench/literature share.
 *
 * Each is called with a factor for the work and then its numbers, which the
 * table `rows` beside this file gives:
 *
 *	PROGRAM FACTOR NUMBER...
 *
 * They are written from what papers, manuals and read-me files say of the
 * programs they are named after, none from a source: a row compares with the
 * other allocators of its run, not with figures published elsewhere.
 */
#ifndef LITERATURE_H
#define LITERATURE_H

#include "../bench.h"

#define MAX_THREADS 128

/* Reads @nr numbers, @names of which say how to call the program. */
static inline double bench_begin_with(int argc, char **argv, uint64_t *number,
				      int nr, const char *names)
{
	int i;

	if (argc != nr + 2) {
		fprintf(stderr, "usage: %s FACTOR %s\n", argv[0], names);
		exit(2);
	}
	for (i = 0; i < nr; i++)
		number[i] = strtoull(argv[i + 2], NULL, 10);
	return bench_begin(argc, argv);
}

/* @nr threads, each told its number; returns when all have ended. */
static inline void on_threads(uint64_t nr, void *(*work)(void *))
{
	pthread_t t[MAX_THREADS];
	uint64_t i;

	if (nr > MAX_THREADS)
		bench_die("too many threads");
	for (i = 0; i < nr; i++)
		spawn(&t[i], work, (void *)(uintptr_t)i);
	for (i = 0; i < nr; i++)
		join(t[i]);
}

/* An array of @nr elements that grows by doubling. */
static inline void *room_for_one(void *array, size_t nr, size_t *capacity,
				 size_t size)
{
	if (nr < *capacity)
		return array;
	*capacity = *capacity ? *capacity * 2 : 4;
	return must(realloc(array, *capacity * size));
}

/* An object of @size and its size, in one place of a table. */
struct place {
	void *obj;
	size_t size;
};

static inline struct place *places(uint64_t nr)
{
	return must(calloc(nr, sizeof(struct place)));
}

static inline void place_fill(struct place *p, size_t size, uint64_t tag)
{
	p->size = size;
	p->obj = get(size, tag);
}

static inline void place_empty(struct place *p, uint64_t tag)
{
	if (p->obj)
		put(p->obj, p->size, tag);
	p->obj = NULL;
}

static inline void places_end(struct place *p, uint64_t nr)
{
	uint64_t i;

	for (i = 0; i < nr; i++)
		place_empty(&p[i], i);
	free(p);
}

#endif /* LITERATURE_H */
