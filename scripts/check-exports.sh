#!/bin/sh
# check-exports.sh - the built libraries give and take what they should.
#
# build/liballoc.so
#   - exports every name listed in src/api/liballoc.map, libc's without a
#     version and alloc_* with the version LIBALLOC_1.0; nothing else;
#   - needs libc and the loader only; what it takes of a C++ run time, of the
#     unwinder and of the dynamic linker is weak;
#   - is never unloaded, has no writable text and no executable stack, and
#     no segment that is both written and executed;
#   - refers to its own exported names only where the C++ forms look up what
#     they are bound to: a call inside would go to whoever interposes.
# build/liballoc.a
#   - defines those names and no other global one.
#
# usage: check-exports.sh [BUILD]		default: build
set -eu

cd "$(dirname "$0")/.."
build=${1:-build}
so=$build/liballoc.so
a=$build/liballoc.a
map=src/api/liballoc.map
nm=${NM:-nm}
readelf=${READELF:-readelf}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT INT TERM
export LC_ALL=C
# Complaints; fail_each makes one of each line of standard input.
fail()
{
	printf '%s\n' "$*" >>"$tmp/bad"
}

fail_each()
{
	while read -r name; do
		fail "$1: $name"
	done
}

for f in "$so" "$a"; do
	[ -e "$f" ] || { echo "check-exports: $f is not built" >&2; exit 1; }
done

# The list that begins with $1 in the map.
listed()
{
	sed -n "/^ \* $1:/,/^ \* end/ {
		/$1:/d
		/ end/d
		s/^ \*//
		p
	}" "$map" | tr -s '[:space:]' '\n' | sed '/^$/d' | sort
}

listed unversioned >"$tmp/libc"
listed 'LIBALLOC_1\.0' >"$tmp/api"
for list in libc api; do
	[ -s "$tmp/$list" ] || { echo "$map: no list of names" >&2; exit 1; }
	uniq -d "$tmp/$list" | fail_each "$map: listed twice"
done

# --- the shared library ---

"$nm" -D --defined-only "$so" |
	awk '$2 != "A" { print $3 }' | sort >"$tmp/so"

sed -n '/^alloc_.*@@LIBALLOC_1\.0$/!p' "$tmp/so" >"$tmp/unversioned"
comm -13 "$tmp/unversioned" "$tmp/libc" |
	fail_each "$so: listed in $map, but not exported"
comm -23 "$tmp/unversioned" "$tmp/libc" |
	fail_each "$so: exported, but not listed in $map"
sed -n 's/^\(alloc_.*\)@@LIBALLOC_1\.0$/\1/p' "$tmp/so" >"$tmp/versioned"
comm -13 "$tmp/versioned" "$tmp/api" |
	fail_each "$so: listed in $map, but not exported as LIBALLOC_1.0"
comm -23 "$tmp/versioned" "$tmp/api" |
	fail_each "$so: exported as LIBALLOC_1.0, but not listed in $map"

# What the header declares is what there is; it has inline functions, too.
sed -n '/^static inline/d; s/.*\<\(alloc_[a-z_]*\)(.*/\1/p' \
	include/liballoc.h include/liballoc/*.h | sort -u >"$tmp/header"
comm -13 "$tmp/header" "$tmp/api" |
	fail_each "include/liballoc.h: does not declare"

"$readelf" -dW "$so" >"$tmp/dynamic"
sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p' "$tmp/dynamic" |
	grep -Ev '^(libc\.so\.6|ld-linux.*\.so\.[0-9]+)$' |
	fail_each "$so: needs"
grep -q 'FLAGS_1.*NODELETE' "$tmp/dynamic" ||
	fail "$so: can be unloaded; link with -z nodelete"
! grep -q TEXTREL "$tmp/dynamic" ||
	fail "$so: text is relocated when loaded (TEXTREL)"
! grep -Eq '\((RPATH|RUNPATH)\)' "$tmp/dynamic" ||
	fail "$so: has a run path"

"$readelf" -lW "$so" >"$tmp/segments"
awk '$1 == "GNU_STACK" && /E 0x/ { print "executable stack" }
     $1 == "GNU_STACK" { seen = 1 }
     $1 == "LOAD" && /W ?E/ { print "segment written and executed" }
     END { if (!seen) print "no GNU_STACK: executable stack" }' \
	"$tmp/segments" | fail_each "$so"

# Strong references to a C++ run time would keep a C program from starting.
"$nm" -D --undefined-only "$so" | awk '$1 == "U" { print $2 }' |
	grep -E '^(_Z|__cxa_(throw|begin|end|allocate|guard)|__gxx|_Unwind_)' |
	fail_each "$so: must be a weak reference"

# The base forms of new and delete, which cxx.c looks up on purpose: without
# a relocation (-Bsymbolic) a program could not replace them alone.  And
# malloc, to serve a program that defines its own and no operators.
{
	for op in _Znwm _Znam _ZdlPv _ZdaPv; do
		printf '%s\n' "$op" "${op}St11align_val_t"
	done
	printf '%s\n' malloc free aligned_alloc
} | sort >"$tmp/looked-up"
"$readelf" -rW "$so" | awk '$3 ~ /^R_/ && NF >= 5 { print $5 }' |
	sed 's/@.*//' | sort -u >"$tmp/refs"
sed 's/@.*//' "$tmp/so" | sort | comm -12 - "$tmp/refs" >"$tmp/own-refs"
comm -23 "$tmp/own-refs" "$tmp/looked-up" |
	fail_each "$so: calls or takes the address of its own export"
comm -13 "$tmp/own-refs" "$tmp/looked-up" |
	fail_each "$so: a program's own would be overlooked (-Bsymbolic?)"

# --- the static library ---

"$nm" -g --defined-only "$a" 2>/dev/null |
	awk 'NF == 3 { print $3 }' | sort -u >"$tmp/a"
comm -13 "$tmp/a" "$tmp/libc" |
	fail_each "$a: listed in $map, but not defined"
comm -23 "$tmp/a" "$tmp/libc" | grep -v '^alloc_' |
	fail_each "$a: global, but not listed in $map"

# The public API is the same in both.
sed -n 's/@@.*//p' "$tmp/so" | sort >"$tmp/so-api"
grep '^alloc_' "$tmp/a" | comm -3 - "$tmp/so-api" | tr -d '\t' |
	fail_each "only one of $so and $a has"

if [ -s "$tmp/bad" ]; then
	cat "$tmp/bad"
	echo "check-exports: failed" >&2
	exit 1
fi
echo "check-exports: $(wc -l <"$tmp/libc") names of libc and C++," \
     "$(wc -l <"$tmp/so-api") of our own, nothing else"
