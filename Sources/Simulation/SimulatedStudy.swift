import Coordination
import Digests
import Studies

/// The jobs of a simulated sweep: pre-training, clustering, sampling, evaluation, chains of evaluations. A few may diverge, be
/// impossible to run, or crash every runner that tries them.
struct SimulatedStudy {
    /// What running a job comes to, whoever runs it and whenever.
    enum Behavior: UInt8 {
        case finishes, diverges
        /// No build of the program can run it.
        case isImpossible
        /// Every attempt ends by a signal.
        case crashes
    }

    /// How a job ended, as a table sees it.
    enum Ending: Equatable {
        case finished(Digest)
        case diverged
        case failed(JobFailure.Reason)
    }

    static let checkpointName = "checkpoint"
    /// What jobs may want of their host.
    private static let needs = [Labels(["class": "a"]), Labels(["gpu": "yes"]), Labels(["class": "a", "gpu": "yes"])]
    /// Epochs of a training, each a step of its runner.
    static let epochs = 2

    private(set) var entries: [JobEntry] = []
    private(set) var behaviors: [Behavior] = []
    private(set) var positions: [JobID: Int32] = [:]
    /// Whether some jobs want a host that is called so or so.
    private let hasNeeds: Bool

    /// At least one arm's worth of jobs; `faultyJobs` says whether some may be other than fine.
    init(jobs count: Int, faultyJobs: Bool, _ choices: inout SeededChoices) {
        hasNeeds = choices.chance(0.5)
        entries.reserveCapacity(count)
        positions.reserveCapacity(count)
        let arms = min(16, max(1, count / 12))
        for arm in 0..<arms {
            let sources = (0..<3).map { "pretrain-\(arm)-\($0)" }
            for source in sources { add(source, priority: 0) }
            add("cluster-\(arm)", inputs: sources, isCentral: true, priority: 1)
            add("sample-\(arm)", inputs: ["cluster-\(arm)"], isCentral: true, isBroadcast: true, priority: 2)
        }
        for number in 0..<max(arms, count - entries.count) {
            let arm = number % arms
            let name = "evaluate-\(number)"
            switch number / arms % 5 {
            case 4: add("random-\(number)", priority: 4)
            // A link of a chain starts from the weights of the link before.
            case 3: add(name, inputs: ["evaluate-\(number - arms)"], priority: 3)
            default: add(name, inputs: ["sample-\(arm)"], priority: 3)
            }
        }
        behaviors = [Behavior](repeating: .finishes, count: entries.count)
        guard faultyJobs else { return }
        for (behavior, probability) in [(Behavior.diverges, 0.4), (.isImpossible, 0.25), (.crashes, 0.25)]
        where choices.chance(probability) {
            behaviors[choices.below(entries.count)] = behavior
        }
    }

    private mutating func add(
        _ name: String, inputs: [String] = [], isCentral: Bool = false, isBroadcast: Bool = false, priority: Int
    ) {
        let spec = Array(name.utf8)
        let id = JobID(Digest(of: spec))
        positions[id] = Int32(entries.count)
        // Links of a chain, and what stands alone, may want a host of their own kind; trainings take longer than the rest.
        let isPicky = hasNeeds && !isCentral && entries.count % 3 == 0
        let demands = JobDemands(
            labels: isPicky ? Self.needs[entries.count / 3 % Self.needs.count] : .none, workload: isCentral ? "central" : "training")
        entries.append(
            JobEntry(
                id: id, spec: spec, inputs: inputs.map { JobID(Digest(of: $0)) }, isCentral: isCentral, isBroadcast: isBroadcast,
                priority: priority, demands: demands))
    }

    func demands(of id: JobID) -> JobDemands { position(of: id).map { entries[$0].demands } ?? JobDemands() }

    func position(of id: JobID) -> Int? { positions[id].map(Int.init) }

    func behavior(of id: JobID) -> Behavior { position(of: id).map { behaviors[$0] } ?? .isImpossible }

    /// The specification as text: the job's name on screens.
    func name(of id: JobID) -> String { position(of: id).map { String(decoding: entries[$0].spec, as: UTF8.self) } ?? id.short }

    /// What a job makes depends on its specification and its inputs alone; a training that went on from another numeric class's
    /// checkpoint gives other bits, which `taint` stands for.
    static func output(of spec: [UInt8], inputs: [Digest], taint: Digest? = nil) -> ArtifactNotice {
        var hasher = DigestHasher()
        hasher.update(spec)
        for input in inputs { hasher.update(input.bytes) }
        if let taint { hasher.update(taint.bytes) }
        return ArtifactNotice(name: "output", digest: hasher.finalize(), size: 100)
    }

    static func checkpoint(of spec: [UInt8], epoch: Int, numericClass: String) -> Checkpoint {
        let digest = Digest(of: spec + Array(" checkpoint \(epoch) \(numericClass)".utf8))
        return Checkpoint(epoch: epoch, artifact: ArtifactNotice(name: checkpointName, digest: digest, size: 50))
    }

    /// The table of a run without faults on one worker, in the order of `entries`, in which inputs come first.
    var table: [Ending] {
        var endings: [Ending] = []
        endings.reserveCapacity(entries.count)
        for (entry, behavior) in zip(entries, behaviors) {
            var inputs: [Digest] = []
            for input in entry.inputs {
                if let position = position(of: input), case .finished(let digest) = endings[position] { inputs.append(digest) }
            }
            guard inputs.count == entry.inputs.count else {
                endings.append(.failed(.input))
                continue
            }
            switch behavior {
            case .finishes: endings.append(.finished(SimulatedStudy.output(of: entry.spec, inputs: inputs).digest))
            case .diverges: endings.append(.diverged)
            case .isImpossible: endings.append(.failed(.specification))
            case .crashes: endings.append(.failed(.crashed))
            }
        }
        return endings
    }
}
