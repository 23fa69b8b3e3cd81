// The JSON forms of a recipe. Like those of JobSpec+Coding.swift they are part of every job's identity. They arrive from
// the network too, so what would stop the engine is refused here.

extension RecipeSpec: Codable {
    private enum CodingKeys: String, CodingKey {
        case epochs, batchSize, learningRate, momentum, nesterov, weightDecay, schedule, augmentation, mixup
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            epochs: try container.decode(Int.self, forKey: .epochs),
            batchSize: try container.decode(Int.self, forKey: .batchSize),
            learningRate: try container.decode(Double.self, forKey: .learningRate),
            momentum: try container.decode(Double.self, forKey: .momentum),
            nesterov: try container.decodeIfPresent(Bool.self, forKey: .nesterov) ?? false,
            weightDecay: try container.decode(Double.self, forKey: .weightDecay),
            schedule: try container.decode(ScheduleSpec.self, forKey: .schedule),
            augmentation: try container.decode(AugmentationSpec.self, forKey: .augmentation),
            mixup: try container.decodeIfPresent(Double.self, forKey: .mixup))
        if let mixup, !StudyLimits.mixup.contains(mixup) {
            throw DecodingError.dataCorruptedError(
                forKey: .mixup, in: container, debugDescription: "mixup is \(mixup), outside \(StudyLimits.mixup)")
        }
    }

    /// `nesterov` and `mixup` are written only where they are on: a recipe without them has the bytes it always had.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(epochs, forKey: .epochs)
        try container.encode(batchSize, forKey: .batchSize)
        try container.encode(learningRate, forKey: .learningRate)
        try container.encode(momentum, forKey: .momentum)
        if nesterov { try container.encode(nesterov, forKey: .nesterov) }
        try container.encode(weightDecay, forKey: .weightDecay)
        try container.encode(schedule, forKey: .schedule)
        try container.encode(augmentation, forKey: .augmentation)
        try container.encodeIfPresent(mixup, forKey: .mixup)
    }
}

extension ScheduleSpec: Codable {
    private enum CodingKeys: String, CodingKey { case kind, watch, mode, factor, patience, every }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let kind = try container.decode(String.self, forKey: .kind)
        switch kind {
        case "constant": self = .constant
        case "cosine": self = .cosine
        case "step":
            let every = try container.decode(Int.self, forKey: .every)
            guard every >= 1 else {
                throw DecodingError.dataCorruptedError(
                    forKey: .every, in: container, debugDescription: "every is \(every), expected 1 or more")
            }
            self = .step(every: every, factor: try container.decode(Double.self, forKey: .factor))
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
        case .cosine:
            try container.encode("cosine", forKey: .kind)
        case .step(let every, let factor):
            try container.encode("step", forKey: .kind)
            try container.encode(every, forKey: .every)
            try container.encode(factor, forKey: .factor)
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
    private enum CodingKeys: String, CodingKey { case kind, degrees, padding }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let kind = try container.decode(String.self, forKey: .kind)
        switch kind {
        case "none": self = .none
        case "flip-and-rotation":
            self = .flipAndRotation(degrees: try container.decode(Double.self, forKey: .degrees))
        case "flip-and-crop":
            let padding = try container.decode(Int.self, forKey: .padding)
            guard StudyLimits.cropPadding.contains(padding) else {
                throw DecodingError.dataCorruptedError(
                    forKey: .padding, in: container,
                    debugDescription: "padding is \(padding), outside \(StudyLimits.cropPadding)")
            }
            self = .flipAndCrop(padding: padding)
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
        case .flipAndCrop(let padding):
            try container.encode("flip-and-crop", forKey: .kind)
            try container.encode(padding, forKey: .padding)
        }
    }
}
