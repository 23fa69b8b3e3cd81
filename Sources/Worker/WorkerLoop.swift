import Artifacts
import Coordination
import Foundation
import Transport

/// The worker's loop: socket, runner pipes and finished transfers in, ``WorkerSession``, commands out.
///
/// One agent process a host, with N slots. It never trains: it keeps in touch, moves blobs and watches over its runners.
package final class WorkerLoop {
    package struct Settings {
        /// The coordinator's control and data sockets, as libzmq endpoints.
        package var controlEndpoint: String
        package var dataEndpoint: String
        package var hello: Hello
        /// Where the host keeps artifacts; several workers may share it.
        package var storePath: String
        /// How a runner is started.
        package var runnerExecutable: String
        package var runnerArguments: [String]
        package var runnerEnvironment: [String: String]
        /// Ends the worker when this descriptor reaches its end of file: the process that started it is gone.
        package var lifeline: Int32?
        /// Told what happens, in a sentence.
        package var log: (String) -> Void

        package init(
            controlEndpoint: String, dataEndpoint: String, hello: Hello, storePath: String, runnerExecutable: String,
            runnerArguments: [String], runnerEnvironment: [String: String], lifeline: Int32?,
            log: @escaping (String) -> Void
        ) {
            self.controlEndpoint = controlEndpoint
            self.dataEndpoint = dataEndpoint
            self.hello = hello
            self.storePath = storePath
            self.runnerExecutable = runnerExecutable
            self.runnerArguments = runnerArguments
            self.runnerEnvironment = runnerEnvironment
            self.lifeline = lifeline
            self.log = log
        }
    }

    /// How the loop ended.
    package enum Ending: Equatable {
        case finished
        case lifelineCut
        case stopped
    }

    static let socketOptions = SocketOptions(maximumFrameBytes: Limits.controlFrameBytes)

    private enum Key: Hashable { case control, blobs, lifeline, runner(Int), runnerLog(Int) }

    private let settings: Settings
    private let context: ZeroMQContext
    private let store: ArtifactStore
    /// `nil` when none could be made: results are then kept in memory alone.
    private let outbox: Outbox?
    private let blobs: BlobClient
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private var session: WorkerSession
    private var socket: DealerSocket
    private var poller = Poller<Key>()
    private var runners: [Int: RunnerProcess] = [:]
    private var ending: WorkerSession.EndReason?

    package init(_ settings: Settings) throws {
        self.settings = settings
        store = try ArtifactStore(folder: settings.storePath)
        context = try ZeroMQContext()
        blobs = try BlobClient()
        socket = try DealerSocket(context: context, options: Self.socketOptions)
        start = clock.now
        do {
            outbox = try Outbox(storePath: store.folder, log: settings.log)
        } catch {
            outbox = nil
            settings.log("finished results are lost if this worker ends before it has delivered them: \(error.localizedDescription)")
        }
        let left = outbox?.results ?? []
        if !left.isEmpty { settings.log("\(left.count) results of earlier workers are waiting to be delivered") }
        session = WorkerSession(hello: settings.hello, now: Instant(seconds: 0), spooled: left)
    }

    /// Works until the coordinator says that all is done, the lifeline is cut or `shouldStop` says so.
    package func run(shouldStop: () -> Bool) throws -> Ending {
        defer { close() }
        try socket.connect(to: settings.controlEndpoint)
        poller.watch(socket, as: .control, for: .read)
        poller.watch(fileDescriptor: blobs.hasEvents.fileDescriptor, as: .blobs, for: .read)
        if let lifeline = settings.lifeline { poller.watch(fileDescriptor: lifeline, as: .lifeline, for: .read) }
        blobs.start(context: context, endpoint: settings.dataEndpoint, store: store)
        try execute(session.start())
        while true {
            switch ending {
            case .refused(let reason): throw WorkerError.refused(reason)
            case .unreachable(let seconds): throw WorkerError.unreachable(settings.controlEndpoint, seconds: seconds)
            case .finished: return .finished
            case nil: break
            }
            if shouldStop() {
                _ = try socket.send(WorkerMessage.goodbye(reason: "stopped by a signal").frame)
                return .stopped
            }
            for ready in try poller.wait(timeoutMilliseconds: 250) {
                switch ready.key {
                case .control: try receiveMessages()
                case .blobs: for event in blobs.takeEvents() { try feed(.init(event)) }
                case .lifeline: if lifelineIsCut() { return .lifelineCut }
                case .runner(let slot): try receive(fromRunner: slot)
                case .runnerLog(let slot): if runners[slot]?.passOnLog() != true { poller.forget(.runnerLog(slot)) }
                }
            }
            try feed(.tick)
        }
    }

    private var now: Instant { Instant(seconds: (clock.now - start) / .seconds(1)) }

    private func feed(_ event: WorkerSession.Event) throws { try execute(session.handle(event, at: now)) }

    private func receiveMessages() throws {
        while let frame = try socket.receive() {
            // Bytes that are no message change nothing.
            if let message = try? CoordinatorMessage(frame: frame) { try feed(.received(message)) }
        }
    }

    private func receive(fromRunner slot: Int) throws {
        guard let runner = runners[slot] else { return }
        let (messages, death) = runner.receive()
        if death != nil {
            poller.forget(.runner(slot))
            poller.forget(.runnerLog(slot))
            runners[slot] = nil
        }
        var hasEnded = false
        for message in messages {
            switch message {
            case .ready: break
            case .epoch(let metrics): try feed(.runnerEpoch(slot: slot, metrics))
            case .checkpoint(let checkpoint): try feed(.runnerCheckpoint(slot: slot, checkpoint))
            case .ended(let result):
                hasEnded = true
                try feed(.runnerEnded(slot: slot, result))
            }
        }
        guard let death else { return }
        settings.log("slot \(slot): \(death.message)")
        // A runner that dies after its result has taken nothing with it; the slot may hold the next job by now.
        if !hasEnded { try feed(.runnerDied(slot: slot, death)) }
    }

    private func execute(_ commands: [WorkerSession.Command]) throws {
        for command in commands {
            switch command {
            case .send(let message):
                if case .result(let result) = message { settings.log("job \(result.attempt.job.short): \(result.outcome.words)") }
                // A message that does not leave is repeated by the session.
                _ = try socket.send(message.frame)
            case .fetch(let artifact):
                blobs.submit(.fetch(artifact))
            case .push(let artifact):
                blobs.submit(.push(artifact))
            case .spool(let result):
                do {
                    try outbox?.spool(result)
                } catch {
                    settings.log("job \(result.attempt.job.short): the result is kept in memory only: \(error.localizedDescription)")
                }
            case .unspool(let attempt):
                outbox?.unspool(attempt)
            case .start(let slot, let attempt, let start):
                settings.log("slot \(slot): job \(attempt.job.short), attempt \(attempt.number)")
                try runner(of: slot).send(
                    RunnerRequest(
                        spec: start.spec, datasetPath: start.datasetPath, storePath: store.folder, inputs: start.inputs,
                        checkpoint: start.checkpoint, checkpointSeconds: start.checkpointSeconds))
            case .discard(let digest):
                try? store.remove(digest)
            case .kill(let slot):
                poller.forget(.runner(slot))
                poller.forget(.runnerLog(slot))
                runners.removeValue(forKey: slot)?.end()
            case .reconnect:
                settings.log("the coordinator is silent: connecting again")
                poller.forget(.control)
                socket.close()
                socket = try DealerSocket(context: context, options: Self.socketOptions)
                try socket.connect(to: settings.controlEndpoint)
                poller.watch(socket, as: .control, for: .read)
            case .end(let reason):
                ending = reason
            }
        }
    }

    private func runner(of slot: Int) throws -> RunnerProcess {
        if let runner = runners[slot] { return runner }
        let runner = try RunnerProcess(
            executable: settings.runnerExecutable, arguments: settings.runnerArguments, environment: settings.runnerEnvironment)
        runners[slot] = runner
        poller.watch(fileDescriptor: runner.output, as: .runner(slot), for: .read)
        poller.watch(fileDescriptor: runner.errors, as: .runnerLog(slot), for: .read)
        return runner
    }

    private func lifelineIsCut() -> Bool {
        guard let lifeline = settings.lifeline else { return false }
        var byte: UInt8 = 0
        return read(lifeline, &byte, 1) == 0
    }

    private func close() {
        blobs.stop()
        for runner in runners.values { runner.end() }
        runners = [:]
        socket.close()
    }
}

extension WorkerSession.Event {
    init(_ event: BlobClient.Event) {
        switch event {
        case .fetched(let digest): self = .fetched(digest)
        case .fetchFailed(let digest, let reason): self = .fetchFailed(digest, reason: reason)
        case .pushed(let digest): self = .pushed(digest)
        case .pushFailed(let digest, let reason): self = .pushFailed(digest, reason: reason)
        }
    }
}

extension AttemptOutcome {
    /// The outcome in a log line.
    fileprivate var words: String {
        switch self {
        case .finished: "finished"
        case .diverged(let epoch, let step): "diverged in epoch \(epoch), step \(step)"
        case .failed(let failure): "failed, \(failure.code): \(failure.message)"
        }
    }
}
