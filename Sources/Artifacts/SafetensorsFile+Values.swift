/// A tensor's values, row-major. Each call reads that tensor's bytes alone; all throw `.missingTensor`.
///
/// I64, U64, C64 and the floats below 16 bits are listed but not converted to floats: `rawBytes` has them as they stand.
extension SafetensorsFile {
    /// The bytes as they stand in the file, whatever the type.
    package func rawBytes(_ name: String) throws(SafetensorsError) -> [UInt8] {
        let entry = try present(name)
        return storage.withBytes { Array($0[entry.dataRange]) }
    }

    /// A tensor of floats: F32, F16 and BF16 exactly, F64 to nearest.
    ///
    /// Throws `.wrongType` for any other type, and `.wrongValue` for a finite F64 that would become infinite.
    package func floats(_ name: String) throws(SafetensorsError) -> [Float] {
        let entry = try present(name)
        switch entry.dtype {
        case .float32: return elements(of: entry)
        case .float16: return try elements(of: entry) { bits, _ in HalfPrecision.float(float16: bits) }
        case .bfloat16: return try elements(of: entry) { bits, _ in HalfPrecision.float(bfloat16: bits) }
        case .float64:
            return try elements(of: entry) { (value: Double, element) throws(SafetensorsError) in
                let nearest = Float(value)
                guard nearest.isFinite || !value.isFinite else {
                    throw .wrongValue(
                        file: file, name: name, element: element, actual: "\(value)",
                        expected: "at most \(Float.greatestFiniteMagnitude) in magnitude")
                }
                return nearest
            }
        default: throw wrongType(entry, expected: "F32, F16, BF16 or F64")
        }
    }

    /// A tensor of any type whose every value is a `Double` exactly: the floats from 16 bits on, the integers up to 32 bits,
    /// and BOOL as 0 and 1.
    ///
    /// Throws `.wrongType` for any other type, and `.wrongValue` for a BOOL that is neither.
    package func doubles(_ name: String) throws(SafetensorsError) -> [Double] {
        let entry = try present(name)
        switch entry.dtype {
        case .float64: return elements(of: entry)
        case .float32: return try elements(of: entry) { (value: Float, _) in Double(value) }
        case .float16: return try elements(of: entry) { bits, _ in Double(HalfPrecision.float(float16: bits)) }
        case .bfloat16: return try elements(of: entry) { bits, _ in Double(HalfPrecision.float(bfloat16: bits)) }
        case .int32: return try elements(of: entry) { (value: Int32, _) in Double(value) }
        case .uint32: return try elements(of: entry) { (value: UInt32, _) in Double(value) }
        case .int16: return try elements(of: entry) { (value: Int16, _) in Double(value) }
        case .uint16: return try elements(of: entry) { (value: UInt16, _) in Double(value) }
        case .int8: return try elements(of: entry) { (value: Int8, _) in Double(value) }
        case .uint8: return try elements(of: entry) { (value: UInt8, _) in Double(value) }
        case .bool:
            return try elements(of: entry) { (value: UInt8, element) throws(SafetensorsError) in
                guard value <= 1 else {
                    throw .wrongValue(file: file, name: name, element: element, actual: "\(value)", expected: "0 or 1")
                }
                return Double(value)
            }
        case .int64, .uint64, .complex64, .float4, .float6E2M3, .float6E3M2, .float8E4M3, .float8E4M3FNUZ, .float8E5M2,
            .float8E5M2FNUZ, .float8E8M0:
            throw wrongType(entry, expected: "F64, F32, F16, BF16, I32, U32, I16, U16, I8, U8 or BOOL")
        }
    }

    /// A tensor of integers: I64, or any narrower integer. Throws `.wrongType` for any other type.
    package func int64s(_ name: String) throws(SafetensorsError) -> [Int64] {
        let entry = try present(name)
        switch entry.dtype {
        case .int64: return elements(of: entry)
        case .int32: return try elements(of: entry) { (value: Int32, _) in Int64(value) }
        case .uint32: return try elements(of: entry) { (value: UInt32, _) in Int64(value) }
        case .int16: return try elements(of: entry) { (value: Int16, _) in Int64(value) }
        case .uint16: return try elements(of: entry) { (value: UInt16, _) in Int64(value) }
        case .int8: return try elements(of: entry) { (value: Int8, _) in Int64(value) }
        case .uint8: return try elements(of: entry) { (value: UInt8, _) in Int64(value) }
        default: throw wrongType(entry, expected: "I64, I32, U32, I16, U16, I8 or U8")
        }
    }

    /// A U8 tensor; throws `.wrongType` for any other.
    package func uint8s(_ name: String) throws(SafetensorsError) -> [UInt8] {
        let entry = try present(name)
        guard entry.dtype == .uint8 else { throw wrongType(entry, expected: "U8") }
        return elements(of: entry)
    }

    private func present(_ name: String) throws(SafetensorsError) -> Entry {
        guard let entry = entry(name) else { throw .missingTensor(file: file, name: name) }
        return entry
    }

    private func wrongType(_ entry: Entry, expected: String) -> SafetensorsError {
        .wrongType(file: file, name: entry.name, actual: entry.dtype.rawValue, expected: expected)
    }

    /// The elements by one copy: the file may not be aligned for them. `Element` must be the type's own layout.
    private func elements<Element: BitwiseCopyable>(of entry: Entry) -> [Element] {
        storage.withBytes { buffer in
            [Element](unsafeUninitializedCapacity: entry.count) { elements, count in
                let source = UnsafeRawBufferPointer(rebasing: buffer[entry.dataRange])
                UnsafeMutableRawBufferPointer(elements).copyMemory(from: source)
                count = entry.count
            }
        }
    }

    /// The elements, each converted from the type's own layout; `convert` also gets the element's number.
    private func elements<Stored: BitwiseCopyable, Element>(
        of entry: Entry, _ convert: (Stored, Int) throws(SafetensorsError) -> Element
    ) throws(SafetensorsError) -> [Element] {
        try storage.withBytes { (buffer) throws(SafetensorsError) in
            var elements: [Element] = []
            elements.reserveCapacity(entry.count)
            for (element, offset) in stride(
                from: entry.dataRange.lowerBound, to: entry.dataRange.upperBound, by: MemoryLayout<Stored>.size
            ).enumerated() {
                elements.append(try convert(buffer.loadUnaligned(fromByteOffset: offset, as: Stored.self), element))
            }
            return elements
        }
    }
}
