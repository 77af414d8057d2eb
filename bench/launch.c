/*
 * launch - run a command and write down what it cost.
 *
 * Wall time, user and system CPU time, peak resident memory and minor faults,
 * each as the kernel counts them for the process and the children it waited
 * for.  The peak of a child includes what its parent's image held at the exec,
 * therefore this program is static and small, starts the command with vfork,
 * and is what scripts/bench runs under hyperfine instead of the command.
 *
 *	launch [-o REPORT] [-t SECONDS] [-i STDIN] [-O STDOUT] [-E STDERR]
 *	       [-e VAR=VALUE]... [-n RUNS [-a [-s SHARE]]] [-p SO]...
 *	       [-m SAMPLES [-M MS]] -- COMMAND [ARGUMENT]...
 *
 * One line of JSON is appended to REPORT (default stderr) for each -p; with -n
 * it holds the medians of RUNS runs, with -a the means, of the times over
 * SHARE: where a run does a quarter of some work, -s 0.25 gives those of all.
 * Several -p, of which the empty one is the libc's own malloc, take turns run by
 * run, so that a slow second of the machine hits all.
 * With -m, the command's resident memory is looked at every MS milliseconds
 * (default 20) and written down as lines of seconds and KiB.  Each look walks
 * the page tables (smaps_rollup: some kernels let the counters of statm lag),
 * so time and memory are best taken from different runs.
 * Exit status: the command's, 124 after a timeout, 128 + n after signal n.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_ENV 1024
#define MAX_PRELOADS 16
#define MAX_RUNS 2000

enum figure { WALL, USER, SYS, MAXRSS, MINFLT, NR_FIGURES };

static double figures[MAX_PRELOADS][NR_FIGURES][MAX_RUNS];
static const char *preloads[MAX_PRELOADS] = { "" };
static char *extra_env[MAX_ENV], *child_env[MAX_ENV];
static int nr_extra, nr_preloads;
static const char *input = "/dev/null", *output, *errors;
static const char *samples;
static bool means;
static double share = 1;
static long sample_ms = 20;
static unsigned int timeout;
static volatile sig_atomic_t timed_out;
static volatile pid_t child;

static void die(const char *what)
{
	fprintf(stderr, "launch: %s: %s\n", what, strerror(errno));
	exit(125);
}

static void on_alarm(int sig)
{
	(void)sig;
	timed_out = 1;
	kill(child, SIGKILL);
}

/* Whoever ends this program means the command. */
static void on_term(int sig)
{
	if (child)
		kill(child, sig);
}

static bool overridden(const char *var)
{
	size_t len = strcspn(var, "=") + 1;
	int i;

	if (!strncmp(var, "LD_PRELOAD=", len))
		return true;
	for (i = 0; i < nr_extra; i++)
		if (!strncmp(var, extra_env[i], len))
			return true;
	return false;
}

static void make_env(const char *preload)
{
	static char ld_preload[4096 + 16];
	int n = 0, i;

	for (i = 0; environ[i] && n < MAX_ENV / 2; i++)
		if (!overridden(environ[i]))
			child_env[n++] = environ[i];
	for (i = 0; i < nr_extra; i++)
		child_env[n++] = extra_env[i];
	if (*preload) {
		snprintf(ld_preload, sizeof(ld_preload), "LD_PRELOAD=%s",
			 preload);
		child_env[n++] = ld_preload;
	}
	child_env[n] = NULL;
}

/* Between vfork and exec: this runs in the parent's memory. */
static void redirect(int fd, const char *path, int flags)
{
	int from = open(path, flags, 0644);

	if (from < 0 || dup2(from, fd) < 0)
		_exit(126);
	close(from);
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double since(const struct timespec *t0)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)(t.tv_sec - t0->tv_sec) +
	       (double)(t.tv_nsec - t0->tv_nsec) / 1e9;
}

/* False where the memory is gone: the command has ended. */
static bool sample(FILE *f, const struct timespec *t0)
{
	char path[64], text[1024];
	const char *rss;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)child);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	rss = strstr(text, "\nRss:");
	if (!rss)
		return false;
	fprintf(f, "%.3f\t%ld\n", since(t0), atol(rss + 5));
	return true;
}

/* SIGCHLD is blocked; the wait for it is what ends the last pause early. */
static void watch(const struct timespec *t0)
{
	struct timespec pause = { sample_ms / 1000,
				  sample_ms % 1000 * 1000000 };
	FILE *f = fopen(samples, "w");
	sigset_t set;

	if (!f)
		die(samples);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	while (!timed_out && sample(f, t0))
		if (sigtimedwait(&set, NULL, &pause) == SIGCHLD)
			break;
	fclose(f);
}

static void block_child_signal(int how)
{
	sigset_t set;

	if (!samples)
		return;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(how, &set, NULL);
}

static int run(char **argv, int p, int r)
{
	struct timespec t0;
	struct rusage ru;
	int status;
	pid_t pid;

	make_env(preloads[p]);
	clock_gettime(CLOCK_MONOTONIC, &t0);
	block_child_signal(SIG_BLOCK);
	pid = vfork();
	if (!pid) {
		block_child_signal(SIG_UNBLOCK);
		redirect(0, input, O_RDONLY);
		if (output)
			redirect(1, output, O_WRONLY | O_CREAT | O_TRUNC);
		if (errors)
			redirect(2, errors, O_WRONLY | O_CREAT | O_TRUNC);
		execvpe(argv[0], argv, child_env);
		_exit(127);
	}
	if (pid < 0)
		die("vfork");
	child = pid;
	alarm(timeout);
	if (samples)
		watch(&t0);
	while (wait4(pid, &status, 0, &ru) < 0)
		if (errno != EINTR)
			die("wait4");
	alarm(0);
	figures[p][WALL][r] = since(&t0);
	figures[p][USER][r] = seconds(ru.ru_utime);
	figures[p][SYS][r] = seconds(ru.ru_stime);
	figures[p][MAXRSS][r] = (double)ru.ru_maxrss;
	figures[p][MINFLT][r] = (double)ru.ru_minflt;

	if (timed_out)
		return 124;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static double median(double *v, int n)
{
	int i, k;

	for (i = 1; i < n; i++) {
		double x = v[i];

		for (k = i; k && v[k - 1] > x; k--)
			v[k] = v[k - 1];
		v[k] = x;
	}
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static double mean(const double *v, int n)
{
	double sum = 0;
	int i;

	for (i = 0; i < n; i++)
		sum += v[i];
	return n ? sum / n : 0;
}

static void report(FILE *f, int p, int runs, int status)
{
	double m[NR_FIGURES];
	int i;

	for (i = 0; i < NR_FIGURES; i++)
		m[i] = means ? mean(figures[p][i], runs) :
			       median(figures[p][i], runs);
	m[WALL] /= share;
	m[USER] /= share;
	m[SYS] /= share;
	fprintf(f,
		"{\"preload\": \"%s\", \"runs\": %d, \"status\": %d, "
		"\"wall_s\": %.6f, \"user_s\": %.6f, \"sys_s\": %.6f, "
		"\"maxrss_kib\": %.0f, \"minflt\": %.0f}\n",
		preloads[p], runs, status, m[WALL], m[USER], m[SYS], m[MAXRSS],
		m[MINFLT]);
}

int main(int argc, char **argv)
{
	const char *report_path = NULL;
	int runs = 1, done = 0, status = 0, opt, p;
	FILE *f = stderr;

	while ((opt = getopt(argc, argv, "+o:t:i:O:E:e:n:as:p:m:M:")) != -1) {
		switch (opt) {
		case 'o':
			report_path = optarg;
			break;
		case 't':
			timeout = (unsigned int)atoi(optarg);
			break;
		case 'i':
			input = optarg;
			break;
		case 'O':
			output = optarg;
			break;
		case 'E':
			errors = optarg;
			break;
		case 'm':
			samples = optarg;
			break;
		case 'M':
			sample_ms = atol(optarg);
			break;
		case 'n':
			runs = atoi(optarg);
			break;
		case 'a':
			means = true;
			break;
		case 's':
			share = atof(optarg);
			break;
		case 'e':
			if (nr_extra < MAX_ENV / 2 - 2)
				extra_env[nr_extra++] = optarg;
			break;
		case 'p':
			if (nr_preloads < MAX_PRELOADS)
				preloads[nr_preloads++] = optarg;
			break;
		default:
			return 125;
		}
	}
	if (optind == argc || runs < 1 || runs > MAX_RUNS || sample_ms < 1 ||
	    share <= 0) {
		fputs("launch: see the head of bench/launch.c\n", stderr);
		return 125;
	}
	if (!nr_preloads)
		nr_preloads = 1;
	signal(SIGALRM, on_alarm);
	signal(SIGTERM, on_term);
	signal(SIGINT, on_term);

	for (; done < runs && !status; done++)
		for (p = 0; p < nr_preloads && !status; p++)
			status = run(argv + optind, p, done);

	if (report_path && !(f = fopen(report_path, "a")))
		die(report_path);
	for (p = 0; p < nr_preloads; p++)
		report(f, p, done, status);
	return status;
}
