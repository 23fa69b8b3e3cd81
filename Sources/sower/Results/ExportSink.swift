import Digests
import Foundation

/// Takes the bytes of a file one after another: writes them, if there is a place for them, and hashes them.
///
/// The first failure is kept for `finish`: whoever produces bytes within a query of the ledger only asks whether to go on.
final class ExportSink {
    private var descriptor: Int32?
    private var hasher = DigestHasher()
    private var buffer: [UInt8] = []
    private var failure: Int32?
    private(set) var bytes = 0

    private static let bufferBytes = 1 << 20

    /// What errors call the place.
    private let name: String

    /// Writes to `path`, which must not be there, on its way to `name`; hashes only without one.
    init(path: String?, name: String) throws {
        self.name = name
        guard let path else { return }
        let opened = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard opened >= 0 else { throw ExportSink.stop(name, errno) }
        descriptor = opened
    }

    /// Writes to a descriptor that stays open.
    init(descriptor: Int32, name: String) {
        self.descriptor = dup(descriptor)
        self.name = name
    }

    deinit { if let descriptor { close(descriptor) } }

    /// Whether everything so far has found its place.
    var isWorking: Bool { failure == nil }

    func append(_ text: String) { append { $0 += text.utf8 } }

    func append(_ body: (inout [UInt8]) -> Void) {
        body(&buffer)
        if buffer.count >= Self.bufferBytes { flush() }
    }

    /// Whether whoever reads has seen enough (`| head`).
    var isUnread: Bool { failure == EPIPE }

    /// The digest of all bytes, when they are on the disk.
    func finish() throws -> Digest {
        flush()
        // A pipe or a terminal cannot be synced.
        if let descriptor, failure == nil, fsync(descriptor) != 0, errno != EINVAL, errno != EROFS { failure = errno }
        if let failure { throw Self.stop(name, failure) }
        return hasher.finalize()
    }

    private func flush() {
        defer { buffer.removeAll(keepingCapacity: true) }
        bytes += buffer.count
        hasher.update(buffer)
        guard let descriptor, failure == nil else { return }
        var start = 0
        while start < buffer.count {
            let written = buffer.withUnsafeBytes { write(descriptor, $0.baseAddress! + start, $0.count - start) }
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else {
                failure = errno
                return
            }
            start += written
        }
    }

    static func stop(_ path: String, _ code: Int32) -> Stop {
        Stop(
            code == ENOSPC || code == EDQUOT ? .incomplete : .configuration,
            "\(path) could not be written: \(String(cString: strerror(code)))",
            remedy: "Make room or give another place with -o FILE, then repeat the command.")
    }
}
