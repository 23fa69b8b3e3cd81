import Artifacts
import Coordination
import Digests
import Failpoints
import Foundation
import LedgerStore
import Studies
import Transport

/// The coordinator's loop: frames in, ``Dispatcher``, ledger, frames out.
///
/// One thread owns the socket, the dispatcher and the ledger. Each turn takes the frames that wait, lets the dispatcher
/// decide, records every change in one transaction, and only then sends: what a worker has been told is on disk.
package final class CoordinatorLoop {
    package struct Settings {
        /// Where workers of this host connect, as libzmq endpoints (`ipc://…`), without encryption.
        package var controlEndpoints: [String]
        package var dataEndpoints: [String]
        /// Where workers of other hosts connect, if they may.
        package var remote: RemoteDoor?
        /// Where a person's commands arrive, an ipc endpoint of this user's alone; `nil` for nowhere.
        package var operatorEndpoint: String?
        /// Which workers are taken; `nil` for all that speak the protocol.
        package var admission: Admission?
        /// Files that workers may fetch beside artifacts.
        package var shared = SharedFiles()

        package init(
            controlEndpoints: [String], dataEndpoints: [String], remote: RemoteDoor? = nil, operatorEndpoint: String? = nil
        ) {
            self.controlEndpoints = controlEndpoints
            self.dataEndpoints = dataEndpoints
            self.remote = remote
            self.operatorEndpoint = operatorEndpoint
        }
    }

    package enum Ending: Sendable, Equatable {
        /// Every job is settled.
        case complete
        /// More jobs have failed than the sweep allows.
        case tooManyFailures
        /// Asked to stop; what was running is running no more, what was finished is kept.
        case stopped
        /// Asked by a person to stop; what was running has ended first.
        case drained
        /// Asked by a person to end at once.
        case canceled
    }

    /// What one turn of the loop has made durable, for whoever measures it.
    package struct Commit {
        package var changes: [LedgerChange]
        /// When the turn began to look at its frames.
        package var began: ContinuousClock.Instant
        /// When the messages that depend on the changes had been handed to the socket.
        package var sent: ContinuousClock.Instant
    }

    /// Frames dealt with before a transaction is committed.
    static let framesPerTurn = 256

    private enum Key: Hashable { case control(Int), commands }

    private let ledger: Ledger
    private let store: ArtifactStore
    private let context: ZeroMQContext
    let connections: Connections
    let remote: RemoteDoor?
    /// Lets authorized keys in; there is one when other hosts may come.
    let zap: ZapHandler?
    private let operatorSocket: OperatorSocket?
    private let blobs: BlobServer
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    var dispatcher: Dispatcher
    var refused: Set<Connections.Connection> = []
    var admission: Admission?
    private var rate = ImageRate()
    private var onCommit: (Commit) -> Void = { _ in }

    /// The endpoints that workers connect to, ports filled in; those for other hosts come last.
    package private(set) var controlEndpoints: [String] = []
    package private(set) var dataEndpoints: [String] = []

    /// Binds all sockets; the ledger must be open, so that no second coordinator gets this far.
    ///
    /// Throws `TransportError.insecure` when other hosts may come and the self-test of CURVE fails.
    package init(_ settings: Settings, dispatcher: Dispatcher, ledger: Ledger, store: ArtifactStore) throws {
        self.dispatcher = dispatcher
        self.ledger = ledger
        self.store = store
        context = try ZeroMQContext()
        remote = settings.remote
        admission = settings.admission
        let options = SocketOptions(maximumFrameBytes: Limits.controlFrameBytes)
        // Whoever decides on handshakes must be there before a socket is bound.
        zap = try settings.remote.map { [context] remote in
            let curve = remote.curve
            let handler = try ZapHandler(context: context) { curve.isAuthorized($0) }
            do {
                try CurveSelfTest.run(
                    context: context, router: RouterSocket(context: context, options: options, curve: curve), server: curve)
                // The test's own stranger is nobody's news.
                _ = handler.takeRefusals()
            } catch {
                handler.stop()
                throw error
            }
            return handler
        }
        let local = try RouterSocket(context: context, options: options)
        let remoteSocket = try settings.remote.map { [context] in
            try RouterSocket(context: context, options: options, curve: $0.curve)
        }
        connections = Connections([local] + (remoteSocket.map { [$0] } ?? []))
        operatorSocket = try settings.operatorEndpoint.map { [context] in try OperatorSocket(context: context, endpoint: $0) }
        blobs = try BlobServer()
        start = clock.now
        do {
            for endpoint in settings.controlEndpoints {
                try local.bind(to: endpoint)
                controlEndpoints.append(try local.lastEndpoint)
            }
            if let remoteSocket, let remote {
                try remoteSocket.bind(to: remote.controlEndpoint)
                controlEndpoints.append(try remoteSocket.lastEndpoint)
            }
            dataEndpoints = try blobs.start(
                context: context, endpoints: settings.dataEndpoints, remote: remote.map { ($0.dataEndpoint, $0.curve) }, store: store,
                shared: settings.shared)
        } catch {
            close()
            throw error
        }
    }

    /// Runs until every job is settled, too many have failed, or `shouldStop` says so.
    ///
    /// - Parameters:
    ///   - endedWorkers: asked each turn for workers whose process is known to have ended, with the reason.
    ///   - onProgress: called about once a second.
    ///   - onCommit: called after each turn that recorded something.
    package func run(
        shouldStop: () -> Bool, endedWorkers: () -> [(worker: String, reason: String)], onProgress: (SweepProgress) -> Void,
        onCommit: @escaping (Commit) -> Void = { _ in }
    ) throws -> Ending {
        self.onCommit = onCommit
        var poller = Poller<Key>()
        for (index, socket) in connections.sockets.enumerated() { poller.watch(socket, as: .control(index), for: .read) }
        if let operatorSocket { poller.watch(operatorSocket.socket, as: .commands, for: .read) }
        var lastProgress: Instant?
        try carryOut(dispatcher.start())
        while true {
            if let ending = try turn(endedWorkers()) { return ending }
            if shouldStop() {
                return .stopped
            }
            if lastProgress.map({ now - $0 >= 1 }) ?? true {
                lastProgress = now
                onProgress(progress)
            }
            let ready = try poller.wait(timeoutMilliseconds: connections.isBehind ? 5 : 250)
            if ready.isEmpty { try ledger.checkpointIfWorthwhile() }
        }
    }

    /// Tells every worker that nothing is left to do, and gives the message a moment to leave: closing drops what waits.
    package func dismissWorkers() {
        Failpoint.coordinatorDismissBefore.pass()
        let names = dispatcher.workerNames
        for name in names { try? connections.send(CoordinatorMessage.finish.frame, to: name) }
        guard !names.isEmpty else { return }
        let end = clock.now + .seconds(0.3)
        repeat {
            Thread.sleep(forTimeInterval: 0.01)
            _ = try? connections.catchUp()
        } while clock.now < end
    }

    package func close() {
        blobs.stop()
        operatorSocket?.close()
        connections.close()
        zap?.stop()
    }

    package var progress: SweepProgress {
        let counts = dispatcher.counts
        let isIdle = counts[.running] == nil && counts[.waiting] != nil && dispatcher.mode == .working
        return SweepProgress(
            counts: counts, shortages: isIdle ? dispatcher.shortages(at: now) : [], workers: dispatcher.workerNames.count,
            slots: dispatcher.slots,
            imagesPerSecond: rate.imagesPerSecond(at: now), imagesTrained: rate.total,
            elapsedSeconds: now.seconds)
    }

    var now: Instant { Instant(seconds: (clock.now - start) / .seconds(1)) }

    private func turn(_ ended: [(worker: String, reason: String)]) throws -> Ending? {
        let began = clock.now
        var commands: [Dispatcher.Command] = []
        for (worker, reason) in ended {
            commands += dispatcher.handle(.workerEnded(worker: worker, reason: reason), at: now)
        }
        commands += newsFromTheDoor()
        for name in try connections.catchUp() {
            commands += dispatcher.handle(.workerEnded(worker: name, reason: "it does not read its messages"), at: now)
        }
        for _ in 0..<Self.framesPerTurn {
            guard let (connection, frame) = try connections.receive() else { break }
            Failpoint.coordinatorReceiveAfter.pass()
            do throws(WireError) {
                commands += commandsFor(try WorkerMessage(frame: frame), from: connection)
            } catch {
                // Bytes that are no message change nothing.
                if let reason = error.refusal { commands += refuse(connection, reason) }
            }
        }
        commands += dispatcher.handle(.tick, at: now)
        let changes = try carryOut(commands)
        try obeyCommands()
        if !changes.isEmpty {
            onCommit(Commit(changes: changes, began: began, sent: clock.now))
            // What was sent is being worked on meanwhile.
            ledger.makeRoom()
        }
        if dispatcher.isComplete { return .complete }
        if dispatcher.mode == .canceled { return .canceled }
        if dispatcher.isDrained { return .drained }
        return dispatcher.hasTooManyFailures ? .tooManyFailures : nil
    }

    private func commandsFor(_ message: WorkerMessage, from connection: Connections.Connection) -> [Dispatcher.Command] {
        if case .hello(let hello) = message {
            let (isTaken, notes) = admit(hello, over: connection)
            guard isTaken else { return notes }
            return notes + dispatcher.handle(.received(message, from: hello.worker), at: now)
        }
        guard let name = connections.name(of: connection) else {
            // A connection from before a restart, or one that libzmq has made anew.
            _ = try? connections.send(CoordinatorMessage.greetAgain.frame, over: connection)
            return []
        }
        switch message {
        case .epoch(_, let metrics):
            rate.add(metrics.images, at: now)
        case .result(let result):
            // A result stands only on artifacts that are here: the digest was checked when each was published.
            let missing = result.artifacts.map(\.digest).filter { !store.contains($0) }
            if !missing.isEmpty { return [.send(.missing(result.attempt, missing), to: name)] }
        case .checkpoint(_, let checkpoint):
            guard store.contains(checkpoint.artifact.digest) else { return [] }
        default:
            break
        }
        return dispatcher.handle(.received(message, from: name), at: now)
    }

    /// What a person wants is done, and on the disk, before it is answered.
    private func obeyCommands() throws {
        while let (peer, request) = try operatorSocket?.receive() {
            let commands = dispatcher.handle(.asked(request), at: now)
            try carryOut(commands)
            let notes: [String]
            if case .explain(let job) = request {
                notes = dispatcher.explanation(of: job, at: now).map { [$0] } ?? []
            } else {
                notes = dispatcher.shortages(at: now)
            }
            let changed = commands.count {
                switch $0 {
                case .record(.jobFailed), .record(.jobReopened): true
                default: false
                }
            }
            try operatorSocket?.answer(
                OperatorReply(
                    mode: dispatcher.mode, changed: changed, running: dispatcher.counts[.running] ?? 0,
                    quarantinedHosts: dispatcher.quarantinedHosts, silentWorkers: dispatcher.silentWorkers(at: now), notes: notes),
                to: peer)
        }
    }

    /// All records, then all sends, then what is needed no more. The answer is what was recorded.
    @discardableResult private func carryOut(_ commands: [Dispatcher.Command]) throws -> [LedgerChange] {
        let changes = commands.compactMap { if case .record(let change) = $0 { change } else { nil } }
        if !changes.isEmpty { try ledger.record(changes, now: Date()) }
        for case .send(let message, let name) in commands { try connections.send(message.frame, to: name) }
        for case .discard(let digest) in commands {
            Failpoint.coordinatorDiscardBefore.pass()
            _ = try? store.remove(digest)
        }
        return changes
    }
}
