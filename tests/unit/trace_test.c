/*
 * trace_test.c - the order and the threads of records, files that grow, and
 * who gets a file of its own.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "core/trace.h"
#include "unit.h"

#define PIECE 65536

static char dir[64];

static void name(char *buf, const char *suffix)
{
	sprintf(buf, "%s/t%s", dir, suffix);
}

static void up(void)
{
	sys_init();
	strcpy(dir, "/tmp/trace_test.XXXXXX");
	cr_assert(mkdtemp(dir));
	name(options.trace, "");
	trace_init();
}

/* Not rm -r: the names are known. */
static void down(void)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char path[512];

	while (d && (e = readdir(d))) {
		sprintf(path, "%s/%s", dir, e->d_name);
		unlink(path);
	}
	closedir(d);
	rmdir(dir);
}

static u64 nr_files(void)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	u64 nr = 0;

	while ((e = readdir(d)))
		nr += e->d_name[0] == 't';
	closedir(d);
	return nr;
}

/* All records of a file, the header first. */
static struct trace_record *records(const char *suffix, u64 *nr)
{
	struct trace_record *r;
	char path[128];
	struct stat st;
	int fd;

	name(path, suffix);
	fd = open(path, O_RDONLY);
	cr_assert(fd >= 0, "%s", path);
	fstat(fd, &st);
	r = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	cr_assert(r != MAP_FAILED);
	close(fd);
	*nr = (u64)st.st_size / sizeof(*r);
	while (*nr && !r[*nr - 1].what)
		--*nr;
	cr_assert(*nr && r[0].what == TRACE_MAGIC);
	return r;
}

Test(trace, a_record_comes_back_as_it_was, .fini = down)
{
	void *p = (void *)0x7f1234567890;
	struct trace_record *r;
	u64 nr;

	up();
	cr_assert(trace_is_on());
	errno = 77;
	trace_record(TRACE_MALLOC, p, 123, 1);
	trace_record(TRACE_ALIGNED, p, 1ull << 40, 1 << 20);
	trace_record(TRACE_FREE, p, 0, 1);
	trace_record(TRACE_REALLOC_TO, NULL, SIZE_MAX, 1);
	cr_assert_eq(errno, 77);
	r = records("", &nr);
	cr_assert_eq(nr, 5);
	cr_assert_eq(r[0].size, (u64)getpid());
	cr_assert_eq(trace_op(&r[1]), TRACE_MALLOC);
	cr_assert_eq(trace_addr(&r[1]), (u64)(uintptr_t)p);
	cr_assert_eq(trace_size(&r[1]), 123);
	cr_assert_eq(trace_align_log2(&r[1]), 0);
	cr_assert_eq(trace_thread(&r[1]), 1);
	cr_assert_eq(trace_op(&r[2]), TRACE_ALIGNED);
	cr_assert_eq(trace_size(&r[2]), 1ull << 40);
	cr_assert_eq(trace_align_log2(&r[2]), 20);
	cr_assert_eq(trace_op(&r[3]), TRACE_FREE);
	cr_assert_eq(trace_addr(&r[4]), 0);
	cr_assert_eq(trace_size(&r[4]), TRACE_MASK);
}

Test(trace, off_without_the_option)
{
	sys_init();
	trace_init();
	cr_assert(!trace_is_on());
}

static void impossible(void *arg)
{
	strcpy(options.trace, "/nonexistent/folder/t");
	trace_init();
	_exit(trace_is_on());
}

Test(trace, without_a_file_it_says_so_and_is_off)
{
	char text[512];
	int status;

	sys_init();
	status = unit_child(impossible, NULL, text, sizeof(text));
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	cr_assert(strstr(text, "liballoc: trace: /nonexistent/folder/t"),
		  "stderr: %s", text);
}

/* Two and a half pieces; descriptors are gone, and the directory changes. */
Test(trace, grows_piece_by_piece_without_a_descriptor, .fini = down)
{
	struct trace_record *r;
	u64 nr, maps = 0;
	char line[512];
	FILE *f;

	sys_init();
	strcpy(dir, "/tmp/trace_test.XXXXXX");
	cr_assert(mkdtemp(dir) && chdir(dir) == 0);
	strcpy(options.trace, "t");
	trace_init();
	cr_assert(chdir("/") == 0);
	for (u64 i = 1; i <= PIECE * 5 / 2; i++)
		trace_record(TRACE_MALLOC, (void *)(i * 16), i, 1);
	r = records("", &nr);
	cr_assert_eq(nr, 1 + PIECE * 5 / 2);
	for (u64 i = 1; i < nr; i++)
		REQUIRE(trace_addr(&r[i]) == i * 16 && trace_size(&r[i]) == i);
	munmap(r, nr * sizeof(*r));
	/* T2: of three pieces one is still mapped. */
	f = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof(line), f))
		maps += strstr(line, dir) != NULL;
	fclose(f);
	cr_assert_lt(maps, 3, "%lu pieces are mapped", maps);
}

#define NR_THREADS 4
#define EACH 50000

static void *writer(void *arg)
{
	for (u64 i = 1; i <= EACH; i++)
		trace_record(TRACE_MALLOC, arg, i, 1);
	return NULL;
}

/* F2, T1: each record once, each thread's in its order, under one number. */
Test(trace, threads_are_apart_and_in_order, .fini = down)
{
	u64 last[NR_THREADS + 1] = { 0 }, number[NR_THREADS + 1] = { 0 };
	pthread_t t[NR_THREADS];
	struct trace_record *r;
	u64 nr;

	up();
	for (uintptr_t i = 0; i < NR_THREADS; i++)
		pthread_create(&t[i], NULL, writer, (void *)(i + 1));
	for (int i = 0; i < NR_THREADS; i++)
		pthread_join(t[i], NULL);
	r = records("", &nr);
	cr_assert_eq(nr, 1 + NR_THREADS * EACH);
	for (u64 i = 1; i < nr; i++) {
		u64 who = trace_addr(&r[i]);

		REQUIRE(who >= 1 && who <= NR_THREADS);
		REQUIRE(trace_size(&r[i]) == ++last[who]);
		if (!number[who])
			number[who] = trace_thread(&r[i]);
		REQUIRE(trace_thread(&r[i]) == number[who]);
	}
	for (u64 i = 1; i <= NR_THREADS; i++)
		for (u64 k = 1; k < i; k++)
			cr_assert_neq(number[i], number[k]);
}

static void record_and_end(void *arg)
{
	for (uintptr_t i = 0; i < (uintptr_t)arg; i++)
		trace_record(TRACE_FREE, (void *)0x1230, 0, 1);
	raise(SIGKILL);
}

/* The child's file has its calls alone; it ends as it likes. */
Test(trace, a_child_has_a_file_of_its_own, .fini = down)
{
	char suffix[32];
	int status;
	u64 nr;
	pid_t pid;

	up();
	trace_record(TRACE_MALLOC, (void *)16, 1, 1);
	pid = fork();
	if (!pid)
		record_and_end((void *)3);
	waitpid(pid, &status, 0);
	trace_record(TRACE_MALLOC, (void *)32, 2, 1);
	records("", &nr);
	cr_assert_eq(nr, 3);
	sprintf(suffix, ".%d", pid);
	records(suffix, &nr);
	cr_assert_eq(nr, 4);
	cr_assert_eq(nr_files(), 2);
}

Test(trace, a_child_that_records_nothing_has_no_file, .fini = down)
{
	int status;
	pid_t pid;

	up();
	pid = fork();
	if (!pid)
		_exit(0);
	waitpid(pid, &status, 0);
	cr_assert_eq(nr_files(), 1);
}

/* A vfork child has its parent's heap, and so its parent's trace. */
Test(trace, a_vfork_child_writes_where_its_parent_does, .fini = down)
{
	volatile int done = 0;
	u64 nr;
	pid_t pid;

	up();
	pid = vfork();
	if (!pid) {
		trace_record(TRACE_MALLOC, (void *)16, 1, 1);
		done = 1;
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	cr_assert_eq(done, 1);
	trace_record(TRACE_FREE, (void *)16, 0, 1);
	records("", &nr);
	cr_assert_eq(nr, 3);
	cr_assert_eq(nr_files(), 1);
}

/* As after exec(): what is there is somebody's. */
Test(trace, a_file_that_is_there_is_left_alone, .fini = down)
{
	char path[128], text[8] = "";
	int fd;
	u64 nr;

	sys_init();
	strcpy(dir, "/tmp/trace_test.XXXXXX");
	cr_assert(mkdtemp(dir));
	name(path, "");
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	cr_assert(write(fd, "mine", 4) == 4);
	close(fd);
	sprintf(path, "%s/t.%d", dir, getpid());
	close(open(path, O_WRONLY | O_CREAT, 0600));
	name(options.trace, "");
	trace_init();
	trace_record(TRACE_MALLOC, (void *)16, 1, 1);
	name(path, "");
	fd = open(path, O_RDONLY);
	cr_assert(read(fd, text, sizeof(text)) == 4 && !strcmp(text, "mine"));
	close(fd);
	sprintf(path, ".%d.1", getpid());
	records(path, &nr);
	cr_assert_eq(nr, 2);
}

static volatile sig_atomic_t handled;

static void on_alarm(int sig)
{
	trace_record(TRACE_FREE, (void *)0x5550, 0, 1);
	handled++;
}

/* T4: a handler anywhere, and no record is lost or doubled. */
Test(trace, a_signal_handler_may_record, .fini = down)
{
	struct itimerval every = { { 0, 200 }, { 0, 200 } }, never = { { 0 } };
	u64 nr, from_handler = 0, from_loop = 0, n = 0;
	struct trace_record *r;

	up();
	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &every, NULL);
	while (handled < 100 || n < 3 * PIECE)
		trace_record(TRACE_MALLOC, (void *)16, ++n, 1);
	setitimer(ITIMER_REAL, &never, NULL);
	r = records("", &nr);
	for (u64 i = 1; i < nr; i++) {
		if (trace_op(&r[i]) == TRACE_FREE)
			from_handler++;
		else
			REQUIRE(trace_size(&r[i]) == ++from_loop);
	}
	cr_assert_eq(from_loop, n);
	cr_assert_eq(from_handler, (u64)handled);
}
