import Coordination
import Digests
import Studies

/// One example of every message, and its decoder.
enum WireExamples {
    static let outcomes: [AttemptOutcome] =
        [.finished, .diverged(epoch: 1, step: 1)] + JobFailure.Reason.allCases.map { .failed(JobFailure($0, "why: ü\n\ttab")) }

    static let results = outcomes.map {
        result(attempt("a"), $0, artifacts: [artifact("x"), artifact("y", size: Limits.blobBytes)])
    }

    static let facts = HostFacts(program: "0.1.0", dataset: Digest(of: "data"), wantsDataset: true, freeBytes: .max, clock: 1.7e9)

    static let dataset = DatasetNotice(digest: Digest(of: "data"), files: [artifact("train.bin"), artifact("test.bin")])

    static let input = InputArtifact(job: jobID("b"), artifact: artifact("x"))

    /// With everything that a worker may say of itself.
    static let leaving = {
        var hello = hello(holding: [attempt("a")])
        hello.labels = Labels(["class": "zen4", "gpu": "yes"])
        (hello.allowsCommands, hello.isDraining, hello.secondsLeft) = (true, true, 12.5)
        return hello
    }()

    static let worker: [WorkerMessage] =
        [
            .hello(hello(holding: [attempt("a"), attempt("b", Int(Int32.max))])), .hello(hello(slots: 1, isCentral: true)),
            .hello(
                Hello(worker: "w2", host: "lab2", processID: 1, slots: 1, isCentral: false, numericClass: "v1", attempts: [], facts: facts)),
            .hello(leaving), .heartbeat, .epoch(attempt("a"), metrics(1)), .goodbye(reason: "stopped"), .goodbye(reason: ""),
            .checkpoint(attempt("a", 3), Checkpoint(epoch: 7, artifact: artifact("x"))),
        ] + results.map { .result($0) }

    static let coordinator: [CoordinatorMessage] = [
        .welcome(Welcome(datasetPath: "/data", drop: [attempt("a")])),
        .welcome(Welcome(datasetPath: "/data", drop: [], checkpointSeconds: 300)),
        .welcome(Welcome(datasetPath: "/data", drop: [], timeLimitSeconds: 7200)),
        .welcome(Welcome(datasetPath: "/data", drop: [], dataset: dataset)),
        .welcome(Welcome(datasetPath: "/data", drop: [], trainerPaths: ["/home/x/train.py", "/home/x/more"])),
        .assign(Assignment(attempt: attempt("a"), spec: [1], inputs: [], expectedSeconds: 90)),
        .assign(Assignment(attempt: attempt("a"), spec: [1], inputs: [], checkpoint: artifact("x"))), .refused(reason: "too old"),
        .greetAgain, .heartbeat,
        .assign(assignment(attempt("a"), "spec", inputs: [input])), .acknowledged(attempt("a")),
        .missing(attempt("a"), [Digest(of: "x"), Digest(of: "y")]), .cancel(attempt("a", 7)), .announce(artifact("x")), .giveBack, .finish,
    ]

    static let requests: [BlobRequest] = [
        .get(Digest(of: "x"), offset: 1 << 40, count: Limits.chunkBytes),
        .put(Digest(of: "x"), size: 10, offset: 8, count: 2), .put(Digest(of: "x"), size: 0, offset: 0, count: 0),
        .doubt(Digest(of: "x")),
    ]

    static let replies: [BlobReply] = [
        .chunk(Digest(of: "x"), size: 9, offset: 0, count: 3), .absent(Digest(of: "x")),
        .received(Digest(of: "x"), count: 5), .stored(Digest(of: "x")), .refused(Digest(of: "x"), reason: "disk full"),
        .postponed(Digest(of: "x"), .diskFull(host: "lab0", needed: 9, free: 1)),
        .postponed(Digest(of: "x"), .diskFailure(host: "lab0", reason: "EIO")), .sound(Digest(of: "x")),
    ]

    static let runnerRequests = [
        RunnerRequest(spec: [1, 2], datasetPath: "/data", storePath: "/store", inputs: [input]),
        RunnerRequest(
            spec: [1], datasetPath: "/data", storePath: "/store", inputs: [], checkpoint: artifact("x"), checkpointSeconds: 0,
            trainerPaths: ["/home/x/train.py"]),
    ]

    static let runnerMessages: [RunnerMessage] =
        [
            .ready(numericClass: "v1"), .epoch(metrics(3)), .checkpoint(Checkpoint(epoch: 1, artifact: artifact("x"))),
        ]
        + results.map {
            .ended(RunnerResult(outcome: $0.outcome, epochs: $0.epochs, artifacts: $0.artifacts, seconds: $0.seconds))
        } + [.ended(RunnerResult(outcome: .finished, epochs: [], artifacts: [], seconds: 1, numericClass: "external:torch"))]

    static let families: [any WireFamily] = [
        Family(worker), Family(coordinator), Family(requests), Family(replies), Family(runnerRequests), Family(runnerMessages),
    ]
}

protocol WireFamily: Sendable {
    var frames: [[UInt8]] { get }
    /// Whether every example comes back as it was.
    var roundTrips: Bool { get }
    /// Encodes again what `frame` says; throws when it is no message.
    func reencoded(_ frame: [UInt8]) throws(WireError) -> [UInt8]
}

struct Family<Message: WireCodable & Equatable & Sendable>: WireFamily {
    let examples: [Message]

    init(_ examples: [Message]) { self.examples = examples }

    var frames: [[UInt8]] { examples.map(\.frame) }
    var roundTrips: Bool { examples.allSatisfy { (try? Message(frame: $0.frame)) == $0 } }
    func reencoded(_ frame: [UInt8]) throws(WireError) -> [UInt8] { try Message(frame: frame).frame }
}
