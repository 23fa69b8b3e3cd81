import Studies

/// Reads rows from bytes as `RowBytes` writes them, value after value; as long as the bytes are. Bytes that are something else give
/// values that are NULL.
struct RowReader {
    private let bytes: UnsafeRawBufferPointer
    private var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    var isAtEnd: Bool { offset + RowBytes.headBytes > bytes.count }

    /// Goes on to the first value of the next row, if there is one.
    @discardableResult
    mutating func beginRow() -> Bool {
        guard !isAtEnd else { return false }
        offset += RowBytes.headBytes
        return true
    }

    /// The next value of the row.
    @inline(__always)
    mutating func next() -> RowValue {
        guard !isAtEnd else { return .null }
        let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 1, as: UInt64.self))
        let tag = bytes[offset]
        offset += RowBytes.headBytes
        guard tag == RowValue.Tag.text || tag == RowValue.Tag.blob else { return RowValue(tag: tag, word: word) }
        guard word <= UInt64(bytes.count - offset) else {
            offset = bytes.count
            return .null
        }
        defer { offset += Int(word) }
        return RowValue(tag: tag, word: word, bytes: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + Int(word)]))
    }

    mutating func skip(_ values: Int) { for _ in 0..<values { _ = next() } }

    /// Ten values as `EpochMetrics.columns` lists them; `nil` where the first is NULL.
    mutating func epochMetrics() -> EpochMetrics? {
        guard let epoch = next().integer else { return nil }
        func metric() -> Double { next().double ?? .nan }
        return EpochMetrics(
            epoch: Int(epoch), learningRate: metric(), trainingLoss: metric(), trainingAccuracy: metric(), trainingTop5Accuracy: metric(),
            validationLoss: metric(), validationAccuracy: metric(), validationTop5Accuracy: metric(), images: Int(next().integer ?? 0),
            seconds: metric())
    }
}
