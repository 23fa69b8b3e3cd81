import Artifacts
import Coordination
import Foundation
import Initializers
import Jobs
import Networks
import Studies
import Tensors
import Testing

/// Starts as files for other programs.
final class InitializationExportTests {
    private let folder = FileManager.default.temporaryDirectory.path + "/sower-export-\(UUID().uuidString)"
    private let model = ModelSpec(architecture: "resnet18", classes: 10)
    private let store: ArtifactStore

    init() throws { store = try ArtifactStore(folder: folder + "/store") }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func write(_ start: StartSpec, seed: UInt64 = 4, inputs: [InputArtifact] = [], to name: String = "init.safetensors") throws
        -> SafetensorsFile
    {
        try InitializationExport.write(
            start, model: model, seed: seed, inputs: inputs, store: store, metadata: ["study": "example"], to: folder + "/" + name)
        return try SafetensorsFile(contentsOf: folder + "/" + name)
    }

    @Test func `sampled layers hold the codebook's kernels, the others the default start`() throws {
        let shape = try NetworkShape(architecture: .resnet18, classes: 10, channels: 3, imageSize: 32)
        let layers = shape.initializableLayers[..<2].map { layer in
            let side = layer.shape[2]
            let centres = Tensor(
                shape: [2, side, side], values: (0..<2 * side * side).map { Float($0) })
            return (layer: layer, centres: centres, assignment: (0..<layer.shape[0] * layer.shape[1]).map { UInt8($0 % 2) })
        }
        let sample = JobSpec.sample(SampleSpec(codebook: JobSpec.noop(NoopSpec(index: 1)).id, model: model, layers: 2, seed: 9)).id
        let bytes = InitializationFile.encode(layers, metadata: [:])
        let reference = try store.put(bytes: bytes)
        let input = InputArtifact(
            job: sample, artifact: ArtifactNotice(name: "initialization", digest: reference.digest, size: UInt64(reference.size)))
        let file = try write(.filters(of: sample, layers: 2), inputs: [input])

        #expect(Set(file.entries.map(\.name)) == Set(shape.parameters.map(\.name)), "torchvision's names")
        for parameter in shape.parameters where parameter.kind != .batchNormBatchCount {
            #expect(file.entry(parameter.name)?.shape == parameter.shape)
        }
        let sampled = try file.floats(layers[1].layer.name)
        #expect(Array(sampled[..<18]) == (0..<18).map { Float($0) })
        let rest = try #require(shape.parameters.first { $0.name == "fc.weight" })
        let seed = SeedDerivation(root: 4).seed("fc.weight")
        #expect(try file.floats("fc.weight") == NetworkStart.defaultTensor(rest, of: shape, seed: seed).values)
        #expect(file.metadata == ["format": "pt", "study": "example"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["init.safetensors", "store"])
    }

    @Test func `a start is a function of its seed`() throws {
        let first = try write(.random, seed: 1, to: "a"), again = try write(.random, seed: 1, to: "b"),
            other = try write(.random, seed: 2, to: "c")
        #expect(try first.floats("conv1.weight") == again.floats("conv1.weight"))
        #expect(try first.floats("conv1.weight") != other.floats("conv1.weight"))
    }

    @Test func `nothing is written over, and nothing half`() throws {
        _ = try write(.random)
        #expect(throws: InitializationExport.Failure.exists(path: folder + "/init.safetensors")) { try write(.random) }
        #expect(throws: InitializationExport.Failure.notWritten(path: folder + "/no/such", reason: "No such file or directory")) {
            try write(.random, to: "no/such")
        }
        let absent = JobSpec.noop(NoopSpec(index: 2)).id
        #expect(throws: JobError.missingInput(absent, name: "initialization")) {
            try write(.filters(of: absent, layers: 2), to: "absent")
        }
        #expect(!FileManager.default.fileExists(atPath: folder + "/absent"))
    }
}
