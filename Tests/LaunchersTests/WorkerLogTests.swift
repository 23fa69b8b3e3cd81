import Foundation
import Launchers
import Testing

/// What a worker on another host says, as it comes to the coordinator.
@Suite struct WorkerLogTests {
    private typealias File = LogReading.File
    private typealias Step = LogReading.Step

    // MARK: What is sent next

    @Test func `a log is sent from its beginning, then what is new`() {
        #expect(LogReading.next(after: nil, current: nil, earlier: nil) == nil)
        #expect(LogReading.next(after: nil, current: File(number: 1, size: 0), earlier: nil) == nil)
        #expect(
            LogReading.next(after: nil, current: File(number: 1, size: 10), earlier: nil)
                == Step(isEarlier: false, offset: 0, count: 10, skipped: 0))
        let place = LogPlace(file: 1, offset: 10)
        #expect(LogReading.next(after: place, current: File(number: 1, size: 10), earlier: nil) == nil)
        #expect(
            LogReading.next(after: place, current: File(number: 1, size: 15), earlier: nil)
                == Step(isEarlier: false, offset: 10, count: 5, skipped: 0))
    }

    @Test func `a log that was cut, or is another's, is sent from its beginning`() {
        for place in [
            LogPlace(file: 1, offset: 100), LogPlace(file: 2, offset: 3), LogPlace(file: 1, offset: -5), LogPlace(file: 1, offset: .min),
        ] {
            #expect(LogReading.next(after: place, current: File(number: 1, size: 10), earlier: nil)?.offset == 0, "\(place)")
        }
    }

    @Test func `of a log that was put aside the rest comes first`() {
        let (current, earlier) = (File(number: 2, size: 5), File(number: 1, size: 100))
        #expect(
            LogReading.next(after: LogPlace(file: 1, offset: 90), current: current, earlier: earlier)
                == Step(isEarlier: true, offset: 90, count: 10, skipped: 0))
        #expect(
            LogReading.next(after: LogPlace(file: 1, offset: 100), current: current, earlier: earlier)
                == Step(isEarlier: false, offset: 0, count: 5, skipped: 0))
        #expect(LogReading.next(after: LogPlace(file: 2, offset: 5), current: current, earlier: earlier) == nil)
        #expect(LogReading.next(after: LogPlace(file: 9, offset: 5), current: current, earlier: earlier)?.isEarlier == false)
    }

    @Test func `at once there is little, and of too much the oldest is left out`() {
        let size = LogReading.backlogBytes + 1000
        let step = LogReading.next(after: LogPlace(file: 1, offset: 10), current: File(number: 1, size: size), earlier: nil)
        #expect(step == Step(isEarlier: false, offset: 1000, count: LogReading.pieceBytes, skipped: 990))
    }

    // MARK: What is made of it

    private func piece(_ text: String, from offset: Int = 0, skipped: Int = 0) -> LogPiece {
        LogPiece(bytes: Data(text.utf8), skipped: skipped, end: LogPlace(file: 1, offset: offset + text.utf8.count))
    }

    @Test func `lines come whole and printable`() {
        var text = LogText()
        #expect(text.take(piece("a\nb\u{1B}[2J\u{7}")) == "a\n")
        #expect(text.place == LogPlace(file: 1, offset: 2), "what follows comes once more to whoever begins anew")
        #expect(text.take(piece("c\n", from: 7)) == "b[2Jc\n")
        #expect(text.take(LogPiece(bytes: Data([0xFF, 0xFE, 0x0A]), end: LogPlace(file: 1, offset: 12))) == "\u{FFFD}\u{FFFD}\n")
        #expect(text.take(piece("d\n", from: 5000, skipped: 4988)) == "… 4988 bytes of this log were left out\nd\n")
    }

    @Test func `a line without an end, and numbers that cannot be, do no harm`() {
        var text = LogText()
        let lines = text.take(LogPiece(bytes: Data(repeating: 65, count: LogReading.pieceBytes), end: LogPlace(file: 1, offset: .min)))
        #expect(lines.split(separator: "\n").allSatisfy { $0.count == 4096 } && lines.count > 30_000)
        #expect(text.place == LogPlace(file: 1, offset: 0))
        #expect(
            text.take(LogPiece(bytes: Data(repeating: 65, count: 10 * LogReading.pieceBytes), end: LogPlace(file: 1, offset: .max))).utf8
                .count < 40_000)
        #expect(text.take(LogPiece(bytes: Data("\n".utf8), skipped: .min, end: LogPlace(file: .max, offset: -1))).hasSuffix("\n"))
    }

    // MARK: With files

    /// A worker's log on its host, and what the coordinator has of it.
    private final class Bench {
        let folder = FileManager.default.temporaryDirectory.path + "/sower-logs-\(UUID().uuidString)"
        var theirs: String { folder + "/theirs.log" }
        var log: CollectedLog

        init() throws {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            log = CollectedLog(folder: folder, host: "lab1")
        }

        deinit { try? FileManager.default.removeItem(atPath: folder) }

        func say(_ text: String) throws {
            if !FileManager.default.fileExists(atPath: theirs) {
                try #require(FileManager.default.createFile(atPath: theirs, contents: nil))
            }
            let file = try #require(FileHandle(forWritingAtPath: theirs))
            try file.seekToEnd()
            try file.write(contentsOf: Data(text.utf8))
            try file.close()
        }

        /// One conversation.
        func converse() {
            var reader = WorkerLogReader(path: theirs, from: log.begin())
            while let piece = reader.next() { log.take(piece) }
        }

        var text: String { (try? String(contentsOfFile: log.path, encoding: .utf8)) ?? "" }
    }

    @Test func `each conversation goes on where the last one ended, whoever has begun anew`() throws {
        let bench = try Bench()
        bench.converse()
        #expect(bench.text.isEmpty)
        try bench.say("one\ntwo\nthr")
        bench.converse()
        #expect(bench.text == "one\ntwo\n")
        try bench.say("ee\n")
        bench.converse()
        #expect(bench.text == "one\ntwo\nthree\n")
        // The coordinator was killed.
        bench.log = CollectedLog(folder: bench.folder, host: "lab1")
        try bench.say("four\n")
        bench.converse()
        #expect(bench.text == "one\ntwo\nthree\nfour\n")
        // The host has put the log aside for the next worker.
        try bench.say("five\n")
        rename(bench.theirs, bench.theirs + ".old")
        try bench.say("six\n")
        bench.converse()
        #expect(bench.text == "one\ntwo\nthree\nfour\nfive\nsix\n")
        var status = stat()
        #expect(lstat(bench.log.path, &status) == 0 && status.st_mode & 0o777 == 0o600)
    }

    @Test func `the coordinator keeps two files of a bounded size`() throws {
        let bench = try Bench()
        let line = String(repeating: "x", count: 1023) + "\n"
        for _ in 0..<12 {
            try bench.say(String(repeating: line, count: 1000))
            bench.converse()
        }
        try bench.say("last\n")
        bench.converse()
        #expect(bench.text.hasSuffix("last\n") && bench.text.utf8.count <= CollectedLog.longestBytes)
        let earlier = try String(contentsOfFile: bench.log.earlierPath, encoding: .utf8)
        #expect(earlier.utf8.count <= CollectedLog.longestBytes && earlier.utf8.count > CollectedLog.longestBytes / 2)
    }

    @Test func `a link in the log's place is not followed`() throws {
        let bench = try Bench()
        let victim = bench.folder + "/victim"
        try Data("mine\n".utf8).write(to: URL(fileURLWithPath: victim))
        symlink(victim, bench.log.path)
        try bench.say("theirs\n")
        bench.converse()
        #expect(try String(contentsOfFile: victim, encoding: .utf8) == "mine\n")
    }
}
