import Digests
import Foundation
import Keys
import Launchers
import Transport

/// How launched workers come to be trusted: their keys are made where they run, and let in here over the connection that starts them.
///
/// A launched worker has a folder of its own for its keys, since homes may be shared between hosts, the coordinator's among them.
struct ClusterKeys {
    /// Where the keys of launched workers lie, a folder a host.
    static let workerFolder = "~/.config/sower/worker-keys"

    /// The coordinator's.
    private let folder: KeyFolder

    init(_ folder: KeyFolder) { self.folder = folder }

    /// Puts this coordinator's public key into the order.
    func pin(_ order: inout WorkerOrder) throws { order.coordinatorKey = try folder.makeIdentity().pair.publicKey.description }

    /// Makes the one pair that a cluster's Slurm jobs share, and lets it in: their nodes see this host's home, and nobody logs in there.
    func prepareForSlurm(_ order: inout WorkerOrder) throws {
        order.keys = order.keys ?? Self.workerFolder + "/slurm"
        guard let made = try Self.prepare(order) else { return }
        try enroll(host: "slurm", key: made.key)
        order.arguments += made.arguments
    }

    /// Lets a worker in, in the place of an earlier key of that host's.
    func enroll(host: String, key text: String) throws {
        guard let key = PublicKey(z85: text) else { throw KeyError.notAKey(count: text.count) }
        let plain = "launched-\(host)"
        let name = KeyFolder.isName(plain) ? plain : "launched-\(Digest(of: host).short)"
        do throws(KeyError) {
            guard try folder.enroll(key, as: name, replacing: true) else { return }
        } catch {
            // Hosts with one home have one key.
            guard case .keyTaken = error else { throw error }
        }
        _ = RunningCoordinators.reload(folder)
    }

    /// On the worker's host: its own pair, with the coordinator's key pinned. `nil` when the order asks for none.
    static func prepare(_ order: WorkerOrder) throws -> (arguments: [String], key: String)? {
        guard let text = order.coordinatorKey else { return nil }
        guard let coordinator = PublicKey(z85: text) else { throw KeyError.notAKey(count: text.count) }
        let folder = KeyFolder(path: HomeFolder.expanding(order.keys ?? "\(workerFolder)/\(HostFolders.hostName)"))
        let pair = try folder.makeIdentity().pair
        try folder.pin(coordinator)
        // Of two coordinators that start workers here, each worker expects its own.
        return (["--keys", folder.path, "--coordinator-key=\(coordinator)"], pair.publicKey.description)
    }
}
