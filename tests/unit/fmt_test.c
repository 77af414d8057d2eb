/*
 * fmt_test.c - does fmt_print() write what snprintf() writes, within bounds,
 * and does fmt_parse_size() take sizes and nothing else?
 */
#include "unit.h"

#include "lib/fmt.h"

/* Formats are data here. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-security"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wformat-overflow"
#endif

static void same(const char *fmt, u64 val)
{
	char ours[128], libc[128];
	size_t len;
	int n;

	if (strchr(fmt, 'l') || strchr(fmt, 'z') || strchr(fmt, 'p')) {
		len = fmt_print(ours, sizeof(ours), fmt, val);
		n = snprintf(libc, sizeof(libc), fmt, val);
	} else {
		len = fmt_print(ours, sizeof(ours), fmt, (u32)val);
		n = snprintf(libc, sizeof(libc), fmt, (u32)val);
	}
	REQUIRE(len == (size_t)n && !strcmp(ours, libc),
		"\"%s\" of %lx: \"%s\", not \"%s\"", fmt, val, ours, libc);
}

Test(fmt, numbers_as_snprintf)
{
	static const char *const convs[] = {
		"d", "u", "x", "ld", "lu", "lx", "zu", "zd", "zx", "llu",
		"lld", "c",
	};
	static const char *const flags[] = {
		"", "1", "5", "20", "30", "-5", "-25", "-1",
	};
	char fmt[32];
	u64 seed = 11;

	for (u32 round = 0; round < 2000; round++) {
		u64 val = rnd(&seed) >> rnd_below(&seed, 64);

		if (round % 4 == 1)
			val = -val;
		if (round < 3)
			val = round - 1;
		for (u32 f = 0; f < ARRAY_SIZE(flags); f++)
			for (u32 c = 0; c < ARRAY_SIZE(convs); c++) {
				if (convs[c][0] == 'c' && !(u8)val)
					continue;
				snprintf(fmt, sizeof(fmt), "<%%%s%s>",
					 flags[f], convs[c]);
				same(fmt, val);
			}
		if (val)
			same("%p", val), same("%30p", val),
				same("%-30p|", val);
	}
	same("%d", (u64)INT32_MIN);
	same("%ld", (u64)INT64_MIN);
	same("%lu", ~(u64)0);
}

Test(fmt, zero_fill_as_snprintf)
{
	u64 seed = 12;

	for (u32 round = 0; round < 1000; round++) {
		u64 val = rnd(&seed) >> rnd_below(&seed, 64);

		same("%08x", val);
		same("%016lx", val);
		same("%010u", val);
		same("%-08x|", val);
		same("%030lu", val);
		same("%05d", val & 0xffffff);
	}
}

Test(fmt, zero_fill_of_a_negative_number)
{
	same("%05d", (u64)-5);
	same("%020ld", (u64)-5);
}

Test(fmt, text)
{
	char buf[64];
	size_t len;

	len = fmt_print(buf, sizeof(buf), "%s|%5s|%-5s|%s%%%c", "one", "two",
			"tri", "", 'x');
	cr_assert_str_eq(buf, "one|  two|tri  |%x");
	cr_assert_eq(len, strlen(buf));
	fmt_print(buf, sizeof(buf), "%s", (char *)NULL);
	cr_assert_str_eq(buf, "(null)");
	fmt_print(buf, sizeof(buf), "%p", NULL);
	cr_assert_str_eq(buf, "0x0");
	fmt_print(buf, sizeof(buf), "half %");
	cr_assert_str_eq(buf, "half ");
	fmt_print(buf, sizeof(buf), "%-3d|%3s|%lu", 7, "abcd", 8ul);
	cr_assert_str_eq(buf, "7  |abcd|8");
}

Test(fmt, never_writes_beyond_the_buffer)
{
	static const char *const fmts[] = {
		"%s", "%20s", "%-20s", "%d and %lx", "plain text only",
	};
	char buf[64];

	for (u32 i = 0; i < ARRAY_SIZE(fmts); i++)
		for (size_t size = 0; size < 32; size++) {
			char full[128];
			size_t want, len;

			memset(buf, '#', sizeof(buf));
			snprintf(full, sizeof(full), fmts[i], "a long text",
				 123456789l);
			want = size ? min(strlen(full), size - 1) : 0;
			len = fmt_print(buf, size, fmts[i], "a long text",
					123456789l);
			if (i != 3) {
				cr_assert_eq(len, want);
				cr_assert(!memcmp(buf, full, want));
			}
			cr_assert(len < size || !size);
			cr_assert(!size || buf[len] == '\0');
			for (size_t j = size; j < sizeof(buf); j++)
				cr_assert_eq(buf[j], '#');
		}
}

static void parses(const char *text, size_t want)
{
	size_t val = 42;

	cr_assert(fmt_parse_size(text, strlen(text), &val), "%s", text);
	cr_assert_eq(val, want, "%s gave %zu", text, val);
}

static void refuses(const char *text)
{
	size_t val = 42;

	cr_assert(!fmt_parse_size(text, strlen(text), &val), "%s", text);
	cr_assert_eq(val, 42, "%s changed the value", text);
}

Test(fmt, parse_size)
{
	char text[32];
	u64 seed = 13;

	parses("0", 0);
	parses("007", 7);
	parses("1k", KIB);
	parses("3K", 3 * KIB);
	parses("5m", 5 * MIB);
	parses("5M", 5 * MIB);
	parses("2g", 2 * GIB);
	parses("2G", 2 * GIB);
	parses("18446744073709551615", SIZE_MAX);
	parses("18014398509481983k", SIZE_MAX & ~(KIB - 1));
	for (u32 i = 0; i < 1000; i++) {
		u64 val = rnd(&seed) >> rnd_below(&seed, 64);

		snprintf(text, sizeof(text), "%lu", val);
		parses(text, val);
	}
	cr_assert(fmt_parse_size("12345", 2, &seed));
	cr_assert_eq(seed, 12, "only len bytes are read");

	refuses("");
	refuses("k");
	refuses("-1");
	refuses("+1");
	refuses(" 1");
	refuses("1 ");
	refuses("1kk");
	refuses("1kb");
	refuses("1t");
	refuses("0x10");
	refuses("1.5");
	refuses("18446744073709551616");
	refuses("99999999999999999999999");
	refuses("18014398509481984k");
	refuses("17592186044416m");
	refuses("17179869184g");
}
