import Foundation
import Processes

// What this program and its twin on another host say to each other over ssh: one JSON value a line.

/// What the host is asked to do; the first line after the digest.
package enum HostRequest: Codable, Sendable, Equatable {
    /// Keep a worker running while this conversation lasts; the worker itself goes on when the connection breaks.
    /// Its log is sent from `log` on; `nil` for all of it.
    case supervise(WorkerOrder, log: LogPlace?)
    /// Look at the host.
    case examine(Examination)
}

/// A worker that is to run on a host.
package struct WorkerOrder: Codable, Sendable, Equatable {
    /// The same in every conversation of a sweep about this worker, so that one that runs is found again: letters, digits, `.`,
    /// `_` and `-`.
    package var id: String
    /// What the host is called here, unique in the cluster; the beginning of the name that the worker greets with.
    package var name: String
    /// After `sower worker`, without `--name` and `--keys`. Those that begin with `~/` are paths below the host's home folder.
    package var arguments: [String]
    package var environment: [String: String]
    package var setup: [String]
    /// The coordinator's public key, which the host's worker pins; `nil` where none is needed.
    package var coordinatorKey: String?
    /// The folder of the worker's own keys; `nil` for one that goes by the host's name, since homes may be shared.
    package var keys: String?

    package init(
        id: String, name: String, arguments: [String], environment: [String: String] = [:], setup: [String] = [],
        coordinatorKey: String? = nil,
        keys: String? = nil
    ) {
        self.id = id
        self.name = name
        self.arguments = arguments
        self.environment = environment
        self.setup = setup
        self.coordinatorKey = coordinatorKey
        self.keys = keys
    }
}

/// What a look at a host is to cover.
package struct Examination: Codable, Sendable, Equatable {
    package var coordinatorHost: String
    package var coordinatorPort: Int
    /// The folders of the data sets there.
    package var dataPaths: [String]
    package var store: String?
    /// What the study that is to run asks for; `nil` for none.
    package var study: StudyNeeds?

    package init(
        coordinatorHost: String, coordinatorPort: Int, dataPaths: [String] = [], store: String? = nil, study: StudyNeeds? = nil
    ) {
        self.study = study
        self.coordinatorHost = coordinatorHost
        self.coordinatorPort = coordinatorPort
        self.dataPaths = dataPaths
        self.store = store
    }
}

/// What the host says.
package enum HostReport: Codable, Sendable, Equatable {
    /// The worker's public key; the host waits for `HostWord.go` before it starts the worker.
    case key(String)
    /// The worker runs; `isNew` when this conversation has started it.
    case running(name: String, process: DetachedProcess, log: String, isNew: Bool)
    /// What the worker has said meanwhile.
    case log(LogPiece)
    /// The worker has ended, and all of its log was sent.
    case ended(reason: String)
    /// The worker was told to leave on its own host, and has left: whoever said so wants the host.
    case left
    case refused(reason: String, remedy: String)
    case examined(HostFindings)
    /// What the look under way is at; said before what may take long.
    case looking(at: Look)

    package enum Look: String, Codable, Sendable { case data, network }

    package static let maximumBytes = 256 * 1024

    /// One line, without its end.
    package var line: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: (try? encoder.encode(self)) ?? Data(), as: UTF8.self)
    }
}

/// What is said to the host after the request, a word a line.
package enum HostWord: String, Sendable {
    /// The key is enrolled.
    case go
    /// End the worker, and say what it said last.
    case stop
}

/// What a look at a host found.
package struct HostFindings: Codable, Sendable, Equatable {
    package var hostName: String
    package var cores: Int
    package var numericClass: String
    package var cpu: String
    package var blasCore: String
    /// Seconds since 1970, when the answer was written.
    package var clock: Double
    package var freeBytes: Int
    package var freeWhere: String
    package var fileDescriptors: Int
    /// Why the coordinator's ports cannot be reached from there; empty when they can.
    package var unreachable: [String]
    package var dataDigest: String?
    package var dataProblem: String?
    package var study: StudyFindings?

    package init(
        hostName: String, cores: Int, numericClass: String, cpu: String, blasCore: String, clock: Double, freeBytes: Int, freeWhere: String,
        fileDescriptors: Int, unreachable: [String], dataDigest: String?, dataProblem: String?,
        study: StudyFindings? = nil
    ) {
        self.study = study
        self.hostName = hostName
        self.cores = cores
        self.numericClass = numericClass
        self.cpu = cpu
        self.blasCore = blasCore
        self.clock = clock
        self.freeBytes = freeBytes
        self.freeWhere = freeWhere
        self.fileDescriptors = fileDescriptors
        self.unreachable = unreachable
        self.dataDigest = dataDigest
        self.dataProblem = dataProblem
    }
}
