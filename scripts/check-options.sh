#!/bin/sh
# check-options.sh - the README's table of options is what help prints.
#
# Name, default and text of each, in the same order; the names, words and
# bounds in the help are those the parser goes by.
#
# usage: check-options.sh LIBRARY
set -eu

lib=$(realpath "${1:?usage: check-options.sh LIBRARY}")
cd "$(dirname "$0")/.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# "  name  default  text (bounds)": the first column has 15 letters, the next 10.
LD_PRELOAD=$lib LIBALLOC_OPTIONS=help /bin/true 2>&1 |
	sed -n 's/^liballoc:   \(.\{15\}\) \(.\{10\}\)  \(.*\) ([^()]*)$/\1|\2|\3/p' |
	sed 's/ *| */|/g' >"$tmp/help"
sed -n '/^## Options/,/^### /s/^| `\([a-z_]*\)` | *\(.*\) | \(.*\) |$/\1|\2|\3/p' \
	README.md | sed 's/`//g; s/ *| */|/g' >"$tmp/readme"
[ -s "$tmp/help" ] || { echo "check-options: no help" >&2; exit 1; }
diff -u "$tmp/readme" "$tmp/help" || {
	echo "check-options: README.md and LIBALLOC_OPTIONS=help differ" >&2
	exit 1
}
echo "check-options: $(wc -l <"$tmp/help") options are in the README as in the help"
