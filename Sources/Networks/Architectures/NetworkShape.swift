/// What decides the parameters of a network: its architecture, classes, and the images it takes.
package struct NetworkShape: Sendable, Equatable {
    package let architecture: Architecture
    /// The number of outputs, 2 or more.
    package let classes: Int
    /// 1 (grey) or 3 (RGB).
    package let channels: Int
    /// Height and width of an image, in pixels.
    package let imageSize: Int

    package init(architecture: Architecture, classes: Int, channels: Int, imageSize: Int) throws(NetworkError) {
        func refuse(_ reason: String) -> NetworkError { .unsupportedShape(architecture: architecture, reason: reason) }
        let sizes = architecture.smallestImage...1024
        guard classes >= 2 else { throw refuse("\(classes) classes, expected 2 or more") }
        guard channels == 1 || channels == 3 else { throw refuse("\(channels) channels, expected 1 or 3") }
        guard sizes.contains(imageSize) else {
            throw refuse("images of \(imageSize) pixels, expected \(sizes.lowerBound) to \(sizes.upperBound)")
        }
        self.architecture = architecture
        self.classes = classes
        self.channels = channels
        self.imageSize = imageSize
    }

    /// Parameters and buffers in the order of the `state_dict`.
    package var parameters: [ParameterDescription] { architecture.parameters(self) }

    /// The convolutions an initialization method may replace, in order; the 1×1 shortcuts are not among them. In the
    /// ResNets these are "layers 1…17" of the clustered-initialization paper: the stem and the two 3×3 convolutions of
    /// each block.
    package var initializableLayers: [ParameterDescription] {
        parameters.filter { $0.kind == .convolutionWeight && !$0.name.contains(".downsample.") }
    }
}
