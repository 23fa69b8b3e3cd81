import Artifacts
import Coordination
import Digests
import Failpoints
import Foundation
import Transport

/// The worker's loop: socket, runner pipes and finished transfers in, ``WorkerSession``, commands out.
///
/// One agent process a host, with N slots. It never trains: it keeps in touch, moves blobs and watches over its runners.
package final class WorkerLoop {
    /// How the loop ended.
    package enum Ending: Equatable {
        case finished
        case lifelineCut
        /// It was told to leave, or its time is up: what it held is delivered or given back.
        case left
        /// It was told to leave three times, and has dropped everything; results are on its disk.
        case stopped
    }

    private enum Key: Hashable { case control, handshakes, blobs, outbox, lifeline, runner(Int), runnerLog(Int) }

    let settings: Settings
    private let context: ZeroMQContext
    let store: ArtifactStore
    private let results: ResultWriter
    private let blobs: BlobClient
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private var session: WorkerSession
    private let control: ControlChannel
    private var poller = Poller<Key>()
    private var runners: [Int: RunnerProcess] = [:]
    /// Artifacts of attempts that this worker holds, so that no process evicts them from the cache.
    private var uses: [Digest: ArtifactUse] = [:]
    /// The session's count of changes to what is needed when `uses` was last brought up to it.
    private var keptChanges: Int?
    private var ending: WorkerSession.EndReason?
    private var waitsForRoom = false
    /// How often it has been told to leave.
    private var farewells = 0

    package init(_ settings: Settings) throws {
        self.settings = settings
        store = try ArtifactStore(folder: settings.storePath)
        context = try ZeroMQContext()
        blobs = try BlobClient()
        control = try ControlChannel(context: context, endpoint: settings.controlEndpoint, curve: settings.curve)
        start = clock.now
        results = try ResultWriter(storePath: store.folder, log: settings.log)
        session = WorkerSession(hello: settings.hello, now: Instant(seconds: 0), source: settings.data, spooled: results.inherited)
        session.graceSeconds = settings.graceSeconds
    }

    /// Works until the coordinator says that all is done, the lifeline is cut, its time is up, or it has been told to leave.
    ///
    /// - Parameter farewells: how often the worker has been told to leave so far: once, it ends when what runs has ended; twice, it
    ///   ends its runners; three times, it ends at once.
    package func run(farewells wanted: () -> Int) throws -> Ending {
        defer { close() }
        try control.connect()
        watchControl()
        poller.watch(fileDescriptor: blobs.hasEvents.fileDescriptor, as: .blobs, for: .read)
        if let lifeline = settings.lifeline { poller.watch(fileDescriptor: lifeline, as: .lifeline, for: .read) }
        poller.watch(fileDescriptor: results.isWritten.fileDescriptor, as: .outbox, for: .read)
        blobs.start(
            context: context, endpoint: settings.dataEndpoint, curve: settings.curve, store: store, quota: settings.cacheQuota,
            pinned: { [store] in Outbox.artifacts(storePath: store.folder) })
        try execute(session.start())
        while true {
            switch ending {
            case .refused(let reason): throw WorkerError.refused(reason)
            case .unreachable(let seconds): throw WorkerError.unreachable(settings.controlEndpoint, seconds: seconds)
            case .finished: return .finished
            case .left:
                // The socket drops what waits when it is closed: the goodbye gets a moment.
                Thread.sleep(forTimeInterval: 0.1)
                return .left
            case nil: break
            }
            let wanted = wanted()
            guard wanted < 3 else { return .stopped }
            try noteFarewells(wanted)
            watchRoom()
            let ready = try poller.wait(timeoutMilliseconds: 250)
            if ready.isEmpty { results.tidy() }
            for ready in ready {
                switch ready.key {
                case .control:
                    try control.catchUp()
                    try receiveMessages()
                case .handshakes:
                    guard let (error, isFinal) = try control.refusal(at: now) else { continue }
                    guard !isFinal else { throw error }
                    settings.log("\(error.localizedDescription); work goes on meanwhile")
                case .blobs: for event in blobs.takeEvents() { try take(event) }
                case .outbox: try tell(results.takeWritten())
                case .lifeline: if lifelineIsCut() { return .lifelineCut }
                case .runner(let slot): try receive(fromRunner: slot)
                case .runnerLog(let slot): if runners[slot]?.passOnLog() != true { poller.forget(.runnerLog(slot)) }
                }
            }
            try feed(.tick)
            keepNeededArtifacts()
            // While attempts are running another thread waits for the disk: a slot that frees is not kept waiting.
            try tell(results.write(waits: session.runningCount == 0))
        }
    }

    private func noteFarewells(_ wanted: Int) throws {
        guard farewells < wanted else { return }
        farewells = wanted
        settings.log(
            wanted == 1
                ? "told to leave: nothing new starts, \(session.runningCount) running; once more ends them"
                : "told to leave at once: \(session.runningCount) running attempts go back")
        try feed(wanted == 1 ? .drain : .leave)
    }

    private func take(_ event: BlobClient.Event) throws {
        switch event {
        case .fetched(let use):
            uses[use.digest] = use
            // It may be one that no attempt needs yet.
            keptChanges = nil
            try feed(.fetched(use.digest))
        case .fetchFailed(let digest, let reason, let fault): try feed(.fetchFailed(digest, reason: reason, fault: fault))
        case .pushed(let digest): try feed(.pushed(digest))
        case .pushFailed(let digest, let reason): try feed(.pushFailed(digest, reason: reason))
        case .delayed(let digest, let reason): settings.log("artifact \(digest.short) waits: \(reason)")
        case .noticed(let text): settings.log(text)
        }
    }

    /// Holds what attempts need, what they have made included, and gives back the rest. Costs nothing while that is the same.
    private func keepNeededArtifacts() {
        guard session.artifactChanges != keptChanges else { return }
        keptChanges = session.artifactChanges
        let needed = session.neededArtifacts
        uses = uses.filter { needed.contains($0.key) }
        // What is not here yet comes with its use.
        for digest in needed where uses[digest] == nil { uses[digest] = try? ArtifactUse(store: store, digest: digest) }
    }

    /// Results are told when they are on the disk, as far as it takes them.
    private func tell(_ messages: [WorkerMessage]) throws {
        for message in messages { try control.send(message) }
    }

    private var now: Instant { Instant(seconds: (clock.now - start) / .seconds(1)) }

    func feed(_ event: WorkerSession.Event) throws { try execute(session.handle(event, at: now)) }

    private func receiveMessages() throws {
        while let frame = try control.socket.receive() {
            Failpoint.workerReceiveAfter.pass()
            // Bytes that are no message change nothing.
            guard let message = try? CoordinatorMessage(frame: frame) else { continue }
            let commands = session.handle(.received(message), at: now)
            // What it has not read yet is said anew when it has welcomed the worker.
            if case .greetAgain = message, !commands.isEmpty { control.forgetBacklog() }
            try execute(commands)
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
                // What an external trainer has started and left running ends with its runner's group.
                if result.numericClass != nil, death == nil { endRunner(slot) }
                try feed(.runnerEnded(slot: slot, result))
            }
        }
        guard let death else { return }
        settings.log("slot \(slot): \(death.firstLine)")
        // A runner that dies after its result has taken nothing with it; the slot may hold the next job by now.
        if !hasEnded { try feed(.runnerDied(slot: slot, death)) }
    }

    private func execute(_ commands: [WorkerSession.Command]) throws {
        for command in commands {
            switch command {
            case .send(let message):
                if case .result(let result) = message { settings.log("job \(result.attempt.job.short): \(result.outcome.words)") }
                if !results.holdsBack(message) { try control.send(upToDate(message)) }
            case .look(let notice, let path):
                try look(for: notice, at: path)
            case .place(let notice):
                try place(notice)
            case .fetch(let artifact):
                blobs.submit(.fetch(artifact))
            case .push(let artifact):
                blobs.submit(.push(artifact))
            case .spool(let result):
                results.spool(result)
            case .unspool(let attempt):
                results.unspool(attempt)
            case .start(let slot, let attempt, let start):
                Failpoint.runnerRequestBefore.pass()
                try runner(of: slot).send(
                    RunnerRequest(
                        spec: start.spec, datasetPath: start.datasetPath, storePath: store.folder, inputs: start.inputs,
                        checkpoint: start.checkpoint, checkpointSeconds: start.checkpointSeconds, trainerPaths: start.trainerPaths))
                Failpoint.runnerRequestAfter.pass()
                settings.log("slot \(slot): job \(attempt.job.short), attempt \(attempt.number)")
            case .discard(let digest):
                _ = try? store.remove(digest)
            case .kill(let slot): endRunner(slot)
            case .reconnect:
                settings.log("the coordinator is silent: connecting again")
                poller.forget(.control)
                poller.forget(.handshakes)
                try control.reconnect()
                watchControl()
            case .end(let reason):
                ending = reason
            }
        }
    }

    private func endRunner(_ slot: Int) {
        poller.forget(.runner(slot))
        poller.forget(.runnerLog(slot))
        let runner = runners.removeValue(forKey: slot)
        _ = runner?.passOnLog()
        runner?.end()
    }

    private func watchControl() {
        waitsForRoom = false
        poller.watch(control.socket, as: .control, for: .read)
        if let monitor = control.monitor { poller.watch(monitor, as: .handshakes, for: .read) }
    }

    /// Waits for room in the socket's queue exactly while something has to.
    private func watchRoom() {
        guard control.isBehind != waitsForRoom else { return }
        waitsForRoom = control.isBehind
        poller.watch(control.socket, as: .control, for: waitsForRoom ? [.read, .write] : .read)
    }

    private func runner(of slot: Int) throws -> RunnerProcess {
        if let runner = runners[slot] { return runner }
        let variables = settings.runnerEnvironment.merging(["SOWER_SLOT": "\(settings.firstSlot + slot)"]) { $1 }
        let runner = try RunnerProcess(executable: settings.runnerExecutable, arguments: settings.runnerArguments, environment: variables)
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

    /// What was finished and not yet told is left on the disk, for the next worker to deliver.
    private func close() {
        results.close()
        blobs.stop()
        for runner in runners.values { runner.end() }
        runners = [:]
        control.close()
    }
}

extension AttemptOutcome {
    /// The outcome in a log line.
    fileprivate var words: String {
        switch self {
        case .finished: "finished"
        case .diverged(let epoch, let step): "diverged in epoch \(epoch), step \(step)"
        case .failed(let failure): "failed, \(failure.code): \(failure.firstLine)"
        }
    }
}
