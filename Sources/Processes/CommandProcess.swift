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
        guard let program = arguments.first, !program.isEmpty else { throw .cannotStart("a command without a program", EINVAL) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, errors, 2)
        sower_spawn_file_actions_addchdir(&actions, folder)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var defaults = sigset_t()
        sigemptyset(&defaults)
        for signal in [SIGINT, SIGTERM, SIGPIPE, SIGHUP] { sigaddset(&defaults, signal) }
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))

        var argumentPointers = arguments.map { strdup($0) } + [nil]
        var environmentPointers = environment.sorted { $0.key < $1.key }.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (argumentPointers + environmentPointers).forEach { free($0) } }
        var child: pid_t = 0
        let code = posix_spawnp(&child, program, &actions, &attributes, &argumentPointers, &environmentPointers)
        guard code == 0 else { throw .cannotStart(program, code) }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0 && errno == EINTR {}
        return ProcessEnd(status: status)
    }
}
