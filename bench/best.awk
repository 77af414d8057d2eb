# best.awk - ours beside the best of the peers: ratios, means over rows, and bars.
#
# Comes after rows.awk, which says what a figure is; peers.awk and literature.awk
# come after this.  "Peers" are all allocators but the first two.  Where a kind of
# rows is asked for, "all" stands for the patterns and the real programs.

function kinds_of(kind, kinds) {
	return split(kind == "all" ? "pattern real" : kind, kinds, " ")
}

# Least of the peers in a row; which one is left in best_name.
function best_peer(what, prog,    k, v, best) {
	best_name = ""
	for (k = 3; k <= nr_allocs; k++) {
		if (!ran(prog, alloc[k]))
			continue
		v = mid(what, prog, alloc[k])
		if (v > 0 && (best_name == "" || v < best)) {
			best = v
			best_name = alloc[k]
		}
	}
	return best
}

function to_best(what, prog,    b) {
	b = best_peer(what, prog)
	return b > 0 && ran(prog, ours) ? mid(what, prog, ours) / b : 0
}

# Ours over the best peer, within each round: the smallest and the largest.
function best_spread(prog,    r, k, b, q, lo, hi) {
	lo = 1e9
	for (r = 1; r <= rounds; r++) {
		b = 0
		for (k = 3; k <= nr_allocs; k++)
			if (ran(prog, alloc[k]) &&
			    ("wall", prog, alloc[k], r) in value &&
			    (!b || value["wall", prog, alloc[k], r] < b))
				b = value["wall", prog, alloc[k], r]
		if (!b || !(("wall", prog, ours, r) in value))
			continue
		q = value["wall", prog, ours, r] / b
		if (q < lo)
			lo = q
		if (q > hi)
			hi = q
	}
	return hi ? sprintf("%.2f-%.2f", lo, hi) : "-"
}

# Over the rows of one kind, or of all.
function mean(what, kind, a,    i, k, kinds, n, q, s, p) {
	kinds_of(kind, kinds)
	for (k = 1; k in kinds; k++)
		for (i = 1; i <= nr_rows[kinds[k]]; i++) {
			p = row[kinds[k], i]
			q = ok(p, a) ? ratio(what, p, a) : 0
			if (q > 0) {
				s += log(q)
				n++
			}
		}
	return n ? exp(s / n) : 0
}

function mean_to_best(what, kind,    i, k, kinds, n, q, s) {
	kinds_of(kind, kinds)
	for (k = 1; k in kinds; k++)
		for (i = 1; i <= nr_rows[kinds[k]]; i++) {
			q = to_best(what, row[kinds[k], i])
			if (q > 0) {
				s += log(q)
				n++
			}
		}
	return n ? exp(s / n) : 0
}

function num(fmt, v) {
	return v > 0 ? sprintf(fmt, v) : "-"
}

# Time, CPU time and peak memory of @a, as cells of a table.
function means_cells(kind, a) {
	return num("%.3f", mean("wall", kind, a)) " | " \
	       num("%.3f", mean("cpu", kind, a)) " | " \
	       num("%.3f", mean("peak", kind, a))
}

function means_to_best(kind) {
	printf "\n%s to the best peer of each row: time %s, CPU %s, peak %s.\n",
	       ours, num("%.3f", mean_to_best("wall", kind)),
	       num("%.3f", mean_to_best("cpu", kind)),
	       num("%.3f", mean_to_best("peak", kind))
}

function rule(line) {
	print line
	gsub(/[^|]+/, "---:", line)
	sub(/---:/, "---", line)
	print line
}

function time_cell(p, a) {
	return ran(p, a) ? sprintf("%.2f", ratio("wall", p, a)) : \
		((p, a) in failed) ? "failed" : "-"
}

function peak_cell(p, a) {
	return ran(p, a) ? sprintf("%.2f", ratio("peak", p, a)) : \
		((p, a) in failed) ? "failed" : "-"
}

# --- bars ---

function verdict(have, met) {
	if (!have)
		return "not measured"
	return met ? "yes" : "**no**"
}

function bar_line(what, limit, text, have, met) {
	printf "| %s | %s | %s | %s |\n", what, limit, have ? text : "-",
	       verdict(have, met)
	nr_bars++
	bar_json = bar_json (nr_bars > 1 ? ",\n" : "\n") sprintf( \
		"    {\"bar\": \"%s\", \"limit\": \"%s\", \"value\": \"%s\", " \
		"\"met\": %s}", what, limit, have ? text : "",
		!have ? "null" : met ? "true" : "false")
}

# The least of the peers @from..@to for a figure; best_name says whose.
function least_mean(what, kind, from, to,    k, v, best) {
	best_name = ""
	for (k = from; k <= to && k <= nr_allocs; k++) {
		v = mean(what, kind, alloc[k])
		if (v > 0 && (best_name == "" || v < best)) {
			best = v
			best_name = alloc[k]
		}
	}
	return best
}

# Rows whose ratio to the best peer is above @limit, the worst first.
function above(what, kind, limit,    i, j, k, kinds, n, q, p, names, vals, t, out) {
	kinds_of(kind, kinds)
	nr_above = nr_compared = 0
	for (k = 1; k in kinds; k++)
		for (i = 1; i <= nr_rows[kinds[k]]; i++) {
			p = row[kinds[k], i]
			q = to_best(what, p)
			if (!ran(p, ours))
				q = 99
			if (q > 0)
				nr_compared++
			if (q <= limit)
				continue
			for (j = ++n; j > 1 && vals[j - 1] < q; j--) {
				vals[j] = vals[j - 1]
				names[j] = names[j - 1]
			}
			vals[j] = q
			names[j] = p
		}
	nr_above = n + 0
	for (i = 1; i <= n; i++)
		out = out (i > 1 ? ", " : ": ") names[i] " " sprintf("%.2f", vals[i])
	return sprintf("%d of %d rows are above%s", n, nr_compared, out)
}

# What rows of any kind are held against.
function row_bars(kind,    v, b, text) {
	print "\n## Bars\n"
	print "| figure | bar | " ours " | met |"
	print "|---|---|---|---|"
	v = mean("wall", kind, ours)
	b = least_mean("wall", kind, 3, 5)
	bar_line("time, geometric mean over all rows, to the best of Debian's three",
		 "at most 0.85", sprintf("%.3f (%.3f to %.3f, %s)", b > 0 ? v / b : 0,
		 v, b, best_name), v > 0 && b > 0, v <= 0.85 * b)
	text = above("wall", kind, 1.10)
	bar_line("time, each row, to the best peer of the row", "at most 1.10",
		 text, nr_compared > 0, nr_above == 0)
	v = mean("peak", kind, ours)
	b = least_mean("peak", kind, 3, nr_allocs)
	bar_line("peak memory, geometric mean, to " base,
		 "at most 1.00, below every peer",
		 sprintf("%.3f (best peer: %.3f, %s)", v, b, best_name),
		 v > 0 && b > 0, v <= 1 && v < b)
	text = above("peak", kind, 1.25)
	bar_line("peak memory, each row, to the best peer of the row",
		 "at most 1.25", text, nr_compared > 0, nr_above == 0)
}
