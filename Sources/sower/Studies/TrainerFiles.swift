import Coordination
import Digests
import Foundation
import Studies

extension ExternalTrainer {
    /// Finds out which arguments are files of the trainer's, and what they hold: every one that names a file, but not a program of
    /// the host's. The program itself counts when it is a script, or given by a relative path.
    ///
    /// One that is gone keeps what the ledger's copy of the study says of it: its jobs may all be done.
    mutating func findFiles() throws {
        var found: [File] = []
        for index in command.indices {
            let word = command[index]
            // Without a slash a program is looked up in the PATH of each host.
            guard !word.isEmpty, index > 0 || word.contains("/") else { continue }
            let path = URL(fileURLWithPath: word).standardizedFileURL.path
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
                if let known = files?.first(where: { $0.argument == index }) { found.append(known) }
                continue
            }
            guard !isFolder.boolValue else { continue }
            let data: Data
            do {
                data = try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
            } catch {
                throw Stop(
                    .configuration, "the trainer's file \(path) cannot be read", remedy: "Make it readable: \(error.localizedDescription)")
            }
            if index == 0, word.hasPrefix("/"), !data.starts(with: Array("#!".utf8)) { continue }
            // The ledger's copy of the study must find the file from any working directory.
            command[index] = path
            found.append(File(argument: index, path: path, digest: Digest(of: data)))
        }
        let bytes = found.reduce(0) { $0 + $1.path.utf8.count }
        let longest = found.map(\.path.utf8.count).max() ?? 0
        guard found.count <= StudyLimits.trainerFiles, bytes <= Limits.trainerPathBytes, longest <= Limits.textBytes else {
            throw Stop(
                .configuration,
                "trainer.command names \(found.count) files with paths of \(bytes) bytes, at most \(StudyLimits.trainerFiles) with \(Limits.trainerPathBytes) bytes",
                remedy: "Let the script find the other files beside itself.")
        }
        files = found
    }
}

extension StudyPlan {
    /// Jobs as a ledger has them, with what they demand of a worker: that is the study's to say.
    func addDemands(to entries: [JobEntry]) -> [JobEntry] {
        let demands = Dictionary(
            jobs.map { ($0.id, JobDemands(labels: $0.needs, runsCommand: $0.spec.runsCommand, workload: $0.spec.workload)) },
            uniquingKeysWith: { first, _ in first })
        return entries.map { entry in
            var entry = entry
            if let demands = demands[entry.id] { entry.demands = demands }
            return entry
        }
    }
}
