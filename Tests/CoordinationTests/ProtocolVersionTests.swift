import Coordination
import Digests
import Studies
import Testing

/// Frames made by hand: what is frozen for every version is no business of this build's encoders.
@Suite struct ProtocolVersionTests {
    private func error(of frame: [UInt8]) -> WireError? {
        do throws(WireError) {
            _ = try WorkerMessage(frame: frame)
            return nil
        } catch {
            return error
        }
    }

    @Test func `a greeting of version 9 is told from noise, whatever follows its versions`() throws {
        for rest in [[], [0], Array(repeating: 0xFF, count: 300)] as [[UInt8]] {
            let stranger = error(of: [7, 9, 0, 9, 0] + rest)
            #expect(stranger == .otherVersions(lowest: 9, highest: 9))
            let reason = try #require(stranger?.refusal)
            #expect(reason.hasPrefix("this coordinator speaks protocol 5, the worker 9: "))
        }
        #expect(error(of: [7, 0x04, 0x01, 0x09, 0x01])?.refusal?.contains("the worker 260 to 265: ") == true)
    }

    @Test func `the greetings of versions 1 and 2 are refused in words too`() {
        for version in 1...2 as ClosedRange<UInt8> {
            #expect(error(of: [1, version, 0, 2, 0, 0, 0, 0x77, 0x31])?.refusal?.contains("the worker \(version): ") == true)
        }
    }

    @Test func `a greeting in this version is read, however many more its worker speaks`() throws {
        let frame = WorkerMessage.hello(hello()).frame
        #expect(Array(frame[..<5]) == [7, 5, 0, 5, 0])
        let newer = try WorkerMessage(frame: [7, 5, 0, 9, 0] + frame[5...])
        guard case .hello(let greeting) = newer else { Issue.record("no greeting"); return }
        #expect(greeting.versions == 5...9)
        // It speaks version 5, but what follows is in version 2.
        #expect(error(of: [7, 2, 0, 9, 0] + frame[5...]) == .otherVersions(lowest: 2, highest: 9))
    }

    @Test func `versions cut short or upside down are noise, and noise is not answered`() {
        for frame in [[], [7], [7, 9], [7, 9, 0], [7, 9, 0, 9], [1], [1, 2], [7, 9, 0, 3, 0], [2, 0], [99, 9, 0, 9, 0]] as [[UInt8]] {
            let error = error(of: frame)
            #expect(error != nil, "\(frame)")
            #expect(error?.refusal == nil, "\(frame)")
        }
    }

    @Test func `a refusal has the same bytes in every version`() throws {
        let frame: [UInt8] = [2, 4, 0, 0, 0, 0x6E, 0x6F, 0xC3, 0xBC]
        #expect(CoordinatorMessage.refused(reason: "noü").frame == frame)
        #expect(try CoordinatorMessage(frame: frame) == .refused(reason: "noü"))
    }
}
