/*
 * placement.c - does a thread get memory of its own node?
 *
 *	placement fresh|recycled|handed|beside NODE
 *
 * A thread on a CPU of NODE, the taker, allocates small objects, pages and
 * large areas and writes them; the kernel says where each page lies.  Before:
 *
 *   fresh	nothing
 *   recycled	a thread on the other node has allocated twice as much,
 *		written it and freed it
 *   handed	the same, but the taker is who frees it
 *   beside	a thread on the other node allocates at the same time
 *
 * The kernel's own policy places fresh memory; of what was used before, only
 * the allocator knows where it lies.
 */
#include "vm.h"

enum { MOST = 40000 };

static const double enough = 95;

static const struct load {
	struct kind kind;
	size_t count;
} loads[] = {
	{ { "small", 16, 1000 }, 20000 },
	{ { "pages", 4 * KIB, 128 * KIB }, 300 },
	{ { "large", 6 * MIB, 6 * MIB }, 5 },
};

enum actor { TAKER, GIVER, ACTORS };

static struct object objects[ACTORS][MOST];
static struct places found[ACTORS];
static int cpu_of[ACTORS];
static pthread_barrier_t together;

struct job {
	const struct load *load;
	enum actor actor;
	void (*act)(const struct job *);
};

static void take(const struct load *l, enum actor a, size_t count)
{
	struct random r = random_start((uint64_t)a + 1);

	for (size_t i = 0; i < count; i++) {
		REQUIRE(object_alloc(&objects[a][i], kind_size(&l->kind, &r)));
		object_touch(&objects[a][i]);
	}
}

static void give(enum actor a, size_t count)
{
	for (size_t i = 0; i < count; i++)
		object_free(&objects[a][i], "placement");
}

static void take_and_look(const struct job *j)
{
	take(j->load, j->actor, j->load->count);
	memset(&found[j->actor], 0, sizeof(found[j->actor]));
	places_count(&found[j->actor], objects[j->actor], j->load->count);
	give(j->actor, j->load->count);
}

static void take_twice(const struct job *j)
{
	take(j->load, GIVER, 2 * j->load->count);
}

static void take_twice_and_give(const struct job *j)
{
	take(j->load, GIVER, 2 * j->load->count);
	give(GIVER, 2 * j->load->count);
}

static void give_and_take(const struct job *j)
{
	give(GIVER, 2 * j->load->count);
	take_and_look(j);
}

static void take_together(const struct job *j)
{
	pthread_barrier_wait(&together);
	take_and_look(j);
}

static void *run(void *arg)
{
	const struct job *j = arg;

	pin_to_cpu(cpu_of[j->actor]);
	j->act(j);
	return NULL;
}

static pthread_t start(struct job *j)
{
	pthread_t t;

	REQUIRE(!pthread_create(&t, NULL, run, j));
	return t;
}

static void follow(const struct load *l, enum actor a,
		   void (*act)(const struct job *))
{
	struct job j = { l, a, act };

	REQUIRE(!pthread_join(start(&j), NULL));
}

static bool verdict(const struct load *l, enum actor a, int node)
{
	double local = places_percent(&found[a], node);

	printf("%-6s %s on node %d: %5.1f %% of its memory is local\n",
	       l->kind.name, a == TAKER ? "taker" : "other", node, local);
	fflush(stdout);
	return local >= enough;
}

static bool one(const char *how, const struct load *l, int node)
{
	bool ok = true;

	if (!strcmp(how, "fresh")) {
		follow(l, TAKER, take_and_look);
	} else if (!strcmp(how, "recycled")) {
		follow(l, GIVER, take_twice_and_give);
		follow(l, TAKER, take_and_look);
	} else if (!strcmp(how, "handed")) {
		follow(l, GIVER, take_twice);
		follow(l, TAKER, give_and_take);
	} else if (!strcmp(how, "beside")) {
		struct job giver = { l, GIVER, take_together };
		struct job taker = { l, TAKER, take_together };
		pthread_t a = start(&giver), b = start(&taker);

		REQUIRE(!pthread_join(a, NULL) && !pthread_join(b, NULL));
		ok = verdict(l, GIVER, !node);
	} else {
		FAIL("placement: what is %s?", how);
	}
	return verdict(l, TAKER, node) && ok;
}

int main(int argc, char **argv)
{
	bool ok = true;
	int node;

	if (argc < 3)
		FAIL("usage: placement fresh|recycled|handed|beside NODE");
	node = atoi(argv[2]);
	REQUIRE(node == 0 || node == 1);
	cpu_of[TAKER] = node_cpu(node);
	cpu_of[GIVER] = node_cpu(!node);
	REQUIRE(!pthread_barrier_init(&together, NULL, ACTORS));
	for (size_t i = 0; i < ARRAY_SIZE(loads); i++)
		ok &= one(argv[1], &loads[i], node);
	if (!ok)
		FAIL("less than %.0f %% is local", enough);
	return 0;
}
