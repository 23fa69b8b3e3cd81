import CSpawn
import Foundation

/// A program that is run to its end in a folder, in its parent's process group, so that it ends with that group.
///
/// `posix_spawn` shares the parent's memory until the program begins (glibc uses CLONE_VFORK), so starting one costs the same
/// however large the parent is. Source: posix_spawn(3).
package enum CommandProcess {
    /// Waits for the end of the program.
    ///
    /// - Parameters:
    ///   - arguments: the program, by absolute path or looked up in this process's `PATH`, and its arguments.
    ///   - environment: the whole of its environment.
    ///   - folder: its working directory.
    ///   - output: descriptor that becomes its standard output.
    ///   - errors: descriptor that becomes its standard error.
    ///
    /// Its standard input is empty. Errors: `ProcessError.cannotStart` when there is no such program.
    package static func run(
        _ arguments: [String], environment: [String: String], folder: String, output: Int32, errors: Int32
    ) throws(ProcessError) -> ProcessEnd {
        try start(arguments, environment: environment, folder: folder, output: output, errors: errors).wait()
    }

    /// Starts the program; the same parameters.
    static func start(
        _ arguments: [String], environment: [String: String], folder: String, output: Int32, errors: Int32
    ) throws(ProcessError) -> StartedCommand {
        guard let program = arguments.first, !program.isEmpty else { throw .cannotStart("a command without a program", EINVAL) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, errors, 2)
        sower_spawn_file_actions_addchdir(&actions, folder)

        let (child, code) = Spawn.start(
            program, arguments: Array(arguments.dropFirst()), environment: environment, actions: &actions, searchesPath: true)
        guard code == 0 else { throw .cannotStart(program, code) }
        return StartedCommand(processID: child)
    }
}

/// A program that has been started and must be waited for, once.
struct StartedCommand {
    let processID: pid_t

    func wait() -> ProcessEnd {
        var status: Int32 = 0
        while waitpid(processID, &status, 0) < 0 && errno == EINTR {}
        return ProcessEnd(status: status)
    }

    /// How it ended, or `nil` while it runs.
    func endIfOver() -> ProcessEnd? {
        var status: Int32 = 0
        return waitpid(processID, &status, WNOHANG) == processID ? ProcessEnd(status: status) : nil
    }

    /// Ends it at once, and waits for it.
    func kill() {
        _ = Foundation.kill(processID, SIGKILL)
        _ = wait()
    }
}
