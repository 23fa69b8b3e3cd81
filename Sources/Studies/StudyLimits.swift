/// The ranges a study's settings must lie in.
package enum StudyLimits {
    package static let epochs = 1...500
    package static let batchSize = 1...4096
    package static let clusters = 1...256
    /// Fewer have nothing to be aligned with; no more can be pre-trained.
    package static let alignedModels = 2...45
    package static let replicates = 1...1000
    /// Two of ten superclasses.
    package static let pairs = 1...45
    package static let imagesPerClass = 1...10_000
    /// 53 bits, so that every JSON reader keeps a seed exactly.
    package static let seed = 0...(1 << 53 - 1)
    package static let learningRate = Double.leastNonzeroMagnitude...10
    package static let momentum = 0.0...0.9999
    package static let weightDecay = 0.0...1.0
    package static let rotationDegrees = 0.0...180.0
    /// Pixels; and less than the image has, so that no crop is all black.
    package static let cropPadding = 1...1023
    /// Below it a draw from Beta(α, α) is 0 or 1, above it ½, in single precision.
    package static let mixup = 1e-6...1e6
    /// Epochs from one step of a schedule to the next.
    package static let scheduleEpochs = 1...500
    package static let patience = 0...500
    /// Pixels.
    package static let imageSize = 8...1024
    package static let arms = 1...200
    package static let pathBytes = 1...4096
    /// Words of a trainer's command, and its bytes together: it is part of every training's specification.
    package static let trainerArguments = 1...64
    package static let trainerBytes = 4096
    /// A trainer's script and what else of its arguments is a file.
    package static let trainerFiles = 16
    /// Of a worker, or of what a job needs.
    package static let labels = 16
    /// An arm of this name would be taken for the pre-training cells.
    package static let reservedArmName = "pretraining"

    /// What stands in place of an arm's name for the pre-training of another network than the study's. No arm can be called so.
    package static func pretrainingName(of architecture: String) -> String { "\(reservedArmName):\(architecture)" }

    /// Whether `name` can name a study or an arm: 1 to 64 of `A–Z a–z 0–9 . _ -`, not starting with a dot or a dash.
    package static func isName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count) && name.utf8.first != UInt8(ascii: ".") && name.utf8.first != UInt8(ascii: "-")
            && name.utf8.allSatisfy(isNameByte)
    }

    /// `text` made a name: whatever is not allowed becomes a dash, and what may not begin it goes; `nil` when nothing is left.
    package static func name(from text: String) -> String? {
        let bytes = text.utf8.map { isNameByte($0) ? $0 : UInt8(ascii: "-") }
        let name = String(decoding: bytes.drop { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }.prefix(64), as: UTF8.self)
        return name.isEmpty ? nil : name
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
