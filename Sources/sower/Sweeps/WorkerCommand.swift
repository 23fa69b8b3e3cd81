import ArgumentParser
import Coordination
import Foundation
import Jobs
import Keys
import Launchers
import Logging
import Reports
import Tensors
import Transport
import Worker

struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "Work for a coordinator: one process a host, one training a slot.",
        discussion: """
            On another host:  sower worker --connect lab0:17610 --slots 4

            SIGTERM or Ctrl-C once: nothing new starts, what runs is finished and delivered, then the worker ends with exit code 0.
            Twice: what runs is ended and given back after its last checkpoint. A third time: it ends at once.
            """)

    @Option(help: ArgumentHelp("The coordinator's --listen address.", valueName: "host:port"))
    var connect: String?

    @Option(help: ArgumentHelp("The coordinator's control socket as a libzmq endpoint, instead of --connect.", visibility: .hidden))
    var control: String?

    @Option(help: ArgumentHelp("The coordinator's data socket as a libzmq endpoint.", visibility: .hidden))
    var blobs: String?

    @OptionGroup var keys: KeysOption

    @Option(
        help: ArgumentHelp(
            "The public key that the coordinator must have, instead of the one that `sower keys pin` has noted.", valueName: "public-key"))
    var coordinatorKey: PublicKey?

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "Where this host has the data set, or \"push\" to be sent it by the coordinator; the default is the coordinator's own path, or to be sent it where it is not there. Repeated for a study with several data sets.",
            valueName: "dir|push"))
    var data: [String] = []

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "Download this data set to this host's cache before anything else, unless it is there, and use it (\(DatasetFetch.names)). May be repeated.",
            valueName: "data set"))
    var fetch: [String] = []

    @Option(help: ArgumentHelp("Where --fetch finds the same files, instead of at the publishers': http, https or file.", valueName: "url"))
    var mirror: String?

    @Option(help: "Trainings at a time; the default is one a core, or one for as many cores as --threads.")
    var slots: Int?

    @OptionGroup var threads: ThreadOptions

    @Option(help: ArgumentHelp("Where this host keeps artifacts; several workers may share it.", valueName: "dir"))
    var store: String?

    @OptionGroup var cache: CacheOptions

    @Option(help: "The worker's name in the ledger; unique in the sweep.")
    var name: String?

    @OptionGroup var host: HostOptions

    @Option(
        help: ArgumentHelp(
            "How long this worker may run (90min, 4h): it takes no training that could not end by then, gives back what still runs, and ends in time.",
            valueName: "time"))
    var lifetime: TimeLimit?

    @Option(help: ArgumentHelp("How long to go on without the coordinator, e.g. 90s, 40min, 2h.", valueName: "time"))
    var gracePeriod: TimeLimit?

    @Option(help: ArgumentHelp("Where this worker asks to be let in by a key that it keeps in memory alone.", visibility: .hidden))
    var enrolment: String?

    @Option(help: ArgumentHelp("The number of this worker's first slot on its host.", visibility: .hidden))
    var firstSlot = 0

    @Flag(help: ArgumentHelp("Take the jobs that need all gathered filters, and only those.", visibility: .hidden))
    var central = false

    @Flag(help: ArgumentHelp("End when standard input is closed.", visibility: .hidden))
    var lifeline = false

    /// Where a worker keeps artifacts that was told no folder.
    static var standardStore: String { FileManager.default.temporaryDirectory.path + "/sower-cache-\(getuid())" }

    func validate() throws {
        if let slots, !(1...Limits.slotsPerWorker).contains(slots) {
            throw ValidationError("--slots \(slots): expected 1 to \(Limits.slotsPerWorker)")
        }
        if data.count > 1, data.contains("push") { throw ValidationError("--data push is enough for all data sets: give it once, alone") }
        if let mirror {
            guard !fetch.isEmpty else {
                throw ValidationError("--mirror says where --fetch finds its files: name the data set with --fetch")
            }
            try DatasetFetch.validate(mirror: mirror)
        }
        if !fetch.isEmpty, !data.isEmpty { throw ValidationError("--fetch and --data: one of them says where the data come from") }
        if let name = fetch.first(where: { !DatasetFetch.isRead($0) }) {
            throw ValidationError("--fetch \(name.prefix(80)): expected one of \(DatasetFetch.names)")
        }
        if let connect { _ = try HostAndPort(connect) }
        guard connect != nil || (control != nil && blobs != nil) else {
            throw ValidationError("name the coordinator: sower worker --connect HOST:PORT")
        }
        if let name, name.isEmpty || name.utf8.count > Limits.nameBytes || !name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) {
            throw ValidationError("--name: expected 1 to \(Limits.nameBytes) printable ASCII characters without spaces")
        }
    }

    func run() throws {
        Signals.catchThem(upTo: 3)
        let start = ContinuousClock.now
        let address = try connect.map { try HostAndPort($0) }
        let host = String(ProcessInfo.processInfo.hostName.prefix(Limits.nameBytes))
        let process = Int(ProcessInfo.processInfo.processIdentifier)
        let worker = name ?? "\(host.prefix(80))-\(process)-\(UInt32.random(in: 0...UInt32.max))"
        let slots = slots ?? ThreadOptions.trainings(threads: threads.threads)
        // A host without the library should say so before it is given work.
        try BLAS.load()
        let logger = Logger(label: "sower.worker") { LineLog(label: $0) }
        logger.info("worker \(worker) on \(host): \(slots) slots, \(NumericClass.current), BLAS kernels \(BLAS.coreName)")
        if let lifetime { logger.info("it has to end within \(DurationText.text(seconds: lifetime.seconds))") }
        let storePath = store ?? Self.standardStore
        let folders =
            fetch.isEmpty
            ? data
            : try DatasetFetch.run(
                fetch, mirror: mirror, tell: { logger.info("\($0)") }, isCancelled: { Signals.count > 0 || (lifeline && Lifeline.isCut) })
        let (source, dataset) = try WorkerData.find(folders, storePath: storePath) { text in logger.info("\(text)") }
        // Who comes from elsewhere and has no folder of its own may not find the coordinator's.
        let wantsDataset = source == .push || (source == .coordinatorsPath && address != nil)
        let curve: CurveClient?
        switch try entrance(tell: { logger.info("\($0)") }) {
        case .here: curve = nil
        case .elsewhere(let keys): curve = keys
        case .left:
            logger.info("\(WorkerKeeper.leavingWords)")
            return
        }
        let facts = HostFacts(program: Version.program, dataset: dataset, wantsDataset: wantsDataset)
        var settings = WorkerLoop.Settings(
            controlEndpoint: control ?? address!.controlEndpoint, dataEndpoint: blobs ?? address!.dataEndpoint, curve: curve,
            hello: Hello(
                worker: worker, host: host, processID: process, slots: slots, isCentral: central, numericClass: NumericClass.current,
                attempts: [],
                labels: self.host.labels, allowsCommands: self.host.allowCommand,
                // Downloads above have had their part of it.
                secondsLeft: lifetime.map { max(0, $0.seconds - margin(of: $0) - (ContinuousClock.now - start) / .seconds(1)) },
                facts: facts),
            data: source,
            storePath: storePath,
            // A central worker's store is the coordinator's own, which is no cache.
            cacheQuota: central ? nil : cache.cacheQuota.bytes,
            runnerExecutable: Executable.path,
            runnerArguments: ["runner"] + threads.arguments + (self.host.allowCommand ? ["--allow-command"] : []),
            runnerEnvironment: ProcessInfo.processInfo.environment,
            lifeline: lifeline ? 0 : nil, log: { logger.info("\($0)") })
        settings.firstSlot = firstSlot
        if let gracePeriod { settings.graceSeconds = gracePeriod.seconds }
        let loop = try WorkerLoop(settings)
        switch try loop.run(farewells: { Signals.count }) {
        case .finished, .lifelineCut: return
        case .stopped: throw Stop(Signals.pending ?? .terminated, "stopped; the coordinator gives this worker's jobs to others")
        case .left: logger.info("\(WorkerKeeper.leavingWords)")
        }
    }

    /// So long before its end a worker gives up what still runs, and delivers what it has.
    private func margin(of lifetime: TimeLimit) -> Double { min(Limits.lifetimeMarginSeconds, lifetime.seconds / 10) }

    /// How this worker gets in.
    private enum Entrance {
        /// Over a socket in a private folder of the coordinator's own host.
        case here
        /// By the keys of both sides.
        case elsewhere(CurveClient)
        /// It was told to leave before it was let in.
        case left
    }

    private func entrance(tell: (String) -> Void) throws -> Entrance {
        guard connect != nil || coordinatorKey != nil else { return .here }
        let folder = keys.folder
        guard let server = try coordinatorKey ?? folder.pinned() else { throw KeyError.noCoordinator(folder: folder.path) }
        guard let enrolment else { return .elsewhere(CurveClient(identity: try folder.makeIdentity().pair, server: server)) }
        let pair = try WorkerEnrolment.pair(at: enrolment, within: gracePeriod?.seconds ?? Limits.graceSeconds, tell: tell)
        return pair.map { .elsewhere(CurveClient(identity: $0, server: server)) } ?? .left
    }
}
