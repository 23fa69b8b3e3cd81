import Artifacts
import Coordination
import Datasets
import Digests
import Foundation
import Jobs
import Studies
import Testing

/// Trainings that go on from a checkpoint, run in this process as a runner runs them.
@Suite(.serialized) final class CheckpointJobTests {
    private let folder: String
    private let data: CIFAR100Folder
    private let spec: JobSpec

    init() throws {
        folder = FileManager.default.temporaryDirectory.path + "/sower-checkpoints-\(UUID().uuidString)"
        try SyntheticImages.write(to: folder + "/data", seed: 5, trainingPerClass: 4, testPerClass: 2)
        data = try CIFAR100Folder(path: folder + "/data")
        spec = Self.spec(data.digest(), order: 2)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private static func spec(_ dataset: Digest, order: UInt64) -> JobSpec {
        .train(
            TrainSpec(
                dataset: dataset, superclasses: [2, 7],
                model: ModelSpec(architecture: "lenet", classes: 10), start: .random,
                recipe: RecipeSpec(
                    epochs: 4, batchSize: 16, learningRate: 0.01, momentum: 0.9, nesterov: true, weightDecay: 5e-4,
                    schedule: .cosine, augmentation: .flipAndCrop(padding: 4), mixup: 0.4),
                seeds: TrainSeeds(weights: 1, order: order, augmentation: 3), keepsWeights: true))
    }

    private func run(
        _ spec: JobSpec, from checkpoint: ArtifactNotice? = nil, every seconds: Double? = 0, threads: Int = 1
    ) -> (result: RunnerResult, checkpoints: [Checkpoint], streamed: [Int]) {
        var (checkpoints, streamed): ([Checkpoint], [Int]) = ([], [])
        let request = RunnerRequest(
            spec: spec.canonicalJSON, datasetPath: data.path, storePath: folder + "/store", inputs: [],
            checkpoint: checkpoint, checkpointSeconds: seconds)
        let result = JobRunner(threads: threads, now: { .zero }).run(request, onCheckpoint: { checkpoints.append($0) }) {
            streamed.append($0.epoch)
        }
        return (result, checkpoints, streamed)
    }

    @Test func `a training goes on from any of its checkpoints with the same bits`() throws {
        let whole = run(spec)
        #expect(whole.result.outcome == .finished && whole.result.epochs.count == 4)
        #expect(whole.checkpoints.map(\.epoch) == [1, 2, 3], "none after the last epoch: the result is next")
        for checkpoint in whole.checkpoints {
            let rest = run(spec, from: checkpoint.artifact)
            #expect(rest.result == whole.result, "from epoch \(checkpoint.epoch)")
            #expect(rest.streamed == Array(checkpoint.epoch + 1...4), "only what is left is trained")
            #expect(rest.checkpoints == whole.checkpoints.filter { $0.epoch > checkpoint.epoch })
        }
    }

    @Test func `threads change no bit, and a checkpoint of two threads serves one`() throws {
        let one = run(spec)
        let two = run(spec, threads: 2)
        #expect(one.result == two.result && one.checkpoints == two.checkpoints)
    }

    @Test func `checkpoints come at most as often as asked, or never`() {
        #expect(run(spec, every: nil).checkpoints.isEmpty)
        // The clock of this test stands still.
        #expect(run(spec, every: 0.001).checkpoints.isEmpty)
    }

    @Test func `what is not this job's checkpoint is as good as none`() throws {
        let whole = run(spec)
        let other = run(Self.spec(data.digest(), order: 9)).checkpoints[1]
        let store = try ArtifactStore(folder: folder + "/store")
        let noise = try store.put(bytes: Array("no safetensors".utf8))
        let gone = ArtifactNotice(name: "checkpoint", digest: Digest(of: "gone"), size: 1)
        for artifact in [
            other.artifact, ArtifactNotice(name: "checkpoint", digest: noise.digest, size: UInt64(noise.size)), gone,
        ] {
            let again = run(spec, from: artifact)
            #expect(again.result == whole.result)
            #expect(again.streamed == [1, 2, 3, 4], "the work is done again from its beginning")
        }
    }

    @Test func `a checkpoint says whose it is`() throws {
        let checkpoint = run(spec).checkpoints[0].artifact
        let store = try ArtifactStore(folder: folder + "/store")
        let file = try SafetensorsFile(contentsOf: store.path(of: checkpoint.digest))
        #expect(try CheckpointFile.decode(file, job: spec.id).records.map(\.epoch) == [1])
        #expect(throws: JobError.malformedInput(name: "checkpoint", reason: "it is of another job")) {
            try CheckpointFile.decode(file, job: JobID(Digest(of: "another")))
        }
        var metadata = file.metadata
        metadata["numeric_class"] = "engine-1/abacus"
        let foreign = try SafetensorsFile(bytes: SafetensorsWriter.encode([], metadata: metadata))
        let error = #expect(throws: JobError.self) { try CheckpointFile.decode(foreign, job: spec.id) }
        #expect(error?.errorDescription?.contains("engine-1/abacus") == true)
    }
}
