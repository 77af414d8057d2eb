/*
 * slabtop.c - alloc-slabtop: the caches of a running process, as slabtop(1)
 * shows the kernel's, and its zones and areas as the kernel's files do.
 *
 * target.h has how the process is read.  Figures that contradict each other,
 * since it goes on meanwhile, are cut as slabinfo.c does.
 */
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "liballoc.h"
#include "tools/target.h"

#define MAX_CPUS	(8 * KIB)
#define MAX_PAGES	(MIB)		/* of a slab */

/* --- one look ------------------------------------------------------------- */

static void add_node(const struct slab_root *r, const char *node,
		     struct row *row, u64 *used, u64 *empty)
{
	row->slabs += field(node, r->nr_slabs);
	row->barns += field(node, r->barn_objects);
	*used += field(node, r->nr_used);
	*empty += field(node, r->nr_empty);
}

static void add_nodes(const struct target *t, u64 others, u32 nr_nodes,
		      struct row *row, u64 *used, u64 *empty)
{
	char *node = must_alloc(1, t->root.node.bytes);

	for (u32 nid = 1; nid < nr_nodes; nid++) {
		u64 addr = 0;

		if (peek(t, others + nid * sizeof(addr), &addr,
			 sizeof(addr)) && addr &&
		    peek(t, addr, node, t->root.node.bytes))
			add_node(&t->root, node, row, used, empty);
	}
	free(node);
}

/* False: there is no cache there any more. */
static bool read_cache(struct target *t, u64 addr, u32 nr_nodes,
		       struct row *row)
{
	const struct slab_root *r = &t->root;
	u64 used = 0, empty = 0, objs;

	if (!peek(t, addr, t->cache, r->cache_bytes))
		return false;
	row->slabs = 0;
	row->size = (u32)field(t->cache, r->size);
	row->per_slab = (u32)field(t->cache, r->nr_objects);
	row->pages = (u32)field(t->cache, r->nr_pages);
	copy_printable(row->name, t->cache + r->name.at,
		       min((size_t)r->name.bytes, sizeof(row->name) - 1));
	for (char *c = row->name; *c; c++)
		if (*c == ' ')
			*c = '?';
	if (!row->size || !row->per_slab || !row->pages || row->pages > MAX_PAGES ||
	     !row->name[0])
		return false;
	add_node(r, t->cache + r->node.at, row, &used, &empty);
	if (nr_nodes > 1 && field(t->cache, r->others))
		add_nodes(t, field(t->cache, r->others), nr_nodes, row, &used,
			  &empty);
	/* As slabinfo_get() cuts them. */
	objs = row->slabs * row->per_slab;
	used = min(used, objs);
	row->objs = objs;
	row->active = used - min(row->sheaves + row->barns, used);
	row->active_slabs = row->slabs - min(empty, row->slabs);
	return true;
}

/*
 * Objects in the sheaves of one CPU, added to what @counts has for each
 * cache.  A sheaf that is closed for the moment counts as empty.
 */
static void add_heads(const struct target *t, u64 block, char *heads, u32 last,
		      u64 *counts)
{
	const struct slab_root *r = &t->root;
	size_t bytes = (size_t)(last + 1 - r->first_cache) << r->head_shift;

	if (!peek(t, block + ((u64)r->first_cache << r->head_shift), heads,
		  bytes))
		return;
	for (u32 i = r->first_cache; i <= last; i++) {
		const char *h = heads + ((size_t)(i - r->first_cache) <<
					 r->head_shift);
		u64 cur = field(h, r->head_cur), lo = field(h, r->head_lo);

		/* Since version 3, bounds are low halves of addresses. */
		if (r->head_lo.bytes == sizeof(u32))
			cur = (u32)cur;
		/* More than a block has room for are none. */
		if (cur > lo && cur - lo < (u64)1 << r->percpu_shift)
			counts[i] += (cur - lo) / sizeof(void *);
	}
}

/* Blocks that no CPU has used are not touched: reading makes page tables. */
static void count_sheaves(const struct target *t, u32 last, u64 *counts)
{
	const struct slab_root *r = &t->root;
	char *percpu = must_alloc(1, r->percpu_bytes);
	char *heads = must_alloc(last + 1, (size_t)1 << r->head_shift);
	u64 blocks, next, step, nr;

	if (!peek(t, t->percpu, percpu, r->percpu_bytes))
		goto out;
	blocks = field(percpu, r->percpu_blocks);
	nr = min(field(percpu, r->percpu_nr_cpus), (u64)MAX_CPUS);
	next = field(percpu, r->percpu_next);
	step = field(percpu, r->percpu_next_step);
	for (u64 cpu = 0; cpu < nr; cpu++) {
		u32 used = 0;

		if (peek(t, next + cpu * step, &used, sizeof(used)) && used)
			add_heads(t, blocks + (cpu << r->percpu_shift), heads,
				  last, counts);
	}
out:
	free(heads);
	free(percpu);
}

/* What waits for malloc() on its CPU counts with the barns, as there. */
static void count_spares(const struct target *t, u32 last, u64 *counts)
{
	const struct slab_root *r = &t->root;
	char *percpu = must_alloc(1, r->percpu_bytes);
	char *spare = must_alloc(1, r->spare_bytes);
	u64 all = 0, nr = 0;

	if (peek(t, t->spares, &all, sizeof(all)) && all &&
	    peek(t, t->percpu, percpu, r->percpu_bytes))
		nr = min(field(percpu, r->percpu_nr_cpus), (u64)MAX_CPUS);
	for (u64 cpu = 0; cpu < nr; cpu++) {
		if (!peek(t, all + cpu * r->spare_bytes, spare, r->spare_bytes))
			break;
		for (u32 i = r->first_cache; i <= last; i++)
			if (t->pointers[i] && (u64)t->pointers[i] ==
					      field(spare, r->spare_cache))
				counts[i] += field(spare, r->spare_nr);
	}
	free(spare);
	free(percpu);
}

static void look(struct target *t)
{
	const struct slab_root *r = &t->root;
	u64 *counts = must_alloc(r->nr_caches, sizeof(*counts));
	u64 *spares = must_alloc(r->nr_caches, sizeof(*spares));
	u32 nr_nodes = 1, last = 0;

	t->nr_rows = 0;
	if (!peek(t, t->caches, t->pointers, r->nr_caches * sizeof(void *)) ||
	    !peek(t, t->nr_nodes, &nr_nodes, sizeof(nr_nodes)))
		die("process %d is another program now", t->pid);
	nr_nodes = min(nr_nodes, r->max_nodes);
	for (u32 i = r->first_cache; i < r->nr_caches; i++)
		if (t->pointers[i])
			last = i;
	if (last)
		count_sheaves(t, last, counts);
	count_spares(t, last, spares);
	for (u32 i = r->first_cache; i < r->nr_caches; i++) {
		struct row *row = &t->rows[t->nr_rows];

		row->sheaves = counts[i];
		row->barns = spares[i];
		if (t->pointers[i] &&
		    read_cache(t, (u64)t->pointers[i], nr_nodes, row))
			t->nr_rows++;
	}
	free(spares);
	free(counts);
}

/* --- sorting -------------------------------------------------------------- */

static u64 row_bytes(const struct target *t, const struct row *row)
{
	return row->slabs * row->pages << t->root.page_shift;
}

static u32 row_use(const struct row *row)
{
	return row->objs ? (u32)(row->active * 100 / row->objs) : 0;
}

static const struct target *sorted;
static char sort_key = 'o';

static u64 sort_value(const struct row *row)
{
	switch (sort_key) {
	case 'a':	return row->active;
	case 'b':	return row->per_slab;
	case 'c':	return row_bytes(sorted, row);
	case 'l':	return row->slabs;
	case 'v':	return row->active_slabs;
	case 'o':	return row->objs;
	case 'p':	return row->pages;
	case 's':	return row->size;
	case 'u':	return row_use(row);
	case 'h':	return row->sheaves + row->barns;
	default:	return 0;
	}
}

static bool is_sort_key(int c)
{
	return c && strchr("abclvopsuhn", c);
}

static int compare(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	u64 vx = sort_value(x), vy = sort_value(y);

	if (vx != vy)
		return vx > vy ? -1 : 1;
	if (sort_key != 'n' && x->size != y->size)
		return x->size < y->size ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void sort_rows(struct target *t)
{
	sorted = t;
	qsort(t->rows, t->nr_rows, sizeof(*t->rows), compare);
}

/* --- text ----------------------------------------------------------------- */

static const char *eol = "\n";

static double percent(u64 part, u64 all)
{
	return all ? 100.0 * (double)part / (double)all : 0.0;
}

static double kib(u64 bytes)
{
	return (double)bytes / 1024;
}

static void print_summary(const struct target *t)
{
	u64 objs = 0, active = 0, slabs = 0, active_slabs = 0, size = 0;
	u64 active_size = 0, caches = 0, least = UINT64_MAX, most = 0;

	for (u32 i = 0; i < t->nr_rows; i++) {
		const struct row *row = &t->rows[i];

		objs += row->objs;
		active += row->active;
		slabs += row->slabs;
		active_slabs += row->active_slabs;
		size += row_bytes(t, row);
		active_size += row->active * row->size;
		caches += row->slabs != 0;
		least = min(least, (u64)row->size);
		most = max(most, (u64)row->size);
	}
	printf(" Process                            : %d (%s)%s", t->pid,
	       t->comm, eol);
	printf(" Active / Total Objects (%% used)    : %lu / %lu (%.1f%%)%s",
	       active, objs, percent(active, objs), eol);
	printf(" Active / Total Slabs (%% used)      : %lu / %lu (%.1f%%)%s",
	       active_slabs, slabs, percent(active_slabs, slabs), eol);
	printf(" Active / Total Caches (%% used)     : %lu / %u (%.1f%%)%s",
	       caches, t->nr_rows, percent(caches, t->nr_rows), eol);
	printf(" Active / Total Size (%% used)       : %.2fK / %.2fK (%.1f%%)"
	       "%s", kib(active_size), kib(size), percent(active_size, size),
	       eol);
	printf(" Minimum / Average / Maximum Object : %.2fK / %.2fK / %.2fK%s",
	       t->nr_rows ? kib(least) : 0.0, objs ? kib(size / objs) : 0.0,
	       kib(most), eol);
	fputs(eol, stdout);
}

static void print_rows(const struct target *t, u32 rows)
{
	printf("%6s %6s %4s %8s %6s %8s %10s %6s %6s %s%s", "OBJS", "ACTIVE",
	       "USE", "OBJ SIZE", "SLABS", "OBJ/SLAB", "CACHE SIZE", "SHEAF",
	       "BARN", "NAME", eol);
	for (u32 i = 0; i < min(rows, t->nr_rows); i++) {
		const struct row *row = &t->rows[i];

		printf("%6lu %6lu %3u%% %7.2fK %6lu %8u %9luK %6lu %6lu %s%s",
		       row->objs, row->active, row_use(row), kib(row->size),
		       row->slabs, row->per_slab, row_bytes(t, row) / 1024,
		       row->sheaves, row->barns, row->name, eol);
	}
}

static void print_json(struct target *t, u32 rows)
{
	printf("{\"pid\": %d, \"caches\": [", t->pid);
	for (u32 i = 0; i < min(rows, t->nr_rows); i++) {
		const struct row *row = &t->rows[i];

		printf("%s\n {\"name\": \"", i ? "," : "");
		for (const char *c = row->name; *c; c++)
			printf(*c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
		printf("\", \"objs\": %lu, \"active\": %lu, \"size\": %u, "
		       "\"objs_per_slab\": %u, \"pages_per_slab\": %u, "
		       "\"slabs\": %lu, \"active_slabs\": %lu, "
		       "\"sheaf_objs\": %lu, \"barn_objs\": %lu}",
		       row->objs, row->active, row->size, row->per_slab,
		       row->pages, row->slabs, row->active_slabs,
		       row->sheaves, row->barns);
	}
	printf("]");
	if (pages_sum(t))
		printf(",\n\"pages\": {\"managed\": %lu, \"free\": %lu, "
		       "\"areas\": %lu, \"lazy_areas\": %lu}", t->managed,
		       t->free, t->areas_used, t->areas_lazy);
	printf("}\n");
}

/* --- the screen ----------------------------------------------------------- */

static struct termios saved;
static bool is_raw;
static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
	stopped = sig;
}

static void screen_leave(void)
{
	if (!is_raw)
		return;
	is_raw = false;
	printf("\033[?25h");
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, &saved);
}

/* Keys come one by one, unseen; Ctrl-C is a signal as always. */
static void screen_enter(void)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &saved))
		return;
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	raw = saved;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VSUSP] = _POSIX_VDISABLE;
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	is_raw = true;
	atexit(screen_leave);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	printf("\033[?25l\033[2J");
}

static u32 screen_rows(u32 rows)
{
	struct winsize w = { 0 };
	u32 head = 9;	/* lines above the first row, and one below */

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) || w.ws_row <= head)
		return rows;
	return min(rows, (u32)w.ws_row - head);
}

/* Wait for a key or @ms; false: the end. */
static bool screen_wait(int ms)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	char key;

	if (poll(&in, 1, ms) > 0) {
		if (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' ||
		    key == 'Q')
			return false;
		if (is_sort_key(key))
			sort_key = key;
	}
	return !stopped;
}

static void run_screen(struct target *t, u32 rows, double delay)
{
	screen_enter();
	eol = "\033[K\n";
	do {
		look(t);
		sort_rows(t);
		printf("\033[H");
		print_summary(t);
		print_rows(t, screen_rows(rows));
		printf("\033[J");
		fflush(stdout);
	} while (screen_wait((int)(delay * 1000)));
	screen_leave();
}

static const char usage[] =
"usage: alloc-slabtop [-oj] [-d SECONDS] [-s KEY] [-n ROWS] PID\n"
"       alloc-slabtop --buddyinfo | --pagetypeinfo | --vmallocinfo PID\n"
"\n"
"Lists the caches of liballoc in a running process, as slabtop(1) does the\n"
"kernel's.  The process is not stopped.  Needs the permission of ptrace(2).\n"
"Blocks above 8 KiB are in no cache: with --buddyinfo or --pagetypeinfo it\n"
"shows the free pages by order, with --vmallocinfo the areas (all above 4\n"
"MiB, some from 1 MiB on), as the kernel's files of these names do, once.\n"
"\n"
"  -o, --once     print once and end; so it does, too, where stdout is no\n"
"                 terminal\n"
"  -j, --json     the same as JSON, without cutting\n"
"  -d, --delay    seconds between two looks (3)\n"
"  -n, --rows     the first ROWS caches only\n"
"  -s, --sort     by: o objects (so it is without), a active ones, u use,\n"
"                 s object size, l slabs, v active slabs, b objects of a slab,\n"
"                 p pages of a slab, c cache size, h objects at hand (sheaves\n"
"                 and barns), n name\n"
"      --buddyinfo, --pagetypeinfo, --vmallocinfo\n"
"  -h, --help     -V, --version\n"
"\n"
"SHEAF and BARN are free objects kept at hand of the CPUs and of the nodes;\n"
"ACTIVE are those in the hands of the program.  On the screen, q ends it and\n"
"the keys of -s sort.\n";

/* The kernel's files, in the place of caches. */
enum { FILES = 256 };
static const char *const files[] = { "buddyinfo", "pagetypeinfo", "vmallocinfo" };

static const struct option long_options[] = {
	{ "once", no_argument, NULL, 'o' },
	{ "json", no_argument, NULL, 'j' },
	{ "delay", required_argument, NULL, 'd' },
	{ "rows", required_argument, NULL, 'n' },
	{ "sort", required_argument, NULL, 's' },
	{ "buddyinfo", no_argument, NULL, FILES },
	{ "pagetypeinfo", no_argument, NULL, FILES + 1 },
	{ "vmallocinfo", no_argument, NULL, FILES + 2 },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

/* NULL: getopt has said what is wrong. */
static void __noreturn bad_usage(const char *what, const char *arg)
{
	if (what)
		fprintf(stderr, "alloc-slabtop: %s: %s\n", what, arg);
	fputs("Try 'alloc-slabtop --help'.\n", stderr);
	exit(2);
}

static double number(const char *what, const char *text, double least,
		     double most)
{
	char *end;
	double n = strtod(text, &end);

	if (end == text || *end || !(n >= least && n <= most))
		bad_usage(what, text);
	return n;
}

/* Digits, and nothing else. */
static u32 whole(const char *what, const char *text, u32 most)
{
	if (strspn(text, "0123456789") != strlen(text))
		bad_usage(what, text);
	return (u32)number(what, text, 1, most);
}

int main(int argc, char **argv)
{
	struct target t = { 0 };
	bool once = false, json = false;
	const char *file = NULL;
	double delay = 3;
	u32 rows = UINT32_MAX;
	int c;

	while ((c = getopt_long(argc, argv, "ojd:n:s:hV", long_options,
				NULL)) != -1) {
		switch (c) {
		case 'o':
			once = true;
			break;
		case 'j':
			json = true;
			break;
		case 'd':
			delay = number("no delay in seconds", optarg, 0.05,
				       86400);
			break;
		case 'n':
			rows = whole("no number of rows", optarg, UINT32_MAX);
			break;
		case 's':
			sort_key = optarg[0];
			if (!is_sort_key(sort_key) || optarg[1])
				bad_usage("no key to sort by", optarg);
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		case 'V':
			puts("alloc-slabtop " LIBALLOC_VERSION);
			return 0;
		default:
			if (c < FILES)
				bad_usage(NULL, NULL);
			if (file)
				bad_usage("one file only, not", files[c - FILES]);
			file = files[c - FILES];
		}
	}
	if (optind == argc)
		bad_usage("one argument is missing", "PID");
	if (optind != argc - 1)
		bad_usage("one PID only, not", argv[optind + 1]);
	t.pid = (pid_t)whole("no PID", argv[optind], INT_MAX);
	target_attach(&t);
	if (file) {
		pages_show(&t, file);
		return fflush(stdout) ? 1 : 0;
	}
	if (!once && !json && isatty(STDOUT_FILENO)) {
		run_screen(&t, rows, delay);
		return 0;
	}
	look(&t);
	sort_rows(&t);
	if (json) {
		print_json(&t, rows);
	} else {
		print_summary(&t);
		print_rows(&t, rows);
	}
	return fflush(stdout) ? 1 : 0;
}
