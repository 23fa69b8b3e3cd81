import Artifacts
import Coordination
import Datasets
import Digests
import Foundation
import Networks
import Studies

/// Runs one job after another in this process: a specification and its inputs in, metrics and artifacts out.
///
/// The data set stays mapped from one job to the next. What a job computes depends on its specification and the bytes of
/// its inputs alone, so any runner of one numeric class gives the same bits.
package final class JobRunner {
    let clock: () -> Duration
    /// Threads of a training or a clustering; they change the speed and never a bit.
    let threads: ThreadTeam
    /// Whether the host's owner lets jobs be any program.
    let allowsCommands: Bool
    /// Where the standard error of commands goes; made for the first.
    var errorFile: TailFile?
    private var datasets: [String: LoadedDataset] = [:]
    /// The worker's store, by the path that it was opened with.
    private var store: (path: String, store: ArtifactStore)?

    /// - Parameters:
    ///   - allowsCommands: whether `command` jobs are run; otherwise they fail.
    ///   - now: a monotonic clock.
    package init(threads: Int = 1, allowsCommands: Bool = false, now: @escaping () -> Duration) {
        self.threads = ThreadTeam(count: threads)
        self.allowsCommands = allowsCommands
        clock = now
    }

    /// Runs the job of `request`; every failure becomes the result's outcome.
    ///
    /// - Parameters:
    ///   - onCheckpoint: told of each checkpoint when it is in the store.
    ///   - onEpoch: called after each epoch of a training; may throw to stop it.
    package func run(
        _ request: RunnerRequest, onCheckpoint: (Checkpoint) -> Void = { _ in }, onEpoch: (EpochMetrics) throws -> Void
    ) -> RunnerResult {
        let start = clock()
        var external: String?
        do {
            let spec = try decodeSpec(request.spec)
            let inputs = JobInputs(request.inputs, store: try store(at: request.storePath))
            var produced: Produced
            switch spec {
            case .train(let train):
                if let trainer = train.trainer {
                    external = trainer.numericClass
                    produced = try self.train(
                        train, by: trainer, request, data: dataset(at: request.datasetPath, expecting: train.dataset), inputs: inputs,
                        onEpoch: onEpoch)
                    break
                }
                produced = try withoutActuallyEscaping(onCheckpoint) { onCheckpoint in
                    try self.train(
                        train, data: dataset(at: request.datasetPath, expecting: train.dataset), inputs: inputs,
                        checkpoints: checkpoints(request, of: spec, inputs, onCheckpoint), onEpoch: onEpoch)
                }
            case .cluster(let spec):
                produced = Produced(artifact: ("codebook", try cluster(spec, inputs: inputs)))
            case .sample(let spec):
                produced = Produced(artifact: ("initialization", try sample(spec, inputs: inputs)))
            case .align(let spec):
                produced = Produced(artifact: ("initialization", try align(spec, inputs: inputs)))
            case .file(let spec):
                produced = Produced(stored: [try file(spec, store: inputs.store)])
            case .command(let spec):
                try command(spec)
                produced = Produced()
            case .noop(let spec):
                produced = Produced(epochs: try noop(spec, onEpoch: onEpoch))
            }
            var artifacts = produced.stored
            if let (name, bytes) = produced.artifact {
                let reference = try putWhenThereIsRoom(bytes, in: inputs.store)
                artifacts = [ArtifactNotice(name: name, digest: reference.digest, size: UInt64(reference.size))]
                produced.artifact = nil
            }
            return RunnerResult(
                outcome: produced.outcome, epochs: produced.epochs, artifacts: artifacts, seconds: (clock() - start) / .seconds(1),
                numericClass: external)
        } catch {
            return RunnerResult(
                outcome: .failed(JobFailure(describing: error)), epochs: [], artifacts: [],
                seconds: (clock() - start) / .seconds(1), numericClass: external)
        }
    }

    private func checkpoints(
        _ request: RunnerRequest, of spec: JobSpec, _ inputs: JobInputs, _ onCheckpoint: @escaping (Checkpoint) -> Void
    ) -> Checkpoints {
        Checkpoints(
            job: spec.id,
            resume: request.checkpoint.flatMap { inputs.checkpoint($0) },
            interval: request.checkpointSeconds.map { .seconds($0) },
            publish: { epoch, checkpoint in
                let reference: ArtifactReference
                do {
                    reference = try CheckpointFile.put(checkpoint, job: spec.id, into: inputs.store)
                } catch let error as ArtifactStoreError where error.isWantOfRoom {
                    // The training is worth more than its checkpoint: the next one may find room.
                    return
                }
                let artifact = ArtifactNotice(name: "checkpoint", digest: reference.digest, size: UInt64(reference.size))
                onCheckpoint(Checkpoint(epoch: epoch, artifact: artifact))
            })
    }

    /// Publishes what a job has made. While the disk is full it waits: hours of work are not thrown away for want of room, and
    /// the worker evicts what it can from its cache meanwhile.
    func putWhenThereIsRoom(_ bytes: [UInt8], in store: ArtifactStore) throws(ArtifactStoreError) -> ArtifactReference {
        var seconds = 1.0
        while true {
            do throws(ArtifactStoreError) {
                return try store.put(bytes: bytes)
            } catch {
                guard error.isWantOfRoom else { throw error }
                Thread.sleep(forTimeInterval: seconds)
                seconds = min(Limits.transferDelayLimitSeconds, 2 * seconds)
            }
        }
    }

    /// Opening a store looks at its folders: once is enough for a worker's whole life.
    private func store(at path: String) throws -> ArtifactStore {
        if let store, store.path == path { return store.store }
        let opened = try ArtifactStore(folder: path)
        store = (path, opened)
        return opened
    }

    private func decodeSpec(_ bytes: [UInt8]) throws -> JobSpec {
        do {
            return try JSONDecoder().decode(JobSpec.self, from: Data(bytes))
        } catch {
            throw JobError.unreadableSpecification(String(describing: error))
        }
    }

    private func dataset(at path: String, expecting digest: Digest) throws -> any ImageDataset {
        let place = DatasetFolder.place(of: digest, in: path)
        if datasets[place] == nil {
            let data = try DatasetFolder.open(place) { FileHandle.standardError.write(Data(($0 + "\n").utf8)) }
            datasets[place] = LoadedDataset(data: data, digest: data.digest())
        }
        guard let loaded = datasets[place] else { preconditionFailure("the data set has just been put there") }
        guard loaded.digest == digest else {
            // The folder may have been repaired since: look again next time.
            datasets[place] = nil
            throw JobError.wrongDataset(path: place, actual: loaded.digest, expected: digest)
        }
        return loaded.data
    }

    private struct LoadedDataset {
        var data: any ImageDataset
        var digest: Digest
    }
}

/// What a job has made, before its artifact is published.
struct Produced {
    var outcome = AttemptOutcome.finished
    var epochs: [EpochMetrics] = []
    var artifact: (name: String, bytes: [UInt8])?
    /// Artifacts that are in the store already.
    var stored: [ArtifactNotice] = []
}
