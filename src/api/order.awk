# order.awk - the linker script that puts functions and variables in the order
# of liballoc.order.  Sections are named by -ffunction-sections and
# -fdata-sections; what gcc makes of a function has suffixes.
#
# The kernel maps files in pieces of 64 KiB, but only within one mapping: what
# every program runs and reads has one of its own.  cold= names the objects
# that it does not need.

/^#/ || !NF { next }
$1 == "near" { near = near sprintf(" *(.bss.%s)", $2); next }
$1 == "last" { last = last sprintf(" *(.bss.%s)", $2); next }
$1 == "still" { still = still sprintf(" *obj/%s.o", $2); next }
$1 == "later" { later = later functions("*", $2); next }
{ text = text functions("*", $1) }

function functions(files, name)
{
	return sprintf("%s(.text.%s .text.%s.* .text.unlikely.%s " \
		       ".text.unlikely.%s.* .text.startup.%s .text.exit.%s)\n",
		       files, name, name, name, name, name, name)
}

END {
	n = split(cold, files)
	for (i = 1; i <= n; i++) {
		but = but sprintf(" *obj/%s.o", files[i])
		bss = bss sprintf(" *obj/%s.o(.bss .bss.*)", files[i])
	}
	print "SECTIONS {"
	printf ".rodata : { *(EXCLUDE_FILE(%s) .rodata " \
	       "EXCLUDE_FILE(%s) .rodata.*) }\n", but, but
	print ".fini : { KEEP(*(.fini)) }"
	# The compiler's own, which run at every start.
	print ".text.first : {"
	print "*crtbegin*(.text) *pthread_atfork*(.text)"
	# The kernel reads there when it interrupts a sequence.
	print "*(.text.rseq_abort)"
	printf "%s}\n", text
	# A page of nothing: what follows is another mapping.
	print ". = ALIGN(CONSTANT(MAXPAGESIZE)) + CONSTANT(MAXPAGESIZE);"
	printf ".text.later : {\n%s}\n", later
	# ... as has what larger programs run: that and no more.
	print ". = ALIGN(CONSTANT(MAXPAGESIZE)) + CONSTANT(MAXPAGESIZE);"
	print ".rodata.cold : { *(.rodata_cold .rodata .rodata.*) }"
	print "} INSERT BEFORE .text;"
	# What is written comes last in the data and first in the bss.
	print "SECTIONS { .data.last : {"
	printf "*(EXCLUDE_FILE(%s) .data.[!r]* EXCLUDE_FILE(%s) .data.r[!e]* " \
	       "EXCLUDE_FILE(%s) .data.rel.[!r]*) }\n", still, still, still
	print "__rseq_cs : { *(__rseq_cs) } } INSERT AFTER .data;"
	print "SECTIONS { .bss.last (NOLOAD) : {" near last bss " } }"
	print "INSERT AFTER .bss;"
}
