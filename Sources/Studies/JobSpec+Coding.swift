// The JSON forms of the enumerations of JobSpec.swift. They are part of every job's identity: a change here is a new
// version of the tag in `JobSpec.id`.

extension JobSpec: Codable {
    private enum CodingKeys: String, CodingKey { case train, cluster, sample }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        switch (container.allKeys.count, container.allKeys.first) {
        case (1, .train): self = .train(try container.decode(TrainSpec.self, forKey: .train))
        case (1, .cluster): self = .cluster(try container.decode(ClusterSpec.self, forKey: .cluster))
        case (1, .sample): self = .sample(try container.decode(SampleSpec.self, forKey: .sample))
        default:
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "expected one of the keys train, cluster, sample"))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .train(let spec): try container.encode(spec, forKey: .train)
        case .cluster(let spec): try container.encode(spec, forKey: .cluster)
        case .sample(let spec): try container.encode(spec, forKey: .sample)
        }
    }
}

extension StartSpec: Codable {
    private enum CodingKeys: String, CodingKey { case method, layers, of }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let method = try container.decode(String.self, forKey: .method)
        switch method {
        case "random": self = .random
        case "gabor": self = .gabor(layers: try container.decode(Int.self, forKey: .layers))
        case "weights": self = .weights(of: try container.decode(JobID.self, forKey: .of))
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
        case .weights(let job):
            try container.encode("weights", forKey: .method)
            try container.encode(job, forKey: .of)
        case .filters(let job, let layers):
            try container.encode("filters", forKey: .method)
            try container.encode(job, forKey: .of)
            try container.encode(layers, forKey: .layers)
        }
    }
}

extension ScheduleSpec: Codable {
    private enum CodingKeys: String, CodingKey { case kind, watch, mode, factor, patience }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let kind = try container.decode(String.self, forKey: .kind)
        switch kind {
        case "constant": self = .constant
        case "plateau":
            self = .plateau(
                watch: try container.decode(WatchedMetric.self, forKey: .watch),
                mode: try container.decode(PlateauMode.self, forKey: .mode),
                factor: try container.decode(Double.self, forKey: .factor),
                patience: try container.decode(Int.self, forKey: .patience))
        default:
            throw DecodingError.dataCorruptedError(
                forKey: .kind, in: container, debugDescription: "unknown schedule \(kind.prefix(80))")
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .constant:
            try container.encode("constant", forKey: .kind)
        case .plateau(let watch, let mode, let factor, let patience):
            try container.encode("plateau", forKey: .kind)
            try container.encode(watch, forKey: .watch)
            try container.encode(mode, forKey: .mode)
            try container.encode(factor, forKey: .factor)
            try container.encode(patience, forKey: .patience)
        }
    }
}

extension AugmentationSpec: Codable {
    private enum CodingKeys: String, CodingKey { case kind, degrees }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let kind = try container.decode(String.self, forKey: .kind)
        switch kind {
        case "none": self = .none
        case "flip-and-rotation":
            self = .flipAndRotation(degrees: try container.decode(Double.self, forKey: .degrees))
        default:
            throw DecodingError.dataCorruptedError(
                forKey: .kind, in: container, debugDescription: "unknown augmentation \(kind.prefix(80))")
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .none:
            try container.encode("none", forKey: .kind)
        case .flipAndRotation(let degrees):
            try container.encode("flip-and-rotation", forKey: .kind)
            try container.encode(degrees, forKey: .degrees)
        }
    }
}
