import Foundation
import LedgerStore
import Reports
import Studies

/// Where a figure's numbers come from: the JSON file beside it.
struct FigureProvenance: Codable {
    var version = 1
    var kind = "figure"
    var name: String
    var title: String
    var study: String
    var studyDigest: String
    var profile: String
    var evaluationProtocol: String
    var deviations: [String]
    var metric: String?
    var bands: String?
    /// The whole caption, also what the picture leaves out.
    var notes: [String]
    /// Of the arms that are drawn.
    var cells: Int
    var cellsWithValue: Int
    /// `arm/pair/replicate: state`.
    var missingCells: [String]
    /// Cells with a value by the class of their host.
    var numericClasses: [String: Int]
    /// Hosts of every worker that ever took part.
    var hosts: [String]
    var program = Version.text
    var gnuplot: String

    enum CodingKeys: String, CodingKey {
        case version, kind, name, title, study, profile, deviations, metric, bands, notes, cells, hosts, program, gnuplot
        case studyDigest = "study_digest"
        case evaluationProtocol = "protocol"
        case cellsWithValue = "cells_with_value"
        case missingCells = "missing_cells"
        case numericClasses = "numeric_classes"
    }

    /// - Parameter cells: all of the arms that the figure shows.
    init(name: String, title: String, notes: [String], recorded: RecordedStudy, cells rows: [CellRow], gnuplot: String) throws {
        let info = TableInfo(recorded.study)
        self.name = name
        self.title = title
        self.notes = notes
        self.gnuplot = gnuplot
        study = info.study
        studyDigest = info.studyDigest
        profile = info.profile.rawValue
        evaluationProtocol = info.evaluationProtocol.rawValue
        deviations = info.deviations
        cells = rows.count
        let finished = rows.filter { $0.state == .finished }
        cellsWithValue = finished.count
        missingCells = rows.filter { $0.state != .finished }.map {
            "\($0.arm)/\(Study.name(of: $0.pair))/\($0.replicate): \($0.state.rawValue)"
        }
        numericClasses = Dictionary(finished.map { ($0.numericClass ?? "not recorded", 1) }, uniquingKeysWith: +)
        hosts = Set(try recorded.reader.workers().map(\.host)).sorted()
    }
}
