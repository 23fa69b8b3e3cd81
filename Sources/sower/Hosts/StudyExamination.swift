import Artifacts
import Coordination
import Digests
import Foundation
import Launchers
import Processes
import Worker

extension StudyNeeds {
    /// What a worker of a loaded study would look for on its host.
    init(_ loaded: LoadedStudy, files: [ArtifactNotice]) {
        self.init(
            dataset: loaded.dataset.hex, dataPath: loaded.dataPath,
            dataFiles: files.map { File(name: $0.name, digest: $0.digest.hex, size: Int(clamping: $0.size)) },
            program: loaded.study.trainer?.command.first,
            programFiles: (loaded.study.trainer?.files ?? []).map { File(name: $0.path, digest: $0.digest.hex, size: 0) })
    }

    /// A look at this host, as a worker would look.
    ///
    /// - Parameter store: the worker's.
    func found(store: String) -> StudyFindings {
        let notices = dataFiles.compactMap { file in
            Digest(hex: file.digest).map { ArtifactNotice(name: file.name, digest: $0, size: UInt64(clamping: file.size)) }
        }
        var findings = StudyFindings()
        if let digest = Digest(hex: dataset), notices.count == dataFiles.count {
            let notice = DatasetNotice(digest: digest, files: notices)
            findings.hasDataAtPath = HostDataset.isWhole(dataPath, notice)
            findings.hasDataFromEarlier = HostDataset.isWhole(HostDataset.folder(of: digest, inStore: store), notice)
        }
        if let program {
            findings.hasProgram =
                program.contains("/") ? FileManager.default.isExecutableFile(atPath: program) : Programs.path(of: program) != nil
        }
        findings.wrongFiles = programFiles.filter { file in
            guard let data = try? Data(contentsOf: URL(fileURLWithPath: file.name), options: .mappedIfSafe) else { return true }
            return Digest(of: data).hex != file.digest
        }.map(\.name)
        return findings
    }
}
