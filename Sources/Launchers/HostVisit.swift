import Clusters
import Foundation
import Processes

/// One look at a host for `sower doctor`: reaches it, puts the program there when it is absent, and lets it say what it finds.
/// Each step has a time limit of its own, and nothing waits: many visits go on side by side.
package final class HostVisit {
    /// How far it came.
    package enum Finding: Sendable, Equatable {
        case unreachable(String)
        case otherMachine(String)
        case cannotPush(String)
        /// The program is there and does not start.
        case cannotStart(String)
        /// It has not ended its look in time: what it was looking at, if it has said so, and the program there, from the home folder.
        case tooSlow(HostReport.Look?, seconds: Double, program: String)
        case facts(HostFindings, secondsAway: Double, wasPushed: Bool)
    }

    package static let connectSeconds = 4
    static let probeSeconds = 5.5
    static let pushSeconds = 300.0
    /// All of it but the push; the host's own look has at least four seconds of them.
    static let wholeSeconds = 9.5
    static let examineSeconds = 4.0

    private enum Step { case probe, push, examine }

    private let access: SSHAccess
    private let examination: Examination
    private let program: ProgramPackage
    private let packed: () throws -> String
    private let ssh: String
    private var step = Step.probe
    private var conversation: Conversation?
    private let start = ContinuousClock.now
    private var wasPushed = false
    private var began = ContinuousClock.now
    private var lines: [String] = []
    package private(set) var finding: Finding?

    package init(_ access: SSHAccess, _ examination: Examination, program: ProgramPackage, packed: @escaping () throws -> String) throws {
        guard let ssh = Programs.path(of: "ssh") else { throw LaunchError.noProgram("ssh") }
        self.ssh = ssh
        self.access = access
        self.examination = examination
        self.program = program
        self.packed = packed
        try begin(.probe)
    }

    /// Moves what can be moved.
    package func turn() {
        guard finding == nil, let conversation else { return }
        let (more, ending) = conversation.poll()
        lines += more
        if step == .examine, let facts = facts {
            conversation.close()
            finding = .facts(facts, secondsAway: (ContinuousClock.now - began) / .seconds(1), wasPushed: wasPushed)
            return
        }
        guard let ending else { return }
        do {
            try next(after: ending)
        } catch {
            finding = .cannotPush((error as? any LocalizedError)?.errorDescription ?? "\(error)")
        }
    }

    private var reports: [HostReport] {
        lines.filter { $0.hasPrefix("{") }.compactMap { try? JSONDecoder().decode(HostReport.self, from: Data($0.utf8)) }
    }

    private var facts: HostFindings? {
        reports.lazy.compactMap { if case .examined(let facts) = $0 { facts } else { nil } }.first
    }

    /// What it said last that it was looking at.
    private var look: HostReport.Look? {
        reports.compactMap { if case .looking(let look) = $0 { look } else { nil } }.last
    }

    private func next(after ending: Conversation.Ending) throws {
        switch step {
        case .probe:
            guard let words = lines.map({ $0.split(separator: " ") }).first(where: { $0.count == 4 && $0[0] == "sower" }) else {
                finding = .unreachable(ending.reason)
                return
            }
            guard words[1] == "Linux", words[2] == program.machine else {
                finding = .otherMachine("\(words[1]) \(words[2])")
                return
            }
            try begin(words[3] == "present" ? .examine : .push)
        case .push:
            guard lines.contains("pushed") else {
                finding = .cannotPush(ending.reason)
                return
            }
            wasPushed = true
            try begin(.examine)
        case .examine:
            if ending.hasTimedOut {
                let seconds = (ContinuousClock.now - began) / .seconds(1)
                finding = .tooSlow(look, seconds: seconds.rounded(), program: ".cache/sower/bin/\(program.digest)/sower")
            } else {
                // 255 is ssh's own: the connection is gone.
                finding = ending.end == .exited(255) ? .unreachable(ending.reason) : .cannotStart(ending.reason)
            }
        }
    }

    private func begin(_ step: Step) throws {
        self.step = step
        lines = []
        began = ContinuousClock.now
        func arguments(_ command: RemoteCommand) -> [String] {
            SSHCommand.arguments(access, command: command, connectSeconds: Self.connectSeconds)
        }
        switch step {
        case .probe:
            conversation = try Conversation(
                executable: ssh, arguments: arguments(.probe), lines: [program.digest], seconds: Self.probeSeconds)
        case .push:
            conversation = try Conversation(executable: ssh, arguments: arguments(.push), inputPath: packed(), seconds: Self.pushSeconds)
        case .examine:
            let request = String(decoding: try JSONEncoder().encode(HostRequest.examine(examination)), as: UTF8.self)
            let left = wasPushed ? Self.wholeSeconds : Self.wholeSeconds - (ContinuousClock.now - start) / .seconds(1)
            conversation = try Conversation(
                executable: ssh, arguments: arguments(.host), lines: [program.digest, request], seconds: max(Self.examineSeconds, left))
        }
    }
}
