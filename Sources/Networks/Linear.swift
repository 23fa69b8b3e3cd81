import CKernels

/// A fully connected layer with bias: `[O][N] = weight [O][C] · [C][N] + bias`.
package final class Linear {
    package let inputs, outputs: Int
    package let weight, bias: Parameter
    private let workspace: Workspace

    package init(
        _ name: String, inputs: Int, outputs: Int, store: ParameterStore, workspace: Workspace, maximumBatch: Int
    ) {
        self.inputs = inputs
        self.outputs = outputs
        self.workspace = workspace
        weight = store.parameter(name + ".weight")
        bias = store.parameter(name + ".bias")
        workspace.reserve(transposed: inputs * maximumBatch)
    }

    /// y = weight·x + bias.
    package func forward(_ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, batch: Int) {
        sower_fill_rows(bias.values, y, outputs, batch)
        workspace.product.multiply(
            weight.values, left: .rows(stride: inputs), x, bStride: batch, inner: inputs, into: y, cStride: batch,
            rows: outputs, columns: batch, accumulate: true)
    }

    /// Writes the gradients of weight, bias and input.
    package func backward(
        _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, into dx: UnsafeMutablePointer<Float>, batch: Int
    ) {
        let product = workspace.product
        sower_row_sums(dy, bias.gradients, outputs, batch)
        let transposed = workspace.transposed.pointer
        sower_transpose(x, transposed, inputs, batch)
        product.multiply(
            dy, left: .rows(stride: batch), transposed, bStride: inputs, inner: batch, into: weight.gradients,
            cStride: inputs, rows: outputs, columns: inputs)
        product.multiply(
            weight.values, left: .columns(stride: inputs), dy, bStride: batch, inner: outputs, into: dx, cStride: batch,
            rows: inputs, columns: batch)
    }
}
