import Artifacts
import Coordination
import Datasets
import Digests
import Foundation
import Jobs
import LedgerStore
import Networks
import Studies
import StudyFiles

/// A study with its data at hand: what it takes to plan it.
struct LoadedStudy {
    var study: Study
    var folder: StudyFolder
    var dataPath: String
    var dataset: Digest
    var plan: StudyPlan

    /// Opens (or makes) the data set, reads the files that arms start from, and expands the grid.
    init(_ study: Study, results: String) throws {
        self.study = study
        let model = study.model
        try self.study.updateStateDicts { try $0.read(for: model) }
        if var trainer = study.trainer {
            try trainer.findFiles()
            self.study.setTrainer(trainer)
        }
        folder = StudyFolder(results: results, study: study.name)
        switch study.data {
        case .cifar100(let path):
            dataPath = URL(fileURLWithPath: path).standardizedFileURL.path
            // The ledger's copy of the study must find the data from any working directory.
            self.study.data = .cifar100(path: dataPath)
        case .synthetic(let data):
            let name = "synthetic-seed\(data.seed)-\(data.trainingPerClass)-\(data.testPerClass)"
            dataPath = URL(fileURLWithPath: results).appendingPathComponent("data/\(name)").standardizedFileURL.path
            try SyntheticImages.write(
                to: dataPath, seed: data.seed, trainingPerClass: data.trainingPerClass, testPerClass: data.testPerClass)
        }
        let folder = try CIFAR100Folder(path: dataPath)
        dataset = folder.digest()
        plan = self.study.expand(dataset: dataset, imagesPerClass: folder.meanImagesPerClass)
    }

    /// The files of the data set, for hosts that have none.
    var dataFiles: [String] {
        CIFAR100Folder.fileNames.map { "\(dataPath)/\($0)" }.filter { FileManager.default.fileExists(atPath: $0) }
    }

    /// From a study file or the name of a built-in study, with `--from-state-dict` arms and `--set` overrides.
    static func fromFile(
        _ name: String, stateDicts: [String] = [], overrides: [String] = [], results: String
    ) throws -> LoadedStudy {
        let study = try StudyFiles.decode(text: text(of: name), sourceName: name, stateDicts: stateDicts, overrides: overrides)
        return try LoadedStudy(study, results: results)
    }

    /// From the ledger of a study that has been started before.
    static func fromLedger(_ folder: StudyFolder, results: String) throws -> LoadedStudy {
        try LoadedStudy(RecordedStudy(folder).study, results: results)
    }

    static func isStudyFile(_ name: String) -> Bool {
        BuiltInStudies.names.contains(name) || FileManager.default.fileExists(atPath: name)
    }

    private static func text(of name: String) throws -> String {
        if FileManager.default.fileExists(atPath: name) {
            guard let size = (try? FileManager.default.attributesOfItem(atPath: name))?[.size] as? Int, size <= StudyFiles.maximumBytes,
                let data = FileManager.default.contents(atPath: name), let text = String(validating: data, as: UTF8.self)
            else {
                throw Stop(.configuration, "\(name) is no readable text of at most \(StudyFiles.maximumBytes / 1024) KiB", remedy: "Give a study file in YAML; scripts/studies/ has examples.")
            }
            return text
        }
        if let text = BuiltInStudies.text(named: name) { return text }
        throw Stop(
            .configuration, "there is no study file \(name), and no built-in study of that name",
            remedy: "Built-in studies: \(BuiltInStudies.names.joined(separator: ", ")). Example: sower run demo")
    }
}

extension StateDictStart {
    /// Finds out what the file holds. One that is gone may be in the study's store, if the study has been run before.
    fileprivate mutating func read(for model: ModelSpec) throws {
        // The ledger's copy of the study must find the file from any working directory.
        path = URL(fileURLWithPath: path).standardizedFileURL.path
        guard FileManager.default.fileExists(atPath: path) else {
            guard file == nil else { return }
            throw Stop(
                .configuration, "there is no file \(path) for an arm to start from",
                remedy: "Give the path of a safetensors file, absolute or from this folder.")
        }
        do {
            try NetworkStart.check(SafetensorsFile(contentsOf: path), model: model, head: head)
        } catch let error as NetworkError {
            var remedy = error.recoverySuggestion ?? ""
            if case .wrongShape = error, head == .keep { remedy += " If only the classifier differs, give the arm `head: fresh`." }
            throw Stop(.configuration, "\(path): \(error.errorDescription ?? "")", remedy: remedy)
        }
        let data = try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
        guard data.count <= Limits.blobBytes else {
            throw Stop(
                .configuration, "\(path) has \(data.count) bytes, more than the \(Limits.blobBytes) an artifact may have",
                remedy: "Save the network's state_dict alone.")
        }
        file = FileSpec(digest: Digest(of: data), size: data.count)
    }
}

/// A study as its ledger has it.
struct RecordedStudy {
    var study: Study
    var id: StudyID
    var reader: LedgerReader
    var folder: StudyFolder

    /// Compares everything that tables are made of with its seals; not twice the evaluations of a caller that `readsCells`.
    init(_ folder: StudyFolder, readsCells: Bool = false) throws {
        self.folder = folder
        reader = try LedgerReader(path: folder.ledger)
        guard let row = try reader.latestStudy(name: nil) else {
            throw Stop(.configuration, "the ledger \(folder.ledger) holds no study", remedy: "Start it with `sower run`.")
        }
        id = row.id
        try reader.requireSealed(study: id, skippedStage: readsCells ? Stage.evaluate.rawValue : nil)
        do {
            study = try JSONDecoder().decode(Study.self, from: Data(row.definitionJSON.utf8))
        } catch {
            throw Stop(.configuration, "the study recorded in \(folder.ledger) cannot be read by this build", remedy: "Run its study file again: `sower run FILE`.")
        }
    }
}

extension CIFAR100Folder {
    /// Images a fine class has on average in each split: what a plan's cost estimate needs.
    var meanImagesPerClass: ImagesPerClass {
        let classes = max(1, fineLabels.reduce(0) { $0 + $1.count })
        return ImagesPerClass(
            training: (count(of: .training) + classes / 2) / classes, validation: (count(of: .test) + classes / 2) / classes)
    }
}
