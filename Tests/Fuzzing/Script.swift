/// Ends the process with a message, which libFuzzer takes for a finding.
///
/// Not `precondition`: in an optimized build that says nothing.
func require(_ holds: Bool, _ finding: @autoclosure () -> String) {
    if !holds { fatalError(finding()) }
}

/// The bytes of one input. Values are taken from the front; past the end everything is 0, so every input is a script.
struct Script {
    private let bytes: [UInt8]
    private var position = 0

    init(_ data: UnsafePointer<UInt8>, _ size: Int) { bytes = Array(UnsafeBufferPointer(start: data, count: size)) }

    var isAtEnd: Bool { position >= bytes.count }

    mutating func byte() -> UInt8 {
        guard !isAtEnd else { return 0 }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func below(_ bound: Int) -> Int { Int(byte()) % bound }

    mutating func choice<Element>(_ elements: [Element]) -> Element? {
        let index = byte()
        return elements.isEmpty ? nil : elements[Int(index) % elements.count]
    }

    /// A frame with its length in two bytes before it, little-endian, cut at the end of the script.
    mutating func frame() -> [UInt8] {
        let count = min(Int(byte()) | Int(byte()) << 8, bytes.count - position)
        defer { position += count }
        return Array(bytes[position..<position + count])
    }
}

/// The events of a script for `sessions`, each a byte.
enum Code: UInt8, CaseIterable {
    case hello, epoch, result, checkpoint, heartbeat, workerFrame, workerEnded, tick, time, restart, stop
    case toSession, toDispatcher, transfer, failedTransfer, runnerEpoch, runnerCheckpoint, runnerEnded, runnerDied, runnerFrame
    case coordinatorFrame, sessionTick, welcome, assign, acknowledged, cancel, missing, drain, leave
}
