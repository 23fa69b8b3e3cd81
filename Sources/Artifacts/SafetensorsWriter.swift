/// Writes safetensors files whose bytes are a pure function of their content.
package enum SafetensorsWriter {
    /// The bytes of a file with these tensors and texts, in whatever order they are given.
    ///
    /// As in the reference implementation the most aligned types come first and then names in the order of their UTF-8 bytes,
    /// so that with the header padded to eight bytes every tensor is aligned. Metadata stand in the order of their keys
    /// (there in a random one), so equal content has equal digests. The tensors' bytes are copied once, into the result.
    /// Traps on two tensors of one name, and on a header above the format's limit.
    package static func encode(_ tensors: [SafetensorsTensor], metadata: [String: String] = [:]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(tensors.reduce(1024) { $0 + 256 + $1.withBytes { $0.count } })
        write(tensors.map(SafetensorsSource.init), metadata: metadata) { bytes.append(contentsOf: $0) }
        return bytes
    }

    /// The same bytes, handed to `sink` piece by piece as they are made: for tensors that would not fit in memory twice.
    /// Traps on a tensor that makes more or fewer bytes than its shape needs.
    package static func write<Failure>(
        _ tensors: [SafetensorsSource], metadata: [String: String] = [:],
        to sink: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        precondition(Set(tensors.map { Array($0.name.utf8) }).count == tensors.count, "two tensors have the same name")
        let alignment = Dictionary(uniqueKeysWithValues: zip(SafetensorsType.allCases, 0...))
        let ordered = tensors.sorted { a, b in
            a.dtype != b.dtype
                ? alignment[a.dtype]! > alignment[b.dtype]! : a.name.utf8.lexicographicallyPrecedes(b.name.utf8)
        }
        var header = headerText(of: ordered, metadata: metadata)
        header.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - header.count % 8) % 8))
        precondition(header.count <= SafetensorsFile.headerByteLimit, "the header is longer than the format allows")

        try withBytes(of: withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header, sink)
        for tensor in ordered {
            var failure: Failure?
            var written = 0
            tensor.forEachPiece { piece in
                written += piece.count
                guard failure == nil else { return }
                do throws(Failure) { try sink(piece) } catch { failure = error }
            }
            if let failure { throw failure }
            precondition(written == tensor.byteCount, "\(tensor.name) made \(written) bytes, its shape needs \(tensor.byteCount)")
        }
    }

    private static func withBytes<Failure>(
        of bytes: [UInt8], _ sink: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        try bytes.withUnsafeBytes { buffer in Result { () throws(Failure) in try sink(buffer) } }.get()
    }

    private static func headerText(of tensors: [SafetensorsSource], metadata: [String: String]) -> [UInt8] {
        var members: [String] = []
        if !metadata.isEmpty {
            let texts = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
                .map { "\(quoted($0.key)):\(quoted($0.value))" }
            members.append("\"__metadata__\":{\(texts.joined(separator: ","))}")
        }
        var offset = 0
        for tensor in tensors {
            let end = offset + tensor.byteCount
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            members.append(
                "\(quoted(tensor.name)):{\"dtype\":\"\(tensor.dtype.rawValue)\",\"shape\":[\(shape)],"
                    + "\"data_offsets\":[\(offset),\(end)]}")
            offset = end
        }
        return Array("{\(members.joined(separator: ","))}".utf8)
    }

    /// A JSON text, escaped only where JSON demands it.
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\u{8}": quoted += "\\b"
            case "\t": quoted += "\\t"
            case "\n": quoted += "\\n"
            case "\u{C}": quoted += "\\f"
            case "\r": quoted += "\\r"
            case _ where scalar.value < 0x20:
                quoted += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
