import Artifacts
import Coordination
import Datasets
import Foundation
import Jobs
import Studies
import Testing

/// What a training leaves of its predictions.
final class PredictionsFileTests {
    private let folder = FileManager.default.temporaryDirectory.path + "/sower-predictions-\(UUID().uuidString)"

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func result(keeps: Bool?, weights: Bool = false) throws -> RunnerResult {
        try SyntheticImages.write(to: folder + "/data", seed: 5, trainingPerClass: 4, testPerClass: 3)
        let spec = JobSpec.train(
            TrainSpec(
                dataset: try CIFAR100Folder(path: folder + "/data").digest(), superclasses: [2, 7],
                model: ModelSpec(architecture: "fixup-resnet20", classes: 10), start: .random,
                recipe: RecipeSpec(
                    epochs: 2, batchSize: 16, learningRate: 0.05, momentum: 0.9, weightDecay: 1e-4, schedule: .constant,
                    augmentation: .none),
                seeds: TrainSeeds(weights: 1, order: 2, augmentation: 3), keepsWeights: weights, keepsPredictions: keeps))
        return JobRunner(now: { .zero }).run(
            RunnerRequest(spec: spec.canonicalJSON, datasetPath: folder + "/data", storePath: folder + "/store", inputs: [])
        ) { _ in }
    }

    private func stored(_ artifact: ArtifactNotice) throws -> SafetensorsFile {
        try SafetensorsFile(contentsOf: ArtifactStore(folder: folder + "/store").path(of: artifact.digest))
    }

    @Test func `predictions are those of the last epoch, in the order of the test file, and change no number`() throws {
        let result = try result(keeps: true, weights: true)
        #expect(result.artifacts.map(\.name) == ["weights", "predictions"])
        let predictions = try PredictionsFile(stored(result.artifacts[1]))
        // Three images of each of ten classes, 100 classes in the file.
        #expect(predictions.labels.count == 30 && Set(predictions.labels) == Set(0..<10))
        #expect(predictions.images == predictions.images.sorted() && Set(predictions.images).count == 30)
        let right = zip(predictions.predictions, predictions.labels).count { $0 == $1 }
        #expect(100 * Double(right) / 30 == result.epochs[1].validationAccuracy)
        #expect(Set(predictions.predictions).count > 1, "a network that has learned something says more than one class")

        let data = try CIFAR100Folder(path: folder + "/data")
        let subset = try ImageSubset(data, split: .test, superclasses: [2, 7])
        #expect(predictions.fineLabels == subset.fineLabels)
        #expect(predictions.images.map(Int.init) == (0..<30).map { subset.record(of: $0) })
        #expect(predictions.labels.map(Int.init) == (0..<30).map { subset.label(of: $0) })

        let plain = try self.result(keeps: nil)
        #expect(plain.artifacts.isEmpty && plain.epochs == result.epochs)
        let file = try stored(result.artifacts[1])
        #expect(file.entry("images")?.dtype == .int32)
        #expect(try predictions.encoded == bytes(result.artifacts[1]))
    }

    private func bytes(_ artifact: ArtifactNotice) throws -> [UInt8] {
        try ArtifactStore(folder: folder + "/store").bytes(of: artifact.digest)
    }

    @Test func `files that hold no predictions are refused`() throws {
        func file(_ count: Int, class number: UInt8, kind: String = "predictions 1", fine: String = "3,9") throws -> SafetensorsFile {
            try SafetensorsFile(
                bytes: SafetensorsWriter.encode(
                    [
                        SafetensorsTensor(name: "predictions", shape: [2], uint8s: [0, number]),
                        SafetensorsTensor(name: "labels", shape: [count], uint8s: Array(repeating: 1, count: count)),
                        SafetensorsTensor(name: "images", shape: [2], int64s: [4, 8]),
                    ], metadata: ["sower": kind, "fine_labels": fine]))
        }
        #expect(try PredictionsFile(file(2, class: 1)).predictions == [0, 1])
        for wrong in [
            try file(3, class: 1), try file(2, class: 2), try file(2, class: 1, kind: "weights"), try file(2, class: 1, fine: ""),
        ] {
            #expect(throws: JobError.self) { try PredictionsFile(wrong) }
        }
        let weights = try SafetensorsFile(bytes: SafetensorsWriter.encode([], metadata: ["sower": "predictions 1", "fine_labels": "3"]))
        #expect(throws: SafetensorsError.self) { try PredictionsFile(weights) }
    }
}
