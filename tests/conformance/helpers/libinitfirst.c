/*
 * libinitfirst.c - linked with -z initfirst: initialised before everyone.
 *
 * Its destructor has something to free that was allocated before the
 * allocator's own constructor ran.
 */
#include "helper.h"

static void *objects[100];

void **initfirst_objects(void);
void **initfirst_objects(void)
{
	return objects;
}

__attribute__((constructor)) static void first(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(objects); i++) {
		objects[i] = malloc(1 + i * 10);
		REQUIRE(objects[i]);
		fill(objects[i], 1 + i * 10, i);
	}
	churn(500, 1);
}

__attribute__((destructor)) static void last(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(objects); i++) {
		REQUIRE(intact(objects[i], 1 + i * 10, i));
		free(objects[i]);
	}
	churn(500, 2);
	if (write(STDOUT_FILENO, "initfirst freed\n", 16) != 16)
		_exit(1);
}
