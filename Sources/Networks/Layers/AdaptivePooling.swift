import CKernels

/// torch.nn.AdaptiveAvgPool2d(7) in front of a linear layer.
///
/// Output row i is the mean of input rows ⌊i·H/7⌋ up to, but not including, ⌈(i+1)·H/7⌉. On maps below 4×4
/// several outputs are the mean of the same window: they form a group, which is computed once. At 1×1 (32-pixel images
/// in VGG11) all 49 are one group, and a 25088×4096 layer behind it needs 512×4096 multiply-adds.
package final class AdaptivePooling {
    private static let side = 7
    /// Outputs of one channel.
    static let positions = side * side

    let input: MapShape
    package let groups: PositionGroups
    /// The input positions under each group.
    private let windows: [[Int]]
    /// The mean of each group's window, `[group][C][N]`.
    package let means: FloatBuffer
    /// The same times the size of the group: what a layer of mean weights is applied to.
    package let repeatedFeatures: FloatBuffer

    package init(input: MapShape, maximumBatch: Int) {
        self.input = input
        func window(_ index: Int, _ size: Int) -> Range<Int> {
            index * size / Self.side..<((index + 1) * size + Self.side - 1) / Self.side
        }
        var windows: [[Int]] = []
        var groupOfPosition: [Int] = []
        for y in 0..<Self.side {
            for x in 0..<Self.side {
                let window = window(y, input.height).flatMap { row in
                    window(x, input.width).map { row * input.width + $0 }
                }
                if let group = windows.firstIndex(of: window) {
                    groupOfPosition.append(group)
                } else {
                    groupOfPosition.append(windows.count)
                    windows.append(window)
                }
            }
        }
        self.windows = windows
        groups = PositionGroups(channels: input.channels, groupOfPosition: groupOfPosition)
        means = FloatBuffer(count: windows.count * input.channels * maximumBatch)
        repeatedFeatures = FloatBuffer(count: means.count)
    }

    /// Inputs of the linear layer: groups × channels.
    package var features: Int { windows.count * input.channels }

    package func forward(_ x: UnsafePointer<Float>, batch: Int) {
        let length = input.channels * batch
        for (group, window) in windows.enumerated() {
            let mean = means.pointer + group * length
            mean.update(repeating: 0, count: length)
            for position in window { sower_add_scaled(x + position * length, 1 / Float(window.count), mean, length) }
            let repeated = repeatedFeatures.pointer + group * length
            repeated.update(repeating: 0, count: length)
            sower_add_scaled(mean, Float(groups.sizes[group]), repeated, length)
        }
    }

    /// From the gradient of ``repeatedFeatures``, that of the input.
    package func backward(_ dy: UnsafePointer<Float>, into dx: UnsafeMutablePointer<Float>, batch: Int) {
        let length = input.channels * batch
        dx.update(repeating: 0, count: input.positions * length)
        for (group, window) in windows.enumerated() {
            let factor = Float(groups.sizes[group]) / Float(window.count)
            for position in window { sower_add_scaled(dy + group * length, factor, dx + position * length, length) }
        }
    }
}
