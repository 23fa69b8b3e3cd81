/// Everything a study asks for: its jobs, each once, and the grid of cells that they fill.
package struct StudyPlan: Sendable, Equatable {
    /// Unique by id; a job comes after every job whose artifacts it reads. The order is a function of the study alone.
    package var jobs: [PlannedJob]
    /// The pre-training cells, then every cell of every arm. Several cells may name one job.
    package var cells: [Cell]

    package init(jobs: [PlannedJob], cells: [Cell]) {
        self.jobs = jobs
        self.cells = cells
    }

    /// How many jobs a stage has.
    package func count(of stage: Stage) -> Int { jobs.count { $0.stage == stage } }

    /// The cost of all jobs together.
    package var cost: JobCost { jobs.reduce(JobCost.zero) { $0 + $1.cost } }
}

/// The stages of a study, in the order in which artifacts flow: files that somebody else has trained, then those of
/// clustered and of aligned initialization.
package enum Stage: String, Sendable, Hashable, Codable, CaseIterable, Comparable {
    case file, pretrain, cluster, sample, align, evaluate

    package static func < (a: Stage, b: Stage) -> Bool {
        allCases.firstIndex(of: a)! < allCases.firstIndex(of: b)!
    }
}

/// One job of a plan.
package struct PlannedJob: Sendable, Equatable {
    package var id: JobID
    package var spec: JobSpec
    package var stage: Stage
    /// A short text for screens: `evaluate random 10-14 replicate 2`. The first cell that asked for the job names it.
    package var label: String
    package var cost: JobCost
    /// What its host must be called.
    package var needs = Labels.none

    package init(id: JobID, spec: JobSpec, stage: Stage, label: String, cost: JobCost) {
        self.id = id
        self.spec = spec
        self.stage = stage
        self.label = label
        self.cost = cost
    }
}

/// What a job is expected to cost, in images that pass through the network; zero for clustering, sampling, aligning and files.
package struct JobCost: Sendable, Equatable, Codable {
    /// Images trained on: forward and backward.
    package var trainingImages: Int
    /// Images validated: forward only.
    package var validationImages: Int

    package init(trainingImages: Int, validationImages: Int) {
        self.trainingImages = trainingImages
        self.validationImages = validationImages
    }

    package static let zero = JobCost(trainingImages: 0, validationImages: 0)

    package static func + (a: JobCost, b: JobCost) -> JobCost {
        JobCost(
            trainingImages: a.trainingImages + b.trainingImages, validationImages: a.validationImages + b.validationImages)
    }
}

/// One place of the study's grid, filled by one job.
package struct Cell: Sendable, Hashable, Codable {
    /// The arm's name; for pre-training `StudyLimits.pretrainingName(of:)` of the network, where that is not the study's.
    package var arm: String
    package var stage: Stage
    /// The two superclasses, ascending.
    package var pair: [Int]
    /// 1, 2, …; 0 for pre-training, which has no replicates.
    package var replicate: Int
    package var job: JobID

    package init(arm: String, stage: Stage, pair: [Int], replicate: Int, job: JobID) {
        self.arm = arm
        self.stage = stage
        self.pair = pair
        self.replicate = replicate
        self.job = job
    }
}
