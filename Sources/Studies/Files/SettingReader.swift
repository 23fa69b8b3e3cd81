/// Reads settings out of a tree, collecting problems instead of stopping at the first.
package struct SettingReader {
    /// What the whole tree is, in the words of an error message: "a study".
    let what: String
    package var problems: [StudyProblem] = []
    /// Where each setting that was read stands, by its dotted path.
    package private(set) var origins: [String: Origin] = [:]

    package init(what: String) { self.what = what }

    /// The entries of a mapping by their keys; a key that is not among `keys` is a problem.
    package mutating func section(_ node: StudyNode?, at path: String, keys: [String]) -> [String: StudyNode] {
        guard let node else { return [:] }
        origins[path] = node.origin
        switch node.content {
        case .scalar(""):
            return [:]
        case .mapping(let entries):
            var known: [String: StudyNode] = [:]
            for entry in entries {
                if keys.contains(entry.key) {
                    known[entry.key] = entry.value
                    origins[SettingReader.join(path, entry.key)] = entry.keyOrigin ?? entry.value.origin
                } else {
                    let place = path.isEmpty ? "" : " in \(path)"
                    problems.append(
                        StudyProblem(
                            path: SettingReader.join(path, entry.key), origin: entry.keyOrigin ?? entry.value.origin,
                            message: "unknown key \"\(entry.key.prefix(80))\"\(place)"
                                + Spelling.suggestion(for: entry.key, among: keys),
                            remedy: "keys\(place): \(keys.joined(separator: ", "))"))
                }
            }
            return known
        case .scalar, .list:
            problems.append(
                StudyProblem(
                    path: path, origin: node.origin,
                    message: "\(path.isEmpty ? what : path) must be a mapping, found \(node.kind)",
                    remedy: "write one `key: value` a line; keys: \(keys.joined(separator: ", "))"))
            return [:]
        }
    }

    /// A section of which one setting may stand for the whole: `model: vgg11` for `model: {architecture: vgg11}`.
    package mutating func section(_ node: StudyNode?, orWord key: String, at path: String, keys: [String]) -> [String: StudyNode] {
        if let node, case .scalar = node.content { return [key: node] }
        return section(node, at: path, keys: keys)
    }

    package mutating func text(_ section: [String: StudyNode], _ key: String, at path: String) -> String? {
        guard let node = section[key] else { return nil }
        if case .scalar(let text) = node.content, !text.isEmpty { return text }
        refuse(node, SettingReader.join(path, key), expected: "a text")
        return nil
    }

    /// A list of texts, each of which may be empty.
    package mutating func texts(_ section: [String: StudyNode], _ key: String, at path: String) -> [String]? {
        guard let node = section[key] else { return nil }
        if case .list(let elements) = node.content {
            let texts = elements.compactMap { if case .scalar(let text) = $0.content { text } else { nil } }
            if texts.count == elements.count { return texts }
        }
        refuse(node, SettingReader.join(path, key), expected: "a list of texts")
        return nil
    }

    /// Keys of the writer's own with a text each.
    package mutating func labels(_ section: [String: StudyNode], _ key: String, at path: String) -> [String: String]? {
        guard let node = section[key] else { return nil }
        let path = SettingReader.join(path, key)
        if case .mapping(let entries) = node.content {
            var labels: [String: String] = [:]
            for entry in entries { if case .scalar(let text) = entry.value.content { labels[entry.key] = text } }
            if labels.count == entries.count { return labels }
        }
        refuse(node, path, expected: "a mapping of labels, for example {class: zen4}")
        return nil
    }

    package mutating func truth(_ section: [String: StudyNode], _ key: String, at path: String) -> Bool? {
        guard let node = section[key] else { return nil }
        if case .scalar(let text) = node.content, let value = Bool(text) { return value }
        refuse(node, SettingReader.join(path, key), expected: "true or false")
        return nil
    }

    package mutating func integer(_ section: [String: StudyNode], _ key: String, at path: String) -> Int? {
        guard let node = section[key] else { return nil }
        if case .scalar(let text) = node.content, let value = Int(text) { return value }
        refuse(node, SettingReader.join(path, key), expected: "a whole number")
        return nil
    }

    package mutating func number(_ section: [String: StudyNode], _ key: String, at path: String) -> Double? {
        guard let node = section[key] else { return nil }
        if case .scalar(let text) = node.content, let value = Double(text), value.isFinite { return value }
        refuse(node, SettingReader.join(path, key), expected: "a number")
        return nil
    }

    /// Notes that a setting is not what it must be.
    package mutating func refuse(_ node: StudyNode, _ path: String, expected: String) {
        problems.append(
            StudyProblem(
                path: path, origin: origins[path] ?? node.origin, message: "\(path) must be \(expected), found \(node.kind)",
                remedy: "correct the value, or leave the key out for its default if it has one"))
    }

    /// Notes where a setting was written.
    package mutating func note(_ path: String, at origin: Origin?) { origins[path] = origin }

    package static func join(_ path: String, _ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
}
