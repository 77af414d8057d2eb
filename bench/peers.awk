# peers.awk - the tables of scripts/bench-peers: Markdown (stdout), JSON, and the
# data of the pictures.
#
# Comes after rows.awk, which says what a figure is, and best.awk.  The allocators
# are glibc, liballoc, Debian's three, and what PEERS named: "peers" are all but
# the first two.  Two more names stand for what is possible: bump (never frees) and live
# (the bytes asked for, in pages).
#
# Variables beside those of rows.awk: plots (a folder), minutes.

function is_row(p) {
	return has("pattern", p) || has("real", p)
}

# Where a tenth of the work was done and multiplied, a mark says so.
function bump_s(p) {
	return ran(p, "bump") ? mid("wall", p, "bump") : mid("tenths_s", p, "bump")
}

function bump_mark(p) {
	return ran(p, "bump") ? "" : "~"
}

function time_table(kind, title,    i, k, p, line, b) {
	if (!nr_rows[kind])
		return
	printf "\n### %s: time\n\n", title
	line = "| | " base " s | " ours " s | to " base " | from-to | CPU | to the best peer | from-to | best peer |"
	for (k = 3; k <= nr_allocs; k++)
		line = line " " alloc[k] " |"
	rule(line " bump |")
	for (i = 1; i <= nr_rows[kind]; i++) {
		p = row[kind, i]
		line = sprintf("| %s | %.3f | %.3f | %s | %s | %.2f | %s | %s | %s |",
			p, mid("wall", p, base), mid("wall", p, ours),
			time_cell(p, ours), spread(p, ours),
			ratio("cpu", p, ours), num("%.2f", to_best("wall", p)),
			best_spread(p), best_name)
		for (k = 3; k <= nr_allocs; k++)
			line = line " " time_cell(p, alloc[k]) " |"
		b = mid("wall", p, base)
		print line " " num(bump_mark(p) "%.2f", b > 0 ? bump_s(p) / b : 0) " |"
	}
}

# MiB that the program held at most, in pages, and its files.
function floor_kib(p) {
	return mid("heap_kib", p, "live") + mid("file_kib", p, "live")
}

function peak_table(kind, title,    i, k, p, line, best) {
	if (!nr_rows[kind])
		return
	printf "\n### %s: peak memory\n\n", title
	line = "| | " base " MiB | " ours " MiB | to " base " | to the best peer | best peer |"
	for (k = 3; k <= nr_allocs; k++)
		line = line " " alloc[k] " |"
	rule(line " live MiB |")
	for (i = 1; i <= nr_rows[kind]; i++) {
		p = row[kind, i]
		best = to_best("peak", p)
		line = sprintf("| %s | %.1f | %.1f | %s | %s | %s |", p,
			mid("peak", p, base) / 1024, mid("peak", p, ours) / 1024,
			peak_cell(p, ours), num("%.2f", best), best_name)
		for (k = 3; k <= nr_allocs; k++)
			line = line " " peak_cell(p, alloc[k]) " |"
		print line " " num("%.1f", floor_kib(p) / 1024) " |"
	}
}

function means_table(    k, a) {
	print "\n## Geometric means, " base " = 1\n"
	print "| | all: time | CPU | peak | patterns: time | CPU | peak |" \
	      " real programs: time | CPU | peak |"
	print "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
	for (k = 2; k <= nr_allocs; k++) {
		a = alloc[k]
		print "| " a " | " means_cells("all", a) " | " \
		      means_cells("pattern", a) " | " means_cells("real", a) " |"
	}
	means_to_best("all")
}

# --- bars ---

# A figure that a program printed: ours against the least of the peers.
function figure_bar(title, limit_text, factor, figure, prog, strict,    b, v, k) {
	v = mid(figure, prog, ours)
	best_name = ""
	for (k = 3; k <= nr_allocs; k++)
		if (mid(figure, prog, alloc[k]) > 0 &&
		    (best_name == "" || mid(figure, prog, alloc[k]) < b)) {
			b = mid(figure, prog, alloc[k])
			best_name = alloc[k]
		}
	bar_line(title, limit_text, sprintf("%.1f to %.1f (%s)", v, b, best_name),
		 v > 0 && b > 0, strict ? v < b : v <= factor * b)
}

function tiny_bar(title, what, unit, fmt, limit,    v, k, w, best, any) {
	v = (mid(what, "tiny", ours) - mid(what, "tiny", base)) * unit
	for (k = 3; k <= nr_allocs; k++) {
		if (!ran("tiny", alloc[k]))
			continue
		w = (mid(what, "tiny", alloc[k]) - mid(what, "tiny", base)) * unit
		if (!any++ || w < best) {
			best = w
			best_name = alloc[k]
		}
	}
	bar_line(title, "at most " limit ", below every peer",
		 sprintf(fmt " (best peer: " fmt ", %s)", v, best, best_name),
		 ran("tiny", ours) && any, v <= limit && v < best)
}

function bars(    v) {
	row_bars("all")
	v = mean("wall", "real", ours)
	bar_line("real programs, time, geometric mean to " base, "at most 0.85",
		 sprintf("%.3f", v), v > 0, v <= 0.85)
	figure_bar("malloc+free pair, tight, ns, to the fastest peer",
		   "at most 1.00", 1, "tight_median", "pairns")
	figure_bar("malloc+free pairs of a hundred, ns, to the fastest peer",
		   "at most 1.00", 1, "batch_median", "pairns")
	figure_bar("p99.99 of malloc under churn, ns", "below every peer's", 1,
		   "malloc_p99.99", "tail-churn", 1)
	figure_bar("p99.99 of free under churn, ns", "below every peer's", 1,
		   "free_p99.99", "tail-churn", 1)
	tiny_bar("`/bin/true`, ms over " base, "wall", 1000, "%.3f", 0.07)
	tiny_bar("`/bin/true`, KiB over " base, "peak", 1, "%d", 250)
}

# --- small figures, tail, scale, replay ---

function small_table(    k, a) {
	if (!has("extra", "tiny") && !mid("tight_median", "pairns", base))
		return
	print "\n## Small figures\n"
	print "| | pair ns, tight | pair ns, of a hundred | `/bin/true` ms | KiB" \
	      " | faults | 10,000 threads MiB without, with allocation |"
	print "|---|---:|---:|---:|---:|---:|---:|"
	for (k = 1; k <= nr_allocs; k++) {
		a = alloc[k]
		printf "| %s | %s | %s | %s | %s | %s | %s, %s |\n", a,
			num("%.1f", mid("tight_median", "pairns", a)),
			num("%.1f", mid("batch_median", "pairns", a)),
			num("%.3f", mid("wall", "tiny", a) * 1000),
			num("%d", mid("peak", "tiny", a)),
			num("%d", mid("faults", "tiny", a)),
			num("%.1f", mid("peak", "threads10k-0", a) / 1024),
			num("%.1f", mid("peak", "threads10k-1", a) / 1024)
	}
}

function page_rows(    k, a) {
	if (!nr_rows["page"])
		return
	print "\n## Large and growing\n"
	print "| | 1 MiB to 1 GiB by realloc: first s | again s | peak MiB" \
	      " | growth to 2 GiB s | system s | faults | peak MiB |"
	print "|---|---:|---:|---:|---:|---:|---:|---:|"
	for (k = 1; k <= nr_allocs; k++) {
		a = alloc[k]
		printf "| %s | %s | %s | %s | %s | %s | %s | %s |\n", a,
			num("%.3f", mid("first_s", "realloc_grow", a)),
			num("%.3f", mid("again_s", "realloc_grow", a)),
			num("%.0f", mid("peak", "realloc_grow", a) / 1024),
			num("%.3f", mid("grow_s", "grow2g", a)),
			num("%.3f", mid("sys_s", "grow2g", a)),
			num("%d", mid("minflt", "grow2g", a)),
			num("%.0f", mid("peak", "grow2g", a) / 1024)
	}
}

function ns(v) {
	if (v <= 0)
		return "0"
	return v < 10000 ? sprintf("%.0f", v) : sprintf("%.3g k", v / 1000)
}

function tail_table(    i, j, k, m, a, p, call, calls, points, line) {
	if (!nr_rows["tail"])
		return
	split("malloc free", calls, " ")
	split("p50 p99 p99.9 p99.99 max", points, " ")
	print "\n## Tail latency, ns a call\n"
	printf "Two threads, each call timed by itself; the clock's own %.0f ns" \
	       " are subtracted.\n", mid("overhead", row["tail", 1], ours)
	for (i = 1; i <= nr_rows["tail"]; i++) {
		p = row["tail", i]
		printf "\n%s:\n\n", substr(p, 6)
		line = "| |"
		for (j = 1; j <= 2; j++)
			for (m = 1; m <= 5; m++)
				line = line " " (m == 1 ? calls[j] " " : "") points[m] " |"
		rule(line)
		for (k = 1; k <= nr_allocs; k++) {
			a = alloc[k]
			if (!ran(p, a))
				continue
			line = "| " a " |"
			for (j = 1; j <= 2; j++)
				for (m = 1; m <= 5; m++)
					line = line " " ns(mid(calls[j] "_" points[m], p, a)) " |"
			print line
		}
	}
}

function scale_table(    i, k, p, a, line, file) {
	if (!nr_rows["scale"])
		return
	print "\n## Threads\n"
	print "Million replacements a second; MiB beyond the start, while each" \
	      " thread holds 1024 objects.  \"live\": what they hold.\n"
	line = "| threads |"
	for (k = 1; k <= nr_allocs; k++)
		line = line " " alloc[k] " |"
	for (k = 1; k <= nr_allocs; k++)
		line = line " " alloc[k] " MiB |"
	rule(line " live MiB |")
	file = plots "/scale.dat"
	for (i = 1; i <= nr_rows["scale"]; i++) {
		p = row["scale", i]
		line = "| " substr(p, 7) " |"
		printf "%s", substr(p, 7) > file
		for (k = 1; k <= nr_allocs; k++) {
			a = alloc[k]
			line = line " " num("%.1f", mid("mops", p, a)) " |"
			printf "\t%.3f\t%.3f", mid("mops", p, a),
			       mid("more_kib", p, a) / 1024 > file
		}
		for (k = 1; k <= nr_allocs; k++)
			line = line " " num("%.1f", mid("more_kib", p, alloc[k]) / 1024) " |"
		print line " " num("%.1f", mid("live_kib", p, ours) / 1024) " |"
		print "" > file
	}
	close(file)
}

function replay_table(    i, k, p, a) {
	if (!nr_rows["replay"])
		return
	print "\n## Traces of real programs, replayed\n"
	print "Each block is written once when it is new and read when it is" \
	      " freed.  \"live\" is what the program held at most; \"used\" is" \
	      " live over resident memory, the mean over the run and at its" \
	      " worst once half of the peak was reached.\n"
	print "| trace | | s | ns a call | faults | peak MiB | live MiB |" \
	      " used | worst |"
	print "|---|---|---:|---:|---:|---:|---:|---:|---:|"
	for (i = 1; i <= nr_rows["replay"]; i++) {
		p = row["replay", i]
		for (k = 1; k <= nr_allocs; k++) {
			a = alloc[k]
			printf "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n",
				(k == 1 ? substr(p, 8) : ""), a,
				ran(p, a) ? num("%.3f", mid("replay_s", p, a)) : "failed",
				num("%.1f", mid("call_ns", p, a)),
				num("%d", mid("replay_faults", p, a)),
				num("%.1f", mid("peak_kib", p, a) / 1024),
				num("%.1f", mid("live_kib", p, a) / 1024),
				num("%.2f", mid("used", p, a)),
				num("%.2f", mid("used_least", p, a))
		}
	}
}

# --- speed of light ---

# How far from what is possible: time over the least that anything took, bump
# among them, and peak memory over what the program held.
function light_floor(p,    k, v, best) {
	best = bump_s(p)
	for (k = 1; k <= nr_allocs; k++) {
		v = ran(p, alloc[k]) ? mid("wall", p, alloc[k]) : 0
		if (v > 0 && (!best || v < best))
			best = v
	}
	return best
}

function light_table(    i, j, k, n, a, p, kinds, line, f, m, q, s, nr, mem) {
	for (k = 1; k <= nr_allocs; k++)
		s[alloc[k]] = nr[alloc[k]] = mem[alloc[k]] = 0
	split("pattern real", kinds, " ")
	print "\n## Speed of light\n"
	print "How far each allocator is from what is possible.  Time: over the" \
	      " least that any took in the row, the bump allocator that never" \
	      " frees among them (~: a tenth of the work, times ten, where all of" \
	      " it is more memory than there is).  Memory: peak over the live bytes in pages" \
	      " plus the program's files; below 1 where a program does not touch" \
	      " all that it asks for.\n"
	line = "| | bump s | least s |"
	for (k = 1; k <= nr_allocs; k++)
		line = line " " alloc[k] " |"
	line = line " live MiB |"
	for (k = 1; k <= nr_allocs; k++)
		line = line " " alloc[k] " |"
	rule(line)
	for (j = 1; j <= 2; j++)
		for (i = 1; i <= nr_rows[kinds[j]]; i++) {
			p = row[kinds[j], i]
			f = light_floor(p)
			m = floor_kib(p)
			if (!ran(p, "live"))
				m = 0
			line = sprintf("| %s | %s | %s |", p,
				num(bump_mark(p) "%.3f", bump_s(p)),
				num("%.3f", f))
			for (k = 1; k <= nr_allocs; k++) {
				q = ran(p, alloc[k]) && f > 0 ? mid("wall", p, alloc[k]) / f : 0
				line = line " " num("%.2f", q) " |"
				if (q > 0)
					s[alloc[k]] += log(q)
				if (k == 1)
					n++
			}
			line = line " " num("%.1f", m / 1024) " |"
			for (k = 1; k <= nr_allocs; k++) {
				q = ran(p, alloc[k]) && m > 0 ? mid("peak", p, alloc[k]) / m : 0
				line = line " " num("%.2f", q) " |"
				if (q > 0) {
					mem[alloc[k]] += log(q)
					nr[alloc[k]]++
				}
			}
			print line
		}
	line = "| **geometric mean** | | |"
	for (k = 1; k <= nr_allocs; k++)
		line = line sprintf(" **%.2f** |", n ? exp(s[alloc[k]] / n) : 0)
	line = line " |"
	for (k = 1; k <= nr_allocs; k++)
		line = line sprintf(" **%s** |", nr[alloc[k]] ? \
			sprintf("%.2f", exp(mem[alloc[k]] / nr[alloc[k]])) : "-")
	print line
}

# --- pictures ---

# Points by time; on the front is what needs less memory than all faster ones.
function scatter(p,    k, i, n, names, t, m, x, file, least, a) {
	for (k = 1; k <= nr_allocs; k++) {
		a = alloc[k]
		if (!ran(p, a))
			continue
		x = mid("wall", p, a)
		for (i = ++n; i > 1 && t[i - 1] > x; i--) {
			t[i] = t[i - 1]
			names[i] = names[i - 1]
			m[i] = m[i - 1]
		}
		t[i] = x
		names[i] = a
		m[i] = mid("peak", p, a) / 1024
	}
	if (n < 2)
		return
	file = plots "/scatter-" p ".dat"
	for (i = 1; i <= n; i++)
		printf "%s\t%.6f\t%.3f\n", names[i], t[i], m[i] > file
	printf "\n\n" > file
	for (i = 1; i <= n; i++)
		if (i == 1 || m[i] < least) {
			least = m[i]
			printf "%.6f\t%.3f\n", t[i], m[i] > file
			front[names[i]]++
		}
	close(file)
	nr_scatters++
}

function scatters(    i, k, j, kinds) {
	split("pattern real", kinds, " ")
	for (j = 1; j <= 2; j++)
		for (i = 1; i <= nr_rows[kinds[j]]; i++)
			scatter(row[kinds[j], i])
	if (!nr_scatters)
		return
	printf "\nOn the Pareto front of time and peak memory, of %d programs:",
	       nr_scatters
	for (k = 1; k <= nr_allocs; k++)
		printf "%s %s %d", (k > 1 ? "," : ""), alloc[k], front[alloc[k]]
	print "."
}

function json_best(    i, k, kinds, p, t, by, out) {
	split("pattern real", kinds, " ")
	for (k = 1; k <= 2; k++)
		for (i = 1; i <= nr_rows[kinds[k]]; i++) {
			p = row[kinds[k], i]
			t = to_best("wall", p)
			by = best_name
			out = out (out ? ",\n" : "\n") sprintf( \
				"    {\"name\": \"%s\", \"time\": %.4f, " \
				"\"time_peer\": \"%s\", \"peak\": %.4f, ", p, t,
				by, to_best("peak", p))
			out = out sprintf("\"peak_peer\": \"%s\", " \
				"\"bump_s\": %.6f, \"live_kib\": %d}",
				best_name, bump_s(p), floor_kib(p))
		}
	return out
}

function peers_json(    k, a, out) {
	out = sprintf("{\n  \"date\": \"%s\", \"machine\": \"%s\", " \
		"\"cpus\": %d, \"kernel\": \"%s\", \"libc\": \"%s\", " \
		"\"rounds\": %d,\n  \"bars\": [%s\n  ],\n  \"rows\": [", date,
		machine, cpus, kernel, libc, rounds, bar_json)
	out = out json_rows("pattern") json_rows("real") json_rows("extra")
	out = out json_rows("page") json_rows("tail") json_rows("scale")
	out = out json_rows("replay")
	out = out "\n  ],\n  \"to_best\": [" json_best()
	out = out "\n  ],\n  \"figures\": [" json_figures()
	out = out "\n  ],\n  \"means\": ["
	for (k = 1; k <= nr_allocs; k++) {
		a = alloc[k]
		out = out (k > 1 ? ",\n" : "\n") sprintf( \
			"    {\"allocator\": \"%s\", \"time\": %.4f, " \
			"\"cpu\": %.4f, \"peak\": %.4f, \"real_time\": %.4f, " \
			"\"front\": %d}", a, mean("wall", "all", a),
			mean("cpu", "all", a), mean("peak", "all", a),
			mean("wall", "real", a), front[a])
	}
	print out "\n  ]\n}" > json
}

END {
	print "# Beside the peers\n"
	printf "%s, %s, %d CPUs, Linux %s, %s; medians of %d interleaved" \
	       " rounds%s in %d minutes.  Ratios: lower is better.\n",
	       date, machine, cpus, kernel, libc, rounds,
	       (rounds > whole ? sprintf(" (of rows other than patterns, real" \
					 " programs, pairs and the tail, %d)", whole) : ""),
	       minutes
	bars()
	means_table()
	scatters()
	if (nr_rows["pattern"] + nr_rows["real"]) {
		print "\n## Rows\n"
		print "Ratios to " base " unless they say otherwise; from-to is" \
		      " the smallest and the largest within one round."
	}
	time_table("pattern", "Access patterns")
	time_table("real", "Real programs")
	peak_table("pattern", "Access patterns")
	peak_table("real", "Real programs")
	small_table()
	page_rows()
	idle_table()
	replay_table()
	tail_table()
	scale_table()
	if (nr_rows["pattern"] + nr_rows["real"])
		light_table()
	if (failures)
		print "\nFailed: " failures "."
	peers_json()
	exit nr_failed > 0
}
