import ArgumentParser
import Coordination
import Coordinator
import Foundation
import LedgerStore
import Studies

struct AttachCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach", abstract: "Follow a sweep that runs, and end with its table and exit code.",
        discussion: "Ctrl-C leaves the sweep running. The progress is read from the ledger.")

    @Argument(help: "A study's name in the results folder; the default is the one used last.")
    var study: String?

    @OptionGroup var results: ResultsOption
    @OptionGroup var output: OutputOptions

    func run() throws {
        Signals.catchThem()
        let folder = try StudyFolder.find(study, in: results.results)
        let process = LedgerLock.holder(ledger: folder.ledger)
        if let process { try follow(folder, process) }
        try finish(folder, process)
    }

    private func follow(_ folder: StudyFolder, _ process: pid_t) throws {
        if output.outputMode == .cli { printToError("\(folder.name): running (process \(process)); Ctrl-C leaves it running") }
        let recorded = try RecordedStudy(folder)
        let start = Date()
        let stages = try recorded.reader.stageCounts(study: recorded.id)
        let line = ProgressLine(
            total: stages.reduce(0) { $0 + $1.total }, imagesAtStart: recorded.study.imagesToTrain(stages),
            isShown: output.outputMode == .cli && isatty(2) != 0)
        while LedgerLock.holder(ledger: folder.ledger) == process {
            if let code = Signals.pending {
                line.interrupt("", say: false)
                throw Stop(
                    code, "the sweep goes on (process \(process))",
                    remedy: "Come back with: sower attach \(folder.name)\(ResultsOption.flag(results.results))")
            }
            line.show(try recorded.progress(since: start))
            usleep(500_000)
        }
        line.end(try recorded.progress(since: start), say: false)
    }

    /// The ledger is free before the table is written and the last word is said.
    private func finish(_ folder: StudyFolder, _ process: pid_t?) throws {
        var ending = SweepEnding.read(in: folder, process: process)
        if let process {
            let deadline = ContinuousClock.now + .seconds(20)
            while ending == nil, kill(process, 0) == 0, ContinuousClock.now < deadline {
                usleep(50_000)
                ending = SweepEnding.read(in: folder, process: process)
            }
            ending = ending ?? SweepEnding.read(in: folder, process: process)
        }
        guard let ending, let code = SowerExit(rawValue: ending.exitCode) else {
            throw Stop(
                process == nil ? .unreachable : .incomplete,
                process == nil ? "no sweep of \(folder.name) is running" : "the coordinator was killed; everything finished is saved",
                remedy: "Continue with: \(folder.resumeCommand(results: results.results))")
        }
        if process == nil, output.outputMode == .cli {
            printToError("\(folder.name): not running; it ended at \(ending.at.formatted(.iso8601))")
        }
        let report = try StudyReport(RecordedStudy(folder))
        // A sweep that was stopped has no table to show.
        if [.success, .someCellsFailed, .tooManyFailures].contains(code) { try report.show(output.outputMode) }
        if code != .success { throw Stop(code, ending.message, remedy: ending.remedy) }
    }
}

struct WatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Show how far a study is, again and again: `sower status --watch`.")

    @Argument(help: "A study's name in the results folder; the default is the one used last.")
    var study: String?

    @OptionGroup var results: ResultsOption
    @OptionGroup var output: OutputOptions

    func run() throws { try StatusReport(study: study, results: results, output: output).show(watching: true) }
}

extension RecordedStudy {
    /// What the coordinator shows of itself, as far as the ledger has it.
    fileprivate func progress(since start: Date) throws -> SweepProgress {
        let stages = try reader.stageCounts(study: id)
        let workers = try reader.workers().filter { $0.leftAt == nil }
        let elapsed = Date().timeIntervalSince(start)
        let window = min(60, max(1, elapsed))
        return SweepProgress(
            counts: [
                .waiting: stages.reduce(0) { $0 + $1.waiting }, .running: stages.reduce(0) { $0 + $1.running },
                .finished: stages.reduce(0) { $0 + $1.finished }, .diverged: stages.reduce(0) { $0 + $1.diverged },
                .failed: stages.reduce(0) { $0 + $1.failed },
            ], workers: workers.count, slots: workers.reduce(0) { $0 + $1.slots },
            imagesPerSecond: Double(try reader.trainingRate(since: Date(timeIntervalSinceNow: -window)).images) / window,
            imagesTrained: try reader.trainingRate(since: start).images, elapsedSeconds: elapsed)
    }
}

extension StageCount {
    fileprivate var total: Int { waiting + running + finished + diverged + failed }
}

extension Study {
    /// Training images that unsettled jobs have before them, by the mean of their stage.
    fileprivate func imagesToTrain(_ stages: [StageCount]) -> Int {
        // Costs do not depend on the data's digest.
        let plan = expand(dataset: digest)
        return stages.reduce(0) { sum, stage in
            let jobs = plan.jobs.filter { $0.stage.rawValue == stage.stage }
            guard !jobs.isEmpty else { return sum }
            return sum + jobs.reduce(0) { $0 + $1.cost.trainingImages } / jobs.count * (stage.waiting + stage.running)
        }
    }
}
