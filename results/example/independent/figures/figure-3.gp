# Made by sower from figure-3.csv. To restyle: edit this file, then  gnuplot figure-3.gp  for the SVG and
# gnuplot -e png=1 figure-3.gp  for the PNG. Lengths are in pixels; figure-3.json says where the numbers come from.
set encoding utf8
if (exists('png')) {
    set terminal pngcairo size 2172,736 font 'Helvetica,12' noenhanced background '#ffffff' fontscale 1.5 linewidth 2 pointscale 2
    set output 'figure-3.png'
} else {
    set terminal svg size 1086,368 font 'Helvetica,12' noenhanced background '#ffffff'
    set output 'figure-3.svg'
}
set datafile separator comma
set datafile columnheaders
set border 3 lw 0.8
set tics nomirror out scale 0.6
set grid ytics lt 1 dt 1 lw 0.6 lc rgb '#dddddd'
set xlabel 'epoch' offset 0,0.4
set label at screen 0.0069, screen 0.0846 'Study clustered: profile paper, protocol independent (every run starts from its initialization); mean over 10 pairs × 2 replicates; band: its 95% interval (Student''s t, cells taken as independent, although they share pairs and replicates).' left font ',7.5' tc rgb '#555555'
set label at screen 0.0069, screen 0.0571 'Dashed: the published means (profile published-code, protocol chained, all of CIFAR-100).' left font ',7.5' tc rgb '#555555'
set label at screen 0.0069, screen 0.0296 'Not as published: data: 100 training and 50 test images a class instead of 500 and 100; scale: 2 replicates instead of 5.' left font ',7.5' tc rgb '#555555'
set multiplot
set yrange [0:70]
set ytics 10
set xrange [0.6:15.4]
set xtics 2,2 add (1)
set lmargin at screen 0.0487
set rmargin at screen 0.3874
set bmargin at screen 0.2106
set tmargin at screen 0.9380
set ylabel 'validation accuracy (%)' offset 0.8,0
set title 'Euclidean' offset 0,-0.5
set key at screen 0.3929, screen 0.5743 left center maxrows 60 font ',9.84' samplen 2.2 spacing 1.05 reverse Left noenhanced
plot \
    'figure-3.csv' every ::105::119 using 2:8:9 with filledcurves fs transparent solid 0.13 noborder fc rgb '#471d6e' notitle, \
    'figure-3.csv' every ::120::134 using 2:8:9 with filledcurves fs transparent solid 0.13 noborder fc rgb '#3d4e89' notitle, \
    'figure-3.csv' every ::135::149 using 2:8:9 with filledcurves fs transparent solid 0.13 noborder fc rgb '#2b768e' notitle, \
    'figure-3.csv' every ::150::164 using 2:8:9 with filledcurves fs transparent solid 0.13 noborder fc rgb '#219c88' notitle, \
    'figure-3.csv' every ::165::179 using 2:8:9 with filledcurves fs transparent solid 0.13 noborder fc rgb '#46c06f' notitle, \
    'figure-3.csv' every ::180::194 using 2:8:9 with filledcurves fs transparent solid 0.13 noborder fc rgb '#a2d937' notitle, \
    'figure-3.csv' every ::195::209 using 2:8:9 with filledcurves fs transparent solid 0.13 noborder fc rgb '#000000' notitle, \
    'figure-3.csv' every ::0::14 using 2:5 with lines lw 1.17 dt (7,4) lc rgb '#471d6e' notitle, \
    'figure-3.csv' every ::15::29 using 2:5 with lines lw 1.17 dt (7,4) lc rgb '#3d4e89' notitle, \
    'figure-3.csv' every ::30::44 using 2:5 with lines lw 1.17 dt (7,4) lc rgb '#2b768e' notitle, \
    'figure-3.csv' every ::45::59 using 2:5 with lines lw 1.17 dt (7,4) lc rgb '#219c88' notitle, \
    'figure-3.csv' every ::60::74 using 2:5 with lines lw 1.17 dt (7,4) lc rgb '#46c06f' notitle, \
    'figure-3.csv' every ::75::89 using 2:5 with lines lw 1.17 dt (7,4) lc rgb '#a2d937' notitle, \
    'figure-3.csv' every ::90::104 using 2:5 with lines lw 1.17 dt (7,4) lc rgb '#000000' notitle, \
    'figure-3.csv' every ::105::119 using 2:5 with linespoints lw 1.8 lc rgb '#471d6e' pt 7 ps 0.65 pi 1 title '1 cluster', \
    'figure-3.csv' every ::120::134 using 2:5 with linespoints lw 1.8 lc rgb '#3d4e89' pt 5 ps 0.65 pi 1 title '2 clusters', \
    'figure-3.csv' every ::135::149 using 2:5 with linespoints lw 1.8 lc rgb '#2b768e' pt 9 ps 0.65 pi 1 title '3 clusters', \
    'figure-3.csv' every ::150::164 using 2:5 with linespoints lw 1.8 lc rgb '#219c88' pt 13 ps 0.65 pi 1 title '10 clusters', \
    'figure-3.csv' every ::165::179 using 2:5 with linespoints lw 1.8 lc rgb '#46c06f' pt 11 ps 0.65 pi 1 title '30 clusters', \
    'figure-3.csv' every ::180::194 using 2:5 with linespoints lw 1.8 lc rgb '#a2d937' pt 15 ps 0.65 pi 1 title '50 clusters', \
    'figure-3.csv' every ::195::209 using 2:5 with linespoints lw 1.8 lc rgb '#000000' pt 2 ps 0.65 pi 1 title 'random', \
    keyentry with lines lw 1.17 dt (7,4) lc rgb '#333333' title 'published'
unset label
set lmargin at screen 0.5487
set rmargin at screen 0.8874
set bmargin at screen 0.2106
set tmargin at screen 0.9380
unset ylabel
set title 'Fourier' offset 0,-0.5
set key at screen 0.8929, screen 0.5743 left center maxrows 60 font ',9.84' samplen 2.2 spacing 1.05 reverse Left noenhanced
plot \
    'figure-3.csv' every ::315::329 using 2:8:9 with filledcurves fs transparent solid 0.13 noborder fc rgb '#471d6e' notitle, \
    'figure-3.csv' every ::330::344 using 2:8:9 with filledcurves fs transparent solid 0.13 noborder fc rgb '#3d4e89' notitle, \
    'figure-3.csv' every ::345::359 using 2:8:9 with filledcurves fs transparent solid 0.13 noborder fc rgb '#2b768e' notitle, \
    'figure-3.csv' every ::360::374 using 2:8:9 with filledcurves fs transparent solid 0.13 noborder fc rgb '#219c88' notitle, \
    'figure-3.csv' every ::375::389 using 2:8:9 with filledcurves fs transparent solid 0.13 noborder fc rgb '#46c06f' notitle, \
    'figure-3.csv' every ::390::404 using 2:8:9 with filledcurves fs transparent solid 0.13 noborder fc rgb '#a2d937' notitle, \
    'figure-3.csv' every ::405::419 using 2:8:9 with filledcurves fs transparent solid 0.13 noborder fc rgb '#000000' notitle, \
    'figure-3.csv' every ::210::224 using 2:5 with lines lw 1.17 dt (7,4) lc rgb '#471d6e' notitle, \
    'figure-3.csv' every ::225::239 using 2:5 with lines lw 1.17 dt (7,4) lc rgb '#3d4e89' notitle, \
    'figure-3.csv' every ::240::254 using 2:5 with lines lw 1.17 dt (7,4) lc rgb '#2b768e' notitle, \
    'figure-3.csv' every ::255::269 using 2:5 with lines lw 1.17 dt (7,4) lc rgb '#219c88' notitle, \
    'figure-3.csv' every ::270::284 using 2:5 with lines lw 1.17 dt (7,4) lc rgb '#46c06f' notitle, \
    'figure-3.csv' every ::285::299 using 2:5 with lines lw 1.17 dt (7,4) lc rgb '#a2d937' notitle, \
    'figure-3.csv' every ::300::314 using 2:5 with lines lw 1.17 dt (7,4) lc rgb '#000000' notitle, \
    'figure-3.csv' every ::315::329 using 2:5 with linespoints lw 1.8 lc rgb '#471d6e' pt 7 ps 0.65 pi 1 title '1 cluster', \
    'figure-3.csv' every ::330::344 using 2:5 with linespoints lw 1.8 lc rgb '#3d4e89' pt 5 ps 0.65 pi 1 title '2 clusters', \
    'figure-3.csv' every ::345::359 using 2:5 with linespoints lw 1.8 lc rgb '#2b768e' pt 9 ps 0.65 pi 1 title '3 clusters', \
    'figure-3.csv' every ::360::374 using 2:5 with linespoints lw 1.8 lc rgb '#219c88' pt 13 ps 0.65 pi 1 title '10 clusters', \
    'figure-3.csv' every ::375::389 using 2:5 with linespoints lw 1.8 lc rgb '#46c06f' pt 11 ps 0.65 pi 1 title '30 clusters', \
    'figure-3.csv' every ::390::404 using 2:5 with linespoints lw 1.8 lc rgb '#a2d937' pt 15 ps 0.65 pi 1 title '50 clusters', \
    'figure-3.csv' every ::405::419 using 2:5 with linespoints lw 1.8 lc rgb '#000000' pt 2 ps 0.65 pi 1 title 'random', \
    keyentry with lines lw 1.17 dt (7,4) lc rgb '#333333' title 'published'
unset multiplot
unset output
