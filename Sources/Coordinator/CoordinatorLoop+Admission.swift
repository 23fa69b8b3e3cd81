import Coordination
import Foundation
import Transport

// Who takes part: a worker's first words, and keys that come and go.

extension CoordinatorLoop {
    /// Connections whose refusal is noted once.
    private static let rememberedRefusals = 1000

    /// Whether the worker that greets takes part, and what is to be noted of it.
    func admit(_ hello: Hello, over connection: Connections.Connection) -> (isTaken: Bool, commands: [Dispatcher.Command]) {
        if let reason = admission?.refusal(of: hello) { return (false, refuse(connection, "\(hello.worker) on \(hello.host): \(reason)")) }
        guard connections.greet(hello.worker, over: connection) else {
            return (false, refuse(connection, "the name \(hello.worker) is that of a worker with another key; choose another --name"))
        }
        let notes = admission?.notes(on: hello, clock: Date().timeIntervalSince1970, at: now) ?? []
        return (true, notes.map { .record($0) })
    }

    /// Tells a worker why it cannot take part; noted once a connection, however often it greets.
    func refuse(_ connection: Connections.Connection, _ reason: String) -> [Dispatcher.Command] {
        _ = try? connections.send(CoordinatorMessage.refused(reason: reason).frame, over: connection)
        if refused.count >= Self.rememberedRefusals { refused = [] }
        return refused.insert(connection).inserted ? [.record(.event(kind: "worker-refused", text: reason))] : []
    }

    /// Keys that were read again, and strangers that have knocked.
    func newsFromTheDoor() -> [Dispatcher.Command] {
        let strangers = zap?.takeRefusals() ?? []
        return (remote?.reload().map(take) ?? [])
            + strangers.map {
                .record(
                    .event(
                        kind: "key-refused",
                        text: "\($0.address) came with a key that is not enrolled, or was revoked. If it is a host of yours: "
                            + "sower keys enroll NAME '\($0.key)'"))
            }
    }

    /// From now on those keys are let in and heard; workers whose key is gone are told, and lose what they hold.
    func take(_ keys: RemoteDoor.Keys) -> [Dispatcher.Command] {
        var commands: [Dispatcher.Command] = []
        let gone = connections.dropKeys(notIn: keys.authorized)
        for (name, connection) in gone {
            let reason = "its key was revoked"
            _ = try? connections.send(CoordinatorMessage.refused(reason: reason).frame, over: connection)
            commands += dispatcher.handle(.workerEnded(worker: name, reason: reason), at: now)
        }
        remote?.curve.authorized = keys.authorized
        let text =
            "\(keys.authorized.count) keys are authorized"
            + (gone.isEmpty ? "" : "; gone: \(gone.map(\.name).joined(separator: ", "))")
        return commands + ([text] + keys.notes).map { .record(.event(kind: "keys-reloaded", text: $0)) }
    }
}
