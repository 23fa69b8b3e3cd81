import Initializers
import Tensors
import Testing

@Suite struct KernelSamplerTests {
    private let sampler: KernelSampler

    init() throws {
        let centres = Tensor(shape: [4, 2, 2], values: (0..<16).map { Float($0) })
        sampler = KernelSampler(try KernelCodebook(centres: centres, counts: [10, 0, 60, 30]))
    }

    @Test func `centres are drawn by their share and those without members never`() {
        let drawn = sampler.sample(outputs: 200, inputs: 100, seed: 1)
        var counts = [Int](repeating: 0, count: 4)
        for centre in drawn { counts[Int(centre)] += 1 }
        #expect(counts.reduce(0, +) == 20_000)
        #expect(counts[1] == 0)
        // Six standard deviations of a binomial count.
        for (centre, share) in [(0, 0.1), (2, 0.6), (3, 0.3)] {
            #expect(abs(Double(counts[centre]) - 20_000 * share) < 6 * (20_000 * share * (1 - share)).squareRoot())
        }
    }

    @Test func `a draw is a function of its seed`() {
        let first = sampler.sample(outputs: 8, inputs: 8, seed: 1)
        #expect(first == sampler.sample(outputs: 8, inputs: 8, seed: 1))
        #expect(first != sampler.sample(outputs: 8, inputs: 8, seed: 2))
        #expect(sampler.sample(outputs: 0, inputs: 3, seed: 1).isEmpty)
    }

    @Test func `assignments expand to their centres, input fastest`() throws {
        let weights = try sampler.expand([0, 3, 2, 1, 0, 0], shape: [2, 3, 2, 2])
        #expect(weights.shape == [2, 3, 2, 2])
        #expect(weights.values == [0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3, 0, 1, 2, 3])
    }

    @Test func `assignments that do not fit are errors`() {
        #expect(throws: InitializerError.unknownCentre(index: 4, centres: 4)) { try sampler.expand([4], shape: [1, 1, 2, 2]) }
        #expect(throws: InitializerError.self) { try sampler.expand([1], shape: [1, 1, 3, 3]) }
        #expect(throws: InitializerError.self) { try sampler.expand([1], shape: [1, 2, 2, 2]) }
        #expect(throws: InitializerError.self) { try sampler.expand([1], shape: [1, 2, 2]) }
    }
}
