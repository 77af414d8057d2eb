/*
 * refcount_test.c - counts that saturate, and objects freed by their last
 * reference.
 */
#include "unit.h"

#include "liballoc.h"

static alloc_refcount_t r;

Test(refcount, counts)
{
	alloc_refcount_t two = ALLOC_REFCOUNT_INIT(2);

	alloc_refcount_set(&r, 1);
	alloc_refcount_inc(&r);
	alloc_refcount_add(3, &r);
	cr_assert_eq(alloc_refcount_read(&r), 5);
	alloc_refcount_dec(&r);
	cr_assert(!alloc_refcount_sub_and_test(2, &r));
	cr_assert(alloc_refcount_inc_not_zero(&r));
	cr_assert(!alloc_refcount_dec_if_one(&r));
	cr_assert(alloc_refcount_dec_not_one(&r));
	cr_assert(!alloc_refcount_dec_and_test(&r));
	cr_assert(!alloc_refcount_dec_not_one(&r));
	cr_assert_eq(alloc_refcount_read(&r), 1);
	cr_assert(alloc_refcount_dec_and_test(&r));
	cr_assert(!alloc_refcount_inc_not_zero(&r));
	cr_assert_eq(alloc_refcount_read(&r), 0);
	cr_assert(alloc_refcount_sub_and_test(2, &two));
	alloc_refcount_set(&two, 1);
	cr_assert(alloc_refcount_dec_if_one(&two));
}

/* What happens, and what is said of it. */
static void overflow(void *arg)
{
	alloc_refcount_set(&r, ALLOC_REFCOUNT_MAX);
	alloc_refcount_inc(&r);
}

static void overflow_not_zero(void *arg)
{
	alloc_refcount_set(&r, ALLOC_REFCOUNT_MAX - 1);
	if (!alloc_refcount_add_not_zero(5, &r))
		_exit(1);
}

static void add_on_zero(void *arg)
{
	alloc_refcount_set(&r, 0);
	alloc_refcount_inc(&r);
}

static void underflow(void *arg)
{
	alloc_refcount_set(&r, 0);
	if (alloc_refcount_dec_and_test(&r))
		_exit(1);
}

static void underflow_by_two(void *arg)
{
	alloc_refcount_set(&r, 1);
	if (alloc_refcount_sub_and_test(2, &r))
		_exit(1);
}

static void not_one_of_zero(void *arg)
{
	alloc_refcount_set(&r, 0);
	if (!alloc_refcount_dec_not_one(&r))
		_exit(1);
}

static void leak(void *arg)
{
	alloc_refcount_set(&r, 1);
	alloc_refcount_dec(&r);
}

struct said {
	void (*fn)(void *arg);
	const char *text;
};

/* Saturated, and nothing gets it out of there or says more. */
static void then(void *arg)
{
	const struct said *s = arg;

	s->fn(NULL);
	if (alloc_refcount_read(&r) != (u32)ALLOC_REFCOUNT_SATURATED)
		_exit(2);
	for (u32 i = 0; i < 100000; i++)
		s->fn == leak ? alloc_refcount_dec(&r) :
		s->fn == overflow ? alloc_refcount_inc(&r) :
				    (void)alloc_refcount_dec_not_one(&r);
	if ((int)alloc_refcount_read(&r) > ALLOC_REFCOUNT_SATURATED / 2 ||
	    !alloc_refcount_inc_not_zero(&r) ||
	    alloc_refcount_dec_if_one(&r))
		_exit(3);
}

Test(refcount, saturates)
{
	static const struct said all[] = {
		{ overflow, "saturated; leaking memory" },
		{ overflow_not_zero, "saturated; leaking memory" },
		{ add_on_zero, "addition on 0; use after free" },
		{ underflow, "underflow; use after free" },
		{ underflow_by_two, "underflow; use after free" },
		{ not_one_of_zero, "underflow; use after free" },
		{ leak, "decrement hit 0; leaking memory" },
	};

	for (u32 i = 0; i < ARRAY_SIZE(all); i++) {
		char text[2048], want[100];
		int status = unit_child(then, (void *)&all[i], text,
					sizeof(text));

		snprintf(want, sizeof(want), "liballoc: refcount_t: %p (%s)\n",
			 (void *)&r, all[i].text);
		cr_assert_eq(status, 0, "%u: status %x", i, status);
		/* The last line of then() adds one of its own kind. */
		cr_assert(!strncmp(text, want, strlen(want)), "%u: %s", i,
			  text);
	}
}

/* --- krefs --- */

struct object {
	struct alloc_kref kref;
	u32 *freed;
	pthread_mutex_t *lock;
};

static void release(struct alloc_kref *kref)
{
	struct object *o = container_of(kref, struct object, kref);

	__atomic_fetch_add(o->freed, 1, __ATOMIC_RELAXED);
	if (o->lock)
		pthread_mutex_unlock(o->lock);
	free(o);
}

Test(refcount, kref)
{
	u32 freed = 0;
	struct object *o = calloc(1, sizeof(*o));

	o->freed = &freed;
	alloc_kref_init(&o->kref);
	cr_assert_eq(alloc_kref_read(&o->kref), 1);
	alloc_kref_get(&o->kref);
	cr_assert(alloc_kref_get_unless_zero(&o->kref));
	cr_assert_eq(alloc_kref_put(&o->kref, release), 0);
	cr_assert_eq(alloc_kref_put(&o->kref, release), 0);
	cr_assert_eq(freed, 0);
	cr_assert_eq(alloc_kref_put(&o->kref, release), 1);
	cr_assert_eq(freed, 1);
}

#define ROUNDS 20000

static struct object *objects[ROUNDS];

static void *put_all(void *arg)
{
	for (u32 i = 0; i < ROUNDS; i++)
		alloc_kref_put(&objects[i]->kref, release);
	return NULL;
}

static void *put_all_mutex(void *arg)
{
	for (u32 i = 0; i < ROUNDS; i++)
		alloc_kref_put_mutex(&objects[i]->kref, release, arg);
	return NULL;
}

static void race(void *(*put)(void *arg), pthread_mutex_t *lock)
{
	u32 freed = 0;
	pthread_t t[3];

	for (u32 i = 0; i < ROUNDS; i++) {
		objects[i] = calloc(1, sizeof(*objects[i]));
		objects[i]->freed = &freed;
		objects[i]->lock = lock;
		alloc_refcount_set(&objects[i]->kref.refcount, 3);
	}
	for (u32 i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, put, lock);
	for (u32 i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	cr_assert_eq(freed, ROUNDS, "%u freed", freed);
}

Test(refcount, last_of_three_threads_frees) { race(put_all, NULL); }

Test(refcount, last_of_three_threads_frees_locked)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

	race(put_all_mutex, &lock);
	cr_assert_eq(pthread_mutex_trylock(&lock), 0, "it was given back");
}
