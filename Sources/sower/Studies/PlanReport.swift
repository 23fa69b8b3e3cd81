import Coordination
import Foundation
import LedgerStore
import Studies

/// What a study would run, a stage a line, against what its ledger holds.
struct PlanReport {
    private struct StageLine: Codable {
        var stage: String
        var jobs: Int
        var done: Int
        var trainingImages: Int

        enum CodingKeys: String, CodingKey {
            case stage, jobs, done
            case trainingImages = "training_images"
        }
    }

    private struct Report: Codable {
        var version = 1
        var kind = "plan"
        var study: String
        var dataset: String
        var stages: [StageLine]
        var cells: Int
        var deviations: [String]
    }

    private let report: Report
    private let loaded: LoadedStudy
    private let runCommand: String

    init(_ loaded: LoadedStudy, runCommand: String) throws {
        self.loaded = loaded
        self.runCommand = runCommand
        let done = try Self.jobsDone(loaded)
        let stages = Stage.allCases.compactMap { stage -> StageLine? in
            let jobs = loaded.plan.jobs.filter { $0.stage == stage }
            guard !jobs.isEmpty else { return nil }
            let missing = jobs.filter { !done.contains($0.id) }
            return StageLine(
                stage: stage.rawValue, jobs: jobs.count, done: jobs.count - missing.count,
                trainingImages: missing.reduce(0) { $0 + $1.cost.trainingImages })
        }
        report = Report(
            study: loaded.study.name, dataset: loaded.dataset.hex, stages: stages,
            cells: loaded.plan.cells.count { $0.stage == .evaluate }, deviations: loaded.study.deviations)
    }

    /// Jobs of the plan that the ledger has a result of, whichever study asked for them.
    static func jobsDone(_ loaded: LoadedStudy) throws -> Set<JobID> {
        guard FileManager.default.fileExists(atPath: loaded.folder.ledger) else { return [] }
        let reader = try LedgerReader(path: loaded.folder.ledger)
        var done: Set<JobID> = []
        for job in loaded.plan.jobs {
            if let row = try? reader.job(prefix: job.id.digest.hex), row.state == .finished || row.state == .diverged {
                done.insert(job.id)
            }
        }
        return done
    }

    func show(_ mode: OutputMode) throws {
        switch mode {
        case .json:
            print(try JSONOutput.text(report))
        case .quiet:
            break
        case .cli:
            print("\(report.study): data \(loaded.dataWords)")
            for stage in report.stages {
                let images = stage.trainingImages == 0 ? "" : ", \(stage.trainingImages) training images"
                print("  \(stage.stage.padding(toLength: 9, withPad: " ", startingAt: 0)) \(stage.jobs) jobs, \(stage.done) done\(images)")
            }
            let arms = loaded.study.arms.map(\.name).joined(separator: ", ")
            print("  \(report.cells) cells in the arms \(arms)")
            for deviation in report.deviations { print("  note: \(deviation)") }
            print("Run it with: \(runCommand)")
        }
    }
}
