import Foundation
import LedgerStore
import Studies

/// The study's grid, a cell a line: which job fills it, and what became of that.
struct CellList: Codable {
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
                // A cell of pre-training has no arm but, where that is not the study's, a network.
                let isPretraining = cell.stage == Stage.pretrain.rawValue
                let network = cell.arm == StudyLimits.reservedArmName ? "" : cell.arm.drop { $0 != ":" }.dropFirst() + " "
                let place = isPretraining ? "\(network)\(cell.pair)" : "\(cell.arm) \(cell.pair) replicate \(cell.replicate)"
                print("\(cell.job.prefix(12))  \(cell.state.padding(toLength: 8, withPad: " ", startingAt: 0))  \(cell.stage) \(place)")
            }
        }
    }
}
