import Coordination
import Digests
import Foundation
import Jobs
import LedgerStore
import Studies

/// How the networks of a recorded job start: of a training's own start, or of what a sampling drew.
struct RecordedStart {
    var start: StartSpec
    var model: ModelSpec
    /// Keys what the start itself draws.
    var seed: UInt64
    /// In a few words.
    var what: String
    private var row: JobRow
    private var place: String?

    init(_ source: String, _ recorded: RecordedStudy) throws {
        if source.contains("/") {
            try self.init(place: source, recorded)
        } else {
            try self.init(Self.job(source, recorded), place: nil)
        }
    }

    private init(_ row: JobRow, place: String?) throws {
        self.row = row
        self.place = place
        switch try JSONDecoder().decode(JobSpec.self, from: Data(row.spec)) {
        case .train(let spec):
            (start, model, seed) = (spec.start, spec.model, spec.seeds.weights)
            what = "the start of \(place ?? "job \(row.id.short)")"
        case .sample(let spec):
            (start, model) = (.filters(of: row.id, layers: spec.layers), spec.model)
            seed = SeedDerivation(root: spec.seed).seed("default-start")
            what = "the \(spec.layers) layers of \(place ?? "job \(row.id.short)"), the others by their default start"
        case .align(let spec):
            (start, model) = (.filters(of: row.id, layers: spec.layers), spec.model)
            // Nothing in the job is drawn; its id stands for a seed.
            let root = row.id.digest.bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
            seed = SeedDerivation(root: root).seed("default-start")
            what = "the mean filters of \(spec.layers) layers of \(place ?? "job \(row.id.short)"), the others by their default start"
        case .cluster, .file, .command, .noop:
            throw Stop(
                .configuration, "job \(row.id.short) (\(WhyReport.words(row))) is no initialization",
                remedy: "Name a sampling, a training or a cell; `sower why CELL` shows the jobs behind one.")
        }
    }

    /// ARM/REPLICATE or ARM/PAIR/REPLICATE.
    private init(place: String, _ recorded: RecordedStudy) throws {
        let cells = try recorded.reader.cellResults(study: recorded.id, epochs: .none)
        if let cell = cells.first(where: { $0.place == place }) {
            try self.init(recorded.reader.job(prefix: cell.job.digest.hex), place: place)
            return
        }
        let replicate = cells.filter { "\($0.arm)/\($0.replicate)" == place }
        guard let first = replicate.first else {
            throw Stop(
                .configuration, "the study has no \(place.prefix(200))",
                remedy: "Write ARM/REPLICATE or ARM/PAIR/REPLICATE, for example \(cells.first?.place ?? "random/10-14/1"); "
                    + "`sower status --cells` lists them.")
        }
        // In a chain only the first link starts from it.
        for cell in replicate {
            guard
                case .train(let spec)? = try? JSONDecoder().decode(
                    JobSpec.self, from: Data(recorded.reader.job(prefix: cell.job.digest.hex).spec)),
                case .filters(let sample, _) = spec.start
            else { continue }
            try self.init(recorded.reader.job(prefix: sample.digest.hex), place: place)
            return
        }
        throw Stop(
            .configuration, "the arm \(first.arm) samples nothing: each of its cells has a start of its own",
            remedy: "Name one, for example \(first.place).")
    }

    /// A job by the beginning of its id, or the one whose initialization's digest begins so.
    private static func job(_ source: String, _ recorded: RecordedStudy) throws -> JobRow {
        do {
            return try recorded.reader.job(prefix: source)
        } catch LedgerError.unknownJob {
            return try recorded.reader.job(prefix: job(ofDigest: source, recorded).digest.hex)
        }
    }

    private static func job(ofDigest source: String, _ recorded: RecordedStudy) throws -> JobID {
        let found = try recorded.reader.recordedArtifacts().filter {
            $0.artifact.name == "initialization" && $0.artifact.digest.hex.hasPrefix(source.lowercased())
        }
        guard let first = found.first, Set(found.map(\.artifact.digest)).count == 1 else {
            let subject = found.isEmpty ? "no job and no initialization" : "more than one initialization"
            throw Stop(
                .configuration, "\(subject) begins with \(source.prefix(80))",
                remedy: "`sower why ARM/PAIR/REPLICATE` shows the jobs and digests behind a cell.")
        }
        return first.job
    }

    /// The artifacts that the start reads. Throws `Stop` when they have not been made.
    func inputs(_ recorded: RecordedStudy) throws -> [InputArtifact] {
        guard let input = start.input else { return [] }
        let made = input == row.id ? row : try recorded.reader.job(prefix: input.digest.hex)
        guard made.state == .finished else {
            throw Stop(
                .incomplete, "\(what) is not there yet: job \(made.id.short) (\(WhyReport.words(made))) is \(made.state.rawValue)",
                remedy: recorded.reader.coordinatorProcess == nil
                    ? "`sower resume \(recorded.folder.name)` goes on." : "Wait for it: `sower watch`.")
        }
        return made.artifacts.map { InputArtifact(job: input, artifact: $0) }
    }

    // MARK: Provenance

    /// Where the tensors come from, as texts for the file's header.
    func metadata(_ recorded: RecordedStudy) throws -> [String: String] {
        var texts = [
            "sower": "initialization export 1", "study": recorded.study.name, "study_digest": recorded.study.digest.hex,
            "architecture": model.architecture, "default_start_seed": "\(seed)", "program": Version.text, "job": row.id.digest.hex,
        ]
        if let place { texts["source"] = place }
        if let input = start.input { texts["start_job"] = input.digest.hex }
        try add(LineageNode(row, recorded), to: &texts)
        return texts
    }

    /// What the nearest job of each kind has to say.
    private func add(_ node: LineageNode, to texts: inout [String: String]) throws {
        func note(_ key: String, _ value: String?) { if texts[key] == nil, let value { texts[key] = value } }
        switch node.spec {
        case .sample(let spec):
            note("sample_job", node.job)
            note("sample_seed", "\(spec.seed)")
            note("sampled_layers", "\(spec.layers)")
            note("initialization_digest", node.artifacts.first { $0.name == "initialization" }?.digest)
            note("engine_version", node.engineVersion)
            note("numeric_class", node.numericClass)
        case .align(let spec):
            note("align_job", node.job)
            note("matching", spec.matching.rawValue)
            note("mean", spec.mean.rawValue)
            note("aligned_layers", "\(spec.layers)")
            note("initialization_digest", node.artifacts.first { $0.name == "initialization" }?.digest)
            note("source_jobs", spec.sources.map(\.digest.hex).joined(separator: ","))
            note("engine_version", node.engineVersion)
            note("numeric_class", node.numericClass)
        case .cluster(let spec):
            note("codebook_job", node.job)
            note("codebook_digest", node.artifacts.first { $0.name == "codebook" }?.digest)
            note("codebook_seed", "\(spec.seed)")
            note("distance", spec.distance.rawValue)
            note("clusters", "\(spec.clusters)")
            note("source_jobs", spec.sources.map(\.digest.hex).joined(separator: ","))
        default: break
        }
        for source in node.sources { try add(source, to: &texts) }
    }
}
