import Clusters
import Foundation
import Processes

/// Keeps a worker on each of many hosts, by ssh: carries out what `HostLaunch` decides, one conversation a host at a time.
///
/// Nothing here waits: `turn()` moves what can be moved. All hosts are launched at once, a bounded number of them in the costly
/// phases. A worker outlives its conversation; when that breaks, the next one finds the worker again by its order's id.
package final class HostLauncher {
    /// A host and what is to run there.
    package struct Target {
        package var access: SSHAccess
        package var order: WorkerOrder

        package init(access: SSHAccess, order: WorkerOrder) {
            self.access = access
            self.order = order
        }
    }

    /// Probes and pushes under way at once.
    static let launchesAtOnce = 16
    static let probeSeconds = 40.0
    static let pushSeconds = 900.0

    private struct Host {
        var target: Target
        var launch: HostLaunch
        var conversation: Conversation?
        /// What its workers have said.
        var log: CollectedLog
        /// Its key has been let in since the last turn: by the next one the sockets know.
        var owesGo = false
    }

    private let ssh: String
    private let program: ProgramPackage
    private let packed: String
    private let enroll: (_ host: String, _ key: String) throws -> Void
    private let tell: (String) -> Void
    private var hosts: [Host]
    private let start = ContinuousClock.now
    private var ended: [(worker: String, reason: String)] = []

    /// - Parameters:
    ///   - packed: the packed program.
    ///   - logFolder: where what workers say is kept, a file a host.
    ///   - enroll: lets a worker's key in, under the name of its order.
    ///   - tell: a sentence for the person who waits.
    package init(
        targets: [Target], program: ProgramPackage, packed: String, logFolder: String,
        enroll: @escaping (_ host: String, _ key: String) throws -> Void, tell: @escaping (String) -> Void
    ) throws(LaunchError) {
        guard let ssh = Programs.path(of: "ssh") else { throw .noProgram("ssh") }
        self.ssh = ssh
        self.program = program
        self.packed = packed
        self.enroll = enroll
        self.tell = tell
        hosts = targets.map {
            Host(
                target: $0, launch: HostLaunch(name: $0.order.name, machine: program.machine),
                log: CollectedLog(folder: logFolder, host: $0.order.name))
        }
    }

    package var runningCount: Int { hosts.count { $0.launch.isRunning } }
    /// Whether no host works, and none ever has: each with its reason.
    package var hopeless: [String]? {
        guard hosts.allSatisfy({ !$0.launch.hasEverRun && $0.launch.problem != nil }) else { return nil }
        return problems
    }
    /// Whether nothing more is tried on any host.
    package var isOver: Bool { hosts.allSatisfy(\.launch.isOver) }
    package var problems: [String] { hosts.compactMap { host in host.launch.problem.map { "\(host.launch.name): \($0)" } } }

    /// Moves what can be moved.
    package func turn() {
        for index in hosts.indices {
            if let conversation = hosts[index].conversation {
                if hosts[index].owesGo { conversation.say(HostWord.go.rawValue) }
                hosts[index].owesGo = false
                let (lines, ending) = conversation.poll()
                for line in lines where hosts[index].conversation === conversation { take(line, of: index) }
                if let ending, hosts[index].conversation === conversation {
                    hosts[index].conversation = nil
                    feed(.ended(ending), to: index)
                }
            }
            if hosts[index].conversation == nil, launchesUnderWay < Self.launchesAtOnce { feed(.tick, to: index) }
        }
    }

    /// Workers that are known to have ended since the last call.
    package func takeEnded() -> [(worker: String, reason: String)] {
        defer { ended = [] }
        return ended
    }

    /// Ends all workers, waiting for them as long as that.
    package func stop(within seconds: Double) {
        for index in hosts.indices { feed(.stop, to: index) }
        let deadline = ContinuousClock.now + .seconds(seconds)
        while !isOver, ContinuousClock.now < deadline {
            turn()
            usleep(20_000)
        }
        for index in hosts.indices {
            if !hosts[index].launch.isOver {
                tell("\(hosts[index].launch.name): its worker may still run; it ends by itself when it finds no coordinator")
            }
            hosts[index].conversation?.close()
        }
        hosts = []
    }

    private var launchesUnderWay: Int { hosts.count { $0.launch.phase == .probing || $0.launch.phase == .pushing } }

    private func take(_ line: String, of index: Int) {
        switch hosts[index].launch.phase {
        case .probing:
            let words = line.split(separator: " ")
            guard words.count == 4, words[0] == "sower" else { return }
            feed(.probed(system: String(words[1]), machine: String(words[2]), hasProgram: words[3] == "present"), to: index)
        case .pushing:
            if line == "pushed" { feed(.pushed, to: index) }
        case .supervising, .stopping:
            // A login shell may say things of its own.
            guard line.hasPrefix("{"), let report = try? JSONDecoder().decode(HostReport.self, from: Data(line.utf8)) else { return }
            feed(.reported(report), to: index)
        case .waiting, .failed, .stopped:
            break
        }
    }

    private func feed(_ event: HostLaunch.Event, to index: Int) {
        var actions = hosts[index].launch.handle(event, at: (ContinuousClock.now - start) / .seconds(1))
        while !actions.isEmpty {
            let action = actions.removeFirst()
            do {
                try carryOut(action, on: index)
            } catch {
                let localized = error as? any LocalizedError
                let words = [localized?.errorDescription ?? "\(error)", localized?.recoverySuggestion].compactMap(\.self)
                actions = hosts[index].launch.giveUp(words.joined(separator: "; "))
            }
        }
    }

    private func carryOut(_ action: HostLaunch.Action, on index: Int) throws {
        let target = hosts[index].target
        switch action {
        case .probe:
            hosts[index].conversation = try converse(.probe, with: target.access, lines: [program.digest], seconds: Self.probeSeconds)
        case .push:
            hosts[index].conversation = try Conversation(
                executable: ssh, arguments: SSHCommand.arguments(target.access, command: .push), inputPath: packed,
                seconds: Self.pushSeconds)
        case .supervise:
            let request = try JSONEncoder().encode(HostRequest.supervise(target.order, log: hosts[index].log.begin()))
            hosts[index].conversation = try converse(
                .host, with: target.access, lines: [program.digest, String(decoding: request, as: UTF8.self)], seconds: nil)
        case .say(let word):
            hosts[index].conversation?.say(word.rawValue)
        case .enroll(let key):
            try enroll(hosts[index].launch.name, key)
            hosts[index].owesGo = true
        case .hangUp:
            hosts[index].conversation?.close()
            hosts[index].conversation = nil
            hosts[index].owesGo = false
        case .workerEnded(let name, let reason):
            ended.append((name, reason))
        case .keepLog(let piece):
            hosts[index].log.take(piece)
        case .tell(let text):
            tell(text)
        }
    }

    private func converse(_ command: RemoteCommand, with access: SSHAccess, lines: [String], seconds: Double?) throws(ProcessError)
        -> Conversation
    {
        try Conversation(executable: ssh, arguments: SSHCommand.arguments(access, command: command), lines: lines, seconds: seconds)
    }
}
