import Artifacts

/// A file from a header and data, with the header's length right unless another is given.
func safetensors(_ header: String, data: Int = 0, length: UInt64? = nil) -> [UInt8] {
    safetensors(Array(header.utf8), data: data, length: length)
}

func safetensors(_ header: [UInt8], data: Int, length: UInt64? = nil) -> [UInt8] {
    let length = withUnsafeBytes(of: (length ?? UInt64(header.count)).littleEndian) { Array($0) }
    return length + header + (0..<data).map { UInt8(truncatingIfNeeded: $0) }
}

/// A header of one tensor, "w", with these parts.
func oneTensor(_ dtype: String, _ shape: String, _ offsets: String) -> String {
    #"{"w":{"dtype":\#(dtype),"shape":\#(shape),"data_offsets":\#(offsets)}}"#
}

extension SafetensorsTensor {
    var bytes: [UInt8] { withBytes { Array($0) } }
}

/// One tensor of every type that is written from values, an empty one, a scalar, and texts that need escapes.
enum Sample {
    static let metadata = ["format": "pt", "a \"quoted\" \\ key": "tab\tnewline\nnul\u{0}é 𝄞"]

    static let tensors: [SafetensorsTensor] = [
        SafetensorsTensor(name: "layer1.0.conv1.weight", shape: [2, 3], floats: [1, -2.5, .pi, 0, -0.0, .infinity]),
        SafetensorsTensor(name: "bytes", shape: [3], uint8s: [0, 128, 255]),
        SafetensorsTensor(name: "steps", shape: [2], int64s: [.min, .max]),
        SafetensorsTensor(name: "labels", dtype: .int32, shape: [2, 1], bytes: [255, 255, 255, 255, 7, 0, 0, 0]),
        SafetensorsTensor(name: "doubles", shape: [1], doubles: [0.1]),
        SafetensorsTensor(name: "half", shape: [1, 2], float16s: [1, 65520]),
        SafetensorsTensor(name: "brain", shape: [2], bfloat16s: [1, -0.1]),
        SafetensorsTensor(name: "scalar", shape: [], floats: [42]),
        SafetensorsTensor(name: "none", shape: [0, 5], floats: []),
        SafetensorsTensor(name: "naïve \"name\"\n", shape: [1], floats: [3]),
    ]

    static let bytes = SafetensorsWriter.encode(tensors, metadata: metadata)
}
