import Foundation
import Testing
import Transport

@Suite struct ZapTests {
    private let key = KeyPair.generate().publicKey

    /// What libzmq asks when that key begins a handshake.
    private var request: [[UInt8]] {
        [Array("1.0".utf8), Array("1".utf8), Array("sower".utf8), Array("127.0.0.1".utf8), [], Array("CURVE".utf8), key.bytes]
    }

    private func verdict(_ parts: [[UInt8]]) -> Zap.Verdict { Zap.verdict(on: parts) { $0 == key } }

    @Test func `a known key is admitted and named in the answer, which echoes the request's id`() {
        #expect(verdict(request) == .admitted(key))
        let answer = Zap.answer(to: request, verdict(request))
        #expect(answer == [Array("1.0".utf8), Array("1".utf8), Array("200".utf8), [], Array(key.description.utf8), []])
    }

    @Test func `every other request is refused, whatever is wrong with it`() {
        let changes: [(inout [[UInt8]]) -> Void] = [
            { $0[0] = Array("1.1".utf8) }, { $0[2] = [] }, { $0[2] = Array("other".utf8) }, { $0[5] = Array("NULL".utf8) },
            { $0[5] = Array("PLAIN".utf8) }, { $0[6].removeLast() }, { $0[6].append(0) }, { $0[6] = [] }, { $0.removeLast() },
            { $0.append([]) }, { $0 = [] }, { $0 = [[]] }, { $0[6] = KeyPair.generate().publicKey.bytes },
            { $0 += Array(repeating: [], count: 100) }, { $0.removeFirst() },
        ]
        for (number, change) in changes.enumerated() {
            var parts = request
            change(&parts)
            guard case .refused(let why) = verdict(parts) else {
                Issue.record("change \(number) was admitted")
                continue
            }
            let answer = Zap.answer(to: parts, .refused(why))
            #expect(answer.count == 6 && answer[2] == Array("400".utf8) && answer[4].isEmpty)
        }
    }

    @Test func `no frames of any kind trap, and none that is cut short is admitted`() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            var parts = request
            for _ in 0..<Int.random(in: 1...3, using: &generator) where !parts.isEmpty {
                let index = Int.random(in: 0..<parts.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: parts.remove(at: index)
                case 1: parts[index] = Array(parts[index].dropLast(Int.random(in: 1...40, using: &generator)))
                case 2: parts[index].append(UInt8.random(in: 0...255, using: &generator))
                default: parts.insert((0..<Int.random(in: 0...300)).map { _ in UInt8.random(in: 0...255) }, at: index)
                }
            }
            let verdict = verdict(parts)
            _ = Zap.answer(to: parts, verdict)
            if verdict != .admitted(key) { continue }
            // Only what is no matter of admission may differ: the id, the address and the identity.
            #expect(parts.count == 7 && [0, 2, 5, 6].allSatisfy { parts[$0] == request[$0] })
        }
    }
}

@Suite struct CurveKeyTests {
    /// RFC 32's test vector, and CurveZMQ's keys as zmq_curve(7) prints them.
    @Test func `Z85 is that of its specification`() throws {
        let client = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", server = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
        let bytes: [UInt8] = [
            0xBB, 0x88, 0x47, 0x1D, 0x65, 0xE2, 0x65, 0x9B, 0x30, 0xC5, 0x5A, 0x53, 0x21, 0xCE, 0xBB, 0x5A, 0xAB, 0x2B, 0x70, 0xA3, 0x98,
            0x64,
            0x5C, 0x26, 0xDC, 0xA2, 0xB2, 0xFC, 0xB4, 0x3F, 0xC5, 0x18,
        ]
        #expect(PublicKey(z85: client)?.bytes == bytes)
        #expect(PublicKey(bytes: bytes)?.description == client)
        #expect(PublicKey(z85: server)?.description == server)
        // zmq_curve(7): the secret and the public key of its client.
        let secret = try #require(SecretKey(z85: "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"))
        #expect(KeyPair(secretKey: secret).publicKey.description == client)
    }

    @Test func `what is no key is refused`() {
        let good = KeyPair.generate().publicKey.description
        for text in [
            "", String(good.dropLast()), good + "0", good.dropLast() + "~", good.dropLast() + "\"", good.dropLast() + " ",
            good.dropLast() + "é", String(repeating: "#", count: 40), " " + good.dropLast(), String(repeating: "\0", count: 40),
        ] as [String] {
            #expect(PublicKey(z85: text) == nil, "\(text)")
            #expect(SecretKey(z85: text) == nil)
        }
        #expect(PublicKey(bytes: [UInt8](repeating: 1, count: 31)) == nil)
    }

    @Test func `a new key needs no care on a command line, and a secret one cannot be printed`() throws {
        for _ in 0..<200 {
            let pair = KeyPair.generate()
            let first = try #require(pair.publicKey.description.first)
            #expect(first.isLetter || first.isNumber)
            #expect(!pair.publicKey.description.contains("'"))
            var dumped = ""
            dump(pair, to: &dumped)
            #expect(!dumped.contains(pair.secretKey.revealed) && !"\(pair)".contains(pair.secretKey.revealed))
            #expect("\(pair.secretKey)" == "(secret)")
        }
    }
}
