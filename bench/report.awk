# report.awk - raw.tsv of scripts/bench to Markdown (stdout) and JSON.
#
# A figure of a row is the median over the rounds; a ratio is the quotient of
# two such medians; "from-to" is the smallest and the largest ratio within one
# round, so it shows how far the machine can be believed.  Geometric means are
# over the ratios of the rows.  Exit status 1 if any run failed.
#
# Variables: allocs (names, the first is the base), json (a path), rounds,
# libc, kernel, machine, cpus, date.

BEGIN {
	FS = "\t"
	nr_allocs = split(allocs, alloc, " ")
	base = alloc[1]
	ours = alloc[2]
}

$1 == "pairns" {
	value["pairns", $2, $3, $4] = $5
	next
}

{
	key = $1 SUBSEP $2
	if (!(key in seen)) {
		seen[key] = 1
		row[$1, ++nr_rows[$1]] = $2
	}
	wall[$2, $3, $4] = $5
	cpu[$2, $3, $4] = $6 + $7
	peak[$2, $3, $4] = $8
	faults[$2, $3, $4] = $9
	if ($10 != 0) {
		failed[$2, $3] = 1
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

function mid(what, prog, a,    v, n, r) {
	n = 0
	for (r = 1; r <= rounds; r++) {
		if (what == "wall" && (prog, a, r) in wall)
			v[++n] = wall[prog, a, r] + 0
		else if (what == "cpu" && (prog, a, r) in cpu)
			v[++n] = cpu[prog, a, r] + 0
		else if (what == "peak" && (prog, a, r) in peak)
			v[++n] = peak[prog, a, r] + 0
		else if (what == "faults" && (prog, a, r) in faults)
			v[++n] = faults[prog, a, r] + 0
		else if (what == "pairns" && ("pairns", prog, a, r) in value)
			v[++n] = value["pairns", prog, a, r] + 0
	}
	return median(v, n)
}

function ok(prog, a) {
	return !((prog, a) in failed) && !((prog, base) in failed)
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
		if (!((prog, a, r) in wall) || wall[prog, base, r] <= 0)
			continue
		q = wall[prog, a, r] / wall[prog, base, r]
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

function cell(prog, a, fmt, v) {
	return ok(prog, a) ? sprintf(fmt, v) : "failed"
}

function table(kind, title,    i, k, p, line) {
	if (!nr_rows[kind])
		return
	printf "\n## %s\n\n", title
	line = sprintf("| | %s s | %s s | time | from-to | CPU | %s MiB | %s MiB | peak |",
		       base, ours, base, ours)
	for (k = 3; k <= nr_allocs; k++)
		line = line sprintf(" %s time | %s peak |", alloc[k], alloc[k])
	print line
	gsub(/[^|]+/, "---:", line)
	sub(/---:/, "---", line)
	print line

	for (i = 1; i <= nr_rows[kind]; i++) {
		p = row[kind, i]
		line = sprintf("| %s | %s | %s | %s | %s | %s | %s | %s | %s |", p,
			((p, base) in failed) ? "failed" : \
				sprintf("%.3f", mid("wall", p, base)),
			cell(p, ours, "%.3f", mid("wall", p, ours)),
			cell(p, ours, "%.2f", ratio("wall", p, ours)),
			cell(p, ours, "%s", spread(p, ours)),
			cell(p, ours, "%.2f", ratio("cpu", p, ours)),
			sprintf("%.1f", mid("peak", p, base) / 1024),
			cell(p, ours, "%.1f", mid("peak", p, ours) / 1024),
			cell(p, ours, "%.2f", ratio("peak", p, ours)))
		for (k = 3; k <= nr_allocs; k++)
			line = line sprintf(" %s | %s |",
				cell(p, alloc[k], "%.2f", ratio("wall", p, alloc[k])),
				cell(p, alloc[k], "%.2f", ratio("peak", p, alloc[k])))
		print line
	}
	line = sprintf("| **geometric mean** | | | **%.2f** | | **%.2f** | | | **%.2f** |",
		geomean("wall", kind, ours), geomean("cpu", kind, ours),
		geomean("peak", kind, ours))
	for (k = 3; k <= nr_allocs; k++)
		line = line sprintf(" **%.2f** | **%.2f** |",
			geomean("wall", kind, alloc[k]),
			geomean("peak", kind, alloc[k]))
	print line
	p = extreme("wall", kind, ours, -1)
	if (p == "")
		return
	printf "\nTime: best %s %.2f", p, extreme_value
	p = extreme("wall", kind, ours, 1)
	printf ", worst %s %.2f.", p, extreme_value
	p = extreme("peak", kind, ours, -1)
	printf " Peak memory: best %s %.2f", p, extreme_value
	p = extreme("peak", kind, ours, 1)
	printf ", worst %s %.2f.\n", p, extreme_value
}

# @missing: something that belongs to the figure failed or did not run.
function bar(what, limit, fmt, v, missing, above,    met) {
	met = !missing && (above ? v >= limit + 0 : v <= limit + 0)
	printf "| %s | %s %s | %s | %s |\n", what, above ? "at least" : "at most",
	       limit, missing ? "failed" : sprintf(fmt, v),
	       met ? "yes" : "**no**"
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

function bars(    p, bad) {
	print "\n## Bars\n"
	print "| figure | bar | " ours " | met |"
	print "|---|---|---:|---|"
	if (nr_rows["pattern"]) {
		bad = any_failed("pattern")
		bar("patterns, geometric mean of time", "0.70", "%.2f",
		    geomean("wall", "pattern", ours), bad)
		p = extreme("wall", "pattern", ours, 1)
		bar("worst pattern's time (" p ")", "1.05", "%.2f",
		    extreme_value, bad)
		bar("patterns, geometric mean of peak memory", "1.05", "%.2f",
		    geomean("peak", "pattern", ours), bad)
		p = extreme("peak", "pattern", ours, 1)
		bar("worst pattern's peak memory (" p ")", "1.30", "%.2f",
		    extreme_value, bad)
	}
	if (nr_rows["real"]) {
		p = extreme("wall", "real", ours, 1)
		bar("worst real program's time (" p ")", "1.02", "%.2f",
		    extreme_value, any_failed("real"))
	}
	if (has("pattern", "prodcons")) {
		p = ratio("wall", "prodcons", ours)
		bar("prodcons, times " base "'s throughput", "2", "%.2f",
		    p > 0 ? 1 / p : 0, !ok("prodcons", ours), 1)
	}
	if (has("extra", "tiny")) {
		bad = !ok("tiny", ours)
		bar("`/bin/true`, ms over " base, "0.3", "%.3f",
		    (mid("wall", "tiny", ours) - mid("wall", "tiny", base)) * \
		    1000, bad)
		bar("`/bin/true`, KiB over " base, "300", "%d",
		    mid("peak", "tiny", ours) - mid("peak", "tiny", base), bad)
	}
	if (has("extra", "threads10k-0"))
		bar("10,000 threads, peak with over without allocation", "1.02",
		    "%.3f", threads10k(ours),
		    !ok("threads10k-0", ours) || !ok("threads10k-1", ours))
}

function one(fmt, v) {
	return v > 0 ? sprintf(fmt, v) : "-"
}

function two(v, w) {
	return v > 0 && w > 0 ? sprintf("%.1f, %.1f", v, w) : "-"
}

function small_figures(    k, a) {
	if (!has("extra", "tiny") && !has("extra", "threads10k-0") &&
	    !mid("pairns", "tight_best", base))
		return
	print "\n## Small figures\n"
	print "| | pair ns, tight: best, median | pair ns, batch: best, median" \
	      " | `/bin/true` ms | KiB | faults | 10,000 threads MiB without," \
	      " with allocation | ratio |"
	print "|---|---:|---:|---:|---:|---:|---:|---:|"
	for (k = 1; k <= nr_allocs; k++) {
		a = alloc[k]
		printf "| %s | %s | %s | %s | %s | %s | %s | %s |\n", a,
			two(mid("pairns", "tight_best", a),
			    mid("pairns", "tight_median", a)),
			two(mid("pairns", "batch_best", a),
			    mid("pairns", "batch_median", a)),
			one("%.3f", mid("wall", "tiny", a) * 1000),
			one("%d", mid("peak", "tiny", a)),
			one("%d", mid("faults", "tiny", a)),
			two(mid("peak", "threads10k-0", a) / 1024,
			    mid("peak", "threads10k-1", a) / 1024),
			one("%.3f", threads10k(a))
	}
}

function json_rows(kind,    i, k, p, a, out) {
	for (i = 1; i <= nr_rows[kind]; i++) {
		p = row[kind, i]
		for (k = 1; k <= nr_allocs; k++) {
			a = alloc[k]
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

function write_json(    k, a, out) {
	out = sprintf("{\n  \"date\": \"%s\", \"machine\": \"%s\", " \
		"\"cpus\": %d, \"kernel\": \"%s\", \"libc\": \"%s\", " \
		"\"rounds\": %d,\n  \"rows\": [", date, machine, cpus, kernel,
		libc, rounds)
	out = out json_rows("pattern") json_rows("real") json_rows("extra")
	out = out "\n  ],\n  \"summary\": ["
	for (k = 1; k <= nr_allocs; k++) {
		a = alloc[k]
		out = out (k > 1 ? ",\n" : "\n") sprintf( \
			"    {\"allocator\": \"%s\", " \
			"\"pattern_time\": %.4f, \"pattern_cpu\": %.4f, " \
			"\"pattern_peak\": %.4f, \"real_time\": %.4f, " \
			"\"real_cpu\": %.4f, \"real_peak\": %.4f, " \
			"\"pair_tight_ns\": %.2f, \"pair_batch_ns\": %.2f, " \
			"\"threads10k_ratio\": %.4f}", a,
			geomean("wall", "pattern", a),
			geomean("cpu", "pattern", a),
			geomean("peak", "pattern", a),
			geomean("wall", "real", a), geomean("cpu", "real", a),
			geomean("peak", "real", a),
			mid("pairns", "tight_median", a),
			mid("pairns", "batch_median", a), threads10k(a))
	}
	print out "\n  ]\n}" > json
}

END {
	print "# Benchmarks\n"
	printf "%s, %s, %d CPUs, Linux %s, %s; medians of %d interleaved" \
	       " rounds.  Ratios are to %s: lower is better.\n",
	       date, machine, cpus, kernel, libc, rounds, base
	table("pattern", "Access patterns")
	table("real", "Real programs")
	small_figures()
	bars()
	if (nr_failed)
		print "\nFailed: " failures "."
	write_json()
	exit nr_failed > 0
}
