import Digests
import Studies

// What a worker and its runner processes say to each other: frames with a 32-bit little-endian length before them, on
// the runner's standard input and output.

/// Worker → runner.
package struct RunnerRequest: Sendable, Equatable {
    package var spec: [UInt8]
    package var datasetPath: String
    /// The host's artifact store: inputs are read from it, outputs are published in it.
    package var storePath: String
    package var inputs: [InputArtifact]
    /// Where an earlier attempt at the job got to; in the store.
    package var checkpoint: ArtifactNotice?
    /// The least time between two checkpoints of a training; `nil` for none.
    package var checkpointSeconds: Double?
    /// Where the files of an external trainer lie.
    package var trainerPaths: [String]

    package init(
        spec: [UInt8], datasetPath: String, storePath: String, inputs: [InputArtifact], checkpoint: ArtifactNotice? = nil,
        checkpointSeconds: Double? = nil, trainerPaths: [String] = []
    ) {
        self.trainerPaths = trainerPaths
        self.spec = spec
        self.datasetPath = datasetPath
        self.storePath = storePath
        self.inputs = inputs
        self.checkpoint = checkpoint
        self.checkpointSeconds = checkpointSeconds
    }
}

/// Runner → worker.
package enum RunnerMessage: Sendable, Equatable {
    /// The runner's first words: which numeric class its results have.
    case ready(numericClass: String)
    case epoch(EpochMetrics)
    /// A checkpoint is in the host's store.
    case checkpoint(Checkpoint)
    case ended(RunnerResult)
}

package struct RunnerResult: Sendable, Equatable {
    package var outcome: AttemptOutcome
    package var epochs: [EpochMetrics]
    package var artifacts: [ArtifactNotice]
    package var seconds: Double
    /// Another than the runner's own: an external trainer's.
    package var numericClass: String?

    package init(
        outcome: AttemptOutcome, epochs: [EpochMetrics], artifacts: [ArtifactNotice], seconds: Double, numericClass: String? = nil
    ) {
        self.numericClass = numericClass
        self.outcome = outcome
        self.epochs = epochs
        self.artifacts = artifacts
        self.seconds = seconds
    }
}

extension RunnerRequest: WireCodable {
    package func encode(into writer: inout WireWriter) {
        writer.write(spec)
        writer.write(datasetPath)
        writer.write(storePath)
        writer.write(list: inputs) { writer, input in
            writer.write(input.job.digest)
            input.artifact.encode(into: &writer)
        }
        writer.write(optional: checkpoint) { $1.encode(into: &$0) }
        writer.write(optional: checkpointSeconds) { $0.write($1) }
        writer.write(list: trainerPaths) { $0.write($1) }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(
            spec: try reader.readBytes("specification", limit: Limits.specBytes),
            datasetPath: try reader.readText("data set path", limit: Limits.textBytes),
            storePath: try reader.readText("store path", limit: Limits.textBytes),
            inputs: try reader.readList("inputs", limit: Limits.inputsPerJob) { reader throws(WireError) in
                InputArtifact(job: JobID(try reader.readDigest()), artifact: try ArtifactNotice(from: &reader))
            },
            checkpoint: try reader.readOptional(ArtifactNotice.init(from:)),
            checkpointSeconds: try reader.readInterval("checkpoint interval"), trainerPaths: try reader.readTrainerPaths())
    }
}

extension RunnerMessage: WireCodable {
    package func encode(into writer: inout WireWriter) {
        switch self {
        case .ready(let numericClass):
            writer.write(UInt8(1))
            writer.write(numericClass)
        case .epoch(let metrics):
            writer.write(UInt8(2))
            metrics.encode(into: &writer)
        case .checkpoint(let checkpoint):
            writer.write(UInt8(4))
            checkpoint.encode(into: &writer)
        case .ended(let result):
            writer.write(UInt8(3))
            result.outcome.encode(into: &writer)
            writer.write(list: result.epochs) { $1.encode(into: &$0) }
            writer.write(list: result.artifacts) { $1.encode(into: &$0) }
            writer.write(result.seconds)
            writer.write(optional: result.numericClass) { $0.write($1) }
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .ready(numericClass: try reader.readText("numeric class", limit: Limits.nameBytes))
        case 2: self = .epoch(try EpochMetrics(from: &reader))
        case 3:
            let result = RunnerResult(
                outcome: try AttemptOutcome(from: &reader),
                epochs: try reader.readList("epochs", limit: Limits.epochsPerJob, EpochMetrics.init(from:)),
                artifacts: try reader.readList("artifacts", limit: Limits.artifactsPerJob, ArtifactNotice.init(from:)),
                seconds: try reader.readDouble(),
                numericClass: try reader.readOptional { reader throws(WireError) in
                    try reader.readText("numeric class", limit: Limits.nameBytes)
                })
            try AttemptResult.check(epochs: result.epochs, artifacts: result.artifacts, seconds: result.seconds)
            self = .ended(result)
        case 4: self = .checkpoint(try Checkpoint(from: &reader))
        case let tag: throw .unknownTag(field: "runner message", value: tag)
        }
    }
}

/// Splits a byte stream into its length-prefixed frames.
package struct FrameSplitter {
    private var buffer: [UInt8] = []

    package init() {}

    /// A frame as it goes on the stream.
    package static func framed(_ frame: [UInt8]) -> [UInt8] {
        var writer = WireWriter()
        writer.write(frame)
        return writer.bytes
    }

    package mutating func append(_ bytes: some Sequence<UInt8>) { buffer.append(contentsOf: bytes) }

    /// The next whole frame, or `nil` when more bytes are needed; throws when a frame is longer than any message.
    package mutating func next() throws(WireError) -> [UInt8]? {
        guard buffer.count >= 4 else { return nil }
        let count = buffer[0..<4].reversed().reduce(0) { $0 << 8 | Int($1) }
        guard count <= Limits.controlFrameBytes else {
            throw .tooLong(field: "frame", count: count, limit: Limits.controlFrameBytes)
        }
        guard buffer.count >= 4 + count else { return nil }
        let frame = Array(buffer[4..<4 + count])
        buffer.removeFirst(4 + count)
        return frame
    }
}
