extension StudyCheck {
    /// `model`, the study's network, decides which layers there are where an arm has none of its own; `nil` when it is unknown, and
    /// layers are then not held to it.
    /// `replacesHead` says that pre-trained models have other classes, so that their classifier cannot be kept.
    mutating func arms(
        _ entries: [StudyFile.ArmEntry]?, model: (architecture: ModelArchitecture, imageSize: Int)?, pretrainedPairs: Int,
        replacesHead: Bool
    ) -> [Arm] {
        guard let entries else {
            missing("arms", "list the initializations to compare, for example `arms: [random]`")
            return []
        }
        guard StudyLimits.arms.contains(entries.count) else {
            refuse(
                "arms", "\(entries.count) arms, outside \(StudyLimits.arms.lowerBound)…\(StudyLimits.arms.upperBound)",
                "list the initializations to compare, for example `arms: [random]`")
            return []
        }
        var arms: [Arm] = []
        for entry in entries {
            let architecture = architecture(of: entry, in: model)
            guard let method = method(of: entry, architecture, pretrainedPairs: pretrainedPairs, replacesHead: replacesHead) else {
                continue
            }
            guard !unreadable.contains("\(entry.path).name") else { continue }
            let written = entry.name ?? StudyCheck.defaultName(of: entry)
            guard let name = name(written, at: "\(entry.path)", what: "an arm") else { continue }
            if name == StudyLimits.reservedArmName {
                refuse(entry.path, "an arm cannot be called \"\(name)\"", "choose another name; tables use this one")
            } else if arms.contains(where: { $0.name == name }) {
                refuse(entry.path, "two arms are called \"\(name)\"", "give each arm a name of its own: `name: …`")
            }
            // Written as the study's, it says nothing: the arm is the one without it.
            let own = model.flatMap { model in
                architecture.flatMap { own in
                    own == model.architecture ? nil : ModelSpec(architecture: own.rawValue, classes: 10, imageSize: model.imageSize)
                }
            }
            arms.append(Arm(name: name, method: method, model: own, needs: needs(entry.needs, at: "\(entry.path).needs")))
        }
        return arms
    }

    /// The name of an arm that is given none; `StudyNode.armName` says the same before validation.
    private static func defaultName(of entry: StudyFile.ArmEntry) -> String {
        let method = entry.method ?? ""
        return method == "gabor" ? entry.layers.map { "gabor-\($0)" } ?? method : method
    }

    private static let methods = ["random", "pretrained", "gabor", "clustered", "aligned", "state-dict"]

    /// The architecture of the arm's network: its own if it names one, else the study's.
    private mutating func architecture(
        of entry: StudyFile.ArmEntry, in model: (architecture: ModelArchitecture, imageSize: Int)?
    ) -> ModelArchitecture? {
        guard let written = entry.model else { return model?.architecture }
        let path = "\(entry.path).model"
        guard let own = choice(written, at: path, from: ModelArchitecture.allCases, name: \.rawValue) else { return nil }
        if let model, own != model.architecture { imageSize(model.imageSize, isEnoughFor: own, at: path) }
        return own
    }

    private mutating func method(
        of entry: StudyFile.ArmEntry, _ architecture: ModelArchitecture?, pretrainedPairs: Int, replacesHead: Bool
    ) -> ArmMethod? {
        let path = entry.path
        guard let written = entry.method else {
            missing("\(path).method", "add `method:` with one of: \(StudyCheck.methods.joined(separator: ", "))")
            return nil
        }
        switch choice(written, at: "\(path).method", from: StudyCheck.methods, name: { $0 }) {
        case "random":
            refuseOthers(entry, than: [])
            return .random
        case "pretrained":
            refuseOthers(entry, than: ["head"])
            if replacesHead, entry.head == HeadSpec.keep.rawValue {
                refuse(
                    "\(path).head", "\(path).head is keep, but the pre-trained models have other classes than the data",
                    "write `head: fresh`, or leave it out")
            }
            return head(of: entry, default: replacesHead ? .fresh : .keep).map { .pretrained(head: $0) }
        case "gabor":
            refuseOthers(entry, than: ["layers"])
            return layers(of: entry, architecture: architecture).map { .gabor(layers: $0) }
        case "clustered":
            refuseOthers(entry, than: ["distance", "models", "clusters", "layers"])
            return clustering(of: entry, architecture: architecture, pretrainedPairs: pretrainedPairs).map { .clustered($0) }
        case "aligned":
            refuseOthers(entry, than: ["models", "layers", "matching"])
            return alignment(of: entry, architecture: architecture, pretrainedPairs: pretrainedPairs).map { .aligned($0) }
        case "state-dict":
            refuseOthers(entry, than: ["path", "head"])
            let head = head(of: entry)
            guard let file = entry.file else {
                missing("\(path).path", "add `path:` with the safetensors file that holds the state_dict")
                return nil
            }
            guard StudyLimits.pathBytes.contains(file.utf8.count), !file.utf8.contains(0) else {
                refuse("\(path).path", "\(path).path is longer than 4096 bytes or holds a zero byte", "choose another file")
                return nil
            }
            return head.map { .stateDict(StateDictStart(path: file, head: $0)) }
        default:
            return nil
        }
    }

    private mutating func clustering(
        of entry: StudyFile.ArmEntry, architecture: ModelArchitecture?, pretrainedPairs: Int
    ) -> Clustering? {
        let path = entry.path
        let distance: DistanceSpec?
        if let text = entry.distance {
            distance = choice(text, at: "\(path).distance", from: DistanceSpec.allCases, name: \.rawValue)
        } else {
            let names = DistanceSpec.allCases.map(\.rawValue).joined(separator: ", ")
            missing("\(path).distance", "add `distance:` with one of: \(names)")
            distance = nil
        }
        let models = models(of: entry, in: 1...45, pretrainedPairs: pretrainedPairs)
        let clusters = setting(entry.clusters, "\(path).clusters", in: StudyLimits.clusters)
        let layers = layers(of: entry, architecture: architecture)
        guard let distance, let models, let clusters, let layers else { return nil }
        return Clustering(distance: distance, models: models, clusters: clusters, layers: layers)
    }

    private mutating func alignment(
        of entry: StudyFile.ArmEntry, architecture: ModelArchitecture?, pretrainedPairs: Int
    ) -> Alignment? {
        let matching = choice(
            entry.matching ?? MatchingSpec.greedy.rawValue, at: "\(entry.path).matching", from: MatchingSpec.allCases, name: \.rawValue)
        let models = models(of: entry, in: StudyLimits.alignedModels, pretrainedPairs: pretrainedPairs)
        guard let architecture else { return nil }
        let all = architecture.alignableLayers
        guard all > 0 else {
            let able = ModelArchitecture.allCases.filter { $0.alignableLayers > 0 }.map(\.rawValue).joined(separator: ", ")
            refuse(
                "\(entry.path).model",
                "\(entry.path): the method aligned moves filters to other places, and knows no layers of \(architecture.rawValue) "
                    + "that allow it",
                "give the arm the network without residual sums in its first stage: `model: \(able)`")
            return nil
        }
        let layers = entry.layers ?? all
        if !(1...all).contains(layers) {
            refuse(
                "\(entry.path).layers",
                "\(entry.path).layers is \(layers), but only the layers 1…\(all) of \(architecture.rawValue) can be aligned",
                "choose a value in the range, or leave it out for all of them")
        }
        guard let matching, let models else { return nil }
        return Alignment(models: models, layers: layers, matching: matching)
    }

    /// How many pre-trained models the arm reads.
    private mutating func models(of entry: StudyFile.ArmEntry, in range: ClosedRange<Int>, pretrainedPairs: Int) -> Int? {
        let path = "\(entry.path).models"
        let models = setting(entry.models, path, in: range)
        if let models, range.contains(models), models > pretrainedPairs {
            refuse(
                path, "\(path) is \(models), but only \(pretrainedPairs) pairs are pre-trained",
                "use at most \(pretrainedPairs) models, or raise pretraining.pairs")
        }
        return models
    }

    /// A setting its method cannot do without.
    private mutating func setting(_ value: Int?, _ path: String, in range: ClosedRange<Int>) -> Int? {
        guard let value else {
            missing(path, "add it: a whole number in \(range.lowerBound)…\(range.upperBound)")
            return nil
        }
        return integer(value, at: path, in: range)
    }

    /// How many of the architecture's layers the method replaces: all where nothing is written. `nil` without an architecture.
    private mutating func layers(of entry: StudyFile.ArmEntry, architecture: ModelArchitecture?) -> Int? {
        guard let architecture else { return nil }
        let all = architecture.initializableLayers
        guard let layers = entry.layers else { return all }
        if !(1...all).contains(layers) {
            refuse(
                "\(entry.path).layers", "\(entry.path).layers is \(layers), but \(architecture.rawValue) has the layers 1…\(all)",
                "choose a value in the range, or leave it out for all layers")
        }
        return layers
    }

    private mutating func head(of entry: StudyFile.ArmEntry, default usual: HeadSpec = .keep) -> HeadSpec? {
        choice(entry.head ?? usual.rawValue, at: "\(entry.path).head", from: HeadSpec.allCases, name: \.rawValue)
    }

    /// Reports the settings that the arm's method does not have.
    private mutating func refuseOthers(_ entry: StudyFile.ArmEntry, than allowed: [String]) {
        let written = [
            ("distance", entry.distance != nil, "clustered"), ("models", entry.models != nil, "clustered"),
            ("clusters", entry.clusters != nil, "clustered"), ("layers", entry.layers != nil, "clustered"),
            ("matching", entry.matching != nil, "aligned"), ("path", entry.file != nil, "state-dict"),
            ("head", entry.head != nil, "state-dict"),
        ]
        for (key, isWritten, method) in written where isWritten && !allowed.contains(key) {
            refuse(
                "\(entry.path).\(key)", "\(entry.path).\(key) means nothing for the method \(entry.method ?? "")",
                "remove it, or choose `method: \(method)`")
        }
    }
}
