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
}

extension String {
    fileprivate func padded(to byteCount: Int) -> String { self + String(repeating: "x", count: byteCount - utf8.count) }
}
