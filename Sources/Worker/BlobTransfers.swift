import Artifacts
import Coordination
import Digests
import Foundation
import Transport

/// The blob thread's state: the transfers that wait and those under way.
final class BlobTransfers {
    private enum Key: Hashable { case socket, wakeUp }

    private struct Waiting {
        var request: BlobClient.Request
        /// Not before this time, and after so many tries for which there was no room.
        var notBefore = ContinuousClock.now
        var delays = 0
    }

    private struct Active {
        var transfer: any BlobTransfer
        var delays: Int
        var lastProgress = ContinuousClock.now
    }

    /// Frames dealt with before new requests are looked at.
    private static let framesPerTurn = 64

    private let channel: BlobChannel
    private let room: HostRoom
    private var poller = Poller<Key>()
    private var watched: DealerSocket?
    private var queue: [Waiting] = []
    private var active: [BlobClient.Request: Active] = [:]
    private var events: [BlobClient.Event] = []
    /// Connections given up in a row over which nothing at all has come.
    private var deadConnections = 0
    private var lastReserveCheck = ContinuousClock.now

    init(channel: BlobChannel, room: HostRoom) {
        self.channel = channel
        self.room = room
    }

    func close() {
        active = [:]
        watch(nil)
        channel.close()
    }

    /// Waits a moment for requests and frames, and deals with them.
    func turn(adding requests: [BlobClient.Request], wakeUp: WakeUp) -> [BlobClient.Event] {
        for request in requests where active[request] == nil && !queue.contains(where: { $0.request == request }) {
            queue.append(Waiting(request: request))
        }
        keepReserve()
        beginWaiting()
        do {
            if events.isEmpty {
                watch(channel.pollable)
                poller.watch(fileDescriptor: wakeUp.fileDescriptor, as: .wakeUp, for: .read)
                // Locks of other processes give no signal: they are looked at again soon.
                let ready = try poller.wait(timeoutMilliseconds: queue.isEmpty && active.isEmpty ? 1000 : 50)
                if ready.contains(where: { $0.key == .wakeUp }) { wakeUp.drain() }
            }
            for _ in 0..<Self.framesPerTurn {
                guard let frame = try channel.receive() else { break }
                deadConnections = 0
                frame.withBytes { handle(UnsafeRawBufferPointer($0)) }
            }
            try repeatStalled()
        } catch {
            // Without a socket nothing that is under way can go on.
            for request in Array(active.keys) { end(request, with: request.failure(error)) }
        }
        defer { events = [] }
        return events
    }

    private func watch(_ socket: DealerSocket?) {
        guard socket !== watched else { return }
        if let socket { poller.watch(socket, as: .socket, for: .read) } else { poller.forget(.socket) }
        watched = socket
    }

    // MARK: Beginning

    /// Begins what may begin. A blob that another process of this host is fetching is waited for; the next in line goes first.
    private func beginWaiting() {
        let now = ContinuousClock.now
        var left: [Waiting] = []
        for waiting in queue {
            if active.count >= Limits.transfersPerWorker || waiting.notBefore > now {
                left.append(waiting)
                continue
            }
            do {
                if try !begin(waiting) { left.append(waiting) }
            } catch {
                active[waiting.request] = nil
                if let delayed = delayed(waiting, by: error) {
                    left.append(delayed)
                } else {
                    // Whoever waits for it must hear that it will not come.
                    events.append(waiting.request.failure(error))
                }
            }
        }
        queue = left
    }

    /// `false` while another process is fetching the blob.
    private func begin(_ waiting: Waiting) throws -> Bool {
        switch waiting.request {
        case .fetch(let notice):
            if let use = try whole(notice) {
                events.append(.fetched(use))
                return true
            }
            try makeRoom(for: notice)
            guard let fetch = try BlobFetch(notice, into: room.store) else { return false }
            // Another process may have brought it between the first look and the lock.
            if let use = try whole(notice) {
                events.append(.fetched(use))
                return true
            }
            active[waiting.request] = Active(transfer: fetch, delays: waiting.delays)
            if let step = try fetch.finishIfComplete(over: channel) {
                carryOut(step, of: waiting.request)
            } else {
                try fetch.proceed(over: channel)
            }
        case .push(let notice):
            // What a runner has made is in the store already: the quota is kept afterwards.
            _ = try? room.make(for: 0)
            let push = try BlobPush(notice, from: room.store)
            active[waiting.request] = Active(transfer: push, delays: waiting.delays)
            try push.repeatRequests(over: channel)
        }
        return true
    }

    /// The use of a blob that is here; one of another size is set aside first.
    private func whole(_ notice: ArtifactNotice) throws -> ArtifactUse? {
        guard let use = try ArtifactUse(store: room.store, digest: notice.digest) else { return nil }
        if use.size == Int(notice.size) { return use }
        try room.store.setAsideIfDamaged(notice.digest, size: Int(notice.size))
        return nil
    }

    private func makeRoom(for notice: ArtifactNotice) throws {
        guard let outcome = try room.make(for: Int(notice.size)), !outcome.evicted.isEmpty else { return }
        events.append(
            .noticed("\(outcome.evicted.count) artifacts of \(outcome.evictedBytes) bytes have left the cache for \(notice.digest.short)"))
    }

    private func keepReserve() {
        guard ContinuousClock.now - lastReserveCheck > .seconds(10) else { return }
        lastReserveCheck = .now
        guard let evicted = try? room.keepReserve(), evicted > 0 else { return }
        events.append(.noticed("the disk is nearly full: \(evicted) bytes have left the cache"))
    }

    // MARK: Frames

    private func handle(_ frame: UnsafeRawBufferPointer) {
        // Anything that is no reply, or belongs to no transfer, is dropped.
        guard let reply = try? BlobReply(headOf: frame) else { return }
        let chunk = UnsafeRawBufferPointer(rebasing: frame.suffix(reply.payloadCount))
        for (request, under) in active where request.notice.digest == reply.digest {
            do {
                carryOut(try under.transfer.receive(reply, chunk: chunk, over: channel), of: request)
            } catch {
                let waiting = Waiting(request: request, delays: under.delays)
                active[request] = nil
                if let delayed = delayed(waiting, by: error) {
                    queue.append(delayed)
                } else {
                    events.append(request.failure(error))
                }
            }
        }
    }

    private func carryOut(_ step: BlobTransferStep, of request: BlobClient.Request) {
        switch step {
        case .ignored: break
        case .progress:
            active[request]?.lastProgress = .now
            active[request]?.delays = 0
        case .done(let event): end(request, with: event)
        case .postponed(let obstacle):
            guard let ended = active.removeValue(forKey: request) else { return }
            queue.append(delayed(Waiting(request: request, delays: ended.delays), because: "\(obstacle)"))
        }
    }

    private func end(_ request: BlobClient.Request, with event: BlobClient.Event) {
        active[request] = nil
        events.append(event)
    }

    // MARK: Waiting

    /// The transfer for later when nothing but room is wanting on this host; evicts what it can first.
    private func delayed(_ waiting: Waiting, by error: any Error) -> Waiting? {
        guard let error = error as? ArtifactStoreError, error.isWantOfRoom else { return nil }
        let needed = Int(waiting.request.notice.size)
        let evicted = (try? room.release(needed)) ?? 0
        if evicted > 0, waiting.delays == 0 {
            events.append(.noticed("the disk is full: \(evicted) bytes have left the cache for \(waiting.request.notice.digest.short)"))
            return Waiting(request: waiting.request, delays: 1)
        }
        let free = (try? PosixFile.freeBytes(at: room.store.folder)) ?? 0
        let obstacle = BlobObstacle.diskFull(
            host: ProcessInfo.processInfo.hostName, needed: UInt64(needed), free: UInt64(clamping: free))
        return delayed(waiting, because: "\(obstacle)")
    }

    private func delayed(_ waiting: Waiting, because reason: String) -> Waiting {
        events.append(.delayed(waiting.request.notice.digest, reason: reason))
        let seconds = min(Limits.transferDelayLimitSeconds, Limits.transferDelaySeconds * pow(2, Double(min(waiting.delays, 10))))
        return Waiting(request: waiting.request, notBefore: .now + .seconds(seconds), delays: waiting.delays + 1)
    }

    // MARK: Stalls

    /// When nothing at all arrives the connection may be dead: a new one, and every transfer goes on where it was.
    private func repeatStalled() throws {
        let now = ContinuousClock.now
        let patience = Duration.seconds(Limits.transferRepeatSeconds)
        let stalled = active.filter { now - $0.value.lastProgress > patience }
        guard !stalled.isEmpty else { return }
        var repeated = stalled
        if now - channel.lastHeard > patience {
            watch(nil)
            channel.close()
            repeated = active
            deadConnections += 1
            noticeDeadPort()
        }
        for (request, under) in repeated {
            active[request]?.lastProgress = now
            try under.transfer.repeatRequests(over: channel)
        }
    }

    /// Messages may well come and go meanwhile: they have a port of their own. Said after ten seconds, and then every five minutes.
    private func noticeDeadPort() {
        guard deadConnections == 2 || deadConnections % 60 == 0 else { return }
        let seconds = Int(Double(deadConnections) * Limits.transferRepeatSeconds)
        events.append(
            .noticed(
                "nothing has come from the coordinator's data port, \(channel.endpoint), for \(seconds) s; \(active.count) transfers wait. "
                    + "If the coordinator runs, a firewall may shut that port: on its host, "
                    + "sudo ufw allow \(channel.endpoint.split(separator: ":").last ?? "")/tcp"))
    }
}
