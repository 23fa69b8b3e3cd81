import Foundation
import Synchronization

/// How often each failpoint has been passed: by this process, or with a file by all that share it.
///
/// With a file, "the third pass" means the third of the whole sweep, and a worker that is started anew is not killed again.
/// The file has 64 bytes a failpoint, in the registry's order: its name in 56 bytes, filled up with zeros, and the count in
/// the host's byte order.
package struct FailpointTally: @unchecked Sendable {
    private static let recordBytes = 64
    private static let nameBytes = 56
    private static let byteCount = recordBytes * Failpoint.allCases.count

    // Never unmapped: threads pass failpoints until the process ends.
    private let records: UnsafeMutableRawPointer

    /// Counts in memory of this process alone, or in the file at `path`. Throws `.tally`.
    package init(path: String?) throws(FailpointError) {
        guard let path else {
            records = .allocate(byteCount: Self.byteCount, alignment: Self.recordBytes)
            records.initializeMemory(as: UInt8.self, repeating: 0, count: Self.byteCount)
            return
        }
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .tally(path: path, detail: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        // Room for every byte: a mapped file that cannot grow ends the process with SIGBUS.
        let code = posix_fallocate(descriptor, 0, off_t(Self.byteCount))
        guard code == 0 else { throw .tally(path: path, detail: String(cString: strerror(code))) }
        let mapped = mmap(nil, Self.byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        guard let mapped, mapped != MAP_FAILED else { throw .tally(path: path, detail: String(cString: strerror(errno))) }
        records = mapped
        for (index, point) in Failpoint.allCases.enumerated() {
            let name = Array(point.rawValue.utf8)
            precondition(name.count < Self.nameBytes, "a failpoint's name fits its record")
            // All processes write the same bytes.
            records.advanced(by: index * Self.recordBytes).copyMemory(from: name, byteCount: name.count)
        }
    }

    /// Counts one pass; the answer is its number, from 1.
    package func count(_ point: Failpoint) -> Int {
        Int(counter(point).pointee.add(1, ordering: .relaxed).newValue)
    }

    /// How often the point has been passed so far.
    package func passes(of point: Failpoint) -> Int { Int(counter(point).pointee.load(ordering: .relaxed)) }

    private func counter(_ point: Failpoint) -> UnsafeMutablePointer<Atomic<UInt64>> {
        let record = records.advanced(by: point.index * Self.recordBytes)
        return record.advanced(by: Self.nameBytes).assumingMemoryBound(to: Atomic<UInt64>.self)
    }
}

extension Failpoint {
    private static let indices = Dictionary(uniqueKeysWithValues: allCases.enumerated().map { ($1, $0) })

    fileprivate var index: Int { Self.indices[self]! }
}
