import Digests
import Foundation
import Keys
import Launchers
import Transport

/// How launched workers come to be trusted: their keys are made where they run, and let in here over the connection that starts them.
///
/// A launched worker has a folder of its own for its keys, since homes may be shared between hosts, the coordinator's among them.
final class ClusterKeys {
    /// Where the keys of launched workers lie, a folder a host.
    static let workerFolder = "~/.config/sower/worker-keys"

    /// The coordinator's.
    private let folder: KeyFolder
    private var launched: LaunchedKeys

    init(_ folder: KeyFolder) {
        self.folder = folder
        launched = LaunchedKeys(folder)
    }

    /// Puts this coordinator's public key into the order.
    func pin(_ order: inout WorkerOrder) throws { order.coordinatorKey = try folder.makeIdentity().pair.publicKey.description }

    /// Lets in the worker of a task of Slurm's, by the key that it has made on its node for itself alone.
    ///
    /// - Parameter block: the entry's name.
    func admit(_ task: SlurmTaskID, of block: String, key: PublicKey) throws {
        if try launched.admit(key, as: Self.name(of: task, block)) { _ = RunningCoordinators.reload(folder) }
    }

    /// Lets in no more the workers of tasks that are over. A key whose file cannot be removed stays: nobody has its secret half any more.
    func withdraw(_ tasks: [SlurmTaskID], of block: String) {
        let changes = tasks.map { (try? launched.withdraw(Self.name(of: $0, block))) ?? false }
        if changes.contains(true) { _ = RunningCoordinators.reload(folder) }
    }

    /// No host can have this name.
    private static func name(of task: SlurmTaskID, _ block: String) -> String {
        let plain = "launched.\(block).\(task.text)"
        return KeyFolder.isName(plain) ? plain : "launched.\(Digest(of: block).short).\(task.text)"
    }

    /// Lets a host's worker in, in the place of an earlier key of that entry's.
    ///
    /// - Parameter host: the entry's name, unique in the cluster.
    func enroll(host: String, key: String) throws {
        let plain = "launched-\(host)"
        try enroll(key, as: KeyFolder.isName(plain) ? plain : "launched-\(Digest(of: host).short)")
    }

    private func enroll(_ text: String, as name: String) throws {
        guard let key = PublicKey(z85: text) else { throw KeyError.notAKey(count: text.count) }
        if try launched.enroll(key, as: name) { _ = RunningCoordinators.reload(folder) }
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
