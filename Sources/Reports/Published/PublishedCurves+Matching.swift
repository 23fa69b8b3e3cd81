import Studies

extension PublishedCurves {
    /// The published curves of an arm's settings, whatever the arm is called: usually one; three for 10 models, 10 clusters and 17
    /// layers, which three figures ran anew; none for what was not published.
    ///
    /// `fourier-real` is what the published code computes and calls Fourier. A pre-trained start kept its classifier, except on Tiny
    /// ImageNet, where it had to be replaced.
    package func curves(for method: ArmMethod, of model: ModelSpec, on data: PublishedData = .cifar100Pairs) -> [PublishedCurve] {
        switch ModelArchitecture(rawValue: model.architecture) {
        case .resnet18: data == .tinyImageNet ? onTinyImageNet(method) : onPairs(method)
        case .customResNet18 where data == .cifar100Pairs: onCustomNetwork(method)
        default: []
        }
    }

    /// The published curve of an arm's settings, by epoch; where several curves have them, the mean of their means, the least of
    /// their minima, the greatest of their maxima. Empty when there is none.
    package func curve(
        for method: ArmMethod, of model: ModelSpec, on data: PublishedData = .cifar100Pairs, metric: TableMetric
    ) -> [PublishedPoint] {
        PublishedPoint.joined(curves(for: method, of: model, on: data).map { $0.points(of: metric) })
    }

    /// The published curves of a study's arm: its method on the study's network and data.
    package func curves(for arm: Arm, of study: Study) -> [PublishedCurve] {
        curves(for: arm.method, of: study.model(of: arm), on: PublishedData(study.data))
    }

    private func onPairs(_ method: ArmMethod) -> [PublishedCurve] {
        let data = PublishedData.cifar100Pairs
        let found: [PublishedCurve?]
        switch method {
        case .random: found = [curve(data, "random")]
        case .pretrained(head: .keep): found = [curve(data, "pretrained")]
        case .gabor(let layers): found = [curve(data, "gabor", .layers, layers)]
        case .clustered(let settings):
            guard let arm = Self.name(of: settings.distance) else { return [] }
            let (models, clusters, layers) = (settings.models, settings.clusters, settings.layers)
            found = [
                models == 10 && layers == 17 ? curve(data, arm, .clusters, clusters) : nil,
                clusters == 10 && layers == 17 ? curve(data, arm, .models, models) : nil,
                models == 10 && clusters == 10 ? curve(data, arm, .layers, layers) : nil,
            ]
        case .pretrained(head: .fresh), .aligned, .stateDict: found = []
        }
        return found.compactMap { $0 }
    }

    private func onCustomNetwork(_ method: ArmMethod) -> [PublishedCurve] {
        let data = PublishedData.cifar100Pairs
        switch method {
        case .random: return [curve(data, "random-custom-resnet18")].compactMap { $0 }
        case .aligned(let settings) where settings.models == 6 && settings.matching == .greedy:
            return [curve(data, "aligned-full-filter", .layers, settings.layers)].compactMap { $0 }
        case .pretrained, .gabor, .clustered, .aligned, .stateDict: return []
        }
    }

    private func onTinyImageNet(_ method: ArmMethod) -> [PublishedCurve] {
        let arm: String?
        switch method {
        case .random: arm = "random"
        case .pretrained(head: .fresh): arm = "pretrained"
        case .clustered(let settings):
            let isPublished = settings.models == 6 && settings.clusters == 3 && settings.layers == 17 && settings.distance == .fourierReal
            arm = isPublished ? Self.name(of: settings.distance) : nil
        case .pretrained(head: .keep), .gabor, .aligned, .stateDict: arm = nil
        }
        return [arm.flatMap { curve(.tinyImageNet, $0, .tinyImageNet) }].compactMap { $0 }
    }

    /// What the file calls a distance; `nil` for one without published numbers.
    private static func name(of distance: DistanceSpec) -> String? {
        switch distance {
        case .euclidean: "clustered-euclidean"
        case .fourierReal: "clustered-fourier"
        case .fourierMagnitude, .cosine: nil
        }
    }
}

extension PublishedPoint {
    /// Several curves as one, over the epochs that all of them have.
    static func joined(_ curves: [[PublishedPoint]]) -> [PublishedPoint] {
        (0..<(curves.map(\.count).min() ?? 0)).map { index in
            let points = curves.map { $0[index] }
            return PublishedPoint(
                epoch: points[0].epoch, mean: points.reduce(0) { $0 + $1.mean } / Double(points.count),
                min: points.map(\.min).min() ?? 0, max: points.map(\.max).max() ?? 0)
        }
    }
}
