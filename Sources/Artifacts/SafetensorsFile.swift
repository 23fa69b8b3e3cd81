import Foundation

/// A safetensors file: named tensors after a JSON header, checked as a whole before anything is read from it.
///
/// ```
/// 8 bytes   header length N, little-endian, at most 100 000 000
/// N bytes   {"__metadata__": {text: text}, name: {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …} and spaces
/// the rest  the tensors, one after another without a gap, each row-major
/// ```
///
/// A value of this type is well formed; anything else is a `SafetensorsError`. Opening costs the header only: the data are
/// mapped, so the file must not be shortened while this value lives (a published artifact never is).
///
/// Source: https://github.com/huggingface/safetensors, section Format, and safetensors/src/tensor.rs (0.8.0). **Differs**, all
/// being refused: unknown keys of a tensor, names given twice, a space before the header, more than 64 extents, extents
/// that overflow beside a zero, metadata keys that are canonically equivalent Unicode.
package struct SafetensorsFile: Sendable {
    /// One tensor's place in the file.
    package struct Entry: Sendable, Hashable {
        package let name: String
        package let dtype: SafetensorsType
        /// The extents, slowest first; empty for a scalar.
        package let shape: [Int]
        /// The tensor's bytes, counted from the beginning of the file.
        package let dataRange: Range<Int>

        /// The product of the shape.
        package var count: Int { shape.reduce(1, *) }
    }

    package static let headerByteLimit = 100_000_000

    /// The path, or "bytes in memory": for messages.
    package let file: String
    /// All tensors, in the order of their data.
    package let entries: [Entry]
    /// The texts under `__metadata__`.
    package let metadata: [String: String]

    /// By the bytes of the name: equivalent Unicode makes two names, not one.
    private let positions: [[UInt8]: Int]
    let storage: FileBytes

    /// Maps the file at `path` and checks it.
    package init(contentsOf path: String) throws(SafetensorsError) {
        let mapped: FileBytes
        do throws(PosixFailure) {
            mapped = try FileBytes(mapping: path)
        } catch {
            throw .unreadable(file: path, code: error.code, operation: error.operation)
        }
        try self.init(storage: mapped, file: path)
    }

    /// Checks a file that is in memory.
    package init(bytes: [UInt8]) throws(SafetensorsError) {
        try self.init(storage: FileBytes(bytes), file: "bytes in memory")
    }

    private init(storage: FileBytes, file: String) throws(SafetensorsError) {
        let header = try storage.withBytes { (buffer) throws(SafetensorsError) in try SafetensorsHeader(of: buffer, file: file) }
        self.file = file
        self.storage = storage
        entries = header.entries
        metadata = header.metadata
        positions = Dictionary(uniqueKeysWithValues: header.entries.enumerated().map { (Array($1.name.utf8), $0) })
    }

    /// The tensor of that name; `nil` when there is none.
    package func entry(_ name: String) -> Entry? { positions[Array(name.utf8)].map { entries[$0] } }
}

/// A file's bytes, mapped or in memory; never changed, so shared between threads freely.
final class FileBytes: @unchecked Sendable {
    private let bytes: [UInt8]
    private let mapped: UnsafeRawBufferPointer?

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        mapped = nil
    }

    init(mapping path: String) throws(PosixFailure) {
        let descriptor = try PosixFile.open(path, O_RDONLY)
        defer { close(descriptor) }
        let status = try PosixFile.status(of: descriptor, path: path)
        guard status.isRegular else { throw PosixFailure(code: EINVAL, path: path, operation: "map") }
        bytes = []
        // An empty file cannot be mapped.
        guard status.size > 0 else {
            mapped = nil
            return
        }
        guard let start = mmap(nil, status.size, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
            throw PosixFailure(code: errno, path: path, operation: "map")
        }
        mapped = UnsafeRawBufferPointer(start: start, count: status.size)
    }

    deinit {
        if let mapped { munmap(UnsafeMutableRawPointer(mutating: mapped.baseAddress!), mapped.count) }
    }

    func withBytes<Result, Failure>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        if let mapped {
            defer { withExtendedLifetime(self) {} }
            return try body(mapped)
        }
        return try bytes.withUnsafeBufferPointer { (buffer) throws(Failure) in try body(UnsafeRawBufferPointer(buffer)) }
    }
}
