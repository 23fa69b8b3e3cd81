import CSpawn
import Foundation

/// A process in a session of its own, which outlives the one that starts it and its terminal.
///
/// A process number alone says little: it is given again when the process has ended. With its start time and the boot it
/// belongs to it is one process for ever. Source: proc_pid_stat(5), field 22.
package struct DetachedProcess: Codable, Sendable, Equatable {
    package var processID: pid_t
    /// Clock ticks from the boot to its start.
    package var startTicks: UInt64
    package var boot: String

    /// Starts a program with nothing on its standard input, and everything it says appended to a file.
    ///
    /// - Parameters:
    ///   - environment: the whole of its environment.
    ///   - folder: its working directory; `nil` for this process's.
    package static func start(
        executable: String, arguments: [String], environment: [String: String], folder: String? = nil, logPath: String
    ) throws(ProcessError) -> DetachedProcess {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, logPath, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        if let folder { sower_spawn_file_actions_addchdir(&actions, folder) }
        let (child, code) = Spawn.start(
            executable, arguments: arguments, environment: environment, actions: &actions, flags: sower_spawn_setsid())
        guard code == 0 else { throw .cannotStart(executable, code) }
        // Its number is its own until it is waited for, even when it has ended by now.
        guard let process = DetachedProcess(running: child) else { throw .system("/proc/\(child)/stat", ESRCH) }
        return process
    }

    /// The process that has the number now; `nil` when there is none.
    package init?(running processID: pid_t) {
        guard let state = Self.state(of: processID), let boot = Self.currentBoot else { return nil }
        self.processID = processID
        startTicks = state.startTicks
        self.boot = boot
    }

    /// Whether this very process runs. One that has ended and that nobody has waited for does not.
    package var isRunning: Bool {
        // Waited for if it is this process's child; for any other this does nothing.
        var status: Int32 = 0
        _ = waitpid(processID, &status, WNOHANG)
        guard boot == Self.currentBoot, let state = Self.state(of: processID) else { return false }
        return state.startTicks == startTicks && !state.hasEnded
    }

    /// Sends the signal to this very process; a number that another one has by now is left alone.
    package func signal(_ number: Int32) { if isRunning { kill(processID, number) } }

    /// Asks it to end, ever more urgently, and ends it at once when it has not within eight seconds.
    package func end() {
        for (number, seconds) in [(SIGTERM, 1.0), (SIGTERM, 5), (SIGTERM, 2), (SIGKILL, 2)] {
            signal(number)
            let deadline = ContinuousClock.now + .seconds(seconds)
            while isRunning {
                guard ContinuousClock.now < deadline else { break }
                usleep(50_000)
            }
            if !isRunning { return }
        }
    }

    private static var currentBoot: String? {
        (try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private static func state(of processID: pid_t) -> (startTicks: UInt64, hasEnded: Bool)? {
        // The second field is the program's name in parentheses, which may hold anything.
        guard let line = try? String(contentsOfFile: "/proc/\(processID)/stat", encoding: .utf8), let name = line.lastIndex(of: ")")
        else { return nil }
        let fields = line[line.index(after: name)...].split(separator: " ")
        guard fields.count > 19, let ticks = UInt64(fields[19]) else { return nil }
        return (ticks, fields[0] == "Z" || fields[0] == "X")
    }
}
