/*
 * spawns.c - other ways to start a program, while threads allocate.
 */
#include "helper.h"

#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>

extern char **environ;

static atomic_bool stop;

static void *busy(void *arg)
{
	while (!atomic_load(&stop))
		churn(200, (uintptr_t)arg + 7);
	return NULL;
}

static void by_posix_spawn(void)
{
	char *argv[] = { "true", NULL };
	pid_t pid;

	REQUIRE(!posix_spawnp(&pid, "true", NULL, NULL, argv, environ));
	churn(200, 1);
	wait_for(pid);
}

static void by_system(void)
{
	REQUIRE(system("exit 7") == 7 << 8);
	churn(200, 2);
}

static void by_popen(void)
{
	char *line = NULL;
	size_t cap = 0;
	FILE *f = popen("echo hello; echo world", "r");

	REQUIRE(f);
	REQUIRE(getline(&line, &cap, f) == 6 && !strcmp(line, "hello\n"));
	REQUIRE(getline(&line, &cap, f) == 6 && !strcmp(line, "world\n"));
	free(line);
	REQUIRE(pclose(f) == 0);
}

static void by_vfork(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execlp("true", "true", (char *)NULL);
		_exit(127);
	}
	churn(200, 3);
	wait_for(pid);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	void (*start)(void) = !strcmp(how, "posix_spawn") ? by_posix_spawn :
			      !strcmp(how, "system")	  ? by_system :
			      !strcmp(how, "popen")	  ? by_popen :
			      !strcmp(how, "vfork")	  ? by_vfork :
							    NULL;
	pthread_t t[3];

	alarm(300);
	REQUIRE(start);
	for (int i = 0; i < 5; i++)
		start();
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		REQUIRE(!pthread_create(&t[i], NULL, busy, (void *)i));
	for (int i = 0; i < 25; i++)
		start();
	atomic_store(&stop, true);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		pthread_join(t[i], NULL);
	return 0;
}
