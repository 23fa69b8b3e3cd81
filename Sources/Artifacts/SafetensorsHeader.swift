/// The checked header of a safetensors file.
package struct SafetensorsHeader: Sendable {
    /// In the order of their data.
    package let entries: [SafetensorsFile.Entry]
    package let metadata: [String: String]

    /// Reads the header of a whole file, any bytes at all, and checks every range against their count. `file` is for messages.
    package init(of buffer: UnsafeRawBufferPointer, file: String) throws(SafetensorsError) {
        guard buffer.count >= 8 else { throw .truncated(file: file, actualBytes: buffer.count, expectedBytes: 8) }
        let length = UInt64(littleEndian: buffer.loadUnaligned(as: UInt64.self))
        guard length <= SafetensorsFile.headerByteLimit else {
            throw .headerTooLong(file: file, actualBytes: length, limit: SafetensorsFile.headerByteLimit)
        }
        let dataStart = 8 + Int(length)
        guard dataStart <= buffer.count else {
            throw .truncated(file: file, actualBytes: buffer.count, expectedBytes: dataStart)
        }
        var scanner = SafetensorsHeaderScanner(
            bytes: UnsafeRawBufferPointer(rebasing: buffer[..<dataStart]), position: 8, file: file)
        let (described, metadata) = try scanner.header()
        self.metadata = metadata
        entries = try SafetensorsHeader.placed(described, from: dataStart, to: buffer.count, file: file)
    }

    /// Orders the tensors by their data, and checks that those fill the file exactly.
    private static func placed(_ described: [DescribedTensor], from dataStart: Int, to end: Int, file: String)
        throws(SafetensorsError) -> [SafetensorsFile.Entry]
    {
        var expectedOffset = 0
        var entries: [SafetensorsFile.Entry] = []
        entries.reserveCapacity(described.count)
        // Empty tensors begin where their neighbour does; the end and then the header's order settle such ties.
        let ordered = described.enumerated().sorted {
            ($0.element.begin, $0.element.end, $0.offset) < ($1.element.begin, $1.element.end, $1.offset)
        }
        for (_, tensor) in ordered {
            guard tensor.begin == expectedOffset else {
                throw .notContiguous(
                    file: file, name: tensor.name, actualOffset: tensor.begin, expectedOffset: expectedOffset)
            }
            // Neither is negative, so the difference cannot overflow.
            let actual = tensor.end - tensor.begin
            let needed = tensor.dtype.byteCount(of: tensor.shape)
            guard actual == needed else {
                throw .wrongSize(file: file, name: tensor.name, actualBytes: actual, expectedBytes: needed)
            }
            // A file's end plus a size below 2^60: no sum here overflows.
            guard dataStart + tensor.end <= end else {
                throw .truncated(file: file, actualBytes: end, expectedBytes: dataStart + tensor.end)
            }
            entries.append(
                SafetensorsFile.Entry(
                    name: tensor.name, dtype: tensor.dtype, shape: tensor.shape,
                    dataRange: dataStart + tensor.begin..<dataStart + tensor.end))
            expectedOffset = tensor.end
        }
        guard dataStart + expectedOffset == end else {
            throw .trailingBytes(file: file, actualBytes: end, expectedBytes: dataStart + expectedOffset)
        }
        return entries
    }
}
