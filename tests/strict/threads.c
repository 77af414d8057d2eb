/*
 * threads.c - eight threads work on memory, some of it each other's; what
 * they print depends on nothing but their work.
 */
#include "../conformance/helpers/helper.h"

#include <pthread.h>

enum { THREADS = 8, ROUNDS = 20000, SLOTS = 64 };

static void *passed[THREADS];	/* atomic */

static void *work(void *arg)
{
	uintptr_t me = (uintptr_t)arg;
	uint32_t rnd = (uint32_t)me * 977 + 1;
	size_t size[SLOTS] = { 0 };
	char *p[SLOTS] = { NULL };
	uint64_t sum = 0;

	for (int r = 0; r < ROUNDS; r++) {
		size_t i = random_next(&rnd) % SLOTS;

		if (p[i]) {
			REQUIRE(intact(p[i], size[i] < 64 ? size[i] : 64, i));
			/* Another thread frees what it finds there. */
			free(__atomic_exchange_n(&passed[(me + 1) % THREADS],
						 p[i], __ATOMIC_ACQ_REL));
		}
		size[i] = random_size(&rnd) % 100000 + 1;
		p[i] = malloc(size[i]);
		REQUIRE(p[i]);
		fill(p[i], size[i] < 64 ? size[i] : 64, i);
		sum = sum * 31 + size[i];
	}
	for (size_t i = 0; i < SLOTS; i++)
		free(p[i]);
	return (void *)(uintptr_t)sum;
}

int main(void)
{
	pthread_t t[THREADS];
	uint64_t sum = 0;

	alarm(60);
	for (uintptr_t i = 0; i < THREADS; i++)
		REQUIRE(!pthread_create(&t[i], NULL, work, (void *)i));
	for (int i = 0; i < THREADS; i++) {
		void *one;

		pthread_join(t[i], &one);
		sum ^= (uint64_t)(uintptr_t)one;
	}
	for (int i = 0; i < THREADS; i++)
		free(passed[i]);
	printf("%llx\n", (unsigned long long)sum);
	return 0;
}
