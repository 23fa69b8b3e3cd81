import Studies

/// The figures of J. Ulm et al., "Learning an Informed CNN Initialization for Image Classification" (2023), whose curves have settings;
/// Figure 1 is a drawing, Figure 10 a picture of filters.
extension FigureDefinition {
    package static let published = [methods, clusters, layers, models, alignment, gaborLayers, firstLayer, tinyImageNet]

    /// Published as "the optimal hyperparameter selection": 10 models, 17 layers and two clusters have the highest published means of
    /// either distance.
    static let methods = FigureDefinition(
        name: "figure-2", title: "Initialization methods",
        panels: [
            Panel(
                title: nil,
                curves: [
                    clustered(.fourierReal, clusters: 2, label: "clustered, Fourier", style: .fourier),
                    clustered(.euclidean, clusters: 2, label: "clustered, Euclidean", style: .euclidean),
                    Curve("Gabor, first layer", [.gabor(layers: 1)], isSubject: false, style: .gabor),
                    Curve("pre-trained", [.pretrained(head: .keep)], isSubject: false, style: .pretrained), random,
                ])
        ], leastSubjects: 1, subjects: "clustered arms (euclidean, fourier-real) with 10 models, 2 clusters and 17 layers")

    static let clusters = sweep(
        name: "figure-3", title: "Number of clusters", over: [1, 2, 3, 10, 30, 50], label: { "\($0) cluster\($0 == 1 ? "" : "s")" },
        subjects: "clustered arms (euclidean, fourier-real) with 10 models, 17 layers and 1, 2, 3, 10, 30, 50 clusters"
    ) { Clustering(distance: $0, models: 10, clusters: $1, layers: 17) }

    /// **Differs:** the paper shows the Fourier distance alone.
    static let layers = sweep(
        name: "figure-4", title: "Number of initialized layers", over: [1, 2, 6, 10, 17], label: { "\($0) layer\($0 == 1 ? "" : "s")" },
        subjects: "clustered arms (fourier-real) with 10 models, 10 clusters and 1, 2, 6, 10, 17 layers", extra: .euclidean
    ) { Clustering(distance: $0, models: 10, clusters: 10, layers: $1) }

    static let models = sweep(
        name: "figure-5", title: "Number of source models", over: [2, 4, 6, 10, 20], label: { "\($0) models" },
        subjects: "clustered arms (euclidean, fourier-real) with 10 clusters, 17 layers and 2, 4, 6, 10, 20 models"
    ) { Clustering(distance: $0, models: $1, clusters: 10, layers: 17) }

    static let alignment: FigureDefinition = {
        let counts = [1, 2, 4]
        let curves = counts.enumerated().map { index, layers in
            Curve(
                "aligned, \(layers) layer\(layers == 1 ? "" : "s")", [.aligned(Alignment(models: 6, layers: layers))],
                style: .ordered(index, of: counts.count))
        }
        return FigureDefinition(
            name: "figure-6", title: "Aligned filters", architecture: .customResNet18,
            panels: [Panel(title: nil, curves: curves + [random])],
            leastSubjects: 1, subjects: "aligned arms (greedy) with 6 models and 1, 2, 4 layers, on custom-resnet18")
    }()

    static let gaborLayers: FigureDefinition = {
        let counts = [1, 2, 6, 10, 17]
        let curves = counts.enumerated().map { index, layers in
            Curve("\(layers) layer\(layers == 1 ? "" : "s")", [.gabor(layers: layers)], style: .ordered(index, of: counts.count))
        }
        return FigureDefinition(
            name: "figure-7", title: "Layers with Gabor filters", panels: [Panel(title: nil, curves: curves + [random])],
            leastSubjects: 2, subjects: "gabor arms with 1, 2, 6, 10, 17 layers")
    }()

    static let firstLayer = FigureDefinition(
        name: "figure-8", title: "Only the first layer initialized",
        panels: [
            Panel(
                title: nil,
                curves: [
                    Curve("Gabor", [.gabor(layers: 1)], isSubject: false, style: .gabor),
                    clustered(.fourierReal, clusters: 10, layers: 1, label: "clustered, Fourier", style: .fourier),
                    clustered(.euclidean, clusters: 10, layers: 1, label: "clustered, Euclidean", style: .euclidean), random,
                ])
        ], leastSubjects: 1, subjects: "clustered arms (euclidean, fourier-real) with 10 models, 10 clusters and 1 layer")

    static let tinyImageNet = FigureDefinition(
        name: "figure-9", title: "Tiny ImageNet", data: .tinyImageNet,
        panels: [
            Panel(
                title: nil,
                curves: [
                    Curve(
                        "clustered, Fourier", [.clustered(filterSettings)],
                        style: .fourier),
                    Curve("pre-trained", [.pretrained(head: .fresh), .pretrained(head: .keep)], isSubject: false, style: .pretrained),
                    random,
                ])
        ], leastSubjects: 1, subjects: "a clustered arm (fourier-real) with 6 models, 3 clusters and 17 layers, on Tiny ImageNet")

    /// The arms whose centres Figure 10 can show: as published (Fourier, 6 models, 3 clusters, 17 layers), then those most like it; by
    /// clusters first, which are what there is to see.
    package static func filterArms(of study: FigureStudy) -> [String] {
        let candidates = study.arms.compactMap { arm -> (name: String, distance: [Int])? in
            guard case .clustered(let settings) = arm.method else { return nil }
            let other = settings.distance == filterSettings.distance ? 0 : 1
            return (
                arm.name,
                [abs(settings.clusters - filterSettings.clusters), -settings.layers, other, abs(settings.models - filterSettings.models)]
            )
        }
        return candidates.sorted { $0.distance.lexicographicallyPrecedes($1.distance) }.map(\.name)
    }

    private static let filterSettings = Clustering(distance: .fourierReal, models: 6, clusters: 3, layers: 17)

    package static func isPublishedFilterArm(_ arm: String, of study: FigureStudy) -> Bool {
        study.arms.contains {
            $0.name == arm && $0.method == .clustered(filterSettings) && $0.model.architecture == ModelArchitecture.resnet18.rawValue
        }
    }

    private static let random = Curve("random", [.random], isSubject: false, style: .baseline)

    private static func clustered(
        _ distance: DistanceSpec, clusters: Int, layers: Int = 17, label: String, style: FigureStyle
    ) -> Curve {
        Curve(label, [.clustered(Clustering(distance: distance, models: 10, clusters: clusters, layers: layers))], style: style)
    }

    /// A panel a distance, a curve a value, and the random start in each.
    private static func sweep(
        name: String, title: String, over values: [Int], label: (Int) -> String, subjects: String, extra: DistanceSpec? = nil,
        settings: (DistanceSpec, Int) -> Clustering
    ) -> FigureDefinition {
        let panels = [(DistanceSpec.euclidean, "Euclidean"), (.fourierReal, "Fourier")].map { distance, words in
            let curves = values.enumerated().map { index, value in
                Curve(label(value), [.clustered(settings(distance, value))], style: .ordered(index, of: values.count))
            }
            return Panel(title: words, curves: curves + [random], isExtra: distance == extra)
        }
        return FigureDefinition(name: name, title: title, panels: panels, leastSubjects: 2, subjects: subjects)
    }
}
