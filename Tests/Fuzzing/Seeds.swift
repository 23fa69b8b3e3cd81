import Artifacts
import Coordination
import Foundation
import StudyFiles

/// Writes real examples as first inputs: one folder a target, in the folder that is the only argument.
@main
struct Seeds {
    static func main() throws {
        let root = URL(fileURLWithPath: CommandLine.arguments[1])
        func write(_ inputs: [[UInt8]], for target: String) throws {
            let folder = root.appendingPathComponent(target)
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            for (number, input) in inputs.enumerated() {
                try Data(input).write(to: folder.appendingPathComponent("seed-\(number)"))
            }
        }
        let frames = WireExamples.families.flatMap(\.frames)
        let stream = WireExamples.runnerMessages.flatMap { FrameSplitter.framed($0.frame) }
        // Heads with the chunks that follow them, where they are short.
        let heads: [any BlobHead] = WireExamples.requests + WireExamples.replies
        let chunks = heads.filter { (1...64).contains($0.payloadCount) }.map { $0.frame + [UInt8](repeating: 7, count: $0.payloadCount) }
        try write(frames + chunks + [stream], for: "frames")
        try write(sessions, for: "sessions")
        let files = Sample.tensors.map { SafetensorsWriter.encode([$0]) }
        try write([Sample.bytes, SafetensorsWriter.encode([])] + files, for: "safetensors")
        let builtIn = BuiltInStudies.names.map { BuiltInStudies.text(named: $0)! }
        try write((builtIn + studies).map { Array($0.utf8) }, for: "yaml")
    }

    /// Raw frames in the place of each event that takes one, and the ordinary course of a few jobs.
    private static var sessions: [[UInt8]] {
        func framed(_ code: Code, _ frames: [[UInt8]]) -> [UInt8] {
            frames.flatMap { [code.rawValue, 0, UInt8($0.count & 255), UInt8($0.count >> 8)] + $0 }
        }
        func script(_ steps: [(Code, [UInt8])]) -> [UInt8] { steps.flatMap { [$0.0.rawValue] + $0.1 } }
        let worker = framed(.workerFrame, WireExamples.worker.map(\.frame))
        let runner = framed(.runnerFrame, WireExamples.runnerMessages.map(\.frame))
        let coordinator = WireExamples.coordinator.map(\.frame).flatMap {
            [Code.coordinatorFrame.rawValue, UInt8($0.count & 255), UInt8($0.count >> 8)] + $0
        }
        // Two slots greet, are welcomed, given two jobs, run one to its end and report it.
        let course = script([
            (.toDispatcher, [0]), (.toSession, [0]), (.toSession, [1]), (.runnerEpoch, [0, 0]), (.runnerCheckpoint, [0, 0, 1]),
            (.transfer, [0]), (.runnerEnded, [0, 0, 1, 0]), (.transfer, [1]), (.toDispatcher, [1]), (.toDispatcher, [2]),
            (.toDispatcher, [3]), (.toSession, [3]), (.time, [2]), (.sessionTick, []), (.tick, []),
        ])
        let central = script([(.hello, [2, 0, 3, 0]), (.hello, [1, 3, 0, 0])])
        // One worker that finishes every job, first attempts all.
        let all = script((0..<16).map { (.result, [1, UInt8($0), 0, 0, 0, 1]) })
        let silence = script([(.time, [6]), (.tick, []), (.restart, []), (.tick, [])])
        return [worker, runner, coordinator, course, central + all, course + silence + course, central + silence + central + all]
    }

    /// What the built-in studies do not say.
    private static let studies = [
        """
        study: s
        data: {format: synthetic, seed: 3, training_per_class: 8, test_per_class: 4}
        model: {architecture: vgg11, image_size: 32}
        profile: published-code
        protocol: chained
        training: {learning_rate: 0.1, momentum: 0.9, nesterov: true, weight_decay: 1e-4, batch_size: 8,
          schedule: {kind: plateau, factor: 0.1, watch: training-loss, mode: min, patience: 3},
          augmentation: flip-crop, crop_padding: 4, mixup: 0.7}
        evaluation: {pairs: 2, replicates: 1, epochs: 1}
        arms: [random, {name: g, method: gabor, layers: 1}]

        """,
        """
        study: t
        data: {format: cifar100, path: data}
        model: lenet
        arms: [random, {name: mine, method: state-dict, path: a.safetensors, head: fresh}]
        --set training.schedule={kind: step, every: 3, factor: 0.5}
        --set arms.random.method=gabor
        --from-state-dict other=b.safetensors

        """,
        "a: &x [1, 2]\nb: *x\n", "? [a]\n: {b: \"\\u0041\", 'c': !!str d}\n---\n", "a: |\n  b\n  c\nd: >-\n  e\n",
        "\u{FEFF}%YAML 1.1\n--- []\n",
    ]
}
