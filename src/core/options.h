/*
 * options.h - the tunables of LIBALLOC_OPTIONS="name=value,...".
 */
#ifndef CORE_OPTIONS_H
#define CORE_OPTIONS_H

#include "lib/compiler.h"

#define OPTIONS_PAGE 4096

enum { PRESSURE_NEVER, PRESSURE_ALWAYS, PRESSURE_AUTO };
enum { THP_NEVER, THP_MADVISE, THP_ALWAYS };	/* of the option thp */

struct options {
#define OPT(name, type, def, lo, hi, help) size_t name;
#define OPT_ENUM(name, def, words, help) size_t name;
#define OPT_TEXT(name, size, help) char name[size];
#include "core/options.def"
#undef OPT
#undef OPT_ENUM
#undef OPT_TEXT
} __aligned(OPTIONS_PAGE);

/* A page of its own, read-only once options_seal() has run. */
extern __hidden struct options options;

/**
 * options_init - read LIBALLOC_OPTIONS, once, at start-up
 *
 * Ignored whole in a set-uid program.  Each unknown name and each bad value is
 * reported on stderr, with what there is, and skipped.
 */
void options_init(void);
/* LIBALLOC_OPTIONS is set to something; before options_init(), too. */
bool options_given(void);

/* No stray write changes them any more. */
void options_seal(void);
/* Parse @text into the options; false if any part of it was reported. */
bool options_parse(const char *text);
/* The table of names, defaults, bounds and help, on stderr. */
void options_help(void);

#endif
