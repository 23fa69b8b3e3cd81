import ArgumentParser
import Artifacts
import Foundation
import Jobs
import Networks
import Tensors

extension Architecture: ExpressibleByArgument {}

struct EngineCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "engine", abstract: "Check the training engine.", subcommands: [Step.self])

    struct Step: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "step", abstract: "A few training steps on given numbers, for checking against another framework.",
            discussion: """
                BATCH holds `images` [N, C, H, W] and `labels` [N] (for mixup also `second_labels` [N] and `share` [1]). Every step sees \
                the same batch; nothing is augmented or dropped out. OUTPUT holds `losses` [steps], of the first step `logits` and \
                `gradients.NAME`, and `state.NAME` after the last.
                """)

        @Option(help: "The architecture: \(Architecture.allCases.map(\.rawValue).joined(separator: ", ")).")
        var model: Architecture

        @Option(help: ArgumentHelp("The state_dict to start from, as safetensors.", valueName: "file"))
        var weights: String

        @Option(help: ArgumentHelp("The batch, as safetensors.", valueName: "file"))
        var batch: String

        @Option(help: "Steps, 1 to 10000.")
        var steps = 1

        @Option(help: "SGD's learning rate.")
        var learningRate = 0.01

        @Option(help: "SGD's momentum.")
        var momentum = 0.9

        @Option(help: "SGD's weight decay.")
        var weightDecay = 1e-4

        @Flag(help: "Nesterov's momentum.")
        var nesterov = false

        @Option(help: "Threads; they change the speed and never a bit.")
        var threads = 1

        @Option(name: [.short, .long], help: ArgumentHelp("Where the numbers go, as safetensors.", valueName: "file"))
        var output: String

        func validate() throws {
            guard (1...10_000).contains(steps) else { throw ValidationError("--steps \(steps): expected 1 to 10000") }
            guard (1...256).contains(threads) else { throw ValidationError("--threads \(threads): expected 1 to 256") }
            guard [learningRate, momentum, weightDecay].allSatisfy({ $0.isFinite && $0 >= 0 }) else {
                throw ValidationError("--learning-rate, --momentum and --weight-decay must be numbers from 0 up")
            }
        }

        func run() throws {
            try BLAS.setThreads(1)
            let step = EngineStep(
                architecture: model,
                sgd: SGDSettings(
                    learningRate: learningRate, momentum: momentum, weightDecay: weightDecay, nesterov: nesterov),
                steps: steps, threads: threads)
            let tensors = try step.run(
                weights: SafetensorsFile(contentsOf: weights), batch: SafetensorsFile(contentsOf: batch))
            let bytes = SafetensorsWriter.encode(tensors, metadata: ["numeric_class": NumericClass.current])
            try Data(bytes).write(to: URL(fileURLWithPath: output), options: .atomic)
        }
    }
}
