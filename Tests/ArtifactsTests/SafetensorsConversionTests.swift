import Artifacts
import Digests
import Foundation
import Testing

/// F16, BF16 and F64 as 32-bit floats and back, through files.
@Suite struct SafetensorsConversionTests {
    /// A floating-point format of 16 bits, as IEEE 754 describes it: in powers of two, without a look at any 32-bit pattern.
    struct Format: Sendable, CustomTestStringConvertible {
        let dtype: SafetensorsType
        let exponentBits: Int
        let fractionBits: Int

        var testDescription: String { dtype.rawValue }

        /// What a pattern stands for.
        func value(_ bits: UInt16) -> Double {
            let sign: Double = bits >> 15 == 1 ? -1 : 1
            let fraction = Double(Int(bits) & (1 << fractionBits - 1))
            let exponent = Int(bits) >> fractionBits & (1 << exponentBits - 1)
            let bias = 1 << (exponentBits - 1) - 1
            if exponent == 1 << exponentBits - 1 { return fraction == 0 ? sign * .infinity : .nan }
            if exponent == 0 { return sign * scalbn(fraction, 1 - bias - fractionBits) }
            return sign * scalbn(1 + scalbn(fraction, -fractionBits), exponent - bias)
        }

        func tensor(_ values: [Float]) -> SafetensorsTensor {
            dtype == .float16
                ? SafetensorsTensor(name: "x", shape: [values.count], float16s: values)
                : SafetensorsTensor(name: "x", shape: [values.count], bfloat16s: values)
        }

        func tensor(_ patterns: [UInt16]) -> SafetensorsTensor {
            let bytes = patterns.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
            return SafetensorsTensor(name: "x", dtype: dtype, shape: [patterns.count], bytes: bytes)
        }
    }

    static let formats = [
        Format(dtype: .float16, exponentBits: 5, fractionBits: 10), Format(dtype: .bfloat16, exponentBits: 8, fractionBits: 7),
    ]

    private func file(_ tensor: SafetensorsTensor) throws -> SafetensorsFile {
        try SafetensorsFile(bytes: SafetensorsWriter.encode([tensor]))
    }

    private func patterns(_ bytes: [UInt8]) -> [UInt16] {
        stride(from: 0, to: bytes.count, by: 2).map { UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8 }
    }

    @Test("all 65,536 patterns have their value, as float and as double, and become themselves again", arguments: formats)
    func everyPattern(format: Format) throws {
        let all = (0...UInt16.max).map { $0 }
        let file = try file(format.tensor(all))
        let floats = try file.floats("x")
        let doubles = try file.doubles("x")
        let again = patterns(format.tensor(floats).bytes)
        var wrong: [UInt16] = []
        for bits in all {
            let expected = format.value(bits)
            let (float, double) = (floats[Int(bits)], doubles[Int(bits)])
            let isRight =
                if expected.isNaN {
                    float.isNaN && double.isNaN && format.value(again[Int(bits)]).isNaN && again[Int(bits)] >> 15 == bits >> 15
                } else {
                    Double(float).bitPattern == expected.bitPattern && double.bitPattern == expected.bitPattern
                        && again[Int(bits)] == bits
                }
            if !isRight { wrong.append(bits) }
        }
        #expect(wrong == [])
    }

    @Test("between all neighbours a value goes to the nearer one, and from the middle to the even one", arguments: formats)
    func rounding(format: Format) {
        let infinity = UInt16((1 << format.exponentBits - 1) << format.fractionBits)
        var values: [Float] = []
        var expected: [UInt16] = []
        for lower in 0..<infinity {
            // Beyond the greatest finite value stands, for rounding, the next power of two.
            let upper = lower + 1 == infinity ? scalbn(1, 1 << (format.exponentBits - 1)) : format.value(lower + 1)
            let middle = Float((format.value(lower) + upper) / 2)
            // A 32-bit float has the precision and the range for it in both formats.
            #expect(Double(middle) * 2 == format.value(lower) + upper)
            let even = lower % 2 == 0 ? lower : lower + 1
            for sign in [0, 0x8000] as [UInt16] {
                let signed = sign == 0 ? middle : -middle
                values += [signed, sign == 0 ? middle.nextDown : -middle.nextDown, sign == 0 ? middle.nextUp : -middle.nextUp]
                expected += [sign | even, sign | lower, sign | (lower + 1)]
            }
        }
        let actual = patterns(format.tensor(values).bytes)
        #expect(zip(zip(values, actual), expected).filter { $0.1 != $1 }.map(\.0.0) == [])
        #expect(values.count == 6 * Int(infinity))
    }

    /// The SHA-256 of 16-bit or 32-bit patterns, little-endian, every NaN replaced by `nan`.
    private func digest<Pattern: FixedWidthInteger & BitwiseCopyable>(
        _ patterns: [Pattern], isNaN: [Bool], nan: Pattern
    ) -> String {
        zip(patterns, isNaN).map { $1 ? nan : $0 }.withUnsafeBytes { Digest(of: $0).hex }
    }

    @Test("torch converts all patterns, and a grid of 32-bit floats, to the same bits")
    func torch() throws {
        let all = (0...UInt16.max).map { $0 }
        let grid = (0..<65536 as Range<UInt32>).map { Float(bitPattern: $0 &* 65521) }
        let references = [
            (SafetensorsReference.float16Values, SafetensorsReference.float16Roundings, 0x7E00 as UInt16),
            (SafetensorsReference.bfloat16Values, SafetensorsReference.bfloat16Roundings, 0x7FC0),
        ]
        for (format, (values, roundings, nan)) in zip(Self.formats, references) {
            let floats = try file(format.tensor(all)).floats("x")
            #expect(digest(floats.map(\.bitPattern), isNaN: floats.map(\.isNaN), nan: 0x7FC0_0000) == values)
            let rounded = patterns(format.tensor(grid).bytes)
            #expect(digest(rounded, isNaN: grid.map(\.isNaN), nan: nan) == roundings)
        }
    }

    @Test("torch converts delicate values to the same bits, and F64 gives them back")
    func delicateValues() throws {
        let file = try SafetensorsFile(bytes: SafetensorsReference.conversions)
        let source = try file.floats("source")
        #expect(source.count > 300)
        for (name, format) in zip(["f16", "bf16"], Self.formats) {
            let actual = patterns(format.tensor(source).bytes)
            let expected = patterns(try file.rawBytes(name))
            for (index, value) in source.enumerated() where !value.isNaN {
                #expect(actual[index] == expected[index], "\(value) as \(name)")
            }
            let halves = try file.floats(name)
            #expect(source.indices.filter { halves[$0].isNaN } == source.indices.filter { source[$0].isNaN })
        }
        let doubles = try file.doubles("f64")
        let narrowed = try file.floats("f64")
        for (index, value) in source.enumerated() where !value.isNaN {
            #expect(doubles[index].bitPattern == Double(value).bitPattern)
            #expect(narrowed[index].bitPattern == value.bitPattern)
        }
        #expect(source.indices.filter { doubles[$0].isNaN && narrowed[$0].isNaN } == source.indices.filter { source[$0].isNaN })
    }

    @Test("an F64 becomes the nearest float; one that would become infinite is an error that names it")
    func doubles() throws {
        // 1 + 2^-24 lies halfway and goes to the even 1; 2^128 - 2^103 lies halfway to 2^128 and goes there.
        let half = 0x1p128 - 0x1p103
        let values = [1 + 0x1p-24, 1 + 0x1.000002p-24, 0x1p-150, 0x1.8p-150, half.nextDown, -.infinity, .infinity, -0.0]
        let floats = try file(SafetensorsTensor(name: "x", shape: [8], doubles: values)).floats("x")
        let expected: [Float] = [
            1, 1 + 0x1p-23, 0, 0x1p-149, .greatestFiniteMagnitude, -.infinity, .infinity, -0.0,
        ]
        #expect(floats.map(\.bitPattern) == expected.map(\.bitPattern))
        #expect(try file(SafetensorsTensor(name: "x", shape: [], doubles: [.nan])).floats("x")[0].isNaN)
        for value in [half, -half, .greatestFiniteMagnitude] {
            let file = try file(SafetensorsTensor(name: "x", shape: [3, 1], doubles: [0, .infinity, value]))
            let error = #expect(throws: SafetensorsError.self) { try file.floats("x") }
            #expect(
                error?.errorDescription == "bytes in memory: element 2 of the tensor \"x\" is \(value), "
                    + "expected at most 3.4028235e+38 in magnitude")
            #expect(try file.doubles("x") == [0, .infinity, value])
        }
    }

    @Test("integers and BOOL are exact doubles; a BOOL other than 0 and 1 is an error")
    func integers() throws {
        let bytes: [UInt8] = [0x80, 0xFF, 0x7F, 0x01, 0xFE, 0xFF, 0xFF, 0xFF]
        let expected: [(SafetensorsType, [Int64])] = [
            (.uint8, [128, 255, 127, 1, 254, 255, 255, 255]), (.int8, [-128, -1, 127, 1, -2, -1, -1, -1]),
            (.uint16, [65408, 383, 65534, 65535]), (.int16, [-128, 383, -2, -1]),
            (.uint32, [25_165_696, 4_294_967_294]), (.int32, [25_165_696, -2]),
        ]
        for (dtype, values) in expected {
            let file = try file(SafetensorsTensor(name: "x", dtype: dtype, shape: [values.count], bytes: bytes))
            #expect(try file.int64s("x") == values)
            #expect(try file.doubles("x") == values.map(Double.init))
            #expect(throws: SafetensorsError.self) { try file.floats("x") }
        }
        let bools = try file(SafetensorsTensor(name: "x", dtype: .bool, shape: [3], bytes: [1, 0, 1]))
        #expect(try bools.doubles("x") == [1, 0, 1])
        #expect(throws: SafetensorsError.self) { try bools.int64s("x") }
        let damaged = try file(SafetensorsTensor(name: "x", dtype: .bool, shape: [2], bytes: [1, 2]))
        #expect(
            throws: SafetensorsError.wrongValue(file: "bytes in memory", name: "x", element: 1, actual: "2", expected: "0 or 1")
        ) { try damaged.doubles("x") }
    }
}
