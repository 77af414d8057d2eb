# literature.awk - the tables of scripts/bench-literature: Markdown (stdout), JSON.
#
# Comes after rows.awk and best.awk.  Exit status 1 if a run of glibc or liballoc
# failed.
#
# Variables beside those of rows.awk: table (bench/literature/rows, for what each
# row is after), minutes.

BEGIN {
	while ((getline line < table) > 0)
		if (line !~ /^#/ && split(line, field, "|") == 4) {
			after[trimmed(field[1])] = trimmed(field[3])
			question[trimmed(field[1])] = trimmed(field[4])
		}
}

function trimmed(s) {
	gsub(/^ +| +$/, "", s)
	return s
}

function rows_table(    i, k, p, line) {
	print "\n## Rows\n"
	print "Ratios of medians; from-to is the smallest and the largest" \
	      " within one round.\n"
	line = "| | " base " s | " ours " s | to " base " | from-to | CPU |" \
		" to the best peer | from-to | CPU | best peer | MiB | to " base \
		" | to the best peer | best peer |"
	for (k = 3; k <= nr_allocs; k++)
		line = line " " alloc[k] ": time, peak |"
	rule(line)
	for (i = 1; i <= nr_rows["literature"]; i++) {
		p = row["literature", i]
		line = sprintf("| %s | %.3f | %.3f | %s | %s | %.2f |", p,
			mid("wall", p, base), mid("wall", p, ours),
			time_cell(p, ours), spread(p, ours),
			ratio("cpu", p, ours))
		line = line sprintf(" %s | %s | %s |",
			num("%.2f", to_best("wall", p)), best_spread(p),
			num("%.2f", to_best("cpu", p)))
		best_peer("wall", p)
		line = line sprintf(" %s | %.1f | %s |", best_name,
			mid("peak", p, ours) / 1024, peak_cell(p, ours))
		line = line sprintf(" %s |", num("%.2f", to_best("peak", p)))
		line = line " " best_name " |"
		for (k = 3; k <= nr_allocs; k++)
			line = line sprintf(" %s, %s |", time_cell(p, alloc[k]),
				peak_cell(p, alloc[k]))
		print line
	}
}

function asked_table(    i, p) {
	print "\n## What the rows ask\n"
	print "| row | after | question |"
	print "|---|---|---|"
	for (i = 1; i <= nr_rows["literature"]; i++) {
		p = row["literature", i]
		printf "| %s | %s | %s |\n", p, after[p], question[p]
	}
}

function literature_means(    k, a) {
	print "\n## Geometric means over " nr_rows["literature"] " rows, " \
	      base " = 1\n"
	print "| | time | CPU | peak |"
	print "|---|---:|---:|---:|"
	for (k = 2; k <= nr_allocs; k++) {
		a = alloc[k]
		print "| " a " | " means_cells("literature", a) " |"
	}
	means_to_best("literature")
}

function literature_json(    k, a, out) {
	out = sprintf("{\n  \"date\": \"%s\", \"machine\": \"%s\", " \
		"\"cpus\": %d, \"kernel\": \"%s\", \"libc\": \"%s\", " \
		"\"rounds\": %d", date, machine, cpus, kernel, libc, rounds)
	# Not by sprintf(): mawk's ends at 8,191 characters.
	out = out ",\n  \"bars\": [" bar_json "\n  ],\n  \"rows\": [" \
	      json_rows("literature") "\n  ],\n  \"means\": ["
	for (k = 1; k <= nr_allocs; k++) {
		a = alloc[k]
		out = out (k > 1 ? ",\n" : "\n") sprintf( \
			"    {\"allocator\": \"%s\", \"time\": %.4f, " \
			"\"cpu\": %.4f, \"peak\": %.4f}", a,
			mean("wall", "literature", a),
			mean("cpu", "literature", a),
			mean("peak", "literature", a))
	}
	print out "\n  ]\n}" > json
}

END {
	print "# Programs of the literature\n"
	printf "%s, %s, %d CPUs, Linux %s, %s; medians of %d interleaved" \
	       " rounds in %d minutes.  Ratios: lower is better.\n",
	       date, machine, cpus, kernel, libc, rounds, minutes
	row_bars("literature")
	literature_means()
	rows_table()
	asked_table()
	if (failures)
		print "\nFailed: " failures "."
	literature_json()
	exit nr_failed > 0
}
