import Reports
import Studies
import Testing

/// A study's table with the published numbers beside its own. Differences are worked by hand from the paper's tracked parameters.
@Suite struct PublishedTableTests {
    /// Ten arms' worth of nothing but what a comparison reads.
    private static func study(profile: Profile, evaluationProtocol: EvaluationProtocol, replicates: Int = 5) -> Study {
        let clustering = Clustering(distance: .fourierReal, models: 10, clusters: 10, layers: 17)
        return Study(
            name: "example", data: .cifar100(path: "/data"), model: ModelSpec(architecture: "resnet18", classes: 10), profile: profile,
            evaluationProtocol: evaluationProtocol, seed: 1,
            pretraining: Pretraining(superclasses: Array(0...9), pairs: 45, recipe: profile.pretrainingRecipe),
            evaluation: Evaluation(superclasses: Array(10...19), pairs: 10, replicates: replicates, recipe: profile.evaluationRecipe),
            arms: [
                Arm(name: "baseline", method: .random), Arm(name: "k10", method: .clustered(clustering)),
                Arm(name: "gabor-3", method: .gabor(layers: 3)),
            ], deviations: [])
    }

    /// Cells of every arm with these accuracies of epoch 15 for replicates 1 and 2 of the first pair.
    private static func cells(_ study: Study, _ accuracies: [Double], images: Int = 5_000) -> [CellResult] {
        study.arms.flatMap { arm in
            accuracies.enumerated().map { index, accuracy in
                let epoch = EpochMetrics(
                    epoch: 15, learningRate: 0.01, trainingLoss: 1, trainingAccuracy: 50, trainingTop5Accuracy: 75, validationLoss: 1.5,
                    validationAccuracy: accuracy, validationTop5Accuracy: 90, images: images, seconds: 1)
                return CellResult(arm: arm.name, pair: study.evaluationPairs[0], replicate: index + 1, state: .finished, epochs: [epoch])
            }
        }
    }

    private func table(_ study: Study, _ cells: [CellResult], epoch: Int? = nil, metric: TableMetric = .validationAccuracy) -> SummaryTable
    {
        SummaryTable.make(info: TableInfo(study), cells: cells, metric: metric, epoch: epoch)
            .compared(with: PublishedReference(study), cells: cells)
    }

    private let repetition = study(profile: .publishedCode, evaluationProtocol: .chained)

    @Test func `ours, published and the difference, found by what an arm does`() throws {
        let table = table(repetition, Self.cells(repetition, [61, 63]))
        #expect(table.rows.map { $0.published?.curves.count } == [1, 3, nil])
        // 62 − 60.158, and 62 − (64.716 + 63.974 + 64.258) / 3 = 62 − 64.316.
        #expect(abs(try #require(table.rows[0].publishedDifference) - 1.842) < 1e-9)
        #expect(abs(try #require(table.rows[1].publishedDifference) + 2.316) < 1e-9)
        #expect(table.rows[2].publishedDifference == nil)
        let lines = table.rendered(as: .table).split(separator: "\n").map(String.init)
        #expect(lines[1].hasPrefix("arm") && lines[1].contains("ours (chained, published-code)"))
        #expect(lines[3].contains("62.00 ± 1.41  2 of 50 *") && lines[3].contains("60.16  52.40  68.00       +1.84"))
        #expect(lines[4].hasSuffix("−2.32  clustered-fourier, 3 curves"))
        #expect(lines[5].contains("n/a") && lines[5].hasSuffix("not published"))
        #expect(
            table.footnotes.contains(
                "k10 was published 3 times, the table has the mean: clustered-fourier, clusters 10: 64.72; clustered-fourier, models 10: "
                    + "63.97; clustered-fourier, layers 17: 64.26"))
        #expect(table.footnotes.last == "without a published counterpart: gabor-3")
        #expect(table.footnotes.contains("nothing that this study says differs from what produced the published figures"))
    }

    @Test func `another metric, another epoch, and one that was not reached`() throws {
        let cells = Self.cells(repetition, [61])
        #expect(
            try #require(table(repetition, cells, metric: .validationLoss).rows[0].published?.point)
                == PublishedPoint(epoch: 15, mean: 1.7648, min: 1.3706, max: 2.3652))
        let first = table(repetition, cells, epoch: 1)
        #expect(first.rows[0].published?.point?.epoch == 1 && first.rows[0].publishedDifference == nil, "ours has no epoch 1 here")
        let late = table(repetition, cells, epoch: 16)
        #expect(late.rows[0].published?.point?.epoch == 16, "the random start was followed for 25 epochs")
        #expect(late.rows[1].published?.point == nil)
        #expect(late.footnotes.contains("k10: the published curve ends at epoch 15"))
    }

    @Test(arguments: TableFormat.allCases)
    func `every format says what is not as published`(format: TableFormat) {
        let study = Self.study(profile: .paper, evaluationProtocol: .independent, replicates: 3)
        let text = table(study, Self.cells(study, [61], images: 500)).rendered(as: format)
        for caveat in [
            "profile: paper instead of published-code", "protocol: independent instead of chained", "scale: 3 replicates instead of 5",
            "evaluation: augmentation none instead of flip and rotation", "scale: 15 pre-training epochs instead of 25",
            "data: 500 training images a run instead of 5000",
        ] {
            #expect(text.contains(caveat), "\(format): \(caveat)")
        }
        #expect(text.contains("chained") && text.contains("published-code"))
    }

    @Test func `a table that is compared with nothing has no column more`() {
        let cells = Self.cells(repetition, [61])
        let plain = SummaryTable.make(info: TableInfo(repetition), cells: cells)
        #expect(TableColumn.columns(of: plain).map(\.rawValue).allSatisfy { !$0.hasPrefix("published") })
        #expect(
            TableColumn.columns(of: table(repetition, cells)).suffix(11).map(\.rawValue) == [
                "published", "published_min", "published_max", "published_diff", "published_curves", "protocol", "profile",
                "published_protocol", "published_profile", "published_caveats", "deviations",
            ])
    }
}
