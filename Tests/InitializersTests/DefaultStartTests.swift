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
        let bias = DefaultStart.bias(count: 5000, fanIn: 512, seed: 3)
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

    @Test func `PyTorch's convolution layers are uniform in ±1/√(inputs of an output)`() {
        let shape = [50, 20, 5, 5]
        let weights = DefaultStart.convolutionLayer(shape: shape, seed: 4)
        #expect(weights.shape == shape)
        // 20 · 5 · 5 = 500 inputs, 25 000 weights.
        let bound = 1 / 500.0.squareRoot()
        #expect(weights.values.allSatisfy { abs(Double($0)) <= bound * (1 + 1e-6) })
        #expect(Double(weights.values.max()!) > 0.999 * bound && Double(weights.values.min()!) < -0.999 * bound)
        let found = moments(weights.values), variance = bound * bound / 3
        #expect(abs(found.mean) < 6 * (variance / 25_000).squareRoot())
        #expect(abs(found.variance / variance - 1) < 6 * (0.8 / 25_000).squareRoot())
    }

    @Test func `VGG's linear weights have deviation 0.01`() {
        let found = moments(DefaultStart.normalLinearWeight(shape: [200, 300], seed: 5).values)
        #expect(abs(found.mean) < 6 * 0.01 / 60_000.0.squareRoot())
        #expect(abs(found.variance / 1e-4 - 1) < 6 * (2 / 60_000.0).squareRoot())
        #expect(abs(found.fourth / 3e-8 - 1) < 6 * (32 / 3 / 60_000.0).squareRoot())
    }

    @Test func `Fixup's first convolution of a block has Kaiming's deviation over √blocks`() {
        // Nine blocks, 64 · 3 · 3 outputs: √(2 / 576) / 3 = 0.019641855…
        let found = moments(DefaultStart.fixupConvolution(shape: [64, 64, 3, 3], blocks: 9, seed: 6).values)
        let deviation = 0.019_641_855_032_959_65
        #expect(abs(found.mean) < 6 * deviation / 36_864.0.squareRoot())
        #expect(abs(found.variance.squareRoot() / deviation - 1) < 6 * (0.5 / 36_864.0).squareRoot())
        let plain = DefaultStart.convolution(shape: [64, 64, 3, 3], seed: 6)
        let scaled = DefaultStart.fixupConvolution(shape: [64, 64, 3, 3], blocks: 9, seed: 6)
        #expect(zip(plain.values, scaled.values).allSatisfy { abs($0 / 3 - $1) <= 1e-6 * abs($0) })
    }

    @Test func `the starts of ResNet-18 keep their bits`() {
        // Recorded from the build before the other networks had starts: results of old ledgers rest on them.
        let convolution = DefaultStart.convolution(shape: [8, 4, 3, 3], seed: 11).values
        let linear = DefaultStart.linearWeight(shape: [10, 16], seed: 12).values
        let bias = DefaultStart.bias(count: 10, fanIn: 16, seed: 13).values
        func hash(_ values: [Float]) -> UInt32 { values.reduce(2_166_136_261) { ($0 ^ $1.bitPattern) &* 16_777_619 } }
        #expect([convolution, linear, bias].map(hash) == [1_791_569_273, 3_100_078_629, 730_204_319])
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
