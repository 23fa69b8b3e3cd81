/// One task of a job array, as `squeue` lists it. What the queue says is hostile until it is one of these.
package struct SlurmTask: Sendable, Equatable {
    package enum State: Sendable, Equatable { case waiting, running, cancelled, ended }

    /// For `squeue --array --format`: the array, the task's index, state and reason. The reason may have spaces.
    package static let format = "%F %K %T %r"
    static let longestReason = 120

    package var job: String
    package var index: Int
    package var state: State
    /// Why it waits, in Slurm's words: `Resources`, `Priority`, `PartitionTimeLimit`.
    package var reason: String?

    package init(job: String, index: Int, state: State, reason: String? = nil) {
        self.job = job
        self.index = index
        self.state = state
        self.reason = reason
    }

    /// A line of `squeue`; `nil` for anything else.
    package init?(line: String) {
        let words = line.split(separator: " ", maxSplits: 3)
        guard words.count >= 3, words.allSatisfy({ !$0.isEmpty }), let job = Self.jobID(String(words[0])), job == words[0],
            words[1].utf8.count <= 9, words[1].utf8.allSatisfy({ (48...57).contains($0) }), let index = Int(words[1]),
            words[2].utf8.count <= 32, words[2].utf8.allSatisfy({ (65...90).contains($0) || $0 == UInt8(ascii: "_") })
        else { return nil }
        let state = Self.state(String(words[2]))
        self.init(job: job, index: index, state: state, reason: state == .waiting && words.count == 4 ? Self.reason(words[3]) : nil)
    }

    /// All lines, or `nil` when one is not understood: half a list would let tasks seem ended that are not.
    package static func list(_ lines: [String]) -> [SlurmTask]? {
        let lines = lines.filter { !$0.allSatisfy(\.isWhitespace) }
        let tasks = lines.compactMap { SlurmTask(line: $0) }
        return tasks.count == lines.count ? tasks : nil
    }

    /// `123` or `123;cluster`: the digits.
    package static func jobID(_ text: String) -> String? {
        let digits = text.drop(while: \.isWhitespace).prefix { $0.isASCII && $0.isNumber }
        return (1...12).contains(digits.count) ? String(digits) : nil
    }

    /// The job state codes of squeue(1); one that is not known is there still.
    private static func state(_ word: String) -> State {
        switch word {
        case "RUNNING", "COMPLETING": .running
        case "CANCELLED": .cancelled
        case "BOOT_FAIL", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "REVOKED", "TIMEOUT": .ended
        default: .waiting
        }
    }

    private static func reason(_ text: Substring) -> String? {
        let printable = String(decoding: text.utf8.lazy.filter { (0x20..<0x7F).contains($0) }.prefix(longestReason), as: UTF8.self)
        let words = printable.split(separator: " ").joined(separator: " ")
        return words.isEmpty || words == "None" ? nil : words
    }
}
