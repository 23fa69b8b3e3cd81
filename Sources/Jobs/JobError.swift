import Artifacts
import Coordination
import Datasets
import Digests
import Foundation
import Initializers
import Networks
import Processes
import Studies

/// Why a job cannot be run.
package enum JobError: Error, Equatable, LocalizedError {
    case unreadableSpecification(String)
    case unsupported(String)
    case wrongDataset(path: String, actual: Digest, expected: Digest)
    case missingInput(JobID, name: String)
    /// The bytes have changed on this host's disk.
    case damagedInput(JobID, name: String, folder: String)
    case malformedInput(name: String, reason: String)
    /// The coordinator's store does not hold the file that arms start from.
    case missingFile(FileSpec, folder: String)
    /// The job is a command, and the worker was not started with `--allow-command`.
    case commandsNotAllowed
    /// A command ended otherwise than with exit code 0; with the end of its standard error.
    case commandFailed(String, ProcessEnd, tail: String)

    package var errorDescription: String? {
        switch self {
        case .unreadableSpecification(let reason): "the job specification cannot be read: \(reason)"
        case .unsupported(let what): "the job asks for \(what), which this build does not know"
        case .wrongDataset(let path, let actual, let expected):
            "the data set in \(path) has digest \(actual.short), the study was planned with \(expected.short)"
        case .missingInput(let job, let name): "the artifact \(name) of job \(job.short) was not delivered"
        case .damagedInput(let job, let name, let folder):
            "the artifact \(name) of job \(job.short) has changed on the disk and was set aside in \(folder)/damaged"
        case .malformedInput(let name, let reason): "the input \(name) is malformed: \(reason)"
        case .missingFile(let file, let folder):
            "the state_dict file with SHA-256 \(file.digest) and \(file.size) bytes is not in the artifact store \(folder)"
        case .commandsNotAllowed: "the job is a command, and this worker does not run commands"
        case .commandFailed(let program, let end, let tail):
            "\(program) ended with \(end)"
                + (tail.isEmpty ? ", and nothing on its standard error" : "; the end of its standard error:\n\(tail)")
        }
    }

    package var recoverySuggestion: String? {
        switch self {
        case .unreadableSpecification, .unsupported: "Use one build of sower on every host."
        case .wrongDataset(let path, _, _): "Compare `sower data check \(path)` on this host and on the coordinator's."
        case .missingFile:
            "Run the study again (`sower run`, with --retry-failed) with the file in place: it is copied into the store first."
        case .damagedInput: "The next attempt gets it anew; check the disk (smartctl -a) if it happens twice."
        case .commandsNotAllowed: "Start the worker with --allow-command when every program that the study names may run on its host."
        case .commandFailed: nil
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
        case JobError.unreadableSpecification, JobError.unsupported, JobError.commandsNotAllowed: reason = .specification
        case JobError.commandFailed: reason = .crashed
        case TrainerError.otherFile: reason = .data
        case TrainerError.filesUnknown: reason = .specification
        case is TrainerError: reason = .crashed
        case is NetworkError, is InitializerError, is SafetensorsError, is JobError: reason = .input
        default: reason = .io
        }
        let description = (error as? any LocalizedError)?.errorDescription ?? String(describing: error)
        let remedy = (error as? any LocalizedError)?.recoverySuggestion.map { " " + $0 } ?? ""
        self.init(reason, String((description + (remedy.isEmpty ? "" : "." + remedy)).prefix(1500)))
    }
}
