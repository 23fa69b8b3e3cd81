# Made by sower from figure-10.csv. To restyle: edit this file, then  gnuplot figure-10.gp  for the SVG and
# gnuplot -e png=1 figure-10.gp  for the PNG. Lengths are in pixels; figure-10.json says where the numbers come from.
set encoding utf8
if (exists('png')) {
    set terminal pngcairo size 1688,574 font 'Helvetica,12' noenhanced background '#ffffff' fontscale 1.5 linewidth 2 pointscale 2
    set output 'figure-10.png'
} else {
    set terminal svg size 844,287 font 'Helvetica,12' noenhanced background '#ffffff'
    set output 'figure-10.svg'
}
set datafile separator comma
set datafile columnheaders
unset border
unset tics
unset key
set lmargin at screen 0.0173
set rmargin at screen 0.9888
set tmargin at screen 0.9289
set bmargin at screen 0.2890
set xrange [0:19.0400]
set yrange [4.2600:0]
set label at 0.5000, -0.2200 '1' center font ',9.6'
set label at 1.6200, -0.2200 '2' center font ',9.6'
set label at 2.7400, -0.2200 '3' center font ',9.6'
set label at 3.8600, -0.2200 '4' center font ',9.6'
set label at 4.9800, -0.2200 '5' center font ',9.6'
set label at 6.1000, -0.2200 '6' center font ',9.6'
set label at 7.2200, -0.2200 '7' center font ',9.6'
set label at 8.3400, -0.2200 '8' center font ',9.6'
set label at 9.4600, -0.2200 '9' center font ',9.6'
set label at 10.5800, -0.2200 '10' center font ',9.6'
set label at 11.7000, -0.2200 '11' center font ',9.6'
set label at 12.8200, -0.2200 '12' center font ',9.6'
set label at 13.9400, -0.2200 '13' center font ',9.6'
set label at 15.0600, -0.2200 '14' center font ',9.6'
set label at 16.1800, -0.2200 '15' center font ',9.6'
set label at 17.3000, -0.2200 '16' center font ',9.6'
set label at 18.4200, -0.2200 '17' center font ',9.6'
set style rectangle front fs empty border lc rgb '#555555' lw 0.8
set object rectangle from 0.0000,0.0000 to 1.0000,1.0000
set label at 0.5000, 1.1700 '41%' center font ',9' tc rgb '#333333'
set object rectangle from 0.0000,1.4200 to 1.0000,2.4200
set label at 0.5000, 2.5900 '33%' center font ',9' tc rgb '#333333'
set object rectangle from 0.0000,2.8400 to 1.0000,3.8400
set label at 0.5000, 4.0100 '26%' center font ',9' tc rgb '#333333'
set object rectangle from 1.1200,0.0000 to 2.1200,1.0000
set label at 1.6200, 1.1700 '34%' center font ',9' tc rgb '#333333'
set object rectangle from 1.1200,1.4200 to 2.1200,2.4200
set label at 1.6200, 2.5900 '33%' center font ',9' tc rgb '#333333'
set object rectangle from 1.1200,2.8400 to 2.1200,3.8400
set label at 1.6200, 4.0100 '33%' center font ',9' tc rgb '#333333'
set object rectangle from 2.2400,0.0000 to 3.2400,1.0000
set label at 2.7400, 1.1700 '34%' center font ',9' tc rgb '#333333'
set object rectangle from 2.2400,1.4200 to 3.2400,2.4200
set label at 2.7400, 2.5900 '34%' center font ',9' tc rgb '#333333'
set object rectangle from 2.2400,2.8400 to 3.2400,3.8400
set label at 2.7400, 4.0100 '32%' center font ',9' tc rgb '#333333'
set object rectangle from 3.3600,0.0000 to 4.3600,1.0000
set label at 3.8600, 1.1700 '34%' center font ',9' tc rgb '#333333'
set object rectangle from 3.3600,1.4200 to 4.3600,2.4200
set label at 3.8600, 2.5900 '34%' center font ',9' tc rgb '#333333'
set object rectangle from 3.3600,2.8400 to 4.3600,3.8400
set label at 3.8600, 4.0100 '32%' center font ',9' tc rgb '#333333'
set object rectangle from 4.4800,0.0000 to 5.4800,1.0000
set label at 4.9800, 1.1700 '34%' center font ',9' tc rgb '#333333'
set object rectangle from 4.4800,1.4200 to 5.4800,2.4200
set label at 4.9800, 2.5900 '33%' center font ',9' tc rgb '#333333'
set object rectangle from 4.4800,2.8400 to 5.4800,3.8400
set label at 4.9800, 4.0100 '33%' center font ',9' tc rgb '#333333'
set object rectangle from 5.6000,0.0000 to 6.6000,1.0000
set label at 6.1000, 1.1700 '34%' center font ',9' tc rgb '#333333'
set object rectangle from 5.6000,1.4200 to 6.6000,2.4200
set label at 6.1000, 2.5900 '34%' center font ',9' tc rgb '#333333'
set object rectangle from 5.6000,2.8400 to 6.6000,3.8400
set label at 6.1000, 4.0100 '33%' center font ',9' tc rgb '#333333'
set object rectangle from 6.7200,0.0000 to 7.7200,1.0000
set label at 7.2200, 1.1700 '34%' center font ',9' tc rgb '#333333'
set object rectangle from 6.7200,1.4200 to 7.7200,2.4200
set label at 7.2200, 2.5900 '33%' center font ',9' tc rgb '#333333'
set object rectangle from 6.7200,2.8400 to 7.7200,3.8400
set label at 7.2200, 4.0100 '33%' center font ',9' tc rgb '#333333'
set object rectangle from 7.8400,0.0000 to 8.8400,1.0000
set label at 8.3400, 1.1700 '34%' center font ',9' tc rgb '#333333'
set object rectangle from 7.8400,1.4200 to 8.8400,2.4200
set label at 8.3400, 2.5900 '33%' center font ',9' tc rgb '#333333'
set object rectangle from 7.8400,2.8400 to 8.8400,3.8400
set label at 8.3400, 4.0100 '33%' center font ',9' tc rgb '#333333'
set object rectangle from 8.9600,0.0000 to 9.9600,1.0000
set label at 9.4600, 1.1700 '34%' center font ',9' tc rgb '#333333'
set object rectangle from 8.9600,1.4200 to 9.9600,2.4200
set label at 9.4600, 2.5900 '33%' center font ',9' tc rgb '#333333'
set object rectangle from 8.9600,2.8400 to 9.9600,3.8400
set label at 9.4600, 4.0100 '33%' center font ',9' tc rgb '#333333'
set object rectangle from 10.0800,0.0000 to 11.0800,1.0000
set label at 10.5800, 1.1700 '34%' center font ',9' tc rgb '#333333'
set object rectangle from 10.0800,1.4200 to 11.0800,2.4200
set label at 10.5800, 2.5900 '33%' center font ',9' tc rgb '#333333'
set object rectangle from 10.0800,2.8400 to 11.0800,3.8400
set label at 10.5800, 4.0100 '33%' center font ',9' tc rgb '#333333'
set object rectangle from 11.2000,0.0000 to 12.2000,1.0000
set label at 11.7000, 1.1700 '33%' center font ',9' tc rgb '#333333'
set object rectangle from 11.2000,1.4200 to 12.2000,2.4200
set label at 11.7000, 2.5900 '33%' center font ',9' tc rgb '#333333'
set object rectangle from 11.2000,2.8400 to 12.2000,3.8400
set label at 11.7000, 4.0100 '33%' center font ',9' tc rgb '#333333'
set object rectangle from 12.3200,0.0000 to 13.3200,1.0000
set label at 12.8200, 1.1700 '34%' center font ',9' tc rgb '#333333'
set object rectangle from 12.3200,1.4200 to 13.3200,2.4200
set label at 12.8200, 2.5900 '33%' center font ',9' tc rgb '#333333'
set object rectangle from 12.3200,2.8400 to 13.3200,3.8400
set label at 12.8200, 4.0100 '33%' center font ',9' tc rgb '#333333'
set object rectangle from 13.4400,0.0000 to 14.4400,1.0000
set label at 13.9400, 1.1700 '34%' center font ',9' tc rgb '#333333'
set object rectangle from 13.4400,1.4200 to 14.4400,2.4200
set label at 13.9400, 2.5900 '33%' center font ',9' tc rgb '#333333'
set object rectangle from 13.4400,2.8400 to 14.4400,3.8400
set label at 13.9400, 4.0100 '33%' center font ',9' tc rgb '#333333'
set object rectangle from 14.5600,0.0000 to 15.5600,1.0000
set label at 15.0600, 1.1700 '33%' center font ',9' tc rgb '#333333'
set object rectangle from 14.5600,1.4200 to 15.5600,2.4200
set label at 15.0600, 2.5900 '33%' center font ',9' tc rgb '#333333'
set object rectangle from 14.5600,2.8400 to 15.5600,3.8400
set label at 15.0600, 4.0100 '33%' center font ',9' tc rgb '#333333'
set object rectangle from 15.6800,0.0000 to 16.6800,1.0000
set label at 16.1800, 1.1700 '33%' center font ',9' tc rgb '#333333'
set object rectangle from 15.6800,1.4200 to 16.6800,2.4200
set label at 16.1800, 2.5900 '33%' center font ',9' tc rgb '#333333'
set object rectangle from 15.6800,2.8400 to 16.6800,3.8400
set label at 16.1800, 4.0100 '33%' center font ',9' tc rgb '#333333'
set object rectangle from 16.8000,0.0000 to 17.8000,1.0000
set label at 17.3000, 1.1700 '33%' center font ',9' tc rgb '#333333'
set object rectangle from 16.8000,1.4200 to 17.8000,2.4200
set label at 17.3000, 2.5900 '33%' center font ',9' tc rgb '#333333'
set object rectangle from 16.8000,2.8400 to 17.8000,3.8400
set label at 17.3000, 4.0100 '33%' center font ',9' tc rgb '#333333'
set object rectangle from 17.9200,0.0000 to 18.9200,1.0000
set label at 18.4200, 1.1700 '33%' center font ',9' tc rgb '#333333'
set object rectangle from 17.9200,1.4200 to 18.9200,2.4200
set label at 18.4200, 2.5900 '33%' center font ',9' tc rgb '#333333'
set object rectangle from 17.9200,2.8400 to 18.9200,3.8400
set label at 18.4200, 4.0100 '33%' center font ',9' tc rgb '#333333'
set label at screen 0.0089, screen 0.2571 'The start of fourier-k3-m10-l17, replicate 1 (initialization of job 5c558840022d), SHA-256 4796db4426f0… (resnet18).' left font ',7.5' tc rgb '#555555'
set label at screen 0.0089, screen 0.2218 'Study clustered: profile paper, protocol independent.' left font ',7.5' tc rgb '#555555'
set label at screen 0.0089, screen 0.1865 'Not as published: data: 100 training and 50 test images a class instead of 500 and 100; scale: 2 replicates instead of 5; arm cosine-k3-m10-l17: clustered by the cosine distance, which its authors tried and published nothing of; arm' left font ',7.5' tc rgb '#555555'
set label at screen 0.0089, screen 0.1512 'cosine-k10-m10-l17: clustered by the cosine distance, which its authors tried and published nothing of; arm aligned-optimal-m6-l1: filters matched at the least total distance instead of greedily; arm aligned-optimal-m6-l2: filters' left font ',7.5' tc rgb '#555555'
set label at screen 0.0089, screen 0.1159 'matched at the least total distance instead of greedily; arm aligned-optimal-m6-l4: filters matched at the least total distance instead of greedily.' left font ',7.5' tc rgb '#555555'
set label at screen 0.0089, screen 0.0806 'A column a layer, the first at the left. Below each centre: its share of the layer''s kernels. Mid-grey is 0; black and white are minus and plus the layer''s largest weight.' left font ',7.5' tc rgb '#555555'
set label at screen 0.0089, screen 0.0452 'Published: the Fourier distance, 6 models, 3 clusters, 17 layers; this arm is the one most like it.' left font ',7.5' tc rgb '#555555'
set style fill solid 1 noborder
plot 'figure-10.csv' using 1:2:3:($4+0.006):5:($6+0.006):7 with boxxyerror lc rgb variable
unset output
