/*
 * shrinker_free_twice.c - a shrinker is freed twice.
 */
#include "kmem.h"

int main(void)
{
	struct shrinker *s = CALL(shrinker_alloc)(0, "images");

	if (!s)
		_exit(5);
	CALL(shrinker_free)(s);
	CALL(shrinker_free)(bad(s));
	return 0;
}
