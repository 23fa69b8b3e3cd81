import Foundation
import Studies

/// Where the numbers of an exported file come from, and what is missing among them: it lies beside the file as `FILE.provenance.json`.
///
/// A function of the ledger and the program, like the file itself: no time, host or path of the export is in it, nor where the data lay.
package struct Provenance: Sendable, Equatable, Codable {
    /// The hosts that results come from.
    package struct Host: Sendable, Equatable, Codable {
        package var host: String
        package var numericClass: String
        package var results: Int

        package init(host: String, numericClass: String, results: Int) {
            self.host = host
            self.numericClass = numericClass
            self.results = results
        }

        enum CodingKeys: String, CodingKey {
            case host, results
            case numericClass = "numeric_class"
        }
    }

    /// A cell without a value.
    package struct MissingCell: Sendable, Equatable, Codable {
        package var stage: String
        package var arm: String
        package var pair: String
        package var replicate: Int
        package var state: String
        package var reason: String?

        package init(stage: String, arm: String, pair: String, replicate: Int, state: String, reason: String?) {
            self.stage = stage
            self.arm = arm
            self.pair = pair
            self.replicate = replicate
            self.state = state
            self.reason = reason
        }
    }

    package static let fileSuffix = ".provenance.json"

    package var version = 1
    package var kind = "provenance"
    /// The file's name, without a folder.
    package var file: String
    package var bytes: Int
    package var sha256: String
    package var contents: ExportContents
    package var study: String
    package var studyDigest: String
    package var definition: Study
    package var deviations: [String]
    package var programVersion: String
    package var engineVersion: String
    /// SHA-256 over what the study's jobs had come to: as long as it is the same, so is the file.
    package var progressDigest: String
    package var hosts: [Host]
    package var numericClasses: [String]
    /// The cells of the file's stages, and how many of them have a value.
    package var cellsExpected: Int
    package var cellsWithValue: Int
    package var missing: [MissingCell]

    package init(
        file: String, bytes: Int, sha256: String, contents: ExportContents, definition: Study, programVersion: String,
        engineVersion: String,
        progressDigest: String, hosts: [Host], cellsExpected: Int, missing: [MissingCell]
    ) {
        self.file = file
        self.bytes = bytes
        self.sha256 = sha256
        self.contents = contents
        study = definition.name
        studyDigest = "\(definition.digest)"
        self.definition = definition.withoutPaths
        deviations = definition.deviations
        self.programVersion = programVersion
        self.engineVersion = engineVersion
        self.progressDigest = progressDigest
        self.hosts = hosts
        numericClasses = Set(hosts.map(\.numericClass)).sorted()
        self.cellsExpected = cellsExpected
        cellsWithValue = cellsExpected - missing.count
        self.missing = missing
    }

    enum CodingKeys: String, CodingKey {
        case version, kind, file, bytes, sha256, contents, study, definition, deviations, hosts, missing
        case studyDigest = "study_digest"
        case programVersion = "program_version"
        case engineVersion = "engine_version"
        case progressDigest = "progress_digest"
        case numericClasses = "numeric_classes"
        case cellsExpected = "cells_expected"
        case cellsWithValue = "cells_with_value"
    }

    /// JSON with sorted keys, ending in a line break.
    package var text: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        // A validated study holds finite numbers only.
        guard let json = try? encoder.encode(self) else { preconditionFailure("a provenance holds only finite values") }
        return String(decoding: json, as: UTF8.self) + "\n"
    }
}

/// What is in an exported file: with the ledger, enough to make it again.
package struct ExportContents: Sendable, Equatable, Codable {
    package enum Kind: String, Sendable, Codable, CaseIterable {
        /// A row a metric value.
        case values
        /// The summary table.
        case table
        /// A line an attempt.
        case attempts
        /// A trial a cell.
        case trials
    }

    package var kind: Kind
    /// Of `values` csv and jsonl, of `table` a `TableFormat`, of `attempts` joblog, of `trials` optuna.
    package var format: String
    package var stages: [Stage]
    package var metrics: [TableMetric]

    package init(kind: Kind, format: String, stages: [Stage], metrics: [TableMetric]) {
        self.kind = kind
        self.format = format
        self.stages = stages
        self.metrics = metrics
    }
}
