import ArgumentParser
import Foundation
import Networks
import Tensors

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure this build on this machine.", subcommands: [Engine.self])

    struct Engine: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Training and inference speed of ResNet-18, on one core.")

        @Option(help: "Height and width of an image.")
        var imageSize = 32

        @Option(help: "Images a step.")
        var batch = 128

        @Option(help: "Steps measured.")
        var steps = 10

        func run() throws {
            BLAS.setThreads(1)
            guard (1...4096).contains(batch), (1...10_000).contains(steps) else {
                throw ValidationError("expected --batch 1 to 4096 and --steps 1 to 10000")
            }
            let shape = try NetworkShape(architecture: .resnet18, classes: 10, channels: 3, imageSize: imageSize)
            print(try JSONOutput.text(EngineBenchmark.run(shape: shape, batch: batch, steps: steps, now: MonotonicClock.now)))
        }
    }
}
