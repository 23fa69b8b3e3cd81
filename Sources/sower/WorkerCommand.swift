import ArgumentParser
import Coordination
import Foundation
import Jobs
import Logging
import Worker

struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "Work for a coordinator: one process a host, one training a slot.",
        discussion: "On another host:  sower worker --connect lab0:17610 --slots 4")

    @Option(help: ArgumentHelp("The coordinator's --listen address.", valueName: "host:port"))
    var connect: String?

    @Option(help: ArgumentHelp("The coordinator's control socket as a libzmq endpoint, instead of --connect.", visibility: .hidden))
    var control: String?

    @Option(help: ArgumentHelp("The coordinator's data socket as a libzmq endpoint.", visibility: .hidden))
    var data: String?

    @Option(help: "Trainings at a time; the default is one a core, or one for as many cores as --threads.")
    var slots: Int?

    @OptionGroup var threads: ThreadOptions

    @Option(help: ArgumentHelp("Where this host keeps artifacts; several workers may share it.", valueName: "dir"))
    var store: String?

    @OptionGroup var cache: CacheOptions

    @Option(help: "The worker's name in the ledger; unique in the sweep.")
    var name: String?

    @Flag(help: "Run jobs that are commands: any program that the study names, as this user.")
    var allowCommand = false

    @Flag(help: ArgumentHelp("Take the jobs that need all gathered filters, and only those.", visibility: .hidden))
    var central = false

    @Flag(help: ArgumentHelp("End when standard input is closed.", visibility: .hidden))
    var lifeline = false

    func validate() throws {
        if let slots, !(1...Limits.slotsPerWorker).contains(slots) {
            throw ValidationError("--slots \(slots): expected 1 to \(Limits.slotsPerWorker)")
        }
        if let connect { _ = try HostAndPort(connect) }
        guard connect != nil || (control != nil && data != nil) else {
            throw ValidationError("name the coordinator: sower worker --connect HOST:PORT")
        }
        if let name, name.isEmpty || name.utf8.count > Limits.nameBytes || !name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) {
            throw ValidationError("--name: expected 1 to \(Limits.nameBytes) printable ASCII characters without spaces")
        }
    }

    func run() throws {
        Signals.catchThem()
        let address = try connect.map { try HostAndPort($0) }
        let host = String(ProcessInfo.processInfo.hostName.prefix(Limits.nameBytes))
        let process = Int(ProcessInfo.processInfo.processIdentifier)
        let worker = name ?? "\(host.prefix(80))-\(process)-\(UInt32.random(in: 0...UInt32.max))"
        let slots = slots ?? ThreadOptions.trainings(threads: threads.threads)
        let environment = Executable.runnerEnvironment
        let logger = Logger(label: "sower.worker") { LineLog(label: $0) }
        logger.info("worker \(worker) on \(host): \(slots) slots, \(NumericClass.current), BLAS kernels \(environment["OPENBLAS_CORETYPE"] ?? "of the library's choice")")
        let loop = try WorkerLoop(
            WorkerLoop.Settings(
                controlEndpoint: control ?? address!.controlEndpoint, dataEndpoint: data ?? address!.dataEndpoint,
                hello: Hello(
                    worker: worker, host: host, processID: process, slots: slots, isCentral: central, numericClass: NumericClass.current, attempts: []),
                storePath: store ?? FileManager.default.temporaryDirectory.path + "/sower-cache-\(getuid())",
                // A central worker's store is the coordinator's own, which is no cache.
                cacheQuota: central ? nil : cache.cacheQuota.bytes,
                runnerExecutable: Executable.path,
                runnerArguments: ["runner"] + threads.arguments + (allowCommand ? ["--allow-command"] : []),
                runnerEnvironment: environment,
                lifeline: lifeline ? 0 : nil, log: { logger.info("\($0)") }))
        switch try loop.run(shouldStop: { Signals.pending != nil }) {
        case .finished, .lifelineCut: return
        case .stopped: throw Stop(Signals.pending ?? .terminated, "stopped; the coordinator gives this worker's jobs to others")
        }
    }
}
