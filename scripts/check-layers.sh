#!/bin/sh
# check-layers.sh - the folders of src/ are layers; hold them to it.
#
#	tools > api > slab > mm > core > sys > lib > arch
#
# src/tools/ are programs of their own: above all, part of no library, and
# free to make system calls.  A file includes from its own layer and from those to the right.  And:
#   - a header of one architecture is included by src/arch/percpu_ops.h only
#     (and by its own folder);
#   - only src/sys/ makes system calls, by name or by instruction
#     (src/api/vfork.c has one instruction, and says why);
#   - an object under build/obj/ refers to nothing that only a higher layer
#     defines, so function pointers are the only way up.
#
# usage: check-layers.sh [SRC [OBJ]]		default: src build/obj
# Prints file:line: and the reason; fails if there was anything to print.
set -eu

cd "$(dirname "$0")/.."
src=${1:-src}
obj=${2:-build/obj}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT INT TERM

rank='
function rank(layer)
{
	return index(" arch lib sys core mm slab api tools ", " " layer " ")
}
function top(path)
{
	sub(/\/.*/, "", path)
	return path
}
'

# --- what the text says ---

find "$src" -name '*.[chS]' | sort >"$tmp/files"
if ! [ -s "$tmp/files" ]; then
	echo "check-layers: no sources under $src/" >&2
	exit 1
fi

# Comments go, strings stay until the includes and the assembly were seen.
# shellcheck disable=SC2016
xargs awk -v src="$src/" "$rank"'
function complain(why)
{
	printf "%s:%d: %s\n", FILENAME, FNR, why
}
function uncommented(line,    out, i)
{
	out = ""
	while (line != "") {
		if (comment) {
			i = index(line, "*/")
			if (!i)
				return out
			line = substr(line, i + 2)
			comment = 0
			continue
		}
		# Whatever begins first: a string, or a comment of either kind.
		if (!match(line, /"|\/\*|\/\//))
			return out line
		out = out substr(line, 1, RSTART - 1)
		line = substr(line, RSTART)
		if (substr(line, 1, 1) == "\"") {
			if (!match(line, /^"([^"\\]|\\.)*"/))
				return out line
			out = out substr(line, 1, RLENGTH)
			line = substr(line, RLENGTH + 1)
		} else if (substr(line, 1, 2) == "/*") {
			comment = 1
			out = out " "
			line = substr(line, 3)
		} else {
			return out
		}
	}
	return out
}
FNR == 1 {
	comment = 0
	name = substr(FILENAME, length(src) + 1)
	layer = top(name)
	folder = name
	sub(/\/[^\/]*$/, "", folder)
	if (!rank(layer))
		complain("the folder " layer "/ is not one of the layers")
}
{
	text = uncommented($0)
}
text ~ /^[ \t]*#[ \t]*include[ \t]*"/ {
	path = text
	sub(/^[^"]*"/, "", path)
	sub(/".*/, "", path)
	if (path ~ /(^|\/)\.\.?\//)
		complain("include by layer (\"mm/page.h\"), not \"" path "\"")
	else if (path ~ /\// && rank(top(path)) > rank(layer))
		complain(layer "/ includes upward: \"" path "\"")
	if (path ~ /^arch\/[^\/]+\// && name != "arch/percpu_ops.h" &&
	    path !~ ("^" folder "/"))
		complain("only arch/percpu_ops.h may include \"" path "\"")
	next
}
layer != "sys" && name != "api/vfork.c" &&
text ~ /"[^"]*(^|[^A-Za-z0-9_.%])(syscall|sysenter|svc)([^A-Za-z0-9_=(]|$)/ {
	# A message may speak of a system call; an instruction is alone.
	if (text ~ /"([^"]*\\n)?(\\t|[ \t0-9:])*(syscall|sysenter|svc([ \t\\]+#?[0-9x]+)?)[ \t]*(\\n|\\t|;|")/)
		complain("system call instruction outside sys/")
}
layer != "sys" && layer != "tools" {
	gsub(/"([^"\\]|\\.)*"/, "\"\"", text)
	while (match(text, /[A-Za-z_][A-Za-z0-9_]*[ \t]*\(/)) {
		before = RSTART > 1 ? substr(text, RSTART - 1, 1) : ""
		word = substr(text, RSTART, RLENGTH - 1)
		sub(/[ \t]+$/, "", word)
		text = substr(text, RSTART + RLENGTH)
		# A member of that name is no system call.
		if (before != "." && before != ">" &&
		    index(calls, " " word " "))
			complain("system call outside sys/: " word "()")
	}
}
' calls=" syscall sys_call mmap mmap64 munmap mremap mprotect madvise \
process_madvise mincore mlock munlock msync brk sbrk mbind set_mempolicy \
get_mempolicy move_pages prctl arch_prctl membarrier futex rseq \
sched_getaffinity sched_setaffinity sched_getcpu sched_yield getcpu \
read write pread pwrite writev readv open openat close lseek ioctl fcntl \
poll ppoll epoll_wait epoll_create1 eventfd pipe pipe2 \
getrlimit setrlimit prlimit sysinfo getpid gettid kill tgkill raise \
nanosleep clock_nanosleep usleep sleep clone clone3 execve userfaultfd \
memfd_create process_vm_readv process_vm_writev " <"$tmp/files" >"$tmp/found"

# --- what the objects say ---

if [ -d "$obj" ]; then
	find "$obj" -name '*.o' | sort >"$tmp/objects"
	while read -r o; do
		rel=${o#"$obj"/}
		${NM:-nm} -P "$o" 2>/dev/null | sed "s|^|$rel |"
	done <"$tmp/objects" >"$tmp/symbols"

	awk "$rank"'
	# object name type ...
	!rank(top($1)) { next }
	$3 ~ /^[Uwv]$/ { user[++n] = $1; wanted[n] = $2; next }
	$3 ~ /^[A-Z]$/ || $3 == "u" {
		at = rank(top($1))
		if (!($2 in lowest) || at < lowest[$2]) {
			lowest[$2] = at
			home[$2] = $1
		}
	}
	END {
		for (i = 1; i <= n; i++) {
			name = wanted[i]
			if (name in lowest &&
			    lowest[name] > rank(top(user[i])))
				print user[i], name, home[name]
		}
	}' "$tmp/symbols" >"$tmp/upward"

	while read -r user name home; do
		file=$src/${user%.o}.c
		line=$(grep -nw -- "$name" "$file" 2>/dev/null |
			sed -n '1s/:.*//p')
		printf '%s:%s: calls upward: %s is defined in %s only\n' \
			"$file" "${line:-1}" "$name" "$src/${home%.o}.c"
	done <"$tmp/upward" >>"$tmp/found"
fi

if [ -s "$tmp/found" ]; then
	cat "$tmp/found"
	echo "check-layers: $(wc -l <"$tmp/found") found" >&2
	exit 1
fi
echo "check-layers: $(wc -l <"$tmp/files") files keep to their layers"
