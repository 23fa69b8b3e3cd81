import Digests
import Foundation

/// A folder with the data of a study: a data set itself, or a folder each of its data sets, named by their digests.
package enum DatasetFolder {
    /// Opens the data set in `folder`, whichever of the known layouts that has.
    ///
    /// - Parameter tell: is told what takes long.
    ///
    /// Errors: ``DatasetError``; ``ImageFolderProblem/unknownLayout(folder:)`` when the folder has none of them.
    package static func open(_ folder: String, tell: (String) -> Void) throws(DatasetError) -> any ImageDataset {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
            throw .missingFolder(folder)
        }
        let names = Set((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
        if names.contains(DecodedImages.fileName) || names.contains("wnids.txt") { return try TinyImageNet.open(folder, tell: tell) }
        if names.isDisjoint(with: ImageSplit.allCases.map(CIFAR100Folder.fileName(of:))) {
            throw .imageFolder(.unknownLayout(folder: folder))
        }
        return try CIFAR100Folder(path: folder)
    }

    /// Where the data set with this digest lies in a folder of data.
    package static func place(of digest: Digest, in folder: String) -> String {
        let own = "\(folder)/\(digest.hex)"
        return FileManager.default.fileExists(atPath: own) ? own : folder
    }

    /// The digest of several data sets together, in whatever order; of one it is its own.
    package static func digest(of digests: [Digest]) -> Digest {
        let different = Set(digests).sorted()
        if different.count == 1 { return different[0] }
        return Digest(of: "sower-data-v1\n" + different.map { $0.hex + "\n" }.joined())
    }

    /// Makes a folder that leads to several data sets, each by its digest.
    ///
    /// Errors: ``DatasetError/unwritable(file:reason:)``.
    package static func link(_ datasets: [(digest: Digest, path: String)], in folder: String) throws(DatasetError) {
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw .unwritable(file: folder, reason: error.localizedDescription)
        }
        for dataset in datasets {
            let link = "\(folder)/\(dataset.digest.hex)"
            if (try? FileManager.default.destinationOfSymbolicLink(atPath: link)) == dataset.path { continue }
            // Put in place by a rename: a runner may be looking at it.
            let temporary = "\(folder)/.link-\(getpid())-\(UInt32.random(in: 0 ... .max))"
            guard symlink(dataset.path, temporary) == 0, rename(temporary, link) == 0 else {
                let reason = String(cString: strerror(errno))
                unlink(temporary)
                throw .unwritable(file: link, reason: reason)
            }
        }
    }
}
