extension StudyNode {
    /// Sets the node at a dotted path, as `--set evaluation.replicates=2` does; sections that are missing are made.
    ///
    /// An element of the list `arms` is named by its arm: `arms.clustered.models`. Whether a key means anything is
    /// decided later, by the same reader that checks the file, so a misspelt override gets the same suggestion.
    ///
    /// Errors: a problem when a step of the path meets a text or a list that has no such arm.
    package mutating func set(
        _ path: [String], to value: StudyNode, origin: Origin, walked: [String] = []
    ) throws(InvalidStudy) {
        guard let key = path.first else {
            self = value
            return
        }
        let rest = Array(path.dropFirst())
        switch content {
        case .mapping(var entries):
            if let index = entries.firstIndex(where: { $0.key == key }) {
                try entries[index].value.set(rest, to: value, origin: origin, walked: walked + [key])
                if rest.isEmpty { entries[index].keyOrigin = origin }
            } else {
                var made = StudyNode(.mapping([]), origin: origin)
                try made.set(rest, to: value, origin: origin, walked: walked + [key])
                entries.append(Entry(key: key, keyOrigin: origin, value: made))
            }
            content = .mapping(entries)
        case .list(var elements):
            guard let index = elements.firstIndex(where: { $0.armName == key }) else {
                let names = elements.compactMap(\.armName)
                throw InvalidStudy(
                    problems: [
                        StudyProblem(
                            path: (walked + [key]).joined(separator: "."), origin: origin,
                            message: "no arm is called \"\(key.prefix(80))\"" + Spelling.suggestion(for: key, among: names),
                            remedy: "arms of this study: \(names.joined(separator: ", "))")
                    ])
            }
            // `- random` is short for a mapping; a setting turns it into the long form.
            if !rest.isEmpty, case .scalar(let method) = elements[index].content {
                let name = StudyNode(.scalar(method), origin: elements[index].origin)
                elements[index].content = .mapping([
                    Entry(key: "name", keyOrigin: elements[index].origin, value: name),
                    Entry(key: "method", keyOrigin: elements[index].origin, value: name),
                ])
            }
            try elements[index].set(rest, to: value, origin: origin, walked: walked + [key])
            content = .list(elements)
        case .scalar(""):
            // An empty section, as in `training:` with nothing below it.
            content = .mapping([])
            try set(path, to: value, origin: origin, walked: walked)
        case .scalar:
            throw InvalidStudy(
                problems: [
                    StudyProblem(
                        path: (walked + path).joined(separator: "."), origin: origin,
                        message: "\(walked.joined(separator: ".")) is \(kind), which has no settings of its own",
                        remedy: "give the whole setting: --set \(walked.joined(separator: "."))=…")
                ])
        }
    }

    /// Adds an element to the list `arms`, which is made if it is missing. What is no list, or no study, is left as it is:
    /// the reader refuses it.
    package mutating func appendArm(_ arm: StudyNode, origin: Origin) {
        guard case .mapping(var entries) = content else { return }
        if let index = entries.firstIndex(where: { $0.key == "arms" }) {
            switch entries[index].value.content {
            case .list(let present): entries[index].value.content = .list(present + [arm])
            case .scalar(""): entries[index].value.content = .list([arm])
            case .scalar, .mapping: return
            }
        } else {
            entries.append(Entry(key: "arms", keyOrigin: origin, value: StudyNode(.list([arm]), origin: origin)))
        }
        content = .mapping(entries)
    }

    /// The name an element of `arms` goes by, as far as it can be told before validation.
    var armName: String? {
        if case .scalar(let method) = content { return method }
        if case .scalar(let name)? = self[key: "name"]?.content { return name }
        guard case .scalar(let method)? = self[key: "method"]?.content else { return nil }
        if method == "gabor", case .scalar(let layers)? = self[key: "layers"]?.content { return "gabor-\(layers)" }
        return method
    }
}
