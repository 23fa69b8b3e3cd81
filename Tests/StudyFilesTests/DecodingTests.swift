import Testing

import Studies
import StudyFiles

private let text = """
    study: small
    data: {format: cifar100, path: data}
    evaluation:
      pairs: 3
      replicates: 2
    arms:
      - random
      - {name: clustered, method: clustered, distance: fourier-real, models: 10, clusters: 3, layers: 17}
    """

private func message(_ text: String, _ overrides: String...) -> String {
    do throws(StudyFileError) {
        _ = try StudyFiles.decode(text: text, sourceName: "study.yaml", overrides: overrides)
        return "valid"
    } catch {
        return error.description
    }
}

struct DecodingTests {
    @Test func `a file becomes a study`() throws {
        let study = try StudyFiles.decode(text: text, sourceName: "study.yaml")
        #expect(study.name == "small")
        #expect(study.data == .cifar100(path: "data"))
        #expect(study.evaluation.pairs == 3)
        #expect(
            study.arms == [
                Arm(name: "random", method: .random),
                Arm(
                    name: "clustered",
                    method: .clustered(Clustering(distance: .fourierReal, models: 10, clusters: 3, layers: 17))),
            ])
    }

    @Test func `a misspelt key is named with its line and the word it was meant to be`() {
        #expect(
            message(text.replacing("replicates: 2", with: "replicats: 2")) == """
                study.yaml:5: unknown key "replicats" in evaluation — did you mean "replicates"?
                  keys in evaluation: pairs, replicates, epochs, keep_predictions
                """)
    }

    @Test func `all problems of a file come together, by line`() {
        let broken = text.replacing("pairs: 3", with: "pairs: three").replacing("clusters: 3", with: "clusters: 999")
            .replacing("study: small", with: "studi: small")
        #expect(
            message(broken) == """
                study.yaml:1: unknown key "studi" — did you mean "study"?
                  keys: study, data, model, profile, protocol, seed, pretraining, evaluation, training, trainer, needs, arms
                study.yaml:4: evaluation.pairs must be a whole number, found "three"
                  correct the value, or leave the key out for its default if it has one
                study.yaml:8: arms.clustered.clusters is 999, outside 1…256
                  choose a value in the range
                study.yaml: study is missing
                  give a study a name, for example `study: my-study`
                """)
    }

    @Test func `overrides are applied before validation, the last one wins`() throws {
        let study = try StudyFiles.decode(
            text: text, sourceName: "study.yaml",
            overrides: [
                "evaluation.replicates=7", "evaluation.replicates=4", "training.batch_size=64", "arms.clustered.models=20",
                "data.path=/some/where = else", "pretraining={pairs: 30}",
            ])
        #expect(study.evaluation.replicates == 4)
        #expect(study.evaluation.recipe.batchSize == 64)
        #expect(study.pretraining.pairs == 30)
        #expect(study.data == .cifar100(path: "/some/where = else"))
        guard case .clustered(let clustering) = study.arms[1].method else { Issue.record("\(study.arms)"); return }
        #expect(clustering.models == 20)
        let gabor = try StudyFiles.decode(text: text, sourceName: "s", overrides: ["arms=[{method: gabor, layers: 6}]"])
        #expect(gabor.arms == [Arm(name: "gabor-6", method: .gabor(layers: 6))])
    }

    @Test func `a wrong override is reported like a wrong line`() {
        #expect(
            message(text, "evaluation.replicats=2") == """
                --set evaluation.replicats=2: unknown key "replicats" in evaluation — did you mean "replicates"?
                  keys in evaluation: pairs, replicates, epochs, keep_predictions
                """)
        #expect(message(text, "evaluation.replicates=0").contains("--set evaluation.replicates=0: evaluation.replicates is 0"))
        #expect(message(text, "arms.clusterd.models=3").contains("did you mean \"clustered\"?"))
        #expect(message(text, "replicates").contains("needs the form key=value"))
        #expect(message(text, ".x=1").contains("not a path of keys"))
        #expect(message(text, "=1").contains("not a path of keys"))
        #expect(message(text, "study.x=1").contains("study is \"small\", which has no settings"))
        #expect(message(text, "arms=[").contains("not YAML"))
        #expect(message(text, "arms=[&a random, *a]").contains("anchors"))
    }

    @Test func `a model is a word or a mapping`() throws {
        let word = try StudyFiles.decode(text: text + "\nmodel: lenet\n", sourceName: "s", overrides: ["arms=[gabor]"])
        #expect(word.model == ModelSpec(architecture: "lenet", classes: 10, imageSize: 32))
        #expect(word.arms == [Arm(name: "gabor", method: .gabor(layers: 2))])
        let mapping = try StudyFiles.decode(
            text: text.replacing("layers: 17", with: "layers: 8") + "\nmodel: {architecture: vgg11, image_size: 64}\n",
            sourceName: "s")
        #expect(mapping.model == ModelSpec(architecture: "vgg11", classes: 10, imageSize: 64))
        #expect(
            message(text + "\nmodel: resnet-18x\n") == """
                study.yaml:9: model: "resnet-18x" is unknown — did you mean "resnet18"?
                  choose one of: resnet18, custom-resnet18, vgg11, lenet, fixup-resnet20
                """)
        #expect(
            message(text + "\nmodel:\n  architecture: resnet19\n").hasPrefix("study.yaml:10: model.architecture: \"resnet19\""))
        #expect(
            message(text + "\nmodel: {architecture: vgg11, image_size: 28}\n") == """
                study.yaml:8: arms.clustered.layers is 17, but vgg11 has the layers 1…8
                  choose a value in the range, or leave it out for all layers
                study.yaml:9: model.image_size is 28, but vgg11 needs images of at least 32 pixels
                  choose 32 or more, or another architecture
                """)
        #expect(message(text + "\nmodel: [a]\n").contains("model must be a mapping, found a list"))
        #expect(message(text + "\nmodel: {architectur: vgg11}\n").contains("did you mean \"architecture\"?"))
        #expect(message(text, "model.image_size=28") == "valid")
        #expect(message(text, "model=lenet").contains("--set model=lenet") == false)
    }

    @Test func `a training section has its recipe, a schedule as a word or a mapping`() throws {
        func recipe(_ training: String) throws -> RecipeSpec {
            try StudyFiles.decode(text: text + "\ntraining: {\(training)}\n", sourceName: "s").evaluation.recipe
        }
        #expect(try recipe("schedule: cosine").schedule == .cosine)
        #expect(try recipe("schedule: {kind: step, every: 30, factor: 0.1}").schedule == .step(every: 30, factor: 0.1))
        #expect(
            try recipe("schedule: {kind: plateau, watch: training-loss, factor: 0.25}").schedule
                == .plateau(watch: .trainingLoss, mode: .min, factor: 0.25, patience: 5))
        let all = try recipe("nesterov: true, mixup: 0.4, augmentation: flip-crop, crop_padding: 6")
        #expect(all.nesterov && all.mixup == 0.4 && all.augmentation == .flipAndCrop(padding: 6))
        #expect(
            message(
                text + "\ntraining:\n  momentum: 0\n  nesterov: true\n  schedule: cosin\n  augmentation: flip-and-rotation\n"
            ) == """
                study.yaml:11: training.nesterov needs a momentum, and training.momentum is 0
                  remove `nesterov: true`, or give a momentum above 0
                study.yaml:12: training.schedule: "cosin" is unknown — did you mean "cosine"?
                  choose one of: constant, plateau, step, cosine
                study.yaml:13: training.augmentation: "flip-and-rotation" is unknown — did you mean "flip-rotation"?
                  choose one of: none, flip-rotation, flip-crop
                """)
        #expect(
            message(text + "\ntraining:\n  schedule:\n    kind: cosine\n    every: 3\n") == """
                study.yaml:12: training.schedule.every means nothing for the schedule cosine
                  remove it, or choose `kind: step`
                """)
        #expect(message(text + "\ntraining: {nesterov: yes}\n").contains("nesterov must be true or false, found \"yes\""))
        #expect(message(text + "\ntraining: {schedule: [cosine]}\n").contains("schedule must be a mapping, found a list"))
        #expect(message(text + "\ntraining: {schedule: }\n").contains("training.schedule.kind must be a text, found nothing"))
        #expect(message(text, "training.schedule=cosine", "training.mixup=2") == "valid")
        #expect(
            message(text, "training.mixup=0").contains(
                "--set training.mixup=0: training.mixup is 0.0, outside 0.000001…1000000"))
    }

    @Test func `an arm can start from a file`() throws {
        let study = try StudyFiles.decode(
            text: text + "\n  - {name: mine, method: state-dict, path: a b/w.safetensors, head: fresh}\n", sourceName: "s")
        #expect(study.arms[2] == Arm(name: "mine", method: .stateDict(StateDictStart(path: "a b/w.safetensors", head: .fresh))))
        #expect(message(text + "\n  - state-dict\n").hasPrefix("study.yaml:9: arms.state-dict.path is missing"))
    }

    @Test func `arguments add arms that start from files`() throws {
        func arms(_ arguments: String..., overrides: [String] = []) throws -> [Arm] {
            try Array(
                StudyFiles.decode(text: text, sourceName: "s", stateDicts: arguments, overrides: overrides).arms.dropFirst(2))
        }
        func arm(_ name: String, _ path: String, _ head: HeadSpec = .keep) -> Arm {
            Arm(name: name, method: .stateDict(StateDictStart(path: path, head: head)))
        }
        #expect(try arms("models/res net.v2.safetensors") == [arm("res-net-v2", "models/res net.v2.safetensors")])
        #expect(try arms("mine=x.safetensors", "a=b/c=d") == [arm("mine", "x.safetensors"), arm("a", "b/c=d")])
        #expect(try arms("./a=b/c.st") == [arm("c", "./a=b/c.st")])
        #expect(try arms(".weights") == [arm("weights", ".weights")])
        #expect(try arms("mine=x", overrides: ["arms.mine.head=fresh"]) == [arm("mine", "x", .fresh)])

        // Whatever replaces the list, the argument's arm is in it.
        let replaced = try StudyFiles.decode(
            text: text, sourceName: "s", stateDicts: ["mine=x"],
            overrides: ["arms=[random, gabor]", "arms.mine.head=fresh", "seed=2"])
        #expect(replaced.arms.map(\.name) == ["random", "gabor", "mine"] && replaced.arms[2] == arm("mine", "x", .fresh))

        func refusal(_ arguments: String..., in text: String = text) -> String {
            do throws(StudyFileError) {
                _ = try StudyFiles.decode(text: text, sourceName: "study.yaml", stateDicts: arguments)
                return "valid"
            } catch {
                return error.description
            }
        }
        #expect(
            refusal("random=x") == """
                --from-state-dict random=x: two arms are called "random"
                  give each arm a name of its own: `name: …`
                """)
        #expect(refusal("a b=x").contains("--from-state-dict a b=x: arms.a b: \"a b\" cannot name an arm"))
        #expect(refusal("").contains("needs the form NAME=FILE"))
        #expect(refusal("mine=").contains("needs the form NAME=FILE"))
        #expect(refusal("/").contains("needs the form NAME=FILE"))
        #expect(refusal("=x") != "valid")
        #expect(refusal("x", in: "study: a\ndata: {format: synthetic}\n") == "valid")
        #expect(refusal("x", in: "study: a\ndata: {format: synthetic}\narms:\n") == "valid")
        #expect(refusal("x", in: "study: a\ndata: {format: synthetic}\narms: random\n").contains("arms must be a list"))
        #expect(refusal("x", in: "- a\n").contains("a study must be a mapping, found a list"))
    }

    @Test func `wrong shapes are refused by name`() {
        #expect(message("- a\n- b\n").contains("a study must be a mapping, found a list"))
        #expect(message("hello").contains("a study must be a mapping, found \"hello\""))
        #expect(message(text + "\nseed: [1]\n").contains("seed must be a whole number, found a list"))
        #expect(message(text.replacing("pairs: 3", with: "pairs:")).contains("found nothing"))
        #expect(message("study: a\ndata: {format: synthetic}\narms: random\n").contains("arms must be a list"))
        #expect(message("study: a\ndata: {format: synthetic}\narms: [[random]]\n").contains("arms[1] must be a mapping"))
        #expect(message("study: a\ndata: {format: synthetic}\narms: [random]\ntraining:\n") == "valid")
        #expect(message(text + "\ntraining: {learning_rate: .nan}\n").contains("must be a number"))
    }
}

/// A trainer and needs, as they are written.
@Suite struct TrainerDecodingTests {
    private let text = """
        study: small
        data: {format: synthetic}
        trainer: {command: [python3, train.py, --rate, "0.1"]}
        needs: {class: zen4}
        arms:
          - {method: random, needs: {gpu: yes}}

        """

    @Test func `a command is a list of words, labels are a mapping of the writer's own keys`() throws {
        let study = try StudyFiles.decode(text: text, sourceName: "study.yaml", overrides: ["needs.site=lab"])
        #expect(study.trainer == ExternalTrainer(name: "train", command: ["python3", "train.py", "--rate", "0.1"]))
        #expect(study.needs == Labels(["class": "zen4", "site": "lab"]))
        #expect(study.arms[0].needs == Labels(["gpu": "yes"]))
    }

    @Test func `anything else is refused with its line`() {
        for (wrong, right, words) in [
            (
                "[python3, train.py, --rate, \"0.1\"]", "python3 train.py",
                "study.yaml:3: trainer.command must be a list of texts, found \"python3 train.py\""
            ),
            ("{class: zen4}", "zen4", "study.yaml:4: needs must be a mapping of labels, for example {class: zen4}, found \"zen4\""),
            ("{gpu: yes}", "[gpu]", "study.yaml:6: arms.random.needs must be a mapping of labels"),
        ] {
            do throws(StudyFileError) {
                _ = try StudyFiles.decode(text: text.replacing(wrong, with: right), sourceName: "study.yaml")
                Issue.record("\(right) was taken")
            } catch {
                #expect(error.errorDescription?.contains(words) == true, "\(error.errorDescription ?? "")")
            }
        }
    }
}
