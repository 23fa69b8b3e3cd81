import Digests

extension Study {
    /// All jobs and cells of the study on a data set. Every state-dict arm must have had its file read
    /// (`updateStateDicts`), and a trainer its files (`setTrainer`).
    ///
    /// `pretraining` is the data set of pre-training where the study has one of its own. `imagesPerClass` makes the cost
    /// estimate exact for a data set that is smaller than its format's usual one; it changes no job. Cost: a SHA-256 a job.
    ///
    /// Seeds that all arms share at the same (pair, replicate) — the order of the images, the augmentation, the default
    /// start — make comparisons between arms paired.
    ///
    /// Source: the clustered-initialization study. **Differs:** under `published-code` the Gabor arms take one seed for
    /// every replicate and pair, so that the filters are the same everywhere, as the code's filter seeds 0, 1, 2, … make
    /// them; with the filters, the default start of the arm's remaining layers is the same everywhere too. An aligned arm's
    /// start is the mean of filters as they are under `paper`, as the text has it, and of unit filters under
    /// `published-code`; there its sources are the same in every replicate, and so are the filters, as in the code.
    package func expand(
        dataset: Digest, imagesPerClass: ImagesPerClass? = nil, pretraining: (dataset: Digest, imagesPerClass: ImagesPerClass)? = nil
    ) -> StudyPlan {
        let images = imagesPerClass ?? data.imagesPerClass
        var expansion = StudyExpansion(
            study: self, dataset: dataset, images: images, pretrainingDataset: pretraining?.dataset ?? dataset,
            pretrainingImages: pretraining?.imagesPerClass ?? images)
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
    let pretrainingDataset: Digest
    let pretrainingImages: ImagesPerClass
    private let seeds: SeedDerivation
    /// The jobs of each stage, in order of first request; stages follow one another in the plan.
    private var jobs: [Stage: [PlannedJob]] = [:]
    private var planned: Set<JobID> = []
    private var cells: [Cell] = []
    private var pretrained: [Source: JobID] = [:]

    /// A pre-trained network.
    private struct Source: Hashable {
        var architecture: String
        var pair: [Int]
    }

    init(
        study: Study, dataset: Digest, images: ImagesPerClass, pretrainingDataset: Digest, pretrainingImages: ImagesPerClass
    ) {
        self.study = study
        self.dataset = dataset
        self.images = images
        self.pretrainingDataset = pretrainingDataset
        self.pretrainingImages = pretrainingImages
        seeds = study.seeds
    }

    mutating func plan() -> StudyPlan {
        for arm in study.arms { if case .stateDict(let start) = arm.method { file(of: arm, start) } }
        pretrain()
        let pairs = study.evaluationPairs
        for replicate in 1...study.evaluation.replicates {
            let made = study.arms.map { filters(of: $0, replicate: replicate) }
            // The last link so far of each arm's chain.
            var previous = [JobID?](repeating: nil, count: study.arms.count)
            for (position, pair) in pairs.enumerated() {
                for (index, arm) in study.arms.enumerated() {
                    previous[index] = evaluate(
                        arm, pair: pair, replicate: replicate, filters: made[index], previous: previous[index],
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

    /// Of the study's own network all pairs, if any arm reads one of them; of another only those that its arms read.
    private mutating func pretrain() {
        let pairs = study.pretrainingPairs
        if study.arms.contains(where: { $0.model == nil && $0.method.needsPretraining }) {
            for pair in pairs { pretrain(pair, model: study.model) }
        }
        var used: [(model: ModelSpec, pairs: Set<[Int]>)] = []
        for arm in study.arms {
            guard let model = arm.model else { continue }
            if let index = used.firstIndex(where: { $0.model == model }) {
                used[index].pairs.formUnion(study.sources(of: arm))
            } else {
                used.append((model, study.sources(of: arm)))
            }
        }
        for (model, used) in used { for pair in pairs where used.contains(pair) { pretrain(pair, model: model) } }
    }

    private mutating func pretrain(_ pair: [Int], model: ModelSpec) {
        let name = Study.name(of: pair)
        let isOwn = model == study.model
        let spec = TrainSpec(
            dataset: pretrainingDataset, superclasses: pair, model: study.pretrainingModel(like: model), start: .random,
            recipe: study.pretraining.recipe,
            seeds: trainSeeds("pretrain/\(name)"), keepsWeights: true, trainer: study.trainer?.spec)
        let id = add(.train(spec), .pretrain, "pretrain " + (isOwn ? name : "\(model.architecture) \(name)"))
        pretrained[Source(architecture: model.architecture, pair: pair)] = id
        let arm = isOwn ? StudyLimits.reservedArmName : StudyLimits.pretrainingName(of: model.architecture)
        cells.append(Cell(arm: arm, stage: .pretrain, pair: pair, replicate: 0, job: id))
    }

    /// The jobs of pre-trained networks, of the arm's architecture.
    private func jobs(of pairs: [[Int]], for arm: Arm) -> [JobID] {
        let architecture = study.model(of: arm).architecture
        return pairs.map { pretrained[Source(architecture: architecture, pair: $0)]! }
    }

    /// The job that makes the filters of an arm's replicate, with those before it; `nil` for arms whose filters no job makes.
    private mutating func filters(of arm: Arm, replicate: Int) -> JobID? {
        switch arm.method {
        case .random, .pretrained, .gabor, .stateDict: nil
        case .clustered(let clustering): sample(clustering, for: arm, replicate: replicate)
        case .aligned(let alignment): align(alignment, for: arm, replicate: replicate)
        }
    }

    private mutating func align(_ alignment: Alignment, for arm: Arm, replicate: Int) -> JobID {
        let order = study.sourceOrder(count: alignment.models, replicate: replicate)
        let spec = AlignSpec(
            sources: jobs(of: order, for: arm), model: study.pretrainingModel(like: study.model(of: arm)), layers: alignment.layers,
            matching: alignment.matching,
            mean: study.profile == .paper ? .filters : .unitFilters)
        let settings = "\(alignment.matching.rawValue) models=\(alignment.models) layers=\(alignment.layers)"
        return add(.align(spec), .align, "align \(settings) replicate \(replicate)")
    }

    private mutating func sample(_ clustering: Clustering, for arm: Arm, replicate: Int) -> JobID {
        let model = study.model(of: arm)
        let network = arm.model.map { "\($0.architecture) " } ?? ""
        let settings =
            "\(network)\(clustering.distance.rawValue) k=\(clustering.clusters) models=\(clustering.models) layers=\(clustering.layers)"
        let codebook = add(
            .cluster(
                ClusterSpec(
                    sources: jobs(of: study.sourcePairs(count: clustering.models, replicate: replicate), for: arm),
                    model: study.pretrainingModel(like: model), layers: clustering.layers, distance: clustering.distance,
                    clusters: clustering.clusters, seed: seeds.seed("cluster/replicate-\(replicate)"))),
            .cluster, "cluster \(settings) replicate \(replicate)")
        return add(
            .sample(
                SampleSpec(
                    codebook: codebook, model: model, layers: clustering.layers,
                    seed: seeds.seed("sample/replicate-\(replicate)"))),
            .sample, "sample \(settings) replicate \(replicate)")
    }

    private mutating func evaluate(
        _ arm: Arm, pair: [Int], replicate: Int, filters: JobID?, previous: JobID?, isLast: Bool
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
                start = .weights(of: jobs(of: [study.pretrainedSource(pair: pair, replicate: replicate)], for: arm)[0], head: head)
            case .stateDict(let file):
                start = .weights(of: self.file(of: arm, file), head: file.head)
            case .gabor(let layers):
                start = .gabor(layers: layers)
                if study.profile == .publishedCode { seeds.weights = self.seeds.seed("gabor/weights") }
            case .clustered(let clustering):
                start = .filters(of: filters!, layers: clustering.layers)
            case .aligned(let alignment):
                start = .filters(of: filters!, layers: alignment.layers)
            }
        }
        let spec = TrainSpec(
            dataset: dataset, superclasses: pair, model: study.model(of: arm), start: start, recipe: study.evaluation.recipe,
            seeds: seeds, keepsWeights: isChained && !isLast, trainer: study.trainer?.spec,
            keepsPredictions: study.evaluation.keepsPredictions)
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
        jobs[stage, default: []].append(PlannedJob(id: id, spec: spec, stage: stage, label: label, cost: cost(of: spec, stage)))
        return id
    }

    private func cost(of spec: JobSpec, _ stage: Stage) -> JobCost {
        guard case .train(let train) = spec else { return .zero }
        let images = stage == .pretrain ? pretrainingImages : images
        // A superclass of CIFAR-100 has five fine classes.
        let classes = train.superclasses.isEmpty ? train.model.classes : 5 * train.superclasses.count
        return JobCost(
            trainingImages: train.recipe.epochs * classes * images.training,
            validationImages: train.recipe.epochs * classes * images.validation)
    }
}
