/*
 * libload.c - a library for dlopen: allocates when it comes and frees when it
 * goes, and has TLS of its own.  Built sixteen times, as libload0.so ff.
 */
#include "helper.h"

#include <pthread.h>

static void *kept[40];
static _Thread_local char tls[3000];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void *load_alloc(size_t n);
void *load_alloc(size_t n)
{
	pthread_mutex_lock(&lock);
	tls[n % sizeof(tls)]++;
	pthread_mutex_unlock(&lock);
	return malloc(n);
}

void load_free(void *p);
void load_free(void *p)
{
	free(p);
}

__attribute__((constructor)) static void come(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		kept[i] = malloc(1 + i * i * 5);
		REQUIRE(kept[i]);
		fill(kept[i], 1 + i * i * 5, i);
	}
}

__attribute__((destructor)) static void go(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		REQUIRE(intact(kept[i], 1 + i * i * 5, i));
		free(kept[i]);
	}
}
