/*
 * shrinker_twice.c - a shrinker is registered twice.
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
	struct shrinker *s = CALL(shrinker_alloc)(0, "images-%d", 1);

	if (!s)
		_exit(5);
	s->count_objects = s->scan_objects = none;
	CALL(shrinker_register)(s);
	CALL(shrinker_register)(bad(s));
	return 0;
}
