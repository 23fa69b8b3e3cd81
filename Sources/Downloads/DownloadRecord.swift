import Digests
import Foundation

/// What was downloaded into a folder, beside it in the file `.sower-download.json`: so that a later call can tell whether it is still
/// the same.
struct DownloadRecord: Codable, Equatable {
    static let fileName = ".sower-download.json"

    var version = 1
    /// The data set's name.
    var name: String
    /// The checksums of the files that it came in.
    var checksums: [String]
    /// SHA-256 over paths, sizes and content of all files.
    var content: Digest

    /// Nil when the folder has none that can be read.
    init?(folder: String) {
        guard let data = FileManager.default.contents(atPath: "\(folder)/\(Self.fileName)"), data.count < 65_536,
            let record = try? JSONDecoder().decode(Self.self, from: data)
        else { return nil }
        self = record
    }

    init(_ dataset: PublishedDataset, content: Digest) {
        name = dataset.name
        checksums = dataset.files.map { "\($0.name): \($0.checksum)" }
        self.content = content
    }

    func write(to folder: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        try encoder.encode(self).write(to: URL(fileURLWithPath: "\(folder)/\(Self.fileName)"))
    }
}

/// What lies in a folder, however deep.
enum FolderTree {
    /// Everything below the folder, sorted by bytes; links are not followed.
    static func paths(in folder: String) -> [String] {
        ((try? FileManager.default.subpathsOfDirectory(atPath: folder)) ?? []).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// SHA-256 over paths, sizes and content of all files but the record: reads every byte.
    static func digest(of folder: String) throws(DownloadError) -> Digest {
        var hasher = DigestHasher()
        for path in paths(in: folder) where path != DownloadRecord.fileName {
            guard let size = FileSize.of("\(folder)/\(path)") else { continue }
            hasher.update(Array("\(path)\n\(size)\n".utf8))
            try FileBytes.forEach(of: "\(folder)/\(path)") { hasher.update($0) }
        }
        return hasher.finalize()
    }
}
