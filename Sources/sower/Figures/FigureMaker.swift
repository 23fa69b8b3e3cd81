import Artifacts
import Foundation
import LedgerStore
import Reports
import Studies

/// What somebody has asked for: with the ledger, and the store where filters are shown, enough to make a figure's numbers and script again.
struct FigureRequest: Codable, Equatable {
    /// The name of a `FigureDefinition`, or of the paper's picture of filters; `nil` for the `filters` of a source.
    var figure: String?
    /// What `FilterSource` reads.
    var filters: String?
    var layer: Int?
    var metric: TableMetric
    var bands: FigureBands
    var size: FigureSize
    var published: Bool
    var notes: Bool
}

/// A figure but for its pictures.
struct MadeFigure {
    var name: String
    var title: String
    var notes: [String]
    /// Those that are drawn, with all of their cells.
    var arms: [String] = []
    var cells: [CellRow] = []
    var script: String
    var csv: String

    enum Outcome {
        case made(MadeFigure)
        case skipped(reason: String)
    }
}

/// Makes a study's figures from what its ledger has now.
final class FigureMaker {
    let recorded: RecordedStudy
    /// Over what the study's jobs had come to before anything was read.
    let progressDigest: String
    private let study: FigureStudy
    private var rows: [CellRow]?
    private var series: [TableMetric: EpochSeries] = [:]

    /// What the paper's picture of filters is called.
    static let filters = "figure-10"

    init(_ recorded: RecordedStudy) throws {
        self.recorded = recorded
        progressDigest = try recorded.reader.progressDigest(study: recorded.id).hex
        study = FigureStudy(recorded.study)
    }

    func make(_ request: FigureRequest) throws -> MadeFigure.Outcome {
        if let source = request.filters {
            return .made(made(try FilterSource(source, in: recorded).picture(layer: request.layer), request))
        }
        let name = request.figure ?? ""
        guard name != Self.filters else { return try publishedFilters(request) }
        let definition = FigureDefinition.published.first { $0.name == name } ?? .allArms(of: study)
        return try outcome(
            Figure.make(definition, of: study, series: series(request.metric), bands: request.bands, published: published(request)), request
        )
    }

    /// Every figure of the paper, or all arms in one when the study has none of them; and the filters. Each with the request for it alone.
    func makeAll(_ request: FigureRequest) throws -> [(request: FigureRequest, outcome: MadeFigure.Outcome)] {
        func asking(for name: String) -> FigureRequest {
            var request = request
            request.figure = name
            return request
        }
        let curves = try Figure.all(of: study, series: series(request.metric), bands: request.bands, published: published(request))
        let filters = asking(for: Self.filters)
        return try curves.map { (asking(for: $0.name), try outcome($0.outcome, request)) } + [(filters, make(filters))]
    }

    // MARK: Curves

    private func outcome(_ outcome: Figure.Outcome, _ request: FigureRequest) throws -> MadeFigure.Outcome {
        switch outcome {
        case .skipped(let reason): return .skipped(reason: reason)
        case .figure(var figure):
            figure.name += Self.suffix(request.size)
            return .made(
                MadeFigure(
                    name: figure.name, title: figure.title, notes: figure.notes, arms: figure.arms,
                    cells: try cells().filter { figure.arms.contains($0.arm) },
                    script: figure.gnuplotScript(size: request.size, showsNotes: request.notes), csv: figure.csv))
        }
    }

    private func cells() throws -> [CellRow] {
        if let rows { return rows }
        let read = try recorded.reader.cellResults(study: recorded.id)
        rows = read
        return read
    }

    private func series(_ metric: TableMetric) throws -> EpochSeries {
        if let known = series[metric] { return known }
        let made = EpochSeries(info: study.info, cells: try cells().map(CellResult.init), metric: metric)
        series[metric] = made
        return made
    }

    /// What natural images gave says nothing beside made-up ones.
    private func published(_ request: FigureRequest) -> PublishedCurves? {
        if case .synthetic = recorded.study.data { return nil }
        return request.published ? .clusteredInitialization : nil
    }

    private static func suffix(_ size: FigureSize) -> String { size == .slide ? "-slide" : "" }

    // MARK: Filters

    /// The paper's picture of filters: of its arm, or of the one most like it that has a start already.
    private func publishedFilters(_ request: FigureRequest) throws -> MadeFigure.Outcome {
        var reason = "it needs a clustered arm"
        for arm in FigureDefinition.filterArms(of: study) {
            do {
                var picture = try FilterSource("\(arm)/1", in: recorded).picture(layer: nil)
                picture.name = Self.filters
                if !FigureDefinition.isPublishedFilterArm(arm, of: study) {
                    picture.notes.append(
                        "Published: the Fourier distance, 6 models, 3 clusters, 17 layers; this arm is the one most like it.")
                }
                return .made(made(picture, request))
            } catch let stop as Stop where stop.code == .incomplete {
                reason = "no clustered arm has a start yet"
            } catch is ArtifactStoreError {
                reason = "the start of \(arm) is not in \(recorded.folder.artifacts)"
            }
        }
        return .skipped(reason: reason)
    }

    private func made(_ picture: FilterPicture, _ request: FigureRequest) -> MadeFigure {
        var picture = picture
        picture.name += Self.suffix(request.size)
        return MadeFigure(
            name: picture.name, title: picture.title, notes: picture.notes,
            script: picture.gnuplotScript(size: request.size, showsNotes: request.notes), csv: picture.csv)
    }
}
