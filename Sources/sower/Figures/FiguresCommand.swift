import ArgumentParser
import Foundation
import LedgerStore
import Reports

extension FigureBands: ExpressibleByArgument {}
extension FigureSize: ExpressibleByArgument {}

struct FiguresCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "figures", abstract: "Draw the figures of the clustered-initialization paper from the ledger, as SVG and PNG.",
        discussion: """
            Files go to RESULTS/STUDY/figures: beside each .svg and .png lie its numbers (.csv), the gnuplot script to restyle it (.gp) and \
            where it comes from (.json). Figures find their arms by their settings, whatever the arms are called: 2 methods, 3 clusters, \
            4 layers, 5 models, 6 alignment, 7 Gabor layers, 8 first layer only, 9 Tiny ImageNet, 10 filters. A study that has none of \
            them gets one figure of all its arms.
            Exit codes: 0 drawn, 1 drawn without the cells that failed for good, 2 usage, or no gnuplot, 5 drawn from what there is, \
            cells are missing; or nothing to draw yet.
            """)

    @Argument(help: "Studies in the results folder; the default is the one used last.")
    var studies: [String] = []

    @OptionGroup var results: ResultsOption

    @Option(
        name: .customLong("figure"), parsing: .singleValue,
        help: ArgumentHelp("Only this figure: 2 to 10, or arms for all arms in one. May be repeated.", valueName: "n"))
    var chosen: [FigureChoice] = []

    @Option(
        help: """
            validation_accuracy, validation_top5_accuracy, validation_loss, training_accuracy, training_top5_accuracy, \
            training_loss or learning_rate; the default is validation_accuracy.
            """)
    var metric: TableMetric?

    @Option(help: "Around each mean: interval (95 %, the default), minmax (least to greatest cell) or none.")
    var bands: FigureBands?

    @Option(help: "column (of a paper) or slide (16:9; the files are called figure-N-slide).")
    var size: FigureSize = .column

    @Flag(
        inversion: .prefixedNo,
        help: "The published curves, dashed, beside those that repeat them; never beside synthetic images. The default is --published.")
    var published: Bool?

    @Flag(inversion: .prefixedNo, help: "The notes under a figure; without, they stand in its .json alone.")
    var notes = true

    @Option(
        help: ArgumentHelp(
            "Draw these filters alone: an artifact (the beginning of its digest), a job's artifact, or what an arm's networks start from.",
            valueName: "digest|job|arm/replicate"))
    var filters: String?

    @Option(help: "With --filters: this layer alone, from 1.")
    var layer: Int?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if layer != nil, filters == nil { throw ValidationError("--layer says which filters: it needs --filters") }
        if filters != nil, studies.count > 1 { throw ValidationError("--filters looks into one study: name one") }
        if filters != nil, !chosen.isEmpty { throw ValidationError("--filters draws one picture; --figure has no place beside it") }
        if filters != nil, metric != nil || bands != nil || published != nil {
            throw ValidationError("--filters draws kernels, not curves: --metric, --bands and --published have no place beside it")
        }
    }

    func run() throws {
        let gnuplot = try Gnuplot.version()
        let names: [String?] = studies.isEmpty ? [nil] : studies
        let reports = try names.map { try draw(StudyFolder.find($0, in: results.results), gnuplot: gnuplot) }
        switch output.outputMode {
        case .json: print(try JSONOutput.text(FiguresReport(studies: reports)))
        case .cli: for report in reports { report.lines.forEach { print($0) } }
        case .quiet: break
        }
        guard reports.contains(where: { !$0.figures.isEmpty }) else {
            throw Stop(
                .incomplete, "nothing could be drawn",
                remedy: "`sower status` says how far the study is; --figure arms draws whatever arms it has.")
        }
        let drawn = reports.flatMap(\.figures)
        if drawn.contains(where: { $0.cellsToCome > 0 }) { throw Stop(.incomplete) }
        if drawn.contains(where: { $0.cells > $0.cellsWithValue }) { throw Stop(.someCellsFailed) }
    }

    private func draw(_ folder: StudyFolder, gnuplot: String) throws -> StudyFigures {
        let maker = try FigureMaker(RecordedStudy(folder))
        var drawing = FigureDrawing(maker, folder: try FigureFolder(folder.figures), gnuplot: gnuplot)
        var request = FigureRequest(
            filters: filters, layer: layer, metric: metric ?? .validationAccuracy, bands: bands ?? .interval, size: size,
            published: published ?? true, notes: notes)
        if filters == nil, chosen.isEmpty {
            for (request, outcome) in try maker.makeAll(request) { try drawing.add(outcome, request) }
        } else {
            for name in filters == nil ? chosen.map(\.name) : [nil] {
                request.figure = name
                try drawing.add(maker.make(request), request)
            }
        }
        return drawing.report
    }
}

/// One figure by its number in the paper, or all arms.
struct FigureChoice: ExpressibleByArgument {
    /// Of its definition.
    var name: String

    init?(argument: String) {
        name = argument.hasPrefix("figure-") || argument == "arms" ? argument : "figure-\(argument)"
        guard ["arms", FigureMaker.filters].contains(name) || FigureDefinition.published.contains(where: { $0.name == name }) else {
            return nil
        }
    }
}
