import Foundation
import Initializers
import Testing

@Suite struct GaborFiltersTests {
    @Test func `a filter is what NumPy computes from the formula`() throws {
        for reference in try ReferenceNumbers.load().gabor {
            let parameters = GaborFilters.Parameters(
                sigma: reference.sigma, theta: reference.theta, lambda: reference.lambda, psi: reference.psi, gamma: reference.gamma)
            let kernel = parameters.kernel(side: reference.side)
            #expect(kernel.count == reference.side * reference.side)
            // The parameters 0.9 and the like are rounded to single precision here.
            #expect(zip(kernel, reference.values).allSatisfy { abs(Double($0) - $1) < 1e-6 })
        }
    }

    @Test func `a layer has one filter an output, on every input`() throws {
        let weights = try GaborFilters.tensor(shape: [5, 3, 7, 7], seed: 4)
        #expect(weights.shape == [5, 3, 7, 7])
        for output in 0..<5 {
            let expected = GaborFilters.Parameters(seed: 4, output: output).kernel(side: 7)
            for input in 0..<3 {
                let start = (output * 3 + input) * 49
                #expect(Array(weights.values[start..<start + 49]) == expected)
            }
        }
        #expect(try GaborFilters.tensor(shape: [5, 3, 7, 7], seed: 4) == weights)
        #expect(try GaborFilters.tensor(shape: [5, 3, 7, 7], seed: 5) != weights)
        #expect(throws: InitializerError.wrongShape(what: "the layer", actual: [5, 3, 7], expected: "[O, C, K, K]")) {
            try GaborFilters.tensor(shape: [5, 3, 7], seed: 4)
        }
    }

    @Test func `parameters fill their ranges`() {
        let all = (0..<4000).map { GaborFilters.Parameters(seed: 1, output: $0) }
        let ranges: [(KeyPath<GaborFilters.Parameters, Float>, Double, Double)] = [
            (\.sigma, 1.5, 2.5), (\.theta, 0, Double.pi), (\.lambda, 2, 13), (\.psi, 0, 2 * Double.pi), (\.gamma, 0.9, 1.1),
        ]
        for (parameter, low, high) in ranges {
            let values = all.map { Double($0[keyPath: parameter]) }
            let width = high - low
            #expect(values.min()! >= low - 1e-6 && values.min()! < low + 0.01 * width)
            #expect(values.max()! <= high + 1e-6 && values.max()! > high - 0.01 * width)
            #expect(abs(values.reduce(0, +) / 4000 - (low + high) / 2) < 6 * width / 12.0.squareRoot() / 4000.0.squareRoot())
        }
    }
}
