# slopes.awk - does memory grow, and is it the allocator?
#
#	awk -v first=SECONDS -v last=SECONDS -f slopes.awk SAMPLES
#
# A sample: program, allocator (glibc or liballoc), second, KiB of anonymous
# memory, KiB in the hands of the program (liballoc only).  Looked at are those
# from @first to before @last.  Exit 1: some program's memory GROWS.
#
# The error of a slope.  Memory now is nearly what it was a second ago, so a
# thousand samples say no more than some dozen do, and the textbook's error,
# which takes them for independent, is too small by three and more: then
# wandering passes for growth.  So
#
#   E1. the time is cut into BLOCKS equal pieces, and the line is laid through
#       their means.  What wanders faster than a piece lasts averages out in it
#       and is in the scatter of the means as far as it does not;
#   E2. what wanders more slowly shows as correlation of neighbouring means'
#       distances from the line, r.  As of a process of first order, the error
#       is multiplied by sqrt((1 + r) / (1 - r)), and r < 0 is no credit.  A
#       line laid through few points makes r look smaller than it is, by
#       (2 + 4 r) / BLOCKS (Kendall 1954, with a trend): that is added again;
#   E3. the bound is FACTOR errors: Student's one-sided 99.9 % for BLOCKS - 2
#       degrees of freedom, and some for r being an estimate itself.
#       tests/soak/slopes_test draws memory that only wanders and counts how
#       often it is called growing.
#
# Both allocators serve the same program under the same load at the same time.
# So the difference of the two is a series of its own, with its own slope and
# error by the same rule: what the program itself does drops out of it.
#
#   GROWS       slope above zero by FACTOR errors, and that of the difference,
#               too, and together more than a FIFTIETH of the memory over the
#               time watched, both
#   program     the first is so, the second is not: it grows as under glibc
#   flat        none of it
#
# Wandering that takes as long as was watched is a trend to anybody: two
# hours say what one cannot.

BEGIN {
	BLOCKS = 16
	FACTOR = 4.5
	FIFTIETH = 1 / 50
}

function note(series, at, value) {
	n[series, at]++
	time[series, at] += $3
	sum[series, at] += value
}

$3 >= first && $3 < last {
	at = int(($3 - first) * BLOCKS / (last - first))
	if (!($1 in seen)) {
		seen[$1] = ++programs
		name[programs] = $1
	}
	note($1 "/" $2, at, $4)
	if ($2 == "liballoc" && NF > 4)
		note($1 "/live", at, $5)
}

# The means of @series, less those of @other if there is one, into X and Y.
function means(series, other,	at, m) {
	m = 0
	for (at = 0; at < BLOCKS; at++) {
		if (!((series, at) in n) ||
		    (other != "" && !((other, at) in n)))
			continue
		X[m] = time[series, at] / n[series, at]
		Y[m] = sum[series, at] / n[series, at]
		if (other != "")
			Y[m] -= sum[other, at] / n[other, at]
		m++
	}
	return m
}

# The line through @m points: slope, error (E1, E2) and mean.
function fit(m,		i, sx, sy, sxx, sxy, e, before, ee, lag, r) {
	sx = sy = sxx = sxy = ee = lag = 0
	for (i = 0; i < m; i++) {
		sx += X[i]
		sy += Y[i]
	}
	for (i = 0; i < m; i++) {
		sxx += (X[i] - sx / m) ^ 2
		sxy += (X[i] - sx / m) * (Y[i] - sy / m)
	}
	mean = sy / m
	slope = sxy / sxx
	for (i = 0; i < m; i++) {
		e = Y[i] - mean - slope * (X[i] - sx / m)
		ee += e * e
		if (i)
			lag += e * before
		before = e
	}
	r = ee > 0 ? lag / ee : 0
	r = (r + 2 / m) / (1 - 4 / m)
	r = r < 0 ? 0 : r > 0.9 ? 0.9 : r
	error = sqrt(ee / (m - 2) / sxx * (1 + r) / (1 - r))
}

function rises(memory) {
	return slope > FACTOR * error &&
	       slope * (last - first) > memory * FIFTIETH
}

function hourly() {
	return sprintf("%8.0f +-%6.0f", slope * 3600, error * 3600)
}

function report(program,	ours, theirs, memory, up, more, live, m) {
	if (means(program "/liballoc", "") < BLOCKS * 3 / 4 ||
	    means(program "/liballoc", program "/glibc") < BLOCKS * 3 / 4) {
		printf "%-10s too few samples\n", program
		return 1
	}
	fit(means(program "/glibc", ""))
	theirs = sprintf("%8.0f %s", mean, hourly())
	fit(means(program "/liballoc", ""))
	memory = mean
	ours = sprintf("%8.0f %s", mean, hourly())
	up = rises(memory)
	live = ""
	m = means(program "/live", "")
	if (m >= BLOCKS * 3 / 4) {
		fit(m)
		live = hourly()
	}
	fit(means(program "/liballoc", program "/glibc"))
	more = rises(memory)
	printf "%-10s %s %s %s %18s  %s\n", program, theirs, ours,
	       hourly(), live, up && more ? "GROWS" : up ? "program" : "flat"
	return up && more
}

END {
	printf "%-10s %8s %18s %8s %18s %18s %18s\n", "program", "glibc",
	       "KiB/h", "liballoc", "KiB/h", "difference KiB/h", "in use KiB/h"
	for (i = 1; i <= programs; i++)
		bad = report(name[i]) || bad
	exit bad || !programs
}
