import Digests

extension Study {
    /// All jobs and cells of the study on a data set. Every state-dict arm must have had its file read
    /// (`updateStateDicts`), and a trainer its files (`setTrainer`).
    ///
    /// `imagesPerClass` makes the cost estimate exact for a data set that is smaller than its format's usual one; it
    /// changes no job. Cost: a SHA-256 a job.
    ///
    /// Seeds that all arms share at the same (pair, replicate) — the order of the images, the augmentation, the default
    /// start — make comparisons between arms paired.
    ///
    /// Source: the clustered-initialization study. **Differs:** under `published-code` the Gabor arms take one seed for
    /// every replicate and pair, so that the filters are the same everywhere, as the code's filter seeds 0, 1, 2, … make
    /// them; with the filters, the default start of the arm's remaining layers is the same everywhere too.
    package func expand(dataset: Digest, imagesPerClass: ImagesPerClass? = nil) -> StudyPlan {
        var expansion = StudyExpansion(study: self, dataset: dataset, images: imagesPerClass ?? data.imagesPerClass)
        var plan = expansion.plan()
        plan.addNeeds(of: self)
        return plan
    }
}

/// A plan in the making.
private struct StudyExpansion {
    let study: Study
    let dataset: Digest
    let images: ImagesPerClass
    private let seeds: SeedDerivation
    /// The jobs of each stage, in order of first request; stages follow one another in the plan.
    private var jobs: [Stage: [PlannedJob]] = [:]
    private var planned: Set<JobID> = []
    private var cells: [Cell] = []
    private var pretrained: [[Int]: JobID] = [:]

    init(study: Study, dataset: Digest, images: ImagesPerClass) {
        self.study = study
        self.dataset = dataset
        self.images = images
        seeds = study.seeds
    }

    mutating func plan() -> StudyPlan {
        for arm in study.arms { if case .stateDict(let start) = arm.method { file(of: arm, start) } }
        if study.needsPretraining { for pair in study.pretrainingPairs { pretrain(pair) } }
        let pairs = study.evaluationPairs
        for replicate in 1...study.evaluation.replicates {
            let sampled = study.arms.map { sample(for: $0, replicate: replicate) }
            // The last link so far of each arm's chain.
            var previous = [JobID?](repeating: nil, count: study.arms.count)
            for (position, pair) in pairs.enumerated() {
                for (index, arm) in study.arms.enumerated() {
                    previous[index] = evaluate(
                        arm, pair: pair, replicate: replicate, sampled: sampled[index], previous: previous[index],
                        isLast: position == pairs.count - 1)
                }
            }
        }
        // Cells by arm, as tables print them; evaluation was planned by replicate, so that a sweep fills the grid evenly.
        let rank = Dictionary(uniqueKeysWithValues: study.arms.enumerated().map { ($1.name, $0) })
        let ordered = cells.enumerated().sorted {
            (rank[$0.element.arm] ?? -1, $0.offset) < (rank[$1.element.arm] ?? -1, $1.offset)
        }.map(\.element)
        return StudyPlan(jobs: Stage.allCases.flatMap { jobs[$0] ?? [] }, cells: ordered)
    }

    /// The job that vouches for a state-dict arm's file.
    @discardableResult private mutating func file(of arm: Arm, _ start: StateDictStart) -> JobID {
        guard let file = start.file else { preconditionFailure("the file of arm \(arm.name) has not been read") }
        return add(.file(file), .file, "file of \(arm.name)")
    }

    private mutating func pretrain(_ pair: [Int]) {
        let name = Study.name(of: pair)
        let spec = TrainSpec(
            dataset: dataset, superclasses: pair, model: study.model, start: .random, recipe: study.pretraining.recipe,
            seeds: trainSeeds("pretrain/\(name)"), keepsWeights: true, trainer: study.trainer?.spec)
        let id = add(.train(spec), .pretrain, "pretrain \(name)")
        pretrained[pair] = id
        cells.append(Cell(arm: StudyLimits.reservedArmName, stage: .pretrain, pair: pair, replicate: 0, job: id))
    }

    /// The sampling job of a clustered arm's replicate, with its clustering; `nil` for other arms.
    private mutating func sample(for arm: Arm, replicate: Int) -> JobID? {
        guard case .clustered(let clustering) = arm.method else { return nil }
        let settings =
            "\(clustering.distance.rawValue) k=\(clustering.clusters) models=\(clustering.models) layers=\(clustering.layers)"
        let codebook = add(
            .cluster(
                ClusterSpec(
                    sources: study.sourcePairs(count: clustering.models, replicate: replicate).map { pretrained[$0]! },
                    model: study.model, layers: clustering.layers, distance: clustering.distance,
                    clusters: clustering.clusters, seed: seeds.seed("cluster/replicate-\(replicate)"))),
            .cluster, "cluster \(settings) replicate \(replicate)")
        return add(
            .sample(
                SampleSpec(
                    codebook: codebook, model: study.model, layers: clustering.layers,
                    seed: seeds.seed("sample/replicate-\(replicate)"))),
            .sample, "sample \(settings) replicate \(replicate)")
    }

    private mutating func evaluate(
        _ arm: Arm, pair: [Int], replicate: Int, sampled: JobID?, previous: JobID?, isLast: Bool
    ) -> JobID {
        let name = Study.name(of: pair)
        let isChained = study.evaluationProtocol == .chained
        var seeds = trainSeeds("evaluate/\(name)/replicate-\(replicate)")
        let start: StartSpec
        if isChained, let previous {
            start = .weights(of: previous)
        } else {
            switch arm.method {
            case .random:
                start = .random
            case .pretrained(let head):
                start = .weights(of: pretrained[study.pretrainedSource(pair: pair, replicate: replicate)]!, head: head)
            case .stateDict(let file):
                start = .weights(of: self.file(of: arm, file), head: file.head)
            case .gabor(let layers):
                start = .gabor(layers: layers)
                if study.profile == .publishedCode { seeds.weights = self.seeds.seed("gabor/weights") }
            case .clustered(let clustering):
                start = .filters(of: sampled!, layers: clustering.layers)
            }
        }
        let spec = TrainSpec(
            dataset: dataset, superclasses: pair, model: study.model, start: start, recipe: study.evaluation.recipe,
            seeds: seeds, keepsWeights: isChained && !isLast, trainer: study.trainer?.spec)
        let id = add(.train(spec), .evaluate, "evaluate \(arm.name) \(name) replicate \(replicate)")
        cells.append(Cell(arm: arm.name, stage: .evaluate, pair: pair, replicate: replicate, job: id))
        return id
    }

    private func trainSeeds(_ stream: String) -> TrainSeeds {
        TrainSeeds(
            weights: seeds.seed("\(stream)/weights"), order: seeds.seed("\(stream)/order"),
            augmentation: seeds.seed("\(stream)/augmentation"))
    }

    private mutating func add(_ spec: JobSpec, _ stage: Stage, _ label: String) -> JobID {
        let id = spec.id
        guard planned.insert(id).inserted else { return id }
        jobs[stage, default: []].append(PlannedJob(id: id, spec: spec, stage: stage, label: label, cost: cost(of: spec)))
        return id
    }

    private func cost(of spec: JobSpec) -> JobCost {
        guard case .train(let train) = spec else { return .zero }
        // A superclass of CIFAR-100 has five fine classes.
        let classes = 5 * train.superclasses.count
        return JobCost(
            trainingImages: train.recipe.epochs * classes * images.training,
            validationImages: train.recipe.epochs * classes * images.validation)
    }
}
