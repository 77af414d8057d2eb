/*
 * options.c - parser of LIBALLOC_OPTIONS; the table is options.def.
 */
#include <string.h>

#include "core/options.h"
#include "core/report.h"
#include "lib/fmt.h"
#include "sys/sys.h"

struct options options = {
#define OPT(name, type, def, lo, hi, help) .name = (def),
#define OPT_ENUM(name, def, words, help) .name = (def),
#define OPT_TEXT(name, size, help) .name = "",
#include "core/options.def"
#undef OPT
#undef OPT_ENUM
#undef OPT_TEXT
};

enum opt_type { FLAG, UINT, TEXT, ENUM };

/* Whole texts, not pointers, which would be a relocation each at start-up. */
struct opt_desc {
	size_t def, lo, hi;	/* TEXT: hi is the size of the buffer */
	size_t offset;		/* in struct options */
	enum opt_type type;
	char name[20];
	char words[24];		/* ENUM: "first|second|..." */
	char help[80];
};

static const struct opt_desc descs[] __cold_const = {
#define OPT(name, type, def, lo, hi, help)				\
	{ def, lo, hi, offsetof(struct options, name), type, #name, "", help },
#define OPT_ENUM(name, def, words, help)				\
	{ def, 0, 0, offsetof(struct options, name), ENUM, #name, words, help },
#define OPT_TEXT(name, size, help)					\
	{ 0, 0, size, offsetof(struct options, name), TEXT, #name, "", help },
#include "core/options.def"
#undef OPT
#undef OPT_ENUM
#undef OPT_TEXT
};

#define FITS(n, w, h)							\
	_Static_assert(sizeof(#n) <= sizeof(descs->name) &&		\
		       sizeof(w) <= sizeof(descs->words) &&		\
		       sizeof(h) <= sizeof(descs->help), #n);
#define OPT(n, type, def, lo, hi, h) FITS(n, "", h)
#define OPT_ENUM(n, def, w, h) FITS(n, w, h)
#define OPT_TEXT(n, size, h) FITS(n, "", h)
#include "core/options.def"
#undef OPT
#undef OPT_ENUM
#undef OPT_TEXT

/* The number of @val among @words; false if it is none of them. */
static bool find_word(const char *words, const char *val, size_t len, size_t *n)
{
	for (*n = 0;; ++*n) {
		size_t word = strcspn(words, "|");

		if (word == len && !memcmp(words, val, len))
			return true;
		if (!words[word])
			return false;
		words += word + 1;
	}
}

static bool set_value(const struct opt_desc *d, const char *val, size_t len)
{
	char *field = (char *)&options + d->offset;
	size_t n;

	if (d->type == TEXT) {
		if (len >= d->hi)
			return false;
		memcpy(field, val, len);
		field[len] = '\0';
		return true;
	}
	if (d->type == ENUM ? !find_word(d->words, val, len, &n) :
	    !fmt_parse_size(val, len, &n) || n < d->lo || n > d->hi)
		return false;
	memcpy(field, &n, sizeof(n));
	return true;
}

static const struct opt_desc *find_option(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(descs); i++)
		if (strlen(descs[i].name) == len &&
		    !memcmp(descs[i].name, name, len))
			return &descs[i];
	return NULL;
}

/* What an option takes: "4 to 256", "never|madvise|always". */
static size_t print_range(char *buf, size_t size, const struct opt_desc *d)
{
	switch (d->type) {
	case FLAG:
		return fmt_print(buf, size, "0 or 1");
	case TEXT:
		return fmt_print(buf, size, "at most %zu characters",
				 d->hi - 1);
	case ENUM:
		return fmt_print(buf, size, "%s", d->words);
	default:
		return fmt_print(buf, size, "%zu to %zu", d->lo, d->hi);
	}
}

/* The first unknown name comes with the list of those that exist. */
static void report_bad(const char *item, size_t len, const struct opt_desc *d,
		       bool first)
{
	char shown[64], what[512];
	size_t at = 0;

	what[0] = '\0';
	len = min(len, sizeof(shown) - 1);
	memcpy(shown, item, len);
	shown[len] = '\0';
	if (d && d->type == TEXT && !memchr(item, '=', len)) {
		report("option \"%s\" ignored: it takes a value, %s=...", shown,
		       d->name);
		return;
	}
	if (d) {
		print_range(what, sizeof(what), d);
		report("option \"%s\" ignored: %s takes %s", shown, d->name,
		       what);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(descs) && first; i++)
		at += fmt_print(what + at, sizeof(what) - at, " %s",
				descs[i].name);
	report("unknown option \"%s\" ignored%s%s", shown,
	       first ? "; the options are:" : "", what);
}

/* One "name=value", or the bare name of a flag; false: it was reported. */
static bool parse_item(const char *item, size_t len, bool *first)
{
	const char *eq = memchr(item, '=', len);
	size_t name_len = eq ? (size_t)(eq - item) : len;
	const struct opt_desc *d = find_option(item, name_len);

	if (d && !eq && d->type == FLAG)
		return set_value(d, "1", 1);
	if (d && eq && set_value(d, eq + 1, len - name_len - 1))
		return true;
	report_bad(item, len, d, *first);
	*first = *first && d;
	return false;
}

void options_seal(void)
{
	if (sys_page_size() <= OPTIONS_PAGE)
		sys_seal(&options, sizeof(options));
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

bool options_parse(const char *text)
{
	bool ok = true, first = true;

	while (*text) {
		const char *item = text;
		size_t len = strcspn(text, ",");

		text += len;
		text += *text == ',';
		for (; len && is_blank(*item); len--)
			item++;
		while (len && is_blank(item[len - 1]))
			len--;
		if (len)
			ok = parse_item(item, len, &first) && ok;
	}
	return ok;
}

/* The default as a user would write it. */
static void print_default(char *buf, size_t size, const struct opt_desc *d)
{
	const char *word = d->words;

	buf[0] = '\0';
	if (d->type == ENUM) {
		for (size_t n = 0; n < d->def; n++)
			word += strcspn(word, "|") + 1;
		size = min(size, strcspn(word, "|") + 1);
		fmt_print(buf, size, "%s", word);
	} else if (d->type != TEXT) {
		fmt_print(buf, size, "%zu", d->def);
	}
}

void options_help(void)
{
	report("LIBALLOC_OPTIONS=\"name=value,...\"; sizes take k, m, g");
	for (size_t i = 0; i < ARRAY_SIZE(descs); i++) {
		const struct opt_desc *d = &descs[i];
		char def[24], range[48];

		print_default(def, sizeof(def), d);
		print_range(range, sizeof(range), d);
		report("  %-15s %10s  %s (%s)", d->name, def, d->help, range);
	}
}

static const char *options_text(void)
{
	static char early[16384];	/* touched only before libc is up */

	return sys_secure() ? NULL :
	       sys_getenv("LIBALLOC_OPTIONS", early, sizeof(early));
}

bool options_given(void)
{
	const char *text = options_text();

	return text && *text;
}

/* The program may change its directory before it is written, at its end. */
static void make_stats_file_absolute(void)
{
	char name[sizeof(options.stats_file)];

	if (!sys_absolute(name, sizeof(name), options.stats_file))
		report("stats_file=%s: relative to where the program ends",
		       options.stats_file);
	else
		memcpy(options.stats_file, name, sizeof(name));
}

void options_init(void)
{
	const char *text = options_text();

	if (text)
		options_parse(text);
	if (options.stats_file[0] && options.stats_file[0] != '/')
		make_stats_file_absolute();
	if (options.help)
		options_help();
}
