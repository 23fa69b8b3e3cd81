import Artifacts
import Datasets

/// What a trained network takes each validation image for, as safetensors: `predictions` and `labels` U8 `[N]`, the classes of the
/// task from 0, and `images` I32 `[N]`, each image's record number in the test file, ascending.
package struct PredictionsFile: Sendable, Equatable {
    package static let artifactName = "predictions"
    private static let key = "sower"
    private static let kind = "predictions 1"
    /// The most classes a task may have.
    package static let classLimit = 256

    package let predictions: [UInt8]
    package let labels: [UInt8]
    package let images: [Int32]
    /// The data set's fine label of each class, ascending.
    package let fineLabels: [Int]

    init(predicted: [Int], of validation: ImageSubset) {
        precondition(predicted.count == validation.count && validation.fineLabels.count <= Self.classLimit)
        predictions = predicted.map { UInt8($0) }
        labels = (0..<validation.count).map { UInt8(validation.label(of: $0)) }
        images = (0..<validation.count).map { Int32(validation.record(of: $0)) }
        fineLabels = validation.fineLabels
    }

    /// Throws `JobError.malformedInput` unless the file holds predictions, and `SafetensorsError`.
    package init(_ file: SafetensorsFile) throws {
        func refuse(_ reason: String) -> JobError { .malformedInput(name: file.file, reason: reason) }
        guard file.metadata[Self.key] == Self.kind else { throw refuse("it holds no predictions") }
        let fineLabels = (file.metadata["fine_labels"] ?? "").split(separator: ",").compactMap { Int($0) }
        guard fineLabels.count <= Self.classLimit else {
            throw refuse("it has \(fineLabels.count) classes, expected at most \(Self.classLimit)")
        }
        let (predictions, labels) = try (file.uint8s("predictions"), file.uint8s("labels"))
        let images = try file.int64s("images")
        guard predictions.count == labels.count, images.count == labels.count, !labels.isEmpty else {
            throw refuse("it has \(predictions.count) predictions, \(labels.count) labels and \(images.count) images")
        }
        guard (predictions + labels).allSatisfy({ Int($0) < fineLabels.count }) else {
            throw refuse("a class is not below \(fineLabels.count)")
        }
        self.predictions = predictions
        self.labels = labels
        self.images = images.map { Int32(clamping: $0) }
        self.fineLabels = fineLabels
    }

    package var encoded: [UInt8] {
        let count = [labels.count]
        return SafetensorsWriter.encode(
            [
                SafetensorsTensor(name: "predictions", shape: count, uint8s: predictions),
                SafetensorsTensor(name: "labels", shape: count, uint8s: labels),
                SafetensorsTensor(name: "images", dtype: .int32, shape: count, bytes: images.withUnsafeBytes { Array($0) }),
            ], metadata: [Self.key: Self.kind, "fine_labels": fineLabels.map(String.init).joined(separator: ",")])
    }
}
