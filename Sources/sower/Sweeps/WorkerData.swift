import Coordination
import Datasets
import Digests
import Foundation

/// Where a worker's data sets lie, as its user says.
enum WorkerData {
    /// What `--data` means here. A folder that cannot be read is found now and not by the first job; one of JPEG files is decoded now,
    /// once for all runners.
    ///
    /// - Returns: the source, and the digest of what the folders hold.
    static func find(_ data: [String], storePath: String, tell: (String) -> Void) throws -> (source: DataSource, dataset: Digest?) {
        if data.isEmpty { return (.coordinatorsPath, nil) }
        if data == ["push"] { return (.push, nil) }
        let datasets = try data.map { folder in
            let images = try DatasetFolder.open(URL(fileURLWithPath: folder).standardizedFileURL.path, tell: tell)
            return (digest: images.digest(), path: images.path)
        }
        let digest = DatasetFolder.digest(of: datasets.map(\.digest))
        if datasets.count == 1 { return (.folder(datasets[0].path), digest) }
        let folder = URL(fileURLWithPath: "\(storePath)/data/\(digest.hex)").standardizedFileURL.path
        try DatasetFolder.link(datasets, in: folder)
        return (.folder(folder), digest)
    }
}
