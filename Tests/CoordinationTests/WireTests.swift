import Coordination
import Digests
import Simulation
import Studies
import Testing

@Suite struct WireTests {
    @Test func `every message comes back as it was sent`() {
        for family in WireExamples.families { #expect(family.roundTrips) }
    }

    @Test func `every metric has its own place in a frame`() throws {
        let sent = EpochMetrics(
            epoch: 3, learningRate: 0.25, trainingLoss: 2, trainingAccuracy: 31, trainingTop5Accuracy: 62, validationLoss: 1,
            validationAccuracy: 44, validationTop5Accuracy: 88, images: 7, seconds: 0.5)
        let frame = WorkerMessage.epoch(attempt("a"), sent).frame
        // Tag, attempt (32 + 4 bytes), then u32, seven doubles, u32, double, little-endian.
        #expect(frame.count == 1 + 36 + 4 + 56 + 4 + 8)
        func double(_ position: Int) -> Double {
            Double(bitPattern: frame[position..<position + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) })
        }
        #expect((0..<7).map { double(41 + 8 * $0) } == [0.25, 2, 31, 62, 1, 44, 88])
        #expect(double(101) == 0.5)
        #expect(try decode(.epoch(attempt("a"), sent)) == .epoch(attempt("a"), sent))
    }

    @Test func `a frame cut at any byte is refused, and so is one with bytes left over`() {
        for family in WireExamples.families {
            for frame in family.frames {
                for count in frame.indices {
                    #expect(throws: WireError.self) { try family.reencoded(Array(frame[..<count])) }
                }
                #expect(throws: WireError.trailingBytes(count: 1)) { try family.reencoded(frame + [0]) }
            }
        }
    }

    @Test func `damaged frames and noise are refused or mean exactly what they say`() {
        var choices = SeededChoices(seed: 1)
        var understood = 0
        let families = WireExamples.families.map { (family: $0, frames: $0.frames) }
        for round in 0..<40_000 {
            let (family, frames) = families[round % families.count]
            var frame = frames[choices.below(frames.count)]
            if choices.chance(0.2) {
                frame = (0..<choices.below(80)).map { _ in UInt8(truncatingIfNeeded: choices.next()) }
                if !frame.isEmpty { frame[0] = UInt8(1 + choices.below(10)) }
            } else {
                for _ in 0...choices.below(3) {
                    let index = choices.below(frame.count)
                    switch choices.below(4) {
                    case 0: frame[index] ^= 1 << UInt8(choices.below(8))
                    case 1: frame[index] = choices.chance(0.5) ? 0xFF : 0
                    case 2: frame.insert(UInt8(truncatingIfNeeded: choices.next()), at: index)
                    default: if frame.count > 1 { frame.remove(at: index) }
                    }
                }
            }
            guard let again = try? family.reencoded(frame) else { continue }
            understood += 1
            #expect(again == frame, "round \(round)")
        }
        #expect(understood > 1000)
    }

    @Test func `attempt 0, no slots, no name, too many slots are refused`() {
        #expect(throws: WireError.outOfRange(field: "attempt number")) { try decode(.epoch(attempt("a", 0), metrics(1))) }
        #expect(throws: WireError.outOfRange(field: "epoch")) { try decode(.epoch(attempt("a"), metrics(0))) }
        #expect(throws: Never.self) { try decode(.epoch(attempt("a"), metrics(Limits.epochsPerJob))) }
        #expect(throws: WireError.outOfRange(field: "epoch")) { try decode(.epoch(attempt("a"), metrics(Limits.epochsPerJob + 1))) }
        #expect(throws: WireError.outOfRange(field: "checkpoint's epoch")) {
            try decode(.checkpoint(attempt("a"), Checkpoint(epoch: Limits.epochsPerJob + 1, artifact: artifact("x"))))
        }
        #expect(throws: WireError.outOfRange(field: "slots")) { try decode(.hello(hello(slots: 0))) }
        #expect(throws: WireError.outOfRange(field: "worker")) { try decode(.hello(hello(""))) }
        #expect(throws: WireError.tooLong(field: "slots", count: 1025, limit: 1024)) { try decode(.hello(hello(slots: 1025))) }
        let many = Limits.attemptsPerWorker + 1
        #expect(throws: WireError.tooLong(field: "attempts", count: many, limit: many - 1)) {
            try decode(.hello(hello(holding: Array(repeating: attempt("a"), count: many))))
        }
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity])
    func `metrics and times that are no numbers are refused`(value: Double) {
        let fields: [WritableKeyPath<EpochMetrics, Double>] = [
            \.learningRate, \.trainingLoss, \.trainingAccuracy, \.trainingTop5Accuracy, \.validationLoss,
            \.validationAccuracy, \.validationTop5Accuracy, \.seconds,
        ]
        for field in fields {
            var metrics = metrics(1)
            metrics[keyPath: field] = value
            #expect(throws: WireError.outOfRange(field: "epoch metrics")) { try decode(.epoch(attempt("a"), metrics)) }
        }
        var outcome = result(attempt("a"))
        outcome.seconds = value
        #expect(throws: WireError.outOfRange(field: "seconds")) { try decode(.result(outcome)) }
    }

    @Test func `what the ledger would refuse is refused on the wire, from workers and from runners`() {
        func expectRefusal(_ field: String, _ outcome: AttemptResult, at location: SourceLocation = #_sourceLocation) {
            #expect(throws: WireError.outOfRange(field: field), sourceLocation: location) { try decode(.result(outcome)) }
            let ended = RunnerResult(
                outcome: outcome.outcome, epochs: outcome.epochs, artifacts: outcome.artifacts, seconds: outcome.seconds)
            #expect(throws: WireError.outOfRange(field: field), sourceLocation: location) {
                try RunnerMessage(frame: RunnerMessage.ended(ended).frame)
            }
        }
        expectRefusal("epoch", result(attempt("a"), .diverged(epoch: 0, step: 1)))
        expectRefusal("step", result(attempt("a"), .diverged(epoch: 1, step: 0)))
        expectRefusal("artifact name", result(attempt("a"), artifacts: [artifact("")]))
        expectRefusal("artifact names", result(attempt("a"), artifacts: [artifact("x"), artifact("x")]))
        expectRefusal("artifact size", result(attempt("a"), artifacts: [artifact("x", size: Limits.blobBytes + 1)]))
        var outcome = result(attempt("a"))
        outcome.epochs.swapAt(0, 1)
        expectRefusal("epochs", outcome)
        outcome = result(attempt("a"))
        outcome.seconds = -1
        expectRefusal("seconds", outcome)
    }

    @Test func `lists and bytes beyond their limits are refused`() {
        let artifacts = (0...Limits.artifactsPerJob).map { artifact("\($0)") }
        #expect(throws: WireError.tooLong(field: "artifacts", count: 3, limit: 2)) {
            try decode(.result(result(attempt("a"), artifacts: artifacts)))
        }
        #expect(throws: WireError.tooLong(field: "epochs", count: 501, limit: 500)) {
            try decode(.result(result(attempt("a"), epochs: 501)))
        }
        let spec = Assignment(attempt: attempt("a"), spec: Array(repeating: 0, count: Limits.specBytes + 1), inputs: [])
        #expect(throws: WireError.self) { try CoordinatorMessage(frame: CoordinatorMessage.assign(spec).frame) }
        let inputs = Array(repeating: WireExamples.input, count: Limits.inputsPerJob + 1)
        #expect(throws: WireError.tooLong(field: "inputs", count: 129, limit: 128)) {
            try CoordinatorMessage(frame: CoordinatorMessage.assign(assignment(attempt("a"), "a", inputs: inputs)).frame)
        }
        for (size, offset) in [(Limits.blobBytes + 1, 0), (4, 5), (5, 4), (5, .max)] as [(UInt64, UInt64)] {
            #expect(throws: WireError.outOfRange(field: "chunk")) {
                try BlobRequest(frame: BlobRequest.put(Digest(of: "x"), size: size, offset: offset, count: 2).frame)
            }
            #expect(throws: WireError.outOfRange(field: "chunk")) {
                try BlobReply(frame: BlobReply.chunk(Digest(of: "x"), size: size, offset: offset, count: 2).frame)
            }
        }
    }

    @Test func `a chunk is the rest of its frame, no more and no fewer bytes`() throws {
        let request = BlobRequest.put(Digest(of: "x"), size: 10, offset: 8, count: 2)
        let reply = BlobReply.chunk(Digest(of: "x"), size: 10, offset: 8, count: 2)
        for rest in 0..<5 {
            let requestError =
                rest == 2 ? nil : rest < 2 ? WireError.truncated(at: request.frame.count + rest) : .trailingBytes(count: rest - 2)
            let replyError =
                rest == 2 ? nil : rest < 2 ? WireError.truncated(at: reply.frame.count + rest) : .trailingBytes(count: rest - 2)
            #expect(headError(BlobRequest.self, request.frame + Array(repeating: 7, count: rest)) == requestError)
            #expect(headError(BlobReply.self, reply.frame + Array(repeating: 7, count: rest)) == replyError)
        }
        #expect(headError(BlobReply.self, BlobReply.absent(Digest(of: "x")).frame + [0]) == .trailingBytes(count: 1))
        // The longest head, before and after a chunk of the largest size.
        let reason = String(repeating: "x", count: Limits.textBytes)
        let longest = BlobReply.postponed(Digest(of: "x"), .diskFailure(host: String(reason.prefix(Limits.nameBytes)), reason: reason))
        #expect(longest.frame.count <= Limits.blobHeadBytes)
        #expect(headError(BlobReply.self, longest.frame) == nil)
        let chunk = BlobReply.chunk(Digest(of: "x"), size: 1 << 20, offset: 0, count: Limits.chunkBytes)
        #expect(headError(BlobReply.self, chunk.frame + Array(repeating: 0, count: Limits.chunkBytes)) == nil)
        #expect(chunk.frame.count + Limits.chunkBytes <= Limits.dataFrameBytes)
    }

    private func headError<Head: BlobHead>(_ head: Head.Type, _ frame: [UInt8]) -> WireError? {
        frame.withUnsafeBytes { bytes in
            do throws(WireError) {
                _ = try Head(headOf: bytes)
                return nil
            } catch {
                return error
            }
        }
    }

    @Test func `a full disk is said in numbers`() {
        let full = BlobObstacle.diskFull(host: "lab0", needed: 45_000_001, free: 0)
        #expect(full.description == "disk full on lab0: 45.1 MB needed, 0.0 MB free")
    }

    @Test func `the longest greeting and the longest result fit one control frame`() {
        let name = String(repeating: "n", count: Limits.nameBytes)
        var greeting = hello(name, slots: 1, holding: Array(repeating: attempt("a"), count: Limits.attemptsPerWorker))
        greeting.host = name
        greeting.numericClass = name
        #expect(WorkerMessage.hello(greeting).frame.count <= Limits.controlFrameBytes)
        let failure = JobFailure(.crashed, String(repeating: "x", count: Limits.textBytes))
        var outcome = result(attempt("a"), .failed(failure), epochs: Limits.epochsPerJob)
        outcome.artifacts = (10..<10 + Limits.artifactsPerJob).map { artifact(String(name.dropLast(2)) + "\($0)") }
        outcome.numericClass = name
        #expect(WorkerMessage.result(outcome).frame.count <= Limits.controlFrameBytes)
        #expect(throws: Never.self) { try decode(.result(outcome)) }
    }

    @Test func `text is cut between characters and loses its control characters`() {
        #expect(WireText.clean("a\u{0}b\u{1B}[1m\n\tc\u{7F}\u{9B}d\r", limit: 100) == "ab[1m\n\tcd")
        #expect(WireText.clean("äöü", limit: 6) == "äöü")
        #expect(WireText.clean("äöü", limit: 5) == "äö")
        #expect(WireText.clean("x😀", limit: 4) == "x")
        #expect(WireText.clean("x", limit: 0) == "")
        for limit in 0..<12 {
            let text = WireText.clean("a😀é\u{1}ß漢", limit: limit)
            #expect(text.utf8.count <= limit)
            #expect("a😀éß漢".hasPrefix(text))
        }
    }

    @Test func `whatever a reason quotes, it arrives`() throws {
        let dirty = String(repeating: "ü\u{1B}", count: Limits.textBytes)
        let clean = String(repeating: "ü", count: Limits.textBytes / 2)
        #expect(try decode(.goodbye(reason: dirty)) == .goodbye(reason: clean))
        func failure(_ message: String) -> WorkerMessage { .result(result(attempt("a"), .failed(JobFailure(.io, message)))) }
        #expect(try decode(failure(dirty)) == failure(clean))
        #expect(try CoordinatorMessage(frame: CoordinatorMessage.refused(reason: dirty).frame) == .refused(reason: clean))
        let refused = BlobReply.refused(Digest(of: "x"), reason: dirty)
        #expect(try BlobReply(frame: refused.frame) == .refused(Digest(of: "x"), reason: clean))
    }

    @Test(arguments: [[0x1B], [0x7F], [0xC2, 0x9B], [0xFF], [0xC3]] as [[UInt8]])
    func `control characters and broken UTF-8 are no text`(bytes: [UInt8]) {
        var writer = WireWriter()
        writer.write(UInt8(5))
        writer.write(bytes)
        let frame = writer.bytes
        #expect(throws: WireError.notText(field: "reason")) { try WorkerMessage(frame: frame) }
    }

    @Test func `a stream of frames is the same however it is cut`() throws {
        let frames: [[UInt8]] = [[], [1], Array(repeating: 7, count: 300), [2, 3], Array(0..<200)]
        let stream = frames.flatMap { FrameSplitter.framed($0) }
        var choices = SeededChoices(seed: 3)
        for round in 0..<400 {
            var splitter = FrameSplitter()
            var seen: [[UInt8]] = []
            var left = stream[...]
            while !left.isEmpty {
                let count = round == 0 ? 1 : min(left.count, 1 + choices.below(round))
                splitter.append(left.prefix(count))
                left = left.dropFirst(count)
                if choices.chance(0.7) || left.isEmpty { while let frame = try splitter.next() { seen.append(frame) } }
            }
            #expect(seen == frames)
            #expect(try splitter.next() == nil)
        }
    }

    @Test func `a frame longer than any message is refused before it has arrived`() {
        var splitter = FrameSplitter()
        splitter.append([1, 0xC0, 0, 0])
        #expect(throws: WireError.tooLong(field: "frame", count: 48 * 1024 + 1, limit: 48 * 1024)) { try splitter.next() }
        var worst = FrameSplitter()
        worst.append([0xFF, 0xFF, 0xFF, 0xFF])
        #expect(throws: WireError.self) { try worst.next() }
    }

    @discardableResult
    private func decode(_ message: WorkerMessage) throws -> WorkerMessage { try WorkerMessage(frame: message.frame) }
}
