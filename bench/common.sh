# shellcheck shell=bash
# common.sh - what scripts/bench, scripts/bench-literature and scripts/demo share.
#
# All start at the top of the repository with set -u, and set WORK to a folder
# under build/ for inputs and outputs.

# The launcher's peak must be the program's: no locale, no surprises.
export LC_ALL=C

say() {
	printf '%s\n' "$*" >&2
}

die() {
	say "${0##*/}: $*"
	exit 1
}

# A progress line: overwritten on a terminal, a line of its own elsewhere.
progress() {
	if [ -t 2 ]; then
		printf '\r\033[K%s' "$*" >&2
	else
		say "$*"
	fi
}

progress_end() {
	[ ! -t 2 ] || printf '\r\033[K' >&2
}

# One word for a command line that is split as a shell would, but not run by
# one: hyperfine -N.
quoted() {
	local a

	for a; do
		printf "'%s' " "${a//\'/\'\\\'\'}"
	done
}

# Debian's three: their names and where the compiler finds them.
debian_peers() {
	local lib so

	for lib in mimalloc:libmimalloc.so.2 jemalloc:libjemalloc.so.2 \
		   tcmalloc:libtcmalloc_minimal.so.4; do
		so=$(gcc -print-file-name="${lib#*:}")
		[ -e "$so" ] || die "there is no ${lib#*:}"
		printf '%s=%s ' "${lib%%:*}" "$so"
	done
}

# json_field NAME < a line of launch's report
json_field() {
	sed -n "s/.*\"$1\": \"\{0,1\}\([^,\"}]*\).*/\1/p" | tail -n 1
}

have() {
	command -v "$1" >/dev/null
}

# A shim of a version manager is a shell script, and would be measured too.
python() {
	if [ -x /usr/bin/python3 ]; then
		echo /usr/bin/python3
	else
		python3 -c 'import sys; print(sys.executable)'
	fi
}

# Inputs that are too large to be files of the repository; made anew when this
# file changed.  Written under another name first, so that an interrupted run
# leaves no half of one.
make_lines() {	# FILE: 1.5 million lines for sort
	[ "$1" -nt bench/common.sh ] && return
	awk 'BEGIN {
		x = 12345
		for (i = 0; i < 1500000; i++) {
			x = (x * 69069 + 12345) % 4294967296
			printf "%08x line %d %s\n", x, i, x % 97
		}
	}' >"$1.new" && mv "$1.new" "$1"
}

make_c_source() {	# FILE: a hundred functions for the compiler
	[ "$1" -nt bench/common.sh ] && return
	awk 'BEGIN {
		print "struct node { struct node *l, *r; int key, v[8]; };"
		print "int f0(struct node *n, int a) { return n->key + a; }"
		for (i = 1; i < 100; i++) {
			p = int(i / 2)
			printf "int f%d(struct node *n, int a)\n{\n", i
			printf "\tint i, s = %d;\n\n", i
			print  "\tfor (i = 0; i < 8; i++) {"
			print  "\t\tif (!n)\n\t\t\tbreak;"
			printf "\t\ts = s * %d + n->v[i] ^ a;\n", i * 2 + 1
			print  "\t\tswitch (s & 7) {"
			for (k = 0; k < 6; k++)
				printf "\t\tcase %d: s += n->v[%d] * %d;" \
				       " n = n->%s; break;\n", k, (i + k) % 8,
				       i % (k + 3), (k + i) % 2 ? "l" : "r"
			print  "\t\tdefault: a ^= s >> 3;\n\t\t}\n\t}"
			printf "\treturn n ? f%d(n->l, s) + f%d(n, a) : s;\n",
			       p, i - 1
			print  "}"
		}
	}' >"$1.new" && mv "$1.new" "$1"
}

# real_program NAME - sets CMD (an array), IN, ENVS, and RESULT, the file
# whose content must be the same under every allocator.  False if there is no
# such program on this machine.
real_program() {
	local d=$WORK/data

	IN=/dev/null ENVS=() RESULT=$WORK/out
	case $1 in
	sqlite3)
		IN=bench/real/table.sql
		CMD=(sqlite3 :memory:) ;;
	python3)
		CMD=("$(python)" bench/real/objects.py) ;;
	python3-malloc)
		# Without python's own pools: each object is a malloc.
		ENVS=(PYTHONMALLOC=malloc)
		CMD=("$(python)" bench/real/objects.py) ;;
	perl)
		ENVS=(PERL_HASH_SEED=0)
		CMD=(perl bench/real/words.pl) ;;
	lua)
		CMD=("$(have lua5.4 && echo lua5.4 || echo lua)"
		     bench/real/nest.lua) ;;
	gs)
		RESULT=$WORK/page.ppm
		CMD=(gs -q -dBATCH -dNOPAUSE -dSAFER -sDEVICE=ppmraw -r72
		     -sOutputFile="$RESULT" bench/real/page.ps) ;;
	z3)
		CMD=(z3 bench/real/factor.smt2) ;;
	gcc)
		make_c_source "$d/source.c"
		RESULT=$WORK/source.o
		CMD=(gcc -O2 -c "$d/source.c" -o "$RESULT") ;;
	sort)
		make_lines "$d/lines.txt"
		RESULT=$WORK/sorted
		CMD=(sort -o "$RESULT" "$d/lines.txt") ;;
	*)
		return 1 ;;
	esac
	have "${CMD[0]}"
}
