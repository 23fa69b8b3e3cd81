import CKernels
import Networks
import Tensors
import Testing

@Suite struct UpdateTests {
    /// Trajectories of torch.optim.SGD, from scripts/reference/sgd.py.
    @Test func `Updates are torch's, with and without momentum, decay and Nesterov`() throws {
        let reference = try ReferenceSGD.load()
        #expect(reference.cases.contains { $0.nesterov } && reference.cases.contains { $0.gradient == "zero" })
        for expected in reference.cases {
            let settings = SGDSettings(
                learningRate: reference.rates[0], momentum: expected.momentum, weightDecay: expected.weight_decay,
                nesterov: expected.nesterov)
            let (w, v) = (FloatBuffer(reference.start), FloatBuffer(zeros: reference.start.count))
            var decay = DormantDecay()
            for (step, rate) in reference.rates.enumerated() {
                let g = expected.gradient == "zero" ? w.doubles.map { _ in Float(0) } : reference.gradients[step]
                sower_sgd_update(
                    w.pointer, g, v.pointer, g.count, Float(rate), Float(settings.momentum), Float(settings.weightDecay),
                    settings.nesterov ? 1 : 0)
                #expect(relativeError(w.doubles, expected.weights[step]) < 1e-6)
                if let momenta = expected.momenta { #expect(relativeError(v.doubles + [1], momenta[step] + [1]) < 1e-6) }
                decay.step(settings, learningRate: rate)
                if expected.gradient == "zero" {
                    #expect(relativeError(reference.start.doubles.map { $0 * decay.value }, expected.weights[step]) < 1e-12)
                }
            }
        }
    }

    @Test(arguments: [false, true])
    func `Two numbers stand for every weight without a gradient`(nesterov: Bool) {
        let settings = SGDSettings(learningRate: 0.01, momentum: 0.9, weightDecay: 5e-4, nesterov: nesterov)
        var decay = DormantDecay()
        var (w, v) = (1.5, 0.0)
        for step in 0..<391 {
            let rate = step < 200 ? 0.05 : 0.01
            let d = 5e-4 * w
            v = 0.9 * v + d
            w -= rate * (nesterov ? d + 0.9 * v : v)
            decay.step(settings, learningRate: rate)
        }
        #expect(abs(decay.value * 1.5 - w) < 1e-12)
        #expect(abs(decay.momentum * 1.5 - v) < 1e-12)
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
