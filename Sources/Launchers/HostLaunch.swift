/// One host's way from its name to a running worker, and back to it after every loss: what has happened → what to do.
///
/// It decides only; `HostLauncher` carries out. Time is in seconds on any clock that does not go back.
package struct HostLaunch: Sendable, Equatable {
    package enum Phase: Sendable, Equatable {
        /// Can become: probing.
        case waiting(until: Double)
        /// Can become: pushing, supervising, waiting, failed.
        case probing
        /// Can become: probing, waiting, failed.
        case pushing
        /// The worker's name once it runs. Can become: waiting, failed, stopped.
        case supervising(worker: String?)
        /// Can become: stopped.
        case stopping
        /// Nothing more is tried.
        case failed
        case stopped
    }

    package enum Event: Sendable, Equatable {
        case tick
        /// What `RemoteCommand.probe` said.
        case probed(system: String, machine: String, hasProgram: Bool)
        case pushed
        case reported(HostReport)
        /// The conversation under way has ended by itself.
        case ended(Conversation.Ending)
        /// The sweep is over.
        case stop
    }

    package enum Action: Sendable, Equatable {
        case probe
        case push
        case supervise
        case say(HostWord)
        /// Let the key in, then say `.go`.
        case enroll(String)
        /// Drop the conversation.
        case hangUp
        /// For the coordinator: this worker is gone.
        case workerEnded(name: String, reason: String)
        case keepLog(LogPiece)
        /// For the person who waits.
        case tell(String)
    }

    static let firstDelaySeconds = 5.0
    static let longestDelaySeconds = 300.0
    /// A worker that ends so often, each time before it has run for long, is not started again.
    static let restartLimit = 5
    static let steadySeconds = 600.0
    static let pushLimit = 3

    package let name: String
    let machine: String
    package private(set) var phase = Phase.waiting(until: 0)
    /// Why nothing runs there now; `nil` while a worker runs or nothing was tried yet.
    package private(set) var problem: String?
    package private(set) var hasEverRun = false
    private var lastWorker: String?
    /// When it began to run, as far as is known here.
    private var workerSince = 0.0
    private var misses = 0
    private var restarts = 0
    private var pushes = 0

    /// - Parameter machine: as `uname -m` says it of this host, for which the program is built.
    package init(name: String, machine: String) {
        self.name = name
        self.machine = machine
    }

    package var isRunning: Bool { if case .supervising(_?) = phase { true } else { false } }
    package var isOver: Bool { phase == .failed || phase == .stopped }

    package mutating func handle(_ event: Event, at now: Double) -> [Action] {
        switch (phase, event) {
        case (.waiting(let until), .tick) where now >= until:
            phase = .probing
            return [.probe]
        case (.probing, .probed(let system, let machine, let hasProgram)):
            guard system == "Linux", machine == self.machine else {
                return fail(
                    "it is a \(system) \(machine) host, and this program is built for Linux \(self.machine): build sower there and start `sower worker --connect`"
                )
            }
            phase = hasProgram ? .supervising(worker: nil) : .pushing
            return hasProgram ? [.hangUp, .supervise] : [.hangUp, .push]
        case (.pushing, .pushed):
            phase = .probing
            return [.hangUp, .probe]
        case (.pushing, .ended(let ending)) where ending.end != .exited(255):
            pushes += 1
            if pushes >= Self.pushLimit { return fail("the program could not be put there: \(ending.reason)") }
            return retry("the program could not be put there: \(ending.reason)", at: now)
        case (.supervising, .reported(let report)):
            return supervised(report, at: now)
        case (.supervising(nil), .ended(let ending)) where ending.end != .exited(255):
            restarts += 1
            if restarts > Self.restartLimit { return fail("the program does not work there: \(ending.reason)") }
            return retry("the program does not work there: \(ending.reason)", at: now)
        case (.probing, .ended(let ending)), (.pushing, .ended(let ending)), (.supervising, .ended(let ending)):
            return retry("it cannot be reached: \(ending.reason)", at: now)
        case (.stopping, .reported(.log(let piece))):
            return [.keepLog(piece)]
        case (.stopping, .reported(.ended)), (.stopping, .reported(.left)):
            phase = .stopped
            return [.hangUp]
        case (.stopping, .ended):
            phase = .stopped
            return []
        case (.supervising, .stop):
            phase = .stopping
            return [.say(.stop)]
        case (.failed, .stop), (.stopped, .stop):
            return []
        case (_, .stop):
            phase = .stopped
            return [.hangUp]
                + (lastWorker == nil ? [] : [.tell("\(name): its worker cannot be told; it ends by itself when it finds no coordinator")])
        case (.waiting, _), (.probing, _), (.pushing, _), (.supervising, .probed), (.supervising, .pushed), (.supervising, .tick),
            (.stopping, _),
            (.failed, _), (.stopped, _):
            return []
        }
    }

    private mutating func supervised(_ report: HostReport, at now: Double) -> [Action] {
        switch report {
        case .key(let key):
            return [.enroll(key)]
        case .running(let worker, let process, let log, let isNew):
            let wasLost = problem
            phase = .supervising(worker: worker)
            (hasEverRun, misses, pushes, problem) = (true, 0, 0, nil)
            if lastWorker != worker { workerSince = now }
            defer { lastWorker = worker }
            var actions: [Action] = []
            // It ended while nobody could see it.
            if let lastWorker, lastWorker != worker {
                actions.append(.workerEnded(name: lastWorker, reason: "another worker has taken its place on \(name)"))
            }
            if isNew {
                actions.append(.tell("\(name): worker \(worker) runs (process \(process.processID), log \(log))"))
            } else if wasLost != nil || lastWorker == nil {
                actions.append(.tell("\(name): worker \(worker) still runs"))
            }
            return actions
        case .log(let piece):
            return [.keepLog(piece)]
        case .ended(let reason):
            if lastWorker != nil, now - workerSince >= Self.steadySeconds { restarts = 0 }
            restarts += 1
            let gone = lastWorker.map { [Action.workerEnded(name: $0, reason: reason)] } ?? []
            lastWorker = nil
            if restarts > Self.restartLimit { return gone + fail("its worker ended \(restarts) times, last: \(reason)") }
            return gone + retry("its worker ended: \(reason)", at: now)
        case .left:
            let gone = lastWorker.map { [Action.workerEnded(name: $0, reason: "it was told to leave")] } ?? []
            lastWorker = nil
            return gone + fail("its worker was told to leave on that host; `sower resume` starts one again")
        case .refused(let reason, let remedy):
            return fail("\(reason); \(remedy)")
        case .examined, .looking:
            return []
        }
    }

    private mutating func retry(_ reason: String, at now: Double) -> [Action] {
        let delay = min(Self.longestDelaySeconds, Self.firstDelaySeconds * Double(1 << min(misses, 10)))
        misses += 1
        phase = .waiting(until: now + delay)
        // Said once, not every time it is tried.
        defer { problem = reason }
        return [.hangUp] + (problem == reason ? [] : [.tell("\(name): \(reason); it is tried again")])
    }

    private mutating func fail(_ reason: String) -> [Action] {
        phase = .failed
        problem = reason
        return [.hangUp, .tell("\(name): \(reason)")]
    }

    /// Nothing that this host's keeper could mend: no more is tried.
    package mutating func giveUp(_ reason: String) -> [Action] { fail(reason) }
}
