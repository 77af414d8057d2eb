/*
 * shrinker_no_callback.c - a shrinker without scan_objects() is registered.
 */
#include "kmem.h"

static unsigned long none(struct shrinker *s, struct shrink_control *sc)
{
	(void)s;
	(void)sc;
	return 0;
}

int main(void)
{
	struct shrinker *s = CALL(shrinker_alloc)(0, "images");

	if (!s)
		_exit(5);
	s->count_objects = none;
	CALL(shrinker_register)(s);
	return 0;
}
