import CKernels

/// A fully connected layer with bias: `[O][N] = weight [O][C] · [C][N] + bias`. Threads share it by its rows.
package final class Linear {
    package let inputs, outputs: Int
    package let weight, bias: Parameter
    private let workspace: Workspace

    package init(
        _ name: String, inputs: Int, outputs: Int, layout: WeightLayout = .plain, store: ParameterStore,
        workspace: Workspace, maximumBatch: Int
    ) {
        self.inputs = inputs
        self.outputs = outputs
        self.workspace = workspace
        weight = store.parameter(name + ".weight", layout: layout)
        bias = store.parameter(name + ".bias")
        workspace.reserve(transposed: inputs * maximumBatch)
    }

    /// y = weight·x + bias.
    package func forward(_ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, batch: Int) {
        workspace.threads.split(outputs) { rows, _ in
            let target = y + rows.lowerBound * batch
            sower_fill_rows(bias.values + rows.lowerBound, target, rows.count, batch)
            workspace.product.multiply(
                weight.values + rows.lowerBound * inputs, left: .rows(stride: inputs), x, bStride: batch, inner: inputs,
                into: target, cStride: batch, rows: rows.count, columns: batch, accumulate: true)
        }
    }

    /// Writes the gradients of weight, bias and input.
    package func backward(
        _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, into dx: UnsafeMutablePointer<Float>, batch: Int
    ) {
        let product = workspace.product
        let transposed = workspace.transposed.pointer
        sower_transpose(x, transposed, inputs, batch)
        workspace.threads.split(outputs) { rows, _ in
            let source = dy + rows.lowerBound * batch
            sower_row_sums(source, bias.gradients + rows.lowerBound, rows.count, batch)
            product.multiply(
                source, left: .rows(stride: batch), transposed, bStride: inputs, inner: batch,
                into: weight.gradients + rows.lowerBound * inputs, cStride: inputs, rows: rows.count, columns: inputs)
        }
        workspace.threads.split(inputs) { rows, _ in
            product.multiply(
                weight.values + rows.lowerBound, left: .columns(stride: inputs), dy, bStride: batch, inner: outputs,
                into: dx + rows.lowerBound * batch, cStride: batch, rows: rows.count, columns: batch)
        }
    }
}
