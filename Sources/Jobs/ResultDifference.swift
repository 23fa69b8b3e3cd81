import Coordination
import Digests
import Studies

/// The first place where a job's result, computed again, is not the recorded one to the bit. Times do not count.
package enum ResultDifference: Sendable, Equatable {
    /// One of the two did not end as the other: in words.
    case outcome(recorded: String, again: String)
    case metric(epoch: Int, name: String, recorded: Double, again: Double)
    case epochCount(recorded: Int, again: Int)
    /// An artifact with other bytes; `nil` where there is none of that name.
    case artifact(name: String, recorded: Digest?, again: Digest?)

    /// `nil` when every bit is the same.
    package init?(recorded: RunnerResult, again: RunnerResult) {
        for (old, new) in zip(recorded.epochs, again.epochs) {
            for (name, path) in Self.metrics where old[keyPath: path].bitPattern != new[keyPath: path].bitPattern {
                self = .metric(epoch: old.epoch, name: name, recorded: old[keyPath: path], again: new[keyPath: path])
                return
            }
            for (name, path) in Self.counts where old[keyPath: path] != new[keyPath: path] {
                self = .metric(epoch: old.epoch, name: name, recorded: Double(old[keyPath: path]), again: Double(new[keyPath: path]))
                return
            }
        }
        if recorded.epochs.count != again.epochs.count {
            self = .epochCount(recorded: recorded.epochs.count, again: again.epochs.count)
        } else if recorded.outcome != again.outcome {
            self = .outcome(recorded: Self.words(recorded.outcome), again: Self.words(again.outcome))
        } else if let name = Self.differingArtifact(recorded, again) {
            self = .artifact(name: name, recorded: Self.digest(name, recorded), again: Self.digest(name, again))
        } else {
            return nil
        }
    }

    private static let metrics: [(String, KeyPath<EpochMetrics, Double> & Sendable)] = [
        ("learning_rate", \.learningRate), ("training_loss", \.trainingLoss), ("training_accuracy", \.trainingAccuracy),
        ("training_top5_accuracy", \.trainingTop5Accuracy), ("validation_loss", \.validationLoss),
        ("validation_accuracy", \.validationAccuracy), ("validation_top5_accuracy", \.validationTop5Accuracy),
    ]
    private static let counts: [(String, KeyPath<EpochMetrics, Int> & Sendable)] = [("epoch", \.epoch), ("images", \.images)]

    private static func differingArtifact(_ a: RunnerResult, _ b: RunnerResult) -> String? {
        (a.artifacts + b.artifacts).map(\.name).first { digest($0, a) != digest($0, b) }
    }

    private static func digest(_ name: String, _ result: RunnerResult) -> Digest? {
        result.artifacts.first { $0.name == name }?.digest
    }

    private static func words(_ outcome: AttemptOutcome) -> String {
        switch outcome {
        case .finished: "finished"
        case .diverged(let epoch, let step): "diverged in epoch \(epoch), step \(step)"
        case .failed(let failure): "failed (\(failure.message))"
        }
    }

    package var description: String {
        switch self {
        case .outcome(let recorded, let again): "recorded as \(recorded), again \(again)"
        case .metric(let epoch, let name, let recorded, let again):
            "epoch \(epoch), \(name): recorded \(recorded), again \(again)"
        case .epochCount(let recorded, let again): "recorded with \(recorded) epochs, again \(again)"
        case .artifact(let name, let recorded, let again):
            "artifact \(name): recorded \(recorded.map { $0.short } ?? "none"), again \(again.map { $0.short } ?? "none")"
        }
    }
}
