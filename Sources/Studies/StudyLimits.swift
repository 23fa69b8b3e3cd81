/// The ranges a study's settings must lie in.
package enum StudyLimits {
    package static let epochs = 1...500
    package static let batchSize = 1...4096
    package static let clusters = 1...256
    /// The stem and the two 3×3 convolutions of each of ResNet-18's blocks.
    package static let layers = 1...17
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
    package static let arms = 1...200
    package static let pathBytes = 1...4096
    package static let architectures = ["resnet18"]
    /// An arm of this name would be taken for the pre-training cells.
    package static let reservedArmName = "pretraining"

    /// Whether `name` can name a study or an arm: 1 to 64 of `A–Z a–z 0–9 . _ -`, not starting with a dot or a dash.
    package static func isName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count) && name.utf8.first != UInt8(ascii: ".") && name.utf8.first != UInt8(ascii: "-")
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}
