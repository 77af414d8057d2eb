/*
 * ok_exhausted_intact.c - under RLIMIT_AS all is intact after the last NULL.
 */
#include "misuse.h"

#include <sys/resource.h>

struct node {
	struct node *next;
	size_t size;
	unsigned char byte[];
};

static void exhaust(void)
{
	static const size_t sizes[] = { 5 << 20, 100000, 4096, 700, 32 };
	struct node *all = NULL, *n;

	for (int i = 0; i < 5; i++)
		while ((n = malloc(sizes[i]))) {
			n->next = all;
			n->size = sizes[i];
			memset(n->byte, (int)sizes[i] % 251,
			       sizes[i] - sizeof(*n));
			all = n;
		}
	MUST(errno == ENOMEM);
	for (; all; all = n) {
		for (size_t i = 0; i < all->size - sizeof(*n); i++)
			MUST(all->byte[i] == (int)all->size % 251);
		n = all->next;
		free(all);
	}
}

int main(int argc, char **argv)
{
	struct rlimit lim = { 150 << 20, 150 << 20 };

	if (argc == 1) {
		char *again[] = { argv[0], "limited", NULL };

		setrlimit(RLIMIT_AS, &lim);
		execv("/proc/self/exe", again);
		return 4;
	}
	for (int round = 0; round < 3; round++)
		exhaust();
	return 0;
}
