import Digests
import Studies
import Testing

/// A study whose trainings are another program's, and whose jobs need hosts of a kind.
@Suite struct TrainerTests {
    private func trainer(_ command: [String]?, name: String? = nil) -> StudyFile.TrainerSection {
        var section = StudyFile.TrainerSection()
        (section.command, section.name) = (command, name)
        return section
    }

    private func study(_ command: [String], files: [ExternalTrainer.File] = []) throws -> Study {
        var study = try example { $0.trainer = trainer(command) }
        var found = try #require(study.trainer)
        found.files = files
        study.setTrainer(found)
        return study
    }

    private func trainings(of study: Study) -> [TrainSpec] {
        study.expand(dataset: exampleDataset).jobs.compactMap { if case .train(let spec) = $0.spec { spec } else { nil } }
    }

    @Test func `every training names the program, and nothing else does`() throws {
        let plan = try study(["python3", "train.py"]).expand(dataset: exampleDataset)
        #expect(trainings(of: try study(["python3", "train.py"])).allSatisfy { $0.trainer?.arguments == ["python3", "train.py"] })
        for job in plan.jobs { #expect(job.spec.runsCommand == (job.stage == .pretrain || job.stage == .evaluate)) }
        #expect(plan.jobs.first?.spec.workload == "training resnet18 at 32 pixels for 15 epochs with train")
        #expect(try example().expand(dataset: exampleDataset).jobs.allSatisfy { !$0.spec.runsCommand })
    }

    @Test func `a study without a trainer has the job ids that it always had`() throws {
        let spec = try #require(trainings(of: try example()).first)
        #expect(!String(decoding: JobSpec.train(spec).canonicalJSON, as: UTF8.self).contains("trainer"))
    }

    @Test func `the program, its arguments and what its files hold are the identity, their places are not`() throws {
        func file(_ path: String, _ content: String) -> ExternalTrainer.File {
            ExternalTrainer.File(argument: 1, path: path, digest: Digest(of: content))
        }
        let one = try study(["python3", "/a/train.py"], files: [file("/a/train.py", "x")])
        let elsewhere = try study(["python3", "train.py"], files: [file("/b/train.py", "x")])
        #expect(trainings(of: one) == trainings(of: elsewhere))
        #expect(one.digest == elsewhere.digest)
        let changed = try study(["python3", "/a/train.py"], files: [file("/a/train.py", "y")])
        let other = try study(["python3.12", "/a/train.py"], files: [file("/a/train.py", "x")])
        for study in [changed, other, try example()] {
            #expect(
                Set(trainings(of: study).map { JobSpec.train($0).id }).isDisjoint(with: trainings(of: one).map { JobSpec.train($0).id }))
            #expect(study.digest != one.digest)
        }
        #expect(one.deviations.contains { $0.hasPrefix("trainer: external:train instead of Sower's engine (train.py with SHA-256 ") })
        #expect(trainings(of: one)[0].trainer?.arguments(paths: ["/c/train.py"]) == ["python3", "/c/train.py"])
        #expect(trainings(of: one)[0].trainer?.arguments(paths: []) == nil)
    }

    @Test(arguments: [
        (["python3", "train.py"], "train"), (["./train.sh"], "train"), (["/opt/bin/train"], "train"),
        (["python3", "-u", "my code/train v2.py"], "train-v2"), (["python3", "-m", "package.train"], "package"),
    ])
    func `a trainer is named after its script`(command: [String], name: String) throws {
        #expect(try example { $0.trainer = trainer(command) }.trainer?.name == name)
        #expect(try example { $0.trainer = trainer(command, name: "mine") }.trainer?.spec.numericClass == "external:mine")
    }

    @Test func `a trainer that cannot be is refused`() {
        for command in [nil, [], [""], Array(repeating: "x", count: 65), ["x", String(repeating: "x", count: 5000)], ["a\0b"]]
            as [[String]?]
        {
            #expect(problems { $0.trainer = trainer(command) }.map(\.path) == ["trainer.command"], "\(command ?? [])")
        }
        #expect(problems { $0.trainer = trainer(["x"], name: "a b") }.map(\.path) == ["trainer.name"])
    }

    // MARK: Needs

    private func needs(_ change: (inout StudyFile) -> Void) throws -> (Stage, String) -> Set<[String: String]> {
        let plan = try example(change).expand(dataset: exampleDataset)
        return { stage, label in
            Set(plan.jobs.filter { $0.stage == stage && (label.isEmpty || $0.label.contains(label)) }.map(\.needs.values))
        }
    }

    @Test func `what a study needs all its jobs need, but those beside the coordinator`() throws {
        let needs = try needs { $0.needs = ["class": "zen4"] }
        for stage in [Stage.pretrain, .evaluate] { #expect(needs(stage, "") == [["class": "zen4"]]) }
        for stage in [Stage.cluster, .sample] { #expect(needs(stage, "") == [[:]]) }
    }

    @Test func `what an arm needs its evaluations need, and what only it reads`() throws {
        func gifted(_ methods: String...) -> (inout StudyFile) -> Void {
            { file in
                file.needs = ["class": "zen4", "site": "x"]
                for index in file.arms!.indices where methods.contains(file.arms![index].method!) {
                    file.arms![index].needs = ["gpu": "yes", "class": "zen5"]
                }
            }
        }
        let common = ["class": "zen4", "site": "x"], special = ["class": "zen5", "site": "x", "gpu": "yes"]
        let random = try needs(gifted("random"))
        #expect(random(.evaluate, "random") == [special])
        #expect(random(.evaluate, "gabor") == [common] && random(.pretrain, "") == [common])
        // Pre-training is for two arms: what both need, it needs.
        let one = try needs(gifted("clustered"))
        #expect(one(.evaluate, "clustered") == [special])
        #expect(one(.pretrain, "") == [["site": "x"], special, common], "for both arms, for the one alone, for none")
        let both = try needs(gifted("clustered", "pretrained"))
        #expect(both(.pretrain, "") == [special, common])
    }

    @Test func `needs change no job`() throws {
        func ids(_ change: (inout StudyFile) -> Void) throws -> [JobID] {
            try example(change).expand(dataset: exampleDataset).jobs.map(\.id)
        }
        #expect(try ids { $0.needs = ["class": "zen4"] } == ids { _ in })
        #expect(try example { $0.needs = [:] }.digest == example().digest)
    }

    @Test func `labels that cannot be are refused`() {
        #expect(problems { $0.needs = ["a b": "x"] }.map(\.path) == ["needs.a b"])
        #expect(problems { $0.needs = ["class": ""] }.map(\.path) == ["needs.class"])
        #expect(problems { $0.needs = Dictionary(uniqueKeysWithValues: (0..<17).map { ("k\($0)", "v") }) }.map(\.path) == ["needs"])
        #expect(problems { $0.arms?[0].needs = ["class": "-x"] }.map(\.path) == ["arms.random.needs.class"])
    }
}
