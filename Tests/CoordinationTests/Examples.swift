import Coordination
import Digests
import Studies

func jobID(_ name: String) -> JobID { JobID(Digest(of: name)) }

func attempt(_ job: String, _ number: Int = 1) -> AttemptID { AttemptID(job: jobID(job), number: number) }

func artifact(_ name: String, size: UInt64 = 7) -> ArtifactNotice {
    ArtifactNotice(name: name, digest: Digest(of: name), size: size)
}

func metrics(_ epoch: Int) -> EpochMetrics {
    EpochMetrics(
        epoch: epoch, learningRate: 0.1, trainingLoss: 1.5, trainingAccuracy: 50, trainingTop5Accuracy: 90,
        validationLoss: 1.25, validationAccuracy: 40, validationTop5Accuracy: 80, images: 1000, seconds: 2)
}

func hello(_ worker: String = "w1", slots: Int = 2, isCentral: Bool = false, holding attempts: [AttemptID] = []) -> Hello {
    Hello(
        worker: worker, host: "lab1", processID: 42, slots: slots, isCentral: isCentral, numericClass: "v1-haswell",
        attempts: attempts)
}

func result(
    _ attempt: AttemptID, _ outcome: AttemptOutcome = .finished, epochs: Int = 2, artifacts: [ArtifactNotice] = []
) -> AttemptResult {
    AttemptResult(
        attempt: attempt, outcome: outcome, epochs: epochs == 0 ? [] : (1...epochs).map(metrics), artifacts: artifacts,
        numericClass: "v1-haswell", seconds: 4)
}

func failed(_ attempt: AttemptID, _ reason: JobFailure.Reason) -> AttemptResult {
    AttemptResult(
        attempt: attempt, outcome: .failed(JobFailure(reason, "it broke")), epochs: [], artifacts: [],
        numericClass: "v1-haswell", seconds: 0)
}

func entry(
    _ name: String, inputs: [String] = [], isCentral: Bool = false, isBroadcast: Bool = false, priority: Int = 0,
    state: JobEntry.State = .open, lastAttempt: Int = 0, crashes: Int = 0, lastEndedAttempt: Int = 0
) -> JobEntry {
    JobEntry(
        id: jobID(name), spec: Array(name.utf8), inputs: inputs.map { jobID($0) }, isCentral: isCentral,
        isBroadcast: isBroadcast, priority: priority, state: state, lastAttempt: lastAttempt, crashes: crashes,
        lastEndedAttempt: lastEndedAttempt)
}

func assignment(_ attempt: AttemptID, _ name: String, inputs: [InputArtifact] = []) -> Assignment {
    Assignment(attempt: attempt, spec: Array(name.utf8), inputs: inputs)
}
