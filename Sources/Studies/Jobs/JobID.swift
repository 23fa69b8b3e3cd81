import Digests

/// The identity of a job: the SHA-256 of its canonical specification.
///
/// The same cell asked for by three figures is one job; a resumed sweep is a set difference; a changed study adds only
/// what is missing.
package struct JobID: Sendable, Hashable, Comparable, Codable, CustomStringConvertible {
    package let digest: Digest

    package init(_ digest: Digest) { self.digest = digest }

    /// The id of the job with this specification: SHA-256 over a version tag and its canonical JSON.
    package init(canonicalJSON: some Sequence<UInt8>) { digest = Digest(of: Array("sower job 1\n".utf8) + Array(canonicalJSON)) }

    /// A job from its 64 hexadecimal digits; `nil` for anything else.
    package init?(hex: some StringProtocol) {
        guard let digest = Digest(hex: hex) else { return nil }
        self.digest = digest
    }

    /// The first 12 hexadecimal digits: what screens show and commands accept.
    package var short: String { digest.short }

    package var description: String { digest.hex }

    package static func < (a: JobID, b: JobID) -> Bool { a.digest < b.digest }

    package init(from decoder: any Decoder) throws { digest = try Digest(from: decoder) }

    package func encode(to encoder: any Encoder) throws { try digest.encode(to: encoder) }
}
