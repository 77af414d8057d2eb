/*
 * life.c - a program with a shrinker closes, forks, executes and exits.
 *
 *   life CASE
 *
 *   quiet	registers nothing: one thread, no more
 *   threads	registers: the library's threads come, and hold no descriptor
 *   fork	the child has the shrinkers, and its allocations run them
 *   vfork	the child runs none
 *   signal	a handler that allocates all the time
 *   exit	leaves while kswapd is in a callback, and takes the cache down
 *
 * With option limit=64M.  Exit 0: as it should be; else the number of the
 * check that failed.
 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIBALLOC_KMEM_NAMES
#include <liballoc.h>

#define SIZE	1000
#define MOST	200000

static void **objects;
static volatile size_t nr;
static atomic_ulong scans, in_scan, gone;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;	/* of objects */
static int slowly;

static void require(int number, int holds)
{
	if (!holds)
		_exit(number);
}

static unsigned long count(struct shrinker *s, struct shrink_control *sc)
{
	(void)s;
	(void)sc;
	return nr;
}

static unsigned long scan(struct shrinker *s, struct shrink_control *sc)
{
	unsigned long freed = 0;

	(void)s;
	scans++;
	in_scan++;
	if (slowly) {
		usleep(200000);
		require(90, !gone);
	}
	if (!slowly && !pthread_mutex_trylock(&lock)) {
		while (freed < sc->nr_to_scan && nr) {
			free(objects[--nr]);
			freed++;
		}
		pthread_mutex_unlock(&lock);
	}
	in_scan--;
	return freed ? freed : SHRINK_STOP;
}

static void start(void)
{
	struct shrinker *s = shrinker_alloc(0, "life");

	s->count_objects = count;
	s->scan_objects = scan;
	shrinker_register(s);
}

/* Twice the limit of 64 MiB goes through. */
static void churn(int number)
{
	for (size_t i = 0; i < MOST && nr < MOST; i++) {
		void *o = malloc(SIZE);

		require(number, o != NULL);
		memset(o, 1, SIZE);
		pthread_mutex_lock(&lock);
		objects[nr++] = o;
		pthread_mutex_unlock(&lock);
	}
}

static int count_dir(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	int n = 0;

	if (!d)
		return -1;
	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void quiet(void)
{
	for (; nr < 30000; nr++)
		objects[nr] = malloc(SIZE);
	usleep(100000);
	require(10, count_dir("/proc/self/task") == 1);
}

/* The one that waits has its own table; kswapd has the program's. */
static void threads(void)
{
	DIR *d;
	struct dirent *e;
	int own = 0, all, fd[2];
	char byte;

	require(20, pipe(fd) == 0);
	start();
	/* On a busy machine they are a while. */
	for (int i = 0; i < 100 && count_dir("/proc/self/task") < 3; i++)
		usleep(100000);
	usleep(300000);
	all = count_dir("/proc/self/task");
	require(21, all == 3);
	close(fd[1]);
	alarm(10);
	require(22, read(fd[0], &byte, 1) == 0);
	for (int i = 3; i < 256; i++)
		close(i);
	require(23, open("/dev/null", O_RDONLY) == 3);
	d = opendir("/proc/self/task");
	while ((e = readdir(d))) {
		char path[300];

		snprintf(path, sizeof(path), "/proc/self/task/%s/fd/3",
			 e->d_name);
		own += e->d_name[0] != '.' && access(path, F_OK) == 0;
	}
	/* 3 is a file in main()'s table, and perhaps one in the other. */
	require(24, own >= 2);
	churn(25);
	require(26, scans > 0);
}

static void forks(void)
{
	int status;
	pid_t pid;

	start();
	churn(30);
	require(31, scans > 0);
	/* Nobody is at the objects in the child. */
	pthread_mutex_lock(&lock);
	pid = fork();
	pthread_mutex_unlock(&lock);
	if (!pid) {
		alarm(30);
		scans = 0;
		require(32, count_dir("/proc/self/task") == 1);
		churn(33);
		require(34, scans > 0);
		require(35, alloc_reclaim(SIZE_MAX) > 0 && nr == 0);
		_exit(0);
	}
	require(36, waitpid(pid, &status, 0) == pid);
	require(WIFEXITED(status) ? WEXITSTATUS(status) : 37, status == 0);
	churn(38);
}

static void vforks(void)
{
	volatile unsigned long before;
	volatile int tries = 0;
	int status;
	pid_t pid;

	start();
	for (; nr < 40000; nr++)
		objects[nr] = malloc(SIZE);
	/* Meanwhile the kernel may have told kswapd of others' pressure. */
	do {
		before = scans;
		pid = vfork();
		if (!pid) {
			alloc_reclaim(SIZE_MAX);
			_exit(scans != before);
		}
		require(40, waitpid(pid, &status, 0) == pid);
	} while (status && tries++ < 5);
	require(41, status == 0);
	require(42, alloc_reclaim(SIZE_MAX) > 0 && scans > before);
}

static void handler(int sig)
{
	static void *mine[64];
	static unsigned at;

	(void)sig;
	for (int i = 0; i < 16; i++) {
		free(mine[at % 64]);
		mine[at % 64] = malloc(100 + at % 5000);
		at++;
	}
}

static void signals(void)
{
	struct itimerval often = { { 0, 500 }, { 0, 500 } };
	struct sigaction sa = { .sa_handler = handler,
				.sa_flags = SA_RESTART };

	start();
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 3; i++) {
		churn(50);
		alloc_reclaim(20 << 20);
	}
	require(51, scans > 0);
	memset(&often, 0, sizeof(often));
	setitimer(ITIMER_REAL, &often, NULL);
}

static void take_down(void)
{
	gone = 1;
}

static void *reclaim_all(void *arg)
{
	alloc_reclaim(SIZE_MAX);
	return arg;
}

/* The handler is older than the shrinker, so what it takes down is unused. */
static void exits(void)
{
	pthread_t t;

	atexit(take_down);
	slowly = 1;
	nr = 1000;
	start();
	pthread_create(&t, NULL, reclaim_all, NULL);
	while (!in_scan)
		usleep(1000);
	exit(0);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*fn)(void);
	} cases[] = {
		{ "quiet", quiet }, { "threads", threads }, { "fork", forks },
		{ "vfork", vforks }, { "signal", signals }, { "exit", exits },
	};

	objects = malloc(MOST * sizeof(*objects));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (argc < 2 || strcmp(argv[1], cases[i].name))
			continue;
		cases[i].fn();
		return 0;
	}
	return 99;
}
