/*
 * shrinker_old_twice.c - the same, as kernels before 6.7 register.
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
	static struct shrinker s = {
		.count_objects = none, .scan_objects = none,
	};

	CALL(register_shrinker)(&s, "images");
	CALL(register_shrinker)(bad(&s), "images");
	return 0;
}
