import Digests
import Foundation
import Testing

import Studies

struct StateDictTests {
    private let weights = FileSpec(digest: Digest(of: "weights"), size: 1234)

    /// A study with a state-dict arm of its own, its file read.
    private func study(
        head: String? = nil, file: FileSpec? = nil, _ change: (inout StudyFile) -> Void = { _ in }
    ) throws -> Study {
        var study = try example {
            var arm = StudyFile.ArmEntry(path: "arms.mine")
            (arm.name, arm.method, arm.file, arm.head) = ("mine", "state-dict", "models/mine.safetensors", head)
            $0.arms = [$0.arms![0], arm]
            change(&$0)
        }
        study.updateStateDicts { start, _ in start.file = file ?? weights }
        return study
    }

    private func start(_ plan: StudyPlan, _ cell: Cell) -> StartSpec? {
        guard case .train(let spec)? = plan.jobs.first(where: { $0.id == cell.job })?.spec else { return nil }
        return spec.start
    }

    @Test func `its cells start from one job that vouches for the file, and nothing is pre-trained`() throws {
        let study = try study()
        #expect(study.arms[1].method == .stateDict(StateDictStart(path: "models/mine.safetensors", head: .keep, file: weights)))
        let plan = study.expand(dataset: exampleDataset)
        let file = JobSpec.file(weights)
        #expect(plan.jobs[0].spec == file)
        #expect(plan.jobs[0].stage == .file)
        #expect(plan.jobs[0].cost == .zero)
        #expect(file.isCentral && file.inputs.isEmpty)
        let json = String(decoding: file.canonicalJSON, as: UTF8.self)
        #expect(json == "{\"file\":{\"digest\":\"\(weights.digest)\",\"size\":1234}}")
        #expect(plan.count(of: .file) == 1 && plan.count(of: .evaluate) == 100 && plan.jobs.count == 101)
        for cell in plan.cells where cell.arm == "mine" { #expect(start(plan, cell) == .weights(of: file.id)) }
        for job in plan.jobs where job.stage == .evaluate { #expect(job.spec.inputs.allSatisfy { $0 == file.id }) }
    }

    @Test func `a chain starts from the file and goes on from its own weights`() throws {
        let study = try study(head: "fresh") { $0.evaluationProtocol = "chained" }
        let plan = study.expand(dataset: exampleDataset)
        let chain = plan.cells.filter { $0.arm == "mine" && $0.replicate == 2 }
        #expect(start(plan, chain[0]) == .weights(of: JobSpec.file(weights).id, head: .fresh))
        for (previous, next) in zip(chain, chain.dropFirst()) { #expect(start(plan, next) == .weights(of: previous.job)) }
    }

    @Test func `another content changes the arm's jobs and the study, another path neither`() throws {
        let other = FileSpec(digest: Digest(of: "other"), size: 1234)
        let (first, second) = (try study(), try study(file: other))
        #expect(first.digest != second.digest)
        let plans = [first, second].map { $0.expand(dataset: exampleDataset) }
        let shared = Set(plans[0].jobs.map(\.id)).intersection(plans[1].jobs.map(\.id))
        // The fifty trainings of the arm `random`.
        #expect(shared.count == 50)
        let moved = try study { $0.arms![1].file = "elsewhere" }
        #expect(moved != first && moved.digest == first.digest)
        #expect(moved.expand(dataset: exampleDataset) == plans[0])
        #expect(try study(head: "fresh").digest != first.digest)
    }

    @Test func `two arms of one file share its job`() throws {
        let study = try study {
            var twin = $0.arms![1]
            (twin.name, twin.head, twin.file) = ("twin", "fresh", "a/copy")
            $0.arms!.append(twin)
        }
        let plan = study.expand(dataset: exampleDataset)
        #expect(plan.count(of: .file) == 1)
        #expect(plan.count(of: .evaluate) == 150)
    }

    @Test func `a pre-trained arm may begin with a fresh head`() throws {
        let study = try example { $0.arms![1].head = "fresh" }
        let plan = study.expand(dataset: exampleDataset)
        for cell in plan.cells where cell.arm == "pretrained" {
            guard case .weights(_, head: .fresh) = start(plan, cell) else { Issue.record("\(cell)"); continue }
        }
        #expect(study.deviations == ["arm pretrained: the classifier has the default start instead of the pre-trained model's"])
    }

    @Test func `a head is in a start's JSON only when it is fresh`() throws {
        let job = JobSpec.file(weights).id
        func json(_ start: StartSpec) throws -> String {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            return String(decoding: try encoder.encode(start), as: UTF8.self)
        }
        #expect(try json(.weights(of: job)) == "{\"method\":\"weights\",\"of\":\"\(job)\"}")
        #expect(try json(.weights(of: job, head: .fresh)) == "{\"head\":\"fresh\",\"method\":\"weights\",\"of\":\"\(job)\"}")
        for head in HeadSpec.allCases {
            let start = StartSpec.weights(of: job, head: head)
            #expect(try JSONDecoder().decode(StartSpec.self, from: Data(json(start).utf8)) == start)
        }
        let file = JobSpec.file(weights)
        #expect(try JSONDecoder().decode(JobSpec.self, from: Data(file.canonicalJSON)) == file)
    }

    @Test func `the table says which file an arm starts from`() throws {
        let short = weights.digest.short
        #expect(try study().deviations == ["arm mine: starts from a state_dict file with SHA-256 \(short)…"])
        #expect(
            try study(head: "fresh").deviations
                == ["arm mine: starts from a state_dict file with SHA-256 \(short)…, its classifier by the default start"])
    }

    @Test func `what an arm's method does not have is refused`() {
        func paths(_ change: (inout StudyFile.ArmEntry) -> Void) -> [String] {
            problems {
                $0.arms = [StudyFile.ArmEntry(path: "arms.mine")]
                ($0.arms![0].method, $0.arms![0].file) = ("state-dict", "f")
                change(&$0.arms![0])
            }.map(\.path)
        }
        #expect(paths { _ in }.isEmpty)
        #expect(paths { $0.file = nil } == ["arms.mine.path"])
        #expect(paths { $0.file = "a\u{0}b" } == ["arms.mine.path"])
        #expect(paths { $0.file = String(repeating: "a", count: 4097) } == ["arms.mine.path"])
        #expect(paths { $0.head = "new" } == ["arms.mine.head"])
        #expect(paths { $0.layers = 3 } == ["arms.mine.layers"])
        #expect(paths { $0.method = "random" } == ["arms.mine.path"])
        #expect(paths { ($0.method, $0.file, $0.head) = ("gabor", nil, "keep") } == ["arms.mine.head"])
    }

    @Test func `a text becomes a legal arm name, or none`() {
        let names = [("mine", "mine"), ("my model (2)", "my-model--2-"), (".hidden", "hidden"), ("--x", "x"), ("ä", nil)]
        for (text, name) in names {
            #expect(StudyLimits.name(from: text) == name)
        }
        #expect(StudyLimits.name(from: String(repeating: "a", count: 100))?.count == 64)
        #expect(StudyLimits.name(from: "ü9")! == "9")
    }
}
