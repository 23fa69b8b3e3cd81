import Failpoints
import Foundation

/// Writes a file from its beginning to its end past the page cache (`O_DIRECT`), in aligned pieces, while its caller goes on.
///
/// What arrives over the network is read once at most, by another process; a copy of it in the page cache costs more than
/// everything else that is done to it (measured: 1.6 to 3.5 s of system time for 10⁹ bytes where memory is touched for the
/// first time, 0.2 s past the cache), and leaves the sync at the end most of the work. A direct write waits for the disk, as long
/// as the bytes take to be hashed, so there are two buffers: while one is being written the other is filled. A file system without
/// direct writes is written the ordinary way. Belongs to one thread.
final class DirectWriter {
    /// Every disk takes multiples of this, in memory and on the disk.
    private static let alignment = 4096
    static let pieceLimit = 512 << 10

    private let file: PieceFile
    /// The buffer that is being filled, and the one that may be being written.
    private var buffers: (filling: UnsafeMutableRawBufferPointer, other: UnsafeMutableRawBufferPointer)
    /// Where the first byte of the buffer belongs in the file; a multiple of the alignment.
    private var start: Int
    private var filled = 0

    /// Goes on after the first `offset` bytes of an open file, which stay as they are. The descriptor stays the caller's.
    init(_ descriptor: Int32, path: String, from offset: Int) throws(PosixFailure) {
        func buffer() -> UnsafeMutableRawBufferPointer { .allocate(byteCount: Self.pieceLimit, alignment: Self.alignment) }
        buffers = (buffer(), buffer())
        start = offset / Self.alignment * Self.alignment
        file = PieceFile(descriptor, path: path)
        // The last piece of the prefix is written again with what follows it.
        if start < offset {
            let piece = UnsafeMutableRawBufferPointer(rebasing: buffers.filling[..<(offset - start)])
            filled = try PosixFile.read(descriptor, into: piece, at: start, path: path)
        }
        file.begin()
    }

    deinit {
        file.wait()
        buffers.filling.deallocate()
        buffers.other.deallocate()
    }

    /// Adds at most `pieceLimit` bytes at the end. Throws when the disk has not taken what came before them; then nothing has
    /// changed, and they may be given again.
    func append(_ bytes: UnsafeRawBufferPointer) throws(PosixFailure) {
        precondition(bytes.count <= Self.pieceLimit, "no more than a buffer holds")
        let room = Self.pieceLimit - filled
        guard bytes.count >= room else { return fill(bytes) }
        try file.finish()
        fill(UnsafeRawBufferPointer(rebasing: bytes[..<room]))
        file.write(UnsafeRawBufferPointer(buffers.filling), at: start)
        buffers = (filling: buffers.other, other: buffers.filling)
        start += filled
        filled = 0
        fill(UnsafeRawBufferPointer(rebasing: bytes[room...]))
    }

    /// Returns when all that was added is in the file; it is not durable before a sync.
    func flush() throws(PosixFailure) {
        try file.finish()
        // A file ends where it ends, aligned or not.
        let aligned = filled / Self.alignment * Self.alignment
        try file.writeNow(UnsafeRawBufferPointer(rebasing: buffers.filling[..<aligned]), at: start, isAligned: true)
        try file.writeNow(UnsafeRawBufferPointer(rebasing: buffers.filling[aligned..<filled]), at: start + aligned, isAligned: false)
    }

    private func fill(_ bytes: UnsafeRawBufferPointer) {
        UnsafeMutableRawBufferPointer(rebasing: buffers.filling[filled...]).copyMemory(from: bytes)
        filled += bytes.count
    }
}

/// An open file that is written one piece after another on a queue of its own.
private final class PieceFile: Sendable {
    /// What only the queue looks at.
    private struct State {
        var isDirect = false
        /// The piece that is not in the file yet, and why not, until somebody has heard it.
        var unwritten: (piece: UnsafeRawBufferPointer, offset: Int)?
        var failure: PosixFailure?
    }

    private let descriptor: Int32
    private let path: String
    private let queue = DispatchQueue(label: "artifact")
    nonisolated(unsafe) private var state = State()

    init(_ descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    /// From here on writes go past the page cache where they can.
    func begin() { queue.sync { state.isDirect = PosixFile.setDirect(descriptor, true) } }

    /// Writes an aligned piece, which stays where it is until `finish()` has returned or `wait()` has.
    func write(_ piece: UnsafeRawBufferPointer, at offset: Int) {
        nonisolated(unsafe) let piece = piece
        queue.async { [self] in
            state.unwritten = (piece, offset)
            do throws(PosixFailure) { try writeUnwritten() } catch { state.failure = error }
        }
    }

    /// Returns when the last piece is in the file. Throws when the disk did not take it; each further call tries again.
    func finish() throws(PosixFailure) {
        try queue.sync {
            Result { () throws(PosixFailure) in
                defer { state.failure = nil }
                if let failure = state.failure { throw failure }
                try writeUnwritten()
            }
        }.get()
    }

    /// Returns when nothing is being written.
    func wait() { queue.sync {} }

    /// Returns when the bytes are in the file. What is not aligned is written the ordinary way.
    func writeNow(_ piece: UnsafeRawBufferPointer, at offset: Int, isAligned: Bool) throws(PosixFailure) {
        guard !piece.isEmpty else { return }
        try queue.sync {
            let wasDirect = state.isDirect
            if !isAligned, wasDirect { state.isDirect = !PosixFile.setDirect(descriptor, false) }
            defer { if !isAligned, wasDirect { state.isDirect = PosixFile.setDirect(descriptor, true) } }
            return Result { () throws(PosixFailure) in try write(piece, to: offset) }
        }.get()
    }

    private func writeUnwritten() throws(PosixFailure) {
        guard let unwritten = state.unwritten else { return }
        try write(unwritten.piece, to: unwritten.offset)
        state.unwritten = nil
    }

    /// Writes a piece, the ordinary way when the file system takes no direct write after all.
    private func write(_ piece: UnsafeRawBufferPointer, to offset: Int) throws(PosixFailure) {
        try PosixFile.pass(.partialAppendBefore, "write", path)
        do throws(PosixFailure) {
            try PosixFile.write(piece, to: descriptor, at: offset, path: path)
        } catch {
            guard state.isDirect, error.code == EINVAL else { throw error }
            state.isDirect = !PosixFile.setDirect(descriptor, false)
            try PosixFile.write(piece, to: descriptor, at: offset, path: path)
        }
        Failpoint.partialAppendAfter.pass()
    }
}
