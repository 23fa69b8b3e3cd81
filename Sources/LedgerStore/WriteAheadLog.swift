import Foundation

/// What SQLite leaves undone for its write-ahead log: finding damage.
///
/// SQLite reads a log up to the first frame whose checksum is wrong, and takes the rest for a commit that was torn by a crash:
/// right for the last transaction, silent loss for an earlier one. Each commit is synced before the next begins, so at most
/// one commit can lie at or behind a torn frame. Two mean that bits have changed.
/// Source: https://www.sqlite.org/fileformat2.html#walformat
package enum WriteAheadLog {
    private static let headerBytes = 32
    private static let frameHeaderBytes = 24

    /// How long a log of so many pages is.
    static func bytes(pages: Int, pageBytes: Int) -> Int { headerBytes + pages * (frameHeaderBytes + pageBytes) }

    /// Throws `.damaged` when the log beside the ledger has lost commits; a log that is not there has none.
    ///
    /// A coordinator may write it meanwhile, or begin at its front again, so that what was read is no one state: commits are lost when
    /// they are missing at the same place in two readings, one after the other.
    package static func check(
        ledger path: String, read: (String) -> Data? = { FileManager.default.contents(atPath: $0) }
    ) throws(LedgerError) {
        var last: Loss?
        for _ in 0..<mostReadings {
            guard let log = read(path + "-wal"), let loss = log.withUnsafeBytes({ loss(in: $0) }) else { return }
            guard loss.place != last?.place else {
                throw .damaged(path: path, detail: "its write-ahead log \(path)-wal has a bad checksum before \(loss.commits) commits")
            }
            last = loss
        }
    }

    /// Each tear is another one, so that one of a few readings is whole.
    private static let mostReadings = 10

    private struct Loss {
        struct Place: Equatable {
            /// What tells a round of the log from others.
            var salts: UInt64
            /// Where the first bad frame begins.
            var offset: Int
        }

        var place: Place
        /// In the first bad frame and behind it, of those that belong to the log.
        var commits: Int
    }

    /// `nil` unless commits are missing that no crash can have torn.
    private static func loss(in log: UnsafeRawBufferPointer) -> Loss? {
        guard log.count > headerBytes + frameHeaderBytes else { return nil }
        guard word(log, 0) & ~1 == 0x377F_0682 else { return lossOfHeader(in: log) }
        let isBigEndian = word(log, 0) & 1 == 1
        var sum = Checksum(isBigEndian: isBigEndian)
        sum.add(log, 0, 24)
        guard sum.first == word(log, 24), sum.second == word(log, 28) else { return lossOfHeader(in: log) }
        let frameBytes = frameHeaderBytes + Int(word(log, 8))
        let salts = salts(log, 16)
        var (commits, firstBad) = (0, Int?.none)
        for frame in stride(from: headerBytes, through: log.count - frameBytes, by: frameBytes) {
            let belongs = Self.salts(log, frame + 8) == salts
            if firstBad == nil {
                sum.add(log, frame, 8)
                sum.add(log, frame + frameHeaderBytes, frameBytes - frameHeaderBytes)
                if !belongs || sum.first != word(log, frame + 16) || sum.second != word(log, frame + 20) { firstBad = frame }
            }
            // The frames of an earlier round of the log have other salts.
            if firstBad != nil, belongs, isCommit(log, frame) { commits += 1 }
        }
        return commits > 1 ? Loss(place: Loss.Place(salts: salts, offset: firstBad!), commits: commits) : nil
    }

    /// A header is synced with the first commit: frames that agree with each other on their salts outlived it.
    private static func lossOfHeader(in log: UnsafeRawBufferPointer) -> Loss? {
        let pageBytes = [512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536].first { size in
            let second = headerBytes + frameHeaderBytes + size
            return second + frameHeaderBytes <= log.count && salts(log, headerBytes + 8) == salts(log, second + 8)
        }
        guard let pageBytes else { return nil }
        let frames = stride(from: headerBytes, through: log.count - frameHeaderBytes - pageBytes, by: frameHeaderBytes + pageBytes)
        let commits = frames.count { isCommit(log, $0) }
        return commits > 1 ? Loss(place: Loss.Place(salts: salts(log, headerBytes + 8), offset: 0), commits: commits) : nil
    }

    private static func isCommit(_ log: UnsafeRawBufferPointer, _ frame: Int) -> Bool { word(log, frame + 4) != 0 }

    private static func salts(_ log: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
        UInt64(word(log, offset)) << 32 | UInt64(word(log, offset + 4))
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
