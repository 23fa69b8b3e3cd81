// The JSON forms of the enumerations of JobSpec.swift. They are part of every job's identity: a change here is a new
// version of the tag in `JobSpec.id`. What is new is written only where it is not the default, so that older ids stay.

extension JobSpec: Codable {
    private enum CodingKeys: String, CodingKey, CaseIterable { case train, cluster, sample, align, file, command, noop }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        switch (container.allKeys.count, container.allKeys.first) {
        case (1, .train): self = .train(try container.decode(TrainSpec.self, forKey: .train))
        case (1, .cluster): self = .cluster(try container.decode(ClusterSpec.self, forKey: .cluster))
        case (1, .sample): self = .sample(try container.decode(SampleSpec.self, forKey: .sample))
        case (1, .align): self = .align(try container.decode(AlignSpec.self, forKey: .align))
        case (1, .file): self = .file(try container.decode(FileSpec.self, forKey: .file))
        case (1, .command): self = .command(try container.decode(CommandSpec.self, forKey: .command))
        case (1, .noop): self = .noop(try container.decode(NoopSpec.self, forKey: .noop))
        default:
            let known = CodingKeys.allCases.map(\.stringValue).joined(separator: ", ")
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "expected one of the keys \(known)"))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .train(let spec): try container.encode(spec, forKey: .train)
        case .cluster(let spec): try container.encode(spec, forKey: .cluster)
        case .sample(let spec): try container.encode(spec, forKey: .sample)
        case .align(let spec): try container.encode(spec, forKey: .align)
        case .file(let spec): try container.encode(spec, forKey: .file)
        case .command(let spec): try container.encode(spec, forKey: .command)
        case .noop(let spec): try container.encode(spec, forKey: .noop)
        }
    }
}

extension StartSpec: Codable {
    private enum CodingKeys: String, CodingKey { case method, layers, of, head }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let method = try container.decode(String.self, forKey: .method)
        switch method {
        case "random": self = .random
        case "gabor": self = .gabor(layers: try container.decode(Int.self, forKey: .layers))
        case "weights":
            self = .weights(
                of: try container.decode(JobID.self, forKey: .of),
                head: try container.decodeIfPresent(HeadSpec.self, forKey: .head) ?? .keep)
        case "filters":
            self = .filters(
                of: try container.decode(JobID.self, forKey: .of), layers: try container.decode(Int.self, forKey: .layers))
        default:
            throw DecodingError.dataCorruptedError(
                forKey: .method, in: container, debugDescription: "unknown start method \(method.prefix(80))")
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .random:
            try container.encode("random", forKey: .method)
        case .gabor(let layers):
            try container.encode("gabor", forKey: .method)
            try container.encode(layers, forKey: .layers)
        case .weights(let job, let head):
            try container.encode("weights", forKey: .method)
            try container.encode(job, forKey: .of)
            if head != .keep { try container.encode(head, forKey: .head) }
        case .filters(let job, let layers):
            try container.encode("filters", forKey: .method)
            try container.encode(job, forKey: .of)
            try container.encode(layers, forKey: .layers)
        }
    }
}
