import Coordination
import Digests
import Foundation
import Studies
import Testing
import Worker

@Suite final class OutboxTests {
    private let store = FileManager.default.temporaryDirectory.path + "/sower-outbox-" + String(UUID().uuidString.prefix(8))
    private var lines: [String] = []

    init() throws { try FileManager.default.createDirectory(atPath: store, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: store) }

    private func open() throws -> Outbox { try Outbox(storePath: store) { lines.append($0) } }

    private func result(_ job: String, _ number: Int = 1, _ outcome: AttemptOutcome = .finished) -> AttemptResult {
        let metrics = EpochMetrics(
            epoch: 1, learningRate: 0.1, trainingLoss: 1.5, trainingAccuracy: 50, trainingTop5Accuracy: 90, validationLoss: 1.25,
            validationAccuracy: 40, validationTop5Accuracy: 80, images: 1000, seconds: 2)
        return AttemptResult(
            attempt: AttemptID(job: JobID(Digest(of: job)), number: number), outcome: outcome, epochs: [metrics],
            artifacts: [ArtifactNotice(name: "weights", digest: Digest(of: "weights"), size: 7)], numericClass: "v1", seconds: 4)
    }

    private func folder(_ number: Int = 0) -> String { "\(store)/outbox/\(number)" }
    private func segment(_ number: Int = 1, in outbox: Int = 0) -> String { folder(outbox) + "/segment-\(number)" }
    private func names(in folder: String) throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() }
    /// A segment's bytes before the zeros that are reserved for more.
    private func bytes(_ path: String) throws -> [UInt8] {
        let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
        return Array(bytes[..<(bytes.lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0)])
    }
    private func attempts(_ results: [AttemptResult]) -> Set<AttemptID> { Set(results.map(\.attempt)) }

    /// Leaves results as a worker does that dies.
    private func leave(_ results: AttemptResult...) throws {
        let outbox = try open()
        results.forEach(outbox.spool)
        try outbox.flush()
    }

    /// What the next worker reads of a dead one's only file, and the names that it leaves in the outbox.
    private func read(_ content: [UInt8]) throws -> [AttemptResult] {
        try? FileManager.default.removeItem(atPath: folder())
        try FileManager.default.createDirectory(atPath: folder(), withIntermediateDirectories: true)
        try Data(content).write(to: URL(fileURLWithPath: segment()))
        lines = []
        return try open().results
    }

    @Test func `the artifacts of results that wait are known whoever has spooled them, also beside damage`() throws {
        func named(_ name: String) -> AttemptResult {
            var result = result(name)
            result.artifacts = [ArtifactNotice(name: "weights", digest: Digest(of: name + "'s"), size: 7)]
            return result
        }
        #expect(Outbox.artifacts(storePath: store) == [])
        let (first, second) = (try open(), try open())
        first.spool(named("a"))
        first.spool(named("b"))
        second.spool(named("c"))
        #expect(Outbox.artifacts(storePath: store) == [])
        try first.flush()
        try second.flush()
        #expect(Outbox.artifacts(storePath: store) == [Digest(of: "a's"), Digest(of: "b's"), Digest(of: "c's")])
        first.unspool(named("a").attempt)
        first.tidy()
        #expect(Outbox.artifacts(storePath: store) == [Digest(of: "b's"), Digest(of: "c's")])
        let handle = try #require(FileHandle(forWritingAtPath: segment()))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data("torn".utf8))
        #expect(Outbox.artifacts(storePath: store) == [Digest(of: "b's"), Digest(of: "c's")])
    }

    @Test func `what a worker has spooled is found by the next, but for what was taken`() throws {
        let (a, b, c) = (result("a"), result("b", 3, .diverged(epoch: 1, step: 2)), result("c"))
        do {
            let outbox = try open()
            #expect(outbox.results == [])
            for result in [a, b, c, b] { outbox.spool(result) }
            try outbox.flush()
            outbox.unspool(c.attempt)
            outbox.unspool(c.attempt)
        }
        #expect(try open().results == [a, b])
        #expect(try open().results == [a, b])
        #expect(lines == [])
    }

    @Test func `a result is waiting until it was flushed, and is not kept before`() throws {
        let a = result("a")
        do {
            let outbox = try open()
            outbox.spool(a)
            #expect(outbox.isWaiting(a.attempt))
            #expect(!FileManager.default.fileExists(atPath: segment()))
            try outbox.flush()
            #expect(!outbox.isWaiting(a.attempt))
            #expect(try bytes(segment()) == SpooledResult.bytes(of: a))
            outbox.spool(result("b"))
        }
        #expect(try open().results == [a], "b was never flushed")
    }

    @Test func `many results are one file, which goes when the last is taken`() throws {
        let results = (0..<300).map { result("\($0)") }
        do {
            let outbox = try open()
            results.forEach(outbox.spool)
            try outbox.flush()
            #expect(try names(in: folder()) == ["lock", "segment-1"])
            for result in results.dropLast() { outbox.unspool(result.attempt) }
            outbox.tidy()
            #expect(try OutboxSegment.content(ofFile: segment()).results == [results[299]])
            outbox.unspool(results[299].attempt)
            outbox.tidy()
            #expect(try bytes(segment()) == [])
            outbox.spool(results[0])
            try outbox.flush()
            #expect(try bytes(segment()).starts(with: SpooledResult.bytes(of: results[0]).dropLast(8)), "from the front again")
            outbox.unspool(results[0].attempt)
        }
        #expect(try names(in: folder()) == ["lock"])
    }

    @Test func `a long segment is followed by another, and goes when its last result is taken`() throws {
        let outbox = try open()
        let count = 2 + (1 << 20) / SpooledResult.bytes(of: result("0")).count
        let results = (0..<count).map { result("\($0)") }
        results.forEach(outbox.spool)
        try outbox.flush()
        outbox.spool(result("last"))
        try outbox.flush()
        #expect(try names(in: folder()) == ["lock", "segment-1", "segment-2"])
        for result in results { outbox.unspool(result.attempt) }
        #expect(try names(in: folder()) == ["lock", "segment-2"])
    }

    @Test func `a result that nobody wants before it is on the disk is not found there later`() throws {
        do {
            let outbox = try open()
            outbox.spool(result("a"))
            outbox.spool(result("b"))
            outbox.unspool(result("a").attempt)
            try outbox.flush()
        }
        #expect(try open().results == [result("b")])
    }

    /// Letters, 16-bit version, 32-bit length, SHA-256 of the wire form, the wire form.
    @Test func `a record is what its description says`() throws {
        let a = result("a")
        try leave(a)
        let content = Array(WorkerMessage.result(a).frame.dropFirst())
        let length = [UInt8(content.count & 0xFF), UInt8(content.count >> 8), 0, 0]
        #expect(try bytes(segment()) == Array("SOWEROUT".utf8) + [2, 0] + length + Digest(of: content).bytes + content)
    }

    @Test func `what an earlier version has left, a file a result, is found`() throws {
        let content = Array(WorkerMessage.result(result("a")).frame.dropFirst())
        #expect(try read(Array("SOWEROUT".utf8) + [1, 0] + Digest(of: content).bytes + content) == [result("a")])
        #expect(try open().results == [result("a")])
    }

    /// The last write of a host that lost its power: what was not synced may be there in part, or be zeros.
    @Test func `a torn end is passed over without a word, wherever it is cut`() throws {
        let (a, b) = (SpooledResult.bytes(of: result("a")), SpooledResult.bytes(of: result("b")))
        for count in 1..<b.count {
            #expect(try read(a + b[..<count]) == [result("a")])
            #expect(try names(in: folder()) == ["lock", "segment-2"], "cut after \(count) bytes")
        }
        #expect(try read(a + [UInt8](repeating: 0, count: 4096)) == [result("a")])
        let taken = OutboxSegment.taken(result("a").attempt)
        for count in 1..<taken.count { #expect(try read(a + taken[..<count]) == [result("a")]) }
        #expect(try read(a + taken) == [])
        #expect(lines == [])
    }

    @Test func `workers that share a store have an outbox each, and what the dead have left goes to who starts next`() throws {
        let (a, b, c) = (result("a"), result("b"), result("c"))
        var first: Outbox? = try open()
        var second: Outbox? = try open()
        first?.spool(a)
        second?.spool(b)
        try first?.flush()
        try second?.flush()
        let third = try open()
        #expect(third.results == [], "both are alive")
        second = nil
        let fourth = try open()
        #expect(fourth.results == [b])
        first = nil
        let fifth = try open()
        #expect(fifth.results == [a])
        fifth.spool(c)
        try fifth.flush()
        #expect(try names(in: store + "/outbox") == ["0", "1", "2"])
        #expect(second == nil && first == nil && third.results == [])
        #expect(lines == [])
    }

    @Test func `one worker takes what several dead ones have left`() throws {
        do {
            let (first, second, third) = (try open(), try open(), try open())
            for (outbox, names) in [(first, ["a"]), (second, ["b"]), (third, ["c", "a"])] {
                for name in names { outbox.spool(result(name)) }
                try outbox.flush()
            }
        }
        let heir = try open()
        #expect(attempts(heir.results) == attempts(["a", "b", "c"].map { result($0) }))
        #expect(heir.results.count == 3)
        #expect(try names(in: folder(2)) == ["lock"])
        let second = try open()
        #expect(second.results == [])
    }

    @Test func `a record damaged at any byte is set aside, and the others are read`() throws {
        let (a, b) = (SpooledResult.bytes(of: result("a")), SpooledResult.bytes(of: result("b")))
        for index in a.indices {
            var damaged = a
            damaged[index] ^= 0x10
            #expect(try read(damaged + b) == [result("b")], "byte \(index)")
            #expect(lines.count == 1 && lines[0].contains("segment-1"), "\(lines)")
            #expect(try names(in: folder()) == ["damaged", "lock", "segment-2"])
        }
        #expect(try read(a + Array("and then something else".utf8)) == [result("a")])
        #expect(lines.count == 1)
    }

    @Test func `a failure, another version and foreign bytes are set aside with the reason`() throws {
        func expectSetAside(_ bytes: [UInt8], _ reason: String) throws {
            #expect(try read(bytes) == [])
            #expect(lines.count == 1 && lines[0].contains(reason), "\(lines)")
            #expect(try names(in: folder() + "/damaged") == ["segment-1"])
        }
        try expectSetAside(SpooledResult.bytes(of: result("a", 1, .failed(JobFailure(.io, "no")))), "its content is no result")
        var newer = SpooledResult.bytes(of: result("a"))
        newer[8] = 9
        try expectSetAside(newer, "it has version 9, expected 2")
        try expectSetAside(Array("something else altogether".utf8), "it does not begin with")
    }

    @Test func `links, pipes and folders are no results and harm nothing`() throws {
        try leave(result("a"))
        try FileManager.default.createSymbolicLink(atPath: folder() + "/link", withDestinationPath: segment())
        #expect(mkfifo(folder() + "/pipe", 0o600) == 0)
        try FileManager.default.createDirectory(atPath: folder() + "/folder/inner", withIntermediateDirectories: true)
        #expect(try open().results == [result("a")])
        #expect(lines.count == 3)
        #expect(try names(in: folder() + "/damaged") == ["folder", "link", "pipe"])
    }

    @Test func `what is in the way of an outbox is passed over`() throws {
        try FileManager.default.createDirectory(atPath: store + "/outbox/1/lock", withIntermediateDirectories: true)
        try Data([1]).write(to: URL(fileURLWithPath: store + "/outbox/0"))
        try leave(result("a"))
        #expect(try open().results == [result("a")])
        #expect(try names(in: store + "/outbox") == ["0", "1", "2"])
    }

    @Test func `results that cannot be written are an error and leave nothing, and later ones are kept`() throws {
        do {
            let outbox = try open()
            try FileManager.default.createDirectory(atPath: segment() + "/inner", withIntermediateDirectories: true)
            outbox.spool(result("a"))
            #expect(throws: (any Error).self) { try outbox.flush() }
            #expect(!outbox.isWaiting(result("a").attempt))
            try FileManager.default.removeItem(atPath: segment())
            outbox.spool(result("b"))
            try outbox.flush()
        }
        #expect(try open().results == [result("b")])
    }
}
