import Coordination
import Transport

extension WorkerLoop {
    package struct Settings {
        /// The coordinator's control and data sockets, as libzmq endpoints.
        package var controlEndpoint: String
        package var dataEndpoint: String
        /// The keys of both sides; `nil` for sockets that never leave this host.
        package var curve: CurveClient?
        package var hello: Hello
        /// Where the data set comes from.
        package var data: DataSource
        /// Where the host keeps artifacts; several workers may share it.
        package var storePath: String
        /// Bytes that the store may hold; `nil` for a store that is no cache, from which nothing may be evicted.
        package var cacheQuota: Int?
        /// How a runner is started.
        package var runnerExecutable: String
        package var runnerArguments: [String]
        package var runnerEnvironment: [String: String]
        /// What the first slot is called to its jobs, when other workers of this host have the slots before it.
        package var firstSlot = 0
        /// Ends the worker when this descriptor reaches its end of file: the process that started it is gone.
        package var lifeline: Int32?
        /// How long it goes on without its coordinator.
        package var graceSeconds = Limits.graceSeconds
        /// Told what happens, in a sentence.
        package var log: (String) -> Void

        package init(
            controlEndpoint: String, dataEndpoint: String, curve: CurveClient? = nil, hello: Hello, data: DataSource = .coordinatorsPath,
            storePath: String, cacheQuota: Int? = nil,
            runnerExecutable: String, runnerArguments: [String], runnerEnvironment: [String: String], lifeline: Int32?,
            log: @escaping (String) -> Void
        ) {
            self.controlEndpoint = controlEndpoint
            self.dataEndpoint = dataEndpoint
            self.curve = curve
            self.hello = hello
            self.data = data
            self.storePath = storePath
            self.cacheQuota = cacheQuota
            self.runnerExecutable = runnerExecutable
            self.runnerArguments = runnerArguments
            self.runnerEnvironment = runnerEnvironment
            self.lifeline = lifeline
            self.log = log
        }
    }
}
