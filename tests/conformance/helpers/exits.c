/*
 * exits.c - the ways a process ends, with memory still to be freed.
 *
 * Linked with libexits.so, whose constructor allocates before main and whose
 * destructor frees and allocates after it.
 */
#include "helper.h"

#include <pthread.h>

static void *from_main[100];

static void check_and_free(const char *where)
{
	for (size_t i = 0; i < ARRAY_SIZE(from_main); i++) {
		if (!from_main[i])
			continue;
		REQUIRE(intact(from_main[i], 10 + i * 50, i));
		if (i % 2) {
			free(from_main[i]);
			from_main[i] = NULL;
		}
	}
	churn(500, 3);
	printf("%s ok\n", where);
	fflush(stdout);
}

static void by_atexit(void)
{
	check_and_free("atexit");
}

static void by_quick_exit(void)
{
	check_and_free("at_quick_exit");
}

static void by_on_exit(int status, void *arg)
{
	REQUIRE(status == 0 && intact(arg, 99, 7));
	free(arg);
	check_and_free("on_exit");
}

__attribute__((destructor)) static void by_destructor(void)
{
	check_and_free("destructor");
}

static void *busy(void *arg)
{
	for (;;)
		churn(100, (uintptr_t)arg);
	return NULL;
}

static void *exiting(void *arg)
{
	churn(500, 3);
	exit(0);
	return arg;
}

static void *outliving(void *arg)
{
	usleep(50 * 1000);
	churn(5000, 3);
	return arg;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	pthread_t t;

	for (size_t i = 0; i < ARRAY_SIZE(from_main); i++) {
		from_main[i] = malloc(10 + i * 50);
		REQUIRE(from_main[i]);
		fill(from_main[i], 10 + i * 50, i);
	}
	atexit(by_atexit);
	at_quick_exit(by_quick_exit);
	if (!strcmp(how, "exit"))
		exit(0);
	if (!strcmp(how, "_exit"))
		_exit(0);
	if (!strcmp(how, "quick_exit"))
		quick_exit(0);
	if (!strcmp(how, "abort"))
		abort();
	if (!strcmp(how, "on_exit")) {
		void *arg = malloc(99);

		fill(arg, 99, 7);
		on_exit(by_on_exit, arg);
	}
	if (!strcmp(how, "thread")) {
		REQUIRE(!pthread_create(&t, NULL, exiting, NULL));
		pthread_join(t, NULL);
		FAIL("exit() returned");
	}
	if (!strcmp(how, "busy")) {
		for (uintptr_t i = 0; i < 4; i++)
			REQUIRE(!pthread_create(&t, NULL, busy, (void *)i));
		usleep(10 * 1000);
	}
	if (!strcmp(how, "pthread_exit")) {
		REQUIRE(!pthread_create(&t, NULL, outliving, NULL));
		pthread_exit(NULL);
	}
	return 0;
}
