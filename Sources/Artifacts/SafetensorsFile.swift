import Foundation

/// The element type of a tensor, under its name in the format.
package enum SafetensorsType: String, Sendable, Hashable, CaseIterable {
    case float64 = "F64"
    case float32 = "F32"
    case float16 = "F16"
    case bfloat16 = "BF16"
    case int64 = "I64"
    case int32 = "I32"
    case uint16 = "U16"
    case uint8 = "U8"

    /// Bytes an element; elements are little-endian.
    package var byteCount: Int {
        switch self {
        case .float64, .int64: 8
        case .float32, .int32: 4
        case .float16, .bfloat16, .uint16: 2
        case .uint8: 1
        }
    }
}

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
/// Source: https://github.com/huggingface/safetensors, section Format. **Differs:** fewer element types, and unknown keys of
/// a tensor are refused.
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
        package var count: Int { dataRange.count / dtype.byteCount }
    }

    package static let headerByteLimit = 100_000_000

    /// The path, or "bytes in memory": for messages.
    package let file: String
    /// All tensors, in the order of their data.
    package let entries: [Entry]
    /// The texts under `__metadata__`.
    package let metadata: [String: String]

    private let positions: [String: Int]
    private let storage: FileBytes

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
        let header = try storage.withBytes { buffer in
            Result { () throws(SafetensorsError) in try SafetensorsHeader(of: buffer, file: file) }
        }.get()
        self.file = file
        self.storage = storage
        entries = header.entries
        metadata = header.metadata
        positions = Dictionary(uniqueKeysWithValues: header.entries.enumerated().map { ($1.name, $0) })
    }

    /// The tensor of that name; `nil` when there is none.
    package func entry(_ name: String) -> Entry? { positions[name].map { entries[$0] } }

    /// A tensor's bytes as they stand in the file, whatever its type; throws `.missingTensor`.
    package func rawBytes(_ name: String) throws(SafetensorsError) -> [UInt8] {
        let entry = try present(name)
        return storage.withBytes { Array($0[entry.dataRange]) }
    }

    /// An F32 tensor, row-major; throws `.missingTensor` or `.wrongType`, and converts nothing.
    package func floats(_ name: String) throws(SafetensorsError) -> [Float] { try elements(name, .float32) }

    /// An F64 tensor; throws like `floats`.
    package func doubles(_ name: String) throws(SafetensorsError) -> [Double] { try elements(name, .float64) }

    /// An I64 tensor; throws like `floats`.
    package func int64s(_ name: String) throws(SafetensorsError) -> [Int64] { try elements(name, .int64) }

    /// An I32 tensor; throws like `floats`.
    package func int32s(_ name: String) throws(SafetensorsError) -> [Int32] { try elements(name, .int32) }

    /// A U16 tensor; throws like `floats`.
    package func uint16s(_ name: String) throws(SafetensorsError) -> [UInt16] { try elements(name, .uint16) }

    /// A U8 tensor; throws like `floats`.
    package func uint8s(_ name: String) throws(SafetensorsError) -> [UInt8] { try elements(name, .uint8) }

    private func present(_ name: String) throws(SafetensorsError) -> Entry {
        guard let entry = entry(name) else { throw .missingTensor(file: file, name: name) }
        return entry
    }

    /// A tensor's elements by one copy: the file may not be aligned for them. `Element` must be the type's own layout.
    private func elements<Element: BitwiseCopyable>(_ name: String, _ type: SafetensorsType)
        throws(SafetensorsError) -> [Element]
    {
        let entry = try present(name)
        guard entry.dtype == type else {
            throw .wrongType(file: file, name: name, actual: entry.dtype.rawValue, expected: type.rawValue)
        }
        return storage.withBytes { buffer in
            [Element](unsafeUninitializedCapacity: entry.count) { elements, count in
                let source = UnsafeRawBufferPointer(rebasing: buffer[entry.dataRange])
                UnsafeMutableRawBufferPointer(elements).copyMemory(from: source)
                count = entry.count
            }
        }
    }
}

/// A file's bytes, mapped or in memory; never changed, so shared between threads freely.
private final class FileBytes: @unchecked Sendable {
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

    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        if let mapped { return withExtendedLifetime(self) { body(mapped) } }
        return bytes.withUnsafeBytes { body($0) }
    }
}
