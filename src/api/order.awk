# order.awk - the linker script that puts functions and variables in the order
# of liballoc.order.  Sections are named by -ffunction-sections and
# -fdata-sections; what gcc makes of a function has suffixes.

/^#/ || !NF { next }
$1 == "last" { last = last sprintf(" .bss.%s", $2); next }
{
	text = text sprintf("*(.text.%s .text.%s.* .text.unlikely.%s " \
			    ".text.startup.%s .text.exit.%s)\n",
			    $1, $1, $1, $1, $1)
}
END {
	print "SECTIONS {"
	print ".rodata : { *(.rodata .rodata.*) }"
	print ".fini : { KEEP(*(.fini)) }"
	# The compiler's own, which run at every start.
	print ".text.first : {"
	print "*crtbegin*(.text) *pthread_atfork*(.text)"
	printf "%s", text
	print "}\n} INSERT BEFORE .text;"
	print "SECTIONS { .bss.last (NOLOAD) : { *(" last ") } } INSERT AFTER .bss;"
}
