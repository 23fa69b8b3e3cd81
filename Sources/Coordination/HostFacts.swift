import Digests

/// What a worker says in each greeting about its program and its host, for ``Admission`` to judge.
package struct HostFacts: Sendable, Equatable {
    /// The program's version and its engine's; empty when it is not said.
    package var program: String
    /// The data set that the worker was given; `nil` when it looks for the coordinator's path, or is to be sent it.
    package var dataset: Digest?
    /// Whether the coordinator is to name the data set's files: the worker may have to be sent them.
    package var wantsDataset: Bool
    /// Bytes free where the worker keeps artifacts.
    package var freeBytes: UInt64
    /// The worker's wall clock, seconds since 1970.
    package var clock: Double

    package init(program: String = "", dataset: Digest? = nil, wantsDataset: Bool = false, freeBytes: UInt64 = 0, clock: Double = 0) {
        self.program = program
        self.dataset = dataset
        self.wantsDataset = wantsDataset
        self.freeBytes = freeBytes
        self.clock = clock
    }
}

extension HostFacts: WireCodable {
    package func encode(into writer: inout WireWriter) {
        writer.write(program)
        writer.write(optional: dataset) { $0.write($1) }
        writer.write(wantsDataset)
        writer.write(freeBytes)
        writer.write(clock)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(
            program: try reader.readText("program", limit: Limits.nameBytes),
            dataset: try reader.readOptional { reader throws(WireError) in try reader.readDigest() },
            wantsDataset: try reader.readBool("wants data"), freeBytes: try reader.readUInt64(), clock: try reader.readDouble())
        guard clock.isFinite else { throw .outOfRange(field: "clock") }
    }
}

/// The files of a data set as the coordinator sends them to a host that has none.
package struct DatasetNotice: Sendable, Equatable {
    /// What specifications call it.
    package var digest: Digest
    /// Each with the name that it has in its folder.
    package var files: [ArtifactNotice]

    package init(digest: Digest, files: [ArtifactNotice]) {
        self.digest = digest
        self.files = files
    }

    /// Whether a name may stand in a folder: letters, digits, dots, hyphens and underscores, the first no dot or hyphen. Where a
    /// study has several data sets, a folder named by a digest may come before it.
    package static func isFileName(_ name: String) -> Bool {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        if parts.count == 2, let digest = Digest(hex: parts[0]), digest.hex == String(parts[0]) { return isFileName(String(parts[1])) }
        let bytes = Array(name.utf8)
        guard let first = bytes.first, bytes.count <= Limits.nameBytes, first != 45, first != 46 else { return false }
        return bytes.allSatisfy {
            (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || [45, 46, 95].contains($0)
        }
    }
}

extension DatasetNotice: WireCodable {
    package func encode(into writer: inout WireWriter) {
        writer.write(digest)
        writer.write(list: files) { $1.encode(into: &$0) }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(
            digest: try reader.readDigest(),
            files: try reader.readList("data files", limit: Limits.filesPerDataset, ArtifactNotice.init(from:)))
        let names = files.map(\.name)
        guard names.allSatisfy(Self.isFileName), Set(names).count == names.count else { throw .outOfRange(field: "data files") }
    }
}
