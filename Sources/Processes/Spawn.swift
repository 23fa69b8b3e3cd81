import Foundation

/// How every child of this program begins: with the default handling of signals and none of them blocked but those that are asked
/// for, whatever its parent ignores or the thread that starts it blocks. Source: posix_spawn(3).
enum Spawn {
    /// - Parameters:
    ///   - environment: the whole of the child's environment.
    ///   - flags: further flags of posix_spawnattr_setflags(3).
    ///   - signals: those that are blocked in the child.
    ///   - searchesPath: whether a program without a slash is looked up in this process's `PATH`.
    /// - Returns: the child, and 0 or an errno.
    static func start(
        _ program: String, arguments: [String], environment: [String: String], actions: inout posix_spawn_file_actions_t,
        flags: Int16 = 0, blocked signals: [Int32] = [], searchesPath: Bool = false
    ) -> (child: pid_t, code: Int32) {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var defaults = sigset_t()
        sigemptyset(&defaults)
        for signal in [SIGINT, SIGTERM, SIGPIPE, SIGHUP] { sigaddset(&defaults, signal) }
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        var blocked = sigset_t()
        sigemptyset(&blocked)
        for signal in signals { sigaddset(&blocked, signal) }
        posix_spawnattr_setsigmask(&attributes, &blocked)
        posix_spawnattr_setflags(&attributes, flags | Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))

        var argumentPointers = ([program] + arguments).map { strdup($0) } + [nil]
        var environmentPointers = environment.sorted { $0.key < $1.key }.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (argumentPointers + environmentPointers).forEach { free($0) } }
        var child: pid_t = 0
        let code =
            searchesPath
            ? posix_spawnp(&child, program, &actions, &attributes, &argumentPointers, &environmentPointers)
            : posix_spawn(&child, program, &actions, &attributes, &argumentPointers, &environmentPointers)
        return (child, code)
    }
}
