/// A tensor to be written: a name, a type, a shape and the elements' bytes.
package struct SafetensorsTensor: Sendable, Hashable {
    package let name: String
    package let dtype: SafetensorsType
    package let shape: [Int]
    /// Little-endian, row-major.
    package let bytes: [UInt8]

    /// A tensor of raw bytes; traps unless there are exactly as many as the shape and type need.
    package init(name: String, dtype: SafetensorsType, shape: [Int], bytes: [UInt8]) {
        precondition(name != "__metadata__", "the name __metadata__ is the format's own")
        precondition(shape.allSatisfy { $0 >= 0 }, "an extent of \(name) is negative")
        precondition(
            bytes.count == shape.reduce(dtype.byteCount, *),
            "\(name) has \(bytes.count) bytes, its shape \(shape) needs \(shape.reduce(dtype.byteCount, *))")
        self.name = name
        self.dtype = dtype
        self.shape = shape
        self.bytes = bytes
    }

    /// An F32 tensor; traps unless the elements fill the shape.
    package init(name: String, shape: [Int], floats: [Float]) {
        self.init(name: name, dtype: .float32, shape: shape, bytes: Self.bytes(of: floats))
    }

    /// An F64 tensor; traps unless the elements fill the shape.
    package init(name: String, shape: [Int], doubles: [Double]) {
        self.init(name: name, dtype: .float64, shape: shape, bytes: Self.bytes(of: doubles))
    }

    /// An I64 tensor; traps unless the elements fill the shape.
    package init(name: String, shape: [Int], int64s: [Int64]) {
        self.init(name: name, dtype: .int64, shape: shape, bytes: Self.bytes(of: int64s))
    }

    /// An I32 tensor; traps unless the elements fill the shape.
    package init(name: String, shape: [Int], int32s: [Int32]) {
        self.init(name: name, dtype: .int32, shape: shape, bytes: Self.bytes(of: int32s))
    }

    /// A U16 tensor; traps unless the elements fill the shape.
    package init(name: String, shape: [Int], uint16s: [UInt16]) {
        self.init(name: name, dtype: .uint16, shape: shape, bytes: Self.bytes(of: uint16s))
    }

    /// A U8 tensor; traps unless the elements fill the shape.
    package init(name: String, shape: [Int], uint8s: [UInt8]) {
        self.init(name: name, dtype: .uint8, shape: shape, bytes: uint8s)
    }

    /// The elements' bytes in memory, which on x86-64 are little-endian.
    private static func bytes<Element: BitwiseCopyable>(of elements: [Element]) -> [UInt8] {
        elements.withUnsafeBytes { Array($0) }
    }
}

/// Writes safetensors files whose bytes are a pure function of their content.
package enum SafetensorsWriter {
    /// The bytes of a file with these tensors and texts, in whatever order they are given.
    ///
    /// The widest elements come first and then names in the order of their UTF-8 bytes, as in the reference implementation,
    /// so that with the header padded to eight bytes every tensor is aligned. Metadata stand in the order of their keys,
    /// so equal content has equal digests. Traps on two tensors of one name.
    package static func encode(_ tensors: [SafetensorsTensor], metadata: [String: String] = [:]) -> [UInt8] {
        precondition(Set(tensors.map(\.name)).count == tensors.count, "two tensors have the same name")
        let ordered = tensors.sorted { a, b in
            a.dtype.byteCount != b.dtype.byteCount
                ? a.dtype.byteCount > b.dtype.byteCount : a.name.utf8.lexicographicallyPrecedes(b.name.utf8)
        }
        var header = headerText(of: ordered, metadata: metadata)
        header.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - header.count % 8) % 8))
        precondition(header.count <= SafetensorsFile.headerByteLimit, "the header is longer than the format allows")

        var bytes: [UInt8] = []
        bytes.reserveCapacity(8 + header.count + ordered.reduce(0) { $0 + $1.bytes.count })
        withUnsafeBytes(of: UInt64(header.count).littleEndian) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: header)
        for tensor in ordered { bytes.append(contentsOf: tensor.bytes) }
        return bytes
    }

    private static func headerText(of tensors: [SafetensorsTensor], metadata: [String: String]) -> [UInt8] {
        var members: [String] = []
        if !metadata.isEmpty {
            let texts = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
                .map { "\(quoted($0.key)):\(quoted($0.value))" }
            members.append("\"__metadata__\":{\(texts.joined(separator: ","))}")
        }
        var offset = 0
        for tensor in tensors {
            let end = offset + tensor.bytes.count
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            members.append(
                "\(quoted(tensor.name)):{\"dtype\":\"\(tensor.dtype.rawValue)\",\"shape\":[\(shape)],"
                    + "\"data_offsets\":[\(offset),\(end)]}")
            offset = end
        }
        return Array("{\(members.joined(separator: ","))}".utf8)
    }

    /// A JSON text, escaped only where JSON demands it.
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\u{8}": quoted += "\\b"
            case "\t": quoted += "\\t"
            case "\n": quoted += "\\n"
            case "\u{C}": quoted += "\\f"
            case "\r": quoted += "\\r"
            case _ where scalar.value < 0x20:
                quoted += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
