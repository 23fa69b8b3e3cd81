import CKernels
import Foundation
import Networks
import Tensors
import Testing

/// Average pooling, the linear layer and the loss.
@Suite struct HeadTests {
    @Test(arguments: [(1, 3), (4, 1), (49, 8), (9, 104)])
    func `Average pooling and its gradient`(positions: Int, batch: Int) {
        let channels = 5
        let x = numbers(positions * channels * batch, stream: 1)
        let (xs, y, dx) = (FloatBuffer(x), FloatBuffer(zeros: channels * batch), FloatBuffer(zeros: x.count))
        sower_average_pool(xs.pointer, y.pointer, positions, channels * batch)
        let expected = (0..<channels * batch).map { k in
            (0..<positions).reduce(0.0) { $0 + Double(x[$1 * channels * batch + k]) } / Double(positions)
        }
        #expect(relativeError(y.doubles, expected) < 1e-6)
        sower_average_pool_backward(y.pointer, dx.pointer, positions, channels * batch)
        let spread = (0..<x.count).map { y.doubles[$0 % (channels * batch)] / Double(positions) }
        #expect(relativeError(dx.doubles, spread) < 1e-6)
    }

    @Test(arguments: [(3, 2, 1), (5, 10, 3), (16, 7, 8), (33, 20, 104)])
    func `The linear layer and its gradients`(inputs: Int, outputs: Int, batch: Int) throws {
        let store = testStore(
            .init(name: "fc.weight", shape: [outputs, inputs], kind: .linearWeight),
            .init(name: "fc.bias", shape: [outputs], kind: .linearBias))
        let layer = Linear("fc", inputs: inputs, outputs: outputs, store: store, workspace: Workspace(), maximumBatch: batch)
        let (w, b) = (numbers(outputs * inputs, stream: 1), numbers(outputs, stream: 2))
        let (x, r) = (numbers(inputs * batch, stream: 3), numbers(outputs * batch, stream: 4))
        try store.load(
            NetworkState(entries: [
                .init(name: "fc.weight", tensor: Tensor(shape: [outputs, inputs], values: w)),
                .init(name: "fc.bias", tensor: Tensor(shape: [outputs], values: b)),
            ]))
        let (xs, y, dy) = (FloatBuffer(x), FloatBuffer(zeros: r.count), FloatBuffer(r))
        let dx = FloatBuffer(zeros: x.count)
        layer.forward(xs.pointer, into: y.pointer, batch: batch)
        layer.backward(xs.pointer, dy.pointer, into: dx.pointer, batch: batch)
        var (ey, ew, eb, ex) = (
            [Double](repeating: 0, count: r.count), [Double](repeating: 0, count: w.count),
            [Double](repeating: 0, count: outputs), [Double](repeating: 0, count: x.count)
        )
        for o in 0..<outputs {
            for n in 0..<batch {
                let g = Double(r[o * batch + n])
                ey[o * batch + n] += Double(b[o])
                eb[o] += g
                for c in 0..<inputs {
                    ey[o * batch + n] += Double(w[o * inputs + c]) * Double(x[c * batch + n])
                    ew[o * inputs + c] += g * Double(x[c * batch + n])
                    ex[c * batch + n] += g * Double(w[o * inputs + c])
                }
            }
        }
        #expect(relativeError(y.doubles, ey) < 1e-6)
        #expect(relativeError(dx.doubles, ex) < 1e-6)
        #expect(relativeError(store.gradientState()["fc.weight"]!.values.doubles, ew) < 1e-6)
        #expect(relativeError(store.gradientState()["fc.bias"]!.values.doubles, eb) < 1e-6)
    }

    @Test(arguments: [(2, 1), (10, 3), (20, 17), (200, 8)])
    func `Cross-entropy, its gradient and the number correct`(classes: Int, batch: Int) {
        let logits = numbers(classes * batch, stream: 1, scale: 8)
        let labels = (0..<batch).map { Int32(splitmix(stream: 2, index: $0) % UInt64(classes)) }
        func loss(_ z: [Double]) -> Double {
            (0..<batch).reduce(0.0) { sum, n in
                let column = (0..<classes).map { z[$0 * batch + n] }
                return sum + log(column.reduce(0) { $0 + exp($1) }) - column[Int(labels[n])]
            }
        }
        let (z, gradient) = (FloatBuffer(logits), FloatBuffer(zeros: logits.count))
        let criterion = CrossEntropy(classes: classes, maximumBatch: batch)
        let result = labels.withUnsafeBufferPointer {
            criterion.loss(z.pointer, BatchLabels($0.baseAddress!), gradient: gradient.pointer, batch: batch)
        }
        #expect(abs(result.lossSum - loss(logits.doubles)) / loss(logits.doubles) < 1e-5)
        let expected = Naive.gradient(logits.doubles) { loss($0) / Double(batch) }
        #expect(relativeError(gradient.doubles, expected) < 1e-5)
        let correct = (0..<batch).count { n in
            (0..<classes).allSatisfy { logits[$0 * batch + n] <= logits[Int(labels[n]) * batch + n] }
        }
        #expect(result.correct == Double(correct))
        let inTop5 = (0..<batch).count { n in
            (0..<classes).count { logits[$0 * batch + n] > logits[Int(labels[n]) * batch + n] } < 5
        }
        #expect(result.correctInTop5 == Double(inTop5))
    }

    @Test func `A mixed image has the loss, the gradient and the accuracy of both labels, by their shares`() {
        let (classes, batch, share) = (7, 5, Float(0.3))
        let logits = FloatBuffer(numbers(classes * batch, stream: 1, scale: 4))
        let (first, second): ([Int32], [Int32]) = ([0, 6, 3, 3, 1], [2, 6, 0, 5, 4])
        let criterion = CrossEntropy(classes: classes, maximumBatch: batch)
        func loss(_ a: [Int32], _ b: [Int32]?) -> (BatchResult, [Double]) {
            let gradient = FloatBuffer(zeros: classes * batch)
            let result = a.withUnsafeBufferPointer { a in
                (b ?? []).withUnsafeBufferPointer { b in
                    criterion.loss(
                        logits.pointer,
                        b.isEmpty ? BatchLabels(a.baseAddress!) : BatchLabels(a.baseAddress!, second: b.baseAddress!, share: share),
                        gradient: gradient.pointer, batch: batch)
                }
            }
            return (result, gradient.doubles)
        }
        let (mixed, one, two) = (loss(first, second), loss(first, nil), loss(second, nil))
        func mean(_ a: Double, _ b: Double) -> Double { Double(share) * a + (1 - Double(share)) * b }
        #expect(abs(mixed.0.lossSum - mean(one.0.lossSum, two.0.lossSum)) < 1e-5)
        #expect(abs(mixed.0.correct - mean(one.0.correct, two.0.correct)) < 1e-12)
        #expect(abs(mixed.0.correctInTop5 - mean(one.0.correctInTop5, two.0.correctInTop5)) < 1e-12)
        #expect(relativeError(mixed.1, zip(one.1, two.1).map(mean)) < 1e-6)
    }

    @Test func `The lower class wins a tie, as in a maximum`() {
        let criterion = CrossEntropy(classes: 3, maximumBatch: 1)
        func correct(_ label: Int32) -> Double {
            withUnsafePointer(to: label) { criterion.loss([1, 1, 0], BatchLabels($0), gradient: nil, batch: 1).correct }
        }
        #expect((correct(0), correct(1), correct(2)) == (1, 0, 0))
    }

    @Test func `Huge logits neither overflow nor hide a NaN`() {
        let criterion = CrossEntropy(classes: 2, maximumBatch: 1)
        func loss(_ logits: [Float], _ label: Int32) -> Double {
            withUnsafePointer(to: label) { criterion.loss(logits, BatchLabels($0), gradient: nil, batch: 1).lossSum }
        }
        #expect(loss([1e30, -1e30], 0) == 0)
        #expect(loss([.nan, 1], 1).isNaN)
        #expect(loss([1, .nan], 0).isNaN)
    }
}
