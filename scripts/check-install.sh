#!/bin/sh
# check-install.sh - make install brings what a user builds with, and make
# uninstall takes it away again.
#
# usage: check-install.sh	CC and BUILD as for make
set -eu

cd "$(dirname "$0")/.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
root=$tmp/usr

install()
{
	make -s ${BUILD:+"BUILD=$BUILD"} "$@" PREFIX="$root" \
		LDCONFIG="$tmp/ldconfig" >"$tmp/log" 2>&1 ||
		{ cat "$tmp/log" >&2; exit 1; }
}

# In the place of the machine's: it counts, and fails as for a user.
cat >"$tmp/ldconfig" <<'SH'
#!/bin/sh
echo told >>"$0.calls"
exit 1
SH
chmod +x "$tmp/ldconfig"

told()	# TIMES
{
	[ "$(cat "$tmp/ldconfig.calls" 2>/dev/null | wc -l)" -eq "$1" ] || {
		echo "check-install: the loader was not told $1 times" >&2
		exit 1
	}
}

cat >"$tmp/p.c" <<'C'
#define LIBALLOC_KMEM_NAMES
#include <liballoc.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	struct page *p = alloc_pages(GFP_KERNEL, 2);
	void *q = malloc(100);

	if (!p || !q || ksize(q) < 100)
		return 1;
	__free_pages(p, 2);
	free(q);
	puts(LIBALLOC_VERSION);
	return 0;
}
C

# What pkg-config would say, where there is none.
flags()
{
	if command -v pkg-config >/dev/null; then
		PKG_CONFIG_PATH=$root/lib/pkgconfig pkg-config "$@" liballoc
	else
		echo "-I$root/include -L$root/lib -lalloc -pthread -ldl"
	fi
}

# Everybody may read it, whatever is given to the files of who installs.
(
	umask 077
	install install
)
told 1
closed=$(find "$root" ! -type l ! -perm -a=r)
[ -z "$closed" ] || { echo "check-install: not for all: $closed" >&2; exit 1; }
# shellcheck disable=SC2046 # words
${CC:-cc} -Wall -Wextra -Werror -o "$tmp/dynamic" "$tmp/p.c" \
	$(flags --cflags --libs) -Wl,-rpath,"$root/lib"
# shellcheck disable=SC2046
${CC:-cc} -static -o "$tmp/static" "$tmp/p.c" \
	$(flags --static --cflags --libs)
version=$("$tmp/dynamic")
[ "$("$tmp/static")" = "$version" ]
LD_PRELOAD=$root/lib/liballoc.so LIBALLOC_OPTIONS=verbose /bin/true 2>&1 |
	grep -qx "liballoc: version $version, pid [0-9]*"
[ "$("$root/bin/alloc-slabtop" --version)" = "alloc-slabtop $version" ]
for page in man1/alloc-slabtop.1 man7/liballoc.7; do
	grep -q "^\.TH .*\"liballoc $version\"" "$root/share/man/$page"
done
install uninstall
told 2
install install DESTDIR="$tmp/staged"
told 2
[ -e "$tmp/staged$root/lib/liballoc.so.1" ]
left=$(find "$root" ! -type d)
[ -z "$left" ] || { echo "check-install: left: $left" >&2; exit 1; }
echo "check-install: liballoc $version: dynamic, static, preload, slabtop"
