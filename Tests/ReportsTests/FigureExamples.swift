import Foundation

import Reports
import Studies
import StudyFiles

/// Studies with made-up results for tests of figures.
enum FigureExample {
    static func study(_ name: String = "clustered", overrides: [String] = []) throws -> Study {
        try StudyFiles.decode(text: BuiltInStudies.text(named: name)!, sourceName: name, overrides: overrides)
    }

    /// Every cell of the grid at every epoch, near the published mean of its arm; some arms or replicates only.
    static func cells(of study: Study, where isThere: (Arm, Int) -> Bool = { _, _ in true }) -> [CellResult] {
        var numbers = SplitMix64(state: 7)
        func noise(_ width: Double) -> Double { width * (Double(numbers.next() >> 11) / Double(1 << 53) - 0.5) }
        let published = PublishedCurves.clusteredInitialization
        return study.arms.flatMap { arm -> [CellResult] in
            let points = published.curve(for: arm.method, of: study.model(of: arm), metric: .validationAccuracy)
            return study.evaluationPairs.flatMap { pair -> [CellResult] in
                let easy = Double((pair[0] * 7 + pair[1] * 3) % 11) - 5
                return (1...study.evaluation.replicates).filter { isThere(arm, $0) }.map { replicate in
                    let shift = easy + noise(6)
                    let epochs = (1...study.evaluation.recipe.epochs).map { epoch in
                        let mean = epoch <= points.count ? points[epoch - 1].mean : 30 + Double(epoch)
                        let accuracy = min(100, max(0, mean - 2 + shift + noise(1)))
                        return EpochMetrics(
                            epoch: epoch, learningRate: epoch < 8 ? 0.01 : 0.005, trainingLoss: 2 / Double(epoch),
                            trainingAccuracy: accuracy + 5,
                            trainingTop5Accuracy: 95, validationLoss: 2 - accuracy / 100, validationAccuracy: accuracy,
                            validationTop5Accuracy: 90, images: 5000, seconds: 1)
                    }
                    return CellResult(
                        arm: arm.name, pair: pair, replicate: replicate, state: .finished, epochs: EpochList(epochs), numericClass: "x")
                }
            }
        }
    }

    static func figures(
        of study: Study, cells: [CellResult], metric: TableMetric = .validationAccuracy, bands: FigureBands = .interval,
        published: PublishedCurves? = .clusteredInitialization
    ) -> [(name: String, outcome: Figure.Outcome)] {
        let figureStudy = FigureStudy(study)
        return Figure.all(
            of: figureStudy, series: EpochSeries(info: figureStudy.info, cells: cells, metric: metric), bands: bands, published: published)
    }
}

extension Figure.Outcome {
    var figure: Figure? { if case .figure(let figure) = self { figure } else { nil } }
    var reason: String? { if case .skipped(let reason) = self { reason } else { nil } }
}
