import Clusters
import Foundation
import Launchers

/// What the doctor says: a verdict a host, each failure with the command that mends it.
struct DoctorReport: Codable {
    struct Problem: Codable, Equatable {
        /// What was looked at: ssh, program, network, disk, data, clock, limits, slurm, cluster, study, needs, trainer.
        var check: String
        var message: String
        var remedy: String
        /// Whether nothing can run there; otherwise it is worth knowing.
        var isFatal: Bool

        enum CodingKeys: String, CodingKey {
            case check, message, remedy
            case isFatal = "fatal"
        }
    }

    struct HostVerdict: Codable, Equatable {
        var host: String
        /// What it is: cores, arithmetic, free disk.
        var summary: String
        /// What is as the study needs it.
        var notes: [String] = []
        var problems: [Problem]
        var isWell: Bool

        enum CodingKeys: String, CodingKey {
            case host, summary, notes, problems
            case isWell = "ok"
        }

        /// With what a study makes of the host.
        func adding(_ found: (notes: [String], problems: [Problem])) -> HostVerdict {
            var verdict = HostVerdict(host: host, summary: summary, problems: problems + found.problems)
            verdict.notes = notes + found.notes
            return verdict
        }

        init(host: String, summary: String, problems: [Problem]) {
            self.host = host
            self.summary = summary
            self.problems = problems
            isWell = !problems.contains(where: \.isFatal)
        }
    }

    var version = 1
    var kind = "doctor"
    /// On the study as a whole, by its name; `nil` when none is given.
    var study: HostVerdict?
    var hosts: [HostVerdict]
    var seconds: Double

    var lines: [String] {
        let all = (study.map { [$0] } ?? []) + hosts
        let width = (all.map(\.host.count).max() ?? 0) + 2
        return all.flatMap { host in
            [host.host.padding(toLength: width, withPad: " ", startingAt: 0) + (host.isWell ? "ok    " : "FAILS ") + host.summary]
                + host.notes.map { "  · \($0)" }
                + host.problems.flatMap { problem in
                    let message = problem.message.replacing("\n", with: "\n    ")
                    return ["  \(problem.isFatal ? "✗" : "!") \(problem.check): \(message)", "    → \(problem.remedy)"]
                }
        }
    }
}

extension HostFindings {
    var summary: String {
        "\(cores) cores, \(cpu), \(numericClass), BLAS kernels \(blasCore), \(freeBytes / 1_000_000_000) GB free in \(freeWhere)"
    }
}

/// How a person reaches a host by hand.
struct Login {
    /// `USER@HOST`.
    var target: String
    var port: Int?

    init(target: String) { self.target = target }

    init(_ access: SSHAccess) {
        target = (access.user.map { $0 + "@" } ?? "") + access.host
        port = access.port
    }

    /// Behind `ssh`.
    var words: String { (port.map { "-p \($0) " } ?? "") + target }

    func copy(file: String) -> String { "rsync -aR \(port.map { "-e 'ssh -p \($0)' " } ?? "")\(shellWord(file)) \(target):/" }

    func copy(to folder: String) -> String { "rsync -a \(port.map { "-e 'ssh -p \($0)' " } ?? "")FOLDER/ \(target):\(folder)/" }
}

extension DoctorReport.HostVerdict {
    static let leastFreeBytes = 1 << 30
    static let leastFileDescriptors = 1024
    static let longestSkewSeconds = 5.0

    /// What a visit to a host found.
    ///
    /// - Parameters:
    ///   - data: what the data's digest must be, if that is known.
    ///   - now: this host's clock when the answer came, in seconds since 1970.
    init(
        _ host: Cluster.Host, _ access: SSHAccess, _ finding: HostVisit.Finding, coordinator: Cluster.Address, data: String?, now: Double
    ) {
        let port = coordinator.port
        let person = Login(access)
        let login = person.words
        typealias Problem = DoctorReport.Problem
        switch finding {
        case .unreachable(let reason):
            self.init(
                host: host.name, summary: "cannot be reached",
                problems: [
                    Problem(check: "ssh", message: reason, remedy: Self.remedy(ofSSH: reason, login: login, access: access), isFatal: true)
                ])
        case .otherMachine(let machine):
            self.init(
                host: host.name, summary: machine,
                problems: [
                    Problem(
                        check: "program", message: "it is a \(machine) host, and this program is built for another",
                        remedy: "build sower there, then: sower worker --connect HOST:\(port)", isFatal: true)
                ])
        case .cannotPush(let reason):
            self.init(
                host: host.name, summary: "reached",
                problems: [
                    Problem(
                        check: "program", message: "it could not be put there: \(reason)",
                        remedy: "ssh \(login) 'df -h ~; command -v tar gzip sha256sum'", isFatal: true)
                ])
        case .cannotStart(let reason):
            self.init(
                host: host.name, summary: "reached",
                problems: [
                    Problem(
                        check: "program", message: "it does not start there: \(reason)", remedy: Self.remedy(ofStart: reason, login: login),
                        isFatal: true)
                ])
        case .tooSlow(let look, let seconds, let program):
            self.init(
                host: host.name, summary: "reached",
                problems: [
                    Self.problem(
                        ofSlow: look, seconds: Int(seconds), program: program, login: login, coordinator: coordinator, path: host.data)
                ])
        case .facts(let facts, let seconds, let wasPushed):
            self.init(
                host: host.name, summary: facts.summary + (wasPushed ? ", program put there now" : ""),
                problems: Self.problems(
                    of: facts, data: data, port: port, login: person, path: host.data, skew: Self.skew(facts.clock, now, within: seconds)))
        }
    }

    /// What is certain of the difference of two clocks when an answer took so long.
    static func skew(_ theirs: Double, _ ours: Double, within seconds: Double) -> Double {
        let difference = theirs - ours
        return difference > 0 ? difference : min(0, difference + seconds)
    }

    static func problems(
        of facts: HostFindings, data: String?, port: Int, login: Login, path: Cluster.DataSource?, skew: Double
    ) -> [DoctorReport.Problem] {
        typealias Problem = DoctorReport.Problem
        var problems: [Problem] = []
        if !facts.unreachable.isEmpty {
            problems.append(
                Problem(
                    check: "network", message: "the coordinator cannot be reached from there: \(facts.unreachable.joined(separator: "; "))",
                    remedy:
                        "on the coordinator's host: sudo ufw allow \(port):\(port + 1)/tcp; or name it in cluster.yaml as that host knows it",
                    isFatal: true))
        }
        if facts.freeBytes < leastFreeBytes {
            problems.append(
                Problem(
                    check: "disk", message: "\(facts.freeBytes / 1_000_000) MB free in \(facts.freeWhere), expected at least 1 GB",
                    remedy: "make room, or name another folder in cluster.yaml: store: /scratch/sower", isFatal: false))
        }
        if facts.fileDescriptors < leastFileDescriptors {
            problems.append(
                Problem(
                    check: "limits", message: "\(facts.fileDescriptors) open files are allowed, expected at least \(leastFileDescriptors)",
                    remedy: "in cluster.yaml: setup: [\"ulimit -n \(leastFileDescriptors)\"]", isFatal: false))
        }
        if abs(skew) > longestSkewSeconds {
            problems.append(
                Problem(
                    check: "clock", message: "it is \(Int(abs(skew).rounded())) s \(skew > 0 ? "ahead" : "behind")",
                    remedy: "ssh \(login.words) sudo timedatectl set-ntp true", isFatal: false))
        }
        let place = path?.folders.joined(separator: ", ") ?? ""
        let copy =
            (path?.folders ?? []).map { login.copy(to: $0) }.joined(separator: "; ") + "   or in cluster.yaml: data: push, or data: fetch"
        if let reason = facts.dataProblem {
            problems.append(Problem(check: "data", message: reason, remedy: copy, isFatal: true))
        } else if let data, let theirs = facts.dataDigest, theirs != data {
            problems.append(
                Problem(
                    check: "data", message: "\(place) has the digest \(theirs.prefix(12)), expected \(data.prefix(12))",
                    remedy: copy, isFatal: true))
        }
        return problems
    }

    /// The program runs there, and its look was not over in time.
    static func problem(
        ofSlow look: HostReport.Look?, seconds: Int, program: String, login: String, coordinator: Cluster.Address, path: Cluster.DataSource?
    ) -> DoctorReport.Problem {
        typealias Problem = DoctorReport.Problem
        switch look {
        case .data:
            let checks = (path?.folders ?? []).map { "ssh \(login) '\(program) data check \($0)'" }.joined(separator: "; ")
            return Problem(
                check: "data",
                message: "its digest was not known within \(seconds) s: "
                    + "the disk is slow, or the images are decoded there for the first time",
                remedy: "let it end once, then look again: \(checks)", isFatal: false)
        case .network:
            return Problem(
                check: "network",
                message: "it did not find out within \(seconds) s how to reach \(coordinator.host):\(coordinator.port): "
                    + "is its name service slow?",
                remedy: "ssh \(login) getent hosts \(coordinator.host)", isFatal: true)
        case nil:
            return Problem(
                check: "program", message: "it gives no answer within \(seconds) s",
                remedy: "try it by hand: ssh \(login) \(program) --version", isFatal: true)
        }
    }

    static func remedy(ofSSH reason: String, login: String, access: SSHAccess) -> String {
        let text = reason.lowercased()
        if text.contains("host key verification failed") || text.contains("no matching host key") {
            return "look at its key once by hand: ssh \(login) true"
        }
        if text.contains("identification has changed") { return "if the host is new: ssh-keygen -R \(access.host)" }
        if text.contains("permission denied") { return "ssh-copy-id \(access.identityFile.map { "-i \($0) " } ?? "")\(login)" }
        if text.contains("could not resolve") || text.contains("name or service") { return "check the name: getent hosts \(access.host)" }
        if text.contains("refused") { return "is sshd running there, on this port? nc -z \(access.host) \(access.port ?? 22)" }
        if text.contains("timed out") || text.contains("no answer") || text.contains("no route") {
            return "is it switched on? ping -c 1 \(access.host)"
        }
        return "try it by hand: ssh \(login) true"
    }

    /// The Debian packages of what the program needs; all of it but the C library is sent along.
    static let packages = [
        "libzmq.so.5": "libzmq5", "libopenblas.so.0": "libopenblas0", "libsqlite3.so.0": "libsqlite3-0", "libstdc++.so.6": "libstdc++6",
        "libgcc_s.so.1": "libgcc-s1", "libgfortran.so.5": "libgfortran5", "libturbojpeg.so.0": "libturbojpeg0",
        "libsodium.so.23": "libsodium23", "libc.so.6": "libc6",
    ]

    static func remedy(ofStart reason: String, login: String) -> String {
        if reason.contains("GLIBC_") || reason.contains("GLIBCXX_") {
            return "its C library is older than this host's: build sower there, or on the oldest of your hosts"
        }
        if let package = packages.first(where: { reason.contains($0.key) })?.value { return "ssh \(login) sudo apt-get install \(package)" }
        if reason.contains("Permission denied") { return "may programs run from its home folder? ssh \(login) 'mount | grep noexec'" }
        return "ssh \(login) ls -l .cache/sower/bin"
    }
}
