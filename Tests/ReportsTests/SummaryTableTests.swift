import Testing

import Reports
import Studies

let info = TableInfo(
    study: "example", studyDigest: "00ff", profile: .paper, evaluationProtocol: .independent,
    deviations: ["scale: 2 evaluation pairs instead of 10"], arms: ["random", "k_3", "late"], pairs: [[10, 14], [11, 12]],
    replicates: 2, epochs: 2)

func cell(
    _ arm: String, _ pair: [Int], _ replicate: Int, _ accuracy: Double?, _ state: CellState = .finished, on host: String? = "x"
) -> CellResult {
    let epochs = accuracy.map { value in
        [1, 2].map { epoch in
            EpochMetrics(
                epoch: epoch, learningRate: epoch == 2 ? 0.005 : 0.01, trainingLoss: 1, trainingAccuracy: 50,
                trainingTop5Accuracy: 75, validationLoss: 2 - value / 100,
                validationAccuracy: epoch == 2 ? value : value - 10,
                validationTop5Accuracy: epoch == 2 ? value + 30 : value + 25, images: 100, seconds: Double.random(in: 0...1))
        }
    }
    return CellResult(arm: arm, pair: pair, replicate: replicate, state: state, epochs: EpochList(epochs ?? []), numericClass: host)
}

/// One complete arm, one with a failure and a divergence, one that has not begun.
let cells = [
    cell("random", [10, 14], 1, 60.2), cell("random", [10, 14], 2, 57.1), cell("random", [11, 12], 1, 63.9),
    cell("random", [11, 12], 2, 61.4), cell("k_3", [10, 14], 1, 65.1), cell("k_3", [10, 14], 2, 1, .diverged),
    cell("k_3", [11, 12], 1, nil, .failed(reason: "OUT_OF_MEMORY\u{1B}[31m")),
]

struct SummaryTableTests {
    @Test func `where all classes are one task, replicates are what is compared`() {
        var one = info
        (one.pairs, one.arms, one.replicates, one.deviations) = ([[]], ["random", "k_3"], 6, [])
        let cells = (1...6).flatMap { [cell("random", [], $0, 30 + Double($0) / 10), cell("k_3", [], $0, 33 + Double($0) / 7)] }
        let table = SummaryTable.make(info: one, cells: cells, baseline: "random")
        #expect(table.rows.map(\.statistics.n) == [6, 6])
        #expect(table.rows[1].comparison?.unit == .replicate && table.rows[1].comparison?.units == 6)
        // Six differences of one sign: 2 of 2⁶ sign patterns are as extreme.
        #expect(table.rows[1].comparison?.test.pValue == 2.0 / 64)
        #expect(!table.footnotes.contains { $0.contains("they share pairs") })
        #expect(SummaryTable.make(info: one, cells: cells, grouping: .armAndPair).rows.map(\.pair) == [[], []])
    }

    @Test func `a row an arm, with every cell of the grid counted`() {
        let table = SummaryTable.make(info: info, cells: cells)
        #expect(table.epoch == 2)
        #expect(table.rows.map(\.arm) == ["random", "k_3", "late"])
        #expect(table.rows.map(\.statistics.n) == [4, 1, 0])
        #expect(table.rows.map(\.expected) == [4, 4, 4])
        #expect(table.rows.map(\.failed) == [0, 1, 0])
        #expect(table.rows.map(\.diverged) == [0, 1, 0])
        #expect(table.rows.map(\.isComplete) == [true, false, false])
        #expect(abs(table.rows[0].statistics.mean! - 60.65) < 1e-12)
        #expect(table.rows[1].statistics.std == nil)
    }

    @Test func `another epoch, another metric, other groups`() {
        let first = SummaryTable.make(info: info, cells: cells, epoch: 1)
        #expect(abs(first.rows[0].statistics.mean! - 50.65) < 1e-12)
        let loss = SummaryTable.make(info: info, cells: cells, metric: .validationLoss)
        #expect(abs(loss.rows[0].statistics.mean! - (2 - 0.6065)) < 1e-12)
        let top5 = SummaryTable.make(info: info, cells: cells, metric: .validationTop5Accuracy, epoch: 1)
        #expect(abs(top5.rows[0].statistics.mean! - 85.65) < 1e-12)
        let training = SummaryTable.make(info: info, cells: cells, metric: .trainingTop5Accuracy)
        #expect(training.rows[0].statistics.mean == 75)
        #expect(SummaryTable.make(info: info, cells: cells, epoch: 3).rows[0].statistics.n == 0)
        let pairs = SummaryTable.make(info: info, cells: cells, grouping: .armAndPair)
        #expect(pairs.rows.count == 6)
        #expect(abs(pairs.rows[0].statistics.mean! - 58.65) < 1e-12)
        let replicates = SummaryTable.make(info: info, cells: cells, grouping: .armAndReplicate)
        #expect(abs(replicates.rows[1].statistics.mean! - 59.25) < 1e-12)
    }

    @Test func `metrics go by the names that commands and files use`() throws {
        #expect(
            TableMetric.allCases.map(\.rawValue) == [
                "validation_accuracy", "validation_top5_accuracy", "validation_loss", "training_accuracy",
                "training_top5_accuracy", "training_loss", "learning_rate",
            ])
        let top5 = SummaryTable.make(info: info, cells: cells, metric: .validationTop5Accuracy)
        #expect(top5.rendered(as: .table).hasPrefix("example: validation_top5_accuracy at epoch 2 (percent)\n"))
        #expect(top5.rendered(as: .csv).contains("\nrandom,validation_top5_accuracy,2,4,4,0,90.650000,"))
        let json = top5.rendered(as: .json)
        #expect(json.contains("\"metric\": \"validation_top5_accuracy\"") && json.contains("\"unit\": \"percent\""))
    }

    @Test func `the learning rate of an epoch is a table like any other, with digits enough`() {
        func text(_ epoch: Int) -> String {
            SummaryTable.make(info: info, cells: cells, metric: .learningRate, epoch: epoch).rendered(as: .table)
        }
        #expect(text(1).hasPrefix("example: learning_rate at epoch 1\n"))
        #expect(text(1).contains("0.010000 ± 0.000000"))
        #expect(text(2).contains("0.005000 ± 0.000000"))
    }

    @Test func `a finished cell whose metric is not a number counts as diverged`() {
        let table = SummaryTable.make(info: info, cells: [cell("random", [10, 14], 1, .nan)])
        #expect(table.rows[0].diverged == 1)
        #expect(table.rows[0].statistics.n == 0)
    }

    @Test(arguments: TableFormat.allCases, RowGrouping.allCases)
    func `the bytes do not depend on the order in which cells finished`(format: TableFormat, grouping: RowGrouping) {
        let expected = SummaryTable.make(info: info, cells: cells, grouping: grouping).rendered(as: format, precision: 15)
        for _ in 0..<20 {
            let table = SummaryTable.make(info: info, cells: cells.shuffled(), grouping: grouping)
            #expect(table.rendered(as: format, precision: 15) == expected)
        }
    }

    @Test func `rows are sorted by a column, those without a value last`() {
        let table = SummaryTable.make(info: info, cells: cells)
        #expect(table.sorted(by: .mean).rows.map(\.arm) == ["random", "k_3", "late"])
        #expect(table.sorted(by: .mean, descending: true).rows.map(\.arm) == ["k_3", "random", "late"])
        #expect(table.sorted(by: .arm).rows.map(\.arm) == ["k_3", "late", "random"])
        #expect(table.sorted(by: .n).rows.map(\.arm) == ["late", "k_3", "random"])
        #expect(table.sorted(by: .epoch, descending: true).rows.map(\.arm) == ["random", "k_3", "late"])
    }

    @Test func `mixed numeric classes and many missing cells are said under the table`() {
        let mixed = [cell("random", [10, 14], 1, 60, on: "a"), cell("random", [10, 14], 2, 61, on: nil)]
        let notes = SummaryTable.make(info: info, cells: mixed).footnotes
        #expect(notes.contains("numeric classes are mixed, last digits may depend on the host: a (1), not recorded (1)"))
        #expect(notes.contains("* 10 of 12 cells have no value and are in no mean: 10 not finished"))
        #expect(notes.last == "* and 5 more")
    }

    @Test func `a chained study says so`() {
        var chained = info
        chained.evaluationProtocol = .chained
        #expect(
            SummaryTable.make(info: chained, cells: []).footnotes[0]
                == "protocol: chained (one network a replicate goes through the pairs in order); profile: paper")
    }
}
