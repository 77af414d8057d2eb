/*
 * practice.h - what the practice programs share.
 *
 * Each program shows one thing about memory management and checks that what
 * it says is so: it ends with "ok" and exit 0, or says what was not as the
 * text claims and exits 1.  The kernel's names are used throughout; see
 * include/liballoc.h for what stands behind them.
 */
#ifndef PRACTICE_H
#define PRACTICE_H

#define LIBALLOC_KMEM_NAMES
#include "liballoc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the text says must be so. */
#define MUST(cond)							\
	do {								\
		if (!(cond)) {						\
			printf("FAILED %s:%d: %s (errno %d)\n",		\
			       __FILE__, __LINE__, #cond, errno);	\
			exit(1);					\
		}							\
	} while (0)

/* One of the files of /proc about this program's own heap. */
static inline char *proc(const char *name)
{
	static char text[1 << 18];

	MUST(alloc_proc_read(name, text, sizeof(text)) > 0);
	return text;
}

/* The number that stands after @key in @text, or -1. */
static inline long number_after(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? strtol(at + strlen(key), NULL, 10) : -1;
}

/* The part of zoneinfo about one zone of node 0. */
static inline const char *zone_text(const char *zone)
{
	char head[32];

	snprintf(head, sizeof(head), "Node 0, zone %8s", zone);
	return strstr(proc("zoneinfo"), head);
}

static inline void ok(void)
{
	printf("ok\n");
	exit(0);
}

#endif
