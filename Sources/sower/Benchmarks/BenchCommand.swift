import ArgumentParser
import Foundation
import Networks
import Processes
import Tensors

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure this build on this machine.",
        subcommands: [Engine.self, Blobs.self, BenchDispatchCommand.self, BenchKMeansCommand.self, BenchLedgerCommand.self])

    struct Engine: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "engine", abstract: "Training and inference speed of the engine.",
            discussion: """
                Each case runs in a process of its own, on made-up images. The limit is the time OpenBLAS's sgemm (2048×2048, measured in \
                the same process, with as many threads) would need for the multiplications on live data.
                """)

        @Option(help: "One architecture; the default is every standard case.")
        var model: Architecture?

        @Option(help: "Height and width of an image, in pixels.")
        var imageSize: Int?

        @Option(help: "Images a step.")
        var batch: Int?

        @Option(help: "Steps measured of training and of inference; the default is three seconds of each.")
        var steps: Int?

        @Option(help: "Threads of the engine.")
        var threads = 1

        @OptionGroup var output: OutputOptions

        @Flag(help: .hidden)
        var inThisProcess = false

        func validate() throws {
            guard (1...4096).contains(batch ?? 1), (1...10_000).contains(steps ?? 1), (1...256).contains(threads) else {
                throw ValidationError("expected --batch 1 to 4096, --steps 1 to 10000 and --threads 1 to 256")
            }
            guard model != nil || (imageSize == nil && batch == nil) else {
                throw ValidationError("--image-size and --batch need --model")
            }
        }

        func run() throws {
            guard !inThisProcess else {
                try measure()
                return
            }
            let cases = try (model.map { [EngineCase($0, imageSize: imageSize, batch: batch)] } ?? EngineCase.standard).map(runChild)
            let report = EngineReport(numericClass: cases[0].numericClass, cases: cases.map(\.measurement))
            switch output.outputMode {
            case .json: print(try JSONOutput.text(report))
            case .cli: print(report.text)
            case .quiet: break
            }
        }

        /// Measures one case here, and prints it as JSON.
        private func measure() throws {
            guard let model else { throw ValidationError("--in-this-process needs --model") }
            try BLAS.setThreads(threads)
            let chosen = EngineCase(model, imageSize: imageSize, batch: batch)
            let shape = try NetworkShape(
                architecture: model, classes: 10, channels: model.usualChannels, imageSize: chosen.imageSize)
            let result = try EngineBenchmark.run(
                shape: shape, batch: chosen.batch, steps: steps, threads: threads, now: MonotonicClock.now)
            // Memory first: sgemm's matrices are not the engine's.
            let memory = ProcessMemory.peakMegabytes
            let sgemm = EngineBenchmark.sgemmOperationsPerSecond(now: MonotonicClock.now)
            let limit = result.operationsPerStep / sgemm
            let batch = Double(chosen.batch)
            print(
                try JSONOutput.text(
                    EngineMeasured(
                        numericClass: result.numericClass,
                        measurement: EngineReport.Case(
                            architecture: model.rawValue, imageSize: chosen.imageSize, channels: shape.channels,
                            batch: chosen.batch, threads: threads,
                            trainingImagesPerSecond: batch / result.secondsPerTrainingStep,
                            inferenceImagesPerSecond: batch / result.secondsPerInferenceStep,
                            millisecondsPerStep: 1000 * result.secondsPerTrainingStep,
                            split: Dictionary(uniqueKeysWithValues: result.split.map { ($0.key.rawValue, $0.value) }),
                            sgemmKernels: BLAS.coreName, liveGigaflopsPerStep: result.operationsPerStep / 1e9,
                            sgemmGigaflopsPerSecond: sgemm / 1e9,
                            liveLimitMilliseconds: 1000 * limit, timesLiveLimit: result.secondsPerTrainingStep / limit,
                            peakMemoryMegabytes: memory))))
        }

        private func runChild(_ chosen: EngineCase) throws -> EngineMeasured {
            var arguments = [
                "bench", "engine", "--in-this-process", "--model", chosen.model.rawValue, "--image-size",
                "\(chosen.imageSize)", "--batch", "\(chosen.batch)", "--threads", "\(threads)",
            ]
            if let steps { arguments += ["--steps", "\(steps)"] }
            var environment = ProcessInfo.processInfo.environment
            environment["OPENBLAS_NUM_THREADS"] = "\(threads)"
            let text = try OneShotProcess.output(of: Executable.path, arguments: arguments, environment: environment)
            return try JSONDecoder().decode(EngineMeasured.self, from: Data(text.utf8))
        }
    }
}

/// What is measured.
struct EngineCase {
    var model: Architecture
    var imageSize: Int
    var batch: Int

    init(_ model: Architecture, imageSize: Int? = nil, batch: Int? = nil) {
        self.model = model
        self.imageSize = imageSize ?? model.usualImageSize
        self.batch = batch ?? model.usualBatch
    }

    static let standard =
        Architecture.allCases.map { EngineCase($0) } + [EngineCase(.resnet18, imageSize: 64)]
}

/// The measurement of one case, from the process that made it.
struct EngineMeasured: Codable {
    var numericClass: String
    var measurement: EngineReport.Case
}

/// The benchmark's JSON.
struct EngineReport: Codable {
    struct Case: Codable {
        var architecture: String
        var imageSize, channels, batch, threads: Int
        var trainingImagesPerSecond, inferenceImagesPerSecond, millisecondsPerStep: Double
        /// Mean milliseconds a training step spends in each kind of work.
        var split: [String: Double]
        /// The kernels OpenBLAS has chosen, or was told to: the limit depends on them.
        var sgemmKernels: String
        var liveGigaflopsPerStep, sgemmGigaflopsPerSecond, liveLimitMilliseconds, timesLiveLimit: Double
        var peakMemoryMegabytes: Double
    }

    var version = 1
    var kind = "engine-benchmark"
    var numericClass: String
    var cases: [Case]

    /// A line a case, for people.
    var text: String {
        func row(_ fields: [String]) -> String {
            zip(fields, [18, 5, 6, 12, 12, 9, 9, 8]).enumerated().map { index, field in
                let padding = String(repeating: " ", count: max(0, field.1 - field.0.count))
                return index == 0 ? field.0 + padding : padding + field.0
            }.joined(separator: "  ")
        }
        let rows = cases.map { one in
            row([
                one.architecture, "\(one.imageSize)", "\(one.batch)", String(format: "%.0f", one.trainingImagesPerSecond),
                String(format: "%.0f", one.inferenceImagesPerSecond), String(format: "%.1f", one.millisecondsPerStep),
                String(format: "%.2f×", one.timesLiveLimit), String(format: "%.0f", one.peakMemoryMegabytes),
            ])
        }
        let split = cases.map { one in
            "  \(one.architecture) \(one.imageSize) px: "
                + one.split.sorted { $0.value > $1.value }.map { "\($0.key) \(String(format: "%.1f", $0.value))" }.joined(separator: ", ")
        }
        let limits = Set(cases.map(\.sgemmKernels)).sorted().joined(separator: ", ")
        return
            ([
                row(["architecture", "px", "batch", "train img/s", "infer img/s", "ms/step", "of limit", "peak MB"])
            ] + rows + ["limit: OpenBLAS's sgemm with its \(limits) kernels", "milliseconds a training step:"] + split).joined(
                separator: "\n")
    }
}

extension Architecture {
    /// The batch of the study that uses it.
    var usualBatch: Int { self == .vgg11 || self == .lenet ? 64 : 128 }
}
