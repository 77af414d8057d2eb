/*
 * start.c - the heap of a program that may have little data, or none.
 *
 *   start		runs itself with ever more
 *   start KIB		that much more than it has at its start
 *
 * With more a program gets no less: a heap does not take for itself what its
 * first page needs.  Where it cannot start, the program can fork.
 */
#include "../conformance/helpers/helper.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { SERVED = 0, REFUSED = 2, DIED = 3 };
enum { STEP = 32, MOST = 6144 };	/* KiB */

/* Without malloc(): stdio would have some. */
static size_t data_kib(void)
{
	static char text[8192];
	int fd = open("/proc/self/status", O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);
	char *at;

	REQUIRE(n > 0);
	close(fd);
	at = strstr(text, "VmData:");
	REQUIRE(at);
	return strtoul(at + 7, NULL, 10);
}

static bool is_served(void)
{
	void *volatile p = malloc(100);

	for (int i = 0; i < 3 && !p; i++)
		p = malloc(100);
	return p;
}

static int start(size_t more_kib)
{
	size_t limit = (data_kib() + more_kib) << 10;
	struct rlimit lim = { limit, limit };
	bool served;
	int status;
	pid_t pid;

	REQUIRE(!setrlimit(RLIMIT_DATA, &lim));
	served = is_served();
	pid = fork();
	REQUIRE(pid >= 0);
	if (!pid)
		_exit(is_served() == served ? 0 : 1);
	REQUIRE(waitpid(pid, &status, 0) == pid);
	return status ? DIED : served ? SERVED : REFUSED;
}

int main(int argc, char **argv)
{
	size_t first = 0;

	if (argc > 1)
		return start(strtoul(argv[1], NULL, 10));
	for (size_t kib = 0; kib < MOST; kib += STEP) {
		char text[24];
		pid_t pid = fork();
		int status;

		REQUIRE(pid >= 0);
		if (!pid) {
			snprintf(text, sizeof(text), "%zu", kib);
			execl("/proc/self/exe", argv[0], text, (char *)NULL);
			_exit(127);
		}
		REQUIRE(waitpid(pid, &status, 0) == pid);
		if (!WIFEXITED(status) || (WEXITSTATUS(status) != SERVED &&
					   WEXITSTATUS(status) != REFUSED))
			FAIL("with %zu KiB: status %x", kib, status);
		if (status == 0 && !first)
			first = kib ? kib : 1;
		if (status && first)
			FAIL("%zu KiB do not serve, %zu did", kib, first);
	}
	REQUIRE(first);
	printf("served from %zu KiB on\n", first);
	return 0;
}
