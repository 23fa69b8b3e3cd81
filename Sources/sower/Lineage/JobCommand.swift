import ArgumentParser
import Artifacts
import Coordination
import Foundation
import Jobs
import LedgerStore
import Studies
import Tensors

struct JobCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "job", abstract: "Look into one job.", subcommands: [Run.self])

    struct Run: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "run",
            abstract: "Run one job in this process, as a runner would; its artifact goes to the study's store, the ledger is not changed.",
            discussion: "JOB is the beginning of a job's id in a study's ledger, or a file with a job's specification as JSON.")

        @Argument(help: "A job's id (or its beginning), or SPEC.json.")
        var job: String

        @Option(help: "The study whose ledger and artifacts are used; the default is the one used last.")
        var study: String?

        @Flag(help: "Run the program that the job names, if it names one, as this user.")
        var allowCommand = false

        @OptionGroup var results: ResultsOption
        @OptionGroup var output: OutputOptions

        func run() throws {
            try BLAS.setThreads(1)
            let recorded = try RecordedStudy(StudyFolder.find(study, in: results.results))
            let isFile = FileManager.default.fileExists(atPath: job)
            let bytes = isFile ? try readFile() : try recorded.reader.job(prefix: job).spec
            let spec: JobSpec
            do {
                spec = try JSONDecoder().decode(JobSpec.self, from: Data(bytes))
            } catch {
                throw Stop(
                    .configuration, "\(job) is no job specification: \(error)",
                    remedy: "`sower status --cells` lists jobs; give the beginning of an id.")
            }
            let inputs = try spec.inputs.flatMap { input in
                try recorded.reader.job(prefix: input.digest.hex).artifacts.map { InputArtifact(job: input, artifact: $0) }
            }
            let loaded = try LoadedStudy(recorded.study, results: results.results)
            let store = try ArtifactStore(folder: recorded.folder.artifacts)
            try removeDamaged(of: spec, in: store, recorded: recorded)
            let request = RunnerRequest(
                spec: spec.canonicalJSON, datasetPath: loaded.dataPath, storePath: store.folder, inputs: inputs,
                trainerPaths: loaded.study.trainer?.paths ?? [])
            let result = JobRunner(allowsCommands: allowCommand, now: MonotonicClock.now).run(request) { metrics in
                guard output.outputMode == .cli else { return }
                printToError(
                    "epoch \(metrics.epoch): validation accuracy \(metrics.validationAccuracy) %, training loss \(metrics.trainingLoss), \(Int(Double(metrics.images) / metrics.seconds)) images/s"
                )
            }
            if case .failed(let failure) = result.outcome { throw Stop(.someCellsFailed, "\(failure.code): \(failure.message)") }
            try show(result, of: spec)
        }

        private func readFile() throws -> [UInt8] {
            guard let data = FileManager.default.contents(atPath: job), data.count <= Limits.specBytes else {
                throw Stop(
                    .configuration, "\(job) cannot be read, or has more than \(Limits.specBytes) bytes",
                    remedy: "Give a job's specification as JSON.")
            }
            return Array(data)
        }

        /// What the ledger says this job has made, and which is not whole, makes room for the new copy.
        private func removeDamaged(of spec: JobSpec, in store: ArtifactStore, recorded: RecordedStudy) throws {
            guard let row = try? recorded.reader.job(prefix: spec.id.digest.hex) else { return }
            for artifact in row.artifacts where (try? store.verify(artifact.digest)) == nil { try store.remove(artifact.digest) }
        }

        private func show(_ result: RunnerResult, of spec: JobSpec) throws {
            let report = Report(
                job: spec.id.digest.hex,
                outcome: { if case .diverged = result.outcome { "diverged" } else { "finished" } }(), epochs: result.epochs,
                artifacts: result.artifacts.map { Report.Artifact(name: $0.name, digest: $0.digest.hex, size: $0.size) },
                seconds: result.seconds)
            switch output.outputMode {
            case .json:
                print(try JSONOutput.text(report))
            case .cli:
                print("job \(spec.id.short) \(report.outcome) after \(String(format: "%.1f", result.seconds)) s")
                for artifact in report.artifacts { print("\(artifact.name) \(artifact.digest) \(artifact.size) bytes") }
            case .quiet:
                break
            }
        }

        private struct Report: Codable {
            struct Artifact: Codable {
                var name: String
                var digest: String
                var size: UInt64
            }

            var version = 1
            var kind = "job"
            var job: String
            var outcome: String
            var epochs: [EpochMetrics]
            var artifacts: [Artifact]
            var seconds: Double
        }
    }
}
