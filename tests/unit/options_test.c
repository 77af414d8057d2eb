/*
 * options_test.c - every option of options.def takes its bounds and refuses
 * what lies outside; bad text is reported and changes nothing.
 */
#include "unit.h"

enum { FLAG, UINT };

static const struct numeric {
	const char *name;
	size_t def, lo, hi, offset;
} numerics[] = {
#define OPT(name, type, def, lo, hi, help)				\
	{ #name, def, lo, hi, offsetof(struct options, name) },
#define OPT_ENUM(name, def, words, help)
#define OPT_TEXT(name, size, help)
#include "core/options.def"
#undef OPT
#undef OPT_ENUM
#undef OPT_TEXT
};

static const struct textual {
	const char *name;
	size_t size, offset;
} textuals[] = {
#define OPT(name, type, def, lo, hi, help)
#define OPT_ENUM(name, def, words, help)
#define OPT_TEXT(name, size, help)					\
	{ #name, size, offsetof(struct options, name) },
#include "core/options.def"
#undef OPT
#undef OPT_ENUM
#undef OPT_TEXT
};

static size_t value(const struct numeric *o)
{
	return *(size_t *)((char *)&options + o->offset);
}

static bool parse(const char *fmt, ...)
{
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return options_parse(text);
}

/* Reports go to stderr; the other tests do not want them there. */
static void quiet(void)
{
	cr_assert_not_null(freopen("/dev/null", "w", stderr));
}

Test(options, defaults_and_bounds, .init = quiet)
{
	for (u32 i = 0; i < ARRAY_SIZE(numerics); i++) {
		const struct numeric *o = &numerics[i];

		cr_assert_eq(value(o), o->def, "%s", o->name);
		cr_assert(o->lo <= o->def && o->def <= o->hi, "%s", o->name);
		cr_assert(parse("%s=%zu", o->name, o->lo));
		cr_assert_eq(value(o), o->lo, "%s", o->name);
		cr_assert(parse("%s=%zu", o->name, o->hi));
		cr_assert_eq(value(o), o->hi, "%s", o->name);
		cr_assert(!parse("%s=%zu", o->name, o->hi + 1));
		if (o->lo)
			cr_assert(!parse("%s=%zu", o->name, o->lo - 1));
		cr_assert_eq(value(o), o->hi, "%s: a bad value is ignored",
			     o->name);
		cr_assert(parse("%s=%zu", o->name, o->def));
	}
}

Test(options, text, .init = quiet)
{
	static char longest[4096];

	for (u32 i = 0; i < ARRAY_SIZE(textuals); i++) {
		const struct textual *o = &textuals[i];
		char *field = (char *)&options + o->offset;

		cr_assert_str_eq(field, "");
		memset(longest, 'x', o->size);
		longest[o->size] = '\0';
		cr_assert(!parse("%s=%s", o->name, longest));
		cr_assert_str_eq(field, "");
		longest[o->size - 1] = '\0';
		cr_assert(parse("%s=%s", o->name, longest));
		cr_assert_str_eq(field, longest);
		cr_assert(parse("%s=a=b", o->name));
		cr_assert_str_eq(field, "a=b");
		cr_assert(parse("%s=", o->name));
		cr_assert_str_eq(field, "");
	}
}

Test(options, every_bad_input, .init = quiet)
{
	static const char *const bad[] = {
		"nonsense", "nonsense=1", "=", "=1", "lazy", "thp", "trace",
		"help=", "help=2", "help=-1", "help= 1", "help =1", "Help=1",
		"help percpu",
		"help=yes", "help=1x", "hel=1", "helpp=1", "lazy=1t",
		"lazy=0x10", "lazy=1.5m", "lazy=mm", "lazy=k", "lazy==1",
		"lazy=18446744073709551616", "lazy=99999999999999999999",
		"lazy=18014398509481984k", "sheaf_capacity=3",
		"sheaf_capacity=257", "sheaf_capacity=1g", "help=1;lazy=1",
		"lazy=1,nonsense,help=1", ",,,x,,,",
	};
	struct options before = options;

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		cr_assert(!options_parse(bad[i]), "\"%s\"", bad[i]);
		/* What is good in it still counts. */
		if (i + 2 == ARRAY_SIZE(bad)) {
			cr_assert_eq(options.lazy, 1);
			cr_assert_eq(options.help, 1);
			options = before;
		}
		cr_assert(!memcmp(&before, &options, sizeof(options)),
			  "\"%s\" changed something", bad[i]);
	}
}

Test(options, lists)
{
	cr_assert(options_parse(""));
	cr_assert(options_parse(","));
	cr_assert(options_parse(",,lazy=4k,,verbose=1,"));
	cr_assert_eq(options.lazy, 4096);
	cr_assert_eq(options.verbose, 1);
	cr_assert(options_parse(" lazy=8k , stats,\thelp \n"));
	cr_assert_eq(options.lazy, 8192);
	cr_assert_eq(options.stats, 1, "a flag's name alone");
	cr_assert_eq(options.help, 1);
	cr_assert(options_parse("lazy=1m,lazy=2m"));
	cr_assert_eq(options.lazy, 2 * MIB, "the last one counts");
	cr_assert(options_parse("lazy=1G,stats_file=/x/y,percpu=0"));
	cr_assert_eq(options.lazy, GIB);
	cr_assert_str_eq(options.stats_file, "/x/y");
	cr_assert_eq(options.percpu, 0);
}

static void parse_in_child(void *text)
{
	options_parse(text);
}

Test(options, each_bad_one_is_a_line)
{
	char text[4096], *line;

	cr_assert_eq(unit_child(parse_in_child,
				"wrong=1,lazy=4k,worse=2,help=7,thp=1,"
				"sheaf_capacity=1,slab_debug,proc=", text,
				sizeof(text)), 0);
	line = strchr(text, '\n');
	cr_assert(line && !strncmp(text, "liballoc: unknown option \"wrong=1\" "
				   "ignored; the options are: ", 60), "%s",
		  text);
	cr_assert_str_eq(line + 1,
		"liballoc: unknown option \"worse=2\" ignored\n"
		"liballoc: option \"help=7\" ignored: help takes 0 or 1\n"
		"liballoc: option \"thp=1\" ignored: thp takes "
		"never|madvise|always\n"
		"liballoc: option \"sheaf_capacity=1\" ignored: "
		"sheaf_capacity takes 4 to 256\n"
		"liballoc: option \"slab_debug\" ignored: it takes a value, "
		"slab_debug=...\n");
	*line = '\0';
	for (u32 i = 0; i < ARRAY_SIZE(numerics); i++)
		cr_assert(strstr(text, numerics[i].name), "%s",
			  numerics[i].name);
	for (u32 i = 0; i < ARRAY_SIZE(textuals); i++)
		cr_assert(strstr(text, textuals[i].name));
}

Test(options, a_very_long_item_is_cut)
{
	static char item[9000], text[4096];

	memset(item, 'y', sizeof(item) - 1);
	cr_assert_eq(unit_child(parse_in_child, item, text, sizeof(text)), 0);
	cr_assert(strstr(text, "yyyy"));
	cr_assert_lt(strlen(text), 1025);
	cr_assert_eq(strchr(text, '\n'), text + strlen(text) - 1);
}

static void init_in_child(void *text)
{
	if (text)
		setenv("LIBALLOC_OPTIONS", text, 1);
	else
		unsetenv("LIBALLOC_OPTIONS");
	options_init();
	dprintf(STDERR_FILENO, "lazy is %zu\n", options.lazy);
}

Test(options, environment_and_help)
{
	char text[8192];

	unit_child(init_in_child, NULL, text, sizeof(text));
	cr_assert_str_eq(text, "lazy is 4294967296\n");
	unit_child(init_in_child, "lazy=7", text, sizeof(text));
	cr_assert_str_eq(text, "lazy is 7\n");
	unit_child(init_in_child, "help=1", text, sizeof(text));
	for (u32 i = 0; i < ARRAY_SIZE(numerics); i++) {
		char want[128];

		snprintf(want, sizeof(want), "liballoc:   %-15s ",
			 numerics[i].name);
		cr_assert(strstr(text, want), "%s in %s", want, text);
	}
}

Test(options, words, .init = quiet)
{
	cr_assert_eq(options.thp, THP_MADVISE);
	cr_assert(parse("thp=never"));
	cr_assert_eq(options.thp, THP_NEVER);
	cr_assert(parse("thp=always,thp_start=4m"));
	cr_assert_eq(options.thp, THP_ALWAYS);
	cr_assert_not(parse("thp=alway"));
	cr_assert_not(parse("thp="));
	cr_assert_not(parse("thp=never|always"));
	cr_assert_not(parse("thp=1"));
	cr_assert_eq(options.thp, THP_ALWAYS);
}
