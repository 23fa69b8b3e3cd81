import Digests
import Studies
import StudyFiles

// Any text, as a study file with arguments of the command line: lines that begin with `--set ` or `--from-state-dict `.
// Nothing traps; it is a study whose plan holds together, or an error that says why not.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzYaml(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let lines = String(decoding: UnsafeBufferPointer(start: data, count: size), as: UTF8.self)
        .split(separator: "\n", omittingEmptySubsequences: false)
    func arguments(_ option: String) -> [String] {
        lines.filter { $0.hasPrefix(option) }.map { String($0.dropFirst(option.count)) }
    }
    let options = ["--set ", "--from-state-dict "]
    let text = lines.filter { line in !options.contains { line.hasPrefix($0) } }.joined(separator: "\n")

    _ = try? YAMLGate.tree(of: text)
    do throws(StudyFileError) {
        check(
            try StudyFiles.decode(
                text: text, sourceName: "fuzz", stateDicts: arguments("--from-state-dict "), overrides: arguments("--set ")))
    } catch {
        require(!error.problems.isEmpty, "an error without a problem")
        require(error.errorDescription?.isEmpty == false, "an error that says nothing")
    }
    return 0
}

/// A plan names each job once, after the jobs whose artifacts it reads, and every cell's job is in it.
private func check(_ study: Study) {
    require(StudyLimits.arms.contains(study.arms.count), "\(study.arms.count) arms")
    let cells = study.arms.count * study.evaluation.replicates * study.evaluationPairs.count
    // Large plans are only slow. A state-dict arm's file would have to be read first.
    guard cells <= 200, !study.arms.contains(where: { if case .stateDict = $0.method { true } else { false } }) else { return }
    let plan = study.expand(dataset: Digest(of: "a data set"))
    var planned: Set<JobID> = []
    for job in plan.jobs {
        require(job.spec.inputs.allSatisfy(planned.contains), "\(job.label) comes before its inputs")
        require(planned.insert(job.id).inserted, "\(job.label) is planned twice")
    }
    require(plan.cells.allSatisfy { planned.contains($0.job) }, "a cell names a job that is not planned")
    require(plan.cells.count { $0.stage == .evaluate } == cells, "\(plan.cells.count) cells, expected \(cells)")
}
