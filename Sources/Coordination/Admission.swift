import Digests

/// Which workers a sweep takes, and what a person should know of those that it takes. Pure.
package struct Admission: Sendable {
    /// This program; another one could compute other numbers, or write other files.
    package var program: String
    /// The study's data set.
    package var dataset: Digest?
    /// The one numeric class that is taken; `nil` for any.
    package var numericClass: String?
    private var clocks: [String: ClockWatch] = [:]
    private var noted: Set<String> = []

    package init(program: String, dataset: Digest? = nil, numericClass: String? = nil) {
        self.program = program
        self.dataset = dataset
        self.numericClass = numericClass
    }

    /// Why a worker cannot take part, with what to do about it; `nil` when it can.
    package func refusal(of hello: Hello) -> String? {
        let facts = hello.facts
        guard facts.program == program else {
            return "it is sower \(facts.program.isEmpty ? "of an unknown version" : facts.program), the coordinator \(program); "
                + "build the same version on both hosts"
        }
        if let actual = facts.dataset, let dataset, actual != dataset, !hello.isCentral {
            return "its data set has the digest \(actual.hex), expected \(dataset.hex); copy the coordinator's there, "
                + "or start the worker with --data push to be sent it"
        }
        if let numericClass, hello.numericClass != numericClass {
            return "its numeric class is \(hello.numericClass), and the study is pinned to \(numericClass); "
                + "every x86-64 CPU with AVX2 has the class engine-N/fma: use such hosts, or leave out --numerics pinned"
        }
        return nil
    }

    /// What is worth knowing of a worker that is taken, once each: its clock is off, or its disk is nearly full.
    ///
    /// - Parameter clock: the coordinator's wall clock, seconds since 1970.
    package mutating func notes(on hello: Hello, clock: Double, at now: Instant) -> [LedgerChange] {
        var notes: [LedgerChange] = []
        let facts = hello.facts
        // Worker names are made up anew at each start: what is kept of them is bounded.
        if clocks.count >= Limits.rememberedWorkers { clocks = [:] }
        if noted.count >= 2 * Limits.rememberedWorkers { noted = [] }
        clocks[hello.worker, default: ClockWatch()].add(facts.clock - clock, at: now)
        if let skew = clocks[hello.worker]?.skew, noted.insert("clock \(hello.worker)").inserted {
            notes.append(
                .event(
                    kind: "clock-skew",
                    text: "\(hello.host): its clock is \(Int(abs(skew).rounded())) s \(skew > 0 ? "ahead of" : "behind") the "
                        + "coordinator's (worker \(hello.worker)); results are right, times in its logs are not. Set it: sudo chronyc makestep"
                ))
        }
        if facts.freeBytes < Limits.lowDiskBytes, noted.insert("disk \(hello.worker)").inserted {
            notes.append(
                .event(
                    kind: "disk-low",
                    text: "\(hello.host): \(facts.freeBytes >> 20) MiB are free in the store of worker \(hello.worker), less than "
                        + "\(Limits.lowDiskBytes >> 20); make room, or start it with --store on another disk"))
        }
        return notes
    }

    /// How far a worker's clock is from the coordinator's, from greetings that may have been long under way.
    ///
    /// A delay makes a clock seem behind, never ahead: the truth is no less than the largest difference seen, and "behind" takes a
    /// second greeting that was not sent with the first.
    struct ClockWatch {
        private var largest = -Double.infinity
        private var first: Instant?
        private var last: Instant?

        mutating func add(_ difference: Double, at now: Instant) {
            largest = max(largest, difference)
            if first == nil { first = now }
            last = now
        }

        /// The difference in seconds when it is worth a word.
        var skew: Double? {
            if largest > Limits.clockSkewSeconds { return largest }
            guard let first, let last, last - first >= Limits.greetingSeconds / 2, largest < -Limits.clockSkewSeconds else { return nil }
            return largest
        }
    }
}
