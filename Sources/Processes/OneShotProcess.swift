import Foundation

/// A child that is run to its end for what it prints.
package enum OneShotProcess {
    /// Its whole standard output; its standard error is the parent's.
    ///
    /// Errors: `ProcessError` when it cannot start, or ends otherwise than with exit code 0.
    package static func output(
        of executable: String, arguments: [String], environment: [String: String]
    ) throws(ProcessError) -> String {
        let child = try ChildProcess(
            executable: executable, arguments: arguments, environment: environment, readsOutput: true)
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            var wait = pollfd(fd: child.output, events: Int16(POLLIN), revents: 0)
            _ = poll(&wait, 1, -1)
            let count = read(child.output, &buffer, buffer.count)
            if count > 0 {
                bytes += buffer[..<count]
            } else if count == 0 {
                break
            } else if errno != EAGAIN && errno != EINTR {
                throw .system("read", errno)
            }
        }
        let end = child.wait()
        guard end == .exited(0) else { throw .failed(executable, end) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
