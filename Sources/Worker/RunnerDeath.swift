import Coordination
import Foundation
import Processes

/// Why a runner that has ended gave no result.
enum RunnerDeath {
    /// - Parameters:
    ///   - outOfMemoryKills: how often the kernel has killed for want of memory since the runner got its job.
    ///   - lastLines: what the runner printed last.
    static func failure(_ end: ProcessEnd, outOfMemoryKills: Int, lastLines: String) -> JobFailure {
        let isOutOfMemory = end == .signalled(SIGKILL) && outOfMemoryKills > 0
        let what =
            isOutOfMemory
            ? "the kernel killed the runner because the host, or its control group, ran out of memory: fewer workers or slots there need less"
            : "the runner ended with \(end)"
        let message = lastLines.isEmpty ? what : what + "\nIts last lines:\n" + lastLines
        return JobFailure(isOutOfMemory ? .outOfMemory : .crashed, message)
    }
}

/// The kernel's count of processes that it has killed for want of memory, on the whole host.
enum OutOfMemoryKills {
    /// 0 where the kernel does not say (before Linux 4.13).
    static var count: Int {
        guard let text = try? String(contentsOfFile: "/proc/vmstat", encoding: .utf8) else { return 0 }
        let name = "oom_kill "
        let line = text.utf8.split(separator: UInt8(ascii: "\n")).first { $0.starts(with: name.utf8) }
        return line.flatMap { Int(Substring($0.dropFirst(name.utf8.count))) } ?? 0
    }
}
