/*
 * limits.c - memory runs out: NULL and ENOMEM, not death, and then again.
 *
 *   as, data        RLIMIT_AS, RLIMIT_DATA: exhaust, check, free, go on
 *   threads         RLIMIT_AS reached by several threads at once
 *   start-as KIB    the limit stands when the program starts
 *   start-data KIB  the same with RLIMIT_DATA
 *   below           the limit is set below what is mapped already
 *   realloc         a realloc that fails leaves the block alone
 *   shrink          a realloc to a smaller size does not fail
 *   cgroup          memory.max: churn through more than it allows in all
 *
 * A limit set late does not bound an allocator that has reserved its space
 * before; so those that count on it set it, and run this program again.
 */
#include "helper.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void limit(int what, size_t bytes)
{
	struct rlimit lim = { bytes, bytes };

	REQUIRE(!setrlimit(what, &lim));
}

struct kept {
	struct kept *next;
	size_t size;
};

/* Allocate @size until NULL; a chain through the objects themselves. */
static struct kept *exhaust(size_t size, size_t at_most, size_t *nr)
{
	struct kept *all = NULL;

	for (*nr = 0; *nr < at_most; ++*nr) {
		struct kept *k;

		errno = 0;
		k = malloc(size);
		if (!k) {
			REQUIRE(errno == ENOMEM);
			return all;
		}
		k->size = size;
		k->next = all;
		fill(k + 1, size - sizeof(*k) < 512 ? size - sizeof(*k) : 512,
		     size);
		all = k;
	}
	return all;
}

static void check_and_free(struct kept *all)
{
	while (all) {
		struct kept *next = all->next;
		size_t n = all->size - sizeof(*all);

		REQUIRE(intact(all + 1, n < 512 ? n : 512, all->size));
		free(all);
		all = next;
	}
}

/* Each class to exhaustion, then again: as much must come as before. */
static void to_the_end(size_t bytes)
{
	static const size_t sizes[] = { 32,	 500,	   4096,   40000,
					300000, 3 << 20, 20 << 20 };
	size_t first[ARRAY_SIZE(sizes)], nr;

	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			size_t most = bytes / sizes[i] * 2 + 10;
			struct kept *all = exhaust(sizes[i], most, &nr);

			REQUIRE(nr < most);
			/* A little may always be had after a little is freed */
			for (int k = 0; k < 10 && all; k++) {
				struct kept *next = all->next;

				free(all);
				all = next;
			}
			free(malloc(24));
			check_and_free(all);
			if (round == 0)
				first[i] = nr;
			else if (nr + nr / 4 + 8 < first[i])
				FAIL("%zu B: first %zu objects, later %zu",
				     sizes[i], first[i], nr);
			/* Most of the limit must be of use. */
			if (nr * sizes[i] + sizes[i] < bytes / 4)
				FAIL("%zu B: only %zu objects of %zu KiB",
				     sizes[i], nr, bytes / KIB);
		}
	churn(20000, 1);
}

static void *exhaust_in_thread(void *arg)
{
	size_t size = (size_t)arg, nr;

	for (int i = 0; i < 5; i++)
		check_and_free(exhaust(size, SIZE_MAX, &nr));
	return NULL;
}

static void in_threads(void)
{
	static const size_t sizes[] = { 48, 600, 5000, 100000 };
	pthread_t t[ARRAY_SIZE(sizes)];

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		REQUIRE(!pthread_create(&t[i], NULL, exhaust_in_thread,
					(void *)sizes[i]));
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		pthread_join(t[i], NULL);
	churn(20000, 1);
}

static void start_under(char **argv, const char *how, int what, size_t bytes)
{
	char text[32], *again[] = { argv[0], (char *)how, text, NULL };

	snprintf(text, sizeof(text), "%zu", bytes);
	limit(what, bytes);
	execv("/proc/self/exe", again);
	FAIL("exec: errno %d", errno);
}

/* A program that needs little must find it under a small limit. */
static void started(size_t bytes)
{
	size_t want = bytes / 4 / 100000, nr;
	struct kept *all = exhaust(100000, want, &nr);

	if (nr < want)
		FAIL("only %zu KiB of %zu KiB", nr * 100, bytes / KIB);
	check_and_free(all);
	churn(20000, 1);
	all = exhaust(1000, SIZE_MAX, &nr);
	check_and_free(all);
	churn(20000, 2);
}

static void below(void)
{
	size_t nr;
	struct kept *all = exhaust(1000, 5000, &nr);
	struct kept *large = exhaust(1 << 20, 5, &nr);

	limit(RLIMIT_AS, 1 * MIB);
	check_and_free(exhaust(200, 300000, &nr));
	check_and_free(exhaust(5 << 20, 20, &nr));
	check_and_free(all);
	check_and_free(large);
	for (int i = 0; i < 100000; i++) {
		void *p = malloc(1 + i % 900);

		REQUIRE(p);
		free(p);
	}
}

static void failing_realloc(void)
{
	static const size_t sizes[] = { 24, 500, 4096, 100000, 3 << 20 };
	void *p[ARRAY_SIZE(sizes)];

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		p[i] = malloc(sizes[i]);
		REQUIRE(p[i]);
		fill(p[i], sizes[i], i);
	}
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		void *q;

		errno = 0;
		REQUIRE(!realloc(p[i], (size_t)8 << 40));
		REQUIRE(errno == ENOMEM);
		q = realloc(p[i], (size_t)90 << 30);
		REQUIRE(!q && errno == ENOMEM);
		REQUIRE(intact(p[i], sizes[i], i));
		errno = 0;
		q = calloc(1, (size_t)90 << 30);
		REQUIRE(!q && errno == ENOMEM);
		REQUIRE(posix_memalign(&q, 4096, (size_t)90 << 30) == ENOMEM);
	}
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		REQUIRE(intact(p[i], sizes[i], i));
		free(p[i]);
	}
}

/* As little is left as there can be, of any size. */
static struct kept *exhaust_all(void)
{
	struct kept *all = NULL;

	for (size_t size = 64 << 20; size >= sizeof(*all); size /= 2) {
		size_t nr;
		struct kept *some = exhaust(size, SIZE_MAX, &nr), *last = some;

		while (last && last->next)
			last = last->next;
		if (last) {
			last->next = all;
			all = some;
		}
	}
	return all;
}

static void shrinking_realloc(void)
{
	static const struct { size_t from, to; } cases[] = {
		{ 60, 1 }, { 200, 20 }, { 1000, 400 }, { 8000, 100 },
		{ 20000, 9000 }, { 100000, 20000 }, { 100000, 2000 },
		{ MIB, 500000 }, { MIB, 100 }, { 3 * MIB, 2 * MIB },
		{ 3 * MIB, 5000 }, { 8 * MIB, 5 * MIB }, { 8 * MIB, MIB },
		{ 8 * MIB, 100000 }, { 8 * MIB, 50 },
	};
	void (*sized)(void *, size_t) = dlsym(RTLD_DEFAULT, "free_sized");
	char *p[ARRAY_SIZE(cases)];
	struct kept *all;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		p[i] = malloc(cases[i].from);
		REQUIRE(p[i]);
		fill(p[i], cases[i].from, i);
	}
	all = exhaust_all();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *q;

		errno = 0;
		q = realloc(p[i], cases[i].to);
		if (!q)
			FAIL("%zu to %zu bytes", cases[i].from, cases[i].to);
		REQUIRE(errno == 0 && malloc_usable_size(q) >= cases[i].to);
		REQUIRE(intact(q, cases[i].to, i));
		fill(q, cases[i].to, i + 1);
		p[i] = q;
	}
	check_and_free(all);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		REQUIRE(intact(p[i], cases[i].to, i + 1));
		if (sized && i % 2) {
			sized(p[i], cases[i].to);
			continue;
		}
		p[i] = realloc(p[i], cases[i].from);
		REQUIRE(p[i] && intact(p[i], cases[i].to, i + 1));
		free(p[i]);
	}
}

static bool write_file(const char *dir, const char *file, const char *text)
{
	char path[256];
	int fd;
	bool ok;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY);
	ok = fd >= 0 && write(fd, text, strlen(text)) > 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

/*
 * 96 MiB allowed, 40 MiB live at a time, sizes that change: an allocator
 * that never reuses what it keeps would be killed.
 */
static void in_cgroup(void)
{
	static const size_t sizes[] = { 64, 3 << 20, 700, 50000, 4096 };
	char v2[] = "/sys/fs/cgroup/liballoc-test-XXXXXX";
	char v1[] = "/sys/fs/cgroup/memory/liballoc-test-XXXXXX";
	const char *dir = mkdtemp(v1), *file = "memory.limit_in_bytes";
	int status;
	size_t nr;
	pid_t pid;

	if (!dir) {
		dir = mkdtemp(v2);
		file = "memory.max";
	}
	if (!dir)
		SKIP("no memory cgroup of our own here");
	if (!write_file(dir, file, "100663296")) {
		rmdir(dir);
		SKIP("no memory limit in the cgroup");
	}
	pid = fork();
	if (pid == 0) {
		if (!write_file(dir, "cgroup.procs", "0"))
			_exit(77);
		alarm(300);
		for (int round = 0; round < 40; round++) {
			size_t size = sizes[round % ARRAY_SIZE(sizes)];

			for (struct kept *k = exhaust(size, (40 << 20) / size,
						      &nr), *next; k;
			     k = next) {
				memset((void *)opaque((char *)(k + 1)), 1,
				       size - sizeof(*k));
				next = k->next;
				free(k);
			}
		}
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0)
		;
	rmdir(dir);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		SKIP("cannot enter the cgroup");
	if (WIFSIGNALED(status))
		FAIL("killed by signal %d", WTERMSIG(status));
	REQUIRE(WEXITSTATUS(status) == 0);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	size_t arg = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;

	alarm(300);
	churn(1000, 1);
	if (!strcmp(how, "as"))
		start_under(argv, "to-the-end", RLIMIT_AS, 300 * MIB);
	else if (!strcmp(how, "data"))
		start_under(argv, "to-the-end", RLIMIT_DATA, 300 * MIB);
	else if (!strcmp(how, "threads"))
		start_under(argv, "in-threads", RLIMIT_AS, 200 * MIB);
	else if (!strcmp(how, "realloc"))
		start_under(argv, "realloc-fails", RLIMIT_AS, 200 * MIB);
	else if (!strcmp(how, "shrink"))
		start_under(argv, "realloc-shrinks", RLIMIT_AS, 300 * MIB);
	else if (!strcmp(how, "realloc-shrinks"))
		shrinking_realloc();
	else if (!strcmp(how, "start-as"))
		start_under(argv, "started", RLIMIT_AS, arg * KIB);
	else if (!strcmp(how, "start-data"))
		start_under(argv, "started", RLIMIT_DATA, arg * KIB);
	else if (!strcmp(how, "to-the-end"))
		to_the_end(arg);
	else if (!strcmp(how, "in-threads"))
		in_threads();
	else if (!strcmp(how, "realloc-fails"))
		failing_realloc();
	else if (!strcmp(how, "started"))
		started(arg);
	else if (!strcmp(how, "below"))
		below();
	else if (!strcmp(how, "cgroup"))
		in_cgroup();
	else
		FAIL("what?");
	return 0;
}
