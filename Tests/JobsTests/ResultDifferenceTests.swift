import Coordination
import Digests
import Jobs
import Studies
import Testing

struct ResultDifferenceTests {
    private func epoch(_ number: Int, _ change: (inout EpochMetrics) -> Void = { _ in }) -> EpochMetrics {
        var metrics = EpochMetrics(
            epoch: number, learningRate: 0.01, trainingLoss: 2.1, trainingAccuracy: 30, trainingTop5Accuracy: 80, validationLoss: 2.2,
            validationAccuracy: 25, validationTop5Accuracy: 75, images: 120, seconds: 1)
        change(&metrics)
        return metrics
    }

    private func result(
        _ epochs: [EpochMetrics], _ outcome: AttemptOutcome = .finished, artifacts: [String: String] = ["weights": "w"]
    ) -> RunnerResult {
        RunnerResult(
            outcome: outcome, epochs: epochs,
            artifacts: artifacts.sorted { $0.key < $1.key }.map { ArtifactNotice(name: $0, digest: Digest(of: $1), size: 3) }, seconds: 9)
    }

    @Test func `times make no difference`() {
        var slow = result([epoch(1), epoch(2) { $0.seconds = 77 }])
        slow.seconds = 100
        #expect(ResultDifference(recorded: result([epoch(1), epoch(2)]), again: slow) == nil)
    }

    @Test func `the first differing epoch and metric are named, to the last bit`() throws {
        let changes: [(String, (inout EpochMetrics) -> Void)] = [
            ("learning_rate", { $0.learningRate = $0.learningRate.nextUp }),
            ("training_loss", { $0.trainingLoss = $0.trainingLoss.nextUp }),
            ("training_accuracy", { $0.trainingAccuracy = 0 }), ("training_top5_accuracy", { $0.trainingTop5Accuracy = 0 }),
            ("validation_loss", { $0.validationLoss = $0.validationLoss.nextDown }),
            ("validation_accuracy", { $0.validationAccuracy += 1 }),
            ("validation_top5_accuracy", { $0.validationTop5Accuracy = 74 }), ("images", { $0.images = 119 }),
        ]
        for (name, change) in changes {
            let again = result([epoch(1), epoch(2, change), epoch(3) { $0.trainingLoss = 0 }])
            let difference = ResultDifference(recorded: result((1...3).map { epoch($0) }), again: again)
            guard case .metric(epoch: 2, name: name, let recorded, let value)? = difference else {
                Issue.record("\(name): \(String(describing: difference))")
                continue
            }
            #expect(recorded != value)
        }
        let zero = ResultDifference(
            recorded: result([epoch(1) { $0.trainingLoss = 0 }]), again: result([epoch(1) { $0.trainingLoss = -0.0 }]))
        #expect(zero?.description == "epoch 1, training_loss: recorded 0.0, again -0.0", "equal numbers of other bits")
    }

    @Test func `epochs, outcomes and artifacts are compared`() {
        let two = result([epoch(1), epoch(2)])
        #expect(ResultDifference(recorded: two, again: result([epoch(1)])) == .epochCount(recorded: 2, again: 1))
        let diverged = result([epoch(1), epoch(2)], .diverged(epoch: 3, step: 4))
        #expect(
            ResultDifference(recorded: two, again: diverged)?.description == "recorded as finished, again diverged in epoch 3, step 4")
        #expect(ResultDifference(recorded: diverged, again: diverged) == nil)
        let other = result([epoch(1), epoch(2)], artifacts: ["weights": "v"])
        #expect(
            ResultDifference(recorded: two, again: other)
                == .artifact(name: "weights", recorded: Digest(of: "w"), again: Digest(of: "v")))
        let more = result([epoch(1), epoch(2)], artifacts: ["weights": "w", "predictions": "p"])
        #expect(ResultDifference(recorded: two, again: more) == .artifact(name: "predictions", recorded: nil, again: Digest(of: "p")))
    }
}
