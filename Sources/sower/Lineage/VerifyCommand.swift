import ArgumentParser
import Foundation
import LedgerStore

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check that ledger, artifacts, tables and exported files are what was recorded, to the bit.",
        discussion: """
            Reads everything and changes nothing, also while the sweep runs. Files in the study's tables/ and exports/ are derived \
            from the ledger again and compared, and so are the numbers and scripts of its figures; with --also, those in other folders. \
            With --replay some evaluations are trained again, from their inputs in the store, and every metric of every epoch and every \
            artifact is compared to the bit.
            Exit codes: 0 nothing is wrong, 1 something is damaged or missing, 2 usage.
            """)

    @Argument(help: "A study's name in the results folder; the default is the one used last.")
    var study: String?

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("Check the exported files and figures in this folder too; may be repeated.", valueName: "folder"))
    var also: [String] = []

    @Option(help: ArgumentHelp("Train this many cells again, drawn by --seed.", valueName: "n"))
    var replay: Int?

    @Option(help: "Which cells are drawn for --replay; the same seed draws the same ones.")
    var seed: UInt64 = 1

    @OptionGroup var threads: ThreadOptions
    @OptionGroup var results: ResultsOption
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if let replay, replay < 1 { throw ValidationError("--replay \(replay): expected 1 or more") }
        for folder in also {
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
                throw ValidationError("--also \(folder): there is no such folder")
            }
        }
    }

    func run() throws {
        let folder = try StudyFolder.find(study, in: results.results)
        var report = try StudyVerification(folder, also: also, results: results.results)
        // What is damaged is no measure for anything.
        if let replay, report.problems.isEmpty {
            let done = try StudyReplay(
                of: RecordedStudy(folder), count: replay, seed: seed, threads: threads.threads, results: results.results
            ) { cell in if output.outputMode == .cli { printToError(cell.line) } }
            report.add(done)
        }
        switch output.outputMode {
        case .json: print(try JSONOutput.text(report))
        case .cli: report.lines.forEach { print($0) }
        case .quiet: break
        }
        if !report.problems.isEmpty { throw Stop(.someCellsFailed) }
    }
}
