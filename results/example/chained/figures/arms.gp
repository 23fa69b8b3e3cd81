# Made by sower from arms.csv. To restyle: edit this file, then  gnuplot arms.gp  for the SVG and
# gnuplot -e png=1 arms.gp  for the PNG. Lengths are in pixels; arms.json says where the numbers come from.
set encoding utf8
if (exists('png')) {
    set terminal pngcairo size 960,778 font 'Helvetica,12' noenhanced background '#ffffff' fontscale 1.5 linewidth 2 pointscale 2
    set output 'arms.png'
} else {
    set terminal svg size 480,389 font 'Helvetica,12' noenhanced background '#ffffff'
    set output 'arms.svg'
}
set datafile separator comma
set datafile columnheaders
set border 3 lw 0.8
set tics nomirror out scale 0.6
set grid ytics lt 1 dt 1 lw 0.6 lc rgb '#dddddd'
set xlabel 'epoch' offset 0,0.4
set label at screen 0.0156, screen 0.1324 'Study clustered: profile paper, protocol chained (one network a replicate goes through the pairs in order); mean over 10 pairs × 2' left font ',7.5' tc rgb '#555555'
set label at screen 0.0156, screen 0.1063 'replicates; band: its 95% interval (Student''s t, cells taken as independent, although they share pairs and replicates).' left font ',7.5' tc rgb '#555555'
set label at screen 0.0156, screen 0.0802 'Dashed: the published means (profile published-code, protocol chained, all of CIFAR-100).' left font ',7.5' tc rgb '#555555'
set label at screen 0.0156, screen 0.0541 'Not as published: data: 100 training and 50 test images a class instead of 500 and 100; protocol: chained instead of independent,' left font ',7.5' tc rgb '#555555'
set label at screen 0.0156, screen 0.0280 'which the profile paper implies; scale: 2 replicates instead of 5.' left font ',7.5' tc rgb '#555555'
set multiplot
set yrange [10:70]
set ytics 10
set xrange [0.6:15.4]
set xtics 2,2 add (1)
set lmargin at screen 0.1100
set rmargin at screen 0.9800
set bmargin at screen 0.2518
set tmargin at screen 0.9784
set ylabel 'validation accuracy (%)' offset 0.8,0
unset title
set key inside right bottom font ',9.84' samplen 2.2 spacing 1.05 reverse Left noenhanced
plot \
    'arms.csv' every ::45::59 using 2:8:9 with filledcurves fs transparent solid 0.13 noborder fc rgb '#000000' notitle, \
    'arms.csv' every ::60::74 using 2:8:9 with filledcurves fs transparent solid 0.13 noborder fc rgb '#0072b2' notitle, \
    'arms.csv' every ::75::89 using 2:8:9 with filledcurves fs transparent solid 0.13 noborder fc rgb '#e69f00' notitle, \
    'arms.csv' every ::0::14 using 2:5 with lines lw 1.17 dt (7,4) lc rgb '#000000' notitle, \
    'arms.csv' every ::15::29 using 2:5 with lines lw 1.17 dt (7,4) lc rgb '#0072b2' notitle, \
    'arms.csv' every ::30::44 using 2:5 with lines lw 1.17 dt (7,4) lc rgb '#e69f00' notitle, \
    'arms.csv' every ::45::59 using 2:5 with linespoints lw 1.8 lc rgb '#000000' pt 2 ps 0.65 pi 1 title 'random', \
    'arms.csv' every ::60::74 using 2:5 with linespoints lw 1.8 lc rgb '#0072b2' pt 7 ps 0.65 pi 1 title 'gabor-1', \
    'arms.csv' every ::75::89 using 2:5 with linespoints lw 1.8 lc rgb '#e69f00' pt 9 ps 0.65 pi 1 title 'fourier-k10-m10-l17', \
    keyentry with lines lw 1.17 dt (7,4) lc rgb '#333333' title 'published'
unset multiplot
unset output
