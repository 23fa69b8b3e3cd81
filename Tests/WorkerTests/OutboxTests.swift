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

    private func name(_ result: AttemptResult) -> String { "\(result.attempt.job.digest.hex)-\(result.attempt.number)" }
    private func path(_ result: AttemptResult, in number: Int = 0) -> String { "\(store)/outbox/\(number)/\(name(result))" }
    private func names(in folder: String) throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() }

    /// Leaves results as a worker does that dies.
    private func leave(_ results: AttemptResult...) throws {
        let outbox = try open()
        for result in results { try outbox.spool(result) }
    }

    @Test func `what a worker has spooled is found by the next, but for what was taken`() throws {
        let (a, b, c) = (result("a"), result("b", 3, .diverged(epoch: 1, step: 2)), result("c"))
        do {
            let outbox = try open()
            #expect(outbox.results == [])
            for result in [a, b, c, b] { try outbox.spool(result) }
            outbox.unspool(c.attempt)
            outbox.unspool(c.attempt)
        }
        #expect(try names(in: store + "/outbox/0") == ["lock", name(a), name(b)].sorted())
        #expect(Set(try open().results.map(name)) == [name(a), name(b)])
        #expect(try open().results.contains(b))
        #expect(lines == [])
    }

    /// Letters, 16-bit version, SHA-256 of the wire form, the wire form.
    @Test func `a file is what its description says`() throws {
        let a = result("a")
        try leave(a)
        let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path(a))))
        let content = Array(WorkerMessage.result(a).frame.dropFirst())
        #expect(bytes == Array("SOWEROUT".utf8) + [1, 0] + Digest(of: content).bytes + content)
    }

    @Test func `workers that share a store have an outbox each, and what the dead have left goes to who starts next`() throws {
        let (a, b, c) = (result("a"), result("b"), result("c"))
        var first: Outbox? = try open()
        var second: Outbox? = try open()
        try first?.spool(a)
        try second?.spool(b)
        let third = try open()
        #expect(third.results == [], "both are alive")
        second = nil
        let fourth = try open()
        #expect(fourth.results == [b])
        first = nil
        let fifth = try open()
        #expect(fifth.results == [a])
        try fifth.spool(c)
        #expect(try names(in: store + "/outbox") == ["0", "1", "2"])
        #expect(second == nil && first == nil && third.results == [])
        #expect(lines == [])
    }

    @Test func `one worker takes what several dead ones have left`() throws {
        do {
            let (first, second, third) = (try open(), try open(), try open())
            try first.spool(result("a"))
            try second.spool(result("b"))
            try third.spool(result("c"))
            try third.spool(result("a"))
        }
        let heir = try open()
        #expect(Set(heir.results.map(name)) == Set(["a", "b", "c"].map { name(result($0)) }))
        #expect(heir.results.count == 3)
        #expect(try names(in: store + "/outbox/2") == ["lock"])
        let second = try open()
        #expect(second.results == [])
    }

    @Test func `a file damaged at any byte, cut or lengthened is set aside, and the others are read`() throws {
        let (a, b) = (result("a"), result("b"))
        try leave(a, b)
        let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path(a))))
        var damaged = bytes.indices.map { index in
            var bytes = bytes
            bytes[index] ^= 0x10
            return bytes
        }
        damaged += bytes.indices.map { Array(bytes[..<$0]) }
        damaged += [bytes + [0], Array(repeating: 0xFF, count: SpooledResult.maximumBytes + 1)]
        for content in damaged {
            lines = []
            try Data(content).write(to: URL(fileURLWithPath: path(a)))
            #expect(try open().results == [b])
            #expect(lines.count == 1 && lines[0].contains(name(a)), "\(lines)")
            #expect(try names(in: store + "/outbox/0") == ["damaged", "lock", name(b)].sorted())
        }
    }

    @Test func `a failure, another version and another attempt's result are set aside with the reason`() throws {
        let (a, b) = (result("a"), result("b"))
        try leave(a)
        func expectSetAside(_ bytes: [UInt8], _ reason: String) throws {
            lines = []
            try Data(bytes).write(to: URL(fileURLWithPath: path(a)))
            #expect(try open().results == [])
            #expect(lines.count == 1 && lines[0].contains(reason), "\(lines)")
        }
        try expectSetAside(SpooledResult.bytes(of: b), "its name should be \(name(b))")
        try expectSetAside(SpooledResult.bytes(of: result("a", 1, .failed(JobFailure(.io, "no")))), "its content is no result")
        var newer = SpooledResult.bytes(of: a)
        newer[8] = 9
        try expectSetAside(newer, "it has version 9, expected 1")
        try expectSetAside(Array("something else altogether".utf8), "it does not begin with")
    }

    @Test func `links, pipes, folders and half-written files are no results and harm nothing`() throws {
        let a = result("a")
        try leave(a)
        let folder = store + "/outbox/0"
        try FileManager.default.createSymbolicLink(atPath: folder + "/link", withDestinationPath: path(a))
        #expect(mkfifo(folder + "/pipe", 0o600) == 0)
        try FileManager.default.createDirectory(atPath: folder + "/folder.tmp/inner", withIntermediateDirectories: true)
        try Data([1]).write(to: URL(fileURLWithPath: folder + "/half.tmp"))
        #expect(try open().results == [a])
        #expect(lines.count == 3)
        #expect(try names(in: folder) == ["damaged", "lock", name(a)].sorted())
        #expect(try names(in: folder + "/damaged") == ["folder.tmp", "link", "pipe"])
    }

    @Test func `what is in the way of an outbox is passed over`() throws {
        try FileManager.default.createDirectory(atPath: store + "/outbox/1/lock", withIntermediateDirectories: true)
        try Data([1]).write(to: URL(fileURLWithPath: store + "/outbox/0"))
        try open().spool(result("a"))
        #expect(try open().results == [result("a")])
        #expect(try names(in: store + "/outbox") == ["0", "1", "2"])
    }

    @Test func `a result that cannot be written is an error and leaves nothing`() throws {
        let a = result("a")
        let outbox = try open()
        try FileManager.default.createDirectory(atPath: path(a) + ".tmp/inner", withIntermediateDirectories: true)
        #expect(throws: (any Error).self) { try outbox.spool(a) }
        #expect(!FileManager.default.fileExists(atPath: path(a)))
    }
}
