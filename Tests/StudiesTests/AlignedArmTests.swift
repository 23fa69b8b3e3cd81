import Foundation
import Testing

import Studies

/// Arms on a network of their own, and those whose filters are aligned.
struct AlignedArmTests {
    private func arm(_ method: String, _ name: String? = nil, _ set: (inout StudyFile.ArmEntry) -> Void = { _ in }) -> StudyFile.ArmEntry {
        var arm = StudyFile.ArmEntry(path: "arms.\(name ?? method)")
        (arm.name, arm.method) = (name, method)
        set(&arm)
        return arm
    }

    private var aligned: StudyFile.ArmEntry {
        arm("aligned") { ($0.model, $0.models, $0.layers) = ("custom-resnet18", 6, 4) }
    }

    private func trainings(_ plan: StudyPlan, _ arm: String) -> [TrainSpec] {
        plan.cells.filter { $0.arm == arm }.compactMap { cell in
            guard case .train(let spec)? = plan.jobs.first(where: { $0.id == cell.job })?.spec else { return nil }
            return spec
        }
    }

    // MARK: Plans

    @Test(arguments: Profile.allCases, EvaluationProtocol.allCases)
    func `an aligned arm has one job a replicate, or one for all where all have the same sources`(
        profile: Profile, kind: EvaluationProtocol
    ) throws {
        let study = try example {
            ($0.profile, $0.evaluationProtocol) = (profile.rawValue, kind.rawValue)
            $0.arms! += [aligned]
        }
        let plan = study.expand(dataset: exampleDataset)
        let jobs = plan.jobs.filter { $0.stage == .align }
        #expect(jobs.count == (profile == .paper ? 5 : 1))
        let networks = Dictionary(uniqueKeysWithValues: plan.jobs.map { ($0.id, $0) })
        for job in jobs {
            guard case .align(let spec) = job.spec else { Issue.record("\(job.label)"); continue }
            #expect(spec.sources.count == 6 && Set(spec.sources).count == 6 && spec.layers == 4 && spec.matching == .greedy)
            #expect(spec.mean == (profile == .paper ? .filters : .unitFilters))
            #expect(job.spec.isCentral && job.spec.inputs == spec.sources && job.cost == .zero)
            for source in spec.sources {
                guard case .train(let train)? = networks[source]?.spec else { Issue.record("no training"); continue }
                #expect(train.model.architecture == "custom-resnet18" && train.keepsWeights)
            }
        }
        let trainings = trainings(plan, "aligned")
        #expect(trainings.count == 50 && trainings.allSatisfy { $0.model.architecture == "custom-resnet18" })
        let starts = trainings.filter { if case .filters(_, layers: 4) = $0.start { true } else { false } }
        #expect(starts.count == (kind == .independent ? 50 : 5))
    }

    @Test func `an arm's sources come in the order drawn, the same pairs as a clustered arm's`() throws {
        let study = try example { $0.arms! += [aligned] }
        for replicate in 1...5 {
            let order = study.sourceOrder(count: 6, replicate: replicate)
            #expect(order.sorted { $0.lexicographicallyPrecedes($1) } == study.sourcePairs(count: 6, replicate: replicate))
            #expect(Array(order.prefix(4)) == study.sourceOrder(count: 4, replicate: replicate))
        }
        #expect(study.sourceOrder(count: 6, replicate: 1) != study.sourceOrder(count: 6, replicate: 2))
    }

    @Test func `of another network only what is read is pre-trained, in cells of its own`() throws {
        let study = try example { $0.arms! += [aligned, arm("random", "random-custom") { $0.model = "custom-resnet18" }] }
        let plan = study.expand(dataset: exampleDataset)
        let read = Set((1...5).flatMap { study.sourcePairs(count: 6, replicate: $0) })
        let cells = plan.cells.filter { $0.stage == .pretrain }
        #expect(cells.count { $0.arm == "pretraining" } == 45)
        #expect(Set(cells.filter { $0.arm == "pretraining:custom-resnet18" }.map(\.pair)) == read)
        #expect(cells.count == 45 + read.count && Set(cells.map { "\($0.arm) \($0.pair)" }).count == cells.count)
        #expect(plan.jobs.contains { $0.label.hasPrefix("pretrain custom-resnet18 ") })
        #expect(trainings(plan, "random-custom").allSatisfy { $0.start == .random && $0.model.architecture == "custom-resnet18" })
        // Everything else is the study without them.
        let ids = Set(plan.jobs.map(\.id))
        #expect(try example().expand(dataset: exampleDataset).jobs.allSatisfy { ids.contains($0.id) })
    }

    @Test func `without an arm on the study's network that reads models, none of it is pre-trained`() throws {
        let plan = try example { $0.arms = [arm("random"), aligned] }.expand(dataset: exampleDataset)
        #expect(plan.cells.filter { $0.stage == .pretrain }.allSatisfy { $0.arm == "pretraining:custom-resnet18" })
        #expect(plan.count(of: .pretrain) < 45)
    }

    @Test func `every method may have a network of its own, and reads its models`() throws {
        let study = try example { file in for index in file.arms!.indices { file.arms![index].model = "custom-resnet18" } }
        let plan = study.expand(dataset: exampleDataset)
        for job in plan.jobs {
            switch job.spec {
            case .train(let spec): #expect(spec.model.architecture == "custom-resnet18")
            case .cluster(let spec): #expect(spec.model.architecture == "custom-resnet18")
            case .sample(let spec): #expect(spec.model.architecture == "custom-resnet18")
            default: Issue.record("\(job.label)")
            }
        }
        // The same jobs as in a study on that network, but for pairs that nobody reads.
        let whole = try example { $0.model.architecture = "custom-resnet18" }.expand(dataset: exampleDataset)
        let ids = Set(whole.jobs.map(\.id))
        #expect(plan.jobs.allSatisfy { ids.contains($0.id) } && plan.count(of: .evaluate) == whole.count(of: .evaluate))
    }

    @Test func `needs go along to what is aligned and pre-trained`() throws {
        let plan = try example {
            $0.arms! += [aligned]
            $0.arms![4].needs = ["class": "zen4"]
        }.expand(dataset: exampleDataset)
        for job in plan.jobs {
            let isForIt = job.label.contains("custom-resnet18") || job.label.contains("evaluate aligned")
            #expect(job.needs.values == (isForIt ? ["class": "zen4"] : [:]), "\(job.label)")
        }
    }

    // MARK: Identity

    @Test func `the study's own network written at an arm changes nothing`() throws {
        let plain = try example()
        let written = try example { file in for index in file.arms!.indices { file.arms![index].model = "resnet18" } }
        #expect(written == plain && written.digest == plain.digest)
        let json = try #require(String(data: JSONEncoder().encode(plain), encoding: .utf8))
        #expect(json.components(separatedBy: "\"model\"").count == 2, "the study's only")
    }

    @Test func `a study with such arms survives its JSON, jobs as well`() throws {
        let study = try example { $0.arms! += [aligned] }
        let decoded = try JSONDecoder().decode(Study.self, from: JSONEncoder().encode(study))
        #expect(decoded == study && decoded.digest == study.digest)
        for job in study.expand(dataset: exampleDataset).jobs {
            #expect(try JSONDecoder().decode(JobSpec.self, from: Data(job.spec.canonicalJSON)) == job.spec)
        }
    }

    @Test func `the JSON of an alignment`() {
        let source = JobID(canonicalJSON: [])
        let spec = JobSpec.align(
            AlignSpec(
                sources: [source], model: ModelSpec(architecture: "custom-resnet18", classes: 10), layers: 2, matching: .optimal,
                mean: .unitFilters))
        #expect(
            String(decoding: spec.canonicalJSON, as: UTF8.self)
                == """
                {"align":{"layers":2,"matching":"optimal","mean":"unit-filters","model":{"architecture":"custom-resnet18","channels":3,\
                "classes":10,"imageSize":32},"sources":["\(source)"]}}
                """)
        #expect(spec.workload == "aligning" && !spec.runsCommand)
    }

    // MARK: What a study says of them

    @Test func `what is not as published is said, and what is, is not`() throws {
        func deviations(_ arms: StudyFile.ArmEntry...) throws -> [String] { try example { $0.arms! += arms }.deviations }
        #expect(try deviations(aligned, arm("random", "r") { $0.model = "custom-resnet18" }).isEmpty)
        var optimal = aligned
        optimal.matching = "optimal"
        #expect(try deviations(optimal) == ["arm aligned: filters matched at the least total distance instead of greedily"])
        #expect(
            try deviations(arm("gabor", "g") { ($0.layers, $0.model) = (1, "lenet") }) == ["arm g: network lenet instead of resnet18"])
        #expect(
            try deviations(arm("clustered", "c") { ($0.distance, $0.models, $0.clusters, $0.layers) = ("cosine", 10, 3, 17) })
                == ["arm c: clustered by the cosine distance, which its authors tried and published nothing of"])
        let whole = try example {
            $0.model.architecture = "custom-resnet18"
            $0.arms! += [aligned]
        }
        #expect(whole.deviations == ["network: custom-resnet18 instead of resnet18"])
    }

    // MARK: Mistakes

    @Test func `an aligned arm that cannot be is refused`() {
        func refusal(_ set: (inout StudyFile.ArmEntry) -> Void) -> [String] {
            problems {
                var arm = aligned
                set(&arm)
                $0.arms! += [arm]
            }.map { "\($0.message) | \($0.remedy)" }
        }
        #expect(refusal { _ in } == [])
        #expect(refusal { ($0.layers, $0.matching) = (nil, "optimal") } == [])
        #expect(
            refusal { $0.model = nil } == [
                "arms.aligned: the method aligned moves filters to other places, and knows no layers of resnet18 that allow it | "
                    + "give the arm the network without residual sums in its first stage: `model: custom-resnet18`"
            ])
        for layers in [0, -1, 7, 17] {
            #expect(
                refusal { $0.layers = layers } == [
                    "arms.aligned.layers is \(layers), but only the layers 1…6 of custom-resnet18 can be aligned | "
                        + "choose a value in the range, or leave it out for all of them"
                ])
        }
        #expect(
            refusal { $0.matching = "greedi" } == [
                "arms.aligned.matching: \"greedi\" is unknown — did you mean \"greedy\"? | choose one of: greedy, optimal"
            ])
        #expect(refusal { $0.models = 1 } == ["arms.aligned.models is 1, outside 2…45 | choose a value in the range"])
        #expect(refusal { $0.models = nil } == ["arms.aligned.models is missing | add it: a whole number in 2…45"])
        #expect(
            refusal { $0.clusters = 3 } == [
                "arms.aligned.clusters means nothing for the method aligned | remove it, or choose `method: clustered`"
            ])
        #expect(
            refusal { $0.model = "custom-resnet81" }.first?.hasPrefix(
                "arms.aligned.model: \"custom-resnet81\" is unknown — did you mean \"custom-resnet18\"?") == true)
        #expect(
            problems { $0.arms![3].matching = "greedy" }.map(\.message)
                == ["arms.clustered.matching means nothing for the method clustered"])
        #expect(
            problems {
                $0.pretraining.pairs = 5; $0.arms = [aligned]
            }.map(\.path) == ["arms.aligned.models"])
    }

    @Test func `an arm's network has to suit the images, and layers its own count`() {
        #expect(
            problems {
                $0.model.imageSize = 16; $0.arms![0].model = "vgg11"
            }.map(\.path) == ["arms.random.model"])
        #expect(
            problems {
                $0.arms![2].model = "lenet"; $0.arms![2].layers = 3
            }.map(\.message)
                == ["arms.gabor.layers is 3, but lenet has the layers 1…2"])
    }
}
