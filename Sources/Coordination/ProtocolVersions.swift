/// What every version of the protocol reads of every other, for ever, so that a stranger can be told why it is refused.
///
/// - A greeting begins with tag 7 and the lowest and highest version that the worker speaks, 16 bits each,
///   little-endian. What follows is laid out as the lowest says. Versions 1 and 2 began with tag 1 and their version.
/// - A refusal is tag 2, a 32-bit count of bytes, at most `Limits.textBytes`, and so many bytes of UTF-8.
enum ProtocolVersions {
    static let greetingTag: UInt8 = 7
    static let earlyGreetingTag: UInt8 = 1
    static let refusalTag: UInt8 = 2

    static func write(_ versions: ClosedRange<UInt16>, into writer: inout WireWriter) {
        writer.write(versions.lowerBound)
        writer.write(versions.upperBound)
    }

    /// Throws `.otherVersions` for those of a worker whose greeting this build cannot read on.
    static func read(from reader: inout WireReader) throws(WireError) -> ClosedRange<UInt16> {
        let lowest = try reader.readUInt16()
        let highest = try reader.readUInt16()
        guard lowest <= highest else { throw .outOfRange(field: "versions") }
        guard lowest == Limits.protocolVersion else { throw .otherVersions(lowest: lowest, highest: highest) }
        return lowest...highest
    }
}

extension WireError {
    /// What the worker is told whose greeting gave this error; `nil` when it was no greeting.
    package var refusal: String? {
        guard case .otherVersions(let lowest, let highest) = self else { return nil }
        let spoken = lowest == highest ? "\(lowest)" : "\(lowest) to \(highest)"
        return "this coordinator speaks protocol \(Limits.protocolVersion), the worker \(spoken): "
            + "start the worker from the same build of sower"
    }
}
