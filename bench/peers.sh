# shellcheck shell=bash disable=SC2034,SC2154 # variables of scripts/bench
# peers.sh - the end of scripts/bench-peers: memory over time, the report, the
# pictures.  scripts/bench reads it when MEANS is set.

SAMPLED="server realloc medium burst frag mixed xfree grow python3-malloc sqlite3"
# What measure_samples takes, to be kept free.
SAMPLE_SECONDS=75
[ -z "${QUICK:-}" ] || SAMPLE_SECONDS=0

# Runs of their own, since to look at a process disturbs it.
measure_samples() {
	local p a out

	rm -rf "$WORK/samples"
	mkdir -p "$WORK/samples"
	for p in "${PATTERNS[@]}" "${REALS[@]}"; do
		[[ " $SAMPLED " == *" $p "* ]] || continue
		progress "memory over time: $p"
		for a in "${ALLOCS[@]}"; do
			if ! real_program "$p"; then
				IN=/dev/null ENVS=() CMD=("$PROGS/$p")
			fi
			out=()
			for e in "${ENVS[@]}"; do
				out+=(-e "$e")
			done
			"$LAUNCH" -o /dev/null -t "$TIMEOUT" -i "$IN" \
				-O /dev/null -E /dev/null "${out[@]}" \
				-p "${SO[$a]}" -m "$WORK/samples/$p.$a.tsv" \
				-- "${CMD[@]}"
		done
	done
	progress_end
}

draw() {	# OUTPUT SCRIPT VARIABLE=VALUE...
	local svg=$1 script=$2 v set="out='$1'"

	shift 2
	for v; do
		set="$set; ${v%%=*}='${v#*=}'"
	done
	gnuplot -e "$set" "bench/$script" 2>"$WORK/gnuplot.log" || {
		say "gnuplot: $svg: $(head -n 3 "$WORK/gnuplot.log")"
		rm -f "$svg"
	}
}

draw_all() {
	local f p

	if ! have gnuplot; then
		say "no gnuplot: no pictures; what they show is in $WORK/plots"
		return
	fi
	for f in "$WORK"/plots/scatter-*.dat; do
		[ -e "$f" ] || continue
		p=${f##*/scatter-}
		draw "${f%.dat}.svg" scatter.gp "dat=$f" "prog=${p%.dat}"
	done
	[ ! -s "$WORK/plots/scale.dat" ] ||
		draw "$WORK/plots/scale.svg" scale.gp \
			"dat=$WORK/plots/scale.dat" "allocs=${ALLOCS[*]}"
	for p in "${MEAN_ROWS[@]}"; do
		[[ $p != replay-* ]] || [ ! -e "$WORK/$p.glibc.csv" ] ||
			draw "$WORK/plots/$p.svg" replay.gp "dir=$WORK" \
				"prog=$p" "allocs=${ALLOCS[*]}"
	done
	for p in $SAMPLED; do
		[ ! -e "$WORK/samples/$p.glibc.tsv" ] ||
			draw "$WORK/plots/memory-$p.svg" memory.gp \
				"dir=$WORK/samples" "prog=$p" \
				"allocs=${ALLOCS[*]}"
	done
}

peers_report() {
	rm -rf "$WORK/plots"
	mkdir -p "$WORK/plots"
	[ "${QUICK:-}" ] || measure_samples
	awk -f bench/rows.awk -f bench/best.awk -f bench/peers.awk \
		-v allocs="${ALLOCS[*]}" \
		-v json="$WORK/peers.json" -v plots="$WORK/plots" \
		-v rounds="$ROUNDS" -v whole="$WHOLE_ROUNDS" -v libc="$LIBC_VERSION" \
		-v cpus="$(nproc)" -v kernel="$(uname -r)" \
		-v machine="$MACHINE" -v date="$(date -u +%Y-%m-%d)" \
		-v minutes="$(( (SECONDS - started + 59) / 60 ))" \
		"$RAW" >"$WORK/peers.md" || status=1
	draw_all
	{
		printf '\n## Pictures\n\n'
		for f in "$WORK"/plots/*.svg; do
			[ ! -e "$f" ] || printf '![%s](plots/%s)\n' \
				"$(basename "$f" .svg)" "${f##*/}"
		done
	} >>"$WORK/peers.md"
}
