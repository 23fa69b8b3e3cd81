import Digests
import Studies

// The wire forms of the control messages: a tag byte, then the fields in order. A tag is never used again for another
// meaning.

extension WorkerMessage: WireCodable {
    package func encode(into writer: inout WireWriter) {
        switch self {
        case .hello(let hello):
            writer.write(ProtocolVersions.greetingTag)
            hello.encode(into: &writer)
        case .heartbeat:
            writer.write(UInt8(2))
        case .epoch(let attempt, let metrics):
            writer.write(UInt8(3))
            attempt.encode(into: &writer)
            metrics.encode(into: &writer)
        case .result(let result):
            writer.write(UInt8(4))
            result.encode(into: &writer)
        case .goodbye(let reason):
            writer.write(UInt8(5))
            writer.write(cleaning: reason, limit: Limits.textBytes)
        case .checkpoint(let attempt, let checkpoint):
            writer.write(UInt8(6))
            attempt.encode(into: &writer)
            checkpoint.encode(into: &writer)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case ProtocolVersions.greetingTag: self = .hello(try Hello(from: &reader))
        case ProtocolVersions.earlyGreetingTag:
            let version = try reader.readUInt16()
            throw .otherVersions(lowest: version, highest: version)
        case 2: self = .heartbeat
        case 3: self = .epoch(try AttemptID(from: &reader), try EpochMetrics(from: &reader))
        case 4: self = .result(try AttemptResult(from: &reader))
        case 5: self = .goodbye(reason: try reader.readText("reason", limit: Limits.textBytes))
        case 6: self = .checkpoint(try AttemptID(from: &reader), try Checkpoint(from: &reader))
        case let tag: throw .unknownTag(field: "worker message", value: tag)
        }
    }
}

extension CoordinatorMessage: WireCodable {
    package func encode(into writer: inout WireWriter) {
        switch self {
        case .welcome(let welcome):
            writer.write(UInt8(1))
            writer.write(welcome.datasetPath)
            writer.write(list: welcome.drop) { $1.encode(into: &$0) }
            writer.write(optional: welcome.checkpointSeconds) { $0.write($1) }
            writer.write(optional: welcome.timeLimitSeconds) { $0.write($1) }
            writer.write(list: welcome.trainerPaths) { $0.write($1) }
            writer.write(optional: welcome.dataset) { $1.encode(into: &$0) }
        case .refused(let reason):
            writer.write(ProtocolVersions.refusalTag)
            writer.write(cleaning: reason, limit: Limits.textBytes)
        case .greetAgain:
            writer.write(UInt8(3))
        case .heartbeat:
            writer.write(UInt8(4))
        case .assign(let assignment):
            writer.write(UInt8(5))
            assignment.attempt.encode(into: &writer)
            writer.write(assignment.spec)
            writer.write(list: assignment.inputs) { writer, input in
                writer.write(input.job.digest)
                input.artifact.encode(into: &writer)
            }
            writer.write(optional: assignment.checkpoint) { $1.encode(into: &$0) }
            writer.write(optional: assignment.expectedSeconds) { $0.write($1) }
        case .acknowledged(let attempt):
            writer.write(UInt8(6))
            attempt.encode(into: &writer)
        case .missing(let attempt, let digests):
            writer.write(UInt8(7))
            attempt.encode(into: &writer)
            writer.write(list: digests) { $0.write($1) }
        case .cancel(let attempt):
            writer.write(UInt8(8))
            attempt.encode(into: &writer)
        case .announce(let artifact):
            writer.write(UInt8(9))
            artifact.encode(into: &writer)
        case .finish:
            writer.write(UInt8(10))
        case .giveBack:
            writer.write(UInt8(11))
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1:
            self = .welcome(
                Welcome(
                    datasetPath: try reader.readText("data set path", limit: Limits.textBytes),
                    drop: try reader.readList("attempts to drop", limit: Limits.attemptsPerWorker, AttemptID.init(from:)),
                    checkpointSeconds: try reader.readInterval("checkpoint interval"),
                    timeLimitSeconds: try reader.readInterval("time limit"), trainerPaths: try reader.readTrainerPaths(),
                    dataset: try reader.readOptional(DatasetNotice.init(from:))))
        case ProtocolVersions.refusalTag: self = .refused(reason: try reader.readText("reason", limit: Limits.textBytes))
        case 3: self = .greetAgain
        case 4: self = .heartbeat
        case 5:
            self = .assign(
                Assignment(
                    attempt: try AttemptID(from: &reader),
                    spec: try reader.readBytes("specification", limit: Limits.specBytes),
                    inputs: try reader.readList("inputs", limit: Limits.inputsPerJob) { reader throws(WireError) in
                        InputArtifact(job: JobID(try reader.readDigest()), artifact: try ArtifactNotice(from: &reader))
                    },
                    checkpoint: try reader.readOptional(ArtifactNotice.init(from:)),
                    expectedSeconds: try reader.readInterval("expected duration")))
        case 6: self = .acknowledged(try AttemptID(from: &reader))
        case 7:
            self = .missing(
                try AttemptID(from: &reader),
                try reader.readList("digests", limit: Limits.artifactsPerJob) { reader throws(WireError) in
                    try reader.readDigest()
                })
        case 8: self = .cancel(try AttemptID(from: &reader))
        case 9: self = .announce(try ArtifactNotice(from: &reader))
        case 10: self = .finish
        case 11: self = .giveBack
        case let tag: throw .unknownTag(field: "coordinator message", value: tag)
        }
    }
}

extension AttemptID: WireCodable {
    package func encode(into writer: inout WireWriter) {
        writer.write(job.digest)
        writer.write(UInt32(number))
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(job: JobID(try reader.readDigest()), number: try reader.readInt("attempt number", atLeast: 1))
    }
}

extension Hello: WireCodable {
    package func encode(into writer: inout WireWriter) {
        ProtocolVersions.write(versions, into: &writer)
        writer.write(worker)
        writer.write(host)
        writer.write(UInt32(processID))
        writer.write(UInt32(slots))
        writer.write(isCentral)
        writer.write(numericClass)
        writer.write(list: attempts) { $1.encode(into: &$0) }
        labels.encode(into: &writer)
        writer.write(allowsCommands)
        writer.write(isDraining)
        writer.write(optional: secondsLeft) { $0.write($1) }
        facts.encode(into: &writer)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(
            versions: try ProtocolVersions.read(from: &reader),
            worker: try reader.readText("worker", limit: Limits.nameBytes),
            host: try reader.readText("host", limit: Limits.nameBytes),
            processID: try reader.readInt("process id"),
            slots: try reader.readCount("slots", limit: Limits.slotsPerWorker),
            isCentral: try reader.readBool("central"),
            numericClass: try reader.readText("numeric class", limit: Limits.nameBytes),
            attempts: try reader.readList("attempts", limit: Limits.attemptsPerWorker, AttemptID.init(from:)),
            labels: try Labels(from: &reader), allowsCommands: try reader.readBool("commands"),
            isDraining: try reader.readBool("draining"), secondsLeft: try reader.readInterval("seconds left"),
            facts: try HostFacts(from: &reader))
        guard slots > 0 else { throw .outOfRange(field: "slots") }
        guard !worker.isEmpty else { throw .outOfRange(field: "worker") }
    }
}

extension Labels: WireCodable {
    package func encode(into writer: inout WireWriter) {
        writer.write(list: sorted) { writer, label in
            writer.write(label.key)
            writer.write(label.value)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        let list = try reader.readList("labels", limit: StudyLimits.labels) { reader throws(WireError) in
            (try reader.readText("label", limit: Limits.nameBytes), try reader.readText("label", limit: Limits.nameBytes))
        }
        guard list.allSatisfy({ Labels.isPart($0.0) && Labels.isPart($0.1) }), zip(list, list.dropFirst()).allSatisfy({ $0.0 < $1.0 })
        else { throw .outOfRange(field: "labels") }
        self.init(Dictionary(list, uniquingKeysWith: { first, _ in first }))
    }
}

extension WireReader {
    mutating func readTrainerPaths() throws(WireError) -> [String] {
        let paths = try readList("trainer's files", limit: StudyLimits.trainerFiles) { reader throws(WireError) in
            try reader.readText("trainer's file", limit: Limits.textBytes)
        }
        guard paths.reduce(0, { $0 + $1.utf8.count }) <= Limits.trainerPathBytes else { throw .outOfRange(field: "trainer's files") }
        return paths
    }
}

extension ArtifactNotice: WireCodable {
    package func encode(into writer: inout WireWriter) {
        writer.write(name)
        writer.write(digest)
        writer.write(size)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(
            name: try reader.readText("artifact name", limit: Limits.nameBytes), digest: try reader.readDigest(),
            size: try reader.readUInt64())
        guard !name.isEmpty else { throw .outOfRange(field: "artifact name") }
        guard size <= Limits.blobBytes else { throw .outOfRange(field: "artifact size") }
    }
}

extension Checkpoint: WireCodable {
    package func encode(into writer: inout WireWriter) {
        writer.write(UInt32(epoch))
        artifact.encode(into: &writer)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(epoch: try reader.readInt("checkpoint's epoch", atLeast: 1), artifact: try ArtifactNotice(from: &reader))
        guard epoch <= Limits.epochsPerJob else { throw .outOfRange(field: "checkpoint's epoch") }
    }
}

extension EpochMetrics: WireCodable {
    package func encode(into writer: inout WireWriter) {
        writer.write(UInt32(epoch))
        for value in [
            learningRate, trainingLoss, trainingAccuracy, trainingTop5Accuracy, validationLoss, validationAccuracy,
            validationTop5Accuracy,
        ] { writer.write(value) }
        writer.write(UInt32(images))
        writer.write(seconds)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(
            epoch: try reader.readInt("epoch", atLeast: 1), learningRate: try reader.readDouble(),
            trainingLoss: try reader.readDouble(), trainingAccuracy: try reader.readDouble(),
            trainingTop5Accuracy: try reader.readDouble(), validationLoss: try reader.readDouble(),
            validationAccuracy: try reader.readDouble(), validationTop5Accuracy: try reader.readDouble(),
            images: try reader.readInt("images"), seconds: try reader.readDouble())
        let values = [
            learningRate, trainingLoss, trainingAccuracy, trainingTop5Accuracy, validationLoss, validationAccuracy,
            validationTop5Accuracy, seconds,
        ]
        guard values.allSatisfy(\.isFinite) else { throw .outOfRange(field: "epoch metrics") }
        guard epoch <= Limits.epochsPerJob else { throw .outOfRange(field: "epoch") }
    }
}

extension AttemptOutcome: WireCodable {
    package func encode(into writer: inout WireWriter) {
        switch self {
        case .finished:
            writer.write(UInt8(1))
        case .diverged(let epoch, let step):
            writer.write(UInt8(2))
            writer.write(UInt32(epoch))
            writer.write(UInt32(step))
        case .failed(let failure):
            writer.write(UInt8(3))
            writer.write(failure.reason.rawValue)
            writer.write(cleaning: failure.message, limit: Limits.textBytes)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .finished
        case 2: self = .diverged(epoch: try reader.readInt("epoch", atLeast: 1), step: try reader.readInt("step", atLeast: 1))
        case 3:
            let raw = try reader.readUInt8()
            guard let reason = JobFailure.Reason(rawValue: raw) else { throw .unknownTag(field: "failure", value: raw) }
            self = .failed(JobFailure(reason, try reader.readText("message", limit: Limits.textBytes)))
        case let tag: throw .unknownTag(field: "outcome", value: tag)
        }
    }
}

extension AttemptResult: WireCodable {
    package func encode(into writer: inout WireWriter) {
        attempt.encode(into: &writer)
        outcome.encode(into: &writer)
        writer.write(list: epochs) { $1.encode(into: &$0) }
        writer.write(list: artifacts) { $1.encode(into: &$0) }
        writer.write(numericClass)
        writer.write(seconds)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(
            attempt: try AttemptID(from: &reader), outcome: try AttemptOutcome(from: &reader),
            epochs: try reader.readList("epochs", limit: Limits.epochsPerJob, EpochMetrics.init(from:)),
            artifacts: try reader.readList("artifacts", limit: Limits.artifactsPerJob, ArtifactNotice.init(from:)),
            numericClass: try reader.readText("numeric class", limit: Limits.nameBytes), seconds: try reader.readDouble())
        try AttemptResult.check(epochs: epochs, artifacts: artifacts, seconds: seconds)
    }

    /// What the ledger relies on. A runner's result is held to it too: the worker could otherwise report something that
    /// no coordinator takes, for ever.
    static func check(epochs: [EpochMetrics], artifacts: [ArtifactNotice], seconds: Double) throws(WireError) {
        guard seconds.isFinite, seconds >= 0 else { throw .outOfRange(field: "seconds") }
        guard zip(epochs, 1...).allSatisfy({ $0.epoch == $1 }) else { throw .outOfRange(field: "epochs") }
        guard Set(artifacts.map(\.name)).count == artifacts.count else { throw .outOfRange(field: "artifact names") }
    }
}
