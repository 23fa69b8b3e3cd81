import Failpoints
import Foundation

/// Where one has come to in a worker's log, which is a file that the host puts aside when it is too long.
package struct LogPlace: Codable, Sendable, Equatable {
    /// Which file: the number of its inode.
    package var file: UInt64
    package var offset: Int

    package init(file: UInt64, offset: Int) {
        self.file = file
        self.offset = offset
    }
}

/// Bytes of a worker's log, and where they end.
package struct LogPiece: Codable, Sendable, Equatable {
    package var bytes: Data
    /// What was left out before them, since it was too much.
    package var skipped: Int
    package var end: LogPlace

    package init(bytes: Data, skipped: Int = 0, end: LogPlace) {
        self.bytes = bytes
        self.skipped = skipped
        self.end = end
    }
}

/// What is to be sent next of a worker's log, decided from the sizes of its files.
package enum LogReading {
    /// So much at once; as JSON it is a third more.
    package static let pieceBytes = 32 * 1024
    /// Of more the oldest is left out: a connection that was away for long must not bring it all.
    package static let backlogBytes = 1 << 20

    package struct File: Sendable, Equatable {
        package var number: UInt64
        package var size: Int

        package init(number: UInt64, size: Int) {
            self.number = number
            self.size = size
        }
    }

    package struct Step: Sendable, Equatable {
        /// Whether it is the file that was put aside.
        package var isEarlier: Bool
        package var offset: Int
        package var count: Int
        package var skipped: Int

        package init(isEarlier: Bool, offset: Int, count: Int, skipped: Int) {
            self.isEarlier = isEarlier
            self.offset = offset
            self.count = count
            self.skipped = skipped
        }
    }

    /// - Parameters:
    ///   - place: where one has come to; `nil` for nowhere yet.
    ///   - current: the log; `nil` when there is none.
    ///   - earlier: what was put aside; `nil` when nothing was.
    /// - Returns: `nil` when there is nothing new.
    package static func next(after place: LogPlace?, current: File?, earlier: File?) -> Step? {
        // The rest of what was put aside comes first.
        if let place, let earlier, place.file == earlier.number, place.file != current?.number, (0..<earlier.size).contains(place.offset) {
            return step(isEarlier: true, from: place.offset, to: earlier.size)
        }
        guard let current else { return nil }
        var offset = 0
        // One that is shorter than it was has begun anew.
        if let place, place.file == current.number, (0...current.size).contains(place.offset) { offset = place.offset }
        return offset < current.size ? step(isEarlier: false, from: offset, to: current.size) : nil
    }

    private static func step(isEarlier: Bool, from offset: Int, to end: Int) -> Step {
        let skipped = max(0, end - offset - backlogBytes)
        return Step(isEarlier: isEarlier, offset: offset + skipped, count: min(pieceBytes, end - offset - skipped), skipped: skipped)
    }
}

/// Reads a worker's log on its host, piece by piece.
package struct WorkerLogReader {
    let path: String
    private var place: LogPlace?

    package init(path: String, from place: LogPlace?) {
        self.path = path
        self.place = place
    }

    /// The name of what was put aside.
    static func earlier(of path: String) -> String { path + ".old" }

    /// The next piece; `nil` when there is nothing new.
    package mutating func next() -> LogPiece? {
        let earlier = Self.earlier(of: path)
        guard let step = LogReading.next(after: place, current: Self.file(at: path), earlier: Self.file(at: earlier)),
            let file = FileHandle(forReadingAtPath: step.isEarlier ? earlier : path)
        else { return nil }
        defer { try? file.close() }
        var status = stat()
        guard fstat(file.fileDescriptor, &status) == 0, (try? file.seek(toOffset: UInt64(step.offset))) != nil,
            let bytes = try? file.read(upToCount: step.count), !bytes.isEmpty
        else { return nil }
        let end = LogPlace(file: UInt64(status.st_ino), offset: step.offset + bytes.count)
        place = end
        return LogPiece(bytes: bytes, skipped: step.skipped, end: end)
    }

    private static func file(at path: String) -> LogReading.File? {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return LogReading.File(number: UInt64(status.st_ino), size: Int(status.st_size))
    }
}

/// The lines of what another host has sent of a log, as they may be shown on a terminal. All of it is hostile.
package struct LogText: Sendable, Equatable {
    static let longestLine = 4096

    /// The beginning of a line whose end has not come.
    private var rest: [UInt8] = []
    /// The end of the last whole line: what follows it is sent once more to whoever begins anew there.
    package private(set) var place: LogPlace?

    /// - Parameter place: where an earlier one has ended.
    package init(from place: LogPlace? = nil) { self.place = place }

    /// Whole lines, each with its end.
    package mutating func take(_ piece: LogPiece) -> String {
        var text = ""
        if piece.skipped > 0 {
            rest = []
            text = "… \(piece.skipped) bytes of this log were left out\n"
        }
        for byte in piece.bytes.prefix(LogReading.pieceBytes) {
            if byte != UInt8(ascii: "\n") { rest.append(byte) }
            guard byte == UInt8(ascii: "\n") || rest.count >= Self.longestLine else { continue }
            text += PrintableText.of(String(decoding: rest, as: UTF8.self)) + "\n"
            rest = []
        }
        place = LogPlace(file: piece.end.file, offset: max(0, max(0, piece.end.offset) - rest.count))
        return text
    }
}

/// One host's worker's log as the coordinator has it: a file, the one before it, and how far it goes.
package struct CollectedLog {
    /// A file that would be longer becomes the one before, whose place it takes.
    package static let longestBytes = 4 << 20

    package let path: String
    private var text: LogText

    /// - Parameter folder: the study's logs.
    package init(folder: String, host: String) {
        path = "\(folder)/host-\(host).log"
        let place = FileManager.default.contents(atPath: path + ".place").flatMap { try? JSONDecoder().decode(LogPlace.self, from: $0) }
        text = LogText(from: place)
    }

    package var earlierPath: String { path.dropLast(".log".count) + ".old.log" }

    /// Where a conversation goes on, in this run or another.
    package mutating func begin() -> LogPlace? {
        text = LogText(from: text.place)
        return text.place
    }

    /// Writes on. What cannot be written is a pity, and no error of the sweep.
    package mutating func take(_ piece: LogPiece) {
        let lines = Data(text.take(piece).utf8)
        guard var file = open(O_CREAT) else { return }
        if let size = try? file.seekToEnd(), size > 0, Int(size) + lines.count > Self.longestBytes {
            rename(path, earlierPath)
            guard let next = open(O_CREAT | O_EXCL) else { return }
            file = next
        }
        guard Failpoint.hostLogBefore.failure() == nil, (try? file.write(contentsOf: lines)) != nil else { return }
        Failpoint.hostLogAfter.pass()
        try? JSONEncoder().encode(text.place).write(to: URL(fileURLWithPath: path + ".place"), options: .atomic)
        Failpoint.hostLogPlaceAfter.pass()
    }

    private func open(_ flags: Int32) -> FileHandle? {
        let descriptor = Foundation.open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | flags, 0o600)
        return descriptor >= 0 ? FileHandle(fileDescriptor: descriptor, closeOnDealloc: true) : nil
    }
}
