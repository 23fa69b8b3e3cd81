extension StudyCheck {
    /// `architecture` decides which layers there are; `nil` when it is unknown, and layers are then not held to it.
    mutating func arms(
        _ entries: [StudyFile.ArmEntry]?, architecture: ModelArchitecture?, pretrainedPairs: Int
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
            guard let method = method(of: entry, architecture: architecture, pretrainedPairs: pretrainedPairs) else { continue }
            guard !unreadable.contains("\(entry.path).name") else { continue }
            let written = entry.name ?? StudyCheck.defaultName(of: entry)
            guard let name = name(written, at: "\(entry.path)", what: "an arm") else { continue }
            if name == StudyLimits.reservedArmName {
                refuse(entry.path, "an arm cannot be called \"\(name)\"", "choose another name; tables use this one")
            } else if arms.contains(where: { $0.name == name }) {
                refuse(entry.path, "two arms are called \"\(name)\"", "give each arm a name of its own: `name: …`")
            }
            arms.append(Arm(name: name, method: method, needs: needs(entry.needs, at: "\(entry.path).needs")))
        }
        return arms
    }

    /// The name of an arm that is given none; `StudyNode.armName` says the same before validation.
    private static func defaultName(of entry: StudyFile.ArmEntry) -> String {
        let method = entry.method ?? ""
        return method == "gabor" ? entry.layers.map { "gabor-\($0)" } ?? method : method
    }

    private static let methods = ["random", "pretrained", "gabor", "clustered", "state-dict"]

    private mutating func method(
        of entry: StudyFile.ArmEntry, architecture: ModelArchitecture?, pretrainedPairs: Int
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
            return head(of: entry).map { .pretrained(head: $0) }
        case "gabor":
            refuseOthers(entry, than: ["layers"])
            return layers(of: entry, architecture: architecture).map { .gabor(layers: $0) }
        case "clustered":
            refuseOthers(entry, than: ["distance", "models", "clusters", "layers"])
            return clustering(of: entry, architecture: architecture, pretrainedPairs: pretrainedPairs).map { .clustered($0) }
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
        let models = setting(entry.models, "\(path).models", in: 1...45)
        if let models, models <= 45, models > pretrainedPairs {
            refuse(
                "\(path).models", "\(path).models is \(models), but only \(pretrainedPairs) pairs are pre-trained",
                "use at most \(pretrainedPairs) models, or raise pretraining.pairs")
        }
        let clusters = setting(entry.clusters, "\(path).clusters", in: StudyLimits.clusters)
        let layers = layers(of: entry, architecture: architecture)
        guard let distance, let models, let clusters, let layers else { return nil }
        return Clustering(distance: distance, models: models, clusters: clusters, layers: layers)
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

    private mutating func head(of entry: StudyFile.ArmEntry) -> HeadSpec? {
        choice(entry.head ?? HeadSpec.keep.rawValue, at: "\(entry.path).head", from: HeadSpec.allCases, name: \.rawValue)
    }

    /// Reports the settings that the arm's method does not have.
    private mutating func refuseOthers(_ entry: StudyFile.ArmEntry, than allowed: [String]) {
        let written = [
            ("distance", entry.distance != nil, "clustered"), ("models", entry.models != nil, "clustered"),
            ("clusters", entry.clusters != nil, "clustered"), ("layers", entry.layers != nil, "clustered"),
            ("path", entry.file != nil, "state-dict"), ("head", entry.head != nil, "state-dict"),
        ]
        for (key, isWritten, method) in written where isWritten && !allowed.contains(key) {
            refuse(
                "\(entry.path).\(key)", "\(entry.path).\(key) means nothing for the method \(entry.method ?? "")",
                "remove it, or choose `method: \(method)`")
        }
    }
}
