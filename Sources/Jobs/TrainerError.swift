import Digests
import Foundation
import Processes

/// What an external trainer did otherwise than its contract says (`scripts/trainers/README.md`).
package enum TrainerError: Error, Equatable, LocalizedError {
    /// A file of the trainer's is missing on this host, or has other bytes than the study was planned with.
    case otherFile(path: String, actual: Digest?, expected: Digest)
    /// The specification names files, and the coordinator said nothing of where they lie.
    case filesUnknown
    case lineTooLong(limit: Int)
    /// A line that begins as an epoch and is none.
    case notAnEpoch(line: String, reason: String)
    case outOfRange(key: String, value: Double, expected: String)
    case wrongEpoch(actual: Int, expected: Int)
    case tooManyEpochs(limit: Int)
    case missingEpochs(actual: Int, expected: Int)
    case noWeights(file: String)
    case wrongWeights(file: String, reason: String)
    /// With the end of its standard error.
    case ended(String, ProcessEnd, tail: String)

    package var errorDescription: String? {
        switch self {
        case .otherFile(let path, nil, _): "the trainer's file \(path) is not on this host"
        case .otherFile(let path, let actual?, let expected):
            "the trainer's file \(path) has SHA-256 \(actual.short) on this host, the study was planned with \(expected.short)"
        case .filesUnknown: "the job names files of a trainer, and nobody said where they lie"
        case .lineTooLong(let limit): "the trainer printed a line of more than \(limit) bytes"
        case .notAnEpoch(let line, let reason): "the trainer printed a line that is no epoch (\(reason)): \(line.prefix(200))"
        case .outOfRange(let key, let value, let expected): "the trainer's \(key) is \(value), expected \(expected)"
        case .wrongEpoch(let actual, let expected):
            actual < expected && actual > 0
                ? "the trainer reported epoch \(actual) twice, expected epoch \(expected)"
                : "the trainer reported epoch \(actual), expected epoch \(expected)"
        case .tooManyEpochs(let limit): "the trainer reported more than the \(limit) epochs of its job"
        case .missingEpochs(let actual, let expected): "the trainer ended with exit code 0 after \(actual) of \(expected) epochs"
        case .noWeights(let file): "the trainer ended without leaving its weights in \(file)"
        case .wrongWeights(let file, let reason): "the weights that the trainer left in \(file) are not the network's: \(reason)"
        case .ended(let program, let end, let tail):
            "the trainer \(program) ended with \(end)"
                + (tail.isEmpty ? ", and nothing on its standard error" : "; the end of its standard error:\n\(tail)")
        }
    }

    package var recoverySuggestion: String? {
        switch self {
        case .otherFile: "Put the same file at this path on every host, or run the study again with this one."
        case .ended: nil
        default: "scripts/trainers/README.md says what a trainer prints and leaves."
        }
    }
}
