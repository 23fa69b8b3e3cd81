import Foundation

/// A peer that speaks ZMTP 3.0 by hand as a DEALER, to send what no socket of ours would.
///
/// Source: https://rfc.zeromq.org/spec/23/
final class RawPeer {
    struct Failure: Error { let code = errno }

    private let descriptor: Int32

    init(port: UInt16) throws {
        descriptor = try RawPeer.connected(to: port)
        var greeting: [UInt8] = [0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0x7F, 3, 0]
        greeting += Array("NULL".utf8) + [UInt8](repeating: 0, count: 16 + 1 + 31)
        try write(greeting)
        try read(count: 64)
        let property = [UInt8(11)] + Array("Socket-Type".utf8) + [0, 0, 0, 6] + Array("DEALER".utf8)
        let ready = [UInt8(5)] + Array("READY".utf8) + property
        try write([4, UInt8(ready.count)] + ready)
        let header = try read(count: 2)
        try read(count: Int(header[1]))
    }

    deinit { close(descriptor) }

    /// Sends one message of short parts.
    func send(parts: [[UInt8]]) throws {
        for (number, part) in parts.enumerated() {
            try write([number < parts.count - 1 ? 1 : 0, UInt8(part.count)] + part)
        }
    }

    static func connected(to port: UInt16) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
        }
        guard result == 0 else { throw Failure() }
        return descriptor
    }

    private func write(_ bytes: [UInt8]) throws {
        guard bytes.withUnsafeBytes({ Foundation.write(descriptor, $0.baseAddress, $0.count) }) == bytes.count else {
            throw Failure()
        }
    }

    @discardableResult private func read(count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        guard recv(descriptor, &bytes, count, Int32(MSG_WAITALL)) == count else { throw Failure() }
        return bytes
    }
}
