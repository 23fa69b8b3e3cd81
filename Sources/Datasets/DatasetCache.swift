import Digests
import Foundation

/// Where this user keeps what was made from data sets: `$XDG_CACHE_HOME/sower/datasets`, `~/.cache` where that is not set.
package enum DatasetCache {
    package static var folder: String {
        let environment = ProcessInfo.processInfo.environment
        let set = environment["XDG_CACHE_HOME"] ?? ""
        return (set.hasPrefix("/") ? set : (environment["HOME"] ?? NSHomeDirectory()) + "/.cache") + "/sower/datasets"
    }

    /// The cache's folder for a data set's folder; made when it is not there.
    static func place(for folder: String, in cache: String) throws(DatasetError) -> String {
        let real = URL(fileURLWithPath: folder).resolvingSymlinksInPath().standardizedFileURL.path
        let place = "\(cache)/\(Digest(of: real).hex)"
        do {
            try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        } catch {
            throw .unwritable(file: place, reason: error.localizedDescription)
        }
        return place
    }

    /// Held while a place of the cache is filled. On a file system without locks two processes do the same work, to the same end.
    struct Lock {
        private let descriptor: Int32

        /// Waits for the one who holds it.
        init(_ place: String) {
            descriptor = open(place + "/.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
            guard descriptor >= 0 else { return }
            while flock(descriptor, LOCK_EX) != 0 && errno == EINTR {}
        }

        func release() { if descriptor >= 0 { close(descriptor) } }
    }
}
