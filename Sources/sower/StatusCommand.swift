import ArgumentParser
import Foundation
import LedgerStore
import Reports
import Studies

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
        let folder = try StudyFolder.find(study, in: results.results)
        if cells {
            try CellList(RecordedStudy(folder)).show(output.outputMode)
            return
        }
        while true {
            let status = try StudyStatus(RecordedStudy(folder))
            switch output.outputMode {
            case .cli:
                if watch && isatty(1) != 0 { print("\u{1B}[H\u{1B}[2J", terminator: "") }
                status.lines(resumeCommand: folder.resumeCommand(results: results.results)).forEach { print($0) }
            case .json: print(try status.json)
            case .quiet: break
            }
            guard watch, status.isRunning else { return }
            sleep(2)
        }
    }
}

/// The study's grid, a cell a line: which job fills it, and what became of that.
private struct CellList: Codable {
    struct Line: Codable {
        var job: String
        var stage: String
        var arm: String
        var pair: String
        var replicate: Int
        var state: String
    }

    var version = 1
    var kind = "cells"
    var study: String
    var cells: [Line]

    init(_ recorded: RecordedStudy) throws {
        study = recorded.study.name
        cells = try [Stage.pretrain, .evaluate].flatMap { stage in
            try recorded.reader.cellResults(study: recorded.id, stage: stage.rawValue, epochs: .none).map {
                Line(
                    job: $0.job.digest.hex, stage: stage.rawValue, arm: $0.arm, pair: Study.name(of: $0.pair),
                    replicate: $0.replicate, state: $0.state.rawValue)
            }
        }
    }

    func show(_ mode: OutputMode) throws {
        switch mode {
        case .json: print(try JSONOutput.text(self))
        case .quiet: break
        case .cli:
            for cell in cells {
                let place = cell.stage == Stage.pretrain.rawValue ? "\(cell.stage) \(cell.pair)" : "\(cell.stage) \(cell.arm) \(cell.pair) replicate \(cell.replicate)"
                print("\(cell.job.prefix(12))  \(cell.state.padding(toLength: 8, withPad: " ", startingAt: 0))  \(place)")
            }
        }
    }
}

/// What a ledger says of a study's progress.
private struct StudyStatus: Codable {
    struct StageLine: Codable {
        var stage: String
        var waiting: Int
        var running: Int
        var finished: Int
        var diverged: Int
        var failed: Int
    }

    struct WorkerLine: Codable {
        var name: String
        var host: String
        var slots: Int
        var running: Int
        var numericClass: String

        enum CodingKeys: String, CodingKey {
            case name, host, slots, running
            case numericClass = "numeric_class"
        }
    }

    struct FailureLine: Codable {
        var job: String
        var reason: String
        var message: String
    }

    var version = 1
    var kind = "status"
    var study: String
    var coordinatorProcess: Int32?
    var stages: [StageLine]
    var workers: [WorkerLine]
    var failures: [FailureLine]
    var imagesPerSecond: Double

    enum CodingKeys: String, CodingKey {
        case version, kind, study, stages, workers, failures
        case coordinatorProcess = "coordinator_process"
        case imagesPerSecond = "images_per_second"
    }

    init(_ recorded: RecordedStudy) throws {
        let reader = recorded.reader
        study = recorded.study.name
        coordinatorProcess = reader.coordinatorProcess
        let isRunning = coordinatorProcess != nil
        stages = try reader.stageCounts(study: recorded.id).map {
            // A lease without a coordinator is no running job.
            StageLine(
                stage: $0.stage, waiting: $0.waiting + (isRunning ? 0 : $0.running), running: isRunning ? $0.running : 0,
                finished: $0.finished, diverged: $0.diverged, failed: $0.failed)
        }
        workers = isRunning
            ? try reader.workers().filter { $0.leftAt == nil && $0.runningAttempts > 0 }.map {
                WorkerLine(
                    name: $0.name, host: $0.host, slots: $0.slots, running: $0.runningAttempts, numericClass: $0.numericClass)
            } : []
        failures = try reader.failures(study: recorded.id, limit: 10).map {
            FailureLine(job: $0.job.short, reason: $0.failure.code, message: $0.failure.message)
        }
        let rate = try reader.trainingRate(since: Date(timeIntervalSinceNow: -60))
        imagesPerSecond = isRunning ? (Double(rate.images) / 60 * 10).rounded() / 10 : 0
    }

    var isRunning: Bool { coordinatorProcess != nil }

    func lines(resumeCommand: String) -> [String] {
        var lines = [isRunning ? "\(study): running (process \(coordinatorProcess ?? 0))" : "\(study): not running"]
        for stage in stages {
            let total = stage.waiting + stage.running + stage.finished + stage.diverged + stage.failed
            let others = [
                (stage.running, "running"), (stage.waiting, "waiting"), (stage.diverged, "diverged"), (stage.failed, "failed"),
            ].filter { $0.0 > 0 }.map { ", \($0.0) \($0.1)" }.joined()
            lines.append("  \(stage.stage.padding(toLength: 9, withPad: " ", startingAt: 0)) \(stage.finished) of \(total) finished\(others)")
        }
        if isRunning { lines.append("  \(Int(imagesPerSecond)) images/s over the last minute") }
        for worker in workers {
            lines.append("  \(worker.name) on \(worker.host): \(worker.running) of \(worker.slots) slots busy, \(worker.numericClass)")
        }
        for failure in failures { lines.append("  failed: \(failure.job) \(failure.reason): \(failure.message)") }
        let isOpen = stages.contains { $0.waiting + $0.running > 0 }
        if !isRunning && isOpen { lines.append("Continue with: \(resumeCommand)") }
        if !failures.isEmpty { lines.append("Try failed jobs again with: \(resumeCommand) --retry-failed") }
        return lines
    }

    var json: String {
        get throws {
            try JSONOutput.text(self)
        }
    }
}
