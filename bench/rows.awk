# rows.awk - raw.tsv of scripts/bench, read and asked; report.awk and peers.awk
# come after it.
#
# A figure of a row is the median over the rounds; a ratio is the quotient of
# two such medians; a spread is the smallest and the largest ratio within one
# round, so it shows how far the machine can be believed.  Geometric means are
# over the ratios of the rows.
#
# A line of raw.tsv is a run:
#	kind, program, allocator, round, wall, user, sys, KiB, faults, status
# (without times or without memory where the other line of that round has them)
# or what a program printed about itself:
#	"figure", program, allocator, round, name, value
#
# Variables: allocs (names, the first is the base), json (a path), rounds,
# whole (rounds of all rows: those that follow are of patterns and real programs
# alone; bench-peers), libc, kernel, machine, cpus, date.

BEGIN {
	FS = "\t"
	nr_allocs = split(allocs, alloc, " ")
	base = alloc[1]
	ours = alloc[2]
}

$1 == "figure" {
	if ($5 ~ /^(ops|secs|ns\/op)$/)
		next
	if (!(($2, $5, $3) in figure_seen)) {
		figure_seen[$2, $5, $3] = 1
		figure_prog[++nr_figures] = $2
		figure_name[nr_figures] = $5
		figure_alloc[nr_figures] = $3
	}
	value[$5, $2, $3, $4] = $6
	next
}

{
	key = $1 SUBSEP $2
	if (!(key in seen)) {
		seen[key] = 1
		row[$1, ++nr_rows[$1]] = $2
	}
	started[$2, $3] = 1
	if ($5 != "") {
		value["wall", $2, $3, $4] = $5
		value["cpu", $2, $3, $4] = $6 + $7
	}
	if ($8 != "") {
		value["peak", $2, $3, $4] = $8
		value["faults", $2, $3, $4] = $9
	}
	if ($10 != 0) {
		failed[$2, $3] = 1
		if ($3 == "bump" || $3 == "live")
			next
		if ($3 == base || $3 == ours)
			nr_failed++
		failures = failures (failures ? ", " : "") $2 " under " $3
	}
}

function median(v, n,    i, k, x) {
	for (i = 2; i <= n; i++) {
		x = v[i]
		for (k = i; k > 1 && v[k - 1] > x; k--)
			v[k] = v[k - 1]
		v[k] = x
	}
	if (!n)
		return 0
	return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}

# @what: wall, cpu, peak, faults, or a name that the program printed.
function mid(what, prog, a,    v, n, r) {
	n = 0
	for (r = 1; r <= rounds; r++)
		if ((what, prog, a, r) in value)
			v[++n] = value[what, prog, a, r] + 0
	return median(v, n)
}

function ran(prog, a) {
	return ((prog, a) in started) && !((prog, a) in failed)
}

function ok(prog, a) {
	return ran(prog, a) && ran(prog, base)
}

# Did this allocator meet every row?  A mean over some says nothing.
function complete(kind, a,    i) {
	for (i = 1; i <= nr_rows[kind]; i++)
		if (!((row[kind, i], a) in started))
			return 0
	return 1
}

function ratio(what, prog, a,    b) {
	b = mid(what, prog, base)
	return b > 0 ? mid(what, prog, a) / b : 0
}

# Smallest and largest ratio within a round.
function spread(prog, a,    r, q, lo, hi) {
	lo = 1e9
	hi = 0
	for (r = 1; r <= rounds; r++) {
		if (!(("wall", prog, a, r) in value) ||
		    value["wall", prog, base, r] <= 0)
			continue
		q = value["wall", prog, a, r] / value["wall", prog, base, r]
		if (q < lo)
			lo = q
		if (q > hi)
			hi = q
	}
	return sprintf("%.2f-%.2f", lo, hi)
}

function geomean(what, kind, a,    i, n, s, q) {
	for (i = 1; i <= nr_rows[kind]; i++) {
		if (!ok(row[kind, i], a))
			continue
		q = ratio(what, row[kind, i], a)
		if (q > 0) {
			s += log(q)
			n++
		}
	}
	return n ? exp(s / n) : 0
}

# The row of the largest (sign 1) or smallest (sign -1) ratio.
function extreme(what, kind, a, sign,    i, q, best, name) {
	for (i = 1; i <= nr_rows[kind]; i++) {
		if (!ok(row[kind, i], a))
			continue
		q = ratio(what, row[kind, i], a)
		if (name == "" || sign * q > sign * best) {
			best = q
			name = row[kind, i]
		}
	}
	extreme_value = best
	return name
}

function any_failed(kind,    i) {
	for (i = 1; i <= nr_rows[kind]; i++)
		if (!ok(row[kind, i], ours))
			return 1
	return 0
}

function has(kind, p,    i) {
	for (i = 1; i <= nr_rows[kind]; i++)
		if (row[kind, i] == p)
			return 1
	return 0
}

function threads10k(a,    b) {
	b = mid("peak", "threads10k-0", a)
	return b > 0 ? mid("peak", "threads10k-1", a) / b : 0
}

function json_rows(kind,    i, k, p, a, out) {
	for (i = 1; i <= nr_rows[kind]; i++) {
		p = row[kind, i]
		for (k = 1; k <= nr_allocs; k++) {
			a = alloc[k]
			if (!((p, a) in started))
				continue
			out = out (json_any++ ? ",\n" : "\n") sprintf( \
				"    {\"kind\": \"%s\", \"name\": \"%s\", " \
				"\"allocator\": \"%s\", \"ok\": %s, " \
				"\"wall_s\": %.6f, \"cpu_s\": %.6f, " \
				"\"peak_kib\": %d, \"minflt\": %d, " \
				"\"time_ratio\": %.4f, \"cpu_ratio\": %.4f, " \
				"\"peak_ratio\": %.4f}", kind, p, a,
				ok(p, a) ? "true" : "false", mid("wall", p, a),
				mid("cpu", p, a), mid("peak", p, a),
				mid("faults", p, a), ratio("wall", p, a),
				ratio("cpu", p, a), ratio("peak", p, a))
		}
	}
	return out
}

function json_figures(    i, p, a, out) {
	for (i = 1; i <= nr_figures; i++) {
		p = figure_prog[i]
		a = figure_alloc[i]
		out = out (i > 1 ? ",\n" : "\n") sprintf( \
			"    {\"name\": \"%s\", \"figure\": \"%s\", " \
			"\"allocator\": \"%s\", \"value\": %s}", p,
			figure_name[i], a,
			sprintf("%.6f", mid(figure_name[i], p, a)))
	}
	return out
}

# How the figure of @prog reads, or "-" if it did not run.
function shown(what, prog, a, fmt, unit) {
	if ((prog, a) in failed)
		return "failed"
	return ran(prog, a) ? sprintf(fmt, mid(what, prog, a) / unit) : "-"
}

# idle-4-small: "4 threads, small objects"
function idle_name(p,    part) {
	split(p, part, "-")
	return part[2] (part[2] == 1 ? " thread, " : " threads, ") part[3]
}

function idle_table(    i, k, p, a) {
	if (!nr_rows["idle"])
		return
	print "\n## Resident MiB of a program that grew to 1 GiB and sleeps\n"
	print "At its start, when all was freed, ten seconds later; of the" \
	      " last, without the pages of files.\n"
	printf "| |"
	for (k = 1; k <= nr_allocs; k++)
		printf " %s |", alloc[k]
	printf "\n|---|"
	for (k = 1; k <= nr_allocs; k++)
		printf "---:|"
	print ""
	for (i = 1; i <= nr_rows["idle"]; i++) {
		p = row["idle", i]
		printf "| %s |", idle_name(p)
		for (k = 1; k <= nr_allocs; k++) {
			a = alloc[k]
			printf " %s, %s, %s; %s |",
				shown("start_kib", p, a, "%.1f", 1024),
				shown("freed_kib", p, a, "%.1f", 1024),
				shown("last_kib", p, a, "%.1f", 1024),
				shown("anon_last_kib", p, a, "%.1f", 1024)
		}
		print ""
	}
}
