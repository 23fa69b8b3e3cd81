# Made by sower from figure-5.csv. To restyle: edit this file, then  gnuplot figure-5.gp  for the SVG and
# gnuplot -e png=1 figure-5.gp  for the PNG. Lengths are in pixels; figure-5.json says where the numbers come from.
set encoding utf8
if (exists('png')) {
    set terminal pngcairo size 2128,736 font 'Helvetica,12' noenhanced background '#ffffff' fontscale 1.5 linewidth 2 pointscale 2
    set output 'figure-5.png'
} else {
    set terminal svg size 1064,368 font 'Helvetica,12' noenhanced background '#ffffff'
    set output 'figure-5.svg'
}
set datafile separator comma
set datafile columnheaders
set border 3 lw 0.8
set tics nomirror out scale 0.6
set grid ytics lt 1 dt 1 lw 0.6 lc rgb '#dddddd'
set xlabel 'epoch' offset 0,0.4
set label at screen 0.0070, screen 0.0846 'Study clustered: profile paper, protocol independent (every run starts from its initialization); mean over 10 pairs × 2 replicates; band: its 95% interval (Student''s t, cells taken as independent, although they share pairs and replicates).' left font ',7.5' tc rgb '#555555'
set label at screen 0.0070, screen 0.0571 'Dashed: the published means (profile published-code, protocol chained, all of CIFAR-100).' left font ',7.5' tc rgb '#555555'
set label at screen 0.0070, screen 0.0296 'Not as published: data: 100 training and 50 test images a class instead of 500 and 100; scale: 2 replicates instead of 5.' left font ',7.5' tc rgb '#555555'
set multiplot
set yrange [10:70]
set ytics 10
set xrange [0.6:15.4]
set xtics 2,2 add (1)
set lmargin at screen 0.0496
set rmargin at screen 0.3952
set bmargin at screen 0.2106
set tmargin at screen 0.9380
set ylabel 'validation accuracy (%)' offset 0.8,0
set title 'Euclidean' offset 0,-0.5
set key at screen 0.4008, screen 0.5743 left center maxrows 60 font ',9.84' samplen 2.2 spacing 1.05 reverse Left noenhanced
plot \
    'figure-5.csv' every ::90::104 using 2:8:9 with filledcurves fs transparent solid 0.13 noborder fc rgb '#471d6e' notitle, \
    'figure-5.csv' every ::105::119 using 2:8:9 with filledcurves fs transparent solid 0.13 noborder fc rgb '#38588c' notitle, \
    'figure-5.csv' every ::120::134 using 2:8:9 with filledcurves fs transparent solid 0.13 noborder fc rgb '#248a8d' notitle, \
    'figure-5.csv' every ::135::149 using 2:8:9 with filledcurves fs transparent solid 0.13 noborder fc rgb '#38b777' notitle, \
    'figure-5.csv' every ::150::164 using 2:8:9 with filledcurves fs transparent solid 0.13 noborder fc rgb '#a2d937' notitle, \
    'figure-5.csv' every ::165::179 using 2:8:9 with filledcurves fs transparent solid 0.13 noborder fc rgb '#000000' notitle, \
    'figure-5.csv' every ::0::14 using 2:5 with lines lw 1.17 dt (7,4) lc rgb '#471d6e' notitle, \
    'figure-5.csv' every ::15::29 using 2:5 with lines lw 1.17 dt (7,4) lc rgb '#38588c' notitle, \
    'figure-5.csv' every ::30::44 using 2:5 with lines lw 1.17 dt (7,4) lc rgb '#248a8d' notitle, \
    'figure-5.csv' every ::45::59 using 2:5 with lines lw 1.17 dt (7,4) lc rgb '#38b777' notitle, \
    'figure-5.csv' every ::60::74 using 2:5 with lines lw 1.17 dt (7,4) lc rgb '#a2d937' notitle, \
    'figure-5.csv' every ::75::89 using 2:5 with lines lw 1.17 dt (7,4) lc rgb '#000000' notitle, \
    'figure-5.csv' every ::90::104 using 2:5 with linespoints lw 1.8 lc rgb '#471d6e' pt 7 ps 0.65 pi 1 title '2 models', \
    'figure-5.csv' every ::105::119 using 2:5 with linespoints lw 1.8 lc rgb '#38588c' pt 5 ps 0.65 pi 1 title '4 models', \
    'figure-5.csv' every ::120::134 using 2:5 with linespoints lw 1.8 lc rgb '#248a8d' pt 9 ps 0.65 pi 1 title '6 models', \
    'figure-5.csv' every ::135::149 using 2:5 with linespoints lw 1.8 lc rgb '#38b777' pt 13 ps 0.65 pi 1 title '10 models', \
    'figure-5.csv' every ::150::164 using 2:5 with linespoints lw 1.8 lc rgb '#a2d937' pt 11 ps 0.65 pi 1 title '20 models', \
    'figure-5.csv' every ::165::179 using 2:5 with linespoints lw 1.8 lc rgb '#000000' pt 2 ps 0.65 pi 1 title 'random', \
    keyentry with lines lw 1.17 dt (7,4) lc rgb '#333333' title 'published'
unset label
set lmargin at screen 0.5496
set rmargin at screen 0.8952
set bmargin at screen 0.2106
set tmargin at screen 0.9380
unset ylabel
set title 'Fourier' offset 0,-0.5
set key at screen 0.9008, screen 0.5743 left center maxrows 60 font ',9.84' samplen 2.2 spacing 1.05 reverse Left noenhanced
plot \
    'figure-5.csv' every ::270::284 using 2:8:9 with filledcurves fs transparent solid 0.13 noborder fc rgb '#471d6e' notitle, \
    'figure-5.csv' every ::285::299 using 2:8:9 with filledcurves fs transparent solid 0.13 noborder fc rgb '#38588c' notitle, \
    'figure-5.csv' every ::300::314 using 2:8:9 with filledcurves fs transparent solid 0.13 noborder fc rgb '#248a8d' notitle, \
    'figure-5.csv' every ::315::329 using 2:8:9 with filledcurves fs transparent solid 0.13 noborder fc rgb '#38b777' notitle, \
    'figure-5.csv' every ::330::344 using 2:8:9 with filledcurves fs transparent solid 0.13 noborder fc rgb '#a2d937' notitle, \
    'figure-5.csv' every ::345::359 using 2:8:9 with filledcurves fs transparent solid 0.13 noborder fc rgb '#000000' notitle, \
    'figure-5.csv' every ::180::194 using 2:5 with lines lw 1.17 dt (7,4) lc rgb '#471d6e' notitle, \
    'figure-5.csv' every ::195::209 using 2:5 with lines lw 1.17 dt (7,4) lc rgb '#38588c' notitle, \
    'figure-5.csv' every ::210::224 using 2:5 with lines lw 1.17 dt (7,4) lc rgb '#248a8d' notitle, \
    'figure-5.csv' every ::225::239 using 2:5 with lines lw 1.17 dt (7,4) lc rgb '#38b777' notitle, \
    'figure-5.csv' every ::240::254 using 2:5 with lines lw 1.17 dt (7,4) lc rgb '#a2d937' notitle, \
    'figure-5.csv' every ::255::269 using 2:5 with lines lw 1.17 dt (7,4) lc rgb '#000000' notitle, \
    'figure-5.csv' every ::270::284 using 2:5 with linespoints lw 1.8 lc rgb '#471d6e' pt 7 ps 0.65 pi 1 title '2 models', \
    'figure-5.csv' every ::285::299 using 2:5 with linespoints lw 1.8 lc rgb '#38588c' pt 5 ps 0.65 pi 1 title '4 models', \
    'figure-5.csv' every ::300::314 using 2:5 with linespoints lw 1.8 lc rgb '#248a8d' pt 9 ps 0.65 pi 1 title '6 models', \
    'figure-5.csv' every ::315::329 using 2:5 with linespoints lw 1.8 lc rgb '#38b777' pt 13 ps 0.65 pi 1 title '10 models', \
    'figure-5.csv' every ::330::344 using 2:5 with linespoints lw 1.8 lc rgb '#a2d937' pt 11 ps 0.65 pi 1 title '20 models', \
    'figure-5.csv' every ::345::359 using 2:5 with linespoints lw 1.8 lc rgb '#000000' pt 2 ps 0.65 pi 1 title 'random', \
    keyentry with lines lw 1.17 dt (7,4) lc rgb '#333333' title 'published'
unset multiplot
unset output
