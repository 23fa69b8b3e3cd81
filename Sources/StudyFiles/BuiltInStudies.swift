/// The studies that need no file. Each is the text of `scripts/studies/NAME.yaml`; a test holds them equal.
package enum BuiltInStudies {
    /// The names `sower run` accepts in place of a file, in alphabetical order.
    package static let names = ["clustered", "demo"]

    /// The YAML text of a built-in study; `nil` for any other name.
    package static func text(named name: String) -> String? {
        switch name {
        case "clustered": clustered
        case "demo": demo
        default: nil
        }
    }

    private static let demo = """
        # A study that runs in a few minutes on two cores: synthetic images, every stage of the real one.
        study: demo
        data: {format: synthetic, seed: 1, training_per_class: 60, test_per_class: 20}
        model: resnet18
        profile: paper
        protocol: independent
        seed: 1
        pretraining: {pairs: 6, epochs: 4}
        evaluation: {pairs: 3, replicates: 2, epochs: 5}
        training: {batch_size: 32}
        arms:
          - random
          - {name: gabor-1, method: gabor, layers: 1}
          - {name: clustered, method: clustered, distance: fourier-real, models: 6, clusters: 3, layers: 17}

        """

    private static let clustered = """
        # The clustered-initialization study on CIFAR-100: every arm of its figures, single and full filters, and what it left out.
        # Say where the data lies with: --set data.path=FOLDER
        # What produced the published figures: --set profile=published-code
        study: clustered
        data: {format: cifar100, path: data/cifar-100-binary}
        model: resnet18
        profile: paper
        seed: 1
        pretraining: {pairs: 45}
        evaluation: {pairs: 10, replicates: 5, epochs: 15}
        arms:
          - random
          - pretrained
          - {name: gabor-1, method: gabor, layers: 1}
          - {name: gabor-2, method: gabor, layers: 2}
          - {name: gabor-6, method: gabor, layers: 6}
          - {name: gabor-10, method: gabor, layers: 10}
          - {name: gabor-17, method: gabor, layers: 17}
          # euclidean: clusters
          - {name: euclidean-k1-m10-l17, method: clustered, distance: euclidean, models: 10, clusters: 1, layers: 17}
          - {name: euclidean-k2-m10-l17, method: clustered, distance: euclidean, models: 10, clusters: 2, layers: 17}
          - {name: euclidean-k3-m10-l17, method: clustered, distance: euclidean, models: 10, clusters: 3, layers: 17}
          - {name: euclidean-k10-m10-l17, method: clustered, distance: euclidean, models: 10, clusters: 10, layers: 17}
          - {name: euclidean-k30-m10-l17, method: clustered, distance: euclidean, models: 10, clusters: 30, layers: 17}
          - {name: euclidean-k50-m10-l17, method: clustered, distance: euclidean, models: 10, clusters: 50, layers: 17}
          # euclidean: models
          - {name: euclidean-k10-m2-l17, method: clustered, distance: euclidean, models: 2, clusters: 10, layers: 17}
          - {name: euclidean-k10-m4-l17, method: clustered, distance: euclidean, models: 4, clusters: 10, layers: 17}
          - {name: euclidean-k10-m6-l17, method: clustered, distance: euclidean, models: 6, clusters: 10, layers: 17}
          - {name: euclidean-k10-m20-l17, method: clustered, distance: euclidean, models: 20, clusters: 10, layers: 17}
          # euclidean: layers
          - {name: euclidean-k10-m10-l1, method: clustered, distance: euclidean, models: 10, clusters: 10, layers: 1}
          - {name: euclidean-k10-m10-l2, method: clustered, distance: euclidean, models: 10, clusters: 10, layers: 2}
          - {name: euclidean-k10-m10-l6, method: clustered, distance: euclidean, models: 10, clusters: 10, layers: 6}
          - {name: euclidean-k10-m10-l10, method: clustered, distance: euclidean, models: 10, clusters: 10, layers: 10}
          # fourier-real: clusters
          - {name: fourier-k1-m10-l17, method: clustered, distance: fourier-real, models: 10, clusters: 1, layers: 17}
          - {name: fourier-k2-m10-l17, method: clustered, distance: fourier-real, models: 10, clusters: 2, layers: 17}
          - {name: fourier-k3-m10-l17, method: clustered, distance: fourier-real, models: 10, clusters: 3, layers: 17}
          - {name: fourier-k10-m10-l17, method: clustered, distance: fourier-real, models: 10, clusters: 10, layers: 17}
          - {name: fourier-k30-m10-l17, method: clustered, distance: fourier-real, models: 10, clusters: 30, layers: 17}
          - {name: fourier-k50-m10-l17, method: clustered, distance: fourier-real, models: 10, clusters: 50, layers: 17}
          # fourier-real: models
          - {name: fourier-k10-m2-l17, method: clustered, distance: fourier-real, models: 2, clusters: 10, layers: 17}
          - {name: fourier-k10-m4-l17, method: clustered, distance: fourier-real, models: 4, clusters: 10, layers: 17}
          - {name: fourier-k10-m6-l17, method: clustered, distance: fourier-real, models: 6, clusters: 10, layers: 17}
          - {name: fourier-k10-m20-l17, method: clustered, distance: fourier-real, models: 20, clusters: 10, layers: 17}
          # fourier-real: layers
          - {name: fourier-k10-m10-l1, method: clustered, distance: fourier-real, models: 10, clusters: 10, layers: 1}
          - {name: fourier-k10-m10-l2, method: clustered, distance: fourier-real, models: 10, clusters: 10, layers: 2}
          - {name: fourier-k10-m10-l6, method: clustered, distance: fourier-real, models: 10, clusters: 10, layers: 6}
          - {name: fourier-k10-m10-l10, method: clustered, distance: fourier-real, models: 10, clusters: 10, layers: 10}
          # fourier-magnitude (the distance of the paper's text; its code has the one above) and cosine (which the authors left out)
          - {name: magnitude-k3-m10-l17, method: clustered, distance: fourier-magnitude, models: 10, clusters: 3, layers: 17}
          - {name: magnitude-k10-m10-l17, method: clustered, distance: fourier-magnitude, models: 10, clusters: 10, layers: 17}
          - {name: cosine-k3-m10-l17, method: clustered, distance: cosine, models: 10, clusters: 3, layers: 17}
          - {name: cosine-k10-m10-l17, method: clustered, distance: cosine, models: 10, clusters: 10, layers: 17}
          # full filters, aligned: on the custom ResNet-18, with their baseline
          - {name: random-custom, method: random, model: custom-resnet18}
          - {name: aligned-greedy-m6-l1, method: aligned, model: custom-resnet18, matching: greedy, models: 6, layers: 1}
          - {name: aligned-greedy-m6-l2, method: aligned, model: custom-resnet18, matching: greedy, models: 6, layers: 2}
          - {name: aligned-greedy-m6-l4, method: aligned, model: custom-resnet18, matching: greedy, models: 6, layers: 4}
          - {name: aligned-optimal-m6-l1, method: aligned, model: custom-resnet18, matching: optimal, models: 6, layers: 1}
          - {name: aligned-optimal-m6-l2, method: aligned, model: custom-resnet18, matching: optimal, models: 6, layers: 2}
          - {name: aligned-optimal-m6-l4, method: aligned, model: custom-resnet18, matching: optimal, models: 6, layers: 4}

        """
}
