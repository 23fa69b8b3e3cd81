import Artifacts
import Foundation
import Testing

@Suite struct SafetensorsTests {
    @Test("what is written is read back, from memory and from a mapped file")
    func roundTrip() throws {
        let path = NSTemporaryDirectory() + "sower-\(UUID().uuidString).safetensors"
        try Data(Sample.bytes).write(to: URL(fileURLWithPath: path))
        defer { unlink(path) }
        for file in [try SafetensorsFile(bytes: Sample.bytes), try SafetensorsFile(contentsOf: path)] {
            #expect(file.metadata == Sample.metadata)
            #expect(Set(file.entries.map(\.name)) == Set(Sample.tensors.map(\.name)))
            for tensor in Sample.tensors {
                let entry = try #require(file.entry(tensor.name))
                #expect(entry.dtype == tensor.dtype)
                #expect(entry.shape == tensor.shape)
                #expect(entry.count == tensor.shape.reduce(1, *))
                #expect(try file.rawBytes(tensor.name) == tensor.bytes)
            }
            let floats = try file.floats("layer1.0.conv1.weight")
            #expect(floats.map(\.bitPattern) == [1, -2.5, .pi, 0, -0.0, .infinity].map { (value: Float) in value.bitPattern })
            #expect(try file.uint8s("bytes") == [0, 128, 255])
            #expect(try file.int64s("steps") == [.min, .max])
            #expect(try file.int64s("labels") == [-1, 7])
            #expect(try file.doubles("doubles") == [0.1])
            #expect(try file.rawBytes("half") == [0, 0x3C, 0, 0x7C])
            #expect(try file.floats("half") == [1, .infinity])
            #expect(try file.rawBytes("brain") == [0x80, 0x3F, 0xCD, 0xBD])
            #expect(try file.floats("brain") == [1, -0.10009765625])
            #expect(try file.floats("scalar") == [42])
            #expect(try file.floats("none") == [])
        }
    }

    @Test("the bytes written are those of the format, whatever order the tensors come in")
    func writtenBytes() {
        let header =
            #"{"__metadata__":{"a":"1","b":"2"},"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"#
            + #""b":{"dtype":"U8","shape":[1],"data_offsets":[8,9]}}"#
        let padded = header + String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
        let expected = safetensors(padded) + [0, 0, 128, 63, 0, 0, 0, 192] + [9]
        let tensors = [
            SafetensorsTensor(name: "b", shape: [1], uint8s: [9]), SafetensorsTensor(name: "w", shape: [1, 2], floats: [1, -2]),
        ]
        #expect(SafetensorsWriter.encode(tensors, metadata: ["b": "2", "a": "1"]) == expected)
        #expect(SafetensorsWriter.encode(tensors.reversed(), metadata: ["a": "1", "b": "2"]) == expected)
        for _ in 0..<20 {
            #expect(SafetensorsWriter.encode(Sample.tensors.shuffled(), metadata: Sample.metadata) == Sample.bytes)
        }
    }

    @Test("every tensor that is written is aligned to its element")
    func alignment() throws {
        for entry in try SafetensorsFile(bytes: Sample.bytes).entries {
            #expect(entry.dataRange.lowerBound * 8 % entry.dtype.bitCount == 0)
        }
    }

    @Test("a file without tensors, and data that are not aligned, are read")
    func unusualFiles() throws {
        #expect(try SafetensorsFile(bytes: safetensors("{}")).entries.isEmpty)
        #expect(try SafetensorsFile(bytes: safetensors("{ } \n\t")).entries.isEmpty)
        #expect(try SafetensorsFile(bytes: SafetensorsWriter.encode([])).entries.isEmpty)
        let header =
            #"{"x": {"data_offsets" : [1, 9], "shape": [2], "dtype": "F32"},"#
            + "\n" + #""\u0041\ud834\udd1e\/":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}"#
        let file = try SafetensorsFile(bytes: safetensors(header, data: 9))
        #expect(file.entries.map(\.name) == ["A𝄞/", "x"])
        #expect(try file.floats("x").map(\.bitPattern) == [0x0403_0201, 0x0807_0605])
    }

    @Test("a name is its bytes: equivalent Unicode makes two tensors")
    func equivalentNames() throws {
        let tensors = [("\u{E9}", 1), ("e\u{301}", 2)].map { SafetensorsTensor(name: $0.0, shape: [], int64s: [$0.1]) }
        let file = try SafetensorsFile(bytes: SafetensorsWriter.encode(tensors))
        #expect(file.entries.count == 2)
        #expect(try file.int64s("\u{E9}") == [1])
        #expect(try file.int64s("e\u{301}") == [2])
    }

    @Test(
        "every type of the format is listed; what no float holds exactly is bytes only",
        arguments: [
            ("F4", [16]), ("F6_E2M3", [4, 2, 1]), ("F6_E3M2", [8]), ("F8_E4M3", [6]), ("F8_E8M0", [6]), ("C64", [1]), ("U64", [1]),
        ])
    func listedTypes(type: String, shape: [Int]) throws {
        let dtype = try #require(SafetensorsType(rawValue: type))
        let count = try #require(dtype.byteCount(of: shape))
        let file = try SafetensorsFile(
            bytes: safetensors(oneTensor("\"\(type)\"", "\(shape)", "[0,\(count)]"), data: count))
        #expect(file.entries.map(\.dtype) == [dtype])
        #expect(file.entries.map(\.shape) == [shape])
        #expect(file.entries[0].count == shape.reduce(1, *))
        #expect(try file.rawBytes("w") == (0..<UInt8(count)).map { $0 })
        for expected in ["F32, F16, BF16 or F64", "F64, F32, F16, BF16, I32, U32, I16, U16, I8, U8 or BOOL"] {
            #expect(throws: SafetensorsError.wrongType(file: "bytes in memory", name: "w", actual: type, expected: expected)) {
                _ = expected.hasPrefix("F32") ? try file.floats("w").count : try file.doubles("w").count
            }
        }
        #expect(throws: SafetensorsError.self) { try file.int64s("w") }
    }

    @Test("a name that is absent and a type that differs are errors that say so")
    func wrongRequests() throws {
        let file = try SafetensorsFile(bytes: Sample.bytes)
        #expect(throws: SafetensorsError.missingTensor(file: "bytes in memory", name: "nothing")) { try file.floats("nothing") }
        #expect(throws: SafetensorsError.missingTensor(file: "bytes in memory", name: "nothing")) { try file.rawBytes("nothing") }
        let error = #expect(throws: SafetensorsError.self) { try file.floats("bytes") }
        #expect(error?.errorDescription == "bytes in memory: the tensor \"bytes\" holds U8, expected F32, F16, BF16 or F64")
        #expect(throws: SafetensorsError.self) { try file.uint8s("scalar") }
        #expect(throws: SafetensorsError.self) { try file.int64s("doubles") }
        #expect(throws: SafetensorsError.self) { try file.doubles("steps") }
        #expect(throws: SafetensorsError.self) { try file.uint8s("half") }
    }

    @Test(
        "a path that cannot be mapped is named",
        arguments: [
            ("/nowhere/at/all", ENOENT), ("/tmp", EINVAL), ("/dev/null", EINVAL),
        ])
    func unreadable(path: String, code: Int32) throws {
        let error = #expect(throws: SafetensorsError.self) { try SafetensorsFile(contentsOf: path) }
        guard case .unreadable(path, code, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }
}
