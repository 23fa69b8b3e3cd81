import Artifacts
import Coordination
import Datasets
import Digests
import Foundation
import Jobs
import Networks
import Studies
import Tensors
import Testing

/// Trainings that start from a `state_dict` file, from the file's job to the trained weights: LeNet on a small synthetic set.
@Suite(.serialized) final class FileStartTests {
    private let folder: String
    private let data: CIFAR100Folder
    private let store: ArtifactStore
    private let runner = JobRunner(now: { .zero })

    init() throws {
        folder = FileManager.default.temporaryDirectory.path + "/sower-files-\(UUID().uuidString)"
        try SyntheticImages.write(to: folder + "/data", seed: 5, trainingPerClass: 2, testPerClass: 1)
        data = try CIFAR100Folder(path: folder + "/data")
        store = try ArtifactStore(folder: folder + "/store")
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func shape(classes: Int) throws -> NetworkShape {
        try NetworkShape(architecture: .lenet, classes: classes, channels: 3, imageSize: 32)
    }

    private func run(_ spec: JobSpec, inputs: [InputArtifact] = []) -> RunnerResult {
        runner.run(
            RunnerRequest(spec: spec.canonicalJSON, datasetPath: data.path, storePath: store.folder, inputs: inputs)
        ) { _ in }
    }

    private func failure(_ result: RunnerResult) throws -> JobFailure {
        guard case .failed(let failure) = result.outcome else {
            Issue.record("the outcome is \(result.outcome)")
            throw CancellationError()
        }
        return failure
    }

    /// Puts a file into the store, as `sower run` does.
    private func put(_ bytes: [UInt8]) throws -> JobSpec {
        let reference = try store.put(bytes: bytes)
        return .file(FileSpec(digest: reference.digest, size: reference.size))
    }

    /// What a training that starts from `state` gives; at this rate its weights stay as they were.
    private func train(from state: NetworkState, head: HeadSpec) throws -> RunnerResult {
        let file = try put(StateDictFile.encode(state))
        let vouched = run(file)
        #expect(vouched.outcome == .finished)
        let spec = TrainSpec(
            dataset: data.digest(), superclasses: [2, 7],
            model: ModelSpec(architecture: "lenet", classes: 10), start: .weights(of: file.id, head: head),
            recipe: RecipeSpec(
                epochs: 1, batchSize: 8, learningRate: 1e-30, momentum: 0, weightDecay: 0, schedule: .constant,
                augmentation: .none),
            seeds: TrainSeeds(weights: 1, order: 2, augmentation: 3), keepsWeights: true)
        return run(.train(spec), inputs: vouched.artifacts.map { InputArtifact(job: file.id, artifact: $0) })
    }

    private func trained(_ result: RunnerResult) throws -> NetworkState {
        #expect(result.outcome == .finished)
        let artifact = try #require(result.artifacts.first)
        return try StateDictFile.decode(SafetensorsFile(contentsOf: store.path(of: artifact.digest))).state()
    }

    @Test func `a file's job vouches for its bytes under the name that trainings read`() throws {
        let bytes = StateDictFile.encode(try NetworkStart.defaultState(shape: shape(classes: 10), seed: 9).state())
        let result = run(try put(bytes))
        #expect(result.outcome == .finished)
        #expect(result.epochs.isEmpty)
        #expect(result.artifacts == [ArtifactNotice(name: "weights", digest: Digest(of: bytes), size: UInt64(bytes.count))])
    }

    @Test func `a training starts from every tensor of the file`() throws {
        let state = try NetworkStart.defaultState(shape: shape(classes: 10), seed: 9).state()
        let result = try trained(train(from: state, head: .keep))
        #expect(result.entries.count == 8)
        for entry in state.entries { #expect(result[entry.name] == state[entry.name], "\(entry.name)") }
    }

    @Test func `with a fresh head a file of another class count gives all but the classifier`() throws {
        let other = try NetworkStart.defaultState(shape: shape(classes: 7), seed: 9).state()
        let result = try trained(train(from: other, head: .fresh))
        for name in ["conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias", "ip1.weight", "ip1.bias"] {
            #expect(result[name] == other[name], "\(name)")
        }
        let fresh = try NetworkStart.defaultState(shape: shape(classes: 10), seed: 1).state()
        for name in ["ip2.weight", "ip2.bias"] { #expect(result[name] == fresh[name], "\(name)") }
        // Nor does the file need one.
        var headless = other
        (headless["ip2.weight"], headless["ip2.bias"]) = (nil, nil)
        #expect(try trained(train(from: headless, head: .fresh)) == result)
    }

    @Test func `a tensor that is missing, unknown or of another shape is named`() throws {
        let state = try NetworkStart.defaultState(shape: shape(classes: 10), seed: 9).state()
        func message(_ head: HeadSpec, _ change: (inout NetworkState) throws -> Void) throws -> String {
            var changed = state
            try change(&changed)
            let failure = try failure(train(from: changed, head: head))
            #expect(failure.reason == .input)
            return failure.message
        }
        for head in HeadSpec.allCases {
            #expect(try message(head) { $0["conv2.bias"] = nil }.contains("conv2.bias"))
            #expect(try message(head) { $0["extra.weight"] = Tensor(zeros: [1]) }.contains("extra.weight"))
            #expect(try message(head) { $0["conv1.weight"] = Tensor(zeros: [20, 1, 5, 5]) }.contains("conv1.weight"))
        }
        #expect(try message(.keep) { $0 = try NetworkStart.defaultState(shape: shape(classes: 7), seed: 9).state() }.contains("ip2"))
    }

    @Test func `a file that the store lacks fails with the remedy, and is not tried again`() throws {
        let lost = try failure(run(.file(FileSpec(digest: Digest(of: "lost"), size: 4))))
        #expect(lost.reason == .data)
        #expect(lost.message.contains(Digest(of: "lost").description) && lost.message.contains("sower run"))
        #expect(RetryPolicy().decision(for: lost, crashes: 0, isTriedEverywhere: true) == .giveUp)
        let reference = try store.put(bytes: [1, 2, 3])
        #expect(try failure(run(.file(FileSpec(digest: reference.digest, size: 4)))).reason == .data)
        #expect(try failure(run(.file(FileSpec(digest: reference.digest, size: -3)))).reason == .data)
    }

    @Test func `bytes that changed, or are no safetensors, are refused`() throws {
        #expect(try failure(run(put([1, 2, 3]))).reason == .input)
        let file = try put(StateDictFile.encode(try NetworkStart.defaultState(shape: shape(classes: 10), seed: 9).state()))
        guard case .file(let spec) = file else { return }
        let path = store.path(of: spec.digest)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        try handle.seek(toOffset: UInt64(spec.size - 1))
        try handle.write(contentsOf: Data([0x55]))
        try handle.close()
        #expect(try failure(run(file)).message.contains("expected \(spec.digest)"))
    }
}
