import Artifacts
import Coordination
import Datasets
import Digests
import Foundation
import Networks
import Processes
import Studies
import Tensors

extension JobRunner {
    /// Trains one network by a program that the study names, as `scripts/trainers/README.md` has it: hands it the job and the dense
    /// initialization in a folder, reads an epoch a line, and takes its weights when names and shapes are the network's.
    ///
    /// Errors: ``JobError/commandsNotAllowed``, ``TrainerError``, `ProcessError` when it cannot start, those of making the start.
    func train(
        _ spec: TrainSpec, by trainer: TrainerSpec, _ request: RunnerRequest, data: any ImageDataset, inputs: JobInputs,
        onEpoch: (EpochMetrics) throws -> Void
    ) throws -> Produced {
        guard allowsCommands else { throw JobError.commandsNotAllowed }
        let arguments = try Self.arguments(of: trainer, paths: request.trainerPaths)
        let subset = try ImageSubset(data, split: .training, superclasses: spec.superclasses)
        guard subset.classes == spec.model.classes else {
            throw JobError.malformedInput(
                name: data.path,
                reason: "\(spec.taskWords) \(subset.classes) classes, the network \(spec.model.classes)")
        }
        let folder = try JobFolder()
        defer { folder.remove() }
        try writeJob(spec, request, data, fineLabels: subset.fineLabels, inputs: inputs, to: folder.path)

        var output = TrainerOutput(expectedEpochs: spec.recipe.epochs, batchSize: spec.recipe.batchSize)
        var tail = TailBytes()
        func log(_ bytes: ArraySlice<UInt8>) {
            tail.append(bytes)
            bytes.withUnsafeBytes { _ = write(2, $0.baseAddress!, $0.count) }
        }
        var lastEpoch = clock()
        func elapsed() -> Double {
            defer { lastEpoch = clock() }
            return (clock() - lastEpoch) / .seconds(1)
        }
        do {
            let end = try PipedCommand.run(
                arguments, environment: environment(folder: folder.path), folder: folder.path,
                onOutput: { bytes in
                    try output.take(bytes, elapsed: elapsed, onEpoch: onEpoch, onOther: log)
                    if output.divergence != nil { throw HasDiverged() }
                }, onErrors: log)
            guard end == .exited(0) else { throw TrainerError.ended(trainer.arguments[0], end, tail: tail.text) }
            try output.finish(elapsed: elapsed, onEpoch: onEpoch, onOther: log)
        } catch is HasDiverged {}
        if let (epoch, step) = output.divergence { return Produced(outcome: .diverged(epoch: epoch, step: step), epochs: output.epochs) }
        guard spec.keepsWeights else { return Produced(epochs: output.epochs) }
        return Produced(epochs: output.epochs, stored: [try takeWeights(spec.model, in: folder.path, into: inputs.store)])
    }

    /// A training that has diverged has no more to say: its program is ended.
    private struct HasDiverged: Error {}

    /// The command with its files where they lie on this host, their bytes those that the study was planned with.
    private static func arguments(of trainer: TrainerSpec, paths: [String]) throws -> [String] {
        guard !trainer.arguments.isEmpty, let arguments = trainer.arguments(paths: paths) else { throw TrainerError.filesUnknown }
        for (file, path) in zip(trainer.files, paths) {
            let actual = (try? Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)).map { Digest(of: $0) }
            guard actual == file.digest else { throw TrainerError.otherFile(path: path, actual: actual, expected: file.digest) }
        }
        return arguments
    }

    private func environment(folder: String) -> [String: String] {
        var environment = ProcessInfo.processInfo.environment
        environment["SOWER_JOB"] = folder
        // A slot's share of the cores; what is printed is seen when it is printed.
        for name in ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"] { environment[name] = "\(threads.count)" }
        environment["PYTHONUNBUFFERED"] = "1"
        // The worker has set it for its runner; by hand there is one.
        environment["SOWER_SLOT"] = environment["SOWER_SLOT"] ?? "0"
        return environment
    }

    private func writeJob(
        _ spec: TrainSpec, _ request: RunnerRequest, _ data: any ImageDataset, fineLabels: [Int], inputs: JobInputs, to folder: String
    ) throws {
        let shape = try NetworkShape(spec.model)
        let network = Network(shape: shape, maximumBatch: 1, threads: threads)
        try network.load(NetworkStart.state(spec.start, shape: shape, seed: spec.seeds.weights, inputs: inputs))
        try StateDictFile.write(network, to: folder + "/" + TrainerJob.initializationName, metadata: ["format": "pt"])
        guard mkdir(folder + "/" + TrainerJob.outputsName, 0o700) == 0 else { throw ProcessError.system("mkdir", errno) }
        let job = TrainerJob(
            job: JobID(canonicalJSON: request.spec).digest.hex, training: spec, dataPath: data.path, fineLabels: fineLabels,
            normalization: data.normalization, threads: threads.count)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        try encoder.encode(job).write(to: URL(fileURLWithPath: folder + "/job.json"))
    }

    private func takeWeights(_ model: ModelSpec, in folder: String, into store: ArtifactStore) throws -> ArtifactNotice {
        let name = "\(TrainerJob.outputsName)/\(TrainerJob.weightsName)"
        let path = folder + "/" + name
        var status = stat()
        // A link may lead anywhere, and a pipe has no end.
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw TrainerError.noWeights(file: name) }
        guard status.st_size <= Int64(Limits.blobBytes) else {
            throw TrainerError.wrongWeights(file: name, reason: "\(status.st_size) bytes, more than an artifact may have")
        }
        do {
            try NetworkStart.check(SafetensorsFile(contentsOf: path), model: model, head: .keep)
        } catch let error as any LocalizedError {
            throw TrainerError.wrongWeights(file: name, reason: error.errorDescription ?? String(describing: error))
        }
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
        let reference = try putWhenThereIsRoom(Array(bytes), in: store)
        return ArtifactNotice(name: "weights", digest: reference.digest, size: UInt64(reference.size))
    }
}

/// `job.json`: what a trainer is told. Paths without a leading slash are relative to the folder that it is in.
private struct TrainerJob: Encodable {
    static let initializationName = "initialization.safetensors"
    static let outputsName = "outputs"
    static let weightsName = "weights.safetensors"

    /// Raised with every change that a trainer written for the one before could stumble over.
    var contract = 1
    var job: String
    var training: TrainSpec
    var dataPath: String
    /// The fine labels of the task, ascending: an image's class is the place of its fine label among them.
    var fineLabels: [Int]
    /// What is taken from a pixel, as a share of 255, and what it is divided by; a channel each.
    var mean, deviation: [Float]
    var initialization = initializationName
    var outputs = outputsName
    /// Where the weights are to be left; absent when nobody wants them.
    var weights: String?
    var threads: Int

    init(job: String, training: TrainSpec, dataPath: String, fineLabels: [Int], normalization: Normalization, threads: Int) {
        self.job = job
        self.training = training
        self.dataPath = dataPath
        self.fineLabels = fineLabels
        (mean, deviation) = (normalization.mean, normalization.deviation)
        if training.keepsWeights { weights = "\(Self.outputsName)/\(Self.weightsName)" }
        self.threads = threads
    }
}

/// The last of many bytes.
private struct TailBytes {
    private var bytes: [UInt8] = []

    mutating func append(_ more: ArraySlice<UInt8>) {
        bytes += more.suffix(Limits.logTailBytes)
        if bytes.count > 4 * Limits.logTailBytes { bytes.removeFirst(bytes.count - Limits.logTailBytes) }
    }

    /// The last whole lines of a failure's message.
    var text: String {
        var kept = bytes.suffix(1000)
        if kept.count < bytes.count, let newline = kept.firstIndex(of: UInt8(ascii: "\n")) { kept = kept[(newline + 1)...] }
        return String(decoding: kept, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
