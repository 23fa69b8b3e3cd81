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
            Exit codes: 0 drawn, 2 usage, or no gnuplot, 5 drawn from what there is, cells are missing; or nothing to draw yet.
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
            training_loss or learning_rate.
            """)
    var metric: TableMetric = .validationAccuracy

    @Option(help: "Around each mean: interval (95 %), minmax (least to greatest cell) or none.")
    var bands: FigureBands = .interval

    @Option(help: "column (of a paper) or slide (16:9; the files are called figure-N-slide).")
    var size: FigureSize = .column

    @Flag(inversion: .prefixedNo, help: "The published curves, dashed, beside those that repeat them; never beside synthetic images.")
    var published = true

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
        if drawn.contains(where: { $0.cells > $0.cellsWithValue }) { throw Stop(.incomplete) }
    }

    private func draw(_ folder: StudyFolder, gnuplot: String) throws -> StudyFigures {
        let recorded = try RecordedStudy(folder, readsCells: true)
        var drawing = FigureDrawing(recorded: recorded, folder: try FigureFolder(folder.figures), size: size, showsNotes: notes, gnuplot: gnuplot)
        if let filters {
            try drawing.add(FilterSource(filters, in: recorded).picture(layer: layer))
            return drawing.report
        }
        let rows = try recorded.reader.cellResults(study: recorded.id)
        let study = FigureStudy(recorded.study)
        let curves = chosen.filter { if case .filters = $0 { false } else { true } }
        if chosen.isEmpty || !curves.isEmpty {
            let series = EpochSeries(info: study.info, cells: rows.map(CellResult.init), metric: metric)
            // What natural images gave says nothing beside made-up ones.
            let isSynthetic = if case .synthetic = recorded.study.data { true } else { false }
            let published = published && !isSynthetic ? PublishedCurves.clusteredInitialization : nil
            for (name, outcome) in outcomes(curves, of: study, series: series, published: published) {
                try drawing.add(outcome, name: name, rows: rows)
            }
        }
        if curves.count < chosen.count || chosen.isEmpty { try drawing.addPublishedFilters() }
        return drawing.report
    }

    private func outcomes(
        _ chosen: [FigureChoice], of study: FigureStudy, series: EpochSeries, published: PublishedCurves?
    ) -> [(name: String, outcome: Figure.Outcome)] {
        guard !chosen.isEmpty else { return Figure.all(of: study, series: series, bands: bands, published: published) }
        return chosen.map { choice in
            let definition: FigureDefinition =
                switch choice {
                case .published(let definition): definition
                case .arms: .allArms(of: study)
                case .filters: preconditionFailure("a picture of filters has no curves")
                }
            return (definition.name, Figure.make(definition, of: study, series: series, bands: bands, published: published))
        }
    }
}

/// One figure by its number in the paper.
enum FigureChoice: ExpressibleByArgument {
    case published(FigureDefinition)
    case filters
    case arms

    init?(argument: String) {
        let name = argument.hasPrefix("figure-") ? argument : "figure-\(argument)"
        if argument == "arms" {
            self = .arms
        } else if name == FigureDrawing.filters {
            self = .filters
        } else if let found = FigureDefinition.published.first(where: { $0.name == name }) {
            self = .published(found)
        } else {
            return nil
        }
    }
}
