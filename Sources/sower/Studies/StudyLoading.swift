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
    /// What workers are told: the folder of the data set, or one that leads to all of them by their digests.
    var dataPath: String
    /// Of the data set, or of all together.
    var dataset: Digest
    var plan: StudyPlan
    private var datasets: [OpenedDataset]

    /// Opens (or makes) the data sets, reads the files that arms start from, and expands the grid.
    init(_ study: Study, results: String) throws {
        self.study = study
        folder = StudyFolder(results: results, study: study.name)
        let data = try OpenedDataset(&self.study.data, results: results)
        var pretraining: OpenedDataset?
        if var source = study.pretraining.data {
            // Whoever has no arm that reads pre-trained models needs no data for them.
            if study.needsPretraining { pretraining = try OpenedDataset(&source, results: results) }
            self.study.pretraining.data = source
        }
        self.study.setClasses(data.images.labels.count)
        if self.study.evaluation.keepsPredictions == true, !self.study.data.hasSuperclasses,
            data.images.labels.count > PredictionsFile.classLimit
        {
            throw Stop(
                .configuration,
                "evaluation.keep_predictions: the data have \(data.images.labels.count) classes, expected at most \(PredictionsFile.classLimit)",
                remedy: "Leave keep_predictions out.")
        }
        self.study.setImages(data.images.meanImagesPerClass, pretraining: pretraining?.images.meanImagesPerClass)
        datasets = [data] + (pretraining.map { $0.digest == data.digest ? [] : [$0] } ?? [])
        dataset = DatasetFolder.digest(of: datasets.map(\.digest))
        dataPath = datasets.count == 1 ? data.path : URL(fileURLWithPath: "\(results)/data/\(dataset.hex)").standardizedFileURL.path
        if datasets.count > 1 { try DatasetFolder.link(datasets.map { ($0.digest, $0.path) }, in: dataPath) }

        try self.study.updateStateDicts { start, model in try start.read(for: model) }
        if var trainer = study.trainer {
            try trainer.findFiles()
            self.study.setTrainer(trainer)
        }
        plan = self.study.expand(
            dataset: data.digest, imagesPerClass: data.images.meanImagesPerClass,
            pretraining: pretraining.map { ($0.digest, $0.images.meanImagesPerClass) })
    }

    /// The files of the data sets by the names that they get on a host that has none.
    var dataFiles: [(name: String, path: String)] {
        datasets.flatMap { dataset in
            dataset.images.files.map { (datasets.count == 1 ? $0.name : "\(dataset.digest.hex)/\($0.name)", $0.path) }
        }
    }

    /// What `sower data fetch` calls the data sets; nil when one of them is made here.
    var publishedNames: [String]? {
        let names = [study.data, study.needsPretraining ? study.pretraining.data : nil].compactMap(\.self).map(\.publishedName)
        return names.contains(nil) ? nil : names.compactMap(\.self)
    }

    /// Where the data sets lie, for people.
    var dataWords: String { datasets.map { "\($0.given) (digest \($0.digest.short))" }.joined(separator: ", pre-training on ") }

    /// From a study file or the name of a built-in study, with `--from-state-dict` arms and `--set` overrides.
    static func fromFile(
        _ name: String, stateDicts: [String] = [], overrides: [String] = [], results: String
    ) throws -> LoadedStudy {
        let study = try StudyFiles.decode(text: text(of: name), sourceName: name, stateDicts: stateDicts, overrides: overrides)
        return try LoadedStudy(study, results: results)
    }

    /// From the ledger of a study that has been started before.
    static func fromLedger(_ folder: StudyFolder, results: String) throws -> LoadedStudy {
        try Ledger.bringUpToDate(path: folder.ledger, now: Date())
        return try LoadedStudy(RecordedStudy(folder).study, results: results)
    }

    static func isStudyFile(_ name: String) -> Bool {
        BuiltInStudies.names.contains(name) || FileManager.default.fileExists(atPath: name)
    }

    private static func text(of name: String) throws -> String {
        if FileManager.default.fileExists(atPath: name) {
            guard let size = (try? FileManager.default.attributesOfItem(atPath: name))?[.size] as? Int, size <= StudyFiles.maximumBytes,
                let data = FileManager.default.contents(atPath: name), let text = String(validating: data, as: UTF8.self)
            else {
                throw Stop(
                    .configuration, "\(name) is no readable text of at most \(StudyFiles.maximumBytes / 1024) KiB",
                    remedy: "Give a study file in YAML; scripts/studies/ has examples.")
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
    /// What is compared with its seals before anything is shown.
    enum Comparison {
        /// Every row that says what the study is and what has come of it.
        case rows
        /// The study's row alone: for whoever reads sealed cells or stages next, which compares them.
        case study
    }

    var study: Study
    var id: StudyID
    var reader: LedgerReader
    var folder: StudyFolder

    init(_ folder: StudyFolder, comparing comparison: Comparison = .rows) throws {
        self.folder = folder
        reader = try LedgerReader(path: folder.ledger)
        guard let row = try reader.latestStudy(name: nil) else {
            throw Stop(.configuration, "the ledger \(folder.ledger) holds no study", remedy: "Start it with `sower run`.")
        }
        id = row.id
        switch comparison {
        case .rows: try reader.requireSealed(study: id)
        case .study: try reader.requireSealedStudyRows()
        }
        do {
            study = try JSONDecoder().decode(Study.self, from: Data(row.definitionJSON.utf8))
        } catch {
            throw Stop(
                .configuration, "the study recorded in \(folder.ledger) cannot be read by this build",
                remedy: "Run its study file again: `sower run FILE`.")
        }
    }
}

extension Studies.DataSource {
    fileprivate var publishedName: String? {
        switch self {
        case .cifar100: "cifar100"
        case .tinyImageNet: "tiny-imagenet"
        case .synthetic: nil
        }
    }
}

/// A data set of a study.
private struct OpenedDataset {
    var images: any ImageDataset
    var digest: Digest
    /// The folder that runners map.
    var path: String
    /// The folder that the study names.
    var given: String

    /// - Parameter source: its path becomes absolute, so that the ledger's copy of the study finds the data from any working directory.
    init(_ source: inout Studies.DataSource, results: String) throws {
        switch source {
        case .synthetic(let data):
            let name = "synthetic-seed\(data.seed)-\(data.trainingPerClass)-\(data.testPerClass)"
            given = URL(fileURLWithPath: results).appendingPathComponent("data/\(name)").standardizedFileURL.path
            try SyntheticImages.write(
                to: given, seed: data.seed, trainingPerClass: data.trainingPerClass, testPerClass: data.testPerClass)
            images = try CIFAR100Folder(path: given)
        case .cifar100(let path):
            given = URL(fileURLWithPath: path).standardizedFileURL.path
            images = try CIFAR100Folder(path: given)
            source.path = given
        case .tinyImageNet(let path):
            given = URL(fileURLWithPath: path).standardizedFileURL.path
            images = try TinyImageNet.open(given) { printToError($0) }
            source.path = given
        }
        digest = images.digest()
        path = images.path
    }
}

extension ImageDataset {
    /// Images a class has on average in each split: what a plan's cost estimate needs.
    var meanImagesPerClass: ImagesPerClass {
        let classes = max(1, labels.count)
        let (training, test) = (images(of: .training).count, images(of: .test).count)
        return ImagesPerClass(training: (training + classes / 2) / classes, validation: (test + classes / 2) / classes)
    }
}
