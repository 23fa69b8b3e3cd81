import Initializers
import Tensors
import Testing

@Suite struct CosineDistanceTests {
    @Test func `a kernel's feature is its direction, and zeros have none`() {
        let kernels: [Float] = [3, 0, 0, 4, 0, 0, 0, 0, -6, 0, 0, -8, 1e-30, 0, 0, 0, 3e30, 0, 4e30, 0]
        let features = KernelDistance.cosine.features(of: kernels, side: 2)
        let expected: [Float] = [0.6, 0, 0, 0.8, 0, 0, 0, 0, -0.6, 0, 0, -0.8, 1, 0, 0, 0, 0.6, 0, 0.8, 0]
        #expect(zip(features, expected).allSatisfy { abs($0 - $1) < 1e-7 })
    }

    @Test func `kernels of one direction are one cluster whatever their length, and its centre is their mean`() throws {
        // Lengths along two near directions; by Euclidean distance the long ones keep together.
        var values: [Float] = []
        for length in 1...6 { values += [Float(length), 0, 0, 0, Float(length), 0, 0, Float(length) / 4] }
        let kernels = Tensor(shape: [12, 2, 2], values: values)
        let codebook = try KernelCodebook.cluster(kernels: kernels, distance: .cosine, k: 2, seed: 3)
        #expect(codebook.counts == [6, 6])
        func centres(_ codebook: KernelCodebook) -> Set<[Float]> {
            [Array(codebook.centres.values[..<4]), Array(codebook.centres.values[4...])]
        }
        #expect(centres(codebook) == [[3.5, 0, 0, 0], [3.5, 0, 0, 0.875]])
        let euclidean = try KernelCodebook.cluster(kernels: kernels, distance: .euclidean, k: 2, seed: 3)
        #expect(centres(euclidean).allSatisfy { $0[0] != 3.5 })
    }

    @Test func `opposite directions are far apart`() throws {
        let kernels = Tensor(shape: [6, 1, 1], values: [1, -1, 5, -2, 0.5, -0.25])
        let codebook = try KernelCodebook.cluster(kernels: kernels, distance: .cosine, k: 2, seed: 1)
        #expect(codebook.counts == [3, 3])
        #expect(codebook.centres.values.sorted() == [-3.25 / 3, 6.5 / 3])
    }

    @Test func `kernels without any direction are one cluster of zeros`() throws {
        let codebook = try KernelCodebook.cluster(kernels: Tensor(zeros: [5, 3, 3]), distance: .cosine, k: 2, seed: 1)
        #expect(codebook.counts.reduce(0, +) == 5)
        #expect(codebook.centres.values.allSatisfy { $0 == 0 })
    }

    @Test func `clusters are scikit-learn's of unit vectors`() throws {
        for reference in try FilterReference.load().cosine {
            let kernels = reference.kernels, area = reference.side * reference.side
            let points = KernelDistance.cosine.features(of: kernels, side: reference.side)
            let clustering = try KMeans(clusters: reference.clusters, starts: 12).cluster(points, dimension: area, seed: 1)
            #expect(clustering.inertia <= reference.inertia * 1.001, "k = \(reference.clusters)")
            guard reference.directions > 0 else { continue }
            #expect(abs(clustering.inertia - reference.inertia) < 1e-4 * reference.inertia)
            let codebook = try KernelCodebook.cluster(
                kernels: Tensor(shape: [reference.count, reference.side, reference.side], values: kernels), distance: .cosine,
                k: reference.clusters, seed: 2)
            #expect(codebook.counts.sorted() == reference.counts.sorted())
            for (count, centre) in zip(reference.counts, reference.centres) {
                let found = (0..<reference.clusters).contains { cluster in
                    codebook.counts[cluster] == count
                        && zip(codebook.centres.values[cluster * area..<(cluster + 1) * area], centre)
                            .allSatisfy { abs(Double($0) - $1) < 1e-5 }
                }
                #expect(found, "no centre is \(centre)")
            }
        }
    }
}
