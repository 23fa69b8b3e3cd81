import Studies

// One bad host must not fail a sweep: a full disk, missing data or broken memory there fails job after job in seconds.
// So a job that failed on a host goes to another one if it can, and a host where different jobs fail one after another
// gets no work for a while, then a single job, its canary. When that one succeeds the host is as good as any.

/// How attempts have ended on one host of late.
struct HostRecord: Equatable {
    /// The different jobs that have failed there since the last success.
    var failed: Set<JobID> = []
    var quarantine: Quarantine?

    struct Quarantine: Equatable {
        var until: Instant
        var seconds: Double
        /// The job that tries the host out.
        var canary: JobID?
    }
}

extension Dispatcher {
    /// The hosts that get no work, or a canary only.
    package var quarantinedHosts: [String] {
        hostRecords.filter { $0.value.quarantine != nil && isBarred($0.key) }.map(\.key).sorted()
    }

    mutating func noteSuccess(of job: JobID, on host: String, _ commands: inout [Command]) {
        // The central worker's work says nothing of the host's others.
        guard jobs[job]?.entry.isCentral == false else { return }
        guard let record = hostRecords.removeValue(forKey: host), record.quarantine != nil else { return }
        commands.append(.record(.event(kind: "host-restored", text: "\(host): a job has succeeded there again")))
    }

    mutating func noteFailure(of job: JobID, _ failure: JobFailure, on host: String, at now: Instant, _ commands: inout [Command]) {
        guard failure.mayBeTheHosts else { return }
        jobs[job]?.failedHosts.insert(host)
        // There is one central worker: nobody else could do its work.
        guard jobs[job]?.entry.isCentral == false else { return }
        var record = hostRecords[host] ?? HostRecord()
        record.failed.insert(job)
        if let earlier = record.quarantine {
            // What was running there when it began says nothing new.
            if earlier.canary == job {
                let seconds = min(earlier.seconds * 2, Limits.longestQuarantineSeconds)
                record.quarantine = HostRecord.Quarantine(until: now + seconds, seconds: seconds)
            }
        } else if record.failed.count >= Limits.hostFailures - (planted == .barsHostsEarly ? 1 : 0), hasOtherHost(than: host),
            planted != .neverBarsHosts
        {
            let seconds = planted == .barsHostsBriefly ? 10 : Limits.quarantineSeconds
            record.quarantine = HostRecord.Quarantine(until: now + seconds, seconds: seconds)
            commands.append(
                .record(
                    .event(
                        kind: "host-quarantined",
                        text: "\(host): \(record.failed.count) different jobs failed there in a row, the last with \(failure.code) "
                            + "(\(failure.firstLine)); it gets one job at a time until one succeeds")))
            // What waits there would fail there.
            for (name, worker) in workers.sorted(by: { $0.key < $1.key }) where worker.hello.host == host && !worker.hello.isCentral {
                commands.append(.send(.giveBack, to: name))
            }
        }
        hostRecords[host] = record
    }

    /// Whether a host is kept from work. Never the last one: then it is rather the jobs that fail.
    func isBarred(_ host: String) -> Bool {
        hostRecords[host]?.quarantine != nil && hasOtherHost(than: host)
    }

    /// Whether workers on other hosts, in no quarantine, could do all of this one's work.
    private func hasOtherHost(than host: String) -> Bool {
        let ordinary = workers.values.filter { !$0.hello.isCentral }
        let elsewhere = Set(
            ordinary.filter { $0.hello.host != host && hostRecords[$0.hello.host]?.quarantine == nil }.flatMap { lanes(of: $0) })
        return !elsewhere.isEmpty && ordinary.allSatisfy { $0.hello.host != host || elsewhere.isSuperset(of: lanes(of: $0)) }
    }

    /// What keeps a worker from new work at `now`, whatever it has room for: its silence or its host's quarantine.
    func mayTakeWork(_ worker: Worker, at now: Instant) -> Bool {
        guard now - worker.lastHeard <= Limits.suspectSeconds else { return false }
        let host = worker.hello.host
        guard !worker.hello.isCentral, let quarantine = hostRecords[host]?.quarantine, isBarred(host) else { return true }
        return now >= quarantine.until && !isRunning(quarantine.canary, on: host)
    }

    /// The job that a host in quarantine gets is its canary.
    mutating func noteLease(of job: JobID, on host: String) {
        if hostRecords[host]?.quarantine != nil { hostRecords[host]?.quarantine?.canary = job }
    }

    private func isRunning(_ job: JobID?, on host: String) -> Bool {
        guard let job, case .leased(_, let worker) = jobs[job]?.phase else { return false }
        return workers[worker]?.hello.host == host
    }

    /// Whether a job should rather go to another host, since it has failed on this one and another could take it.
    func avoids(_ host: String, _ job: Job) -> Bool {
        job.failedHosts.contains(host) && !isTriedEverywhere(job)
    }

    /// Whether a job has failed on every host that could take it.
    func isTriedEverywhere(_ job: Job) -> Bool {
        !workers.values.contains {
            lanes(of: $0).contains(Int(job.lane)) && !job.failedHosts.contains($0.hello.host)
                && hostRecords[$0.hello.host]?.quarantine == nil
        }
    }
}

extension JobFailure {
    /// The message without the log's last lines.
    package var firstLine: String { Self.firstLine(of: message) }

    package static func firstLine(of message: String) -> String { String(message.prefix { $0 != "\n" }) }
}
