import Coordination
import Digests
import Foundation
import GRDB
import Studies

// How values lie in the ledger's columns.

extension Date {
    /// Milliseconds since 1970 UTC.
    var milliseconds: Int64 { Int64((timeIntervalSince1970 * 1000).rounded()) }

    init(milliseconds: Int64) { self.init(timeIntervalSince1970: Double(milliseconds) / 1000) }
}

extension Digest {
    var blob: Data { Data(bytes) }
}

extension Row {
    /// A digest column; damage shows as another length.
    func digest(_ column: Int) throws -> Digest {
        let digest: Digest? = try withUnsafeData(atIndex: column) { $0.flatMap { Digest(bytes: $0) } }
        guard let digest else { throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a digest has another length than 32 bytes") }
        return digest
    }

    func job(_ column: Int) throws -> JobID { JobID(try digest(column)) }

    func date(_ column: Int) -> Date { Date(milliseconds: self[column]) }

    func dateIfAny(_ column: Int) -> Date? { (self[column] as Int64?).map(Date.init(milliseconds:)) }

    /// A metric column: NULL is NaN.
    func metric(_ column: Int) -> Double { (self[column] as Double?) ?? .nan }

    /// Ten columns from `first` as `EpochMetrics.columns` lists them.
    func epochMetrics(from first: Int) -> EpochMetrics {
        EpochMetrics(
            epoch: self[first], learningRate: metric(first + 1), trainingLoss: metric(first + 2),
            trainingAccuracy: metric(first + 3), trainingTop5Accuracy: metric(first + 4), validationLoss: metric(first + 5),
            validationAccuracy: metric(first + 6), validationTop5Accuracy: metric(first + 7), images: self[first + 8],
            seconds: metric(first + 9))
    }
}

extension EpochMetrics {
    static let names = [
        "epoch", "learning_rate", "training_loss", "training_accuracy", "training_top5_accuracy", "validation_loss",
        "validation_accuracy", "validation_top5_accuracy", "images", "seconds",
    ]

    static let columns = names.joined(separator: ", ")
    /// A question mark a column.
    static let placeholders = names.map { _ in "?" }.joined(separator: ", ")
    /// What an `ON CONFLICT (job, attempt, epoch) DO UPDATE` sets.
    static let updates = names.dropFirst().map { "\($0) = excluded.\($0)" }.joined(separator: ", ")

    /// Binds the values of `columns`; SQLite stores NaN as NULL.
    func bind(_ binding: inout ParameterBinding) {
        binding.add(epoch)
        binding.add(learningRate)
        binding.add(trainingLoss)
        binding.add(trainingAccuracy)
        binding.add(trainingTop5Accuracy)
        binding.add(validationLoss)
        binding.add(validationAccuracy)
        binding.add(validationTop5Accuracy)
        binding.add(images)
        binding.add(seconds)
    }
}

/// What a job computes, as the ledger names it.
package enum JobKind: String, Sendable, CaseIterable {
    case train, cluster, sample, align, file, command, noop

    package init(_ spec: JobSpec) {
        switch spec {
        case .train: self = .train
        case .cluster: self = .cluster
        case .sample: self = .sample
        case .align: self = .align
        case .file: self = .file
        case .command: self = .command
        case .noop: self = .noop
        }
    }

    /// Whether it runs in a central slot.
    package var isCentral: Bool {
        switch self {
        case .train, .command, .noop: false
        case .cluster, .sample, .align, .file: true
        }
    }

    /// Whether its artifacts are announced to every worker: initializations, which any of them may be about to need.
    package var isBroadcast: Bool { self == .sample || self == .align || self == .file }
}

extension [Int] {
    /// A pair as the ledger and every table write it: "10-14".
    var pairText: String { map(String.init).joined(separator: "-") }

    init(pairText text: String) { self = text.split(separator: "-").compactMap { Int($0) } }
}
