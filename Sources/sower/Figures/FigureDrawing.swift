import Artifacts
import Foundation
import LedgerStore
import Reports
import Studies

/// Draws a study's figures one after another, and keeps what it did.
struct FigureDrawing {
    let recorded: RecordedStudy
    let folder: FigureFolder
    let size: FigureSize
    let showsNotes: Bool
    let gnuplot: String
    var report: StudyFigures

    /// What the picture of filters is called.
    static let filters = "figure-10"

    init(recorded: RecordedStudy, folder: FigureFolder, size: FigureSize, showsNotes: Bool, gnuplot: String) {
        self.recorded = recorded
        self.folder = folder
        self.size = size
        self.showsNotes = showsNotes
        self.gnuplot = gnuplot
        report = StudyFigures(study: recorded.study.name)
    }

    mutating func add(_ outcome: Figure.Outcome, name: String, rows: [CellRow]) throws {
        switch outcome {
        case .skipped(let reason): report.skipped.append(.init(name: name, reason: reason))
        case .figure(var figure):
            figure.name += suffix
            var provenance = try FigureProvenance(
                name: figure.name, title: figure.title, notes: figure.notes, recorded: recorded, cells: rows.filter { figure.arms.contains($0.arm) },
                gnuplot: gnuplot)
            provenance.metric = figure.metric.rawValue
            provenance.bands = figure.bands.rawValue
            try write(provenance, script: figure.gnuplotScript(size: size, showsNotes: showsNotes), csv: figure.csv, arms: figure.arms)
        }
    }

    mutating func add(_ picture: FilterPicture) throws {
        var picture = picture
        picture.name += suffix
        let provenance = try FigureProvenance(
            name: picture.name, title: picture.title, notes: picture.notes, recorded: recorded, cells: [], gnuplot: gnuplot)
        try write(provenance, script: picture.gnuplotScript(size: size, showsNotes: showsNotes), csv: picture.csv, arms: [])
    }

    /// The paper's picture of filters: of its arm, or of the one most like it that has a start already.
    mutating func addPublishedFilters() throws {
        var reason = "it needs a clustered arm"
        let study = FigureStudy(recorded.study)
        for arm in FigureDefinition.filterArms(of: study) {
            do {
                var picture = try FilterSource("\(arm)/1", in: recorded).picture(layer: nil)
                picture.name = Self.filters
                if !FigureDefinition.isPublishedFilterArm(arm, of: study) {
                    picture.notes.append("Published: the Fourier distance, 6 models, 3 clusters, 17 layers; this arm is the one most like it.")
                }
                return try add(picture)
            } catch let stop as Stop where stop.code == .incomplete {
                reason = "no clustered arm has a start yet"
            } catch is ArtifactStoreError {
                reason = "the start of \(arm) is not in \(recorded.folder.artifacts)"
            }
        }
        report.skipped.append(.init(name: Self.filters, reason: reason))
    }

    private var suffix: String { size == .slide ? "-slide" : "" }

    private mutating func write(_ provenance: FigureProvenance, script: String, csv: String, arms: [String]) throws {
        let files = try folder.write(.init(name: provenance.name, script: script, csv: csv, provenance: provenance))
        report.figures.append(
            .init(
                name: provenance.name, title: provenance.title, files: files, arms: arms, cells: provenance.cells,
                cellsWithValue: provenance.cellsWithValue, notes: provenance.notes))
    }
}

/// What was drawn, for scripts.
struct FiguresReport: Codable {
    var version = 1
    var kind = "figures"
    var studies: [StudyFigures]
}

struct StudyFigures: Codable {
    struct Drawn: Codable {
        var name: String
        var title: String
        var files: [String]
        var arms: [String]
        var cells: Int
        var cellsWithValue: Int
        var notes: [String]

        enum CodingKeys: String, CodingKey {
            case name, title, files, arms, cells, notes
            case cellsWithValue = "cells_with_value"
        }
    }

    struct Skipped: Codable {
        var name: String
        var reason: String
    }

    var study: String
    var figures: [Drawn] = []
    var skipped: [Skipped] = []

    var lines: [String] {
        let drawn = figures.flatMap { figure -> [String] in
            let part = figure.cells > figure.cellsWithValue ? ", \(figure.cellsWithValue) of \(figure.cells) cells" : ""
            let gaps = figure.notes.filter { $0.hasPrefix("No cell") || $0.hasPrefix("Not arms") }
            return ["\(figure.name)  \(figure.title)\(part): \(figure.files[0])"] + gaps.map { "    \($0)" }
        }
        return drawn + skipped.map { "\($0.name)  skipped: \($0.reason)" }
    }
}
