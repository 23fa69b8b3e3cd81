import ArgumentParser
import Artifacts
import Coordination
import Digests
import Foundation
import Jobs
import LedgerStore
import Studies

struct InitializationCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "initialization", abstract: "Use a study's initializations elsewhere.", subcommands: [Export.self])

    struct Export: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "export", abstract: "Write an initialization as a torchvision state_dict, in safetensors.",
            discussion: """
                SOURCE is one of
                  ARM/REPLICATE       the kernels that a clustered arm sampled for a replicate
                  ARM/PAIR/REPLICATE  the whole start of one cell, bit for bit, of any arm
                  JOB                 the beginning of the id of a sampling or a training
                  DIGEST              the beginning of a sampled initialization's SHA-256
                Layers that were not sampled have the architecture's default start: that of the cell's own seed, or where no cell is \
                named one that the sampling's seed gives. The file's metadata say where it comes from.
                """)

        @Argument(help: "ARM/REPLICATE, ARM/PAIR/REPLICATE, JOB or DIGEST.")
        var source: String

        @Option(
            name: [.customShort("o"), .customLong("output")],
            help: ArgumentHelp("The file to write; it must not exist.", valueName: "file"))
        var file: String

        @Option(help: "The study in whose ledger to look; the default is the one used last.")
        var study: String?

        @OptionGroup var results: ResultsOption
        @OptionGroup var output: OutputOptions

        func run() throws {
            let recorded = try RecordedStudy(StudyFolder.find(study, in: results.results))
            let start = try RecordedStart(source, recorded)
            let store = try ArtifactStore(folder: recorded.folder.artifacts)
            let metadata = try start.metadata(recorded)
            try InitializationExport.write(
                start.start, model: start.model, seed: start.seed, inputs: start.inputs(recorded), store: store, metadata: metadata,
                to: file)
            let size = (try? FileManager.default.attributesOfItem(atPath: file))?[.size] as? Int ?? 0
            switch output.outputMode {
            case .json: print(try JSONOutput.text(Report(file: file, bytes: size, metadata: metadata)))
            case .cli: print("\(file): \(start.what), \(size) bytes")
            case .quiet: break
            }
        }

        private struct Report: Codable {
            var version = 1
            var kind = "initialization"
            var file: String
            var bytes: Int
            var metadata: [String: String]
        }
    }
}
