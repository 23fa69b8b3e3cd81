import Artifacts

// Any bytes, as a safetensors file. Nothing traps; what opens has every value within the file, and comes back when it is
// written again.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzSafetensors(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: size))
    let file: SafetensorsFile
    do throws(SafetensorsError) {
        file = try SafetensorsFile(bytes: bytes)
    } catch {
        checkSaysSomething(error)
        return 0
    }
    require(file.entries.reduce(0) { $0 + $1.dataRange.count } <= size, "the tensors are larger than their file")
    let tensors = file.entries.map { entry in
        checkValues(of: entry, in: file)
        guard let bytes = try? file.rawBytes(entry.name) else { fatalError("\(entry.name) has no bytes") }
        return SafetensorsTensor(name: entry.name, dtype: entry.dtype, shape: entry.shape, bytes: bytes)
    }
    checkReturn(of: SafetensorsWriter.encode(tensors, metadata: file.metadata), from: file)
    return 0
}

/// Each accessor gives as many values as the shape has, or an error that says why not.
private func checkValues(of entry: SafetensorsFile.Entry, in file: SafetensorsFile) {
    func check(_ count: () throws(SafetensorsError) -> Int) {
        do throws(SafetensorsError) {
            let count = try count()
            require(count == entry.count, "\(entry) gives \(count) values")
        } catch {
            checkSaysSomething(error)
        }
    }
    check { () throws(SafetensorsError) in try file.floats(entry.name).count }
    check { () throws(SafetensorsError) in try file.doubles(entry.name).count }
    check { () throws(SafetensorsError) in try file.int64s(entry.name).count }
    check { () throws(SafetensorsError) in try file.uint8s(entry.name).count }
}

private func checkReturn(of bytes: [UInt8], from file: SafetensorsFile) {
    guard let again = try? SafetensorsFile(bytes: bytes) else { fatalError("what was written does not open") }
    require(again.metadata == file.metadata, "the metadata are not the same")
    require(again.entries.count == file.entries.count, "the number of tensors is not the same")
    for entry in file.entries {
        guard let returned = again.entry(entry.name) else { fatalError("\(entry.name) is missing") }
        require(returned.dtype == entry.dtype && returned.shape == entry.shape, "\(entry) came back as \(returned)")
        require((try? again.rawBytes(entry.name)) == (try? file.rawBytes(entry.name)), "\(entry.name) has other bytes")
    }
}

private func checkSaysSomething(_ error: SafetensorsError) {
    require(error.errorDescription?.isEmpty == false && error.recoverySuggestion?.isEmpty == false, "\(error) says nothing")
}
