import Digests

/// What names an artifact everywhere: the digest of its bytes, and how many there are.
///
/// The size travels with the digest so that a transfer can be limited before anything is hashed.
package struct ArtifactReference: Sendable, Hashable, Codable {
    /// SHA-256 of the bytes.
    package let digest: Digest
    /// The number of bytes.
    package let size: Int

    package init(digest: Digest, size: Int) {
        self.digest = digest
        self.size = size
    }
}
