import Foundation
import Reports
import Studies
import Testing

/// The figures of the paper, and which of them an arm's settings stand for. Expected numbers are read from the paper's tracked
/// parameters by eye.
@Suite struct PublishedCurvesTests {
    private let published = PublishedCurves.clusteredInitialization
    private let resnet = ModelSpec(architecture: "resnet18", classes: 10)

    private func clustered(_ distance: DistanceSpec, _ models: Int, _ clusters: Int, _ layers: Int) -> ArmMethod {
        .clustered(Clustering(distance: distance, models: models, clusters: clusters, layers: layers))
    }

    private func last(_ method: ArmMethod, _ metric: TableMetric = .validationAccuracy) -> PublishedPoint? {
        published.curve(for: method, of: resnet, metric: metric).last
    }

    @Test func `the program's copy is the file of results/published`() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let file = try String(contentsOf: root.appendingPathComponent("results/published/published_curves.csv"), encoding: .utf8)
        let isCopy = PublishedCurves.text == file
        #expect(isCopy, "run scripts/reference/published_curves.py")
        #expect(published.curves.count == 46)
        #expect(published.curves.reduce(0) { $0 + $1.epochCount } == 700)
    }

    @Test func `an arm is known by its settings`() {
        #expect(last(.gabor(layers: 1)) == PublishedPoint(epoch: 15, mean: 62.416, min: 56.9, max: 70.2))
        #expect(last(.gabor(layers: 17))?.mean == 39.618)
        #expect(last(.pretrained(head: .keep))?.mean == 60.078)
        #expect(last(clustered(.euclidean, 10, 2, 17))?.mean == 64.988)
        #expect(last(clustered(.fourierReal, 10, 2, 17))?.mean == 65.16)
        #expect(last(clustered(.fourierReal, 20, 10, 17))?.mean == 63.882)
        #expect(last(clustered(.euclidean, 10, 10, 6))?.mean == 61.542)
        let custom = ModelSpec(architecture: "custom-resnet18", classes: 10)
        #expect(published.curve(for: .random, of: custom, metric: .validationAccuracy).last?.mean == 58.836)
    }

    @Test func `three figures ran 10 models, 10 clusters and 17 layers`() throws {
        let method = clustered(.fourierReal, 10, 10, 17)
        let names = published.curves(for: method, of: resnet).map(\.name)
        #expect(names == ["clustered-fourier, clusters 10", "clustered-fourier, models 10", "clustered-fourier, layers 17"])
        let joined = try #require(last(method))
        // (64.716 + 63.974 + 64.258) / 3
        #expect(abs(joined.mean - 64.316) < 1e-12)
        #expect(joined.min == 54.4 && joined.max == 72.3)
    }

    @Test func `what was not published has no curve`() {
        #expect(last(.gabor(layers: 3)) == nil)
        #expect(last(.pretrained(head: .fresh)) == nil)
        #expect(last(clustered(.fourierMagnitude, 10, 2, 17)) == nil, "the published code takes the real part")
        #expect(last(clustered(.fourierReal, 10, 2, 6)) == nil)
        #expect(last(clustered(.fourierReal, 6, 3, 17)) == nil, "6 models and 3 clusters: Tiny ImageNet only")
        #expect(last(.random, .validationTop5Accuracy) == nil)
        let vgg = ModelSpec(architecture: "vgg11", classes: 10)
        #expect(published.curves(for: .random, of: vgg).isEmpty)
    }

    @Test func `Tiny ImageNet has curves of its own`() {
        let at5 = [ArmMethod.random, .pretrained(head: .fresh), clustered(.fourierReal, 6, 3, 17)].map { method in
            published.curve(for: method, of: resnet, on: .tinyImageNet, metric: .validationAccuracy)[4].mean
        }
        #expect(at5.map { ($0 * 100).rounded() / 100 } == [28.25, 28.34, 31.10])
        #expect(published.curves(for: .gabor(layers: 1), of: resnet, on: .tinyImageNet).isEmpty)
    }

    @Test func `every metric, epoch by epoch`() throws {
        let rates = published.curve(for: .random, of: resnet, metric: .learningRate).map(\.mean)
        #expect(rates.count == 25 && rates[6] == 0.01 && rates[7] == 0.002 && rates[13] == 0.0004)
        let loss = try #require(published.curve(.cifar100Pairs, "aligned-full-filter", .layers, 1)?.points(of: .trainingLoss).first)
        #expect(loss == PublishedPoint(epoch: 1, mean: 1.8453, min: 1.5275, max: 2.4976))
    }

    // MARK: Hostile files

    private static let head = String(PublishedCurves.text.prefix { $0 != "\n" }) + "\n"
    private static let numbers = "50,40,60,50,40,60,1.5,1,2,1.5,1,2,0.01"

    @Test(
        arguments: [
            ("", PublishedCurvesError.wrongHeader(expected: String(head.dropLast()))),
            ("epoch\n1\n", .wrongHeader(expected: String(head.dropLast()))),
            (head + "cifar100-pairs,random,,,1,\(numbers)", .wrongLine(2, "the file ends within it: expected a line break")),
            (head + "cifar100-pairs,random,,,1,50\n", .wrongLine(2, "6 fields, expected 18")),
            (head + "\n", .wrongLine(2, "1 fields, expected 18")),
            (head + "imagenet,random,,,1,\(numbers)\n", .wrongField(2, "data", "imagenet")),
            (head + "cifar100-pairs,a\u{1B}[2J,,,1,\(numbers)\n", .wrongField(2, "arm", "a?[2J")),
            (head + "cifar100-pairs,random,seeds,3,1,\(numbers)\n", .wrongField(2, "varied", "seeds")),
            (head + "cifar100-pairs,random,layers,,1,\(numbers)\n", .wrongField(2, "value", "")),
            (head + "cifar100-pairs,random,layers,-1,1,\(numbers)\n", .wrongField(2, "value", "-1")),
            (head + "cifar100-pairs,random,,7,1,\(numbers)\n", .wrongField(2, "value", "7")),
            (head + "cifar100-pairs,random,,,one,\(numbers)\n", .wrongField(2, "epoch", "one")),
            (head + "cifar100-pairs,random,,,1,nan\(numbers.dropFirst(2))\n", .wrongField(2, "validation_accuracy_mean", "nan")),
            (head + "cifar100-pairs,random,,,1,inf\(numbers.dropFirst(2))\n", .wrongField(2, "validation_accuracy_mean", "inf")),
            (
                head + "cifar100-pairs,random,,,1,70\(numbers.dropFirst(2))\n",
                .wrongLine(2, "validation_accuracy: the mean is not between minimum and maximum")
            ),
            (
                head + "cifar100-pairs,random,,,2,\(numbers)\n",
                .wrongLine(2, "epoch 2 of random does not follow the one before: expected epochs from 1, one after another")
            ),
            (
                head + "cifar100-pairs,random,,,1,\(numbers)\ncifar100-pairs,random,,,1,\(numbers)\n",
                .wrongLine(3, "the curve random begins twice")
            ),
            (
                head + "cifar100-pairs,random,,,1,\(numbers)\ntiny-imagenet,random,,,2,\(numbers)\n",
                .wrongLine(3, "epoch 2 of random does not follow the one before: expected epochs from 1, one after another")
            ),
            (head + String(repeating: "\n", count: PublishedCurves.lineLimit), .tooLong(limit: PublishedCurves.lineLimit)),
        ] as [(String, PublishedCurvesError)])
    func `a file that is something else is refused by line`(text: String, error: PublishedCurvesError) {
        #expect(throws: error) { try PublishedCurves(csv: text) }
        #expect(error.errorDescription?.isEmpty == false && error.recoverySuggestion?.isEmpty == false)
    }
}
