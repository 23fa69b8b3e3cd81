import Digests
import Foundation

/// Everything that decides what a job computes, and nothing else: not where the data lies, which host runs it, nor
/// which study asked for it.
package enum JobSpec: Sendable, Equatable {
    /// Train one network and report its metrics an epoch; with `keepsWeights` its `state_dict` becomes an artifact.
    case train(TrainSpec)
    /// Cluster the kernels of trained networks, layer by layer, into a codebook.
    case cluster(ClusterSpec)
    /// Draw a new network's kernels from a codebook.
    case sample(SampleSpec)
    /// Align the filters of trained networks and take their means for a new network's.
    case align(AlignSpec)
    /// Vouch for a file that was put into the coordinator's store: its bytes become the artifact `weights`.
    case file(FileSpec)
    /// Run a program. No study file makes one yet.
    case command(CommandSpec)
    /// Compute nothing: what is left is the sweep's own cost. Made by benchmarks alone.
    case noop(NoopSpec)

    /// The jobs whose artifacts this one reads, each once, in the order the specification names them.
    package var inputs: [JobID] {
        switch self {
        case .train(let spec): spec.start.input.map { [$0] } ?? []
        case .cluster(let spec): spec.sources
        case .sample(let spec): [spec.codebook]
        case .align(let spec): spec.sources
        case .file, .command: []
        case .noop(let spec): spec.after.map { [$0] } ?? []
        }
    }

    /// Whether the job needs the coordinator's own artifact store and so runs in a central slot, on the coordinator's host.
    package var isCentral: Bool {
        switch self {
        case .train, .command, .noop: false
        case .cluster, .sample, .align, .file: true
        }
    }

    /// Whether it runs a program that its study names, which only some workers do.
    package var runsCommand: Bool {
        switch self {
        case .train(let spec): spec.trainer != nil
        case .command: true
        case .cluster, .sample, .align, .file, .noop: false
        }
    }

    /// Jobs of one workload take about as long as each other on one host.
    package var workload: String {
        switch self {
        case .train(let spec):
            "training \(spec.model.architecture) at \(spec.model.imageSize) pixels for \(spec.recipe.epochs) epochs"
                + (spec.trainer.map { " with \($0.name)" } ?? "")
        case .cluster: "clustering"
        case .sample: "sampling"
        case .align: "aligning"
        case .file: "vouching for a file"
        case .command: "running a command"
        case .noop: "doing nothing"
        }
    }

    /// SHA-256 over a version tag and the canonical JSON.
    package var id: JobID { JobID(canonicalJSON: canonicalJSON) }

    /// The specification as JSON with sorted keys and no white space: equal specifications have equal bytes.
    package var canonicalJSON: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Every field is a finite number, a text or a list of them: validation refuses NaN and infinity.
        guard let data = try? encoder.encode(self) else { preconditionFailure("a job specification holds only finite values") }
        return Array(data)
    }
}

/// One training: data, network, first weights, recipe and seeds.
package struct TrainSpec: Sendable, Equatable, Codable {
    /// The data set's digest (its bytes, not its path).
    package var dataset: Digest
    /// The superclasses whose fine labels form the task, ascending; labels become 0, 1, … in ascending fine-label order.
    /// None for all classes of the data set.
    package var superclasses: [Int]
    package var model: ModelSpec
    package var start: StartSpec
    package var recipe: RecipeSpec
    package var seeds: TrainSeeds
    /// Whether the trained `state_dict` is kept as an artifact (named `weights`).
    package var keepsWeights: Bool
    /// The program that trains; `nil` for the engine, and then it is not written, so that older ids stay.
    package var trainer: TrainerSpec?
    /// True when the predicted class of every validation image is kept as an artifact (named `predictions`); `nil` when not, and
    /// then it is not written, so that older ids stay.
    package var keepsPredictions: Bool?

    package init(
        dataset: Digest, superclasses: [Int], model: ModelSpec, start: StartSpec, recipe: RecipeSpec, seeds: TrainSeeds,
        keepsWeights: Bool, trainer: TrainerSpec? = nil, keepsPredictions: Bool? = nil
    ) {
        self.dataset = dataset
        self.superclasses = superclasses
        self.model = model
        self.start = start
        self.recipe = recipe
        self.seeds = seeds
        self.keepsWeights = keepsWeights
        self.trainer = trainer
        self.keepsPredictions = keepsPredictions
    }
}

/// A network's architecture by its name (`ModelArchitecture`), with its class count and square input size in pixels.
package struct ModelSpec: Sendable, Equatable, Codable {
    package var architecture: String
    package var classes: Int
    package var channels: Int
    package var imageSize: Int

    package init(architecture: String, classes: Int, channels: Int = 3, imageSize: Int = 32) {
        self.architecture = architecture
        self.classes = classes
        self.channels = channels
        self.imageSize = imageSize
    }
}

/// How a network gets its first weights. Whatever a method leaves untouched has the default start.
package enum StartSpec: Sendable, Equatable {
    /// torchvision's default start.
    case random
    /// Gabor filters in the first `layers` layers.
    case gabor(layers: Int)
    /// The `state_dict` that a job has as its artifact `weights`: a pre-trained start, the next link of a chain, a file.
    case weights(of: JobID, head: HeadSpec = .keep)
    /// The filters that a job has as its artifact `initialization`, drawn from a codebook or dense, in the first `layers` layers.
    case filters(of: JobID, layers: Int)

    /// The job whose artifact the start reads.
    package var input: JobID? {
        switch self {
        case .random, .gabor: nil
        case .weights(let job, _), .filters(let job, _): job
        }
    }
}

/// What becomes of the final linear layer of a network that starts from a `state_dict`.
package enum HeadSpec: String, Sendable, Equatable, Codable, CaseIterable {
    /// It is taken from the file like every other layer.
    case keep
    /// It has the default start, and the file's is ignored: for a file with another class count.
    case fresh
}

/// The seeds of one training, one a stream.
package struct TrainSeeds: Sendable, Equatable, Codable {
    /// First weights that the start draws itself.
    package var weights: UInt64
    /// The order of the training images in each epoch.
    package var order: UInt64
    /// Flips, rotations, crops and mixup.
    package var augmentation: UInt64

    package init(weights: UInt64, order: UInt64, augmentation: UInt64) {
        self.weights = weights
        self.order = order
        self.augmentation = augmentation
    }
}

/// K-means over the kernels of trained networks, one codebook a layer.
package struct ClusterSpec: Sendable, Equatable, Codable {
    /// The trainings whose filters are clustered, in the order that decides the points' order.
    package var sources: [JobID]
    package var model: ModelSpec
    /// Layers 1…`layers` get a codebook.
    package var layers: Int
    package var distance: DistanceSpec
    package var clusters: Int
    package var seed: UInt64

    package init(
        sources: [JobID], model: ModelSpec, layers: Int, distance: DistanceSpec, clusters: Int, seed: UInt64
    ) {
        self.sources = sources
        self.model = model
        self.layers = layers
        self.distance = distance
        self.clusters = clusters
        self.seed = seed
    }
}

/// The distance in which kernels are clustered.
package enum DistanceSpec: String, Sendable, Equatable, Codable, CaseIterable {
    case euclidean
    case fourierMagnitude = "fourier-magnitude"
    case fourierReal = "fourier-real"
    case cosine
}

/// One initialization drawn from a codebook: every kernel independently, with probability = cluster share.
package struct SampleSpec: Sendable, Equatable, Codable {
    package var codebook: JobID
    package var model: ModelSpec
    package var layers: Int
    package var seed: UInt64

    package init(codebook: JobID, model: ModelSpec, layers: Int, seed: UInt64) {
        self.codebook = codebook
        self.model = model
        self.layers = layers
        self.seed = seed
    }
}

/// A file by its content: the start of a `state-dict` arm.
package struct FileSpec: Sendable, Hashable, Codable {
    package var digest: Digest
    /// Bytes.
    package var size: Int

    package init(digest: Digest, size: Int) {
        self.digest = digest
        self.size = size
    }
}
