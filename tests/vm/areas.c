/*
 * areas.c - what if a program has more large blocks than it may have mappings?
 *
 *	areas COUNT
 *
 * COUNT areas of 5 MiB live at once, their ends written, then every other one
 * is freed, the rest grows, and the holes are filled again.  Each area may
 * cost a mapping or more; the kernel allows fewer.  Nothing may fail, and the
 * program must still be able to make mappings: its threads need stacks.
 */
#include "vm.h"

enum { MOST = 4000, SIZE = 5 << 20 };

static struct object areas[MOST];

static size_t nr_mappings(void)
{
	static char text[1 << 16];
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	size_t lines = 0;
	ssize_t n;

	REQUIRE(fd >= 0);
	while ((n = read(fd, text, sizeof(text))) > 0)
		for (ssize_t i = 0; i < n; i++)
			lines += text[i] == '\n';
	close(fd);
	return lines;
}

/* Both ends and their key: all of it would be more memory than there is. */
static void mark(struct object *o)
{
	o->key = mix((uintptr_t)o->p ^ o->size);
	memcpy(o->p, &o->key, 8);
	memcpy(o->p + o->size - 8, &o->key, 8);
}

static void check(const struct object *o, size_t size, const char *when)
{
	if (memcmp(o->p, &o->key, 8) ||
	    memcmp(o->p + size - 8, &o->key, 8))
		FAIL("area %td at %p %s: its ends changed", o - areas,
		     (void *)o->p, when);
}

static void take(struct object *o)
{
	o->size = SIZE;
	o->p = malloc(SIZE);
	if (!o->p)
		FAIL("area %td: NULL, errno %d, %zu mappings", o - areas,
		     errno, nr_mappings());
	mark(o);
}

static void grow(struct object *o)
{
	unsigned char *p = realloc(o->p, o->size + MIB);

	if (!p)
		FAIL("area %td: cannot grow, errno %d, %zu mappings",
		     o - areas, errno, nr_mappings());
	o->p = p;
	check(o, SIZE, "after realloc()");
	o->size += MIB;
	mark(o);
}

static void *nothing(void *arg)
{
	return arg;
}

static void others_can_map(void)
{
	pthread_t t[16];

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		if ((errno = pthread_create(&t[i], NULL, nothing, NULL)))
			FAIL("thread %zu: errno %d, %zu mappings", i, errno,
			     nr_mappings());
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		REQUIRE(!pthread_join(t[i], NULL));
}

int main(int argc, char **argv)
{
	size_t nr = argc > 1 ? strtoul(argv[1], NULL, 0) : 0;
	char most[32];

	REQUIRE(nr && nr <= MOST);
	file_text("/proc/sys/vm/max_map_count", most, sizeof(most));
	REQUIRE(strtoul(most, NULL, 0) < nr);
	for (size_t i = 0; i < nr; i++)
		take(&areas[i]);
	printf("%zu areas, %zu mappings\n", nr, nr_mappings());
	fflush(stdout);
	others_can_map();
	for (size_t i = 0; i < nr; i += 2) {
		check(&areas[i], SIZE, "at the first free");
		free(areas[i].p);
	}
	for (size_t i = 1; i < nr; i += 20)
		grow(&areas[i]);
	for (size_t i = 0; i < nr; i += 2)
		take(&areas[i]);
	others_can_map();
	for (size_t i = 0; i < nr; i++) {
		check(&areas[i], areas[i].size, "at the end");
		free(areas[i].p);
	}
	printf("%zu mappings when all are freed\n", nr_mappings());
	return 0;
}
