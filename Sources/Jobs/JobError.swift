import Artifacts
import Coordination
import Datasets
import Digests
import Foundation
import Initializers
import Networks
import Studies

/// Why a job cannot be run.
package enum JobError: Error, Equatable, LocalizedError {
    case unreadableSpecification(String)
    case unsupported(String)
    case wrongDataset(path: String, actual: Digest, expected: Digest)
    case missingInput(JobID, name: String)
    case malformedInput(name: String, reason: String)
    /// The coordinator's store does not hold the file that arms start from.
    case missingFile(FileSpec, folder: String)

    package var errorDescription: String? {
        switch self {
        case .unreadableSpecification(let reason): "the job specification cannot be read: \(reason)"
        case .unsupported(let what): "the job asks for \(what), which this build does not know"
        case .wrongDataset(let path, let actual, let expected):
            "the data set in \(path) has digest \(actual.short), the study was planned with \(expected.short)"
        case .missingInput(let job, let name): "the artifact \(name) of job \(job.short) was not delivered"
        case .malformedInput(let name, let reason): "the input \(name) is malformed: \(reason)"
        case .missingFile(let file, let folder):
            "the state_dict file with SHA-256 \(file.digest) and \(file.size) bytes is not in the artifact store \(folder)"
        }
    }

    package var recoverySuggestion: String? {
        switch self {
        case .unreadableSpecification, .unsupported: "Use one build of sower on every host."
        case .wrongDataset(let path, _, _): "Compare `sower data check \(path)` on this host and on the coordinator's."
        case .missingFile:
            "Run the study again (`sower run`, with --retry-failed) with the file in place: it is copied into the store first."
        case .missingInput, .malformedInput: "Run `sower resume`: what is missing is made again."
        }
    }
}

extension JobFailure {
    /// The failure that an error of the engine, the data or the store stands for.
    init(describing error: any Error) {
        let reason: Reason
        switch error {
        case is DatasetError: reason = .data
        case JobError.wrongDataset, JobError.missingFile: reason = .data
        case JobError.unreadableSpecification, JobError.unsupported: reason = .specification
        case is NetworkError, is InitializerError, is SafetensorsError, is JobError: reason = .input
        default: reason = .io
        }
        let description = (error as? any LocalizedError)?.errorDescription ?? String(describing: error)
        let remedy = (error as? any LocalizedError)?.recoverySuggestion.map { " " + $0 } ?? ""
        self.init(reason, String((description + (remedy.isEmpty ? "" : "." + remedy)).prefix(1500)))
    }
}
