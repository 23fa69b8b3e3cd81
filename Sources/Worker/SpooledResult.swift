import Coordination
import Digests
import Foundation

/// Why bytes in an outbox are no result.
package enum SpooledResultError: Error, Equatable, LocalizedError {
    /// They do not begin as a spooled result does.
    case foreign
    case otherVersion(actual: UInt16, expected: UInt16)
    case damaged
    /// They end before the result does.
    case cut
    /// The bytes are as they were written, and no result of this build's.
    case malformed(WireError)
    /// It is no regular file, or longer than any segment.
    case notAFile

    package var errorDescription: String? {
        switch self {
        case .foreign: "it does not begin with \"\(SpooledResult.magic)\""
        case .otherVersion(let actual, let expected): "it has version \(actual), expected \(expected)"
        case .damaged: "its SHA-256 is not that of its content"
        case .cut: "it ends before its content does"
        case .malformed(let error): "its content is no result (\(error))"
        case .notAFile: "it is no regular file of at most \(OutboxSegment.maximumBytes) bytes"
        }
    }

    package var recoverySuggestion: String? { "The job is computed again; remove the file when nobody needs to look at it." }
}

/// A result as a record: eight letters, a 16-bit version, the 32-bit length of the content, its SHA-256, then the content, the
/// result's wire form. Version 1, a file of one result, had no length.
package enum SpooledResult {
    package static let magic = "SOWEROUT"
    /// Raised with every change of the result's wire form.
    package static let version: UInt16 = 2
    static let loneVersion: UInt16 = 1

    package static func bytes(of result: AttemptResult) -> [UInt8] {
        let content = result.frame
        var header = WireWriter()
        header.write(version)
        header.write(UInt32(content.count))
        header.write(Digest(of: content))
        return Array(magic.utf8) + header.bytes + content
    }

    /// The result that `bytes`, which may be anything, begin with, and the length of its record.
    package static func first(in bytes: ArraySlice<UInt8>) throws(SpooledResultError) -> (result: AttemptResult, length: Int) {
        let start = bytes.startIndex
        guard bytes.starts(with: magic.utf8) else {
            throw bytes.count < magic.utf8.count && magic.utf8.starts(with: bytes) ? .cut : .foreign
        }
        var header = WireReader(Array(bytes[(start + magic.utf8.count)..<min(bytes.endIndex, start + headerBytes)]))
        guard let actual = try? header.readUInt16() else { throw .cut }
        guard actual == version || actual == loneVersion else { throw .otherVersion(actual: actual, expected: version) }
        let length: Int
        if actual == version {
            guard let count = try? header.readUInt32() else { throw .cut }
            length = Int(count)
            guard length <= Limits.controlFrameBytes else { throw .damaged }
        } else {
            length = bytes.count - loneHeaderBytes
        }
        guard let digest = try? header.readDigest() else { throw .cut }
        let content = start + (actual == version ? headerBytes : loneHeaderBytes)
        guard content + length <= bytes.endIndex else { throw .cut }
        let frame = Array(bytes[content..<content + length])
        guard Digest(of: frame) == digest else { throw .damaged }
        do throws(WireError) {
            let result = try AttemptResult(frame: frame)
            guard !result.outcome.isFailure else { throw .outOfRange(field: "outcome") }
            return (result, content + length - start)
        } catch {
            throw .malformed(error)
        }
    }

    private static let loneHeaderBytes = magic.utf8.count + 2 + Digest.byteCount
    private static let headerBytes = loneHeaderBytes + 4
}
