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

static bool set_option(const char *item, size_t len)
{
	const char *eq = memchr(item, '=', len);
	size_t name_len = eq ? (size_t)(eq - item) : len;

	if (!eq)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(descs); i++) {
		const struct opt_desc *d = &descs[i];

		if (strlen(d->name) == name_len &&
		    !memcmp(d->name, item, name_len))
			return set_value(d, eq + 1, len - name_len - 1);
	}
	return false;
}

static void report_bad(const char *item, size_t len)
{
	char names[512];
	char shown[64];
	size_t at = 0;

	for (size_t i = 0; i < ARRAY_SIZE(descs); i++)
		at += fmt_print(names + at, sizeof(names) - at, " %s",
				descs[i].name);
	len = min(len, sizeof(shown) - 1);
	memcpy(shown, item, len);
	shown[len] = '\0';
	report("bad option \"%s\" ignored; the options are:%s", shown, names);
}

void options_seal(void)
{
	if (sys_page_size() <= OPTIONS_PAGE)
		sys_seal(&options, sizeof(options));
}

bool options_parse(const char *text)
{
	bool ok = true;

	while (*text) {
		size_t len = strcspn(text, ",");

		if (len && !set_option(text, len)) {
			if (ok)
				report_bad(text, len);
			ok = false;
		}
		text += len;
		text += *text == ',';
	}
	return ok;
}

void options_help(void)
{
	static const char *const types[] = { "flag", "size", "text", "word" };

	report("LIBALLOC_OPTIONS=\"name=value,...\"");
	for (size_t i = 0; i < ARRAY_SIZE(descs); i++) {
		const struct opt_desc *d = &descs[i];

		report("  %-15s %s  %10zu  %s%s%s", d->name, types[d->type],
		       d->def, d->words, *d->words ? ": " : "", d->help);
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

void options_init(void)
{
	const char *text = options_text();

	if (text)
		options_parse(text);
	if (options.help)
		options_help();
}
