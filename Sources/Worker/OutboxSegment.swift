import Artifacts
import Coordination
import Digests
import Foundation

/// One file of an outbox: records one after another, only ever appended to.
///
/// A record is a result (``SpooledResult``), or the note that one was taken: eight letters and the attempt's wire form. What a
/// power loss leaves at the end, part of a record or zeros, was never synced, so it was never sent.
package enum OutboxSegment {
    package static let takenMagic = "SOWERACK"
    /// A worker begins a new segment long before; a longer file is something else.
    package static let maximumBytes = 64 << 20

    /// What the bytes of a segment hold.
    package struct Content: Equatable {
        /// Results, without those that were taken, in the order they were spooled.
        package var results: [AttemptResult] = []
        /// What is wrong with the first bytes that are no record, unless they are what a power loss leaves.
        package var damage: SpooledResultError?
    }

    package static func taken(_ attempt: AttemptID) -> [UInt8] { Array(takenMagic.utf8) + attempt.frame }

    /// Reads a file, which may be anything; throws `SpooledResultError.notAFile`, or what the disk says.
    package static func content(ofFile path: String) throws -> Content {
        guard let status = try PosixFile.status(at: path), status.isRegular, status.size <= maximumBytes else {
            throw SpooledResultError.notAFile
        }
        let descriptor = try PosixFile.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: status.size)
        let count = try bytes.withUnsafeMutableBytes { try PosixFile.read(descriptor, into: $0, at: 0, path: path) }
        return content(of: Array(bytes[..<count]))
    }

    /// Reads a segment's bytes, which may be anything. After bytes that are no record it goes on at the next that may be one.
    package static func content(of bytes: [UInt8]) -> Content {
        var damage: SpooledResultError?
        var results: [AttemptID: (order: Int, result: AttemptResult)] = [:]
        var position = 0
        while position < bytes.count {
            do throws(SpooledResultError) {
                position += try takeRecord(bytes[position...], &results)
            } catch {
                let next = nextRecord(in: bytes, after: position)
                let isTorn = next == bytes.count && (error == .cut || bytes[position...].allSatisfy { $0 == 0 })
                if damage == nil, !isTorn { damage = error }
                position = next
            }
        }
        return Content(results: results.values.sorted { $0.order < $1.order }.map(\.result), damage: damage)
    }

    /// Takes in the record that `bytes` begin with; the answer is its length.
    private static func takeRecord(
        _ bytes: ArraySlice<UInt8>, _ results: inout [AttemptID: (order: Int, result: AttemptResult)]
    ) throws(SpooledResultError) -> Int {
        guard bytes.starts(with: takenMagic.utf8) else {
            let (result, length) = try SpooledResult.first(in: bytes)
            results[result.attempt] = (bytes.startIndex, result)
            return length
        }
        let length = takenMagic.utf8.count + Digest.byteCount + 4
        guard bytes.count >= length else { throw .cut }
        do throws(WireError) {
            results[try AttemptID(frame: Array(bytes.prefix(length).dropFirst(takenMagic.utf8.count)))] = nil
        } catch {
            throw .malformed(error)
        }
        return length
    }

    private static func nextRecord(in bytes: [UInt8], after position: Int) -> Int {
        let magics = [SpooledResult.magic, takenMagic].map { Array($0.utf8) }
        var next = position + 1
        while next < bytes.count {
            if bytes[next] == magics[0][0], magics.contains(where: { bytes[next...].starts(with: $0) }) { return next }
            next += 1
        }
        return bytes.count
    }
}
