#!/bin/sh
# check-order.sh - a small program runs no code outside of liballoc.order.
#
#	scripts/check-order.sh build/liballoc.so
#
# What every program runs has a mapping of its own; one function outside of it
# makes 64 KiB resident in each (order.awk).  awk keeps a thousand strings,
# replaces them until its sheaves have grown, and ends; a second library, whose
# destructor comes after this one's, then copies its mappings, so that what runs
# at exit counts.  Exit 1: name the missing function in src/api/liballoc.order;
#	LD_PRELOAD=build/liballoc.so perf record -e page-faults -c 1 -d awk ...
# says which.
set -eu

lib=$(realpath "${1:?usage: check-order.sh LIBRARY}")
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

LD_PRELOAD=$lib:$tmp/last.so SMAPS=$tmp/smaps awk '
BEGIN {
	for (i = 0; i < 20000; i++)	# and again: sheaves grow
		kept[i % 1000] = sprintf("%0*d", i % 300, i)
}'
awk '
/^[0-9a-f]+-[0-9a-f]+ / { ours = $2 == "r-xp" && $NF ~ /liballoc\.so$/; nr += ours }
ours && $1 == "Rss:" { rss[nr] = $2 }
END {
	if (nr != 3) {
		print "check-order: " nr + 0 " mappings of code, not three"
		exit 1
	}
	rest = rss[2] + rss[3]
	print "check-order: resident code: " rss[1] " KiB, of the rest " rest
	exit rest != 0
}' "$tmp/smaps"
