import Artifacts
import Foundation
import Jobs
import Networks
import Tensors
import Testing

@Suite struct StateDictFileTests {
    private static let state = NetworkState(entries: [
        NetworkState.Entry(name: "conv1.weight", tensor: Tensor(shape: [1, 1, 2, 2], values: [1, -2.5, 0, 0.1])),
        NetworkState.Entry(name: "bn1.num_batches_tracked", value: .integer(7)),
        NetworkState.Entry(name: "fc.bias", tensor: Tensor(shape: [2], values: [0.5, -0.25])),
    ])

    @Test func `a state is read back as it was written`() throws {
        let file = try SafetensorsFile(bytes: StateDictFile.encode(Self.state, metadata: ["format": "pt"]))
        #expect(file.metadata == ["format": "pt"])
        let decoded = try StateDictFile.decode(file).state()
        #expect(decoded.entries.sorted { $0.name < $1.name } == Self.state.entries.sorted { $0.name < $1.name })
    }

    @Test func `weights of any float type and counts of 32 bits are a state`() throws {
        let half: Float = 0.0999755859375
        let brain: Float = 0.10009765625
        let values: [Float] = [1, -2.5, 0, 0.1]
        let weights = [
            (SafetensorsTensor(name: "w", shape: [2, 2], float16s: values), half),
            (SafetensorsTensor(name: "w", shape: [2, 2], bfloat16s: values), brain),
            (SafetensorsTensor(name: "w", shape: [2, 2], doubles: [1, -2.5, 0, 0.1]), 0.1),
        ]
        for (tensor, tenth) in weights {
            let count = SafetensorsTensor(name: "n", dtype: .int32, shape: [], bytes: [0xFF, 0x01, 0, 0])
            let state = try StateDictFile.decode(SafetensorsFile(bytes: SafetensorsWriter.encode([tensor, count]))).state()
            #expect(state["w"] == Tensor(shape: [2, 2], values: [1, -2.5, 0, tenth]))
            #expect(state.entries.first { $0.name == "n" }?.value == .integer(511))
        }
    }

    @Test func `a tensor that is neither weights nor a count is an error that names it`() throws {
        let tensors = [
            SafetensorsTensor(name: "x", shape: [2], int64s: [1, 2]), SafetensorsTensor(name: "x", shape: [], uint8s: [1]),
            SafetensorsTensor(name: "x", shape: [1], doubles: [1e300]),
        ]
        for tensor in tensors {
            let file = try SafetensorsFile(bytes: SafetensorsWriter.encode([tensor]))
            let error = #expect(throws: SafetensorsError.self) { try StateDictFile.decode(file).state() }
            #expect(error?.errorDescription?.contains("the tensor \"x\"") == true)
        }
    }

    @Test func `a network is written to a store in pieces with the bytes of its whole state`() throws {
        let folder = NSTemporaryDirectory() + "sower-state-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = try ArtifactStore(folder: folder)
        for architecture in Architecture.allCases where architecture != .vgg11 {
            let shape = try NetworkShape(architecture: architecture, classes: 3, channels: 1, imageSize: 32)
            let network = Network(shape: shape, maximumBatch: 1)
            try network.load(NetworkStart.defaultState(shape: shape, seed: 7))
            let reference = try StateDictFile.put(network, into: store, metadata: ["format": "pt"])
            #expect(try store.bytes(of: reference.digest) == StateDictFile.encode(network.state(), metadata: ["format": "pt"]))
        }
    }
}
