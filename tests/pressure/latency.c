/*
 * latency.c - from the kernel's word of memory pressure to the first
 * scan_objects().
 *
 *   latency EVENTS SECONDS [usage|events GROUP BYTES]
 *
 * It watches the same thing as the library, by a trigger of its own: the
 * kernel tells both in the same moment.  So the time between its own word and
 * the first call of its shrinker is what the library takes.  Without more
 * arguments the word is that of /proc/pressure/memory, with the library's own
 * trigger (tests/pressure/run makes tasks wait for memory meanwhile).  With
 * "usage" it is the crossing of BYTES in the cgroup (version 1) GROUP, which
 * the process is in; with "events", memory.events of one of version 2, whose
 * memory.high is some MiB below BYTES: it then makes that happen itself, with
 * that many bytes of memory that is not of the heap.
 *
 * Prints a line "event N: MS ms" for each, and "best MS, worst MS ms over N
 * events";
 * exit 0, or 1 if there was an event without a call.  Exit 77, with the reason, if there is no such source here, or no
 * event in time.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define LIBALLOC_KMEM_NAMES
#include <liballoc.h>

#define OBJECTS	100000	/* fewer with "events" */
#define FEW	20000
#define SIZE	1000

static void *objects[OBJECTS];
static atomic_ulong nr;
static _Atomic uint64_t first_scan;	/* since it was last reset */

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static unsigned long count(struct shrinker *s, struct shrink_control *sc)
{
	(void)s;
	(void)sc;
	return nr;
}

/* Only kswapd comes here: main() allocates nothing while it waits. */
static unsigned long scan(struct shrinker *s, struct shrink_control *sc)
{
	unsigned long freed = 0;
	uint64_t none = 0;

	(void)s;
	atomic_compare_exchange_strong(&first_scan, &none, now_ns());
	while (freed < sc->nr_to_scan && nr) {
		free(objects[--nr]);
		freed++;
	}
	return freed;
}

static void skip(const char *why)
{
	printf("skipped: %s\n", why);
	exit(77);
}

static int trigger_psi(void)
{
	static const char fine[] = "some 70000 1000000";
	static const char coarse[] = "some 100000 2000000";
	int fd = open("/proc/pressure/memory", O_RDWR | O_NONBLOCK);

	if (fd < 0)
		skip("no /proc/pressure/memory to write to");
	if (write(fd, fine, sizeof(fine)) < 0) {
		if (write(fd, coarse, sizeof(coarse)) < 0)
			skip("no PSI triggers");
		puts("trigger: 100 ms in 2 s (no CAP_SYS_RESOURCE)");
	} else {
		puts("trigger: 70 ms in 1 s");
	}
	return fd;
}

static int group_open(const char *group, const char *file, int flags)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", group, file);
	return open(path, flags);
}

static int trigger_usage(const char *group, const char *bytes)
{
	int usage = group_open(group, "memory.usage_in_bytes", O_RDONLY);
	int control = group_open(group, "cgroup.event_control", O_WRONLY);
	int fd = eventfd(0, 0);
	char text[64];

	snprintf(text, sizeof(text), "%d %d %s", fd, usage, bytes);
	if (write(control, text, strlen(text)) < 0)
		skip("no usage events in this cgroup");
	return fd;
}

static int trigger_events(const char *group)
{
	char text[512];
	int fd = group_open(group, "memory.events", O_RDONLY);

	if (fd < 0 || read(fd, text, sizeof(text)) <= 0)
		skip("no memory.events in this cgroup");
	return fd;
}

/* Memory of no heap: the library does not see it grow. */
static void *spend(void *arg)
{
	size_t bytes = *(size_t *)arg;
	char *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	usleep(100000);
	for (size_t i = 0; i < bytes && mem != MAP_FAILED; i += 4096)
		mem[i] = 1;
	return NULL;
}

int main(int argc, char **argv)
{
	int events = argc > 2 ? atoi(argv[1]) : 1;
	int seconds = argc > 2 ? atoi(argv[2]) : 10;
	int by_usage = argc > 5 && !strcmp(argv[3], "usage");
	int by_events = argc > 5 && !by_usage;
	unsigned long objs = by_events ? FEW : OBJECTS;
	struct shrinker *s = shrinker_alloc(0, "latency");
	uint64_t end = now_ns() + (uint64_t)seconds * 1000000000u;
	struct pollfd pfd = { .events = by_usage ? POLLIN : POLLPRI };
	double best = 1e9, worst = -1e9;
	int seen = 0, never = 0;
	size_t bytes;
	pthread_t t;

	setvbuf(stdout, NULL, _IOLBF, 0);
	s->count_objects = count;
	s->scan_objects = scan;
	for (; nr < objs; nr++)
		objects[nr] = memset(malloc(SIZE), 1, SIZE);
	pfd.fd = by_usage ? trigger_usage(argv[4], argv[5]) :
		 by_events ? trigger_events(argv[4]) : trigger_psi();
	shrinker_register(s);
	usleep(300000);			/* its threads come up */
	if (by_usage || by_events) {
		bytes = strtoul(argv[5], NULL, 10) - objs / 2 * SIZE;
		pthread_create(&t, NULL, spend, &bytes);
	}
	while (seen < events && now_ns() < end) {
		uint64_t word;
		double ms;

		first_scan = 0;
		if (poll(&pfd, 1, 1000) <= 0)
			continue;
		word = now_ns();
		for (int i = 0; i < 2000 && !first_scan; i++)
			usleep(500);
		/* It may be earlier: the kernel told the library first. */
		ms = first_scan ? ((double)first_scan - (double)word) / 1e6 :
				  1000;
		printf("event %d: %.3f ms%s\n", seen, ms,
		       first_scan ? "" : " or never");
		never += !first_scan;
		if (ms > worst)
			worst = ms;
		if (ms < best)
			best = ms;
		seen++;
		if (by_usage || by_events)
			break;
	}
	if (!seen)
		skip("no event came in time");
	printf("best %.3f, worst %.3f ms over %d events\n", best, worst, seen);
	return never ? 1 : 0;
}
