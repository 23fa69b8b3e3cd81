import Artifacts
import Foundation
import Testing

@Suite struct SafetensorsDamageTests {
    private static let name = "bytes in memory"

    @Test("a file cut at any byte is a typed error")
    func cuts() {
        for count in 0..<Sample.bytes.count {
            let error = #expect(throws: SafetensorsError.self) { try SafetensorsFile(bytes: Array(Sample.bytes[..<count])) }
            guard case .truncated(Self.name, count, let expected) = error else {
                Issue.record("cut at \(count): \(String(describing: error))")
                continue
            }
            #expect(expected > count)
        }
    }

    @Test("a mapped file cut at any byte is a typed error, an empty one included")
    func mappedCuts() throws {
        let path = NSTemporaryDirectory() + "sower-\(UUID().uuidString).safetensors"
        defer { unlink(path) }
        for count in stride(from: 0, to: Sample.bytes.count, by: 37) {
            try Data(Sample.bytes[..<count]).write(to: URL(fileURLWithPath: path))
            #expect(throws: SafetensorsError.self) { try SafetensorsFile(contentsOf: path) }
        }
    }

    @Test("a byte more is a typed error")
    func trailing() {
        let count = Sample.bytes.count
        #expect(throws: SafetensorsError.trailingBytes(file: Self.name, actualBytes: count + 1, expectedBytes: count)) {
            try SafetensorsFile(bytes: Sample.bytes + [0])
        }
    }

    @Test("a header with any one byte changed is read or refused, and never traps")
    func corruptions() {
        let headerEnd = 8 + Int(Sample.bytes[0]) + Int(Sample.bytes[1]) << 8
        var generator = SystemRandomNumberGenerator()
        var refused = 0
        var attempts = 0
        for position in 0..<headerEnd {
            let flips = [Sample.bytes[position] ^ (1 << UInt8.random(in: 0..<8, using: &generator)), .random(in: 0...255)]
            for byte in flips + Array("\"\\{}[],:0-9e.".utf8) {
                var damaged = Sample.bytes
                damaged[position] = byte
                attempts += 1
                do {
                    let file = try SafetensorsFile(bytes: damaged)
                    for entry in file.entries {
                        #expect(try file.rawBytes(entry.name).count == entry.dataRange.count)
                        for count in [try? file.floats(entry.name).count, try? file.doubles(entry.name).count] {
                            #expect(count == nil || count == entry.count)
                        }
                    }
                } catch {
                    refused += 1
                }
            }
        }
        #expect(attempts > 5000)
        #expect(refused > attempts / 4)
    }

    @Test("a header of random punctuation never traps")
    func noise() {
        let alphabet = Array("{{}[]\"\"::,\\u0dF3 -9\u{0}".utf8) + [0xFF, 0xC3]
        for _ in 0..<20_000 {
            let header = [UInt8(ascii: "{")] + (0..<Int.random(in: 0..<40)).map { _ in alphabet.randomElement()! }
            _ = try? SafetensorsFile(bytes: safetensors(header, data: 4))
        }
    }

    @Test(
        "a header length beyond the format's limit or the file is refused before it is believed",
        arguments: [
            100_000_001, UInt64(Int64.max), .max,
        ])
    func longHeaders(length: UInt64) {
        #expect(throws: SafetensorsError.headerTooLong(file: Self.name, actualBytes: length, limit: 100_000_000)) {
            try SafetensorsFile(bytes: safetensors("{}", length: length))
        }
        #expect(throws: SafetensorsError.truncated(file: Self.name, actualBytes: 10, expectedBytes: 100_000_008)) {
            try SafetensorsFile(bytes: safetensors("{}", length: 100_000_000))
        }
    }

    @Test(
        "a header that is not the format's JSON is refused",
        arguments: [
            "", " {}", "[]", "null", "{", "{}}", "{}x", "{,}", "{\"w\"}", "{\"w\":1}", "{\"w\":{}}", "{\"w\":{},}", "{'w':{}}",
            oneTensor("\"F32\"", "[1.0]", "[0,4]"), oneTensor("\"F32\"", "[1e0]", "[0,4]"), oneTensor("\"F32\"", "[-1]", "[0,4]"),
            oneTensor("\"F32\"", "[01]", "[0,4]"), oneTensor("\"F32\"", "[true]", "[0,4]"), oneTensor("\"F32\"", "[\"1\"]", "[0,4]"),
            oneTensor("\"F32\"", "[[1]]", "[0,4]"), oneTensor("\"F32\"", "[1,]", "[0,4]"), oneTensor("\"F32\"", "1", "[0,4]"),
            oneTensor("\"F32\"", "[9223372036854775808]", "[0,4]"), oneTensor("\"F32\"", "[99999999999999999999999]", "[0,4]"),
            oneTensor("\"F32\"", "[1]", "[4]"), oneTensor("\"F32\"", "[1]", "[0,4,4]"), oneTensor("\"F32\"", "[1]", "[]"),
            oneTensor("\"U8\"", "[0\(String(repeating: ",0", count: 64))]", "[0,0]"), oneTensor("\"F32\"", "[1]", "[-0,4]"),
            oneTensor("\"F32\"", "[1]", "[0,18446744073709551620]"), oneTensor("\"F32\"", "[1]", "[0,4e0]"),
            oneTensor("\"F32\"", "[1]", "null"), oneTensor("null", "[1]", "[0,4]"), oneTensor("\"F32\",\"more\":1", "[1]", "[0,4]"),
            "{\"__metadata__\":{\"a\":1}}", "{\"__metadata__\":[]}", "{\"__metadata__\":{\"a\":\"\\x\"}}",
            "{\"__metadata__\":{\"a\":\"\\ud834\"}}", "{\"__metadata__\":{\"a\":\"\\udd1e\"}}",
            "{\"__metadata__\":{\"a\":\"\\ud834\\u0041\"}}", "{\"__metadata__\":{\"a\":\"\\u00g0\"}}",
            "{\"__metadata__\":{\"a\":\"\n\"}}", "{\"__metadata__\":{\"a\":\"", "{\"__metadata__\":{\"a\":\"\\",
            String(repeating: "{\"a\":", count: 100_000),
        ])
    func malformedHeaders(header: String) {
        let error = #expect(throws: SafetensorsError.self) { try SafetensorsFile(bytes: safetensors(header, data: 4)) }
        guard case .malformedHeader(Self.name, let byte, _, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect((8...8 + header.utf8.count).contains(byte))
    }

    @Test("a text that is not UTF-8 is refused")
    func invalidUTF8() {
        let header = Array("{\"__metadata__\":{\"a\":\"".utf8) + [0xC3, 0x28] + Array("\"}}".utf8)
        #expect(throws: SafetensorsError.self) { try SafetensorsFile(bytes: safetensors(header, data: 0)) }
    }

    @Test(
        "a name or key that stands twice is refused",
        arguments: [
            (
                #"{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\u0077":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#,
                "w"
            ),
            ("{\"__metadata__\":{},\"__metadata__\":{}}", "__metadata__"), ("{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}", "a"),
            ("{\"w\":{\"dtype\":\"U8\",\"shape\":[0],\"shape\":[0],\"data_offsets\":[0,0]}}", "shape"),
        ])
    func duplicates(header: String, name: String) {
        let error = #expect(throws: SafetensorsError.self) { try SafetensorsFile(bytes: safetensors(header)) }
        guard case .duplicateName(Self.name, _, name) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(
        "sizes and offsets that disagree are refused",
        arguments: [
            (
                oneTensor("\"F32\"", "[2]", "[0,4]"),
                SafetensorsError.wrongSize(file: name, name: "w", actualBytes: 4, expectedBytes: 8)
            ),
            (oneTensor("\"F32\"", "[1]", "[0,3]"), .wrongSize(file: name, name: "w", actualBytes: 3, expectedBytes: 4)),
            (
                oneTensor("\"F32\"", "[4294967296,4294967296]", "[0,4]"),
                .wrongSize(file: name, name: "w", actualBytes: 4, expectedBytes: nil)
            ),
            (
                oneTensor("\"F32\"", "[9223372036854775807,0]", "[0,0]"),
                .wrongSize(file: name, name: "w", actualBytes: 0, expectedBytes: nil)
            ),
            (oneTensor("\"U8\"", "[4]", "[4,0]"), .notContiguous(file: name, name: "w", actualOffset: 4, expectedOffset: 0)),
            (oneTensor("\"U8\"", "[3]", "[1,4]"), .notContiguous(file: name, name: "w", actualOffset: 1, expectedOffset: 0)),
            (
                oneTensor("\"F32\"", "[0,4294967296,4294967296]", "[0,0]"),
                .wrongSize(file: name, name: "w", actualBytes: 0, expectedBytes: nil)
            ),
            (oneTensor("\"F4\"", "[7]", "[0,4]"), .wrongSize(file: name, name: "w", actualBytes: 4, expectedBytes: nil)),
            (oneTensor("\"F6_E2M3\"", "[3,2]", "[0,4]"), .wrongSize(file: name, name: "w", actualBytes: 4, expectedBytes: nil)),
            (oneTensor("\"U8\"", "[]", "[0,4]"), .wrongSize(file: name, name: "w", actualBytes: 4, expectedBytes: 1)),
            (oneTensor("\"U8\"", "[0]", "[0,4]"), .wrongSize(file: name, name: "w", actualBytes: 4, expectedBytes: 0)),
            (
                oneTensor("\"U8\"", "[9223372036854775807]", "[0,9223372036854775807]"),
                .wrongSize(file: name, name: "w", actualBytes: .max, expectedBytes: nil)
            ),
            (
                oneTensor("\"U8\"", "[1152921504606846975]", "[0,1152921504606846975]"),
                .truncated(file: name, actualBytes: 101, expectedBytes: 97 + 1_152_921_504_606_846_975)
            ),
            (
                oneTensor("\"U8\"", "[1]", "[9223372036854775806,9223372036854775807]"),
                .notContiguous(file: name, name: "w", actualOffset: .max - 1, expectedOffset: 0)
            ),
            (oneTensor("\"U8\"", "[3]", "[0,3]"), .trailingBytes(file: name, actualBytes: 65, expectedBytes: 64)),
            (oneTensor("\"F8\"", "[4]", "[0,4]"), .unknownType(file: name, byte: 22, name: "w", type: "F8")),
            (
                #"{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}"#,
                .notContiguous(file: name, name: "b", actualOffset: 2, expectedOffset: 3)
            ),
            (
                #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}"#,
                .notContiguous(file: name, name: "b", actualOffset: 2, expectedOffset: 1)
            ),
            (
                #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[2],"data_offsets":[4,2]}}"#,
                .wrongSize(file: name, name: "b", actualBytes: -2, expectedBytes: 2)
            ),
        ])
    func wrongSizes(header: String, expected: SafetensorsError) {
        #expect(throws: expected) { try SafetensorsFile(bytes: safetensors(header, data: 4)) }
        #expect(expected.errorDescription?.hasPrefix(Self.name) == true)
        #expect(expected.recoverySuggestion?.isEmpty == false)
    }

    @Test("the header of any bytes is read or refused without a file")
    func header() throws {
        for count in 0..<Sample.bytes.count {
            Sample.bytes.withUnsafeBytes { bytes in
                let cut = UnsafeRawBufferPointer(rebasing: bytes[..<count])
                #expect(throws: SafetensorsError.self) { try SafetensorsHeader(of: cut, file: "cut") }
            }
        }
        let header = try Sample.bytes.withUnsafeBytes { try SafetensorsHeader(of: $0, file: "whole") }
        #expect(header.entries.count == Sample.tensors.count)
        #expect(header.metadata == Sample.metadata)
    }

    @Test("a name in an error is short and has no control characters")
    func hostileNames() {
        let name = "é\u{1B}[2J\n\u{9B}\u{202E}" + String(repeating: "e\u{301}", count: 1000)
        let description = SafetensorsError.missingTensor(file: "f", name: name).errorDescription ?? ""
        #expect(description.hasPrefix(#"f: there is no tensor "é\u{1B}[2J\n\u{009B}\u{202E}"#))
        #expect(description.unicodeScalars.count < 140)
        #expect(!description.unicodeScalars.contains { $0.value < 0x20 })
    }

    @Test("an error names the file, the byte, what is there and what should be")
    func wording() {
        let error = #expect(throws: SafetensorsError.self) { try SafetensorsFile(bytes: safetensors("{\"w\":[]}")) }
        #expect(error?.errorDescription == "bytes in memory: at byte 13, the header has \"[\", expected \"{\"")
    }
}
