import Artifacts
import Foundation
import Networks
import Studies

/// A training at the end of an epoch, as safetensors: the engine's flat buffers, and in the metadata the job, the numeric
/// class, and as JSON the epochs so far and the state of the schedule.
///
/// It is an engine's own: another engine version, arithmetic or job does not read it.
package enum CheckpointFile {
    private static let key = "sower.checkpoint"

    private struct Progress: Codable {
        var records: [EpochRecord]
        var scheduler: LearningRateScheduler
        var decay, decayMomentum: Double
    }

    package static func put(
        _ checkpoint: TrainingCheckpoint, job: JobID, into store: ArtifactStore
    ) throws -> ArtifactReference {
        let network = checkpoint.network
        func floats(_ name: String, _ values: [Float]) -> SafetensorsTensor {
            SafetensorsTensor(name: name, shape: [values.count], floats: values)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let progress = try encoder.encode(
            Progress(
                records: checkpoint.records, scheduler: checkpoint.scheduler, decay: network.decay.value,
                decayMomentum: network.decay.momentum))
        let tensors = [
            floats("values", network.values), floats("momentum", network.momentum),
            floats("dormant", network.dormant), floats("dormant_means", network.dormantMeans),
            floats("buffers", network.buffers),
            SafetensorsTensor(name: "batch_counts", shape: [network.batchCounts.count], int64s: network.batchCounts),
        ]
        let metadata = [
            key: job.digest.hex, "numeric_class": NumericClass.current,
            "progress": String(decoding: progress, as: UTF8.self),
        ]
        return try store.put { (sink) throws(ArtifactStoreError) in
            try SafetensorsWriter.write(tensors.map(SafetensorsSource.init), metadata: metadata, to: sink)
        }
    }

    /// Errors: `JobError.malformedInput` for a checkpoint of another job or numeric class, or none at all.
    package static func decode(_ file: SafetensorsFile, job: JobID) throws -> TrainingCheckpoint {
        func refuse(_ reason: String) -> JobError { .malformedInput(name: "checkpoint", reason: reason) }
        guard file.metadata[key] == job.digest.hex else { throw refuse("it is of another job") }
        guard file.metadata["numeric_class"] == NumericClass.current else {
            throw refuse("its numeric class is \(file.metadata["numeric_class"] ?? "unknown"), this host's \(NumericClass.current)")
        }
        guard let text = file.metadata["progress"] else { throw refuse("it has no progress") }
        let progress = try JSONDecoder().decode(Progress.self, from: Data(text.utf8))
        guard progress.records.enumerated().allSatisfy({ $0.element.epoch == $0.offset + 1 }) else {
            throw refuse("its epochs do not follow each other")
        }
        return TrainingCheckpoint(
            records: progress.records, scheduler: progress.scheduler,
            network: NetworkSnapshot(
                values: try file.floats("values"), momentum: try file.floats("momentum"),
                dormant: try file.floats("dormant"), dormantMeans: try file.floats("dormant_means"),
                buffers: try file.floats("buffers"), batchCounts: try file.int64s("batch_counts"),
                decay: DormantDecay(value: progress.decay, momentum: progress.decayMomentum)))
    }
}
