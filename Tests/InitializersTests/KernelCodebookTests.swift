import Initializers
import Tensors
import Testing

@Suite struct KernelCodebookTests {
    /// Thirty kernels, jittered copies of three far-apart ones, the i-th like number i mod 3.
    private let kernels: Tensor = {
        let patterns: [[Float]] = [[0, 0, 0, 0, 8, 0, 0, 0, 0], [4, 0, -4, 4, 0, -4, 4, 0, -4], [9, 9, 9, 9, 9, 9, 9, 9, 9]]
        let jitter = ReferenceNumbers.bells(stream: 70, count: 270)
        return Tensor(shape: [30, 3, 3], values: (0..<270).map { patterns[$0 / 9 % 3][$0 % 9] + 0.1 * jitter[$0] })
    }()

    private func mean(_ remainder: Int) -> [Float] {
        (0..<9).map { element in
            Float((0..<10).reduce(0) { $0 + Double(kernels.values[($1 * 3 + remainder) * 9 + element]) } / 10)
        }
    }

    private func close(_ a: ArraySlice<Float>, _ b: [Float]) -> Bool { zip(a, b).allSatisfy { abs($0 - $1) < 1e-4 } }

    @Test func `Euclidean and magnitude centres are mean kernels`() throws {
        for distance in [KernelDistance.euclidean, .fourierMagnitude] {
            let codebook = try KernelCodebook.cluster(kernels: kernels, distance: distance, k: 3, seed: 1)
            #expect(codebook.centres.shape == [3, 3, 3])
            #expect(codebook.counts == [10, 10, 10])
            for remainder in 0..<3 {
                #expect((0..<3).contains { close(codebook.centres.values[$0 * 9..<$0 * 9 + 9], mean(remainder)) })
            }
        }
    }

    @Test func `centres of real parts are the even part of the mean kernel`() throws {
        let codebook = try KernelCodebook.cluster(kernels: kernels, distance: .fourierReal, k: 3, seed: 1)
        #expect(codebook.counts == [10, 10, 10])
        for remainder in 0..<3 {
            let mean = mean(remainder)
            let even: [Float] = (0..<9).map { element in
                let row = (3 - element / 3) % 3, column = (3 - element % 3) % 3
                return (mean[element] + mean[row * 3 + column]) / 2
            }
            #expect((0..<3).contains { close(codebook.centres.values[$0 * 9..<$0 * 9 + 9], even) })
        }
    }

    @Test func `kernels moved against each other are one cluster by magnitude, not by Euclidean distance`() throws {
        // The nine cyclic shifts of two kernels.
        let shapes: [[Float]] = [[5, 1, 0, 0, 0, 0, 0, 0, 0], [3, 0, 0, 0, 2, 0, 0, 0, 1]]
        var values: [Float] = []
        for shape in shapes {
            for shift in 0..<9 {
                for element in 0..<9 {
                    let row = (element / 3 + shift / 3) % 3, column = (element % 3 + shift % 3) % 3
                    values.append(shape[row * 3 + column])
                }
            }
        }
        let moved = Tensor(shape: [18, 3, 3], values: values)
        #expect(try KernelCodebook.cluster(kernels: moved, distance: .fourierMagnitude, k: 2, seed: 1).counts == [9, 9])
        #expect(try KernelCodebook.cluster(kernels: moved, distance: .euclidean, k: 2, seed: 1).counts.sorted() != [9, 9])
    }

    @Test func `the names of distances are those of study files`() {
        #expect(KernelDistance.allCases.map(\.rawValue) == ["euclidean", "fourier-magnitude", "fourier-real", "cosine"])
    }

    @Test func `one-by-one and seven-by-seven kernels are clustered too`() throws {
        for (side, distance) in [(1, KernelDistance.fourierReal), (7, .fourierMagnitude), (7, .fourierReal), (7, .euclidean)] {
            let kernels = Tensor(shape: [40, side, side], values: ReferenceNumbers.bells(stream: 71, count: 40 * side * side))
            let codebook = try KernelCodebook.cluster(kernels: kernels, distance: distance, k: 4, seed: 1)
            #expect(codebook.centres.shape == [4, side, side])
            #expect(codebook.counts.reduce(0, +) == 40)
        }
    }

    @Test func `what is no set of kernels is an error`() throws {
        for shape in [[4, 9], [4, 3, 2], [2, 2, 3, 3], []] {
            #expect(throws: InitializerError.wrongShape(what: "the tensor of kernels", actual: shape, expected: "[n, K, K]")) {
                try KernelCodebook.cluster(kernels: Tensor(zeros: shape), distance: .euclidean, k: 1, seed: 1)
            }
        }
        #expect(throws: InitializerError.noPoints) {
            try KernelCodebook.cluster(kernels: Tensor(zeros: [0, 3, 3]), distance: .fourierReal, k: 1, seed: 1)
        }
        for distance in KernelDistance.allCases {
            var bad = kernels
            bad.values[13] = .nan
            let error = #expect(throws: InitializerError.self) {
                try KernelCodebook.cluster(kernels: bad, distance: distance, k: 2, seed: 1)
            }
            guard case .notFinite(point: 1, coordinate: _)? = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
        }
        #expect(throws: InitializerError.emptyCodebook) { try KernelCodebook(centres: Tensor(zeros: [2, 3, 3]), counts: [0, 0]) }
        #expect(throws: InitializerError.self) { try KernelCodebook(centres: Tensor(zeros: [2, 3, 3]), counts: [1]) }
        #expect(throws: InitializerError.self) { try KernelCodebook(centres: Tensor(zeros: [2, 3, 3]), counts: [2, -1]) }
        #expect(throws: InitializerError.self) { try KernelCodebook(centres: Tensor(zeros: [2, 9]), counts: [2, 1]) }
        #expect(throws: InitializerError.clusterCount(actual: 257, limit: 256)) {
            try KernelCodebook(centres: Tensor(zeros: [257, 1, 1]), counts: [Int](repeating: 1, count: 257))
        }
    }

    @Test func `every error says what is wrong and what to do next`() {
        let errors: [InitializerError] = [
            .noPoints, .notFinite(point: 1, coordinate: 2), .clusterCount(actual: 0, limit: 256),
            .wrongShape(what: "the layer", actual: [1], expected: "[O, C, K, K]"), .emptyCodebook, .unknownCentre(index: 3, centres: 2),
        ]
        for error in errors {
            #expect(error.errorDescription?.isEmpty == false)
            #expect(error.recoverySuggestion?.isEmpty == false)
        }
    }
}
