import Coordination
import Studies
import Testing

@Suite struct LimitsTests {
    /// Or a worker could give its jobs so many artifacts that nobody can be assigned what reads them.
    @Test func `the largest assignment that results allow is read by its worker`() throws {
        func longest(_ number: Int) -> ArtifactNotice {
            artifact("\(number)-".padded(to: Limits.nameBytes), size: Limits.blobBytes)
        }
        let inputs = (0..<StudyLimits.pairs.upperBound).flatMap { job in
            (0..<Limits.artifactsPerJob).map { InputArtifact(job: jobID("\(job)"), artifact: longest($0)) }
        }
        let assignment = Assignment(
            attempt: attempt("cluster", Int(Int32.max)), spec: Array(repeating: 1, count: Limits.specBytes), inputs: inputs,
            checkpoint: longest(0))
        let frame = CoordinatorMessage.assign(assignment).frame
        #expect(frame.count <= Limits.controlFrameBytes)
        #expect(try CoordinatorMessage(frame: frame) == .assign(assignment))
        let request = RunnerRequest(
            spec: assignment.spec, datasetPath: "/data", storePath: "/store", inputs: inputs, checkpoint: assignment.checkpoint,
            checkpointSeconds: 300)
        #expect(request.frame.count <= Limits.controlFrameBytes)
    }

    @Test func `the longest greeting and the longest welcome fit a frame`() throws {
        let attempts = (0..<Limits.attemptsPerWorker).map { attempt("\($0)", Int(Int32.max)) }
        let name = "n".padded(to: Limits.nameBytes)
        let hello = Hello(
            worker: name, host: name, processID: 1, slots: 1, isCentral: false, numericClass: name, attempts: attempts,
            facts: HostFacts(program: name, dataset: jobID("d").digest, wantsDataset: true, freeBytes: .max, clock: 1))
        #expect(WorkerMessage.hello(hello).frame.count <= Limits.controlFrameBytes)
        let files = (0..<Limits.filesPerDataset).map { artifact("\($0)".padded(to: Limits.nameBytes)) }
        let welcome = CoordinatorMessage.welcome(
            Welcome(
                datasetPath: "p".padded(to: Limits.textBytes), drop: attempts, checkpointSeconds: 1, timeLimitSeconds: 1,
                dataset: DatasetNotice(digest: jobID("d").digest, files: files)))
        #expect(welcome.frame.count <= Limits.controlFrameBytes)
        #expect(try CoordinatorMessage(frame: welcome.frame) == welcome)
    }
}

extension String {
    fileprivate func padded(to byteCount: Int) -> String { self + String(repeating: "x", count: byteCount - utf8.count) }
}
