import Artifacts
import Coordination
import Datasets
import Digests
import Foundation
import Initializers
import Jobs
import Networks
import Studies
import Tensors
import Testing

/// Aligning, from weights in a store to the start of a training.
@Suite(.serialized) final class AlignJobTests {
    private let folder: String
    private let store: ArtifactStore
    private let runner = JobRunner(now: { .zero })
    private let model = ModelSpec(architecture: "custom-resnet18", classes: 10)
    private let shape = try! NetworkShape(architecture: .customResNet18, classes: 10, channels: 3, imageSize: 32)

    init() throws {
        folder = FileManager.default.temporaryDirectory.path + "/sower-align-\(UUID().uuidString)"
        store = try ArtifactStore(folder: folder + "/store")
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// A network as training could have left it.
    private func network(_ seed: UInt64) throws -> NetworkState {
        try NetworkStart.defaultState(shape: shape, seed: seed).state()
    }

    /// The same function with its filters elsewhere.
    private func shuffled(_ state: NetworkState, layers: Int, by step: Int) -> NetworkState {
        var state = state
        for (number, layer) in shape.permutableLayers[..<layers].enumerated() {
            let count = state[layer.weight]!.shape[0]
            state.permute(layer, by: (0..<count).map { ($0 * step + number) % count })
        }
        return state
    }

    private func inputs(_ states: [NetworkState]) throws -> [InputArtifact] {
        try states.enumerated().map { index, state in
            let reference = try store.put(bytes: StateDictFile.encode(state))
            return InputArtifact(
                job: JobID(Digest(of: "source \(index)")),
                artifact: ArtifactNotice(name: "weights", digest: reference.digest, size: UInt64(reference.size)))
        }
    }

    private func align(
        _ inputs: [InputArtifact], layers: Int, matching: MatchingSpec = .greedy, mean: MeanSpec = .filters,
        architecture: String = "custom-resnet18"
    ) -> RunnerResult {
        let spec = AlignSpec(
            sources: inputs.map(\.job), model: ModelSpec(architecture: architecture, classes: 10), layers: layers, matching: matching,
            mean: mean)
        return runner.run(
            RunnerRequest(spec: JobSpec.align(spec).canonicalJSON, datasetPath: "", storePath: store.folder, inputs: inputs)
        ) { _ in }
    }

    private func file(_ result: RunnerResult) throws -> InitializationFile {
        let artifact = try #require(result.artifacts.first, "\(result.outcome)")
        #expect(artifact.name == "initialization")
        return try InitializationFile(SafetensorsFile(contentsOf: store.path(of: artifact.digest)))
    }

    @Test(arguments: MatchingSpec.allCases, [1, 2, 4, 6])
    func `copies of one network with their filters elsewhere have its filters as their mean`(matching: MatchingSpec, layers: Int) throws {
        let first = try network(1)
        let inputs = try inputs([first, shuffled(first, layers: layers, by: 5), shuffled(first, layers: layers, by: 3)])
        let file = try file(align(inputs, layers: layers, matching: matching))
        for layer in shape.initializableLayers[..<layers] {
            let difference = zip(try file.filters(of: layer).values, first[layer.name]!.values).map { abs($0 - $1) }.max()!
            #expect(difference < 1e-6, "\(layer.name)")
        }
        #expect(throws: JobError.self) { try file.filters(of: shape.initializableLayers[layers]) }
    }

    @Test func `the first network decides the order, the mean is of filters or of unit filters`() throws {
        let states = try (1...3).map { try network($0) }
        let inputs = try inputs(states)
        let layer = shape.initializableLayers[0]
        let orders = try FilterMatching.optimal.orders(of: states.map { $0[layer.name]! })
        #expect(orders[0] == Array(0..<64))
        let size = layer.count / 64
        for mean in MeanSpec.allCases {
            let filters = try file(align(inputs, layers: 1, matching: .optimal, mean: mean)).filters(of: layer)
            for filter in [0, 17, 63] {
                let members = zip(states, orders).map { state, order in
                    state[layer.name]!.values[order[filter] * size..<(order[filter] + 1) * size].map(Double.init)
                }
                let lengths = members.map { mean == .filters ? 1 : $0.reduce(0) { $0 + $1 * $1 }.squareRoot() }
                for element in 0..<size {
                    let expected = (0..<3).reduce(0) { $0 + members[$1][element] / lengths[$1] } / 3
                    #expect(abs(Double(filters.values[filter * size + element]) - expected) < 1e-6)
                }
            }
        }
    }

    @Test func `the result is the same whenever it is made, and depends on the order of the networks`() throws {
        let inputs = try inputs((1...3).map { try network($0) })
        let result = align(inputs, layers: 2)
        #expect(align(inputs, layers: 2).artifacts == result.artifacts)
        #expect(align(inputs.reversed(), layers: 2).artifacts != result.artifacts)
    }

    @Test func `a training starts from the mean filters, and everything else has its default start`() throws {
        try SyntheticImages.write(to: folder + "/data", seed: 5, trainingPerClass: 2, testPerClass: 1)
        let data = try CIFAR100Folder(path: folder + "/data")
        let inputs = try inputs([network(1), network(2)])
        let align = JobSpec.align(
            AlignSpec(sources: inputs.map(\.job), model: model, layers: 2, matching: .greedy, mean: .filters))
        let aligned = self.align(inputs, layers: 2)
        // At this rate no weight moves.
        let training = JobSpec.train(
            TrainSpec(
                dataset: data.digest(), superclasses: [2, 7], model: model, start: .filters(of: align.id, layers: 2),
                recipe: RecipeSpec(
                    epochs: 1, batchSize: 16, learningRate: 1e-30, momentum: 0, weightDecay: 0, schedule: .constant, augmentation: .none),
                seeds: TrainSeeds(weights: 9, order: 2, augmentation: 3), keepsWeights: true))
        let result = runner.run(
            RunnerRequest(
                spec: training.canonicalJSON, datasetPath: data.path, storePath: store.folder,
                inputs: aligned.artifacts.map { InputArtifact(job: align.id, artifact: $0) })
        ) { _ in }
        let artifact = try #require(result.artifacts.first, "\(result.outcome)")
        let weights = try StateDictFile.decode(SafetensorsFile(contentsOf: store.path(of: artifact.digest))).state()
        let (means, rest) = (try file(aligned), try network(9))
        for (number, layer) in shape.initializableLayers.enumerated() {
            #expect(try weights[layer.name] == (number < 2 ? means.filters(of: layer) : rest[layer.name]), "\(layer.name)")
        }
        // Biases start at 0, where even such a rate leaves a trace.
        for name in ["bn1.weight", "layer1.0.bn1.weight", "layer1.0.bn2.weight", "fc.weight"] { #expect(weights[name] == rest[name]) }
    }

    @Test func `what cannot be aligned fails with its reason`() throws {
        func failure(_ result: RunnerResult) -> JobFailure? { if case .failed(let failure) = result.outcome { failure } else { nil } }
        let inputs = try inputs([network(1), network(2)])
        for layers in [0, -1, 7, 17, Int.max] { #expect(failure(align(inputs, layers: layers))?.reason == .specification, "\(layers)") }
        for architecture in ["resnet18", "vgg11", "resnet1001"] {
            #expect(failure(align(inputs, layers: 1, architecture: architecture))?.reason == .specification, "\(architecture)")
        }
        #expect(failure(align([], layers: 1))?.reason == .input)
        var other = try network(3)
        other["conv1.weight"] = Tensor(zeros: [64, 3, 5, 5])
        let wrong = failure(try align(self.inputs([network(1), other]), layers: 1))
        #expect(wrong?.reason == .input)
        #expect(wrong?.message.contains("conv1.weight has the shape [64, 3, 5, 5], expected [64, 3, 7, 7]") == true)
        var infinite = try network(4)
        infinite["layer1.0.conv1.weight"]!.values[700] = .nan
        #expect(failure(try align(self.inputs([network(1), infinite]), layers: 2))?.reason == .input)
    }
}
