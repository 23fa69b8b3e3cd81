/// The architectures that can be trained.
package enum Architecture: String, Sendable, CaseIterable, Codable {
    /// He et al. 2015, arXiv:1512.03385, as torchvision has it: 7×7 stem, two basic blocks in each of four stages.
    case resnet18
    /// ResNet-18 without the residual sums of its first stage, so that its filters can be permuted.
    case customResNet18 = "custom-resnet18"
    /// Simonyan & Zisserman 2014, arXiv:1409.1556, configuration A, as torchvision's `vgg11` has it: with biases,
    /// without batch norm.
    case vgg11
    /// Caffe's LeNet (`examples/mnist/lenet_train_test.prototxt`), after LeCun et al. 1998.
    case lenet
    /// Zhang, Dauphin & Ma 2019, arXiv:1901.09321: the 20-layer residual network for CIFAR without normalization.
    case fixupResNet20 = "fixup-resnet20"

    /// Height and width of the images of the studies that use it, in pixels.
    package var usualImageSize: Int { self == .lenet ? 28 : 32 }

    /// Their channels: grey digits for LeNet, RGB else.
    package var usualChannels: Int { self == .lenet ? 1 : 3 }

    /// The smallest images it can take, in pixels; below them a map would be empty.
    var smallestImage: Int {
        switch self {
        case .resnet18, .customResNet18, .fixupResNet20: 8
        case .vgg11: 32
        case .lenet: 16
        }
    }
}

/// The layers of one architecture, in the order of its passes.
protocol NetworkBody: AnyObject {
    /// Logits `[classes][N]` as in training, keeping what backward needs.
    func forward(
        _ images: UnsafePointer<Float>, into logits: UnsafeMutablePointer<Float>, batch: Int, timer: LayerTimer)

    /// All gradients, from the gradient of the logits of the last `forward`.
    func backward(
        _ images: UnsafePointer<Float>, logitsGradient: UnsafePointer<Float>, batch: Int, timer: LayerTimer)

    /// Logits as in evaluation: running statistics, no dropout.
    func evaluate(_ images: UnsafePointer<Float>, into logits: UnsafeMutablePointer<Float>, batch: Int)

    /// The convolutions, for counting work.
    var convolutions: [ConvolutionGeometry] { get }
    /// Multiply-adds of the linear layers, one image, forward.
    var linearMultiplyAdds: Int { get }
}

/// What the layers of a network are built with.
package struct LayerContext {
    let shape: NetworkShape
    let store: ParameterStore
    let workspace: Workspace
    let dropout: DropoutNoise
    let maximumBatch: Int

    package init(
        shape: NetworkShape, store: ParameterStore, workspace: Workspace, dropout: DropoutNoise, maximumBatch: Int
    ) {
        self.shape = shape
        self.store = store
        self.workspace = workspace
        self.dropout = dropout
        self.maximumBatch = maximumBatch
    }

    /// The images of a batch.
    var imageMap: MapShape {
        MapShape(height: shape.imageSize, width: shape.imageSize, channels: shape.channels)
    }

    /// An activation of a whole batch.
    func buffer(_ map: MapShape) -> FloatBuffer { FloatBuffer(count: map.elements * maximumBatch) }

    func convolution(
        _ name: String, _ input: MapShape, channels: Int, kernel: Int, stride: Int = 1, padding: Int
    ) -> Convolution {
        Convolution(
            name, input: input, channels: channels, kernel: kernel, stride: stride, padding: padding, store: store,
            workspace: workspace, maximumBatch: maximumBatch)
    }

    func linear(_ name: String, inputs: Int, outputs: Int) -> Linear {
        Linear(
            name, inputs: inputs, outputs: outputs, store: store, workspace: workspace, maximumBatch: maximumBatch)
    }

    func norm(_ name: String, channels: Int) -> BatchNormalization {
        BatchNormalization(name, channels: channels, store: store)
    }
}

extension Architecture {
    func body(_ context: LayerContext) -> any NetworkBody {
        switch self {
        case .resnet18: ResNet18(context, firstStageIsResidual: true)
        case .customResNet18: ResNet18(context, firstStageIsResidual: false)
        case .vgg11: VGG11(context)
        case .lenet: LeNet(context)
        case .fixupResNet20: FixupResNet20(context)
        }
    }

    /// Parameters and buffers in the order of the `state_dict`.
    func parameters(_ shape: NetworkShape) -> [ParameterDescription] {
        switch self {
        case .resnet18, .customResNet18: ResNet18.parameters(shape)
        case .vgg11: VGG11.parameters(shape)
        case .lenet: LeNet.parameters(shape)
        case .fixupResNet20: FixupResNet20.parameters(shape)
        }
    }
}
