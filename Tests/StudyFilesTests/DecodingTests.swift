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
                  keys in evaluation: pairs, replicates, epochs
                """)
    }

    @Test func `all problems of a file come together, by line`() {
        let broken = text.replacing("pairs: 3", with: "pairs: three").replacing("clusters: 3", with: "clusters: 999")
            .replacing("study: small", with: "studi: small")
        #expect(
            message(broken) == """
                study.yaml:1: unknown key "studi" — did you mean "study"?
                  keys: study, data, model, profile, protocol, seed, pretraining, evaluation, training, arms
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
                  keys in evaluation: pairs, replicates, epochs
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
