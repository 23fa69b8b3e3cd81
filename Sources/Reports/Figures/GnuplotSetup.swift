/// What every script begins with.
enum GnuplotSetup {
    static func comment(name: String) -> [String] {
        [
            "# Made by sower from \(name).csv. To restyle: edit this file, then  gnuplot \(name).gp  for the SVG and",
            "# gnuplot -e png=1 \(name).gp  for the PNG. Lengths are in pixels; \(name).json says where the numbers come from.",
        ]
    }

    /// The same drawing for both files. `noenhanced`: no letter of a label is markup.
    static func terminals(name: String, width: Double, height: Double, font: Double) -> [String] {
        let (w, h) = (Int(width.rounded(.up)), Int(height.rounded(.up)))
        let family = "font 'Helvetica,\(FigureAxis.text(font))' noenhanced background '#ffffff'"
        // A point is a pixel in the SVG and 4/3 of one in the PNG.
        return [
            "set encoding utf8",
            "if (exists('png')) {",
            "    set terminal pngcairo size \(2 * w),\(2 * h) \(family) fontscale 1.5 linewidth 2 pointscale 2",
            "    set output '\(name).png'",
            "} else {",
            "    set terminal svg size \(w),\(h) \(family)",
            "    set output '\(name).svg'",
            "}",
        ]
    }

    /// A slide's title; in a paper the caption has it.
    static func title(_ title: String, font: Double, height: Double) -> String {
        let y = FixedPoint.text(1 - font * 0.95 / height, digits: 4)
        return "set label at screen 0.5, screen \(y) \(GnuplotText.quoted(title)) center font ',\(FigureAxis.text(font * 1.15))'"
    }
}
