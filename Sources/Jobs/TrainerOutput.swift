import Foundation
import Studies

/// What an external trainer prints, checked as it comes: an epoch a line, as a JSON object, in order.
///
/// Lines that do not begin with a brace are none of these: libraries print, too. They belong into the log.
struct TrainerOutput {
    static let lineBytes = 65_536

    /// The epochs of the job, and the images that an epoch sees at most in one step.
    let expectedEpochs: Int
    let batchSize: Int
    private(set) var epochs: [EpochMetrics] = []
    /// A loss was NaN or infinite, in this epoch and at this step or before it.
    private(set) var divergence: (epoch: Int, step: Int)?
    private var line: [UInt8] = []

    init(expectedEpochs: Int, batchSize: Int) {
        self.expectedEpochs = expectedEpochs
        self.batchSize = batchSize
    }

    /// Takes what has come; nothing is looked at after a divergence.
    ///
    /// - Parameters:
    ///   - elapsed: seconds since the epoch before, for a trainer that does not say.
    ///   - onEpoch: told of each epoch.
    ///   - onOther: told of each line that is none, with its line feed.
    mutating func take(
        _ bytes: ArraySlice<UInt8>, elapsed: () -> Double, onEpoch: (EpochMetrics) throws -> Void, onOther: (ArraySlice<UInt8>) -> Void
    ) throws {
        for byte in bytes where divergence == nil {
            line.append(byte)
            if byte == UInt8(ascii: "\n") { try endLine(elapsed: elapsed, onEpoch: onEpoch, onOther: onOther) }
            guard line.count <= Self.lineBytes else { throw TrainerError.lineTooLong(limit: Self.lineBytes) }
        }
    }

    /// The trainer has ended well: its last line may lack the line feed.
    mutating func finish(
        elapsed: () -> Double, onEpoch: (EpochMetrics) throws -> Void, onOther: (ArraySlice<UInt8>) -> Void
    ) throws {
        if !line.isEmpty, divergence == nil { try endLine(elapsed: elapsed, onEpoch: onEpoch, onOther: onOther) }
        guard divergence != nil || epochs.count == expectedEpochs else {
            throw TrainerError.missingEpochs(actual: epochs.count, expected: expectedEpochs)
        }
    }

    private mutating func endLine(
        elapsed: () -> Double, onEpoch: (EpochMetrics) throws -> Void, onOther: (ArraySlice<UInt8>) -> Void
    ) throws {
        defer { line.removeAll(keepingCapacity: true) }
        guard line.first == UInt8(ascii: "{") else { return onOther(line[...]) }
        let printed = try PrintedEpoch.read(line)
        let expected = epochs.count + 1
        guard expected <= expectedEpochs else { throw TrainerError.tooManyEpochs(limit: expectedEpochs) }
        guard printed.epoch == expected else { throw TrainerError.wrongEpoch(actual: printed.epoch, expected: expected) }
        guard printed.trainingLoss.isFinite, printed.validationLoss.isFinite else {
            let steps = max(1, ((printed.images ?? 1) + batchSize - 1) / batchSize)
            divergence = (printed.epoch, max(1, printed.step ?? steps))
            return
        }
        let metrics = try printed.checked(elapsed: elapsed())
        epochs.append(metrics)
        try onEpoch(metrics)
    }
}

/// An epoch as a trainer prints it.
private struct PrintedEpoch: Decodable {
    var epoch: Int
    /// Where a diverged training stopped, from 1.
    var step: Int?
    var images: Int?
    var learningRate: Double?
    var trainingLoss, validationLoss: Double
    var trainingAccuracy, trainingTop5Accuracy, validationAccuracy, validationTop5Accuracy: Double?
    var seconds: Double?

    enum CodingKeys: String, CodingKey {
        case epoch, step, images, seconds
        case learningRate = "learning_rate"
        case trainingLoss = "training_loss"
        case trainingAccuracy = "training_accuracy"
        case trainingTop5Accuracy = "training_top5_accuracy"
        case validationLoss = "validation_loss"
        case validationAccuracy = "validation_accuracy"
        case validationTop5Accuracy = "validation_top5_accuracy"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func number(_ key: CodingKeys) throws -> Double? { try container.decodeIfPresent(Double.self, forKey: key) }
        epoch = try container.decode(Int.self, forKey: .epoch)
        step = try container.decodeIfPresent(Int.self, forKey: .step)
        images = try container.decodeIfPresent(Int.self, forKey: .images)
        // What has no JSON number, NaN or an infinity, is `null` where it is not written out as such.
        guard container.contains(.trainingLoss) else {
            throw DecodingError.keyNotFound(CodingKeys.trainingLoss, .init(codingPath: [], debugDescription: ""))
        }
        trainingLoss = try number(.trainingLoss) ?? .nan
        // A training that diverged before its validation has no more to say.
        guard trainingLoss.isNaN || trainingLoss.isInfinite || container.contains(.validationLoss) else {
            throw DecodingError.keyNotFound(CodingKeys.validationLoss, .init(codingPath: [], debugDescription: ""))
        }
        validationLoss = try number(.validationLoss) ?? .nan
        learningRate = try number(.learningRate)
        trainingAccuracy = try number(.trainingAccuracy)
        trainingTop5Accuracy = try number(.trainingTop5Accuracy)
        validationAccuracy = try number(.validationAccuracy)
        validationTop5Accuracy = try number(.validationTop5Accuracy)
        seconds = try number(.seconds)
    }

    static func read(_ line: [UInt8]) throws -> PrintedEpoch {
        let decoder = JSONDecoder()
        // Python's json writes NaN and Infinity, which JSON5 has.
        decoder.allowsJSON5 = true
        do {
            return try decoder.decode(PrintedEpoch.self, from: Data(line))
        } catch {
            let reason: String
            switch error {
            case DecodingError.keyNotFound(let key, _): reason = "it has no \(key.stringValue)"
            case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
                reason = "\(context.codingPath.map(\.stringValue).joined(separator: ".")) is no number of its kind"
            default: reason = "it is no JSON object"
            }
            throw TrainerError.notAnEpoch(
                line: String(decoding: line, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines), reason: reason)
        }
    }

    /// The metrics, every one present and in its range.
    func checked(elapsed: Double) throws -> EpochMetrics {
        func inRange(_ value: Double?, _ key: CodingKeys, _ range: ClosedRange<Double>, _ words: String) throws -> Double {
            let value = value ?? .nan
            guard range.contains(value) else { throw TrainerError.outOfRange(key: key.rawValue, value: value, expected: words) }
            return value
        }
        func percent(_ value: Double?, _ key: CodingKeys) throws -> Double { try inRange(value, key, 0...100, "a percentage") }
        let most = Double(Int32.max)
        return EpochMetrics(
            epoch: epoch, learningRate: try inRange(learningRate, .learningRate, 0...1e6, "0 or more"),
            trainingLoss: trainingLoss, trainingAccuracy: try percent(trainingAccuracy, .trainingAccuracy),
            trainingTop5Accuracy: try percent(trainingTop5Accuracy, .trainingTop5Accuracy),
            validationLoss: validationLoss, validationAccuracy: try percent(validationAccuracy, .validationAccuracy),
            validationTop5Accuracy: try percent(validationTop5Accuracy, .validationTop5Accuracy),
            images: Int(try inRange(images.map(Double.init), .images, 1...most, "the training images of the epoch, 1 or more")),
            seconds: try inRange(seconds ?? elapsed, .seconds, 0...1e9, "0 or more"))
    }
}
