import CKernels
import Networks
import Tensors
import Testing

@Suite struct UpdateTests {
    @Test func `An update is torch's formula, momentum kept`() {
        let settings = SGDSettings(learningRate: 0.1, momentum: 0.9, weightDecay: 0.01)
        var (w, v) = (numbers(37, stream: 1).doubles, [Double](repeating: 0, count: 37))
        let (ws, vs) = (FloatBuffer(numbers(37, stream: 1)), FloatBuffer(zeros: 37))
        for step in 0..<5 {
            let g = numbers(37, stream: 10 + UInt64(step))
            sower_sgd_update(ws.pointer, FloatBuffer(g).pointer, vs.pointer, 37, 0.1, 0.9, 0.01)
            for i in 0..<37 {
                v[i] = settings.momentum * v[i] + Double(g[i]) + settings.weightDecay * w[i]
                w[i] -= settings.learningRate * v[i]
            }
        }
        #expect(relativeError(ws.doubles, w) < 1e-6)
        #expect(relativeError(vs.doubles, v) < 1e-6)
    }

    @Test(arguments: [1, 2, 7, 40, 391])
    func `The power of the dead-tap recurrence is the plain loop`(steps: Int) {
        let recurrence = DeadTapRecurrence(
            settings: SGDSettings(learningRate: 0.01, momentum: 0.9, weightDecay: 5e-4), learningRate: 0.01)
        var (w, v) = (1.5, 0.25)
        for _ in 0..<steps {
            v = 0.9 * v + 5e-4 * w
            w -= 0.01 * v
        }
        let m = recurrence.power(steps)
        #expect(abs(m.0 * 1.5 + m.1 * 0.25 - w) < 1e-12)
        #expect(abs(m.2 * 1.5 + m.3 * 0.25 - v) < 1e-12)
    }

    /// A 3×3 convolution on a 1×1 map has one live tap of nine; its weights must come out as if all were updated alike.
    @Test func `Dead taps decay as the plain loop, over a change of rate and a read in between`() throws {
        let description = ParameterDescription(name: "w", shape: [4, 8, 3, 3], kind: .convolutionWeight)
        let store = testStore(description)
        let convolution = Convolution(
            "w", input: MapShape(height: 1, width: 1, channels: 8), channels: 4, kernel: 3, stride: 1, padding: 1,
            store: store, workspace: Workspace(), maximumBatch: 2)
        let settings = SGDSettings(learningRate: 0.05, momentum: 0.9, weightDecay: 0.01)
        let start = numbers(description.count, stream: 1)
        try store.load(
            NetworkState(entries: [.init(name: "w", tensor: Tensor(shape: description.shape, values: start))]))
        var (w, v) = (start.doubles, [Double](repeating: 0, count: start.count))
        let (x, dy) = (FloatBuffer(numbers(16, stream: 2)), FloatBuffer(numbers(8, stream: 3)))
        for step in 0..<12 {
            let rate = step < 7 ? 0.05 : 0.01
            convolution.backward(x.pointer, dy.pointer, into: nil, batch: 2)
            let g = store.gradientState()["w"]!.values
            store.update(settings, learningRate: rate)
            for i in w.indices {
                v[i] = 0.9 * v[i] + Double(g[i]) + 0.01 * w[i]
                w[i] -= rate * v[i]
            }
            if step == 3 { _ = store.state() }
        }
        #expect(relativeError(store.state()["w"]!.values.doubles, w) < 1e-6)
        #expect(store.gradientState()["w"]!.values.count { $0 != 0 } == 4 * 8)
    }
}
