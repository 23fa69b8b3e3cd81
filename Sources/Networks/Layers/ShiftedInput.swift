/// A convolution of x + b, b one number for the whole map (Fixup's biases), without ever writing x + b.
///
/// Padding is zero and stays zero, so b adds to an output position b times the sum of the weights that meet the image
/// there. Positions with the same window (inside, and along each border) share that sum.
package final class ShiftedInput {
    /// The class of each output position: which part of the kernel meets the image there.
    package let classOfPosition: [Int]
    private let windows: [(rows: Range<Int>, columns: Range<Int>)]
    private let convolution: Convolution
    /// Σ of the weights over a window, `[class][O]`.
    package private(set) var windowSums: [Double]

    package init(_ convolution: Convolution) {
        self.convolution = convolution
        let g = convolution.geometry
        var windows: [(rows: Range<Int>, columns: Range<Int>)] = []
        var classes: [Int] = []
        for y in 0..<g.output.height {
            for x in 0..<g.output.width {
                let window = (rows: g.rows(at: y), columns: g.columns(at: x))
                if let index = windows.firstIndex(where: { $0 == window }) {
                    classes.append(index)
                } else {
                    classes.append(windows.count)
                    windows.append(window)
                }
            }
        }
        classOfPosition = classes
        self.windows = windows
        windowSums = [Double](repeating: 0, count: windows.count * g.output.channels)
    }

    package var classes: Int { windows.count }
    private var channels: Int { convolution.geometry.output.channels }

    /// Takes note of the weights as they are now.
    package func sumWindows() {
        let g = convolution.geometry
        let (outputs, inputs) = (g.output.channels, g.input.channels)
        var tapSums = [Double](repeating: 0, count: g.kernel * g.kernel)
        for o in 0..<outputs {
            for ky in g.liveRows {
                for kx in g.liveColumns {
                    let weights = convolution.weight.values + convolution.weightOffset(row: ky, column: kx) + o * inputs
                    var sum = 0.0
                    for c in 0..<inputs { sum += Double(weights[c]) }
                    tapSums[ky * g.kernel + kx] = sum
                }
            }
            for (index, window) in windows.enumerated() {
                var sum = 0.0
                for ky in window.rows { for kx in window.columns { sum += tapSums[ky * g.kernel + kx] } }
                windowSums[index * outputs + o] = sum
            }
        }
    }

    /// Σ over positions and channels of dy·(window sum): the gradient of b, from the sums of dy `[class][O]`.
    package func shiftGradient(_ sums: UnsafePointer<Double>) -> Double {
        var total = 0.0
        for index in 0..<classes * channels { total += sums[index] * windowSums[index] }
        return total
    }

    /// Completes the gradient of the weights from that of a convolution of x alone: adds what b contributes, and
    /// multiplies everything by `factor`.
    package func completeWeightGradient(shift: Float, sums: UnsafePointer<Double>, factor: Float = 1) {
        let g = convolution.geometry
        let (outputs, inputs) = (g.output.channels, g.input.channels)
        for ky in g.liveRows {
            for kx in g.liveColumns {
                let gradients = convolution.weight.gradients + convolution.weightOffset(row: ky, column: kx)
                for o in 0..<outputs {
                    var sum = 0.0
                    for (index, window) in windows.enumerated()
                    where window.rows.contains(ky) && window.columns.contains(kx) {
                        sum += sums[index * outputs + o]
                    }
                    let shifted = Float(Double(shift) * sum)
                    let row = gradients + o * inputs
                    for c in 0..<inputs { row[c] = factor * (row[c] + shifted) }
                }
            }
        }
    }
}
