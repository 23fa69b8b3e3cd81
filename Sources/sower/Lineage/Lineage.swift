import Artifacts
import Foundation
import LedgerStore
import Studies

/// A job with everything it was made from, as the ledger and the coordinator's store have it.
struct LineageNode: Codable {
    struct Artifact: Codable {
        var name: String
        /// SHA-256 in hexadecimal.
        var digest: String
        /// Bytes.
        var size: UInt64
        /// Whether the coordinator's store holds a file of that name and size; `sower verify` compares the bytes.
        var isStored: Bool
    }

    var job: String
    var kind: String
    /// The job in a few words.
    var what: String
    var state: String
    /// The canonical JSON whose digest is the job's id.
    var specification: String
    /// By the stream they key. As texts: 64 bits are more than many JSON readers keep.
    var seeds: [String: String]
    /// SHA-256 of the data set, for a training.
    var dataset: String?
    /// The attempt whose result stands, of how many.
    var attempt: Int?
    var attempts: Int
    var worker, host: String?
    var numericClass, engineVersion: String?
    var seconds: Double?
    var settledAt: Date?
    var artifacts: [Artifact]
    /// Whether the job stands elsewhere in the tree too, with its sources there alone.
    var isRepeated: Bool
    var sources: [LineageNode]

    var spec: JobSpec? { try? JSONDecoder().decode(JobSpec.self, from: Data(specification.utf8)) }
}

extension LineageNode {
    /// Walks from a job to its sources, and theirs.
    init(_ row: JobRow, _ recorded: RecordedStudy) throws {
        let hasStore = FileManager.default.fileExists(atPath: recorded.folder.artifacts)
        var walk = Walk(reader: recorded.reader, store: hasStore ? try ArtifactStore(folder: recorded.folder.artifacts) : nil)
        self = try walk.node(row)
    }

    private struct Walk {
        let reader: LedgerReader
        let store: ArtifactStore?
        var known: Set<JobID> = []

        mutating func node(_ row: JobRow) throws -> LineageNode {
            let isNew = known.insert(row.id).inserted
            let attempts = try reader.attempts(row.id)
            let settled = attempts.first { $0.number == row.settledAttempt }
            let spec = try? JSONDecoder().decode(JobSpec.self, from: Data(row.spec))
            return LineageNode(
                job: row.id.digest.hex, kind: row.kind.rawValue, what: WhyReport.words(row), state: row.state.rawValue,
                specification: String(decoding: row.spec, as: UTF8.self),
                seeds: (spec?.seeds ?? [:]).mapValues(String.init),
                dataset: { if case .train(let train)? = spec { train.dataset.hex } else { nil } }(),
                attempt: row.settledAttempt, attempts: attempts.count, worker: settled?.worker, host: settled?.host,
                numericClass: row.numericClass, engineVersion: row.numericClass.flatMap(Self.engineVersion), seconds: row.seconds,
                settledAt: row.settledAt,
                artifacts: row.artifacts.map {
                    Artifact(
                        name: $0.name, digest: $0.digest.hex, size: $0.size,
                        isStored: store?.size(of: $0.digest).map(UInt64.init) == $0.size)
                },
                isRepeated: !isNew,
                sources: isNew ? try row.inputs.map { try node(reader.job(prefix: $0.digest.hex)) } : [])
        }

        /// `engine-2/fma` is of engine version 2; an external trainer's class has none.
        private static func engineVersion(of numericClass: String) -> String? {
            guard numericClass.hasPrefix("engine-"), let slash = numericClass.firstIndex(of: "/") else { return nil }
            return String(numericClass[..<slash].dropFirst("engine-".count))
        }
    }
}

extension JobSpec {
    /// What the job draws from, by stream.
    var seeds: [String: UInt64] {
        switch self {
        case .train(let spec):
            ["weights": spec.seeds.weights, "order": spec.seeds.order, "augmentation": spec.seeds.augmentation]
        case .cluster(let spec): ["clusters": spec.seed]
        case .sample(let spec): ["kernels": spec.seed]
        case .align, .file, .command, .noop: [:]
        }
    }

    /// What else of the specification decides the job's numbers, for people; `nil` where `what` says it all.
    var settings: [String]? {
        guard case .train(let spec) = self else { return nil }
        let recipe = spec.recipe
        return [
            recipe.epochs == 1 ? "1 epoch" : "\(recipe.epochs) epochs", "batch size \(recipe.batchSize)",
            "learning rate \(recipe.learningRate)", "schedule \(recipe.schedule.words)",
            "\(recipe.nesterov ? "Nesterov momentum" : "momentum") \(recipe.momentum)", "weight decay \(recipe.weightDecay)",
            "augmentation \(recipe.augmentation.words)", recipe.mixup.map { "mixup α = \($0)" },
            "images \(spec.model.imageSize)×\(spec.model.imageSize)",
        ].compactMap { $0 }
    }
}
