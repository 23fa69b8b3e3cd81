import Foundation

/// The memory of this process.
enum ProcessMemory {
    /// The largest resident set so far, in MB of 10⁶ bytes (`VmHWM`); 0 where /proc is not there.
    static var peakMegabytes: Double {
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
            let kibibytes = line.split(separator: " ").compactMap({ Double($0) }).first
        else { return 0 }
        return kibibytes * 1024 / 1e6
    }
}
