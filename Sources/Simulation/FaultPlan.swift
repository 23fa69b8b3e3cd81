/// A kind of thing that goes wrong.
package enum FaultClass: Int, CaseIterable, Sendable {
    case droppedMessages
    case repeatedMessages
    case lateMessages
    /// Cut off by a frame that is too short or too long; its receiver must refuse it.
    case garbledMessages
    /// A stranger, or a worker gone mad, says what is no message, or what cannot be true.
    case strangeMessages
    case partitions, oneWayPartitions
    /// A link that takes what is sent and delivers nothing, until its worker opens another.
    case deadLinks
    /// The transport makes the connection anew by itself: the coordinator sees a stranger.
    case renewedLinks
    case coordinatorCrashes
    case coordinatorStalls
    case fullLedgers
    case workerCrashes
    /// A host's power fails: what was not synced is lost.
    case powerLosses
    case workerPauses
    case runnerCrashes
    case fullOutboxes
    case failedTransfers
    case lateArrivals
    case departures
    /// A host where every runner crashes, for a while.
    case badHosts
    /// A runner that neither goes on nor ends.
    case hungRunners
    /// A person who pauses the sweep, and goes on later.
    case pauses
    /// A person who has the failed jobs tried again.
    case retries
    /// Workers that are told to leave, and those that have an end from the start.
    case dismissals, lifetimes

    /// What reports call it.
    package var name: String {
        switch self {
        case .droppedMessages: "dropped messages"
        case .repeatedMessages: "repeated messages"
        case .lateMessages: "late messages"
        case .garbledMessages: "garbled messages"
        case .strangeMessages: "strange messages"
        case .oneWayPartitions: "one-way partitions"
        case .deadLinks: "dead links"
        case .renewedLinks: "renewed links"
        case .coordinatorCrashes: "coordinator crashes"
        case .coordinatorStalls: "coordinator stalls"
        case .fullLedgers: "full ledger disks"
        case .workerCrashes: "worker crashes"
        case .powerLosses: "power losses"
        case .workerPauses: "worker pauses"
        case .runnerCrashes: "runner crashes"
        case .fullOutboxes: "full outbox disks"
        case .failedTransfers: "failed transfers"
        case .lateArrivals: "late arrivals"
        case .partitions: "partitions"
        case .departures: "departures"
        case .badHosts: "bad hosts"
        case .hungRunners: "hung runners"
        case .pauses: "pauses"
        case .retries: "retries"
        case .dismissals: "dismissals"
        case .lifetimes: "short lives"
        }
    }

    /// How often it happens when it may: of messages, batches of commands, seconds of a coordinator or worker, steps of a runner, transfers
    /// or workers, as fits the kind.
    var usualRate: Double {
        switch self {
        case .droppedMessages: 0.08
        case .repeatedMessages, .lateMessages: 0.05
        case .garbledMessages: 0.01
        case .strangeMessages: 0.05
        case .partitions, .oneWayPartitions: 0.008
        case .deadLinks: 0.005
        case .renewedLinks: 0.01
        case .coordinatorCrashes: 0.015
        case .coordinatorStalls: 0.01
        case .fullLedgers: 0.004
        case .workerCrashes: 0.004
        case .powerLosses: 0.003
        case .workerPauses: 0.006
        case .runnerCrashes: 0.04
        case .fullOutboxes: 0.1
        case .failedTransfers: 0.02
        case .lateArrivals: 0.4
        case .departures: 0.3
        case .badHosts: 0.3
        case .hungRunners: 0.01
        case .pauses: 0.02
        case .retries: 0.01
        case .dismissals: 0.4
        case .lifetimes: 0.4
        }
    }
}

/// Which faults a run has, how often, and how many there were.
///
/// Each seed turns on some kinds and leaves the rest out, at rates of its own: rare combinations come up that faults of every kind at
/// once would hide. Source: A. Groce et al., "Swarm testing", ISSTA 2012.
struct FaultPlan {
    private var rates: [Double]
    private(set) var counts: [Int]

    /// No faults at all.
    init() {
        rates = FaultClass.allCases.map { _ in 0 }
        counts = FaultClass.allCases.map { _ in 0 }
    }

    /// The faults of a seed.
    init(_ choices: inout SeededChoices) {
        self.init()
        let share = choices.seconds(0.15, 0.9)
        for (index, fault) in FaultClass.allCases.enumerated() where choices.chance(share) {
            rates[index] = min(0.5, fault.usualRate * choices.seconds(0.3, 2.5))
        }
    }

    func rate(of fault: FaultClass) -> Double { rates[fault.rawValue] }

    mutating func happens(_ fault: FaultClass, _ choices: inout SeededChoices) -> Bool {
        let index = fault.rawValue
        guard rates[index] > 0, choices.chance(rates[index]) else { return false }
        counts[index] += 1
        return true
    }
}
