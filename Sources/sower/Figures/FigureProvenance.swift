import Digests
import Foundation
import LedgerStore
import Reports
import Studies

/// Where a figure's numbers come from: the JSON file beside it, which vouches for the others.
///
/// No time, host or path of the drawing is in it, but the gnuplot that has drawn.
struct FigureProvenance: Codable {
    struct File: Codable, Equatable {
        var name: String
        var bytes: Int
        var sha256: String

        init(_ path: String) throws {
            let written = try StudyExport.look(at: path)
            name = URL(fileURLWithPath: path).lastPathComponent
            bytes = written.bytes
            sha256 = written.digest.hex
        }
    }

    /// 2: the files with their digests, and what was asked for.
    var version = Self.currentVersion
    var kind = "figure"
    var name: String
    var title: String
    var files: [File]
    var request: FigureRequest
    var study: String
    var studyDigest: String
    var profile: String
    var evaluationProtocol: String
    var deviations: [String]
    /// The whole caption, also what the picture leaves out.
    var notes: [String]
    /// Of the arms that are drawn.
    var cells: Int
    var cellsWithValue: Int
    /// `arm/pair/replicate: state`.
    var missingCells: [String]
    /// Cells with a value by the class of their host.
    var numericClasses: [String: Int]
    /// That results of the study come from.
    var hosts: [String]
    /// SHA-256 over what the study's jobs had come to: as long as it is the same, so are numbers and script.
    var progressDigest: String
    var programVersion = Version.number
    var engineVersion = Version.engine
    var gnuplot: String

    static let currentVersion = 2

    enum CodingKeys: String, CodingKey {
        case version, kind, name, title, files, request, study, profile, deviations, notes, cells, hosts, gnuplot
        case studyDigest = "study_digest"
        case evaluationProtocol = "protocol"
        case cellsWithValue = "cells_with_value"
        case missingCells = "missing_cells"
        case numericClasses = "numeric_classes"
        case progressDigest = "progress_digest"
        case programVersion = "program_version"
        case engineVersion = "engine_version"
    }

    init(_ figure: MadeFigure, files: [File], request: FigureRequest, maker: FigureMaker, gnuplot: String) throws {
        let info = TableInfo(maker.recorded.study)
        name = figure.name
        title = figure.title
        notes = figure.notes
        self.files = files
        self.request = request
        self.gnuplot = gnuplot
        study = info.study
        studyDigest = info.studyDigest
        profile = info.profile.rawValue
        evaluationProtocol = info.evaluationProtocol.rawValue
        deviations = info.deviations
        cells = figure.cells.count
        let finished = figure.cells.filter { $0.state == .finished }
        cellsWithValue = finished.count
        missingCells = figure.cells.filter { $0.state != .finished }.map { "\($0.place): \($0.state.rawValue)" }
        numericClasses = Dictionary(finished.map { ($0.numericClass ?? "not recorded", 1) }, uniquingKeysWith: +)
        hosts = Set(try maker.recorded.reader.resultHosts(study: maker.recorded.id).map(\.host)).sorted()
        progressDigest = maker.progressDigest
    }
}
