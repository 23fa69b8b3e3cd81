import Artifacts
import Coordination
import Datasets
import Digests
import Foundation
import Jobs
import Networks
import Studies
import Testing

/// Programs that train, run in this process as a runner runs them: small shell scripts that keep to the contract, or do not.
@Suite(.serialized) final class ExternalTrainingTests {
    private let folder: String
    private let data: CIFAR100Folder
    private let digest: Digest

    init() throws {
        folder = FileManager.default.temporaryDirectory.path + "/sower-trainers-\(UUID().uuidString)"
        try SyntheticImages.write(to: folder + "/data", seed: 5, trainingPerClass: 2, testPerClass: 1)
        data = try CIFAR100Folder(path: folder + "/data")
        digest = data.digest()
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private var script: String { folder + "/train.sh" }

    private func spec(_ arguments: [String], files: [TrainerSpec.File], epochs: Int = 2, start: StartSpec = .random, keeps: Bool = false)
        -> TrainSpec
    {
        TrainSpec(
            dataset: digest, superclasses: [2, 7], model: ModelSpec(architecture: "lenet", classes: 10), start: start,
            recipe: RecipeSpec(
                epochs: epochs, batchSize: 16, learningRate: 0.01, momentum: 0.9, weightDecay: 1e-4, schedule: .constant,
                augmentation: .none),
            seeds: TrainSeeds(weights: 1, order: 2, augmentation: 3), keepsWeights: keeps,
            trainer: TrainerSpec(name: "script", arguments: arguments, files: files))
    }

    /// Runs a training by a shell script with this text.
    private func run(
        _ text: String, epochs: Int = 2, start: StartSpec = .random, keeps: Bool = false, allowed: Bool = true,
        onEpoch: (EpochMetrics) -> Void = { _ in }
    ) throws -> RunnerResult {
        try Data(text.utf8).write(to: URL(fileURLWithPath: script))
        let file = TrainerSpec.File(argument: 1, digest: Digest(of: Data(text.utf8)))
        let job = JobSpec.train(spec(["/bin/sh", "train.sh"], files: [file], epochs: epochs, start: start, keeps: keeps))
        return JobRunner(allowsCommands: allowed, now: { .zero }).run(
            RunnerRequest(
                spec: job.canonicalJSON, datasetPath: data.path, storePath: folder + "/store", inputs: [], trainerPaths: [script]),
            onEpoch: onEpoch)
    }

    private func failure(_ result: RunnerResult) -> JobFailure? {
        if case .failed(let failure) = result.outcome { failure } else { nil }
    }

    /// A line of the contract, as a shell says it.
    private func epoch(_ number: Int, _ changes: [String: String] = [:], without key: String? = nil) -> String {
        var values = [
            "epoch": "\(number)", "learning_rate": "0.01", "training_loss": "1.5", "training_accuracy": "40",
            "training_top5_accuracy": "90",
            "validation_loss": "1.25", "validation_accuracy": "50", "validation_top5_accuracy": "95", "images": "20", "seconds": "1",
        ]
        values.merge(changes) { $1 }
        if let key { values[key] = nil }
        return "echo '{" + values.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", ") + "}'\n"
    }

    @Test func `a trainer's epochs are a training's, told as they come, in a numeric class of its own`() throws {
        var told: [Int] = []
        let result = try run("echo hello; " + epoch(1) + "echo log >&2\n" + epoch(2, ["another_key": "[1, 2]"], without: "seconds")) {
            told.append($0.epoch)
        }
        #expect(result.outcome == .finished)
        #expect(result.numericClass == "external:script")
        #expect(result.epochs.map(\.epoch) == [1, 2] && told == [1, 2])
        #expect(result.epochs[0].validationAccuracy == 50 && result.epochs[0].images == 20)
        #expect(result.artifacts.isEmpty)
    }

    @Test func `it gets the job, the dense initialization and the data, in a folder that goes with it`() throws {
        let copy =
            "cp job.json initialization.safetensors '\(folder)'; test -d outputs; test \"$PWD\" = \"$SOWER_JOB\"; test \"$SOWER_SLOT\" -ge 0; pwd > '\(folder)/place'\n"
        #expect(try run("set -e\n" + copy + epoch(1), epochs: 1, start: .gabor(layers: 1)).outcome == .finished)
        let place = try String(contentsOfFile: folder + "/place", encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(!FileManager.default.fileExists(atPath: place))
        struct Told: Decodable {
            var contract: Int, job: String, dataPath: String, fineLabels: [Int], threads: Int, training: TrainSpec
        }
        let told = try JSONDecoder().decode(Told.self, from: Data(contentsOf: URL(fileURLWithPath: folder + "/job.json")))
        #expect(told.contract == 1 && told.dataPath == data.path && told.threads == 1)
        #expect(told.job == JobSpec.train(told.training).id.digest.hex)
        #expect(told.fineLabels == (data.fineLabels[2] + data.fineLabels[7]).sorted())
        let shape = try NetworkShape(architecture: .lenet, classes: 10, channels: 3, imageSize: 32)
        let network = Network(shape: shape, maximumBatch: 1, threads: ThreadTeam())
        try network.load(StateDictFile.decode(SafetensorsFile(contentsOf: folder + "/initialization.safetensors")))
        let own = try NetworkStart.defaultState(shape: shape, seed: 1).state()
        let first = shape.initializableLayers[0].name, second = shape.initializableLayers[1].name
        #expect(network.state()[second] == own[second] && network.state()[first] != own[first], "the first layer is Gabor's")
    }

    @Test func `its weights are an artifact when they are the network's, and a failure when they are not`() throws {
        let kept = try run(epoch(1) + "cp initialization.safetensors outputs/weights.safetensors", epochs: 1, keeps: true)
        #expect(kept.outcome == .finished)
        let artifact = try #require(kept.artifacts.first)
        #expect(artifact.name == "weights")
        let store = try ArtifactStore(folder: folder + "/store")
        #expect(try SafetensorsFile(contentsOf: store.path(of: artifact.digest)).entries.count == 8)

        let none = failure(try run(epoch(1), epochs: 1, keeps: true))
        #expect(none?.reason == .crashed && none?.message.contains("without leaving its weights in outputs/weights.safetensors") == true)
        let link = failure(try run(epoch(1) + "ln -s /etc/passwd outputs/weights.safetensors", epochs: 1, keeps: true))
        #expect(link?.message.contains("without leaving its weights") == true)
        let noise = failure(try run(epoch(1) + "echo noise > outputs/weights.safetensors", epochs: 1, keeps: true))
        #expect(noise?.message.contains("are not the network's") == true)
    }

    @Test(arguments: ["NaN", "null", "Infinity", "-Infinity"])
    func `a loss that is no number is a divergence, and ends the program`(loss: String) throws {
        let result = try run(epoch(1) + epoch(2, ["training_loss": loss, "step": "3"]) + "sleep 60\n" + epoch(3), epochs: 5)
        #expect(result.outcome == .diverged(epoch: 2, step: 3))
        #expect(result.epochs.map(\.epoch) == [1])
        // 20 images in steps of 16; what else the line lacks does not matter any more.
        #expect(try run(epoch(1, ["validation_loss": loss]), epochs: 5).outcome == .diverged(epoch: 1, step: 2))
    }

    @Test func `epochs that are missing, doubled, out of order or too many are named`() throws {
        let cases: [(String, String)] = [
            (epoch(1), "ended with exit code 0 after 1 of 2 epochs"), ("true", "after 0 of 2 epochs"),
            (epoch(1) + epoch(1), "reported epoch 1 twice, expected epoch 2"), (epoch(2), "reported epoch 2, expected epoch 1"),
            (epoch(0), "reported epoch 0, expected epoch 1"), (epoch(1) + epoch(2) + epoch(3), "more than the 2 epochs"),
            (epoch(1) + epoch(2) + epoch(2), "more than the 2 epochs"),
        ]
        for (text, words) in cases {
            let failure = failure(try run(text))
            #expect(failure?.reason == .crashed && failure?.message.contains(words) == true, "\(failure?.message ?? "finished")")
        }
    }

    @Test func `a line that is no epoch, or holds what cannot be, is named`() throws {
        let cases: [(String, String)] = [
            ("echo '{oops'\n", "no epoch (it is no JSON object): {oops"), ("echo '{}'\n", "no epoch (it has no epoch)"),
            (epoch(1, without: "training_loss"), "it has no training_loss"), (epoch(1, ["epoch": "1.5"]), "no epoch"),
            (epoch(1, ["epoch": "\"1\""]), "epoch is no number of its kind"),
            (epoch(1, ["validation_accuracy": "101"]), "validation_accuracy is 101.0, expected a percentage"),
            (epoch(1, ["validation_accuracy": "NaN"]), "validation_accuracy is nan, expected a percentage"),
            (epoch(1, without: "training_top5_accuracy"), "training_top5_accuracy is nan"), (epoch(1, ["images": "0"]), "images is 0.0"),
            (epoch(1, ["learning_rate": "-1"]), "learning_rate is -1.0"), (epoch(1, ["images": "1e300"]), "no epoch"),
            ("printf '{'; head -c 100000 /dev/zero | tr '\\0' x\n", "a line of more than 65536 bytes"),
        ]
        for (text, words) in cases {
            let failure = failure(try run(text, epochs: 1))
            #expect(failure?.reason == .crashed && failure?.message.contains(words) == true, "\(words): \(failure?.message ?? "finished")")
        }
    }

    @Test func `another exit code is a crash with its last words, whatever it reported`() throws {
        let failure = failure(try run(epoch(1) + epoch(2) + "echo no GPU >&2; exit 3"))
        #expect(failure?.reason == .crashed)
        #expect(failure?.message.hasPrefix("the trainer /bin/sh ended with exit code 3") == true)
        #expect(failure?.message.hasSuffix("no GPU") == true)
    }

    @Test func `a last line without its line feed counts, and a program left running keeps nobody waiting`() throws {
        let line = epoch(1).replacing("echo ", with: "printf %s ")
        let start = ContinuousClock.now
        #expect(try run("sleep 30 & " + line, epochs: 1).outcome == .finished)
        #expect(ContinuousClock.now - start < .seconds(20))
    }

    @Test func `a worker that does not run programs runs no trainer`() throws {
        let refused = failure(try run("touch '\(folder)/ran'", allowed: false))
        #expect(refused?.reason == .specification && refused?.message.contains("--allow-command") == true)
        #expect(!FileManager.default.fileExists(atPath: folder + "/ran"))
    }

    @Test func `a file that is another on this host, or is not there, is the host's fault and runs nothing`() throws {
        try Data("touch '\(folder)/ran'".utf8).write(to: URL(fileURLWithPath: script))
        let job = JobSpec.train(spec(["/bin/sh", "train.sh"], files: [TrainerSpec.File(argument: 1, digest: Digest(of: "another"))]))
        for (paths, words) in [
            ([script], "the study was planned with"), ([script + ".gone"], "is not on this host"), ([], "nobody said where they lie"),
        ] {
            let result = JobRunner(allowsCommands: true, now: { .zero }).run(
                RunnerRequest(
                    spec: job.canonicalJSON, datasetPath: data.path, storePath: folder + "/store", inputs: [], trainerPaths: paths)
            ) { _ in }
            #expect(failure(result)?.message.contains(words) == true, "\(result.outcome)")
            #expect(failure(result)?.reason == (paths.isEmpty ? .specification : .data))
        }
        #expect(!FileManager.default.fileExists(atPath: folder + "/ran"))
    }
}
