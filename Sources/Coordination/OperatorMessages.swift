import Digests
import Studies

// What a person's command and the coordinator of a running sweep say to each other: one request, one reply, on a socket
// that only the user who runs the sweep can reach.

/// Coordinator → command.
package struct OperatorReply: Sendable, Equatable {
    package var mode: Dispatcher.Mode
    /// Jobs whose state the request has changed.
    package var changed: Int
    /// Jobs that are running now.
    package var running: Int
    /// The hosts that get one job at a time until one succeeds there.
    package var quarantinedHosts: [String]
    package var silentWorkers: [SilentWorker]
    /// Why jobs wait of which nothing is missing: all of them, or the one that was asked for.
    package var notes: [String]

    package init(
        mode: Dispatcher.Mode, changed: Int, running: Int, quarantinedHosts: [String], silentWorkers: [SilentWorker] = [],
        notes: [String] = []
    ) {
        self.silentWorkers = silentWorkers
        self.notes = notes
        self.mode = mode
        self.changed = changed
        self.running = running
        self.quarantinedHosts = quarantinedHosts
    }
}

extension OperatorRequest: WireCodable {
    package func encode(into writer: inout WireWriter) {
        switch self {
        case .pause: writer.write(UInt8(1))
        case .proceed: writer.write(UInt8(2))
        case .stop: writer.write(UInt8(3))
        case .cancel: writer.write(UInt8(4))
        case .cancelJobs(let jobs):
            writer.write(UInt8(5))
            writer.write(list: jobs) { $0.write($1.digest) }
        case .retry(let jobs):
            writer.write(UInt8(6))
            writer.write(list: jobs) { $0.write($1.digest) }
        case .report: writer.write(UInt8(7))
        case .explain(let job):
            writer.write(UInt8(8))
            writer.write(job.digest)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        func jobs(_ reader: inout WireReader) throws(WireError) -> [JobID] {
            try reader.readList("jobs", limit: Limits.jobsPerRequest) { reader throws(WireError) in JobID(try reader.readDigest()) }
        }
        switch try reader.readUInt8() {
        case 1: self = .pause
        case 2: self = .proceed
        case 3: self = .stop
        case 4: self = .cancel
        case 5: self = .cancelJobs(try jobs(&reader))
        case 6: self = .retry(try jobs(&reader))
        case 7: self = .report
        case 8: self = .explain(JobID(try reader.readDigest()))
        case let tag: throw .unknownTag(field: "request", value: tag)
        }
    }
}

extension OperatorReply: WireCodable {
    package func encode(into writer: inout WireWriter) {
        writer.write(mode.rawValue)
        writer.write(UInt32(clamping: changed))
        writer.write(UInt32(clamping: running))
        writer.write(list: quarantinedHosts.prefix(Limits.jobsPerRequest).map { $0 }) {
            $0.write(cleaning: $1, limit: Limits.nameBytes)
        }
        writer.write(list: silentWorkers.prefix(Limits.silentWorkersPerReply).map { $0 }) {
            $0.write(cleaning: $1.name, limit: Limits.nameBytes)
            $0.write(UInt32(clamping: $1.seconds))
        }
        writer.write(list: notes.prefix(Limits.notesPerReply).map { $0 }) { $0.write(cleaning: $1, limit: Limits.textBytes / 2) }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        guard let mode = Dispatcher.Mode(rawValue: try reader.readText("mode", limit: Limits.nameBytes)) else {
            throw .outOfRange(field: "mode")
        }
        self.init(
            mode: mode, changed: try reader.readInt("changed"), running: try reader.readInt("running"),
            quarantinedHosts: try reader.readList("hosts", limit: Limits.jobsPerRequest) { reader throws(WireError) in
                try reader.readText("host", limit: Limits.nameBytes)
            },
            silentWorkers: try reader.readList("silent workers", limit: Limits.silentWorkersPerReply) { reader throws(WireError) in
                SilentWorker(name: try reader.readText("worker", limit: Limits.nameBytes), seconds: try reader.readInt("seconds"))
            },
            notes: try reader.readList("notes", limit: Limits.notesPerReply) { reader throws(WireError) in
                try reader.readText("note", limit: Limits.textBytes / 2)
            })
    }
}
