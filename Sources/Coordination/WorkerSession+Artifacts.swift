import Digests

extension WorkerSession {
    /// The artifacts that must stay in the host's store for the attempts that the worker holds: their inputs until they have
    /// run, and what they have made until the coordinator has it.
    ///
    /// Looks at every attempt; ``artifactChanges`` says when that is worth doing.
    package var neededArtifacts: Set<Digest> {
        held.values.reduce(into: Set(travelling.keys)) { $0.formUnion($1.neededArtifacts) }
    }
}

extension WorkerSession.Held {
    var neededArtifacts: [Digest] {
        switch phase {
        case .fetching, .queued, .running:
            assignment.inputs.map(\.artifact.digest) + [assignment.checkpoint?.digest, checkpoint?.artifact.digest].compactMap { $0 }
        // What travels is needed as it is; the newest may wait.
        case .handingBack: [checkpoint?.artifact.digest].compactMap { $0 }
        case .pushing(let result, _), .reporting(let result, _):
            result.artifacts.map(\.digest)
        }
    }

    /// Whether there are any.
    var needsArtifacts: Bool {
        switch phase {
        case .fetching, .queued, .running: !assignment.inputs.isEmpty || assignment.checkpoint != nil || checkpoint != nil
        case .handingBack: checkpoint != nil
        case .pushing(let result, _), .reporting(let result, _): !result.artifacts.isEmpty
        }
    }
}
