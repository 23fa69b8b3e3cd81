/// A tensor as its header entry describes it, not yet compared with the data.
struct DescribedTensor {
    let name: String
    let dtype: SafetensorsType
    let shape: [Int]
    let begin: Int
    let end: Int
}

/// Reads exactly the JSON that a safetensors header may be: two levels of objects, texts and whole numbers.
///
/// Not Foundation's JSON: that keeps one of two equal names silently, turns numbers into doubles, and names no byte. Nothing
/// here calls itself, so no header is too deep; the worst header makes this allocate about ten times its length.
struct SafetensorsHeaderScanner {
    /// The most extents of a shape, as in NumPy 2 and above every layer's.
    static let extentLimit = 64

    let bytes: UnsafeRawBufferPointer
    var position: Int
    let file: String

    mutating func header() throws(SafetensorsError) -> (tensors: [DescribedTensor], metadata: [String: String]) {
        var tensors: [DescribedTensor] = []
        var metadata: [String: String] = [:]
        // By their bytes: Swift takes "é" and "e" with a combining accent for equal, the format does not.
        var names: Set<[UInt8]> = []
        // The format wants the brace first, without a space before it.
        guard position < bytes.count, bytes[position] == UInt8(ascii: "{") else { throw unexpected("\"{\"") }
        try object { (scanner, name, byte) throws(SafetensorsError) in
            guard names.insert(Array(name.utf8)).inserted else {
                throw SafetensorsError.duplicateName(file: scanner.file, byte: byte, name: name)
            }
            if name == "__metadata__" {
                try scanner.object { (scanner, key, byte) throws(SafetensorsError) in
                    guard metadata.updateValue(try scanner.text(), forKey: key) == nil else {
                        throw SafetensorsError.duplicateName(file: scanner.file, byte: byte, name: key)
                    }
                }
            } else {
                tensors.append(try scanner.tensor(name))
            }
        }
        skipSpaces()
        guard position == bytes.count else { throw unexpected("only spaces after the closing brace") }
        return (tensors, metadata)
    }

    private mutating func tensor(_ name: String) throws(SafetensorsError) -> DescribedTensor {
        var dtype: SafetensorsType?
        var shape: [Int]?
        var offsets: [Int]?
        skipSpaces()
        let start = position
        try object { (scanner, key, byte) throws(SafetensorsError) in
            let isRepeated: Bool
            switch key {
            case "dtype":
                isRepeated = dtype != nil
                scanner.skipSpaces()
                let byte = scanner.position
                let type = try scanner.text()
                dtype = SafetensorsType(rawValue: type)
                if dtype == nil {
                    throw SafetensorsError.unknownType(file: scanner.file, byte: byte, name: name, type: type)
                }
            case "shape":
                isRepeated = shape != nil
                shape = try scanner.numbers(atMost: Self.extentLimit)
            case "data_offsets":
                isRepeated = offsets != nil
                scanner.skipSpaces()
                let byte = scanner.position
                let pair = try scanner.numbers(atMost: 2)
                guard pair.count == 2 else { throw scanner.malformed(at: byte, "\(pair.count) data offsets", expected: "2") }
                offsets = pair
            default:
                throw scanner.malformed(
                    at: byte, "the key \(SafetensorsError.quoted(key))", expected: "dtype, shape or data_offsets")
            }
            if isRepeated { throw SafetensorsError.duplicateName(file: scanner.file, byte: byte, name: key) }
        }
        guard let dtype, let shape, let offsets else {
            throw malformed(at: start, "an incomplete tensor", expected: "dtype, shape and data_offsets")
        }
        return DescribedTensor(name: name, dtype: dtype, shape: shape, begin: offsets[0], end: offsets[1])
    }

    // MARK: JSON

    /// An object; `member` reads each value, and gets its name and the byte where that stands.
    private mutating func object(
        _ member: (inout SafetensorsHeaderScanner, String, Int) throws(SafetensorsError) -> Void
    ) throws(SafetensorsError) {
        try expect("{")
        if accept("}") { return }
        repeat {
            skipSpaces()
            let byte = position
            let name = try text()
            try expect(":")
            try member(&self, name, byte)
        } while accept(",")
        try expect("}")
    }

    /// An array of whole numbers from 0 on.
    private mutating func numbers(atMost limit: Int) throws(SafetensorsError) -> [Int] {
        var numbers: [Int] = []
        try expect("[")
        if accept("]") { return numbers }
        repeat {
            guard numbers.count < limit else { throw unexpected("at most \(limit) numbers") }
            numbers.append(try number())
        } while accept(",")
        try expect("]")
        return numbers
    }

    private mutating func number() throws(SafetensorsError) -> Int {
        skipSpaces()
        let start = position
        var value = 0
        while position < bytes.count, case let digit = bytes[position], (48...57).contains(digit) {
            let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carried) = tenfold.addingReportingOverflow(Int(digit) - 48)
            guard !overflow, !carried else { throw malformed(at: start, "a number above 2^63 - 1", expected: "a smaller one") }
            value = sum
            position += 1
        }
        guard position > start else { throw unexpected("a whole number from 0 on") }
        guard position == start + 1 || bytes[start] != UInt8(ascii: "0") else {
            throw malformed(at: start, "a number with a leading zero", expected: "none")
        }
        return value
    }

    private mutating func text() throws(SafetensorsError) -> String {
        try expect("\"")
        let start = position
        var utf8: [UInt8] = []
        while true {
            guard position < bytes.count else { throw unexpected("a closing quotation mark") }
            let byte = bytes[position]
            guard byte >= 0x20 else { throw unexpected("an escaped control character") }
            position += 1
            if byte == UInt8(ascii: "\"") { break }
            if byte == UInt8(ascii: "\\") {
                utf8.append(contentsOf: try escaped())
            } else {
                utf8.append(byte)
            }
        }
        guard let text = String(validating: utf8, as: UTF8.self) else {
            throw malformed(at: start, "a text that is not UTF-8", expected: "UTF-8")
        }
        return text
    }

    /// The character after a backslash, as UTF-8.
    private mutating func escaped() throws(SafetensorsError) -> [UInt8] {
        guard position < bytes.count else { throw unexpected("an escaped character") }
        let start = position
        position += 1
        switch bytes[start] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [bytes[start]]
        case UInt8(ascii: "b"): return [8]
        case UInt8(ascii: "t"): return [9]
        case UInt8(ascii: "n"): return [10]
        case UInt8(ascii: "f"): return [12]
        case UInt8(ascii: "r"): return [13]
        case UInt8(ascii: "u"):
            var code = UInt32(try codeUnit())
            if (0xD800...0xDBFF).contains(code) {
                let hasLow =
                    position + 1 < bytes.count && bytes[position] == UInt8(ascii: "\\")
                    && bytes[position + 1] == UInt8(ascii: "u")
                guard hasLow else { throw malformed(at: start, "half a surrogate pair", expected: "both halves") }
                position += 2
                let low = UInt32(try codeUnit())
                guard (0xDC00...0xDFFF).contains(low) else {
                    throw malformed(at: start, "half a surrogate pair", expected: "both halves")
                }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else {
                throw malformed(at: start, "half a surrogate pair", expected: "both halves")
            }
            return Array(String(Character(scalar)).utf8)
        default:
            position = start
            throw unexpected("one of \" \\ / b f n r t u after a backslash")
        }
    }

    private mutating func codeUnit() throws(SafetensorsError) -> UInt16 {
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard position < bytes.count, let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
                throw unexpected("four hexadecimal digits")
            }
            value = value << 4 | UInt16(digit)
            position += 1
        }
        return value
    }

    private mutating func skipSpaces() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    private mutating func accept(_ character: Unicode.Scalar) -> Bool {
        skipSpaces()
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(SafetensorsError) {
        guard accept(character) else { throw unexpected("\"\(character)\"") }
    }

    private func unexpected(_ expected: String) -> SafetensorsError {
        let actual: String
        if position >= bytes.count {
            actual = "its end"
        } else if (0x21...0x7E).contains(bytes[position]) {
            actual = "\"\(Unicode.Scalar(bytes[position]))\""
        } else {
            actual = "the byte \(bytes[position])"
        }
        return malformed(at: position, actual, expected: expected)
    }

    private func malformed(at byte: Int, _ actual: String, expected: String) -> SafetensorsError {
        .malformedHeader(file: file, byte: byte, actual: actual, expected: expected)
    }
}
