# read_proc.awk - a reader of the files of /proc about memory, as free(1),
# monitoring agents and scripts have them: the same rules for the kernel's
# file and for the library's.  Any line that is not understood is an error.
#
#	awk -v file=meminfo -f read_proc.awk /proc/meminfo
#
# Prints what it has read for the eye; the exit status is what counts.

function bad(why)
{
	printf "%s:%d: %s: %s\n", file, FNR, why, $0
	failed = 1
}
function numbers(from, n,    i)
{
	if (NF - from + 1 != n)
		bad("not " n " columns")
	for (i = from; i <= NF; i++)
		if ($i !~ /^-?[0-9]+(\.[0-9]+)?$/)
			bad("no number")
}
file == "meminfo" {
	if ($1 !~ /^[A-Za-z0-9_()]+:$/ || $2 !~ /^[0-9]+$/ ||
	    (NF == 3 && $3 != "kB") || NF > 3)
		bad("not 'name: number [kB]'")
	mem[$1] = $2
	next
}
file == "vmstat" {
	if (NF != 2 || $2 !~ /^[0-9]+$/)
		bad("not 'name number'")
	n++
	next
}
file == "buddyinfo" || file ~ /_index$/ {
	if (!/^Node [0-9]+, zone +[A-Za-z0-9]+ /)
		bad("no zone")
	numbers(5, 11)
	n++
	next
}
file == "pagetypeinfo" {
	if (/^Node +[0-9]+, zone +[A-Za-z0-9]+, type +[A-Za-z]+ /) {
		numbers(7, 11)
		n++
	} else if (/^Node [0-9]+, zone +[A-Za-z0-9]+ /) {
		numbers(5, types)
		n++
	} else if (/^Number of blocks type /) {
		types = NF - 4
	} else if (!/^(Page block order: +[0-9]+|Pages per block: +[0-9]+|)$/ &&
		   !/^Free pages count per migrate type at order( +[0-9]+)+ $/) {
		bad("not understood")
	}
	next
}
file == "vmallocinfo" {
	if (!/^0x[0-9a-f]+-0x[0-9a-f]+ +[0-9]+ /)
		bad("no area")
	n++
	next
}
# slabinfo(5): six columns, ": tunables" and three, ": slabdata" and three.
file == "slabinfo" {
	if (FNR == 1) {
		if ($0 != "slabinfo - version: 2.1")
			bad("not version 2.1")
	} else if (FNR == 2) {
		if (!/^# name +<active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>$/)
			bad("other columns")
	} else {
		if (NF != 16 || $7 != ":" || $8 != "tunables" ||
		    $12 != ":" || $13 != "slabdata")
			bad("other columns")
		for (i = 2; i <= NF; i++)
			if (i != 7 && i != 8 && i != 12 && i != 13 &&
			    $i !~ /^[0-9]+$/)
				bad("no number")
		# The kernel may count what changes meanwhile; both bound it.
		if ($2 + 0 > $3 + 0 || $14 + 0 > $15 + 0 ||
		    $3 != $15 * $5 && !kernel)
			bad("does not add up")
		n++
	}
	next
}
file == "zoneinfo" {
	if (/^Node [0-9]+, zone +[A-Za-z0-9]+$/) {
		zone = $2 $4
		n++
	} else if (/^  pages free +[0-9]+$/) {
		free[zone] = $3
	} else if (/^    cpu: [0-9]+$/) {
		cpus++
	} else if (/^        (min|low|high|managed|spanned|present) +[0-9]+$/) {
		seen[zone, $1] = 1
	} else if (!/^  (per-node stats|pagesets)$/ &&
		   !/^        protection: \([0-9]+(, [0-9]+)*\)$/ &&
		   !/^ +[a-z0-9_]+:? +[0-9]+$/ &&
		   !/^  vm stats threshold: [0-9]+$/) {
		bad("not understood")
	}
	next
}
END {
	if (file == "meminfo") {
		total = mem["MemTotal:"]
		avail = mem["MemAvailable:"]
		if (!total || avail > total || mem["MemFree:"] > total ||
		    !("Cached:" in mem) || !("SReclaimable:" in mem) ||
		    !("SwapTotal:" in mem) || !("Shmem:" in mem))
			failed = 1
		printf "total %d used %d available %d\n", total,
			total - avail, avail
	} else if (!n) {
		print file ": nothing read"
		failed = 1
	}
	for (z in free)
		if (!((z, "low") in seen) || !((z, "managed") in seen))
			failed = 1
	exit failed
}
