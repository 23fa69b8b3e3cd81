import Coordination
import Digests
import Studies

/// One worker's host: its link, its disk, its process and the runners of that process.
struct SimulatedHost {
    struct Run {
        var id: Int
        var attempt: AttemptID
        var spec: [UInt8]
        var inputs: [Digest]
        var started: Instant
        /// The checkpoint it went on from, if that was another numeric class's.
        var taint: Digest?
    }

    /// The host's name; two workers may be on one.
    let place: String
    let isCentral: Bool
    /// What differs between hosts decides who can go on from whose checkpoint.
    let numericClass: String
    let labels: Labels
    /// Whether it stays to the end, so that the work can be done.
    let isNeeded: Bool
    /// `nil` while no worker runs.
    var session: WorkerSession?
    /// The worker's, unique to its process.
    var name = ""
    /// Counts its processes.
    var life = 0
    var link = SimulatedLink()
    var store: Set<Digest> = []
    var runs = [Run?](repeating: nil, count: SimulationSettings.slots)
    var outbox = SimulatedOutbox()
    /// Results that its full disk did not take.
    var memoryOnly: Set<AttemptID> = []
    var pausedUntil = Instant(seconds: 0)
    /// While every runner crashes there.
    var badTime: Range<Double>?
    /// Whether it never comes back.
    var isGone = false
    var rules = WorkerRules()

    init(place: String, isCentral: Bool, numericClass: String, labels: Labels, isNeeded: Bool) {
        self.place = place
        self.isCentral = isCentral
        self.numericClass = numericClass
        self.labels = labels
        self.isNeeded = isNeeded
    }
}

/// A worker's connection to the coordinator.
struct SimulatedLink {
    /// Unique: what was under way on an older one is lost.
    var connection = -1
    /// Takes what is sent and delivers nothing, until the worker opens another.
    var isDead = false
    var outgoingCutUntil = Instant(seconds: 0)
    var incomingCutUntil = Instant(seconds: 0)
}

/// A message under way.
enum Packet<Message> {
    case message(Message)
    case frame([UInt8])
    /// Too short or too long.
    case garbled([UInt8])
}
