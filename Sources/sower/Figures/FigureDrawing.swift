import Foundation

/// Draws a study's figures one after another, and keeps what it did.
struct FigureDrawing {
    let maker: FigureMaker
    let folder: FigureFolder
    let gnuplot: String
    var report: StudyFigures

    init(_ maker: FigureMaker, folder: FigureFolder, gnuplot: String) {
        self.maker = maker
        self.folder = folder
        self.gnuplot = gnuplot
        report = StudyFigures(study: maker.recorded.study.name)
    }

    mutating func add(_ outcome: MadeFigure.Outcome, _ request: FigureRequest) throws {
        switch outcome {
        case .skipped(let reason): report.skipped.append(.init(name: request.figure ?? "filters", reason: reason))
        case .made(let figure):
            let files = try folder.write(figure) { files in
                try FigureProvenance(figure, files: files, request: request, maker: maker, gnuplot: gnuplot)
            }
            report.figures.append(
                .init(
                    name: figure.name, title: figure.title, files: files, arms: figure.arms, cells: figure.cells.count,
                    cellsWithValue: figure.cells.count { $0.state == .finished },
                    cellsToCome: figure.cells.count { [.waiting, .running].contains($0.state) }, notes: figure.notes))
        }
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
        /// Neither finished nor given up.
        var cellsToCome: Int
        var notes: [String]

        enum CodingKeys: String, CodingKey {
            case name, title, files, arms, cells, notes
            case cellsWithValue = "cells_with_value"
            case cellsToCome = "cells_to_come"
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
