import Foundation

/// Why a network could not be built or a state could not be loaded.
package enum NetworkError: Error, Equatable, LocalizedError {
    case unsupportedShape(architecture: Architecture, reason: String)
    case missingTensor(name: String, shape: [Int])
    case unexpectedTensor(name: String, architecture: Architecture)
    case duplicateTensor(name: String)
    case wrongShape(name: String, actual: [Int], expected: [Int])
    case wrongType(name: String, actual: String, expected: String)

    package var errorDescription: String? {
        switch self {
        case .unsupportedShape(let architecture, let reason):
            "\(architecture.rawValue) cannot be built: \(reason)"
        case .missingTensor(let name, let shape):
            "The state has no tensor \(name) (expected shape \(shape))"
        case .unexpectedTensor(let name, let architecture):
            "The state has a tensor \(name), which \(architecture.rawValue) does not"
        case .duplicateTensor(let name):
            "The state has the tensor \(name) twice"
        case .wrongShape(let name, let actual, let expected):
            "The tensor \(name) has shape \(actual), expected \(expected)"
        case .wrongType(let name, let actual, let expected):
            "The tensor \(name) holds \(actual), expected \(expected)"
        }
    }

    package var recoverySuggestion: String? {
        switch self {
        case .unsupportedShape:
            "Change the model's classes, channels or image size in the study file."
        case .missingTensor, .unexpectedTensor, .duplicateTensor, .wrongType:
            "Save the state_dict of the same architecture, with torchvision's names."
        case .wrongShape:
            "Use a state of a network with the same number of classes and input channels."
        }
    }
}
