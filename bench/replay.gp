# replay.gp - resident memory of a replayed trace under each allocator, and what
# the program held.  Variables: out, dir, prog, allocs.
set terminal svg size 760,400 font "sans,12" background "white"
set output out
set title prog noenhanced
set datafile separator ","
set xlabel "million calls"
set ylabel "MiB"
set grid
set yrange [0:*]
set key outside noenhanced
csv(a) = dir."/".prog.".".a.".csv"
plot for [a in allocs] csv(a) using ($1 / 1e6):($3 / 2**20) every ::1 \
     with lines lw (a eq "liballoc" ? 3 : 1.5) title a, \
     csv("glibc") using ($1 / 1e6):($2 / 2**20) every ::1 \
     with filledcurves y1=0 fs transparent solid 0.15 lc rgb "#000000" \
     title "live"
