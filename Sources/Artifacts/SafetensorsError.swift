import Foundation

/// Why bytes are not a safetensors file, or a tensor of one cannot be had as asked.
///
/// `file` is the path, or "bytes in memory"; `byte` counts from the beginning of the file.
package enum SafetensorsError: Error, Equatable, LocalizedError {
    /// The file could not be opened or mapped.
    case unreadable(file: String, code: Int32, operation: String)
    /// The file ends before what its beginning promises.
    case truncated(file: String, actualBytes: Int, expectedBytes: Int)
    /// The header is longer than the limit of the format.
    case headerTooLong(file: String, actualBytes: UInt64, limit: Int)
    /// The header is not the JSON that the format prescribes.
    case malformedHeader(file: String, byte: Int, actual: String, expected: String)
    /// A name stands twice in the header.
    case duplicateName(file: String, byte: Int, name: String)
    /// A tensor has an element type that the format does not know.
    case unknownType(file: String, byte: Int, name: String, type: String)
    /// A tensor's range is not as long as its shape and type need; `expectedBytes` is `nil` when those have no size, for it
    /// overflows or ends within a byte.
    case wrongSize(file: String, name: String, actualBytes: Int, expectedBytes: Int?)
    /// A tensor does not begin where the one before it ends, so that bytes overlap or belong to none.
    case notContiguous(file: String, name: String, actualOffset: Int, expectedOffset: Int)
    /// Bytes after the last tensor.
    case trailingBytes(file: String, actualBytes: Int, expectedBytes: Int)
    /// The file has no tensor of that name.
    case missingTensor(file: String, name: String)
    /// A tensor has an element type that does not convert to what was asked for.
    case wrongType(file: String, name: String, actual: String, expected: String)
    /// An element, counted row-major from 0, is not a value of the type asked for, or of its own.
    case wrongValue(file: String, name: String, element: Int, actual: String, expected: String)

    package var errorDescription: String? {
        switch self {
        case .unreadable(let file, let code, let operation):
            "Could not \(operation) \(file): \(String(cString: strerror(code))) (errno \(code))"
        case .truncated(let file, let actual, let expected):
            "\(file): the file has \(actual) bytes, expected at least \(expected)"
        case .headerTooLong(let file, let actual, let limit):
            "\(file): at byte 0, the header has \(actual) bytes, expected at most \(limit)"
        case .malformedHeader(let file, let byte, let actual, let expected):
            "\(file): at byte \(byte), the header has \(actual), expected \(expected)"
        case .duplicateName(let file, let byte, let name):
            "\(file): at byte \(byte), the header has the name \(Self.quoted(name)) a second time"
        case .unknownType(let file, let byte, let name, let type):
            "\(file): at byte \(byte), the tensor \(Self.quoted(name)) has the type \(Self.quoted(type)), expected one of "
                + SafetensorsType.allCases.map(\.rawValue).joined(separator: ", ")
        case .wrongSize(let file, let name, let actual, let expected):
            "\(file): the tensor \(Self.quoted(name)) has \(actual) bytes, its shape and type need "
                + (expected.map(String.init) ?? "a number that is not whole or above 2^60")
        case .notContiguous(let file, let name, let actual, let expected):
            "\(file): the tensor \(Self.quoted(name)) begins at data byte \(actual), expected \(expected)"
        case .trailingBytes(let file, let actual, let expected):
            "\(file): the file has \(actual) bytes, its tensors end at \(expected)"
        case .missingTensor(let file, let name):
            "\(file): there is no tensor \(Self.quoted(name))"
        case .wrongType(let file, let name, let actual, let expected):
            "\(file): the tensor \(Self.quoted(name)) holds \(actual), expected \(expected)"
        case .wrongValue(let file, let name, let element, let actual, let expected):
            "\(file): element \(element) of the tensor \(Self.quoted(name)) is \(actual), expected \(expected)"
        }
    }

    package var recoverySuggestion: String? {
        switch self {
        case .unreadable:
            "Check the path and its permissions."
        case .truncated:
            "Copy or download the file again: it is not complete."
        case .headerTooLong, .malformedHeader, .duplicateName, .wrongSize, .notContiguous, .trailingBytes:
            "Save the file again with safetensors.torch.save_file, or fetch it again: it is damaged or of another format."
        case .unknownType, .wrongType:
            "Convert the tensor before saving, for example with .float()."
        case .missingTensor:
            "List the names in the file: python3 -c 'import safetensors; print(safetensors.safe_open(\"FILE\", \"np\").keys())'."
        case .wrongValue:
            "Save the tensor again with a type that holds its values, or look where they come from."
        }
    }

    /// A text of the file for a message: no longer than a line, and without characters that steer a terminal.
    static func quoted(_ text: String) -> String {
        let scalars = text.unicodeScalars
        let visible = scalars.prefix(80).map { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: scalar.escaped(asASCII: true)
            default: scalar.escaped(asASCII: false)
            }
        }
        return "\"\(visible.joined())\"" + (scalars.dropFirst(80).isEmpty ? "" : "…")
    }
}
