import Coordination
import Digests
import Foundation
import Studies
import Testing
import Transport
import Worker

/// Whole worker loops against a coordinator that the test plays by hand.
@Suite final class WorkerLoopTests {
    private let folder = FileManager.default.temporaryDirectory.path + "/sower-loop-" + String(UUID().uuidString.prefix(8))
    private let context: ZeroMQContext
    private let socket: RouterSocket
    private var lines: [String] = []

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        context = try ZeroMQContext()
        socket = try RouterSocket(context: context)
        try socket.bind(to: "ipc://\(folder)/control")
    }

    deinit {
        socket.close()
        try? FileManager.default.removeItem(atPath: folder)
    }

    private let attempt = AttemptID(job: JobID(Digest(of: "job")), number: 4)
    private var result: AttemptResult {
        AttemptResult(attempt: attempt, outcome: .finished, epochs: [], artifacts: [], numericClass: "v1", seconds: 4)
    }
    private var segment: String { "\(folder)/store/outbox/0/segment-1" }
    /// What is on the disk, whoever writes there.
    private var spooled: [AttemptResult] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder + "/store/outbox/0")) ?? []
        return names.filter { $0.hasPrefix("segment-") }.flatMap { name in
            let data = (try? Data(contentsOf: URL(fileURLWithPath: folder + "/store/outbox/0/" + name))) ?? Data()
            return OutboxSegment.content(of: [UInt8](data)).results
        }
    }

    /// A runner that has one result to tell, whatever it is asked.
    private func worker(_ name: String) throws -> WorkerLoop {
        let ended = RunnerResult(outcome: .finished, epochs: [], artifacts: [], seconds: 4)
        return try worker(name, slots: 1, saying: FrameSplitter.framed(RunnerMessage.ended(ended).frame))
    }

    /// Runners that say so, each once, when there is a file `signal` if one is given.
    private func worker(_ name: String, slots: Int, saying said: [UInt8], after signal: String? = nil) throws -> WorkerLoop {
        try Data(said).write(to: URL(fileURLWithPath: folder + "/said"))
        return try WorkerLoop(
            WorkerLoop.Settings(
                controlEndpoint: "ipc://\(folder)/control", dataEndpoint: "ipc://\(folder)/data",
                hello: Hello(
                    worker: name, host: "lab1", processID: 1, slots: slots, isCentral: false, numericClass: "v1", attempts: []),
                storePath: folder + "/store", runnerExecutable: "/bin/sh",
                runnerArguments: [
                    "-c", (signal.map { "until [ -e '\($0)' ]; do sleep 0.05; done; " } ?? "") + "cat '\(folder)/said'; exec sleep 60",
                ], runnerEnvironment: ["PATH": "/usr/bin:/bin"],
                lifeline: nil, log: { [unowned self] in lines.append($0) }))
    }

    /// Answers what the worker says until `answer` says that it is enough; the loop asks each turn.
    private func run(_ worker: WorkerLoop, _ answer: (WorkerMessage, (CoordinatorMessage) -> Void) -> Bool) throws {
        var turns = 0
        let ending = try worker.run { () -> Int in
            turns += 1
            while let (peer, frame) = try? socket.receive(), let message = try? WorkerMessage(frame: frame) {
                if answer(message, { _ = try? socket.send($0.frame, to: peer) }) { return 3 }
            }
            return turns > 200 ? 3 : 0
        }
        #expect(ending == .stopped)
        #expect(turns <= 200, "it never came to an end: \(lines)")
    }

    @Test func `a result outlives its worker and is delivered by the next that starts`() throws {
        let welcome = CoordinatorMessage.welcome(Welcome(datasetPath: "/data", drop: []))
        var wasOnDisk = false
        do {
            try run(try worker("w1")) { message, say in
                switch message {
                case .hello:
                    say(welcome)
                    say(.assign(Assignment(attempt: attempt, spec: [1], inputs: [])))
                case .result(let told):
                    wasOnDisk = spooled == [result]
                    #expect(told == result)
                    return true
                default: break
                }
                return false
            }
        }
        #expect(wasOnDisk)
        var greeted: [AttemptID] = []
        var delivered: AttemptResult?
        try run(try worker("w2")) { message, say in
            switch message {
            case .hello(let hello):
                if greeted.isEmpty { greeted = hello.attempts }
                say(welcome)
            case .result(let told):
                delivered = told
                say(.acknowledged(attempt))
            default: break
            }
            return delivered != nil && spooled.isEmpty
        }
        #expect(greeted == [attempt])
        #expect(delivered == result)
        #expect(spooled == [])
        #expect(lines.contains { $0.hasPrefix("1 results of earlier workers") })
    }

    @Test func `jobs see the number of their slot on the host`() throws {
        let ended = RunnerResult(outcome: .finished, epochs: [], artifacts: [], seconds: 4)
        try Data(FrameSplitter.framed(RunnerMessage.ended(ended).frame)).write(to: URL(fileURLWithPath: folder + "/said"))
        var settings = WorkerLoop.Settings(
            controlEndpoint: "ipc://\(folder)/control", dataEndpoint: "ipc://\(folder)/data",
            hello: Hello(worker: "w1", host: "lab1", processID: 1, slots: 2, isCentral: false, numericClass: "v1", attempts: []),
            storePath: folder + "/store", runnerExecutable: "/bin/sh",
            runnerArguments: ["-c", "echo $SOWER_SLOT >>'\(folder)/slots'; sleep 1; cat '\(folder)/said'; exec sleep 60"],
            runnerEnvironment: ["PATH": "/usr/bin:/bin", "SOWER_SLOT": "9"], lifeline: nil, log: { [unowned self] in lines.append($0) })
        settings.firstSlot = 4
        let attempts = ["a", "b"].map { AttemptID(job: JobID(Digest(of: $0)), number: 1) }
        var told = 0
        try run(WorkerLoop(settings)) { message, say in
            switch message {
            case .hello:
                say(.welcome(Welcome(datasetPath: "/data", drop: [])))
                for attempt in attempts { say(.assign(Assignment(attempt: attempt, spec: [1], inputs: []))) }
            case .result: told += 1
            default: break
            }
            return told == 2
        }
        let slots = try String(contentsOfFile: folder + "/slots", encoding: .utf8)
        #expect(Set(slots.split(separator: "\n")) == ["4", "5"])
    }

    @Test func `a result that the disk does not take is delivered all the same`() throws {
        var delivered: AttemptResult?
        let worker = try worker("w1")
        try FileManager.default.createDirectory(atPath: segment + "/inner", withIntermediateDirectories: true)
        try run(worker) { message, say in
            switch message {
            case .hello:
                say(.welcome(Welcome(datasetPath: "/data", drop: [])))
                say(.assign(Assignment(attempt: attempt, spec: [1], inputs: [])))
            case .result(let told): delivered = told
            default: break
            }
            return delivered != nil
        }
        #expect(delivered == result)
        #expect(lines.contains { $0.contains("1 results are kept in memory only") })
    }

    /// 24 runners with 500 epochs each: far more than libzmq's queues and the kernel's buffers hold. A coordinator that does not know
    /// the worker any more gets its results after the greeting, and is spared the epochs.
    @Test(arguments: [false, true])
    func `what a coordinator is too busy to read waits, and arrives whole and in order`(isForgetful: Bool) throws {
        let epochs = (1...500).map { epoch in
            EpochMetrics(
                epoch: epoch, learningRate: 0.1, trainingLoss: 1, trainingAccuracy: 0.5, trainingTop5Accuracy: 0.9, validationLoss: 1,
                validationAccuracy: 0.5, validationTop5Accuracy: 0.9, images: 100, seconds: 1)
        }
        let ended = RunnerResult(outcome: .finished, epochs: epochs, artifacts: [], seconds: 4)
        let said = (epochs.map { RunnerMessage.epoch($0) } + [.ended(ended)]).flatMap { FrameSplitter.framed($0.frame) }
        // A slot that is free again too soon would get another's job, and its runner has nothing left to say.
        let allStarted = folder + "/all-started"
        let worker = try worker("w1", slots: 24, saying: said, after: allStarted)
        let attempts = (1...24).map { AttemptID(job: JobID(Digest(of: "\($0)")), number: 1) }
        var hasFinished: Bool { lines.count { $0.hasSuffix(": finished") } >= attempts.count }
        var isAssigned = false
        // Asked to greet again so soon after its greeting, the worker takes that one to be on its way still.
        var mayHear = ContinuousClock.now
        var heard: [AttemptID: [Int]] = [:]
        var results: Set<AttemptID> = []
        var (isKnown, framesUnheard) = (false, 0)
        let deadline = ContinuousClock.now + .seconds(60)
        let ending = try worker.run { () -> Int in
            if lines.count(where: { $0.hasSuffix(", attempt 1") }) == attempts.count {
                _ = FileManager.default.createFile(atPath: allStarted, contents: nil)
            }
            guard !isAssigned || (hasFinished && ContinuousClock.now > mayHear) else { return ContinuousClock.now > deadline ? 3 : 0 }
            while let (peer, frame) = try? socket.receive(), let message = try? WorkerMessage(frame: frame) {
                func say(_ message: CoordinatorMessage) { _ = try? socket.send(message.frame, to: peer) }
                switch message {
                case .hello where !isAssigned:
                    isAssigned = true
                    mayHear = .now + .seconds(2 * Limits.greetAgainSeconds)
                    say(.welcome(Welcome(datasetPath: "/data", drop: [])))
                    for attempt in attempts { say(.assign(Assignment(attempt: attempt, spec: [1], inputs: []))) }
                case .hello:
                    isKnown = true
                    say(.welcome(Welcome(datasetPath: "/data", drop: [])))
                case _ where isForgetful && !isKnown:
                    framesUnheard += 1
                    say(.greetAgain)
                case .epoch(let attempt, let metrics): heard[attempt, default: []].append(metrics.epoch)
                case .result(let result):
                    #expect(isForgetful || heard[result.attempt] == Array(1...500))
                    results.insert(result.attempt)
                default: break
                }
            }
            return results.count >= attempts.count || ContinuousClock.now > deadline ? 3 : 0
        }
        #expect(ending == .stopped)
        #expect(results == Set(attempts))
        #expect(framesUnheard < 10_000, "12,024 frames were told")
    }

    /// libzmq may stop reconnecting for good without a word, so silence is what counts.
    @Test func `a worker whose coordinator falls silent comes back over a new connection`() throws {
        var peers: [PeerID] = []
        let worker = try worker("w1")
        let deadline = ContinuousClock.now + .seconds(Limits.coordinatorSilenceSeconds + 10)
        let ending = try worker.run { () -> Int in
            while let (peer, frame) = try? socket.receive(), let message = try? WorkerMessage(frame: frame) {
                guard case .hello = message, !peers.contains(peer) else { continue }
                peers.append(peer)
                guard peers.count == 1 else { continue }
                _ = try? socket.send(CoordinatorMessage.welcome(Welcome(datasetPath: "/data", drop: [])).frame, to: peer)
            }
            return peers.count == 2 || ContinuousClock.now > deadline ? 3 : 0
        }
        #expect(ending == .stopped && peers.count == 2)
        #expect(lines.contains("the coordinator is silent: connecting again"))
    }

    @Test func `chunks and heartbeats keep to what libzmq can bear`() {
        // Longer frames hold heartbeats up until a healthy connection is cut.
        #expect(Limits.chunkBytes <= 256 * 1024)
        #expect(SocketOptions.data.maximumFrameBytes > Limits.chunkBytes && Limits.dataFrameBytes == SocketOptions.data.maximumFrameBytes)
        #expect(SocketOptions.heartbeatLifetimeMilliseconds <= 65_000)
        #expect(SocketOptions.heartbeatLifetimeMilliseconds > 2 * SocketOptions.heartbeatIntervalMilliseconds)
    }

    @Test func `a worker that can have no outbox works without`() throws {
        try FileManager.default.createDirectory(atPath: folder + "/store", withIntermediateDirectories: true)
        try Data([1]).write(to: URL(fileURLWithPath: folder + "/store/outbox"))
        var greetings = 0
        try run(try worker("w1")) { message, _ in
            if case .hello = message { greetings += 1 }
            return greetings > 0
        }
        #expect(lines.contains { $0.hasPrefix("finished results are lost if this worker ends") })
    }
}
