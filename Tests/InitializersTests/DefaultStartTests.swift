import Initializers
import Tensors
import Testing

@Suite struct DefaultStartTests {
    private func moments(_ values: [Float]) -> (mean: Double, variance: Double, fourth: Double) {
        let count = Double(values.count)
        let mean = values.reduce(0) { $0 + Double($1) } / count
        let squares = values.map { (Double($0) - mean) * (Double($0) - mean) }
        return (mean, squares.reduce(0, +) / count, squares.reduce(0) { $0 + $1 * $1 } / count)
    }

    @Test func `convolutions are normal with variance 2 over fan-out`() {
        for shape in [[64, 3, 7, 7], [128, 64, 3, 3], [512, 256, 1, 1]] {
            let weights = DefaultStart.convolution(shape: shape, seed: 1)
            #expect(weights.shape == shape)
            let variance = 2 / Double(shape[0] * shape[2] * shape[3])
            let found = moments(weights.values)
            let count = Double(weights.count)
            #expect(abs(found.mean) < 6 * (variance / count).squareRoot())
            #expect(abs(found.variance / variance - 1) < 6 * (2 / count).squareRoot())
            #expect(abs(found.fourth / (3 * variance * variance) - 1) < 6 * (32 / 3 / count).squareRoot())
        }
    }

    @Test func `linear weights and biases are uniform in ±1/√inputs`() {
        let weights = DefaultStart.linearWeight(shape: [10, 512], seed: 2)
        #expect(weights.shape == [10, 512])
        let bias = DefaultStart.linearBias(count: 5000, fanIn: 512, seed: 3)
        #expect(bias.shape == [5000])
        let bound = 1 / 512.0.squareRoot()
        for values in [weights.values, bias.values] {
            #expect(values.allSatisfy { abs(Double($0)) <= bound * (1 + 1e-6) })
            #expect(Double(values.max()!) > 0.99 * bound && Double(values.min()!) < -0.99 * bound)
            let found = moments(values), variance = bound * bound / 3
            #expect(abs(found.mean) < 6 * (variance / Double(values.count)).squareRoot())
            #expect(abs(found.variance / variance - 1) < 6 * (0.8 / Double(values.count)).squareRoot())
        }
    }

    @Test func `normalization starts at ones and zeros`() {
        #expect(DefaultStart.normalizationScale(count: 3) == Tensor(shape: [3], values: [1, 1, 1]))
        #expect(DefaultStart.normalizationShift(count: 3) == Tensor(shape: [3], values: [0, 0, 0]))
    }

    @Test func `a start is a function of its seed`() {
        let shape = [4, 4, 3, 3]
        #expect(DefaultStart.convolution(shape: shape, seed: 1) == DefaultStart.convolution(shape: shape, seed: 1))
        #expect(DefaultStart.convolution(shape: shape, seed: 1) != DefaultStart.convolution(shape: shape, seed: 2))
    }
}
