import Tensors

/// A `state_dict` whose tensors are made one at a time, when a network takes them: the largest networks would not fit in
/// memory twice.
package struct DeferredState {
    package struct Entry {
        package let name: String
        /// Nil for an integer.
        package let shape: [Int]?
        let make: () throws -> NetworkState.Value

        package init(name: String, shape: [Int]?, make: @escaping () throws -> NetworkState.Value) {
            self.name = name
            self.shape = shape
            self.make = make
        }

        /// A tensor.
        package init(name: String, shape: [Int], tensor: @escaping () throws -> Tensor) {
            self.init(name: name, shape: shape) { .float(try tensor()) }
        }
    }

    package var entries: [Entry]

    package init(entries: [Entry] = []) { self.entries = entries }

    package init(_ state: NetworkState) {
        entries = state.entries.map { entry in
            switch entry.value {
            case .float(let tensor): Entry(name: entry.name, shape: tensor.shape) { entry.value }
            case .integer: Entry(name: entry.name, shape: nil) { entry.value }
            }
        }
    }

    /// Puts `entry` in the place of the one of its name, or behind the others.
    package mutating func replace(_ entry: Entry) {
        if let index = entries.firstIndex(where: { $0.name == entry.name }) {
            entries[index] = entry
        } else {
            entries.append(entry)
        }
    }

    /// Throws, naming the tensor, unless these are the names and shapes of `parameters`, each once. A batch count may be
    /// missing, as in older files.
    package func check(against parameters: [ParameterDescription], of architecture: Architecture) throws(NetworkError) {
        let descriptions = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0) })
        var found: Set<String> = []
        for entry in entries {
            guard let description = descriptions[entry.name] else {
                throw .unexpectedTensor(name: entry.name, architecture: architecture)
            }
            guard found.insert(entry.name).inserted else { throw .duplicateTensor(name: entry.name) }
            let isCount = description.kind == .batchNormBatchCount
            switch entry.shape {
            case nil where !isCount:
                throw .wrongType(name: entry.name, actual: "an integer", expected: "float32 \(description.shape)")
            case .some where isCount:
                throw .wrongType(name: entry.name, actual: "float32", expected: "an integer")
            case let shape? where shape != description.shape:
                throw .wrongShape(name: entry.name, actual: shape, expected: description.shape)
            default: break
            }
        }
        for description in parameters
        where !found.contains(description.name) && description.kind != .batchNormBatchCount {
            throw .missingTensor(name: description.name, shape: description.shape)
        }
    }

    /// Everything at once.
    package func state() throws -> NetworkState {
        NetworkState(entries: try entries.map { NetworkState.Entry(name: $0.name, value: try $0.make()) })
    }
}
