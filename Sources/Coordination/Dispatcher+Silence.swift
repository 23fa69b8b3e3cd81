import HeapModule

// Which workers have been silent for too long, without a look at every worker at every tick.

/// A worker that gets nothing new until it is heard again.
package struct SilentWorker: Sendable, Equatable {
    package var name: String
    /// Since it was last heard.
    package var seconds: Int

    package init(name: String, seconds: Int) {
        self.name = name
        self.seconds = seconds
    }
}

extension Dispatcher {
    /// Workers by when they were last known to have been heard. A heartbeat changes nothing here: a worker that was heard
    /// since is put back when its turn comes, once in `Limits.leaseSeconds`.
    struct Silences {
        struct Entry: Comparable {
            var heard: Instant
            var name: String
            static func < (a: Entry, b: Entry) -> Bool { (a.heard, a.name) < (b.heard, b.name) }
        }

        private var entries = Heap<Entry>()
        private var members: Set<String> = []

        mutating func watch(_ name: String, from heard: Instant) {
            if members.insert(name).inserted { entries.insert(Entry(heard: heard, name: name)) }
        }

        /// Takes out the worker that has waited longest, if it was not heard in the time before `now` as far as is known.
        mutating func popSilent(at now: Instant) -> String? {
            guard let first = entries.min, now - first.heard > Limits.leaseSeconds else { return nil }
            entries.removeMin()
            members.remove(first.name)
            return first.name
        }
    }

    /// The workers that have missed three heartbeats and may still come back with their leases, by name.
    package func silentWorkers(at now: Instant) -> [SilentWorker] {
        workers.filter { now - $0.value.lastHeard > Limits.suspectSeconds }
            .map { SilentWorker(name: $0.key, seconds: Int(now - $0.value.lastHeard)) }.sorted { $0.name < $1.name }
    }

    /// How the reason begins for which a worker was given up that nobody has heard.
    package static let silenceWords = "silent for"

    /// The workers whose leases have run out, by name.
    mutating func takeSilent(at now: Instant) -> [String] {
        var silent: [String] = []
        while let name = silences.popSilent(at: now) {
            guard let heard = workers[name]?.lastHeard else { continue }
            if now - heard > Limits.leaseSeconds { silent.append(name) } else { silences.watch(name, from: heard) }
        }
        return silent.sorted()
    }
}
