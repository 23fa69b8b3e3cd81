import Coordination
import Failpoints
import Transport

/// The coordinator's control sockets, which connection is whose, and what waits for workers that are slow to read.
///
/// A worker is known by the name that it greets with and by its key: a name belongs to the first key that greets with it, for as
/// long as this coordinator lives. Workers of this host come over ipc and have no key; theirs is `nil`, which no other host has.
final class Connections {
    /// One connection of one socket.
    struct Connection: Hashable {
        var socket: Int
        var peer: PeerID
    }

    let sockets: [RouterSocket]
    private var connections: [String: Connection] = [:]
    private var names: [Connection: String] = [:]
    private var owners: [String: PublicKey?] = [:]
    /// The socket that is asked first: none waits behind a busy one.
    private var first = 0
    /// What waits for workers whose queue is full.
    private var backlogs: [String: FrameBacklog] = [:]
    /// Workers for which more would wait than may.
    private var overfull: Set<String> = []

    init(_ sockets: [RouterSocket]) { self.sockets = sockets }

    /// The next frame and whose connection it came over, the sockets in turn; `nil` when none waits.
    func receive() throws(TransportError) -> (connection: Connection, frame: [UInt8])? {
        for offset in sockets.indices {
            let index = (first + offset) % sockets.count
            guard let (peer, frame) = try sockets[index].receive() else { continue }
            first = (index + 1) % sockets.count
            return (Connection(socket: index, peer: peer), frame)
        }
        return nil
    }

    /// Queues a frame for one connection, without waiting.
    func send(_ frame: [UInt8], over connection: Connection) throws(TransportError) -> SendResult {
        Failpoint.coordinatorSendBefore.pass()
        defer { Failpoint.coordinatorSendAfter.pass() }
        return try sockets[connection.socket].send(frame, to: connection.peer)
    }

    /// Queues a frame for a worker, behind what waits for it. One that is unreachable is dealt with when its silence is too long.
    func send(_ frame: [UInt8], to name: String) throws(TransportError) {
        guard let connection = connections[name] else { return }
        if backlogs[name] == nil, try send(frame, over: connection) != .wouldBlock { return }
        if !backlogs[name, default: FrameBacklog()].append(frame, limit: Limits.backlogBytes) { overfull.insert(name) }
    }

    /// Whether frames wait for a worker; `catchUp()` queues them as far as there is room.
    var isBehind: Bool { !backlogs.isEmpty }

    /// Queues what waits, as far as there is room. The answer is who has left too much unread: of that nothing waits any more.
    func catchUp() throws(TransportError) -> [String] {
        let givenUp = overfull.sorted()
        givenUp.forEach(forgetBacklog)
        for name in backlogs.keys.sorted() {
            guard let connection = connections[name] else { continue }
            while let frame = backlogs[name]?.first, try send(frame, over: connection) != .wouldBlock { backlogs[name]?.removeFirst() }
            if backlogs[name]?.isEmpty == true { backlogs[name] = nil }
        }
        return givenUp
    }

    private func forgetBacklog(of name: String) {
        backlogs[name] = nil
        overfull.remove(name)
    }

    /// Gives a worker's name to the connection over which it greets, and nothing waits for it any more: it is about to be told
    /// everything anew. `false` when the name belongs to another key.
    func greet(_ name: String, over connection: Connection) -> Bool {
        if let owner = owners[name], owner != connection.peer.key { return false }
        owners[name] = .some(connection.peer.key)
        if let old = connections[name] { names[old] = nil }
        // A connection speaks for one worker.
        if let earlier = names[connection], earlier != name {
            connections[earlier] = nil
            forgetBacklog(of: earlier)
        }
        forgetBacklog(of: name)
        connections[name] = connection
        names[connection] = name
        return true
    }

    func name(of connection: Connection) -> String? { names[connection] }

    /// Forgets the workers whose key is not among those, and that their names were theirs; the answer is who was connected.
    func dropKeys(notIn authorized: Set<PublicKey>) -> [(name: String, connection: Connection)] {
        func isGone(_ key: PublicKey?) -> Bool { key.map { !authorized.contains($0) } ?? false }
        let gone = connections.filter { isGone($0.value.peer.key) }.sorted { $0.key < $1.key }
        for (name, connection) in gone {
            connections[name] = nil
            names[connection] = nil
            forgetBacklog(of: name)
        }
        owners = owners.filter { !isGone($0.value) }
        return gone.map { ($0.key, $0.value) }
    }

    func close() { sockets.forEach { $0.close() } }
}
