import Foundation
import Testing
import Transport

@Suite struct TransportErrorTests {
    @Test("a port that is taken is an error that says how to find its holder")
    func addressInUse() throws {
        let context = try ZeroMQContext()
        let first = try RouterSocket(context: context)
        try first.bind(to: "tcp://127.0.0.1:*")
        let endpoint = try first.lastEndpoint
        let second = try RouterSocket(context: context)
        #expect(throws: TransportError.addressInUse(endpoint: endpoint)) { try second.bind(to: endpoint) }
        let port = try #require(endpoint.split(separator: ":").last)
        let error = TransportError.addressInUse(endpoint: endpoint)
        #expect(error.errorDescription == "\(endpoint) is in use: another process listens there")
        #expect(
            error.recoverySuggestion == "Choose another --port, or see who holds it: ss -ltnp 'sport = :\(port)'.")
        first.close()
        #expect(try eventually { (try? second.bind(to: endpoint)) != nil ? true : nil } == true)
    }

    @Test("an address of another host cannot be listened on")
    func foreignAddress() throws {
        let server = CurveServer(identity: .generate(), authorized: [])
        let router = try RouterSocket(context: try ZeroMQContext(), curve: server)
        #expect(throws: TransportError.addressNotAvailable(endpoint: "tcp://192.0.2.1:25000")) {
            try router.bind(to: "tcp://192.0.2.1:25000")
        }
    }

    @Test("a folder that is not there is named with its remedy")
    func missingFolder() throws {
        let router = try RouterSocket(context: try ZeroMQContext())
        let error = #expect(throws: TransportError.self) { try router.bind(to: "ipc:///nowhere/at/all") }
        #expect(error?.errorDescription?.contains("ipc:///nowhere/at/all") == true)
        #expect(error?.recoverySuggestion == "Create the folder of the ipc path first.")
    }

    @Test(
        "an endpoint that cannot be one is refused with the reason",
        arguments: [
            "", "tcp", "tcp://", "tcp://host", "tcp://:5000", "tcp://host:", "tcp://host:0", "tcp://host:65536",
            "tcp://host:5x", "tcp://host:-1", "tcp://ho st:5000", "udp://host:5000", "inproc://a", "ipc://", "tcp://host:*",
            "ipc:///" + String(repeating: "a", count: 107), "tcp://" + String(repeating: "a", count: 600) + ":5000",
            "tcp://host:5000\n",
        ])
    func invalidEndpoints(endpoint: String) throws {
        let dealer = try DealerSocket(context: try ZeroMQContext())
        let error = #expect(throws: TransportError.self) { try dealer.connect(to: endpoint) }
        guard case .invalidEndpoint(endpoint, let reason) = error else {
            Issue.record("\(String(describing: error)) is no .invalidEndpoint")
            return
        }
        #expect(!reason.isEmpty)
        #expect(error?.recoverySuggestion?.hasPrefix("Write tcp://HOST:PORT") == true)
    }

    @Test(
        "every error has a description and a remedy",
        arguments: [
            TransportError.invalidEndpoint("x", reason: "y"), .addressInUse(endpoint: "tcp://*:1"),
            .addressNotAvailable(endpoint: "tcp://h:1"), .permissionDenied(endpoint: "tcp://*:80"),
            .frameTooLarge(byteCount: 2, limit: 1), .contextTerminated, .insecure("x"),
            .io(operation: "send a frame", endpoint: nil, code: EIO),
            .io(operation: "create a socket", endpoint: nil, code: EMFILE),
        ])
    func texts(error: TransportError) {
        #expect(error.errorDescription?.isEmpty == false)
        #expect(error.recoverySuggestion?.isEmpty == false)
    }
}
