/*
 * reduce.c - of operations that fail, ever smaller subsets that still do: each
 * runs in a process of its own.
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include "oracle.h"

static u32 *keep;		/* indexes, ascending */
static size_t nr_keep;

/* In a process of its own; true: it fails. */
static bool subset_fails(u64 seed, const u32 *set, size_t n)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return false;
	if (!pid) {
		int null = memfd_create("null", 0);

		dup2(null, 1);
		dup2(null, 2);
		alarm(120);
		start(1);
		for (size_t i = 0; i < n; i++)
			one_op(&threads[0], set[i], mix(mix(seed) ^
							mix(set[i])));
		finish(1);
		_exit(0);
	}
	return waitpid(pid, &status, 0) == pid && status;
}

/* Leave out ever smaller parts, as long as what is left still fails. */
static void reduce(u64 seed)
{
	size_t part = nr_keep / 2;
	u32 *rest = mmap(NULL, nr_keep * sizeof(*rest),
			 PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);

	while (part) {
		bool any = false;

		for (size_t at = 0; at < nr_keep;) {
			size_t end = min(at + part, nr_keep);
			size_t n = nr_keep - (end - at);

			memcpy(rest, keep, at * sizeof(*rest));
			memcpy(rest + at, keep + end,
			       (nr_keep - end) * sizeof(*rest));
			if (subset_fails(seed, rest, n)) {
				memcpy(keep, rest, n * sizeof(*rest));
				nr_keep = n;
				any = true;
			} else {
				at = end;
			}
		}
		if (!any || part > nr_keep)
			part = min(part / 2, nr_keep / 2 + (part == 1));
		if (part == 0 && any)
			part = 1;
	}
}

int run_reduced(u64 seed, u64 ops)
{
	nr_keep = ops;
	keep = mmap(NULL, ops * sizeof(*keep), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (u32 i = 0; i < ops; i++)
		keep[i] = i;
	if (!subset_fails(seed, keep, nr_keep)) {
		printf("oracle: seed %lu, %lu operations: all well\n",
		       (unsigned long)seed, (unsigned long)ops);
		return 0;
	}
	reduce(seed);
	printf("oracle: seed %lu: %zu of %lu operations still fail:\n",
	       (unsigned long)seed, nr_keep, (unsigned long)ops);
	for (size_t i = 0; i < nr_keep; i++)
		printf("%u\n", keep[i]);
	fflush(stdout);
	print = true;
	start(1);
	setvbuf(stdout, NULL, _IONBF, 0);
	for (size_t i = 0; i < nr_keep; i++)
		one_op(&threads[0], keep[i], mix(mix(seed) ^ mix(keep[i])));
	finish(1);
	return 1;
}

int run_kept(u64 seed, const char *file)
{
	FILE *f = fopen(file, "r");
	unsigned int i;

	if (!f) {
		perror(file);
		return 3;
	}
	start(1);
	while (fscanf(f, "%u", &i) == 1)
		one_op(&threads[0], i, mix(mix(seed) ^ mix(i)));
	finish(1);
	fclose(f);
	printf("oracle: all well\n");
	return 0;
}
