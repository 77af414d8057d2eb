/*
 * vmstat_test.c - the text of the kernel's files: are its figures those of
 * the zones, and is its layout that of the files of this machine's kernel?
 */
#include "shown.h"

/* --- figures --- */

static size_t after(const char *in, const char *key)
{
	const char *at = strstr(in, key);

	cr_assert(at, "%s", key);
	return strtoul(at + strlen(key), NULL, 10);
}

Test(vmstat, zoneinfo_is_the_zones, .init = heap_up)
{
	const char *zone = strstr(show("zoneinfo"), "zone   Normal");

	cr_assert(zone);
	cr_assert_eq(after(zone, "pages free "), zone_normal.nr_free);
	cr_assert_eq(after(zone, "nr_free_pages "), zone_normal.nr_free);
	cr_assert_eq(after(zone, "managed "), zone_normal.nr_managed);
	cr_assert_eq(after(zone, "spanned "), zone_normal.nr_spanned);
	/* One zone has it all. */
	cr_assert_eq(after(zone, "min "), wmark[WMARK_MIN]);
	cr_assert_eq(after(zone, "low "), wmark[WMARK_LOW]);
	cr_assert_eq(after(zone, "high "), wmark[WMARK_HIGH]);
	cr_assert_eq(after(zone, "start_pfn: ") << PAGE_SHIFT,
		     sections[0]->base + (sections[0]->first << PAGE_SHIFT));
}

Test(vmstat, meminfo, .init = heap_up)
{
	struct vmalloc_info areas;
	size_t total, available;

	vmalloc_info(&areas);
	show("meminfo");
	total = after(text, "MemTotal:");
	available = after(text, "MemAvailable:");
	cr_assert_gt(total, 0);
	cr_assert_leq(available, total);
	cr_assert_leq(after(text, "MemFree:"), available);
	cr_assert_eq(after(text, "VmallocUsed:"), areas.bytes / KIB);
	cr_assert_eq(after(text, "DirectMap4k:") + after(text, "DirectMap2M:"),
		     zone_normal.nr_managed * 4);
	/* 40 blocks of 1, 8, ... pages and 14 MiB of areas are in use. */
	cr_assert_geq(after(text, "AnonPages:"),
		      (40 + 7 * 780) * 4 + 14 * 1024);
	cr_assert_leq(after(text, "AnonPages:"),
		      (40 + 7 * 780) * 4 + 15 * 1024);
}

Test(vmstat, meminfo_knows_of_slabs, .init = heap_up)
{
	struct vmstat_slab slab = { 100, 200, 50 };
	struct seq m = { .buf = text, .size = sizeof(text) };
	size_t anon = after(show("meminfo"), "AnonPages:");

	vmstat_show(&m, "meminfo", &slab);
	cr_assert_eq(after(text, "Slab:"), 1200);
	cr_assert_eq(after(text, "SReclaimable:"), 400);
	cr_assert_eq(after(text, "SUnreclaim:"), 800);
	cr_assert_eq(after(text, "AnonPages:"), anon - 1200);
}

Test(vmstat, counters, .init = heap_up)
{
	stat_add(STAT_DIRECT_RECLAIM, 7);
	stat_add(STAT_THP_FAULT, 5);
	show("vmstat");
	cr_assert_eq(after(text, "\nliballoc_area_alloc "),
		     stat_read(STAT_AREA_ALLOC));
	cr_assert_eq(after(text, "nr_free_pages "), zone_normal.nr_free);
	cr_assert_eq(after(text, "allocstall_normal "),
		     stat_read(STAT_DIRECT_RECLAIM));
	cr_assert_eq(after(text, "thp_fault_alloc "), stat_read(STAT_THP_FAULT));
}

Test(vmstat, vmallocinfo, .init = heap_up)
{
	char *p = vmalloc(6 * MIB, PAGE_SIZE, 0), want[64];
	size_t size;

	snprintf(want, sizeof(want), "0x%016lx-0x", (unsigned long)p);
	show("vmallocinfo");
	cr_assert(strstr(text, want), "%s in %s", want, text);
	cr_assert(strstr(strstr(text, want), " pages=1536 vmalloc\n"), "%s",
		  text);
	vfree(p, &size);
	show("vmallocinfo");
	if (strstr(text, want))
		cr_assert(strstr(strstr(text, want), " unpurged vm_area\n"));
}

/* --- cut off safely --- */

Test(vmstat, small_buffers, .init = heap_up)
{
	for (u32 i = 0; vmstat_name(i); i++) {
		char small[200];
		size_t full = strlen(show(vmstat_name(i)));

		for (size_t size = 0; size < sizeof(small); size++) {
			struct seq m = { .buf = small, .size = size };

			memset(small, '#', sizeof(small));
			cr_assert(vmstat_show(&m, vmstat_name(i), &no_slabs));
			REQUIRE(m.len == full);
			for (size_t k = size; k < sizeof(small); k++)
				REQUIRE(small[k] == '#');
			if (size) {
				REQUIRE(strlen(small) == min(full, size - 1));
				REQUIRE(!memcmp(small, text, strlen(small)));
			}
		}
	}
}

static char lines[1 << 17];
static size_t lines_len, nr_flushes;

static void add_lines(const char *line, size_t len)
{
	memcpy(lines + lines_len, line, len);
	lines_len += len;
	nr_flushes++;
}

/* Through a small buffer the text is the same. */
Test(vmstat, by_pieces, .init = heap_up)
{
	static char buf[4 * SEQ_PIECE];

	for (size_t size = SEQ_PIECE; size <= sizeof(buf); size += 77)
		for (u32 i = 0; vmstat_name(i); i++) {
			struct seq m = {
				.buf = buf, .size = size, .flush = add_lines,
			};

			lines_len = nr_flushes = 0;
			REQUIRE(vmstat_show(&m, vmstat_name(i), &no_slabs));
			REQUIRE(m.len == lines_len);
			REQUIRE(lines_len == strlen(show(vmstat_name(i))));
			REQUIRE(!memcmp(lines, text, lines_len));
			REQUIRE(nr_flushes <= 2 * (lines_len / size) + 1);
		}
}

Test(vmstat, unknown_names, .init = heap_up)
{
	struct seq m = { .buf = text, .size = sizeof(text) };

	cr_assert(!vmstat_show(&m, "", &no_slabs));
	cr_assert(!vmstat_show(&m, "buddyinf", &no_slabs));
	cr_assert(!vmstat_show(&m, "buddyinfo2", &no_slabs));
	cr_assert_eq(m.len, 0);
}

/* Nothing waits for a lock that this thread holds. */
Test(vmstat, re_entry, .init = heap_up, .timeout = 60)
{
	lock_try_enter(&zone_normal.lock);
	for (u32 i = 0; vmstat_name(i); i++)
		show(vmstat_name(i));
	lock_exit(&zone_normal.lock);
}

/* --- as the kernel of this machine has it --- */

static char live[1 << 18];

/*
 * False where the file is missing or not for us.  Whole lines, as far as there
 * is room: vmallocinfo has one for each thread of the machine.
 */
static bool read_live(const char *name)
{
	char path[64], *end;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s", name);
	f = fopen(path, "r");
	if (!f)
		return false;
	live[fread(live, 1, sizeof(live) - 1, f)] = '\0';
	fclose(f);
	end = strrchr(live, '\n');
	if (end)
		end[1] = '\0';
	return end;
}

/*
 * The line with its numbers blotted out: a number that is right-aligned is
 * known by where it ends, one that follows a word by where it begins.
 */
static void blot(const char *line, bool right, char *out)
{
	size_t n = 0;

	while (*line && *line != '\n') {
		size_t digits = strspn(line, "0123456789");

		if (!digits || (n && line[-1] != ' ' && line[-1] != '(')) {
			out[n++] = *line++;
			continue;
		}
		while (right && n && out[n - 1] == ' ')
			n--;	/* its column may begin anywhere */
		if (right)
			n += (size_t)sprintf(out + n, "<%zu>",
					     n + digits);
		else
			out[n++] = '0';
		line += digits;
	}
	out[n] = '\0';
}

static const char *next_line(const char *at)
{
	at = strchr(at, '\n');
	return at && at[1] ? at + 1 : NULL;
}

/* The first word or words of a line: all before its value. */
static size_t key_length(const char *line)
{
	size_t n = strspn(line, " ");

	while (line[n] && line[n] != '\n' && line[n] != ' ')
		n++;
	/* "pages free", "cpu: 0": two words make the key. */
	if (!strncmp(line, "  pages free", 12))
		return 12;
	return n;
}

/* Lists of pages, which only newer kernels print in columns. */
static bool of_pageset(const char *line)
{
	return strspn(line, " ") == 14;
}

/* Blanks that follow each other become one. */
static void squeeze(char *line)
{
	char *to = line;

	for (; *line; line++)
		if (*line != ' ' || line[1] != ' ')
			*to++ = *line;
	*to = '\0';
}

/* Every line of ours that the kernel has, too, has the same shape. */
static u32 compare_lines(const char *name)
{
	u32 same = 0;

	if (!read_live(name))
		return 0;
	for (const char *a = show(name); a; a = next_line(a))
		for (const char *b = live; b; b = next_line(b)) {
			size_t key = key_length(a);
			char sa[512], sb[512];

			if (key != key_length(b) || strncmp(a, b, key))
				continue;
			if (*a == 'N' || strstr(a, "protection: (") == a + 8)
				continue;
			blot(a, false, sa);
			blot(b, false, sb);
			if (of_pageset(a)) {
				squeeze(sa);
				squeeze(sb);
			}
			cr_assert_str_eq(sa, sb, "%s", name);
			same++;
			break;
		}
	return same;
}

Test(vmstat, zoneinfo_as_the_kernel_has_it, .init = heap_up)
{
	if (!read_live("zoneinfo"))
		cr_skip_test("no /proc/zoneinfo");
	cr_assert_gt(compare_lines("zoneinfo"), 40);
}

Test(vmstat, vmstat_as_the_kernel_has_it, .init = heap_up)
{
	if (!read_live("vmstat"))
		cr_skip_test("no /proc/vmstat");
	cr_assert_gt(compare_lines("vmstat"), 30);
}

/* Right-aligned: the lines are as long as each other, to the unit. */
Test(vmstat, meminfo_as_the_kernel_has_it, .init = heap_up)
{
	u32 same = 0;

	if (!read_live("meminfo"))
		cr_skip_test("no /proc/meminfo");
	for (const char *a = show("meminfo"); a; a = next_line(a))
		for (const char *b = live; b; b = next_line(b)) {
			size_t key = strcspn(a, ":"), len = strcspn(a, "\n");

			if (strncmp(a, b, key + 1))
				continue;
			/* VmallocTotal has outgrown its column there, too. */
			if (strncmp(a, "VmallocTotal", 12))
				cr_assert_eq(len, strcspn(b, "\n"), "%.40s", a);
			cr_assert_eq(a[len - 1], b[strcspn(b, "\n") - 1]);
			same++;
			break;
		}
	cr_assert_gt(same, 35);
}

/* The zone's name and the columns of counts, of every line with both. */
static void compare_columns(const char *name, const char *mark)
{
	const char *a = strstr(show(name), mark), *b;

	if (!read_live(name))
		cr_skip_test("no /proc/%s for us", name);
	/* All of a small machine's memory is below 4 GiB: DMA32. */
	if (strstr(mark, "Normal") && !strstr(live, "zone   Normal"))
		cr_skip_test("no zone Normal");
	b = strstr(live, mark);
	cr_assert(a && b, "%s", mark);
	while (*a && *a != '\n') {
		size_t lead_a = strspn(a, " "), lead_b = strspn(b, " ");
		size_t word_a = strcspn(a + lead_a, " \n");
		size_t word_b = strcspn(b + lead_b, " \n");

		/* A column ends where it ends. */
		cr_assert_eq(lead_a + word_a, lead_b + word_b, "%s: %.60s",
			     name, a);
		a += lead_a + word_a;
		b += lead_b + word_b;
		if (*a == ' ' && a[1] == '\n')
			a++;
	}
}

Test(vmstat, buddyinfo_as_the_kernel_has_it, .init = heap_up)
{
	compare_columns("buddyinfo", "Node 0, zone   Normal");
}

Test(vmstat, pagetypeinfo_as_the_kernel_has_it, .init = heap_up)
{
	compare_columns("pagetypeinfo", "Page block order");
	compare_columns("pagetypeinfo", "Pages per block");
	compare_columns("pagetypeinfo", "Free pages count");
	compare_columns("pagetypeinfo", "Node    0, zone   Normal, type    Unm");
	compare_columns("pagetypeinfo", "Node    0, zone   Normal, type      Mov");
	compare_columns("pagetypeinfo", "Number of blocks");
	compare_columns("pagetypeinfo", "Node 0, zone   Normal ");
}

Test(vmstat, vmallocinfo_as_the_kernel_has_it, .init = heap_up)
{
	unsigned long start, end, size;

	show("vmallocinfo");
	if (!read_live("vmallocinfo"))
		cr_skip_test("no /proc/vmallocinfo for us");
	for (const char *b = live; b; b = next_line(b))
		cr_assert_eq(sscanf(b, "0x%16lx-0x%16lx %7lu %*s", &start,
				    &end, &size), 3, "%.80s", b);
	for (const char *a = text; a; a = next_line(a)) {
		cr_assert_eq(sscanf(a, "0x%16lx-0x%16lx %7lu %*s", &start,
				    &end, &size), 3, "%.80s", a);
		cr_assert_eq(end - start, size);
		cr_assert(a[18] == '-' && a[37] == ' ' && live[18] == '-' &&
			  live[37] == ' ');
	}
}
