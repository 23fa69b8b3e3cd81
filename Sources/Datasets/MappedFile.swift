import Foundation

/// A whole file mapped read-only into memory, shared with every other process that maps it.
///
/// The mapping lives as long as the object. A file that another program cuts short while it is mapped ends this
/// process with SIGBUS at the next access; data sets are written once and renamed into place.
package final class MappedFile: Sendable {
    package let path: String
    package let count: Int
    private let base: UInt

    /// Maps the file at `path`; an empty file is an error, for there is nothing to map.
    package init(path: String) throws(DatasetError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw errno == ENOENT || errno == ENOTDIR
                ? .missingFile(path) : .unreadable(file: path, reason: String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw .unreadable(file: path, reason: String(cString: strerror(errno)))
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .unreadable(file: path, reason: "not a regular file") }
        guard status.st_size > 0 else { throw .emptyFile(path) }
        let size = Int(status.st_size)
        guard let address = mmap(nil, size, PROT_READ, MAP_SHARED, descriptor, 0), address != MAP_FAILED else {
            throw .unreadable(file: path, reason: String(cString: strerror(errno)))
        }
        self.path = path
        count = size
        base = UInt(bitPattern: address)
    }

    deinit { munmap(UnsafeMutableRawPointer(bitPattern: base), count) }

    /// The file's bytes; valid while the object lives, so use them inside `withExtendedLifetime`.
    package var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: base), count: count)
    }
}
