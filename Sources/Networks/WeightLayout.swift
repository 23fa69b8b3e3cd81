/// How a parameter lies in the engine's flat buffers, against torch's row-major order.
package enum WeightLayout {
    /// As in torch.
    case plain
    /// `[kh][kw][O][C]` over the live taps; the other taps apart, in torch's order.
    case liveTaps(ConvolutionGeometry)
    /// `[O][kw][kh][C]`, all taps: for strips of image columns, see ``Convolution``.
    case columnMajor(ConvolutionGeometry)

    /// Calls `body` with each element's place in torch's order, whether it is live, and its place among the live or
    /// the dead.
    func forEachElement(count: Int, _ body: (_ torch: Int, _ isLive: Bool, _ place: Int) -> Void) {
        switch self {
        case .plain:
            for index in 0..<count { body(index, true, index) }
        case .liveTaps(let g):
            var torch = 0
            var dead = 0
            for o in 0..<g.output.channels {
                for c in 0..<g.input.channels {
                    for ky in 0..<g.kernel {
                        for kx in 0..<g.kernel {
                            if g.liveRows.contains(ky), g.liveColumns.contains(kx) {
                                let tap = g.liveTap(row: ky, column: kx)
                                body(torch, true, (tap * g.output.channels + o) * g.input.channels + c)
                            } else {
                                body(torch, false, dead)
                                dead += 1
                            }
                            torch += 1
                        }
                    }
                }
            }
        case .columnMajor(let g):
            var torch = 0
            for o in 0..<g.output.channels {
                for c in 0..<g.input.channels {
                    for ky in 0..<g.kernel {
                        for kx in 0..<g.kernel {
                            body(torch, true, ((o * g.kernel + kx) * g.kernel + ky) * g.input.channels + c)
                            torch += 1
                        }
                    }
                }
            }
        }
    }

    func liveCount(of count: Int) -> Int {
        switch self {
        case .plain, .columnMajor: count
        case .liveTaps(let g): g.output.channels * g.liveTaps * g.input.channels
        }
    }
}
