/*
 * forks - a process with a heap forks, and both sides go on.
 *
 * 150,000 objects; each child replaces 20,000 random ones and ends, the parent
 * 2,000 before the next.  What an allocator writes near objects, and where it
 * puts new ones, decides how many pages have to be copied.
 *
 * After: preforking servers, and redis, whose snapshots are forks.
 */
#include <sys/wait.h>
#include "literature.h"

#define OBJECTS 150000

static void *obj[OBJECTS];

static void replace(struct rng *r, int nr)
{
	for (; nr; nr--) {
		uint64_t k = rng_below(r, OBJECTS);

		put_self(obj[k]);
		obj[k] = get_self(rng_size(r, 16, 6));
	}
}

int main(int argc, char **argv)
{
	struct rng r = rng_seed(1);
	uint64_t n[1], children, i;
	double scale;
	int status;

	scale = bench_begin_with(argc, argv, n, 1, "CHILDREN");
	children = scaled(n[0], scale);
	for (i = 0; i < OBJECTS; i++)
		obj[i] = get_self(rng_size(&r, 16, 6));
	for (i = 0; i < children; i++) {
		pid_t child = fork();

		if (child < 0)
			bench_die("cannot fork");
		if (!child) {
			replace(&r, 20000);
			_exit(0);
		}
		if (waitpid(child, &status, 0) != child || status)
			bench_die("a child failed");
		replace(&r, 2000);
	}
	return bench_end("forks", children * 22000);
}
