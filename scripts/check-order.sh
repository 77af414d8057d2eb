#!/bin/sh
# check-order.sh - neither a small program nor one whose heap grows, shrinks and
# lies idle runs code outside of liballoc.order.
#
#	scripts/check-order.sh [LIBRARY]	default: build/liballoc.so
#
# What every program runs has a mapping of its own; one function outside of it
# makes 64 KiB resident in each (order.awk).  awk keeps a thousand strings,
# replaces them until its sheaves have grown, and ends; a second library, whose
# destructor comes after this one's, then copies its mappings, so that what runs
# at exit counts.  What gives memory back has the second mapping: of the other
# program the third must not be resident.  Exit 1: name the missing function in src/api/liballoc.order;
#	LD_PRELOAD=build/liballoc.so perf record -e page-faults -c 1 -d awk ...
# says which.
set -eu

lib=$(realpath "${1:-$(dirname "$0")/../build/liballoc.so}")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

cat >"$tmp/last.c" <<'C'
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

__attribute__((destructor)) static void copy(void)
{
	static char text[1 << 16];
	int from = open("/proc/self/smaps", O_RDONLY);
	int to = open(getenv("SMAPS"), O_WRONLY | O_CREAT, 0600);
	ssize_t n;

	while ((n = read(from, text, sizeof(text))) > 0)
		if (write(to, text, (size_t)n) != n)
			_exit(1);
}
C
${CC:-cc} -shared -fPIC -o "$tmp/last.so" "$tmp/last.c"

cat >"$tmp/idle.c" <<'C'
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_barrier_t grown;

static void *work(void *wait)
{
	static const size_t sizes[] = { 30, 700, 30000, 6 << 20 };
	enum { BYTES = 48 << 20 };

	for (int k = 0; k < 4; k++) {
		size_t n = BYTES / sizes[k];
		void **p = malloc(n * sizeof(*p));

		for (size_t i = 0; i < n; i++)
			p[i] = memset(malloc(sizes[k]), 1, sizes[k]);
		for (size_t i = 0; i < n; i++)
			free(p[i]);
		free(p);
	}
	if (wait)
		pthread_barrier_wait(&grown);
	if (wait)
		pause();
	return NULL;
}

/* One thread, three that then sleep, or one again. */
int main(int argc, char **argv)
{
	pthread_t t;

	pthread_barrier_init(&grown, NULL, 3);
	if (!strcmp(argv[1], "threads")) {
		pthread_create(&t, NULL, work, &grown);
		pthread_create(&t, NULL, work, &grown);
		pthread_barrier_wait(&grown);
	} else if (!strcmp(argv[1], "joined")) {
		pthread_create(&t, NULL, work, NULL);
		pthread_join(t, NULL);
	}
	work(NULL);
	for (int i = 0; i < 60; i++) {	/* six looks of reclaim_delay */
		usleep(100000);
		if (!strcmp(argv[1], "alone"))
			free(malloc(20000));
	}
	return 0;
}
C
${CC:-cc} -O1 -fno-builtin -pthread -o "$tmp/idle" "$tmp/idle.c"

# Not gawk, whose table of strings is a buffer of more than 8 KiB.
awk=$(command -v mawk || command -v awk)
LD_PRELOAD=$lib:$tmp/last.so SMAPS=$tmp/small "$awk" '
BEGIN {
	for (i = 0; i < 20000; i++)	# and again: sheaves grow
		kept[i % 1000] = sprintf("%0*d", i % 300, i)
}'

for how in alone joined threads; do
	LD_PRELOAD=$lib:$tmp/last.so SMAPS=$tmp/$how "$tmp/idle" $how &
done
wait

# resident WHAT FIRST: of the mappings from FIRST on nothing may be resident
resident()
{
	awk -v what="$1" -v first="$2" '
/^[0-9a-f]+-[0-9a-f]+ / { ours = $2 == "r-xp" && $NF ~ /liballoc\.so$/; nr += ours }
ours && $1 == "Rss:" { rss[nr] = $2 }
END {
	if (nr != 3) {
		print "check-order: " what ": " nr + 0 " mappings, not three"
		exit 1
	}
	for (i = first; i <= 3; i++)
		rest += rss[i]
	print "check-order: " what ": resident code: " rss[1] " and " \
	      rss[2] " KiB, of what should not be " rest + 0
	exit rest != 0
}' "$tmp/$1"
}

resident small 2
resident alone 3
resident joined 3
resident threads 3

# The same of its data, which reading maps as well: what is large goes to .bss.
awk -v most=16 '
/^[0-9a-f]+-[0-9a-f]+ / { ours = $2 == "rw-p" && $NF ~ /liballoc\.so$/ }
ours && $1 == "Size:" { size += $2 }
END {
	print "check-order: data in the file: " size + 0 " KiB, at most " most
	exit size > most
}' "$tmp/small"
