import Coordination
import Digests
import Studies

/// A cluster in virtual time: the production ``Dispatcher`` and ``WorkerSession``s, with a network, disks, processes and runners
/// that fail as the seed says.
///
/// One seed is one run on one thread, and the same run every time. Nothing here reads a clock: events lie in a queue by their
/// virtual time, and all randomness comes from the seed.
package struct SimulatedCluster {
    /// What is going to happen. What belongs to an older process or connection than the present one is lost.
    enum Action {
        case coordinatorStarts
        case coordinatorTick(life: Int)
        case coordinatorTurn(life: Int)
        case atCoordinator(connection: Int, Packet<WorkerMessage>)
        case workerStarts(host: Int)
        case workerTick(host: Int, life: Int)
        case atWorker(host: Int, connection: Int, Packet<CoordinatorMessage>)
        case workerLeaves(host: Int)
        /// It is told to leave in good order, at once or when what runs has ended.
        case workerIsDismissed(host: Int, atOnce: Bool)
        case transferEnds(host: Int, life: Int, ArtifactNotice, isPush: Bool)
        case runnerSteps(host: Int, life: Int, run: Int, slot: Int, epoch: Int)
    }

    static let crashLimit = 5
    /// Twice as long as a job takes at most, when nobody pauses its worker.
    static let timeLimitSeconds = 60.0

    let settings: SimulationSettings
    let mutant: Mutant?
    let study: SimulatedStudy
    /// Whether every message goes through its wire form.
    let usesCodec: Bool
    private let checksInvariants: Bool
    private let seed: UInt64
    var choices: SeededChoices
    private var plan: FaultPlan
    private var queue = EventQueue<Action>()
    private(set) var now = Instant(seconds: 0)
    private(set) var eventCount = 0
    var trace: Trace
    /// The rules that were broken.
    var faults: [String] = []

    var ledger: LedgerModel
    var acknowledgements: AcknowledgementRules
    /// `nil` while none runs.
    var coordinator: CoordinatorProcess?
    var coordinatorLife = 0
    var stalledUntil = Instant(seconds: 0)
    /// The coordinator's artifact store.
    var blobs: Set<Digest> = []
    var unsyncedBlobs: Set<Digest> = []

    var hosts: [SimulatedHost] = []
    /// Attempts whose results dead workers had left on a disk when the next one started.
    var legacyAttempts: Set<AttemptID> = []
    /// Which host a connection belongs to; those of strangers are negative.
    var connectionOwners: [Int32] = []
    var strangers = 0
    var runs = 0
    var resumptions = 0
    var readoptions = 0
    var legacies = 0

    /// Runs one seed from its beginning to its end.
    package static func run(seed: UInt64, _ settings: SimulationSettings = SimulationSettings()) -> SeedReport {
        var cluster = SimulatedCluster(seed: seed, settings)
        cluster.run()
        return cluster.report
    }

    private init(seed: UInt64, _ settings: SimulationSettings) {
        self.seed = seed
        self.settings = settings
        mutant = settings.mutant
        choices = SeededChoices(seed: seed)
        plan = settings.hasFaults ? FaultPlan(&choices) : FaultPlan()
        study = SimulatedStudy(jobs: settings.jobs, faultyJobs: settings.hasFaults, &choices)
        usesCodec = choices.chance(0.25)
        let looksInside = choices.chance(0.05)
        checksInvariants = settings.jobs <= 100 && looksInside
        trace = Trace(tell: settings.tell)
        ledger = LedgerModel(study.entries, crashLimit: SimulatedCluster.crashLimit)
        acknowledgements = AcknowledgementRules(jobs: study.entries.count)
        queue.insert(.coordinatorStarts, at: now)
        addHosts()
    }

    /// What hosts are called, in turn; the first has everything that a job may want.
    private static let labels = [
        Labels(["class": "a", "gpu": "yes"]), Labels(["class": "b"]), .none, Labels(["class": "a"]), Labels(["class": "b", "gpu": "yes"]),
    ]

    private mutating func addHosts() {
        let central = settings.centralWorkers
        let workersPerHost = choices.chance(0.3) ? 2 : 1
        for number in 0..<settings.workers + central {
            let isCentral = number >= settings.workers
            // One of each kind always comes and stays, so that the work can be done.
            let isNeeded = number == 0 || number == settings.workers
            hosts.append(
                SimulatedHost(
                    place: "lab\(isCentral ? number : number / workersPerHost)", isCentral: isCentral,
                    numericClass: number % 3 == 2 ? "v1-zen" : "v1-haswell",
                    labels: isCentral ? .none : Self.labels[number % Self.labels.count], isNeeded: isNeeded))
            if !isCentral, plan.happens(.badHosts, &choices) {
                let start = choices.seconds(0, 60)
                hosts[number].badTime = start..<start + choices.seconds(20, 60)
            }
            let isLate = !isNeeded && plan.happens(.lateArrivals, &choices)
            let start = isLate ? choices.seconds(20, 100) : choices.seconds(0, 5)
            queue.insert(.workerStarts(host: number), at: now + start)
            if !isNeeded, plan.happens(.dismissals, &choices) {
                let end = choices.seconds(start, SimulationSettings.faultSeconds)
                queue.insert(.workerIsDismissed(host: number, atOnce: choices.chance(0.3)), at: now + end)
                if choices.chance(0.3) {
                    queue.insert(.workerIsDismissed(host: number, atOnce: true), at: now + end + choices.seconds(0, 10))
                }
            }
            if !isNeeded, plan.happens(.departures, &choices) {
                queue.insert(.workerLeaves(host: number), at: now + choices.seconds(start, SimulationSettings.faultSeconds))
            }
        }
    }

    private mutating func run() {
        while faults.isEmpty, let (time, action) = queue.popFirst() {
            guard time.seconds < settings.deadlineSeconds else {
                faults.append(unsettled)
                break
            }
            now = time
            eventCount += 1
            perform(action)
            if case .coordinatorTick = action, isOver { break }
        }
        trace.note(now, UInt64(eventCount), 0, faults.isEmpty ? "everything is settled" : "broken: " + faults.joined(separator: "; "))
        if faults.isEmpty { faults += TableRules.violations(study: study, ledger: ledger, blobs: blobs, crashLimit: Self.crashLimit) }
    }

    private var report: SeedReport {
        SeedReport(
            seed: seed, violations: faults, events: eventCount, virtualSeconds: now.seconds, faults: plan.counts, traceHash: trace.hash,
            attempts: ledger.startedAttempts, readoptions: readoptions, resumptions: resumptions, legacies: legacies)
    }

    private func isCurrent(host: Int, life: Int) -> Bool { hosts[host].life == life && hosts[host].session != nil }

    private mutating func perform(_ action: Action) {
        switch action {
        case .coordinatorStarts: startCoordinator()
        case .coordinatorTick(let life):
            guard coordinator != nil, life == coordinatorLife else { return }
            guard now >= stalledUntil else { return queue.insert(action, at: stalledUntil + 0.01) }
            tickCoordinator()
        case .coordinatorTurn(let life):
            guard coordinator != nil, life == coordinatorLife else { return }
            guard now >= stalledUntil else { return queue.insert(action, at: stalledUntil) }
            takeTurn()
        case .atCoordinator(let connection, let packet):
            arriveAtCoordinator(packet, on: connection)
        case .workerStarts(let host): startWorker(host)
        case .workerLeaves(let host): leave(host)
        case .workerIsDismissed(let host, let atOnce):
            guard hosts[host].session != nil else { return }
            if !postponed(action, for: host) { feed(atOnce ? .leave : .drain, to: host) }
        case .workerTick(let host, let life):
            guard isCurrent(host: host, life: life) else { return }
            if !postponed(action, for: host) { tickWorker(host) }
        case .atWorker(let host, let connection, let packet):
            guard connection == hosts[host].link.connection, hosts[host].session != nil else { return }
            if !postponed(action, for: host) { arriveAtWorker(packet, on: host) }
        case .transferEnds(let host, let life, let artifact, let isPush):
            guard isCurrent(host: host, life: life) else { return }
            if !postponed(action, for: host) { endTransfer(artifact, isPush: isPush, of: host) }
        case .runnerSteps(let host, let life, let run, let slot, let epoch):
            guard isCurrent(host: host, life: life), hosts[host].runs[slot]?.id == run else { return }
            if !postponed(action, for: host) { stepRunner(host: host, slot: slot, epoch: epoch) }
        }
    }

    /// A paused worker takes nothing in; it finds everything waiting, in order, when it goes on.
    private mutating func postponed(_ action: Action, for host: Int) -> Bool {
        guard now < hosts[host].pausedUntil else { return false }
        queue.insert(action, at: hosts[host].pausedUntil)
        return true
    }

    // MARK: For the parts in other files

    var hasFaults: Bool { settings.hasFaults && now.seconds < SimulationSettings.faultSeconds }

    mutating func goesWrong(_ fault: FaultClass) -> Bool { hasFaults && plan.happens(fault, &choices) }

    mutating func schedule(_ action: Action, in seconds: Double) { queue.insert(action, at: now + seconds) }

    /// Looks into the dispatcher too, in some seeds: what its own invariants find comes earlier than its consequences.
    mutating func checkDispatcher() {
        if checksInvariants, mutant == nil { faults += coordinator?.dispatcher.violations ?? [] }
    }

    // MARK: The end

    /// Whether the faults are over, every job is settled, and no worker has a result left to deliver.
    private var isOver: Bool {
        guard !hasFaults, coordinator?.dispatcher.isComplete == true else { return false }
        return hosts.allSatisfy { $0.isGone || ($0.session != nil && $0.outbox.isEmpty && $0.memoryOnly.isEmpty) }
    }

    private var unsettled: String {
        if !ledger.isSettled { return "\(ledger.openJobs) jobs are not settled \(Int(now.seconds)) s after the start" }
        if coordinator?.dispatcher.isComplete != true { return "every job is settled, and the coordinator does not know it" }
        return "every job is settled, and a worker still has results to deliver"
    }
}
