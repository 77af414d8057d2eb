# report.awk - the tables of scripts/bench: Markdown (stdout) and JSON.
#
# Comes after rows.awk, which says what a figure is.  Exit status 1 if a run of
# the first two allocators failed; the others are only measured beside them.

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
		if (complete(kind, alloc[k]))
			line = line sprintf(" %s time | %s peak |", alloc[k],
					    alloc[k])
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
			if (complete(kind, alloc[k]))
				line = line sprintf(" %s | %s |",
				cell(p, alloc[k], "%.2f", ratio("wall", p, alloc[k])),
				cell(p, alloc[k], "%.2f", ratio("peak", p, alloc[k])))
		print line
	}
	line = sprintf("| **geometric mean** | | | **%.2f** | | **%.2f** | | | **%.2f** |",
		geomean("wall", kind, ours), geomean("cpu", kind, ours),
		geomean("peak", kind, ours))
	for (k = 3; k <= nr_allocs; k++)
		if (complete(kind, alloc[k]))
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
	    !mid("tight_best", "pairns", base))
		return
	print "\n## Small figures\n"
	print "| | pair ns, tight: best, median | pair ns, batch: best, median" \
	      " | `/bin/true` ms | KiB | faults | 10,000 threads MiB without," \
	      " with allocation | ratio |"
	print "|---|---:|---:|---:|---:|---:|---:|---:|"
	for (k = 1; k <= nr_allocs; k++) {
		a = alloc[k]
		if (mid("tight_best", "pairns", a) + mid("wall", "tiny", a) + \
		    mid("peak", "threads10k-0", a) == 0)
			continue
		printf "| %s | %s | %s | %s | %s | %s | %s | %s |\n", a,
			two(mid("tight_best", "pairns", a),
			    mid("tight_median", "pairns", a)),
			two(mid("batch_best", "pairns", a),
			    mid("batch_median", "pairns", a)),
			one("%.3f", mid("wall", "tiny", a) * 1000),
			one("%d", mid("peak", "tiny", a)),
			one("%d", mid("faults", "tiny", a)),
			two(mid("peak", "threads10k-0", a) / 1024,
			    mid("peak", "threads10k-1", a) / 1024),
			one("%.3f", threads10k(a))
	}
}

function realloc_line(name, a) {
	if (ran("realloc_grow", a))
		printf "| %s | %s | %s | %s | %s | %s | %s |\n", name,
			shown("first_s", "realloc_grow", a, "%.3f", 1),
			shown("first_calls_ms", "realloc_grow", a, "%.2f", 1),
			shown("again_s", "realloc_grow", a, "%.3f", 1),
			shown("again_calls_ms", "realloc_grow", a, "%.2f", 1),
			shown("free_ms", "realloc_grow", a, "%.2f", 1),
			shown("peak", "realloc_grow", a, "%.0f", 1024)
}

function realloc_table(    k) {
	if (!has("page", "realloc_grow"))
		return
	print "\n## A buffer that grows from 1 MiB to 1 GiB\n"
	print "| | first growth s | its calls alone ms | again s |" \
	      " its calls alone ms | free ms | peak MiB |"
	print "|---|---:|---:|---:|---:|---:|---:|"
	for (k = 1; k <= nr_allocs; k++)
		realloc_line(alloc[k], alloc[k])
	realloc_line("bare mremap", "bare")
}

function page_table(    k, a) {
	if (!has("page", "grow2g") && !has("pattern", "large") &&
	    !has("pattern", "medium") && !has("pattern", "frag"))
		return
	print "\n## Page layer\n"
	print "| | large s | MiB | medium s | MiB | grow2g s | system s |" \
	      " faults | MiB | frag s | MiB | at the end | all freed |"
	print "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
	for (k = 1; k <= nr_allocs; k++) {
		a = alloc[k]
		printf "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |" \
		       " %s | %s | %s |\n", a,
			shown("wall", "large", a, "%.3f", 1),
			shown("peak", "large", a, "%.1f", 1024),
			shown("wall", "medium", a, "%.3f", 1),
			shown("peak", "medium", a, "%.1f", 1024),
			shown("grow_s", "grow2g", a, "%.3f", 1),
			shown("sys_s", "grow2g", a, "%.3f", 1),
			shown("minflt", "grow2g", a, "%d", 1),
			shown("peak", "grow2g", a, "%.0f", 1024),
			shown("wall", "frag", a, "%.3f", 1),
			shown("peak", "frag", a, "%.1f", 1024),
			shown("final_kib", "frag", a, "%.1f", 1024),
			shown("empty_kib", "frag", a, "%.1f", 1024)
	}
}

function least(a, b) {
	return a < b ? a : b
}

# The best of all but ours; their names are left in best_names.
function best_other(what, prog,    k, v, best, n) {
	best_names = ""
	for (k = 1; k <= nr_allocs; k++) {
		if (alloc[k] == ours || !ran(prog, alloc[k]))
			continue
		v = mid(what, prog, alloc[k])
		best = n++ ? least(best, v) : v
		best_names = best_names (n > 1 ? ", " : "") alloc[k]
	}
	return best
}

# Each value is shown in units of @unit.  @below: being equal is not enough.
function page_bar(title, why, limit, what, prog, fmt, unit, below,    k, v, met) {
	printf "| %s | %s " fmt "%s |", title, below ? "below" : "at most",
	       limit / unit, why ? ": " why : ""
	for (k = 1; k <= nr_allocs; k++)
		if (alloc[k] != ours)
			printf " %s |", shown(what, prog, alloc[k], fmt, unit)
	v = mid(what, prog, ours)
	met = ok(prog, ours) && (below ? v < limit : v <= limit)
	printf " %s | %s |\n", shown(what, prog, ours, fmt, unit),
	       met ? "yes" : "**no**"
}

function of_base(title, share, what, prog, fmt, unit) {
	page_bar(title, share " of " base "'s",
		 share * mid(what, prog, base), what, prog, fmt, unit)
}

function of_best(title, what, prog, fmt, unit, below,    limit) {
	limit = best_other(what, prog)
	page_bar(title, "best of " best_names, limit, what, prog, fmt, unit,
		 below)
}

# A bare loop that did not run leaves its half of the bar open: not met.
function growth_bar(title, what, fmt,    bare, limit) {
	bare = ran("realloc_grow", "bare") ? mid(what, "realloc_grow", "bare") : 0
	limit = least(0.25 * mid(what, "realloc_grow", base), 1.1 * bare)
	page_bar(title, "0.25 of " base "'s, 1.1 of bare mremap's " \
		 sprintf(fmt, bare), limit, what, "realloc_grow", fmt, 1)
}

function page_bars(    i, k, p) {
	if (!nr_rows["page"] && !nr_rows["idle"] && !has("pattern", "large") &&
	    !has("pattern", "medium") && !has("pattern", "frag"))
		return
	print "\n## Bars of the page layer\n"
	printf "| figure | bar |"
	for (k = 1; k <= nr_allocs; k++)
		if (alloc[k] != ours)
			printf " %s |", alloc[k]
	print " " ours " | met |"
	printf "|---|---|"
	for (k = 1; k <= nr_allocs; k++)
		printf "---:|"
	print "---|"

	if (has("page", "realloc_grow")) {
		growth_bar("1 MiB to 1 GiB by realloc, first in a process, s",
			   "first_s", "%.3f")
		growth_bar("the same, its calls alone, ms", "first_calls_ms",
			   "%.2f")
		growth_bar("1 MiB to 1 GiB by realloc, again, s", "again_s",
			   "%.3f")
		growth_bar("the same, its calls alone, ms", "again_calls_ms",
			   "%.2f")
	}
	if (has("pattern", "large")) {
		of_base("buffers of 5-25 MiB (large), s", 0.35, "wall",
			"large", "%.3f", 1)
		of_base("their peak memory, MiB", 1.2, "peak", "large",
			"%.1f", 1024)
	}
	if (has("pattern", "medium"))
		of_best("buffers of 64 KiB-1 MiB, two threads (medium), s",
			"wall", "medium", "%.3f", 1, 1)
	if (has("page", "grow2g"))
		of_base("page faults of a heap growing to 2 GiB (grow2g)," \
			" system s", 0.5, "sys_s", "grow2g", "%.3f", 1)
	for (i = 1; i <= nr_rows["idle"]; i++) {
		p = row["idle", i]
		page_bar("idle after 1 GiB, " idle_name(p) \
			 ": memory over that at the start", "", 1.1, "ratio",
			 p, "%.2f", 1)
	}
	if (has("pattern", "frag")) {
		of_best("frag, peak memory, MiB", "peak", "frag", "%.1f", 1024)
		of_best("frag, final memory, MiB", "final_kib", "frag", "%.1f",
			1024)
		of_best("frag, memory when all is freed, MiB", "empty_kib",
			"frag", "%.1f", 1024)
	}
}

function write_json(    k, a, out) {
	out = sprintf("{\n  \"date\": \"%s\", \"machine\": \"%s\", " \
		"\"cpus\": %d, \"kernel\": \"%s\", \"libc\": \"%s\", " \
		"\"rounds\": %d,\n  \"rows\": [", date, machine, cpus, kernel,
		libc, rounds)
	out = out json_rows("pattern") json_rows("real") json_rows("extra")
	out = out json_rows("page") json_rows("idle")
	out = out "\n  ],\n  \"figures\": [" json_figures()
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
			mid("tight_median", "pairns", a),
			mid("batch_median", "pairns", a), threads10k(a))
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
	realloc_table()
	page_table()
	idle_table()
	bars()
	page_bars()
	if (failures)
		print "\nFailed: " failures "."
	write_json()
	exit nr_failed > 0
}
