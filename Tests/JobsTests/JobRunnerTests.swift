import Artifacts
import Coordination
import Datasets
import Digests
import Foundation
import Jobs
import Networks
import Studies
import Testing

/// Jobs on a small synthetic set, run in this process as a runner runs them.
@Suite(.serialized) final class JobRunnerTests {
    private let folder: String
    private let data: CIFAR100Folder
    private let digest: Digest
    private let runner = JobRunner(now: { .zero })

    init() throws {
        folder = FileManager.default.temporaryDirectory.path + "/sower-jobs-\(UUID().uuidString)"
        try SyntheticImages.write(to: folder + "/data", seed: 5, trainingPerClass: 4, testPerClass: 2)
        data = try CIFAR100Folder(path: folder + "/data")
        digest = data.digest()
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private let model = ModelSpec(architecture: "resnet18", classes: 10)

    private func trainSpec(start: StartSpec, epochs: Int = 1, learningRate: Double = 0.01, keeps: Bool = true) -> TrainSpec {
        TrainSpec(
            dataset: digest, superclasses: [2, 7], model: model, start: start,
            recipe: RecipeSpec(
                epochs: epochs, batchSize: 16, learningRate: learningRate, momentum: 0.9, weightDecay: 1e-4,
                schedule: .plateau(watch: .validationAccuracy, mode: .max, factor: 0.5, patience: 5),
                augmentation: .flipAndRotation(degrees: 15)),
            seeds: TrainSeeds(weights: 1, order: 2, augmentation: 3), keepsWeights: keeps)
    }

    private func run(_ spec: JobSpec, inputs: [InputArtifact] = [], store: String = "store") -> RunnerResult {
        runner.run(
            RunnerRequest(spec: spec.canonicalJSON, datasetPath: data.path, storePath: folder + "/" + store, inputs: inputs)
        ) { _ in }
    }

    private func artifacts(of spec: JobSpec, _ result: RunnerResult) -> [InputArtifact] {
        result.artifacts.map { InputArtifact(job: spec.id, artifact: $0) }
    }

    private func state(_ artifact: ArtifactNotice) throws -> NetworkState {
        let store = try ArtifactStore(folder: folder + "/store")
        return try StateDictFile.decode(SafetensorsFile(contentsOf: store.path(of: artifact.digest))).state()
    }

    @Test func `a training gives an epoch record an epoch and a state dict with torchvision's names`() throws {
        let result = run(.train(trainSpec(start: .random, epochs: 2)))
        #expect(result.outcome == .finished)
        #expect(result.epochs.map(\.epoch) == [1, 2])
        #expect(result.epochs.allSatisfy { $0.images == 40 && $0.trainingLoss > 0 && $0.learningRate == 0.01 })
        #expect(
            result.epochs.allSatisfy {
                ($0.trainingAccuracy...100).contains($0.trainingTop5Accuracy)
                    && ($0.validationAccuracy...100).contains($0.validationTop5Accuracy)
            })
        let weights = try state(try #require(result.artifacts.first))
        let shape = try NetworkShape(architecture: .resnet18, classes: 10, channels: 3, imageSize: 32)
        #expect(Set(weights.entries.map(\.name)) == Set(shape.parameters.map(\.name)))
        #expect(weights["layer3.0.downsample.0.weight"]?.shape == [256, 128, 1, 1])
    }

    @Test func `the same specification gives the same bits in another runner and another store`() throws {
        let spec = JobSpec.train(trainSpec(start: .gabor(layers: 6), epochs: 2))
        let first = run(spec)
        let second = JobRunner(now: { .seconds(9) }).run(
            RunnerRequest(spec: spec.canonicalJSON, datasetPath: data.path, storePath: folder + "/elsewhere", inputs: [])
        ) { _ in }
        #expect(first.artifacts == second.artifacts)
        #expect(first.epochs.map(\.trainingLoss) == second.epochs.map(\.trainingLoss))
        #expect(first.epochs.map(\.validationLoss) == second.epochs.map(\.validationLoss))
    }

    @Test func `clustering and sampling give a start whose kernels are the codebook's centres`() throws {
        let sources = [StartSpec.random, .gabor(layers: 1)].map { JobSpec.train(trainSpec(start: $0)) }
        let inputs = sources.flatMap { artifacts(of: $0, run($0)) }
        for distance in DistanceSpec.allCases {
            let cluster = JobSpec.cluster(
                ClusterSpec(sources: sources.map(\.id), model: model, layers: 17, distance: distance, clusters: 3, seed: 11))
            let clustered = run(cluster, inputs: inputs)
            #expect(clustered.outcome == .finished)
            let sample = JobSpec.sample(SampleSpec(codebook: cluster.id, model: model, layers: 17, seed: 12))
            let sampled = run(sample, inputs: artifacts(of: cluster, clustered))
            let artifact = try #require(sampled.artifacts.first)
            // Codebook and assignment, not the filters themselves: a byte a kernel, 45 MB would be the filters' size.
            #expect(artifact.size < 1_400_000)

            let shape = try NetworkShape(architecture: .resnet18, classes: 10, channels: 3, imageSize: 32)
            let store = try ArtifactStore(folder: folder + "/store")
            let file = try InitializationFile(SafetensorsFile(contentsOf: store.path(of: artifact.digest)))
            let codebooks = try CodebookFile(
                SafetensorsFile(contentsOf: store.path(of: try #require(clustered.artifacts.first).digest)))
            for layer in [shape.initializableLayers[0], shape.initializableLayers[16]] {
                let filters = try file.filters(of: layer)
                #expect(filters.shape == layer.shape)
                let area = layer.shape[2] * layer.shape[3]
                let kernels = Set(stride(from: 0, to: filters.count, by: area).map { Array(filters.values[$0..<$0 + area]) })
                let centres = try codebooks.codebook(of: layer.name).centres.values
                let known = Set(stride(from: 0, to: centres.count, by: area).map { Array(centres[$0..<$0 + area]) })
                #expect(kernels.isSubset(of: known) && !kernels.isEmpty)
            }
            let evaluated = run(
                .train(trainSpec(start: .filters(of: sample.id, layers: 17), keeps: false)), inputs: artifacts(of: sample, sampled))
            #expect(evaluated.outcome == .finished)
            #expect(evaluated.artifacts.isEmpty)
        }
    }

    @Test func `a chain's next link goes on from the weights of the one before`() throws {
        let first = JobSpec.train(trainSpec(start: .random))
        let made = run(first)
        // No step is taken at a rate of zero, so what comes out is what went in (batch norm's statistics apart).
        let next = JobSpec.train(trainSpec(start: .weights(of: first.id), learningRate: 1e-30))
        let result = run(next, inputs: artifacts(of: first, made))
        let (before, after) = (try state(try #require(made.artifacts.first)), try state(try #require(result.artifacts.first)))
        for name in ["conv1.weight", "layer4.1.conv2.weight", "fc.weight", "fc.bias"] { #expect(before[name] == after[name]) }
    }

    @Test func `a loss that explodes is a diverged result`() {
        let result = run(.train(trainSpec(start: .random, epochs: 3, learningRate: 1e20)))
        guard case .diverged(let epoch, let step) = result.outcome else {
            Issue.record("the outcome is \(result.outcome)")
            return
        }
        #expect(epoch >= 1 && step >= 1)
        #expect(result.artifacts.isEmpty)
    }

    @Test func `what cannot be run fails with its reason`() throws {
        func failure(_ result: RunnerResult) -> JobFailure? { if case .failed(let failure) = result.outcome { failure } else { nil } }
        var other = trainSpec(start: .random)
        other.dataset = Digest(of: "another data set")
        #expect(failure(run(.train(other)))?.reason == .data)
        var unknown = trainSpec(start: .random)
        unknown.model.architecture = "resnet1001"
        #expect(failure(run(.train(unknown)))?.reason == .specification)
        var few = trainSpec(start: .random)
        few.superclasses = [3]
        #expect(failure(run(.train(few)))?.reason == .input)
        let orphan = failure(run(.train(trainSpec(start: .weights(of: JobID(Digest(of: "nobody")))))))
        #expect(orphan?.reason == .input)
        #expect(orphan?.message.contains("was not delivered") == true)
        let missing = runner.run(
            RunnerRequest(
                spec: JobSpec.train(trainSpec(start: .random)).canonicalJSON, datasetPath: folder + "/nowhere",
                storePath: folder + "/store", inputs: [])
        ) { _ in }
        #expect(failure(missing)?.reason == .data)
        let garbage = runner.run(
            RunnerRequest(spec: Array("{}".utf8), datasetPath: data.path, storePath: folder + "/store", inputs: [])
        ) { _ in }
        #expect(failure(garbage)?.reason == .specification)
    }

    @Test(arguments: [true, false]) func `an input that has changed on the disk is refused by name and set aside`(isCut: Bool) throws {
        let source = JobSpec.train(trainSpec(start: .random))
        let made = run(source)
        let store = try ArtifactStore(folder: folder + "/store")
        let path = store.path(of: try #require(made.artifacts.first).digest)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
        var changed = isCut ? bytes.prefix(bytes.count / 2) : bytes
        changed[changed.count - 1] ^= 1
        try changed.write(to: URL(fileURLWithPath: path))
        let result = run(.train(trainSpec(start: .weights(of: source.id))), inputs: artifacts(of: source, made))
        guard case .failed(let failure) = result.outcome else {
            Issue.record("the outcome is \(result.outcome)")
            return
        }
        #expect(failure.reason == .input)
        #expect(failure.message.hasPrefix("the artifact weights of job \(source.id.short) has changed on the disk"))
        // The next attempt fetches it anew.
        #expect(!FileManager.default.fileExists(atPath: path))
    }
}
