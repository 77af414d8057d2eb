/*
 * fallback.c - when a node is full, does memory come from the other one?
 *
 * A child binds itself to node 1 and fills it but for 96 MiB, of which the
 * kernel keeps about 40 to itself.  Then a thread on node 1 asks for 250 MiB,
 * in all kinds.  Every request must be granted, what was written must stay,
 * and nobody may be killed for it.
 */
#include "vm.h"

#include <signal.h>

enum { LEFT_KIB = 96 << 10, STEP = 4 << 20, NODE = 1, MOST = 60000 };

static const struct load {
	struct kind kind;
	size_t count;
} loads[] = {
	{ { "pages", 4 * KIB, 128 * KIB }, 1500 },
	{ { "large", 6 * MIB, 6 * MIB }, 16 },
	{ { "small", 16, 2000 }, 50000 },
};

static struct object objects[MOST];
static size_t nr;
static struct places found;

/* libc's headers have neither of them. */
enum { BIND = 2 };

static void fill_the_node(int ready)
{
	unsigned long mask = 1ul << NODE;

	REQUIRE(!syscall(SYS_set_mempolicy, BIND, &mask, 8 * sizeof(mask)));
	while (node_free_kib(NODE) > LEFT_KIB + (STEP >> 10)) {
		char *p = mmap(NULL, STEP, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		REQUIRE(p != MAP_FAILED);
		for (size_t i = 0; i < STEP; i += 4096)
			p[i] = 1;
	}
	REQUIRE(write(ready, "", 1) == 1);
	for (;;)
		pause();
}

static pid_t start_filler(void)
{
	int ready[2];
	char c;
	pid_t pid;

	REQUIRE(!pipe(ready));
	pid = fork();
	REQUIRE(pid >= 0);
	if (!pid) {
		close(ready[0]);
		fill_the_node(ready[1]);
	}
	close(ready[1]);
	REQUIRE(read(ready[0], &c, 1) == 1);
	close(ready[0]);
	return pid;
}

static void *take_all(void *arg)
{
	struct random r = random_start(1);

	pin_to_cpu(node_cpu(NODE));
	for (size_t l = 0; l < ARRAY_SIZE(loads); l++)
		for (size_t i = 0; i < loads[l].count; i++) {
			struct object *o = &objects[nr++];

			if (!object_alloc(o, kind_size(&loads[l].kind, &r)))
				FAIL("%s: no memory after %zu objects",
				     loads[l].kind.name, i);
			object_touch(o);
		}
	places_count(&found, objects, nr);
	return arg;
}

int main(void)
{
	pid_t filler = start_filler();
	pthread_t t;
	int status;

	printf("free: node 0 %zu MiB, node 1 %zu MiB\n",
	       node_free_kib(0) >> 10, node_free_kib(1) >> 10);
	REQUIRE(!pthread_create(&t, NULL, take_all, NULL));
	REQUIRE(!pthread_join(t, NULL));
	printf("pages taken: node 0 %zu, node 1 %zu\n", found.pages[0],
	       found.pages[1]);
	/* Else the node was not full, and nothing was tried. */
	REQUIRE(found.pages[0] > found.pages[1]);
	REQUIRE(!waitpid(filler, &status, WNOHANG));
	while (nr)
		object_free(&objects[--nr], "fallback");
	REQUIRE(!kill(filler, SIGKILL) && waitpid(filler, &status, 0) == filler);
	return 0;
}
