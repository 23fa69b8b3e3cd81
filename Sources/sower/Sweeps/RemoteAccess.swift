import Coordinator
import Foundation
import Keys
import Transport

/// What lets other hosts' workers in: this host's pair, the keys that are enrolled, and a second look at them on SIGHUP.
struct RemoteAccess {
    let door: RemoteDoor
    /// How a worker of another host joins, for the person who has started this.
    let instructions: [String]
    private let mark: RunningCoordinators

    /// Makes this host's pair if it has none; refuses key files that others could read or change.
    init(listen: HostAndPort, keys: KeysOption) throws {
        let folder = keys.folder
        let (identity, _) = try folder.makeIdentity()
        // In this order nobody is missed: who is enrolled after the files were read tells this process.
        Signals.catchHangUps()
        mark = try RunningCoordinators(announcingIn: folder)
        let authorized = try folder.admitted()
        door = RemoteDoor(
            controlEndpoint: listen.controlEndpoint, dataEndpoint: listen.dataEndpoint,
            curve: CurveServer(identity: identity, authorized: authorized),
            reload: {
                guard Signals.takeReload() else { return nil }
                let (keys, problems) = folder.admittedLeniently()
                return RemoteDoor.Keys(authorized: keys, notes: problems)
            })
        let host = listen.host == "*" ? ProcessInfo.processInfo.hostName : listen.host
        instructions = [
            "workers of other hosts, \(authorized.count) of their keys enrolled here:",
            "  there  sower worker --connect \(host):\(listen.port) --coordinator-key \(identity.publicKey.word)",
            "  here   sower keys enroll NAME 'THE KEY THAT IT NAMES'\(keys.words)   (once a host)",
        ]
    }
}
