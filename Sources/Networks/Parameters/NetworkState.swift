import Tensors

/// A `state_dict`: every parameter and buffer of a network, by torchvision name and shape.
package struct NetworkState: Sendable, Equatable {
    package enum Value: Sendable, Equatable {
        case float(Tensor)
        /// `num_batches_tracked`, an int64 scalar in torch.
        case integer(Int64)
    }

    package struct Entry: Sendable, Equatable {
        package var name: String
        package var value: Value

        package init(name: String, value: Value) {
            self.name = name
            self.value = value
        }

        package init(name: String, tensor: Tensor) { self.init(name: name, value: .float(tensor)) }
    }

    /// In the order of the `state_dict`.
    package var entries: [Entry]

    package init(entries: [Entry] = []) { self.entries = entries }

    /// The tensor called `name`; setting replaces it in place, or appends it.
    package subscript(name: String) -> Tensor? {
        get {
            guard case .float(let tensor)? = entries.first(where: { $0.name == name })?.value else { return nil }
            return tensor
        }
        set {
            let index = entries.firstIndex { $0.name == name }
            switch (index, newValue) {
            case (let index?, let tensor?): entries[index].value = .float(tensor)
            case (let index?, nil): entries.remove(at: index)
            case (nil, let tensor?): entries.append(Entry(name: name, tensor: tensor))
            case (nil, nil): break
            }
        }
    }

    /// A state of zeros for a network of this shape.
    package init(zeros shape: NetworkShape) {
        entries = shape.parameters.map { parameter in
            parameter.kind == .batchNormBatchCount
                ? Entry(name: parameter.name, value: .integer(0))
                : Entry(name: parameter.name, tensor: Tensor(zeros: parameter.shape))
        }
    }
}
