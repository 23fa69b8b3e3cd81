import Artifacts
import Foundation
import Testing

/// Files of the safetensors Python package, read here and written here.
@Suite struct SafetensorsInteroperationTests {
    /// The tensors of `every_type` in scripts/reference/safetensors_files.py.
    private static let tensors: [SafetensorsTensor] = [
        SafetensorsTensor(name: "bool", dtype: .bool, shape: [3], bytes: [1, 0, 1]),
        SafetensorsTensor(name: "u8", shape: [3], uint8s: [0, 128, 255]),
        SafetensorsTensor(name: "i8", dtype: .int8, shape: [2], bytes: [0x80, 0x7F]),
        SafetensorsTensor(name: "i16", dtype: .int16, shape: [2], bytes: [0x00, 0x80, 0xFF, 0x7F]),
        SafetensorsTensor(name: "u16", dtype: .uint16, shape: [2], bytes: [0, 0, 0xFF, 0xFF]),
        SafetensorsTensor(name: "i32", dtype: .int32, shape: [2], bytes: [0, 0, 0, 0x80, 0xFF, 0xFF, 0xFF, 0x7F]),
        SafetensorsTensor(name: "u32", dtype: .uint32, shape: [2], bytes: [0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]),
        SafetensorsTensor(name: "i64", shape: [2], int64s: [.min, .max]),
        SafetensorsTensor(
            name: "u64", dtype: .uint64, shape: [2], bytes: [UInt8](repeating: 0, count: 8) + [UInt8](repeating: 0xFF, count: 8)),
        SafetensorsTensor(name: "f16", shape: [4], float16s: [1, -2.5, 65504, 0x1p-24]),
        SafetensorsTensor(name: "bf16", shape: [4], bfloat16s: [1, -2.5, .infinity, 0x1p-133]),
        SafetensorsTensor(name: "f32", shape: [2, 3], floats: [1, -2.5, 0.1, 0, -0.0, -.infinity]),
        SafetensorsTensor(name: "f64", shape: [3], doubles: [0.1, -1e300, .leastNonzeroMagnitude]),
        SafetensorsTensor(name: "c64", dtype: .complex64, shape: [1], bytes: [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0]),
        SafetensorsTensor(name: "f8_e4m3", dtype: .float8E4M3, shape: [2], bytes: [0x38, 0xB0]),
        SafetensorsTensor(name: "f8_e5m2", dtype: .float8E5M2, shape: [2], bytes: [0x3C, 0xB8]),
        SafetensorsTensor(name: "f8_e4m3fnuz", dtype: .float8E4M3FNUZ, shape: [2], bytes: [0x40, 0xB8]),
        SafetensorsTensor(name: "f8_e5m2fnuz", dtype: .float8E5M2FNUZ, shape: [2], bytes: [0x40, 0xBC]),
        SafetensorsTensor(name: "scalar", shape: [], floats: [42]),
        SafetensorsTensor(name: "empty", shape: [0, 5], floats: []),
        SafetensorsTensor(name: "名前 \"x\"\\\n\u{1}e\u{301}", shape: [1], floats: [3]),
    ]

    private static let metadata = ["format": "pt é 𝄞"]

    @Test("a file of the Python package is read: every type, shape, name and text")
    func read() throws {
        let file = try SafetensorsFile(bytes: SafetensorsReference.everyType)
        #expect(file.metadata == Self.metadata)
        #expect(file.entries.count == Self.tensors.count)
        for tensor in Self.tensors {
            let entry = try #require(file.entry(tensor.name))
            #expect(entry.dtype == tensor.dtype)
            #expect(entry.shape == tensor.shape)
            #expect(try file.rawBytes(tensor.name) == tensor.bytes, "\(tensor.name)")
        }
        #expect(try file.floats("f16") == [1, -2.5, 65504, 0x1p-24])
        #expect(try file.floats("bf16") == [1, -2.5, .infinity, 0x1p-133])
        #expect(try file.floats("f32") == [1, -2.5, 0.1, 0, -0.0, -.infinity])
        #expect(try file.doubles("f64") == [0.1, -1e300, .leastNonzeroMagnitude])
        #expect(try file.doubles("bool") == [1, 0, 1])
        #expect(try file.doubles("u32") == [0, 4_294_967_295])
        #expect(try file.int64s("i64") == [.min, .max])
        #expect(try file.int64s("i16") == [-32768, 32767])
        #expect(try file.uint8s("u8") == [0, 128, 255])
    }

    /// `safetensors_files.py check` reads what this leaves in the folder of the environment variable.
    @Test("the same content is written to the same bytes as by the Python package")
    func write() throws {
        let source = try SafetensorsFile(bytes: SafetensorsReference.conversions).floats("source")
        let conversions = [
            SafetensorsTensor(name: "source", shape: [source.count], floats: source),
            SafetensorsTensor(name: "f16", shape: [source.count], float16s: source),
            SafetensorsTensor(name: "bf16", shape: [source.count], bfloat16s: source),
            SafetensorsTensor(name: "f64", shape: [source.count], doubles: source.map(Double.init)),
        ]
        let files = [
            "every_type.safetensors": SafetensorsWriter.encode(Self.tensors, metadata: Self.metadata),
            "conversions.safetensors": SafetensorsWriter.encode(conversions),
        ]
        #expect(files["every_type.safetensors"] == SafetensorsReference.everyType)
        if let folder = ProcessInfo.processInfo.environment["SAFETENSORS_FOLDER"] {
            for (name, bytes) in files { try Data(bytes).write(to: URL(fileURLWithPath: folder).appendingPathComponent(name)) }
        }
    }

    @Test("a file without tensors is that of the reference implementation's own tests")
    func empty() {
        #expect(SafetensorsWriter.encode([]) == [8, 0, 0, 0, 0, 0, 0, 0] + Array("{}      ".utf8))
        #expect(
            SafetensorsWriter.encode([], metadata: ["framework": "pt"])
                == [40, 0, 0, 0, 0, 0, 0, 0] + Array("{\"__metadata__\":{\"framework\":\"pt\"}}     ".utf8))
    }
}
