import Foundation

/// A data set on its way into a folder: downloaded, compared with its checksums, unpacked and put in place by one `rename`.
///
/// What is not finished lies in `.FOLDER.download` beside the folder, and the next call goes on with it, from whatever process.
/// One works at a time: others wait, and find that it is there.
package struct DatasetDownload {
    package enum Outcome: Sendable, Equatable {
        case downloaded
        /// It was there, every byte as it was downloaded.
        case alreadyThere
        /// There is something that was not downloaded by this program.
        case foreign
    }

    let dataset: PublishedDataset
    /// The folder it gets.
    let target: String
    package var delays: [Double] = [1, 2, 4, 8, 16]
    /// Told what happens, in sentences.
    package var tell: (String) -> Void = { _ in }
    /// Told of a file's bytes, a few times a second.
    package var progress: (_ file: String, _ bytes: Int, _ total: Int) -> Void = { _, _, _ in }
    package var isCancelled: () -> Bool = { false }

    package init(_ dataset: PublishedDataset, to folder: String) {
        self.dataset = dataset
        target = URL(fileURLWithPath: folder).standardizedFileURL.path
    }

    /// Errors: ``DownloadError``, `CancellationError`; everything that was received before stays for the next call.
    package func run() throws -> Outcome {
        if let outcome = try there() { return outcome }
        let parent = (target as NSString).deletingLastPathComponent
        let work = "\(parent)/.\((target as NSString).lastPathComponent).download"
        let lock = try waitForLock(work)
        defer { close(lock) }
        // Whoever had the lock may have put it there.
        if let outcome = try there() {
            try? FileManager.default.removeItem(atPath: work)
            return outcome
        }
        do {
            try download(in: work)
        } catch {
            // Nobody has to wonder what it is when nothing is in it.
            let isEmpty = dataset.files.allSatisfy { FileDownload($0, folder: work).bytesHere == 0 }
            if isEmpty { try? FileManager.default.removeItem(atPath: work) }
            throw error
        }
        return .downloaded
    }

    private func download(in work: String) throws {
        try requireRoom(work)
        for file in dataset.files {
            var download = FileDownload(file, folder: work)
            (download.delays, download.isCancelled, download.tell) = (delays, isCancelled, tell)
            download.progress = { progress(file.name, $0, file.size) }
            let here = download.bytesHere
            tell(
                here == file.size
                    ? "\(file.name): \(file.size) bytes are here"
                    : here > 0
                        ? "\(file.name): going on after \(here) of \(file.size) bytes"
                        : "\(file.name): \(file.size) bytes from \(file.addresses[0])")
            try download.run()
        }
        try putInPlace(work)
    }

    // MARK: What is there

    /// What the folder holds already; nil for nothing.
    private func there() throws -> Outcome? {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: target) else {
            guard !FileManager.default.fileExists(atPath: target) else { throw DownloadError.occupied(folder: target) }
            return nil
        }
        if names.isEmpty { return nil }
        guard let record = DownloadRecord(folder: target) else {
            let wanted = dataset.members.isEmpty ? dataset.files.map(\.name) : dataset.members
            guard wanted.allSatisfy({ FileManager.default.fileExists(atPath: "\(target)/\($0)") }) else {
                throw DownloadError.occupied(folder: target)
            }
            return .foreign
        }
        guard record.name == dataset.name else { throw DownloadError.occupied(folder: target) }
        guard try FolderTree.digest(of: target) == record.content else {
            throw DownloadError.changed(folder: target, reason: "its files have another digest than when they were unpacked")
        }
        return .alreadyThere
    }

    /// The folder of work with its lock, which is held until the descriptor is closed.
    private func waitForLock(_ work: String) throws -> Int32 {
        let path = work + "/.lock"
        var isWaiting = false
        while true {
            var isMade = true
            do { try FileManager.default.createDirectory(atPath: work, withIntermediateDirectories: true) } catch { isMade = false }
            let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
            // Whoever is done has just removed the folder.
            if descriptor < 0, errno == ENOENT, isMade { continue }
            guard descriptor >= 0 else { throw DownloadError.unwritable(path: work, reason: String(cString: strerror(errno))) }
            while flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK || errno == EINTR {
                if !isWaiting { tell("another process is downloading it: waiting") }
                isWaiting = true
                if isCancelled() {
                    close(descriptor)
                    throw CancellationError()
                }
                usleep(200_000)
            }
            // The folder goes with the one who is done: then this is a lock that nobody else will find.
            var held = stat(), found = stat()
            if fstat(descriptor, &held) == 0, stat(path, &found) == 0, held.st_ino == found.st_ino { return descriptor }
            close(descriptor)
        }
    }

    private func requireRoom(_ work: String) throws(DownloadError) {
        let missing = dataset.files.reduce(0) { $0 + max(0, $1.size - FileDownload($1, folder: work).bytesHere) }
        let needed = missing + dataset.unpackedBytes
        if let free = FileSize.free(at: work), free < needed {
            throw .noRoom(folder: (target as NSString).deletingLastPathComponent, needed: needed, free: free)
        }
    }

    // MARK: Into place

    private func putInPlace(_ work: String) throws {
        let unpacked = work + "/unpacked"
        try? FileManager.default.removeItem(atPath: unpacked)
        do {
            try FileManager.default.createDirectory(atPath: unpacked, withIntermediateDirectories: true)
        } catch {
            throw DownloadError.unwritable(path: unpacked, reason: error.localizedDescription)
        }
        var root = unpacked
        for file in dataset.files {
            let path = FileDownload(file, folder: work).path
            if file.packing == .none {
                // A second name: the first is needed again when something goes wrong from here on.
                guard link(path, "\(unpacked)/\(file.name)") == 0 else {
                    throw DownloadError.unwritable(path: "\(unpacked)/\(file.name)", reason: String(cString: strerror(errno)))
                }
            } else {
                tell("unpacking \(file.name)")
                root = try Unpacking.unpack(path, file.packing, into: unpacked)
            }
        }
        if let missing = dataset.members.first(where: { !FileManager.default.fileExists(atPath: "\(root)/\($0)") }) {
            throw DownloadError.badArchive(file: dataset.files[0].name, reason: "it has no \(missing)")
        }
        do {
            try DownloadRecord(dataset, content: FolderTree.digest(of: root)).write(to: root)
        } catch let error as DownloadError {
            throw error
        } catch {
            throw DownloadError.unwritable(path: root, reason: error.localizedDescription)
        }
        // The folder is whole on the disk before it has its name: one sync in place of a hundred thousand.
        sync()
        // Replaces an empty folder, and nothing but an empty folder.
        guard rename(root, target) == 0 else {
            throw errno == ENOTEMPTY || errno == EEXIST
                ? DownloadError.occupied(folder: target) : DownloadError.unwritable(path: target, reason: String(cString: strerror(errno)))
        }
        try? FileManager.default.removeItem(atPath: work)
    }
}
