/*
 * early.c - does a -static program with liballoc.a allocate before main?
 *
 * There is no dynamic loader: the first calls come from libc's own start-up,
 * then from constructors, the earliest of which run before ours.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char *before_main;

__attribute__((constructor(101))) static void first(void)
{
	before_main = malloc(1000);
	if (before_main)
		memset(before_main, 'x', 1000);
}

static void *thread(void *arg)
{
	char *text = NULL;

	for (int i = 0; i < 1000; i++) {
		if (asprintf(&text, "%d %p", i, arg) < 0)
			return NULL;
		free(text);
	}
	return arg;
}

int main(void)
{
	pthread_t t[4];
	int status = 0;
	void *ok;
	pid_t pid;

	if (!before_main || before_main[999] != 'x')
		return 1;
	free(before_main);
	for (int i = 0; i < 4; i++)
		if (pthread_create(&t[i], NULL, thread, &status))
			return 1;
	pid = fork();
	if (pid == 0)
		_exit(thread(&status) ? 0 : 1);
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], &ok);
		if (!ok)
			return 1;
	}
	if (waitpid(pid, &status, 0) != pid || status)
		return 1;
	puts("early ok");
	return 0;
}
