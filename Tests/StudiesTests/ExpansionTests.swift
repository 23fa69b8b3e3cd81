import Testing

import Studies

struct ExpansionTests {
    private func train(_ plan: StudyPlan, _ cell: Cell) -> TrainSpec? {
        guard case .train(let spec)? = plan.jobs.first(where: { $0.id == cell.job })?.spec else { return nil }
        return spec
    }

    private func cells(_ plan: StudyPlan, _ arm: String, replicate: Int) -> [Cell] {
        plan.cells.filter { $0.arm == arm && $0.replicate == replicate }
    }

    private func expectSound(_ plan: StudyPlan, _ study: Study) {
        var seen: Set<JobID> = []
        for job in plan.jobs {
            #expect(job.id == job.spec.id)
            #expect(job.spec.inputs.allSatisfy { seen.contains($0) }, "\(job.label) comes before an input")
            #expect(seen.insert(job.id).inserted, "\(job.label) twice")
        }
        #expect(Set(plan.cells.map { "\($0.arm) \($0.pair) \($0.replicate)" }).count == plan.cells.count)
        #expect(plan.cells.allSatisfy { seen.contains($0.job) })
        let keeping = plan.jobs.filter { if case .train(let spec) = $0.spec { spec.keepsWeights } else { false } }
        let inputs = Set(plan.jobs.flatMap(\.spec.inputs))
        #expect(plan.jobs.filter { inputs.contains($0.id) && $0.spec.isCentral == false }.allSatisfy { keeping.contains($0) })
        let asked = study.arms.count * study.evaluation.pairs * study.evaluation.replicates
        #expect(plan.cells.count { $0.stage == .evaluate } == asked)
    }

    @Test(arguments: Profile.allCases, EvaluationProtocol.allCases)
    func `jobs are unique, follow their inputs and fill the whole grid`(profile: Profile, kind: EvaluationProtocol) throws {
        let study = try example {
            $0.profile = profile.rawValue
            $0.evaluationProtocol = kind.rawValue
        }
        let plan = study.expand(dataset: exampleDataset)
        expectSound(plan, study)
        #expect(plan == study.expand(dataset: exampleDataset))
        #expect(plan.count(of: .pretrain) == 45)
        #expect(plan.count(of: .cluster) == 5)
        #expect(plan.count(of: .sample) == 5)
        #expect(plan.count(of: .evaluate) == 200)
        #expect(plan.jobs.map(\.stage) == plan.jobs.map(\.stage).sorted())
    }

    @Test func `without an arm that reads models nothing is pre-trained`() throws {
        let study = try example { $0.arms = [$0.arms![0], $0.arms![2]] }
        let plan = study.expand(dataset: exampleDataset)
        #expect(plan.jobs.allSatisfy { $0.stage == .evaluate })
        #expect(plan.cells.count == 100)
    }

    @Test func `independent runs start from their initialization and keep nothing`() throws {
        let plan = try example().expand(dataset: exampleDataset)
        for cell in plan.cells where cell.stage == .evaluate {
            let spec = try #require(train(plan, cell))
            #expect(!spec.keepsWeights)
            switch cell.arm {
            case "random": #expect(spec.start == .random)
            case "gabor-2": #expect(spec.start == .gabor(layers: 2))
            case "pretrained":
                guard case .weights(let source, head: .keep) = spec.start else { Issue.record("\(spec.start)"); continue }
                #expect(plan.jobs.first { $0.id == source }?.stage == .pretrain)
            default:
                guard case .filters(let source, 17) = spec.start else { Issue.record("\(spec.start)"); continue }
                #expect(plan.jobs.first { $0.id == source }?.stage == .sample)
            }
        }
    }

    @Test func `a chain carries the weights on, in sorted order, and keeps all but the last`() throws {
        let study = try example { $0.evaluationProtocol = "chained" }
        let plan = study.expand(dataset: exampleDataset)
        for arm in study.arms {
            for replicate in 1...5 {
                let chain = cells(plan, arm.name, replicate: replicate)
                #expect(chain.map(\.pair) == study.evaluationPairs)
                for (previous, next) in zip(chain, chain.dropFirst()) {
                    #expect(train(plan, next)?.start == .weights(of: previous.job))
                    #expect(train(plan, previous)?.keepsWeights == true)
                }
                #expect(train(plan, chain.last!)?.keepsWeights == false)
            }
        }
    }

    @Test func `every arm has the same seeds at the same pair and replicate`() throws {
        let plan = try example().expand(dataset: exampleDataset)
        let groups = Dictionary(grouping: plan.cells.filter { $0.stage == .evaluate }) { "\($0.pair) \($0.replicate)" }
        var orders: Set<UInt64> = []
        for group in groups.values {
            let seeds = group.compactMap { train(plan, $0)?.seeds }
            #expect(seeds.count == 4)
            #expect(seeds.allSatisfy { $0 == seeds[0] })
            orders.insert(seeds[0].order)
        }
        #expect(orders.count == 50)
    }

    @Test func `published Gabor filters are the same in every replicate, the paper's are drawn`() throws {
        func weightSeeds(_ profile: String) throws -> Set<UInt64> {
            let study = try example {
                $0.profile = profile
                $0.evaluationProtocol = "independent"
            }
            let plan = study.expand(dataset: exampleDataset)
            return Set(plan.cells.filter { $0.arm == "gabor-2" }.compactMap { train(plan, $0)?.seeds.weights })
        }
        #expect(try weightSeeds("published-code").count == 1)
        #expect(try weightSeeds("paper").count == 50)
    }

    @Test func `arms that ask for the same thing share their jobs`() throws {
        let study = try example {
            var twin = $0.arms![3]
            twin.name = "twin"
            $0.arms!.append(twin)
        }
        let plan = study.expand(dataset: exampleDataset)
        #expect(plan.count(of: .sample) == 5)
        #expect(plan.count(of: .evaluate) == 200)
        #expect(plan.cells.filter { $0.arm == "twin" }.map(\.job) == plan.cells.filter { $0.arm == "clustered" }.map(\.job))
        #expect(plan.cells.count { $0.stage == .evaluate } == 250)
    }

    @Test func `a study that grows keeps the jobs it had`() throws {
        let small = try example {
            $0.evaluation.pairs = 3; $0.evaluation.replicates = 2; $0.arms = [$0.arms![0], $0.arms![3]]
        }
        let large = try example()
        let ids = Set(large.expand(dataset: exampleDataset).jobs.map(\.id))
        #expect(small.expand(dataset: exampleDataset).jobs.allSatisfy { ids.contains($0.id) })
        #expect(!ids.contains(try example { $0.seed = 2 }.expand(dataset: exampleDataset).jobs[0].id))
    }

    @Test func `the cost is counted in images`() throws {
        let plan = try example { $0.arms = [$0.arms![0]] }.expand(dataset: exampleDataset)
        #expect(plan.jobs[0].cost == JobCost(trainingImages: 15 * 10 * 500, validationImages: 15 * 10 * 100))
        #expect(plan.cost.trainingImages == 50 * 75_000)
        let smaller = try example { $0.arms = [$0.arms![0]] }.expand(
            dataset: exampleDataset, imagesPerClass: ImagesPerClass(training: 50, validation: 20))
        #expect(smaller.cost == JobCost(trainingImages: 50 * 7_500, validationImages: 50 * 3_000))
        #expect(smaller.jobs.map(\.id) == plan.jobs.map(\.id))
    }
}
