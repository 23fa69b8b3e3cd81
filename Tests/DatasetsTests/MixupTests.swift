import Datasets
import Foundation
import Testing

@Suite struct MixupTests {
    private func lambdas(_ alpha: Double, count: Int) throws -> [Double] {
        let mixup = try Mixup(alpha: alpha, seed: 21)
        return (0..<count).map { mixup.draw(epoch: 1 + $0 / 500, batch: $0 % 500, count: 1).lambda }
    }

    @Test func `λ has the distribution function and the moments of Beta(α, α)`() throws {
        let references = try ReferenceNumbers.load().beta
        #expect(references.map(\.alpha) == [0.01, 0.2, 0.4, 1, 2, 8])
        let count = 20_000
        for reference in references {
            let drawn = try lambdas(reference.alpha, count: count).sorted()
            #expect(drawn.allSatisfy { (0...1).contains($0) })
            // Kolmogorov–Smirnov: more than 1.95 / √n once in a thousand samples.
            for (point, probability) in zip(reference.points, reference.probabilities) {
                let share = Double(drawn.count { $0 <= point }) / Double(count)
                #expect(abs(share - probability) < 1.95 / Double(count).squareRoot(), "α = \(reference.alpha), λ ≤ \(point)")
            }
            let variance = 1 / (4 * (2 * reference.alpha + 1))
            let mean = drawn.reduce(0, +) / Double(count)
            let square = drawn.reduce(0) { $0 + ($1 - 0.5) * ($1 - 0.5) } / Double(count)
            #expect(abs(mean - 0.5) < 4 * (variance / Double(count)).squareRoot())
            // (λ − ½)² is at most ¼, so its own variance is below variance / 4.
            #expect(abs(square - variance) < 4 * (variance / 4 / Double(count)).squareRoot())
        }
    }

    @Test func `λ for α = 1 is uniform`() throws {
        let drawn = try lambdas(1, count: 20_000).sorted()
        let distance = drawn.enumerated().map { max(abs($1 - Double($0) / 20_000), abs($1 - Double($0 + 1) / 20_000)) }.max()
        #expect(try #require(distance) < 1.95 / 20_000.squareRoot())
    }

    @Test func `extreme α give numbers in 0…1`() throws {
        #expect(try lambdas(1e-6, count: 2_000).allSatisfy { $0 == 0 || $0 == 1 || (1e-300..<1).contains($0) })
        #expect(try lambdas(1e6, count: 2_000).allSatisfy { abs($0 - 0.5) < 0.0025 })
        for alpha in [0, -1, 1e-7, 1e7, .nan, .infinity] {
            #expect { try Mixup(alpha: alpha, seed: 1) } throws: {
                guard case .invalidMixup? = $0 as? DatasetError else { return false }
                return true
            }
        }
    }

    @Test func `partners are a permutation, every one as frequent`() throws {
        let mixup = try Mixup(alpha: 0.2, seed: 8)
        var counts = [[Int]](repeating: [Int](repeating: 0, count: 8), count: 8)
        for batch in 0..<8_000 {
            let partner = mixup.draw(epoch: 3, batch: batch, count: 8).partner
            #expect(partner.sorted() == Array(0..<8))
            for (image, other) in partner.enumerated() { counts[image][other] += 1 }
        }
        // 1000 each, standard deviation 29.6.
        #expect(counts.allSatisfy { $0.allSatisfy { abs($0 - 1_000) < 5 * 30 } })
        #expect(mixup.draw(epoch: 1, batch: 1, count: 0).partner.isEmpty)
    }

    @Test func `a draw is a function of seed, epoch and batch`() throws {
        let mixup = try Mixup(alpha: 1, seed: 8)
        let draw = mixup.draw(epoch: 2, batch: 3, count: 64)
        #expect(mixup.draw(epoch: 2, batch: 3, count: 64) == draw)
        #expect(mixup.draw(epoch: 2, batch: 3, count: 5).lambda == draw.lambda)
        let reseeded = try Mixup(alpha: 1, seed: 9)
        for other in [mixup.draw(epoch: 3, batch: 2, count: 64), reseeded.draw(epoch: 2, batch: 3, count: 64)] {
            #expect(other.lambda != draw.lambda && other.partner != draw.partner)
        }
    }

    @Test func `batches are mixed to the bits of PyTorch`() throws {
        let reference = try ReferenceNumbers.load().mixup
        let count = reference.partner.count
        #expect(reference.rows.count == 4 && count == 21)
        var values = reference.rows.flatMap { $0 } + [Float.nan]
        Mixup.mix(&values, rows: 4, partner: reference.partner, lambda: reference.lambda)
        #expect(values.removeLast().isNaN)
        #expect(values == reference.mixed.flatMap { $0 })
        Mixup.mix(&values, rows: 4, partner: Array(0..<count).reversed(), lambda: 1)
        #expect(values == reference.mixed.flatMap { $0 })
        Mixup.mix(&values, rows: 4, partner: reference.partner, lambda: 0)
        #expect(values == reference.mixed.flatMap { row in reference.partner.map { row[$0] } })
    }

    @Test func `a batch is mixed by its own draw`() throws {
        let mixup = try Mixup(alpha: 1, seed: 8)
        let before: [Float] = (0..<48).map { Float($0 * $0) }
        var values = before
        let (share, partners) = values.withUnsafeMutableBufferPointer {
            mixup.mix($0.baseAddress!, rows: 3, count: 16, epoch: 4, batch: 5)
        }
        let draw = mixup.draw(epoch: 4, batch: 5, count: 16)
        #expect(share == Float(draw.lambda) && partners == draw.partner)
        for index in 0..<48 {
            let partner = before[index / 16 * 16 + draw.partner[index % 16]]
            #expect(values[index] == Float(draw.lambda) * before[index] + Float(1 - draw.lambda) * partner)
        }
    }
}
