/// How a pixel byte becomes a network's input: `(byte / 255 − mean) / deviation`, a channel each, in single precision
/// and in the order of torchvision's `ToTensor` and `Normalize`.
package struct Normalization: Sendable, Hashable, Codable {
    /// The means of the channels (grey, or red, green and blue), in units of full brightness.
    package var mean: [Float]
    /// The standard deviations of the channels, in units of full brightness; all positive.
    package var deviation: [Float]

    package init(mean: [Float], deviation: [Float]) {
        precondition(mean.count == deviation.count && deviation.allSatisfy { $0 > 0 })
        self.mean = mean
        self.deviation = deviation
    }

    /// The numbers of CIFAR-100's training images, as the clustered-initialization study's published code has them.
    package static let cifar100 = Normalization(mean: [0.5071, 0.4867, 0.4408], deviation: [0.2675, 0.2565, 0.2761])
    /// The numbers of ImageNet's training images, as torchvision's pre-trained models have them.
    package static let imageNet = Normalization(mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225])
    /// Bytes to 0…1 and nothing else.
    package static let identity = Normalization(mean: [0, 0, 0], deviation: [1, 1, 1])
}
