import Digests
import Studies

// The whole control protocol. Every message is safe to repeat; what must not be lost is acknowledged by the
// application once it is on disk.

/// Worker → coordinator.
package enum WorkerMessage: Sendable, Equatable {
    /// The first message on every connection, and the answer to `greetAgain`.
    case hello(Hello)
    /// Sent every `Limits.heartbeatSeconds`.
    case heartbeat
    /// One epoch of a running attempt, for progress; the result repeats them all.
    case epoch(AttemptID, EpochMetrics)
    /// The end of an attempt; repeated until `acknowledged`. Its artifacts have been stored by the coordinator before.
    case result(AttemptResult)
    /// The worker leaves on purpose; its attempts are free again.
    case goodbye(reason: String)
    /// A training has left a checkpoint, which the coordinator holds by now. It may be lost: correctness never depends on
    /// it.
    case checkpoint(AttemptID, Checkpoint)
}

/// Coordinator → worker.
package enum CoordinatorMessage: Sendable, Equatable {
    /// Answers `hello`: where the data lie, and which of the worker's attempts are no longer wanted.
    case welcome(Welcome)
    /// The worker cannot take part; it ends with the reason.
    case refused(reason: String)
    /// The coordinator does not know this connection (it was restarted).
    case greetAgain
    case heartbeat
    case assign(Assignment)
    /// The result is on disk, or not wanted: the worker forgets the attempt and its outputs.
    case acknowledged(AttemptID)
    /// The result names artifacts that the coordinator does not hold: push them, then send it again.
    case missing(AttemptID, [Digest])
    /// The attempt is no longer wanted: stop it.
    case cancel(AttemptID)
    /// An initialization that coming jobs will read: fetch it before it is needed. Correctness never depends on this.
    case announce(ArtifactNotice)
    /// Hand back what has not begun: a person wants the sweep to pause or to stop.
    case giveBack
    /// Nothing is left to do: end.
    case finish
}

/// One try at a job. The number strictly increases with each try and is on disk before the worker hears it: it is the
/// fencing token by which a late result of an older try is known.
package struct AttemptID: Sendable, Hashable {
    package var job: JobID
    package var number: Int

    package init(job: JobID, number: Int) {
        self.job = job
        self.number = number
    }
}

/// How a worker introduces itself.
package struct Hello: Sendable, Equatable {
    /// The versions of the protocol that it speaks; the greeting is in the lowest of them.
    package var versions: ClosedRange<UInt16>
    /// Unique to the worker's process; chosen by the worker, kept across its reconnections.
    package var worker: String
    package var host: String
    package var processID: Int
    package var slots: Int
    /// Whether its slots take central jobs, and only those.
    package var isCentral: Bool
    /// Engine version, BLAS core and instruction set: results of one class are equal to the bit.
    package var numericClass: String
    /// The attempts it holds, running or waiting for acknowledgement.
    package var attempts: [AttemptID]
    /// What its host is called.
    package var labels: Labels
    /// Whether it runs programs that a study names.
    package var allowsCommands: Bool
    /// Whether it takes nothing new: it is about to leave.
    package var isDraining: Bool
    /// So long it goes on, if not for ever: a training that takes longer need not begin there.
    package var secondsLeft: Double?

    /// What the worker says of its program and its host.
    package var facts: HostFacts

    package init(
        versions: ClosedRange<UInt16> = Limits.protocolVersion...Limits.protocolVersion, worker: String, host: String,
        processID: Int, slots: Int, isCentral: Bool, numericClass: String, attempts: [AttemptID], labels: Labels = .none,
        allowsCommands: Bool = false, isDraining: Bool = false, secondsLeft: Double? = nil, facts: HostFacts = HostFacts()
    ) {
        self.versions = versions
        self.worker = worker
        self.host = host
        self.processID = processID
        self.slots = slots
        self.isCentral = isCentral
        self.numericClass = numericClass
        self.attempts = attempts
        self.labels = labels
        self.allowsCommands = allowsCommands
        self.isDraining = isDraining
        self.secondsLeft = secondsLeft
        self.facts = facts
    }
}

package struct Welcome: Sendable, Equatable {
    /// The data set's folder on the worker's host; each specification names the digest its bytes must have.
    package var datasetPath: String
    /// Attempts that the worker holds and should drop.
    package var drop: [AttemptID]
    /// The least time between two checkpoints of a training; `nil` for none.
    package var checkpointSeconds: Double?
    /// How long an attempt may run; `nil` for ever.
    package var timeLimitSeconds: Double?
    /// Where the files of an external trainer lie on the worker's host; each specification names the digests of their bytes.
    package var trainerPaths: [String]

    /// The files of the data set, for a worker that is to be sent them.
    package var dataset: DatasetNotice?

    package init(
        datasetPath: String, drop: [AttemptID], checkpointSeconds: Double? = nil, timeLimitSeconds: Double? = nil,
        trainerPaths: [String] = [], dataset: DatasetNotice? = nil
    ) {
        self.trainerPaths = trainerPaths
        self.datasetPath = datasetPath
        self.drop = drop
        self.checkpointSeconds = checkpointSeconds
        self.timeLimitSeconds = timeLimitSeconds
        self.dataset = dataset
    }
}

package struct Assignment: Sendable, Equatable {
    package var attempt: AttemptID
    /// The job's canonical JSON; its SHA-256 is the job's id, so the worker can check what it was given.
    package var spec: [UInt8]
    package var inputs: [InputArtifact]
    /// Where an earlier attempt at the job got to, in this worker's numeric class.
    package var checkpoint: ArtifactNotice?
    /// How long jobs like it may take, for a worker that has an end.
    package var expectedSeconds: Double?

    package init(
        attempt: AttemptID, spec: [UInt8], inputs: [InputArtifact], checkpoint: ArtifactNotice? = nil, expectedSeconds: Double? = nil
    ) {
        self.expectedSeconds = expectedSeconds
        self.attempt = attempt
        self.spec = spec
        self.inputs = inputs
        self.checkpoint = checkpoint
    }
}

/// A training at the end of an epoch: what another attempt at the job needs to go on with the same bits.
package struct Checkpoint: Sendable, Hashable {
    /// The epochs that are finished.
    package var epoch: Int
    package var artifact: ArtifactNotice

    package init(epoch: Int, artifact: ArtifactNotice) {
        self.epoch = epoch
        self.artifact = artifact
    }
}

/// An artifact by content: what it is called within its job, its digest and its size in bytes.
package struct ArtifactNotice: Sendable, Hashable {
    package var name: String
    package var digest: Digest
    package var size: UInt64

    package init(name: String, digest: Digest, size: UInt64) {
        self.name = name
        self.digest = digest
        self.size = size
    }
}

/// An artifact that a job reads, with the job that made it.
package struct InputArtifact: Sendable, Hashable {
    package var job: JobID
    package var artifact: ArtifactNotice

    package init(job: JobID, artifact: ArtifactNotice) {
        self.job = job
        self.artifact = artifact
    }
}

package struct AttemptResult: Sendable, Equatable {
    package var attempt: AttemptID
    package var outcome: AttemptOutcome
    package var epochs: [EpochMetrics]
    package var artifacts: [ArtifactNotice]
    package var numericClass: String
    /// Wall time of the attempt on its runner.
    package var seconds: Double

    package init(
        attempt: AttemptID, outcome: AttemptOutcome, epochs: [EpochMetrics], artifacts: [ArtifactNotice],
        numericClass: String, seconds: Double
    ) {
        self.attempt = attempt
        self.outcome = outcome
        self.epochs = epochs
        self.artifacts = artifacts
        self.numericClass = numericClass
        self.seconds = seconds
    }

    /// SHA-256 over what the attempt computed: outcome, metrics and artifacts, without times or hosts. Two attempts at
    /// one job in one numeric class must agree on it.
    package var digest: Digest {
        var writer = WireWriter()
        outcome.encode(into: &writer)
        for epoch in epochs {
            var timeless = epoch
            timeless.seconds = 0
            timeless.encode(into: &writer)
        }
        for artifact in artifacts { artifact.encode(into: &writer) }
        return Digest(of: writer.bytes)
    }
}

/// How an attempt ended. A diverged training is a result, not a failure.
package enum AttemptOutcome: Sendable, Equatable {
    case finished
    /// The loss became NaN or infinite in this epoch and step, both counted from 1.
    case diverged(epoch: Int, step: Int)
    case failed(JobFailure)
}

/// Why an attempt gave no result.
package struct JobFailure: Sendable, Equatable {
    package enum Reason: UInt8, Sendable, CaseIterable {
        /// The runner ended by a signal or an unexpected exit code.
        case crashed = 1
        case outOfMemory = 2
        /// The worker fell silent or its process ended.
        case hostLost = 3
        /// The data set, or a file that a study starts from, is missing, damaged or another than the specification names.
        case data = 4
        /// An input artifact is missing or malformed.
        case input = 5
        /// The specification cannot be run by this build.
        case specification = 6
        /// A file or socket operation failed on the worker's host.
        case io = 7
        /// The attempt was given back before it ran, or a person has canceled the job.
        case canceled = 8
        /// The attempt ran for longer than the sweep allows.
        case timeout = 9
        /// Its worker had to end, or was told to, and gave the attempt up after its last checkpoint.
        case preempted = 10
    }

    /// Whether the host may be at fault: its memory, disk, files or libraries.
    var mayBeTheHosts: Bool {
        switch reason {
        case .crashed, .outOfMemory, .data, .input, .io, .timeout: true
        case .hostLost, .specification, .canceled, .preempted: false
        }
    }

    package var reason: Reason
    /// What happened, in a sentence or two, with the remedy where there is one.
    package var message: String

    package init(_ reason: Reason, _ message: String) {
        self.reason = reason
        self.message = message
    }

    /// The name that screens, tables and the ledger use.
    package var code: String {
        switch reason {
        case .crashed: "CRASHED"
        case .outOfMemory: "OUT_OF_MEMORY"
        case .hostLost: "HOST_LOST"
        case .data: "DATA"
        case .input: "INPUT"
        case .specification: "SPECIFICATION"
        case .io: "IO"
        case .canceled: "CANCELED"
        case .timeout: "TIMEOUT"
        case .preempted: "PREEMPTED"
        }
    }
}
