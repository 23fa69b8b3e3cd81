import Clusters
import Coordination
import Coordinator
import Downloads
import Foundation
import Jobs
import Launchers
import Networks
import Studies

/// What a study asks of this host, of each other host, and of all together, for `sower doctor STUDY`.
struct StudyCheckup {
    typealias Problem = DoctorReport.Problem

    private let loaded: LoadedStudy
    let needs: StudyNeeds
    /// Labels and programs that jobs ask for, each once.
    private let demands: [JobDemands]
    /// Of the artifacts that are still to be made.
    private let artifactBytes: Int
    private let jobs: Int

    init(_ loaded: LoadedStudy) throws {
        self.loaded = loaded
        needs = StudyNeeds(loaded, files: try SharedFiles(loaded.dataFiles).notices)
        let done = try PlanReport.jobsDone(loaded)
        let open = loaded.plan.jobs.filter { !done.contains($0.id) }
        jobs = open.count
        demands = Set(open.filter { !$0.spec.isCentral }.map { JobDemands(labels: $0.needs, runsCommand: $0.spec.runsCommand) })
            .sorted { ($0.labels.words, $0.runsCommand ? 1 : 0) < ($1.labels.words, $1.runsCommand ? 1 : 0) }
        artifactBytes = try open.reduce(0) { try $0 + $1.spec.expectedBytes }
    }

    var dataset: String { needs.dataset }

    private var runsProgram: Bool { demands.contains(where: \.runsCommand) }

    // MARK: One host

    /// What a host is asked.
    func examined(_ host: Cluster.Host) -> StudyNeeds {
        var needs = needs
        // Nobody else looks at the files.
        if host.data != nil, host.data != .push { needs.dataFiles = [] }
        if !host.allowsCommands || !runsProgram { (needs.program, needs.programFiles) = (nil, []) }
        return needs
    }

    /// - Parameter login: how a person reaches it; `nil` for this host.
    func problems(of host: Cluster.Host, _ facts: HostFindings, login: Login?) -> (notes: [String], problems: [Problem]) {
        guard let found = facts.study else { return ([], []) }
        let data = data(of: host, found, free: facts)
        guard host.allowsCommands else { return data }
        // What the lines of `setup:` and the variables do to the PATH is not known here.
        let trainer = trainer(found, login: login, isCertain: host.setup.isEmpty && host.environment["PATH"] == nil)
        return (data.notes + trainer.notes, data.problems + trainer.problems)
    }

    /// Whether the study's trainer, if it has one, could run on a host that lets it.
    func trainer(_ found: StudyFindings?, login: Login?, isCertain: Bool = true) -> (notes: [String], problems: [Problem]) {
        guard let found, runsProgram, let trainer = loaded.study.trainer, let program = needs.program else { return ([], []) }
        var problems = found.wrongFiles.map { file in
            Problem(
                check: "trainer", message: "the trainer's file \(file) is not there, or differs from this host's",
                remedy: login.map { $0.copy(file: file) } ?? "restore it, then look again", isFatal: true)
        }
        if found.hasProgram == false, !found.wrongFiles.contains(program) {
            let look = (login.map { "ssh \($0.words) " } ?? "") + "command -v \(shellWord(program))"
            problems.append(
                Problem(
                    check: "trainer",
                    message: "the trainer's program \(program) is not there, or may not be run"
                        + (isCertain ? "" : ", unless `setup` or PATH bring it"),
                    remedy: "install it there, or name its folder in cluster.yaml (environment: {PATH: …}): \(look)", isFatal: isCertain))
        }
        return (problems.isEmpty ? ["trainer: \(trainer.name) can run, by \(program)"] : [], problems)
    }

    private func data(of host: Cluster.Host, _ found: StudyFindings, free facts: HostFindings) -> (notes: [String], problems: [Problem]) {
        var bytes = 0
        var notes: [String] = []
        var problems: [Problem] = []
        switch host.data {
        case .folders(let folders):
            if facts.dataDigest == dataset {
                notes.append("data: \(folders.joined(separator: ", ")) has the study's, digest \(dataset.prefix(12))")
            }
        case .push, nil:
            let path = needs.dataPath
            if host.data == nil, found.hasDataAtPath {
                notes.append("data: found at this study's path, \(path)")
            } else if found.hasDataFromEarlier {
                notes.append("data: there from an earlier sweep")
            } else {
                bytes = needs.dataBytes
                let why = host.data == nil ? "not at this study's path there, \(path): " : ""
                notes.append("data: \(why)will be sent, \(ByteText.of(bytes)) in \(needs.dataFiles.count) files")
            }
        case .fetch(let mirror):
            guard let names = loaded.publishedNames else {
                problems.append(
                    Problem(
                        check: "data", message: "nobody offers the study's images for download", remedy: "in cluster.yaml: data: push",
                        isFatal: true))
                break
            }
            // What is downloaded is unpacked beside it.
            bytes = names.compactMap { PublishedDataset.named($0)?.downloadBytes }.reduce(0, +) + needs.dataBytes
            notes.append(
                "data: \(names.joined(separator: ", ")) will be downloaded from \(mirror ?? "the publisher") unless it is in the host's cache"
            )
        }
        if bytes > facts.freeBytes {
            problems.append(
                Problem(
                    check: "disk",
                    message: "\(ByteText.of(facts.freeBytes)) free in \(facts.freeWhere), and the data take \(ByteText.of(bytes))",
                    remedy: "make room, or name another folder in cluster.yaml: store: /scratch/sower", isFatal: true))
        }
        return (notes, problems)
    }

    /// What is known of nodes that nobody looks at.
    func notes(ofUnseen host: Cluster.Host) -> (notes: [String], problems: [Problem]) {
        guard host.data == nil else { return ([], []) }
        let size = "\(ByteText.of(needs.dataBytes)) in \(needs.dataFiles.count) files"
        return (["data: a node that does not have them at this study's path, \(needs.dataPath), is sent them, \(size)"], [])
    }

    // MARK: All together

    /// Whether the study can run with these hosts at all.
    ///
    /// - Parameters:
    ///   - verdicts: on the hosts, by their names; of this host in any case.
    ///   - free: bytes in this study's folder.
    func verdict(_ cluster: Cluster?, verdicts: [String: DoctorReport.HostVerdict], free: Int, runCommand: String)
        -> DoctorReport.HostVerdict
    {
        var problems: [Problem] = []
        for demand in demands where !demand.labels.isEmpty || demand.runsCommand {
            problems += problem(of: demand, cluster, verdicts, runCommand: runCommand).map { [$0] } ?? []
        }
        if artifactBytes > free {
            problems.append(
                Problem(
                    check: "disk",
                    message:
                        "\(ByteText.of(free)) free in \(loaded.folder.path), and about \(ByteText.of(artifactBytes)) of artifacts will come",
                    remedy: "make room, or name another folder: --results DIR", isFatal: true))
        }
        let words =
            "study: \(jobs) jobs to run, data \(loaded.dataWords), \(ByteText.of(needs.dataBytes)) in \(needs.dataFiles.count) files, "
            + "about \(ByteText.of(artifactBytes)) of artifacts to come"
        return DoctorReport.HostVerdict(host: loaded.study.name, summary: words, problems: problems)
    }

    private func problem(
        of demand: JobDemands, _ cluster: Cluster?, _ verdicts: [String: DoctorReport.HostVerdict], runCommand: String
    ) -> Problem? {
        let labels = demand.labels.sorted.map { "\($0.key)=\($0.value)" }
        let flags = labels.map { " --label \($0)" }.joined() + (demand.runsCommand ? " --allow-command" : "")
        let what = [
            labels.isEmpty ? nil : "a host called \(demand.labels.words)",
            demand.runsCommand ? "leave to run the trainer \(loaded.study.trainer?.name ?? "")" : nil,
        ].compactMap(\.self).joined(separator: " and ")
        let check = labels.isEmpty ? "trainer" : "needs"
        guard let cluster else {
            // The command line of the sweep decides.
            return Problem(check: check, message: "jobs need \(what)", remedy: "if this host is one: \(runCommand)\(flags)", isFatal: false)
        }
        let able = cluster.hosts.filter { Labels($0.labels).contains(demand.labels) && ($0.allowsCommands || !demand.runsCommand) }
        guard !able.isEmpty else {
            let settings = [
                labels.isEmpty ? nil : "labels: {\(demand.labels.sorted.map { "\($0.key): \($0.value)" }.joined(separator: ", "))}",
                demand.runsCommand ? "allow_commands: true" : nil,
            ].compactMap(\.self).joined(separator: ", ")
            return Problem(
                check: check, message: "jobs need \(what), and no entry of the cluster file has that",
                remedy: "in cluster.yaml, for a host that is one: \(settings)",
                isFatal: true)
        }
        guard able.allSatisfy({ verdicts[$0.name]?.isWell == false }) else { return nil }
        return Problem(
            check: check, message: "jobs need \(what): \(able.map(\.name).joined(separator: ", ")) could, and cannot work",
            remedy: "mend what is said of \(able.count == 1 ? "it" : "one of them")", isFatal: true)
    }
}

extension JobSpec {
    /// About how many bytes of artifacts its result has; what is small beside a network's weights counts as nothing.
    fileprivate var expectedBytes: Int {
        get throws {
            switch self {
            case .train(let spec):
                spec.keepsWeights ? try NetworkShape(spec.model).parameters.reduce(0) { $0 + 4 * $1.count } : 0
            // A byte a kernel.
            case .sample(let spec):
                try NetworkShape(spec.model).parameters.filter { $0.shape.count == 4 }.prefix(spec.layers).reduce(0) {
                    $0 + $1.shape[0] * $1.shape[1]
                }
            case .align(let spec):
                try NetworkShape(spec.model).parameters.filter { $0.shape.count == 4 }.prefix(spec.layers).reduce(0) { $0 + 4 * $1.count }
            case .file(let spec): spec.size
            case .cluster, .command, .noop: 0
            }
        }
    }
}

/// A number of bytes for people.
enum ByteText {
    static func of(_ bytes: Int) -> String {
        let units = [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1000, "kB")]
        guard let (size, name) = units.first(where: { bytes >= $0.0 }) else { return "\(bytes) bytes" }
        let number = Double(bytes) / Double(size)
        return (number < 10 ? "\((number * 10).rounded() / 10)" : "\(Int(number.rounded()))") + " " + name
    }
}
