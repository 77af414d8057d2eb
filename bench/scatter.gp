# scatter.gp - time against peak memory of one program, and the Pareto front:
# nothing lies both left of it and below.  Variables: out, dat, prog.
set terminal svg size 520,400 font "sans,12" background "white"
set output out
set title prog noenhanced
set xlabel "seconds"
set ylabel "peak MiB"
set grid
set xrange [0:*]
set yrange [0:*]
set offsets 0, graph 0.15, graph 0.1, 0
set key off
plot dat index 1 using 1:2 with steps lc rgb "#bbbbbb" lw 2, \
     dat index 0 using 2:3 with points pt 7 ps 0.8 lc rgb "#1f4e79", \
     dat index 0 using 2:3:1 with labels left offset 0.7,0.3 noenhanced
