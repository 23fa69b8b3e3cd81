import Artifacts

/// A file from a header and data, with the header's length right unless another is given.
func safetensors(_ header: String, data: Int = 0, length: UInt64? = nil) -> [UInt8] {
    safetensors(Array(header.utf8), data: data, length: length)
}

func safetensors(_ header: [UInt8], data: Int, length: UInt64? = nil) -> [UInt8] {
    let length = withUnsafeBytes(of: (length ?? UInt64(header.count)).littleEndian) { Array($0) }
    return length + header + (0..<data).map { UInt8(truncatingIfNeeded: $0) }
}

/// One tensor of every type, an empty one, a scalar, and texts that need escapes.
enum Sample {
    static let metadata = ["format": "pt", "a \"quoted\" \\ key": "tab\tnewline\nnul\u{0}é 𝄞"]

    static let tensors: [SafetensorsTensor] = [
        SafetensorsTensor(name: "layer1.0.conv1.weight", shape: [2, 3], floats: [1, -2.5, .pi, 0, -0.0, .infinity]),
        SafetensorsTensor(name: "bytes", shape: [3], uint8s: [0, 128, 255]),
        SafetensorsTensor(name: "assignments", shape: [2, 2], uint16s: [0, 1, 256, 65535]),
        SafetensorsTensor(name: "steps", shape: [2], int64s: [.min, .max]),
        SafetensorsTensor(name: "labels", shape: [2, 1], int32s: [-1, 7]),
        SafetensorsTensor(name: "doubles", shape: [1], doubles: [0.1]),
        SafetensorsTensor(name: "half", dtype: .float16, shape: [1], bytes: [0, 0x3C]),
        SafetensorsTensor(name: "brain", dtype: .bfloat16, shape: [1], bytes: [0x80, 0x3F]),
        SafetensorsTensor(name: "scalar", shape: [], floats: [42]),
        SafetensorsTensor(name: "none", shape: [0, 5], floats: []),
        SafetensorsTensor(name: "naïve \"name\"\n", shape: [1], floats: [3]),
    ]

    static let bytes = SafetensorsWriter.encode(tensors, metadata: metadata)
}
