import Digests

/// Derives every seed of a study from its root seed and the *name* of the stream, never from an order.
///
/// Adding an arm, a pair or a replicate therefore leaves every other seed as it was.
package struct SeedDerivation: Sendable {
    private let root: UInt64

    package init(root: UInt64) { self.root = root }

    /// The seed of the stream called `name`: 53 bits of SHA-256, so that every JSON reader keeps it exactly.
    package func seed(_ name: String) -> UInt64 {
        Digest(of: "sower seed 1\n\(root)\n\(name)").leadingWord >> 11
    }
}
