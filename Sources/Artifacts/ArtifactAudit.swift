import Digests
import Foundation

/// What a look at every artifact of a store has found.
package struct ArtifactAudit: Sendable {
    /// Artifacts that are here and are not what they should be, each with what is wrong in a sentence.
    package var damaged: [(digest: Digest, reason: String)] = []
    /// Artifacts that should be here and are not.
    package var missing: [Digest] = []
    /// Artifacts that nobody expects. They are not read: what nobody needs cannot be damaged.
    package var unknown: [Digest] = []

    /// Whether every expected artifact is here and whole.
    package var isSound: Bool { damaged.isEmpty && missing.isEmpty }
}

extension ArtifactStore {
    /// Hashes every expected artifact again, a megabyte at a time, and looks for those that nobody expects.
    ///
    /// Changes nothing. Costs one read of all expected bytes (SHA-256 runs at 1 to 2 GB/s a core where the CPU has
    /// instructions for it). An artifact that cannot be read is damaged; the lists are in the order of their digests. Throws
    /// `.io` when the store's own folders cannot be listed.
    package func audit(expecting references: [ArtifactReference]) throws(ArtifactStoreError) -> ArtifactAudit {
        var audit = ArtifactAudit()
        let expected = Dictionary(references.map { ($0.digest, $0) }, uniquingKeysWith: { first, _ in first })
        for (digest, reference) in expected.sorted(by: { $0.key < $1.key }) {
            do throws(ArtifactStoreError) {
                try check(reference)
            } catch {
                if case .missing = error {
                    audit.missing.append(digest)
                } else {
                    audit.damaged.append((digest, error.errorDescription ?? "\(error)"))
                }
            }
        }
        audit.unknown = try digests().filter { expected[$0] == nil }.sorted()
        return audit
    }

    /// Throws what is wrong with an artifact. The size is looked at first, so that a cut file costs no reading.
    private func check(_ reference: ArtifactReference) throws(ArtifactStoreError) {
        let path = path(of: reference.digest)
        guard let status = try storing({ () throws(PosixFailure) in try PosixFile.status(at: path) }) else {
            throw .missing(reference.digest, folder: folder)
        }
        guard status.isRegular else { throw .notAFile(path: path) }
        guard status.size == reference.size else {
            throw .sizeMismatch(path: path, actual: status.size, expected: reference.size)
        }
        try verify(reference.digest)
    }
}
