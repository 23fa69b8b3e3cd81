import Foundation
import Processes
import Reports
import Studies
import Testing

/// What gnuplot makes of the scripts, where there is a gnuplot.
struct FigureDrawingTests {
    static let hasGnuplot = Programs.path(of: "gnuplot") != nil

    /// Draws both pictures of a script in a folder, which goes away; the answer is the SVG, and what else lies there.
    static func draw(name: String, script: String, csv: String) throws -> (svg: String, png: Data, files: [String]) {
        let folder = FileManager.default.temporaryDirectory.path + "/sower-figure-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data(script.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name).gp"))
        try Data(csv.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name).csv"))
        for setting in [[], ["-e", "png = 1"]] {
            var errors: [UInt8] = []
            let end = try PipedCommand.run(
                ["gnuplot", "-d"] + setting + ["\(name).gp"], environment: ["PATH": "/usr/bin:/usr/local/bin", "LC_ALL": "C.UTF-8"],
                folder: folder,
                onOutput: { errors += $0 }, onErrors: { errors += $0 })
            #expect(end == .exited(0) && errors.isEmpty, "\(String(decoding: errors, as: UTF8.self))")
        }
        return (
            try String(contentsOfFile: "\(folder)/\(name).svg", encoding: .utf8),
            try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name).png")),
            try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        )
    }

    @Test(.enabled(if: hasGnuplot), arguments: FigureSize.allCases)
    func `gnuplot draws every figure of the whole study, twice the same`(size: FigureSize) throws {
        let study = try FigureExample.study()
        let figures = FigureExample.figures(of: study, cells: FigureExample.cells(of: study)).compactMap(\.outcome.figure)
        #expect(figures.count >= 6)
        for figure in figures {
            let script = figure.gnuplotScript(size: size)
            let first = try Self.draw(name: figure.name, script: script, csv: figure.csv)
            #expect(first.files == ["csv", "gp", "png", "svg"].map { "\(figure.name).\($0)" })
            #expect(try Self.draw(name: figure.name, script: script, csv: figure.csv).svg == first.svg)
            for panel in figure.panels {
                for series in panel.series where !series.isPublished { #expect(first.svg.contains("<text>\(series.label)</text>")) }
            }
        }
    }

    /// Names are checked when a study is read, but a ledger's copy of it may have been changed.
    @Test(.enabled(if: hasGnuplot)) func `a label is never run, whatever it says`() throws {
        var study = try FigureExample.study("demo")
        let name = "a`touch P1`'.system('touch P2').'$(touch P3)\"@x_{^<&>\\"
        study.arms[0].name = name
        study.name = "`touch P4`'; system('touch P5') #"
        let figure = try #require(
            FigureExample.figures(of: study, cells: FigureExample.cells(of: study)).compactMap(\.outcome.figure).first)
        let drawn = try Self.draw(name: figure.name, script: figure.gnuplotScript(size: .column), csv: figure.csv)
        #expect(drawn.files == ["arms.csv", "arms.gp", "arms.png", "arms.svg"])
        #expect(drawn.svg.contains("a`touch P1`'.system('touch P2').'$(touch P3)\"@x_{^&lt;&amp;>\\"), "the label is not what it was")
        // The numbers of the arm with that name are drawn: as many points as epochs, and one in the legend.
        #expect(drawn.png.count > 10_000)
    }

    @Test(.enabled(if: hasGnuplot)) func `many arms, one epoch, missing points and every metric are drawn too`() throws {
        let study = try FigureExample.study(overrides: ["evaluation.epochs=1"])
        let arms = FigureDefinition.allArms(of: FigureStudy(study))
        let cells = FigureExample.cells(of: study) { _, replicate in replicate == 1 }
        for metric in TableMetric.allCases {
            let series = EpochSeries(info: TableInfo(study), cells: cells, metric: metric)
            let outcome = Figure.make(arms, of: FigureStudy(study), series: series, bands: .minmax, published: .clusteredInitialization)
            let figure = try #require(outcome.figure)
            #expect(figure.arms.count == study.arms.count)
            _ = try Self.draw(name: figure.name, script: figure.gnuplotScript(size: .slide), csv: figure.csv)
        }
    }
}
