import Foundation

/// A child process with a pipe to its standard input, and on request one from its standard output.
///
/// Closing the input is how a child learns that its parent is gone, however that ended. Children are started by one
/// thread of a process; nothing forks without exec.
package final class ChildProcess {
    package let processID: pid_t
    /// Write here to reach the child's standard input, or −1 when that is a file.
    package let input: Int32
    /// Read here what the child prints, or −1 when its standard output is the parent's.
    package let output: Int32
    /// Read here what the child prints on its standard error, or −1 when that is not read.
    package let errors: Int32
    private let leadsGroup: Bool
    private var end: ProcessEnd?

    /// - Parameters:
    ///   - environment: the whole of the child's environment.
    ///   - readsOutput: whether the child's standard output is a pipe, set not to block.
    ///   - readsErrors: whether its standard error is a pipe too, set not to block.
    ///   - errorPath: a file that its standard error (and its output, unless read) is appended to; `nil` for the parent's.
    ///   - blocksEnd: whether SIGINT and SIGTERM are blocked in it, from its first instruction until it unblocks them.
    ///   - ownGroup: whether it is the first of a process group of its own, out of reach of the terminal's Ctrl-C; what it
    ///     starts is in that group and ends with it.
    ///   - inputPath: a file that is its standard input, in place of a pipe.
    package init(
        executable: String, arguments: [String], environment: [String: String], readsOutput: Bool, readsErrors: Bool = false,
        errorPath: String? = nil, ownGroup: Bool = false, blocksEnd: Bool = false, inputPath: String? = nil
    ) throws(ProcessError) {
        var toChild: [Int32] = [-1, -1]
        var fromChild: [Int32] = [-1, -1]
        if inputPath == nil, pipe(&toChild) != 0 { throw .system("pipe", errno) }
        if readsOutput, pipe(&fromChild) != 0 {
            let code = errno
            for descriptor in toChild where descriptor >= 0 { close(descriptor) }
            throw .system("pipe", code)
        }
        var errorsFromChild: [Int32] = [-1, -1]
        if readsErrors, pipe(&errorsFromChild) != 0 {
            let code = errno
            for descriptor in toChild + fromChild where descriptor >= 0 { close(descriptor) }
            throw .system("pipe", code)
        }
        for descriptor in toChild + fromChild + errorsFromChild where descriptor >= 0 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let inputPath {
            posix_spawn_file_actions_addopen(&actions, 0, inputPath, O_RDONLY, 0)
        } else {
            posix_spawn_file_actions_adddup2(&actions, toChild[0], 0)
        }
        if let errorPath {
            posix_spawn_file_actions_addopen(&actions, 2, errorPath, O_WRONLY | O_CREAT | O_APPEND, 0o644)
            if !readsOutput { posix_spawn_file_actions_adddup2(&actions, 2, 1) }
        }
        if readsOutput { posix_spawn_file_actions_adddup2(&actions, fromChild[1], 1) }
        if readsErrors { posix_spawn_file_actions_adddup2(&actions, errorsFromChild[1], 2) }

        let (child, code) = Spawn.start(
            executable, arguments: arguments, environment: environment, actions: &actions,
            flags: ownGroup ? Int16(POSIX_SPAWN_SETPGROUP) : 0, blocked: blocksEnd ? [SIGINT, SIGTERM] : [])
        if toChild[0] >= 0 { close(toChild[0]) }
        if readsOutput { close(fromChild[1]) }
        if readsErrors { close(errorsFromChild[1]) }
        guard code == 0 else {
            if toChild[1] >= 0 { close(toChild[1]) }
            if readsOutput { close(fromChild[0]) }
            if readsErrors { close(errorsFromChild[0]) }
            throw .cannotStart(executable, code)
        }
        processID = child
        leadsGroup = ownGroup
        input = toChild[1]
        output = fromChild[0]
        errors = errorsFromChild[0]
        for descriptor in [output, errors] where descriptor >= 0 { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
    }

    deinit { kill() }

    /// Ends the process at once, and waits for it.
    package func kill() {
        guard end == nil else { return }
        // Before the wait: until then no other process or group can have this number.
        _ = Foundation.kill(leadsGroup ? -processID : processID, SIGKILL)
        _ = wait()
    }

    /// Waits for the end of a process that is about to end by itself, and ends at once what it has started in its group.
    package func waitForGroup() -> ProcessEnd {
        if end == nil, leadsGroup {
            // Its number is its own until it is waited for: look without taking it, then end the others.
            var info = siginfo_t()
            while waitid(P_PID, id_t(processID), &info, WEXITED | WNOWAIT) < 0 && errno == EINTR {}
            _ = Foundation.kill(-processID, SIGKILL)
        }
        return wait()
    }

    /// Waits for the end of the process.
    @discardableResult package func wait() -> ProcessEnd {
        if let end { return end }
        var status: Int32 = 0
        while waitpid(processID, &status, 0) < 0 && errno == EINTR {}
        return finish(status)
    }

    /// Whether the process has ended.
    package var isOver: Bool {
        if end != nil { return true }
        // Looked at without being taken: its pipes stay open for what it printed last.
        var info = siginfo_t()
        return waitid(P_PID, id_t(processID), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_signo == SIGCHLD
    }

    /// How the process ended, or `nil` while it runs.
    package func endIfOver() -> ProcessEnd? {
        if let end { return end }
        var status: Int32 = 0
        return waitpid(processID, &status, WNOHANG) == processID ? finish(status) : nil
    }

    private func finish(_ status: Int32) -> ProcessEnd {
        if input >= 0 { close(input) }
        if output >= 0 { close(output) }
        if errors >= 0 { close(errors) }
        let result = ProcessEnd(status: status)
        end = result
        return result
    }
}

/// How a process ended.
package enum ProcessEnd: Sendable, Equatable, CustomStringConvertible {
    case exited(Int32)
    case signalled(Int32)

    /// - Parameter status: what waitpid(2) gave.
    init(status: Int32) {
        let signal = status & 0x7F
        self = signal == 0 ? .exited((status >> 8) & 0xFF) : .signalled(signal)
    }

    package var description: String {
        switch self {
        case .exited(let code): "exit code \(code)"
        case .signalled(SIGKILL): "signal 9 (killed: by somebody, or because the host ran out of memory)"
        case .signalled(let signal): "signal \(signal) (\(String(cString: strsignal(signal))))"
        }
    }
}

/// Why a process could not be started.
package enum ProcessError: Error, Equatable, LocalizedError {
    case system(String, Int32)
    case cannotStart(String, Int32)
    case failed(String, ProcessEnd)

    package var errorDescription: String? {
        switch self {
        case .system(let call, let code): "\(call) failed: \(String(cString: strerror(code)))"
        case .cannotStart(let path, let code): "\(path) cannot be started: \(String(cString: strerror(code)))"
        case .failed(let path, let end): "\(path) ended with \(end)"
        }
    }

    package var recoverySuggestion: String? {
        switch self {
        case .system(_, ENOSPC), .system(_, EDQUOT): "Make room on that disk: df -h, quota -s."
        case .system(_, EIO): "Check that disk: dmesg, smartctl -a."
        case .system(_, EACCES), .system(_, EPERM), .system(_, EROFS): "Check who may write there: ls -ld."
        case .system: "Look at the limits of this host with `ulimit -a`."
        case .cannotStart: "Check that the file is there and may be executed."
        case .failed: "What it printed before says why."
        }
    }
}
