/// A tensor to be written: a name, a type, a shape and the elements, row-major.
///
/// All initializers trap unless the elements fill the shape. Arrays are shared with the caller, not copied.
package struct SafetensorsTensor: Sendable {
    package let name: String
    package let dtype: SafetensorsType
    package let shape: [Int]
    private let elements: Elements

    private enum Elements {
        case bytes([UInt8])
        case halves([UInt16])
        case floats([Float])
        case doubles([Double])
        case int64s([Int64])
    }

    private init(name: String, dtype: SafetensorsType, shape: [Int], elements: Elements) {
        self.name = name
        self.dtype = dtype
        self.shape = shape
        self.elements = elements
        precondition(name != "__metadata__", "the name __metadata__ is the format's own")
        precondition(shape.allSatisfy { $0 >= 0 }, "an extent of \(name) is negative")
        let actual = withBytes { $0.count }
        let expected = dtype.byteCount(of: shape)
        precondition(
            actual == expected,
            "\(name) has \(actual) bytes, its shape \(shape) needs \(expected.map(String.init) ?? "no whole number of them")")
    }

    /// A tensor of any type, of little-endian bytes.
    package init(name: String, dtype: SafetensorsType, shape: [Int], bytes: [UInt8]) {
        self.init(name: name, dtype: dtype, shape: shape, elements: .bytes(bytes))
    }

    /// An F32 tensor.
    package init(name: String, shape: [Int], floats: [Float]) {
        self.init(name: name, dtype: .float32, shape: shape, elements: .floats(floats))
    }

    /// An F16 tensor of values rounded to nearest, ties to even, as torch's `half()` does: from 65520 on they are infinite.
    package init(name: String, shape: [Int], float16s values: [Float]) {
        self.init(name: name, dtype: .float16, shape: shape, elements: .halves(values.map(HalfPrecision.float16)))
    }

    /// A BF16 tensor of values rounded to nearest, ties to even, as torch's `bfloat16()` does.
    /// **Differs:** a NaN keeps its sign and upper bits.
    package init(name: String, shape: [Int], bfloat16s values: [Float]) {
        self.init(name: name, dtype: .bfloat16, shape: shape, elements: .halves(values.map(HalfPrecision.bfloat16)))
    }

    /// An F64 tensor.
    package init(name: String, shape: [Int], doubles: [Double]) {
        self.init(name: name, dtype: .float64, shape: shape, elements: .doubles(doubles))
    }

    /// An I64 tensor.
    package init(name: String, shape: [Int], int64s: [Int64]) {
        self.init(name: name, dtype: .int64, shape: shape, elements: .int64s(int64s))
    }

    /// A U8 tensor.
    package init(name: String, shape: [Int], uint8s: [UInt8]) {
        self.init(name: name, dtype: .uint8, shape: shape, elements: .bytes(uint8s))
    }

    /// The elements' bytes as the file holds them, which on x86-64 and arm64 is as memory does.
    package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        switch elements {
        case .bytes(let elements): elements.withUnsafeBytes(body)
        case .halves(let elements): elements.withUnsafeBytes(body)
        case .floats(let elements): elements.withUnsafeBytes(body)
        case .doubles(let elements): elements.withUnsafeBytes(body)
        case .int64s(let elements): elements.withUnsafeBytes(body)
        }
    }
}

/// A tensor whose elements are made while it is written.
package struct SafetensorsSource {
    package let name: String
    package let dtype: SafetensorsType
    package let shape: [Int]
    /// Hands over the elements' bytes in order, in pieces of any size.
    let forEachPiece: ((UnsafeRawBufferPointer) -> Void) -> Void
    let byteCount: Int

    /// Traps on a negative extent or more elements than can be counted.
    package init(
        name: String, dtype: SafetensorsType, shape: [Int], forEachPiece: @escaping ((UnsafeRawBufferPointer) -> Void) -> Void
    ) {
        guard name != "__metadata__", shape.allSatisfy({ $0 >= 0 }), let count = dtype.byteCount(of: shape) else {
            preconditionFailure("\(name) cannot have the shape \(shape)")
        }
        self.name = name
        self.dtype = dtype
        self.shape = shape
        self.forEachPiece = forEachPiece
        byteCount = count
    }

    package init(_ tensor: SafetensorsTensor) {
        self.init(name: tensor.name, dtype: tensor.dtype, shape: tensor.shape) { body in tensor.withBytes(body) }
    }
}
