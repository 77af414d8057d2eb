# mutant.sh - a copy of the tree in which one thing is broken, for the scripts
# `mutants` here and in tests/fork: sourced by them, at the top of the tree.
#
#   mutant_build FILE OLD NEW WHAT TARGET && try it && mutant_seen WHAT HOW
#
# The text OLD of FILE becomes NEW, once, and TARGET is built below $mutant.
# A text that is no longer there is a failure of the list.  $only, a pattern of
# the shell, chooses by WHAT.

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
ulimit -c 0
mutant=$tmp/tree
mutants_seen=0
mutants_missed=0
mutant_last=

mutant_seen() {	# WHAT HOW
	echo "ok - $1: $2"
	mutants_seen=$((mutants_seen + 1))
}

mutant_missed() {	# WHAT WHY
	echo "not ok - $1: $2"
	mutants_missed=$((mutants_missed + 1))
}

mutant_build() {	# FILE OLD NEW WHAT TARGET
	# shellcheck disable=SC2053
	[[ $4 == ${only:-*} ]] || return
	rm -rf "$mutant/src"
	mkdir -p "$mutant"
	cp -a Makefile src include tests bench scripts "$mutant"
	# What the last one broke is whole again, and older than its object.
	[ -z "$mutant_last" ] || touch "$mutant/$mutant_last"
	mutant_last=$1
	if ! grep -qF -- "$2" "$mutant/$1"; then
		mutant_missed "$4" "no longer in $1"
		return 1
	fi
	OLD=$2 NEW=$3 awk 'BEGIN { old = ENVIRON["OLD"]; new = ENVIRON["NEW"] }
		!done && (at = index($0, old)) {
			$0 = substr($0, 1, at - 1) new \
				substr($0, at + length(old)); done = 1
		} { print }' "$1" > "$mutant/$1"
	if ! make -s -C "$mutant" -j2 "$5" > "$tmp/log" 2>&1; then
		mutant_missed "$4" "does not build"
		grep -a error "$tmp/log" | head -3
		return 1
	fi
}

mutants_end() {
	echo "$mutants_seen seen, $mutants_missed not"
	[ "$mutants_missed" -eq 0 ]
}
