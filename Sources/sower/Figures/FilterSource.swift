import Artifacts
import Digests
import Foundation
import Jobs
import LedgerStore
import Networks
import Reports
import Studies
import Tensors

/// Whose filters a picture shows: a file of filters, or a start that is drawn again.
struct FilterSource {
    /// In words, for the notes.
    var words: String
    /// Short, for a file's name.
    var name: String
    private var content: Content
    private let shape: NetworkShape
    private let study: TableInfo

    private enum Content {
        case file(SafetensorsFile)
        case drawn(StartSpec, seed: UInt64)
    }

    /// - Parameter text: the beginning of an artifact's digest or of a job's id, or `ARM/REPLICATE`.
    init(_ text: String, in recorded: RecordedStudy) throws {
        if let slash = text.lastIndex(of: "/") {
            try self.init(arm: String(text[..<slash]), replicate: String(text[text.index(after: slash)...]), recorded)
            return
        }
        let digits = text.lowercased()
        guard (4...64).contains(digits.utf8.count), digits.allSatisfy(\.isHexDigit) else {
            throw Stop(
                .configuration,
                "--filters \(text.prefix(80)): expected the beginning (four digits or more) of a digest or a job's id, or ARM/REPLICATE",
                remedy: "`sower why ARM/PAIR/REPLICATE` lists the jobs and artifacts that a cell was made from.")
        }
        let found = try recorded.reader.recordedArtifacts().filter { $0.artifact.name != PredictionsFile.artifactName }.filter {
            $0.artifact.digest.hex.hasPrefix(digits) || $0.job.digest.hex.hasPrefix(digits)
        }
        guard let first = found.first else {
            throw Stop(
                .configuration, "no artifact of \(recorded.study.name), and no job with one, begins with \(digits)",
                remedy: "`sower why ARM/PAIR/REPLICATE` lists the jobs and artifacts that a cell was made from.")
        }
        guard Set(found.map(\.artifact.digest)).count == 1 else {
            throw Stop(.configuration, "\(found.count) artifacts or jobs begin with \(digits)", remedy: "Give more digits.")
        }
        try self.init(
            first.artifact.digest, words: "\(first.artifact.name) of job \(first.job.short)", name: first.artifact.digest.short, recorded,
            shape: NetworkShape(Self.model(of: first.job, recorded)))
    }

    /// The network that a job's artifact is about; the study's for a file, which no job describes.
    private static func model(of job: JobID, _ recorded: RecordedStudy) throws -> ModelSpec {
        switch try JSONDecoder().decode(JobSpec.self, from: Data(recorded.reader.job(prefix: job.digest.hex).spec)) {
        case .train(let spec): spec.model
        case .cluster(let spec): spec.model
        case .sample(let spec): spec.model
        case .align(let spec): spec.model
        case .file, .command, .noop: recorded.study.model
        }
    }

    /// What the networks of an arm's replicate start from.
    private init(arm: String, replicate: String, _ recorded: RecordedStudy) throws {
        let cells = try recorded.reader.cellResults(study: recorded.id, epochs: .none)
        guard let cell = cells.first(where: { $0.arm == arm && "\($0.replicate)" == replicate }) else {
            throw Stop(
                .configuration, "the study has no arm \(arm.prefix(80)) with a replicate \(replicate.prefix(20))",
                remedy:
                    "Its arms: \(recorded.study.arms.map(\.name).joined(separator: ", ")); replicates 1 to \(recorded.study.evaluation.replicates)."
            )
        }
        let job = try recorded.reader.job(prefix: cell.job.digest.hex)
        guard case .train(let spec) = try JSONDecoder().decode(JobSpec.self, from: Data(job.spec)) else {
            throw Stop(.configuration, "job \(job.id.short) is no training", remedy: "`sower verify` looks for damage.")
        }
        let shape = try NetworkShape(spec.model)
        let place = "\(arm), replicate \(replicate)"
        guard let input = spec.start.input else {
            self.init(
                words: "the start of \(place), pair \(Study.name(of: cell.pair))", name: "\(arm)-\(replicate)",
                content: .drawn(spec.start, seed: spec.seeds.weights), recorded, shape: shape)
            return
        }
        guard let artifact = try recorded.reader.job(prefix: input.digest.hex).artifacts.first else {
            throw Stop(
                .incomplete, "the start of \(place) has not been made yet: job \(input.short)",
                remedy: "`sower why \(input.short)` says what it waits for.")
        }
        let pair = spec.start.isPretrained ? ", pair \(Study.name(of: cell.pair))" : ""
        try self.init(
            artifact.digest, words: "the start of \(place)\(pair) (\(artifact.name) of job \(input.short))", name: "\(arm)-\(replicate)",
            recorded, shape: shape)
    }

    private init(_ digest: Digest, words: String, name: String, _ recorded: RecordedStudy, shape: NetworkShape) throws {
        let store = try ArtifactStore(folder: recorded.folder.artifacts)
        // Compared with its digest first: a picture of damaged weights looks like any other.
        let file = try SafetensorsFile(bytes: store.bytes(of: digest))
        self.init(words: words + ", SHA-256 \(digest.short)…", name: name, content: .file(file), recorded, shape: shape)
    }

    private init(words: String, name: String, content: Content, _ recorded: RecordedStudy, shape: NetworkShape) {
        study = TableInfo(recorded.study)
        self.words = words
        self.name = name
        self.content = content
        self.shape = shape
    }

    // MARK: The picture

    /// The centres of all layers where the source is made of centres, unless one `layer` is asked for (from 1; an initialization's is
    /// shown as its filters); else the filters of that layer, or of the first.
    func picture(layer: Int?) throws -> FilterPicture {
        let layers = shape.initializableLayers
        if let layer, !(1...layers.count).contains(layer) {
            throw Stop(
                .configuration, "--layer \(layer): the network has layers 1 to \(layers.count)", remedy: "Layer 1 is the first convolution."
            )
        }
        let file = "figure-10-\(name)" + (layer.map { "-layer-\($0)" } ?? "")
        let notes =
            ["\(words.prefix(1).uppercased())\(words.dropFirst()) (\(shape.architecture.rawValue))."] + FigureNotes.origin(of: study)
        if case .file(let tensors) = content {
            let isCodebook = tensors.entries.contains { $0.name.hasSuffix(".counts") }
            let isInitialization = tensors.entries.contains { $0.name.hasSuffix(".assignment") }
            if isCodebook || (isInitialization && layer == nil) {
                let wanted = layers.enumerated().filter { layer == nil || $0.offset == layer! - 1 }
                let centres = try wanted.compactMap { try Self.centres(of: $1.name, number: $0 + 1, in: tensors) }
                guard !centres.isEmpty else { throw absent(layers[(layer ?? 1) - 1].name) }
                return .centres(centres, name: file, title: "Centres of clustered kernels", notes: notes)
            }
        }
        let description = layers[(layer ?? 1) - 1]
        return .filters(
            try filters(of: description), outputs: description.shape[0], inputs: description.shape[1], side: description.shape[2],
            layer: description.name, number: layer ?? 1, name: file, title: "Filters of layer \(layer ?? 1)", notes: notes)
    }

    private func absent(_ layer: String) -> Stop {
        Stop(.configuration, "\(words) has nothing for \(layer)", remedy: "Try an earlier --layer, or leave it out.")
    }

    /// A codebook's centres have counts; those of an initialization are counted in its assignment. `nil` for a layer without any.
    private static func centres(of layer: String, number: Int, in file: SafetensorsFile) throws -> FilterPicture.Centres? {
        guard let entry = file.entry("\(layer).centres"), entry.shape.count == 3, entry.shape[1] == entry.shape[2], entry.count > 0 else {
            return nil
        }
        let (count, side) = (entry.shape[0], entry.shape[1])
        let values = try finite(file.floats(entry.name), of: layer)
        var counts = [Int](repeating: 0, count: count)
        if file.entry("\(layer).counts") != nil {
            // No layer has more kernels than this; a larger count is not what was counted.
            for (index, number) in try file.int64s("\(layer).counts").prefix(count).enumerated() {
                counts[index] = Int(min(max(number, 0), 1 << 40))
            }
        } else {
            for index in try file.uint8s("\(layer).assignment") where Int(index) < count { counts[Int(index)] += 1 }
        }
        let kernels = (0..<count).map { Array(values[$0 * side * side..<($0 + 1) * side * side]) }
        return FilterPicture.Centres(layer: layer, number: number, side: side, kernels: kernels, counts: counts)
    }

    private func filters(of layer: ParameterDescription) throws -> [Float] {
        switch content {
        case .drawn(let start, let seed):
            guard let tensor = try NetworkStart.drawnFilters(of: layer, start: start, shape: shape, seed: seed) else {
                throw absent(layer.name)
            }
            return tensor.values
        case .file(let file):
            if file.entry("\(layer.name).assignment") != nil {
                return try Self.finite(InitializationFile(file).filters(of: layer).values, of: layer.name)
            }
            guard let entry = file.entry(layer.name), entry.shape == layer.shape else { throw absent(layer.name) }
            return try Self.finite(file.floats(layer.name), of: layer.name)
        }
    }

    private static func finite(_ values: [Float], of layer: String) throws -> [Float] {
        guard values.allSatisfy(\.isFinite) else {
            throw Stop(
                .configuration, "a weight of \(layer) is not a finite number",
                remedy: "`sower verify` says whether the file is what was recorded.")
        }
        return values
    }
}

extension StartSpec {
    /// Whether it differs from pair to pair though an artifact holds it.
    fileprivate var isPretrained: Bool { if case .weights = self { true } else { false } }
}
