import ArgumentParser
import Foundation
import LedgerStore

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check that ledger, artifacts and tables are what was recorded, to the bit.",
        discussion: """
            Reads everything and changes nothing, also while the sweep runs.
            Exit codes: 0 nothing is wrong, 1 something is damaged or missing, 2 usage.
            """)

    @Argument(help: "A study's name in the results folder; the default is the one used last.")
    var study: String?

    @OptionGroup var results: ResultsOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        let report = try StudyVerification(StudyFolder.find(study, in: results.results), results: results.results)
        switch output.outputMode {
        case .json: print(try JSONOutput.text(report))
        case .cli: report.lines.forEach { print($0) }
        case .quiet: break
        }
        if !report.problems.isEmpty { throw Stop(.someCellsFailed) }
    }
}
