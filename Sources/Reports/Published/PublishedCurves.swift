import Studies

/// The per-epoch numbers behind the figures of the clustered-initialization paper, a curve an arm of its experiments.
///
/// Source: J. Ulm, A. Bayer, L. Diaz-Bone, D. Jüni, "Learning an Informed CNN Initialization for Image Classification" (2023), the
/// tracked parameters of <https://github.com/janulm/deep-learning-advanced-initialization>; `results/published` has the file.
/// All of it comes from what we call the protocol `chained` and the profile `published-code`, on CIFAR-100 in full.
package struct PublishedCurves: Sendable, Equatable {
    /// How the published numbers came about, in our words.
    package static let evaluationProtocol = EvaluationProtocol.chained
    package static let profile = Profile.publishedCode

    /// In the order of the file.
    package var curves: [PublishedCurve]

    /// The copy that the program carries.
    package static let clusteredInitialization: PublishedCurves = {
        do {
            return try PublishedCurves(csv: text)
        } catch {
            preconditionFailure("the program's copy of the published curves: \(error)")
        }
    }()

    /// The curve with these settings, if it was published.
    package func curve(_ data: PublishedData, _ arm: String, _ varied: PublishedCurve.Varied? = nil, _ value: Int? = nil) -> PublishedCurve?
    {
        curves.first { $0.data == data && $0.arm == arm && $0.varied == varied && $0.value == value }
    }
}

/// What a published curve was evaluated on.
package enum PublishedData: String, Sendable, Equatable, CaseIterable {
    case cifar100Pairs = "cifar100-pairs"
    case tinyImageNet = "tiny-imagenet"

    /// The published task that a study on this data repeats: pairs of superclasses, whatever the images, or all classes.
    package init(_ source: DataSource) {
        switch source {
        case .cifar100, .synthetic: self = .cifar100Pairs
        case .tinyImageNet: self = .tinyImageNet
        }
    }
}

/// One published curve: an arm's means over its runs, epoch by epoch.
package struct PublishedCurve: Sendable, Equatable {
    /// What the figure varies that the curve belongs to.
    package enum Varied: String, Sendable, Equatable, CaseIterable {
        case clusters, models, layers
        case tinyImageNet = "tiny-imagenet"
    }

    package var data: PublishedData
    /// As the file has it, for example `clustered-fourier`.
    package var arm: String
    package var varied: Varied?
    package var value: Int?
    /// Of epoch 1, 2, …: as `PublishedCurve.metrics`, three numbers each, then the learning rate.
    var epochs: [[Double]]

    /// `clustered-fourier, clusters 10`.
    package var name: String {
        arm + (varied.map { varied in ", \(varied.rawValue)" + (value.map { " \($0)" } ?? "") } ?? "")
    }

    package var epochCount: Int { epochs.count }

    /// The metrics that were published, in the order of the file's columns.
    package static let metrics: [TableMetric] = [.validationAccuracy, .trainingAccuracy, .validationLoss, .trainingLoss, .learningRate]

    /// The curve of a metric, by epoch from 1; empty for one that was not published.
    package func points(of metric: TableMetric) -> [PublishedPoint] {
        guard let place = Self.metrics.firstIndex(of: metric) else { return [] }
        return epochs.enumerated().map { index, values in
            // The learning rate stands last and alone: every run had the same.
            let first = 3 * place
            let spread = metric == .learningRate ? [first, first, first] : [first, first + 1, first + 2]
            return PublishedPoint(epoch: index + 1, mean: values[spread[0]], min: values[spread[1]], max: values[spread[2]])
        }
    }
}

/// A published metric at one epoch, over the runs of a curve.
package struct PublishedPoint: Sendable, Equatable {
    /// 1 for the first epoch.
    package var epoch: Int
    package var mean: Double
    package var min: Double
    package var max: Double

    package init(epoch: Int, mean: Double, min: Double, max: Double) {
        self.epoch = epoch
        self.mean = mean
        self.min = min
        self.max = max
    }
}
