import Coordination
import Digests
import Foundation

/// Why a file in an outbox is no result.
package enum SpooledResultError: Error, Equatable, LocalizedError {
    /// It does not begin as a spooled result does.
    case foreign
    case otherVersion(actual: UInt16, expected: UInt16)
    case damaged
    /// The bytes are as they were written, and no result of this build's.
    case malformed(WireError)
    /// The result is another attempt's than the file's name says.
    case misnamed(expected: String)
    /// It is no regular file, or longer than any result.
    case notAFile

    package var errorDescription: String? {
        switch self {
        case .foreign: "it does not begin with \"\(SpooledResult.magic)\""
        case .otherVersion(let actual, let expected): "it has version \(actual), expected \(expected)"
        case .damaged: "its SHA-256 is not that of its content"
        case .malformed(let error): "its content is no result (\(error))"
        case .misnamed(let expected): "its name should be \(expected)"
        case .notAFile: "it is no regular file of at most \(SpooledResult.maximumBytes) bytes"
        }
    }

    package var recoverySuggestion: String? { "The job is computed again; remove the file when nobody needs to look at it." }
}

/// A result as a file: eight letters, a 16-bit version, the SHA-256 of what follows, then the result's wire form.
package enum SpooledResult {
    package static let magic = "SOWEROUT"
    /// Raised with every change of the result's wire form.
    package static let version: UInt16 = 1
    package static let maximumBytes = headerBytes + Limits.controlFrameBytes
    private static let headerBytes = magic.utf8.count + 2 + Digest.byteCount

    package static func name(of attempt: AttemptID) -> String { "\(attempt.job.digest.hex)-\(attempt.number)" }

    package static func bytes(of result: AttemptResult) -> [UInt8] {
        let content = result.frame
        var header = WireWriter()
        header.write(version)
        header.write(Digest(of: content))
        return Array(magic.utf8) + header.bytes + content
    }

    /// The result of a file's bytes, which may be anything.
    package static func result(from bytes: [UInt8]) throws(SpooledResultError) -> AttemptResult {
        guard bytes.starts(with: magic.utf8) else { throw .foreign }
        var header = WireReader(Array(bytes[magic.utf8.count..<min(bytes.count, headerBytes)]))
        let actual = try reading { () throws(WireError) in try header.readUInt16() }
        guard actual == version else { throw .otherVersion(actual: actual, expected: version) }
        let digest = try reading { () throws(WireError) in try header.readDigest() }
        let content = Array(bytes[headerBytes...])
        guard Digest(of: content) == digest else { throw .damaged }
        let result = try reading { () throws(WireError) in try AttemptResult(frame: content) }
        guard !result.outcome.isFailure else { throw .malformed(.outOfRange(field: "outcome")) }
        return result
    }

    private static func reading<Value>(_ body: () throws(WireError) -> Value) throws(SpooledResultError) -> Value {
        do throws(WireError) {
            return try body()
        } catch {
            throw .malformed(error)
        }
    }
}
