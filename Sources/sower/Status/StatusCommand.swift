import ArgumentParser
import Foundation

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show how far a study is, its workers and its failures, from the ledger.")

    @Argument(help: "A study's name in the results folder; the default is the one used last.")
    var study: String?

    @OptionGroup var results: ResultsOption
    @OptionGroup var output: OutputOptions

    @Flag(help: "Look again every two seconds until the sweep ends.")
    var watch = false

    @Flag(help: "List every cell with its job's id and state.")
    var cells = false

    func run() throws {
        if cells {
            try CellList(RecordedStudy(StudyFolder.find(study, in: results.results))).show(output.outputMode)
        } else {
            try StatusReport(study: study, results: results, output: output).show(watching: watch)
        }
    }
}

/// What `status` and `watch` print.
struct StatusReport {
    var study: String?
    var results: ResultsOption
    var output: OutputOptions

    /// - Parameter watching: whether to look again every two seconds until the sweep ends.
    func show(watching: Bool) throws {
        let folder = try StudyFolder.find(study, in: results.results)
        while true {
            let status = try StudyStatus(RecordedStudy(folder, comparing: .study))
            switch output.outputMode {
            case .cli:
                if watching && isatty(1) != 0 { print("\u{1B}[H\u{1B}[2J", terminator: "") }
                status.lines(resumeCommand: folder.resumeCommand(results: results.results)).forEach { print($0) }
            case .json: print(try JSONOutput.text(status))
            case .quiet: break
            }
            fflush(nil)
            guard watching, status.isRunning else { return }
            sleep(2)
        }
    }
}
