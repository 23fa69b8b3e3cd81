import Foundation

/// What SQLite leaves undone for its write-ahead log: finding damage.
///
/// SQLite reads a log up to the first frame whose checksum is wrong, and takes the rest for a commit that was torn by a crash:
/// right for the last transaction, silent loss for an earlier one. Each commit is synced before the next begins, so at most
/// one commit can lie at or behind a torn frame. Two mean that bits have changed.
/// Source: https://www.sqlite.org/fileformat2.html#walformat
enum WriteAheadLog {
    private static let headerBytes = 32
    private static let frameHeaderBytes = 24

    /// How long a log of so many pages is.
    static func bytes(pages: Int, pageBytes: Int) -> Int { headerBytes + pages * (frameHeaderBytes + pageBytes) }

    /// Throws `.damaged` when the log beside the ledger has lost commits; a log that is not there has none.
    static func check(ledger path: String) throws(LedgerError) {
        guard let bytes = FileManager.default.contents(atPath: path + "-wal"), bytes.count > headerBytes + frameHeaderBytes else { return }
        let lost = bytes.withUnsafeBytes { commitsBehindFirstBadFrame(in: $0) }
        guard lost > 1 else { return }
        throw .damaged(path: path, detail: "its write-ahead log \(path)-wal has a bad checksum before \(lost) commits")
    }

    /// How many commits are in the frame with the first wrong checksum and behind it, of those that belong to the log as its
    /// header tells; 0 when no checksum is wrong.
    static func commitsBehindFirstBadFrame(in log: UnsafeRawBufferPointer) -> Int {
        guard log.count >= headerBytes, word(log, 0) & ~1 == 0x377F_0682 else { return unreadableHeader(in: log) }
        let isBigEndian = word(log, 0) & 1 == 1
        var sum = Checksum(isBigEndian: isBigEndian)
        sum.add(log, 0, 24)
        guard sum.first == word(log, 24), sum.second == word(log, 28) else { return unreadableHeader(in: log) }
        let frameBytes = frameHeaderBytes + Int(word(log, 8))
        let salts = (word(log, 16), word(log, 20))
        var lost = 0
        var isWhole = true
        for frame in stride(from: headerBytes, through: log.count - frameBytes, by: frameBytes) {
            let belongs = (word(log, frame + 8), word(log, frame + 12)) == salts
            if isWhole {
                sum.add(log, frame, 8)
                sum.add(log, frame + frameHeaderBytes, frameBytes - frameHeaderBytes)
                isWhole = belongs && sum.first == word(log, frame + 16) && sum.second == word(log, frame + 20)
            }
            // The frames of an earlier round of the log have other salts.
            if !isWhole, belongs, word(log, frame + 4) != 0 { lost += 1 }
        }
        return lost
    }

    /// A header is synced with the first commit: frames that agree with each other on their salts outlived it.
    private static func unreadableHeader(in log: UnsafeRawBufferPointer) -> Int {
        let pageBytes = [512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536].first { size in
            let second = headerBytes + frameHeaderBytes + size
            return second + frameHeaderBytes <= log.count
                && (word(log, headerBytes + 8), word(log, headerBytes + 12)) == (word(log, second + 8), word(log, second + 12))
        }
        guard let pageBytes else { return 0 }
        let frames = stride(from: headerBytes, through: log.count - frameHeaderBytes - pageBytes, by: frameHeaderBytes + pageBytes)
        return frames.count { word(log, $0 + 4) != 0 }
    }

    private static func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt32 {
        UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    /// The log's running checksum over pairs of words.
    private struct Checksum {
        var first: UInt32 = 0
        var second: UInt32 = 0
        let isBigEndian: Bool

        init(isBigEndian: Bool) { self.isBigEndian = isBigEndian }

        mutating func add(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ count: Int) {
            for offset in stride(from: start, to: start + count, by: 8) {
                first &+= value(bytes, offset) &+ second
                second &+= value(bytes, offset + 4) &+ first
            }
        }

        private func value(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt32 {
            let raw = bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
            return isBigEndian ? UInt32(bigEndian: raw) : UInt32(littleEndian: raw)
        }
    }
}
