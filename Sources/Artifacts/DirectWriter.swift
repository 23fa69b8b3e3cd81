import Failpoints
import Foundation

/// Writes a file from its beginning to its end past the page cache (`O_DIRECT`), in aligned pieces from one buffer.
///
/// What arrives over the network is read once at most, by another process; a copy of it in the page cache costs more than
/// everything else that is done to it (measured: 1.6 to 3.5 s of system time for 10⁹ bytes where memory is touched for the
/// first time, 0.2 s past the cache), and leaves the sync at the end most of the work. A file system without direct writes is
/// written the ordinary way. Belongs to one thread.
final class DirectWriter {
    /// Every disk takes multiples of this, in memory and on the disk.
    private static let alignment = 4096
    static let pieceLimit = 1 << 20

    private let descriptor: Int32
    private let path: String
    private let buffer: UnsafeMutableRawBufferPointer
    /// Where the buffer's first byte belongs in the file; a multiple of the alignment.
    private var start: Int
    private var filled = 0
    private var isDirect: Bool

    /// Goes on after the first `offset` bytes of an open file, which stay as they are. The descriptor stays the caller's.
    init(_ descriptor: Int32, path: String, from offset: Int) throws(PosixFailure) {
        self.descriptor = descriptor
        self.path = path
        buffer = .allocate(byteCount: Self.pieceLimit + Self.alignment, alignment: Self.alignment)
        start = offset / Self.alignment * Self.alignment
        isDirect = false
        // The last piece of the prefix is written again with what follows it.
        if start < offset {
            let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<(offset - start)])
            filled = try PosixFile.read(descriptor, into: piece, at: start, path: path)
        }
        isDirect = PosixFile.setDirect(descriptor, true)
    }

    deinit { buffer.deallocate() }

    /// Adds at most `pieceLimit` bytes at the end. Throws when the disk does not take what came before them; then nothing has
    /// changed, and they may be given again.
    func append(_ bytes: UnsafeRawBufferPointer) throws(PosixFailure) {
        precondition(bytes.count <= Self.pieceLimit, "a piece is no longer than the buffer")
        if filled + bytes.count > buffer.count { try writeAligned() }
        UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]).copyMemory(from: bytes)
        filled += bytes.count
    }

    /// Writes what is left in the buffer; it is in the file then, and not durable before a sync.
    func flush() throws(PosixFailure) {
        try writeAligned()
        guard filled > 0 else { return }
        // A file ends where it ends, aligned or not.
        if isDirect { isDirect = !PosixFile.setDirect(descriptor, false) }
        try write(UnsafeRawBufferPointer(rebasing: buffer[..<filled]))
        isDirect = PosixFile.setDirect(descriptor, true)
    }

    /// Writes all whole pieces of the buffer and moves the rest to its front.
    private func writeAligned() throws(PosixFailure) {
        let count = filled / Self.alignment * Self.alignment
        guard count > 0 else { return }
        try write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        start += count
        filled -= count
        if filled > 0 { buffer.baseAddress!.copyMemory(from: buffer.baseAddress! + count, byteCount: filled) }
    }

    /// Writes a piece to where the buffer begins, the ordinary way when the file system takes no direct write after all.
    private func write(_ piece: UnsafeRawBufferPointer) throws(PosixFailure) {
        try PosixFile.pass(.partialAppendBefore, "write", path)
        do throws(PosixFailure) {
            try PosixFile.write(piece, to: descriptor, at: start, path: path)
        } catch {
            guard isDirect, error.code == EINVAL else { throw error }
            isDirect = !PosixFile.setDirect(descriptor, false)
            try PosixFile.write(piece, to: descriptor, at: start, path: path)
        }
        Failpoint.partialAppendAfter.pass()
    }
}
