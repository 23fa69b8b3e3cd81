import Artifacts
import Digests
import Foundation
import Testing

@Suite struct ArtifactAuditTests {
    @Test func `an audit tells damaged, missing and unknown artifacts from whole ones, and changes nothing`() throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        let large = [UInt8](repeating: 7, count: 3_000_000)
        let whole = try [store.put(bytes: large), store.put(bytes: [])]
        let flipped = try store.put(bytes: [UInt8](repeating: 9, count: 2_500_000))
        try overwrite(store.path(of: flipped.digest), [8])
        let cut = try store.put(bytes: [1, 2, 3])
        #expect(truncate(store.path(of: cut.digest), 2) == 0)
        let folder = ArtifactReference(digest: Digest(of: "folder"), size: 1)
        try FileManager.default.createDirectory(atPath: store.path(of: folder.digest), withIntermediateDirectories: true)
        let gone = ArtifactReference(digest: Digest(of: "gone"), size: 4)
        let unknown = try store.put(bytes: [4, 2])
        try Data([1]).write(to: URL(fileURLWithPath: temporary.folder + "/objects/stray"))

        #expect(try store.audit(expecting: whole).isSound)
        let audit = try store.audit(expecting: whole + [flipped, cut, folder, gone, whole[0]])
        #expect(audit.damaged.map(\.digest) == [flipped, cut, folder].map(\.digest).sorted())
        let reasons = Dictionary(uniqueKeysWithValues: audit.damaged.map { ($0.digest, $0.reason) })
        #expect(reasons[flipped.digest]?.contains("has the digest") == true)
        #expect(reasons[cut.digest]?.hasSuffix("has 2 bytes, expected 3") == true)
        #expect(reasons[folder.digest]?.hasSuffix("is not a regular file") == true)
        #expect(audit.missing == [gone.digest])
        #expect(audit.unknown == [unknown.digest])
        #expect(!audit.isSound)
        #expect(try store.audit(expecting: whole + [flipped, cut, folder, gone]).unknown == [unknown.digest])
    }
}
