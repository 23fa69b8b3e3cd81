import Coordination
import Digests
import Studies

/// The final table is that of a run without faults on one worker, but for jobs that faults have crashed as often as the limit
/// allows, and for what depends on those.
struct TableRules {
    static func violations(study: SimulatedStudy, ledger: LedgerModel, blobs: Set<Digest>, crashLimit: Int) -> [String] {
        let table = study.table
        var found: [String] = []
        for (position, entry) in study.entries.enumerated() {
            let row = ledger.rows[position]
            let inputsAreFinished = entry.inputs.allSatisfy { ledger.row(of: $0)?.state == .finished }
            let expected = inputsAreFinished ? table[position] : .failed(.input)
            if case .failed(let reason) = row.state, row.crashes == crashLimit, LedgerModel.countedReasons.contains(reason),
                inputsAreFinished
            {
                continue
            }
            let ending = ending(of: row)
            let name = study.name(of: entry.id)
            if ending != expected {
                found.append("\(name) is \(words(ending)), expected \(words(expected)) as without faults")
            } else if !row.artifacts.allSatisfy({ blobs.contains($0.digest) }) {
                found.append("\(name) has lost its artifact")
            }
        }
        return found
    }

    private static func ending(of row: LedgerModel.Row) -> SimulatedStudy.Ending? {
        switch row.state {
        case .open: nil
        case .finished: row.artifacts.count == 1 ? .finished(row.artifacts[0].digest) : nil
        case .diverged: .diverged
        case .failed(let reason): .failed(reason)
        }
    }

    private static func words(_ ending: SimulatedStudy.Ending?) -> String {
        switch ending {
        case nil: "open or without its one artifact"
        case .finished(let digest): "finished with \(digest.short)"
        case .diverged: "diverged"
        case .failed(let reason): "failed, \(JobFailure(reason, "").code)"
        }
    }
}
