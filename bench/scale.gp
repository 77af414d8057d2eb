# scale.gp - throughput and memory against threads.  Variables: out, dat, allocs.
set terminal svg size 760,640 font "sans,12" background "white"
set output out
set multiplot layout 2,1
set logscale x 2
set grid
set yrange [0:*]
set key outside noenhanced
set ylabel "million replacements a second"
plot for [i=1:words(allocs)] dat using 1:(column(2 * i)) with linespoints \
     lw (word(allocs, i) eq "liballoc" ? 3 : 1.5) title word(allocs, i)
set xlabel "threads"
set ylabel "MiB beyond the start"
plot for [i=1:words(allocs)] dat using 1:(column(2 * i + 1)) with linespoints \
     lw (word(allocs, i) eq "liballoc" ? 3 : 1.5) title word(allocs, i)
unset multiplot
