/*
 * strings - strings that are appended to, joined and copied.
 *
 * Of 20,000 strings a random one is joined with another into a new one; past
 * 600 bytes, it begins anew, short, and grows by realloc() seven letters at a
 * time.  Each is copied once for a moment.
 *
 * After: the interpreters (perl, gawk, ghostscript) of M. Johnstone, P. Wilson,
 * "The memory fragmentation problem: solved?", ISMM 1998.
 */
#include "literature.h"

#define STRINGS 20000
#define LONGEST 600
#define WORD "abcdefg"
#define WORD_LEN 7

static char *begin_anew(char *old, uint64_t words)
{
	char *s = must(malloc(WORD_LEN + 1));
	size_t len;

	free(old);
	memcpy(s, WORD, WORD_LEN + 1);
	for (len = WORD_LEN; words; words--, len += WORD_LEN) {
		s = must(realloc(s, len + WORD_LEN + 1));
		memcpy(s + len, WORD, WORD_LEN + 1);
	}
	return s;
}

static char *join_strings(const char *a, size_t a_len, const char *b,
			  size_t b_len)
{
	char *s = must(malloc(a_len + b_len + 2));

	memcpy(s, a, a_len);
	memcpy(s + a_len, b, b_len);
	memcpy(s + a_len + b_len, ".", 2);
	return s;
}

int main(int argc, char **argv)
{
	char **s = must(calloc(STRINGS, sizeof(*s)));
	struct rng r = rng_seed(4);
	uint64_t n[1], steps, i;
	double scale;

	scale = bench_begin_with(argc, argv, n, 1, "STEPS");
	steps = scaled(n[0], scale);
	for (i = 0; i < steps; i++) {
		char **a = &s[rng_below(&r, STRINGS)];
		char **b = &s[rng_below(&r, STRINGS)];
		size_t a_len = *a ? strlen(*a) : 0;
		size_t b_len = *b ? strlen(*b) : 0;
		char *new;

		if (!*a || a_len + b_len > LONGEST) {
			*a = begin_anew(*a, rng_below(&r, 12));
		} else {
			new = join_strings(*a, a_len, *b ? *b : "", b_len);
			free(*a);
			*a = new;
		}
		new = must(strdup(*a));
		escape(new);
		free(new);
	}
	for (i = 0; i < STRINGS; i++)
		free(s[i]);
	free(s);
	return bench_end("strings", steps * 2);
}
