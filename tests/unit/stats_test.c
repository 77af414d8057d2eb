/*
 * stats_test.c - does every counter have a name of its own, a help text and a
 * count that no thread loses?
 */
#include "unit.h"

Test(stats, names_and_help)
{
	for (u32 i = 0; i < NR_STATS; i++) {
		cr_assert_gt(strlen(stat_name(i)), 0);
		cr_assert_gt(strlen(stat_help(i)), 0);
		cr_assert_eq(stat_read(i), 0);
		/* They are printed as name=value: no blanks. */
		cr_assert_null(strpbrk(stat_name(i), " =,\n"));
		for (u32 j = 0; j < i; j++)
			cr_assert_str_neq(stat_name(i), stat_name(j));
	}
	cr_assert_str_eq(stat_name(STAT_BARN_GET), "barn_get");
	cr_assert_str_eq(stat_name(STAT_ENOMEM), "enomem");
}

static pthread_barrier_t start;

static void *add(void *arg)
{
	pthread_barrier_wait(&start);
	for (u32 i = 0; i < 1000000; i++) {
		stat_add(STAT_SLAB_ALLOC, 1);
		stat_add(STAT_SLAB_FREE, 3);
		__asm__ volatile("" : : : "memory");
	}
	return NULL;
}

Test(stats, no_addition_is_lost)
{
	pthread_t t[4];

	pthread_barrier_init(&start, NULL, 4);
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, add, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	cr_assert_eq(stat_read(STAT_SLAB_ALLOC), 4000000);
	cr_assert_eq(stat_read(STAT_SLAB_FREE), 12000000);
	cr_assert_eq(stat_read(STAT_SLAB_NEW), 0);
}
