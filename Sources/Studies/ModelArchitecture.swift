/// The architectures a study may name, with what the study's own rules need to know of each.
///
/// One table: the engine's layers are counted against it by a test of `Jobs`.
package enum ModelArchitecture: String, Sendable, CaseIterable {
    /// torchvision's ResNet-18, its stem 7×7 with stride 2. He et al., CVPR 2016, <https://arxiv.org/abs/1512.03385>.
    case resnet18
    /// ResNet-18 without the residual sums of its first stage, so that its filters can be permuted.
    case customResNet18 = "custom-resnet18"
    /// torchvision's VGG-11 without batch normalization. Simonyan and Zisserman, ICLR 2015, <https://arxiv.org/abs/1409.1556>.
    case vgg11
    /// Caffe's LeNet, after LeCun et al., "Gradient-based learning applied to document recognition", Proc. IEEE, 1998.
    case lenet
    /// ResNet-20 without normalization. Zhang, Dauphin and Ma, ICLR 2019, <https://arxiv.org/abs/1901.09321>.
    case fixupResNet20 = "fixup-resnet20"

    /// The convolutions that an initialization may replace; 1×1 shortcuts are not among them.
    package var initializableLayers: Int {
        switch self {
        case .resnet18, .customResNet18: 17
        case .vgg11: 8
        case .lenet: 2
        case .fixupResNet20: 19
        }
    }

    /// The first layers whose filters can change places, with their normalization and the next layers' input channels, without
    /// changing what the network computes: those that the method `aligned` may align.
    ///
    /// In the custom ResNet-18 they are the stem, the four convolutions of stage 1, which have no residual sums, and the first
    /// convolution of stage 2, whose output no sum reads; what the second one gives is added to a shortcut. A sum ties the
    /// filters on its two sides to each other, so ResNet-18 and Fixup's ResNet cannot even move their first layer's alone.
    /// VGG-11 and LeNet are plain chains, whose filters could move as well; no study aligns them.
    package var alignableLayers: Int { self == .customResNet18 ? 6 : 0 }

    /// The smallest image, in pixels, that leaves the last layer something to see: VGG-11 halves it five times, LeNet's two
    /// unpadded 5×5 convolutions and poolings leave ((s − 4) / 2 − 4) / 2.
    package var minimumImageSize: Int {
        switch self {
        case .resnet18, .customResNet18, .fixupResNet20: StudyLimits.imageSize.lowerBound
        case .vgg11: 32
        case .lenet: 16
        }
    }
}
