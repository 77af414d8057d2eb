# memory.gp - resident memory over time of one program under each allocator.
# Variables: out, dir, prog, allocs.
set terminal svg size 760,400 font "sans,12" background "white"
set output out
set title prog noenhanced
set xlabel "seconds"
set ylabel "resident MiB"
set grid
set yrange [0:*]
set key outside noenhanced
plot for [a in allocs] dir."/".prog.".".a.".tsv" using 1:($2 / 1024) \
     with lines lw (a eq "liballoc" ? 3 : 1.5) title a
