import CKernels

/// The weights of a bilinear resize in one direction, computed once.
///
/// Half-pixel centres; a triangle filter, as wide as the scale when shrinking (antialiasing), its weights divided by
/// their sum, so that edges are not darkened.
///
/// Source: `torch.nn.functional.interpolate(mode="bilinear", antialias=True, align_corners=False)`, which is
/// torchvision's `resize` of a tensor.
package struct Resampling: Sendable {
    /// The number of input pixels an output pixel is a sum of, some with weight 0.
    package let taps: Int
    /// The first input pixel of each output pixel.
    package let first: [Int32]
    /// `[outputs][taps]`, flat.
    package let weights: [Float]

    /// The weights from `input` to `output` pixels, both positive.
    package init(from input: Int, to output: Int) {
        precondition(input > 0 && output > 0)
        let scale = Double(input) / Double(output)
        let reach = max(scale, 1)
        var windows: [(first: Int, weights: [Double])] = []
        for index in 0..<output {
            let centre = (Double(index) + 0.5) * scale
            var first = max(Int(centre - reach), 0)
            var weights: [Double] = []
            for pixel in first..<min(Int(centre + reach) + 1, input) {
                let weight = 1 - abs(Double(pixel) + 0.5 - centre) / reach
                // What rounding leaves of a zero would widen every window.
                if weight > 1e-9 { weights.append(weight) } else if weights.isEmpty { first = pixel + 1 }
            }
            windows.append((first, weights))
        }
        let taps = windows.map(\.weights.count).max() ?? 0
        self.taps = taps
        first = windows.map { Int32(min($0.first, input - taps)) }
        weights = windows.flatMap { window in
            let sum = window.weights.reduce(0, +)
            let lead = max(window.first - (input - taps), 0)
            let padded = [Double](repeating: 0, count: lead) + window.weights
            return (padded + [Double](repeating: 0, count: taps - padded.count)).map { Float($0 / sum) }
        }
    }

    /// Calls `body` with the weights as the kernels take them.
    func withKernel(_ body: (UnsafePointer<sower_resampling>) -> Void) {
        first.withUnsafeBufferPointer { first in
            weights.withUnsafeBufferPointer { weights in
                var kernel = sower_resampling(
                    first: first.baseAddress, weights: weights.baseAddress, taps: taps, outputs: first.count)
                body(&kernel)
            }
        }
    }
}
