import Artifacts
import Foundation
import Networks
import Tensors

/// A few training steps on given numbers, for checking the engine against another framework.
///
/// In: a `state_dict`, and a batch with `images` `[N, C, H, W]` and `labels` `[N]` (and, for mixed images, `second_labels`
/// `[N]` and `share`, the weight of the first, one number). Every step sees the same batch; nothing is augmented, nothing
/// dropped out.
///
/// Out: `losses` `[steps]`, the mean loss before each update; `logits` `[N, classes]` and `gradients.NAME` of the first
/// step; `state.NAME`, parameters and buffers after the last.
package struct EngineStep {
    package var architecture: Architecture
    package var sgd: SGDSettings
    package var steps: Int
    package var threads: Int

    package init(architecture: Architecture, sgd: SGDSettings, steps: Int, threads: Int) {
        self.architecture = architecture
        self.sgd = sgd
        self.steps = steps
        self.threads = threads
    }

    /// Errors: those of reading the files; ``EngineStepError`` where a batch is none; those of loading the state.
    package func run(weights: SafetensorsFile, batch file: SafetensorsFile) throws -> [SafetensorsTensor] {
        let state = StateDictFile.decode(weights)
        let images = try tensor("images", of: file)
        guard images.shape.count == 4, images.shape[0] > 0, images.shape[2] == images.shape[3] else {
            throw EngineStepError(tensor: "images", reason: "shape \(images.shape), expected [N, C, H, H]")
        }
        let count = images.shape[0]
        let shape = try NetworkShape(
            architecture: architecture, classes: classes(in: state), channels: images.shape[1], imageSize: images.shape[2])
        let batch = Batch(shape: shape, capacity: count)
        let labels = try labels("labels", of: file, count: count, classes: shape.classes)
        let second =
            file.entry("second_labels") == nil
            ? nil : try self.labels("second_labels", of: file, count: count, classes: shape.classes)
        batch.set(images, labels: labels, second: second, share: second == nil ? 1 : try share(file))

        let network = Network(shape: shape, maximumBatch: count, threads: ThreadTeam(count: threads))
        try network.load(state)
        var losses: [Double] = []
        var output: [SafetensorsTensor] = []
        for step in 0..<steps {
            losses.append(network.computeGradients(batch).lossSum / Double(count))
            if step == 0 {
                let logits = network.logits(count: count)
                output.append(SafetensorsTensor(name: "logits", shape: logits.shape, floats: logits.values))
                output += tensors(network.gradients, prefix: "gradients.")
            }
            network.update(sgd, learningRate: sgd.learningRate)
        }
        output.append(SafetensorsTensor(name: "losses", shape: [steps], doubles: losses))
        return output + tensors(network.state(), prefix: "state.")
    }

    /// The rows of the last linear layer.
    private func classes(in state: DeferredState) throws -> Int {
        let any = try NetworkShape(
            architecture: architecture, classes: 2, channels: 3, imageSize: architecture.usualImageSize)
        let head = any.parameters.last { $0.kind == .linearWeight }!.name
        guard let rows = state.entries.first(where: { $0.name == head })?.shape?.first else {
            throw EngineStepError(tensor: head, reason: "the weights have no such tensor, \(architecture.rawValue) has")
        }
        return rows
    }

    private func tensor(_ name: String, of file: SafetensorsFile) throws -> Tensor {
        guard let entry = file.entry(name) else {
            throw EngineStepError(tensor: name, reason: "the batch has none")
        }
        return Tensor(shape: entry.shape, values: try file.floats(name))
    }

    private func labels(_ name: String, of file: SafetensorsFile, count: Int, classes: Int) throws -> [Int] {
        guard let entry = file.entry(name) else {
            throw EngineStepError(tensor: name, reason: "the batch has none")
        }
        guard entry.shape == [count] else {
            throw EngineStepError(tensor: name, reason: "shape \(entry.shape), expected [\(count)], one an image")
        }
        return try file.int64s(name).map { label in
            guard (0..<Int64(classes)).contains(label) else {
                throw EngineStepError(tensor: name, reason: "label \(label), expected 0 to \(classes - 1)")
            }
            return Int(label)
        }
    }

    private func share(_ file: SafetensorsFile) throws -> Float {
        let values = try tensor("share", of: file).values
        guard values.count == 1, (0...1).contains(values[0]) else {
            throw EngineStepError(tensor: "share", reason: "\(values.prefix(4)), expected one number from 0 to 1")
        }
        return values[0]
    }

    private func tensors(_ state: NetworkState, prefix: String) -> [SafetensorsTensor] {
        state.entries.map { entry in
            switch entry.value {
            case .float(let tensor):
                SafetensorsTensor(name: prefix + entry.name, shape: tensor.shape, floats: tensor.values)
            case .integer(let count): SafetensorsTensor(name: prefix + entry.name, shape: [], int64s: [count])
            }
        }
    }
}

/// Why numbers cannot be stepped on.
package struct EngineStepError: Error, Equatable, LocalizedError {
    package var tensor: String
    package var reason: String

    package var errorDescription: String? { "the tensor \(tensor): \(reason)" }
    package var recoverySuggestion: String? { "`sower help engine step` says what the files hold." }
}
