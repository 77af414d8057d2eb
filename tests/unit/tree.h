/*
 * tree.h - files as they could lie below / on another machine.
 *
 * A test fills a directory of its own and has the reader begin there.
 */
#ifndef TESTS_UNIT_TREE_H
#define TESTS_UNIT_TREE_H

#include "unit.h"

#include <ftw.h>
#include <sys/stat.h>

static char tree[64];

/* The .init of a test. */
static void tree_make(void)
{
	strcpy(tree, "/tmp/liballoc-tree-XXXXXX");
	cr_assert(mkdtemp(tree));
}

static int tree_remove_one(const char *path, const struct stat *st, int type,
			   struct FTW *ftw)
{
	return remove(path);
}

/* The .fini. */
static void tree_remove(void)
{
	nftw(tree, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* @path begins with a slash; folders are made. */
static void tree_put(const char *path, const char *text)
{
	char full[1024];
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", tree, path);
	for (char *p = full + strlen(tree) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(full, 0755);
		*p = '/';
	}
	f = fopen(full, "w");
	cr_assert(f, "%s", full);
	fputs(text, f);
	fclose(f);
}

#endif
