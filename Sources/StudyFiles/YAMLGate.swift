import Studies
import Yams

/// Turns YAML into a tree of texts, within limits that hold before any value is looked at.
///
/// One document, at most 256 KiB, 16 levels deep and of 10 000 values, no anchors or aliases (so no document larger than its
/// text), no duplicate keys. Nothing is converted: whether `yes` is a text or a truth value is the reader's business.
package enum YAMLGate {
    /// What a file is, in the words of an error message.
    package struct Document: Sendable {
        /// "study file".
        package var name: String
        /// What to do about an empty one.
        package var beginning: String

        package init(name: String, beginning: String) {
            self.name = name
            self.beginning = beginning
        }

        package static let study = Document(
            name: "study file", beginning: "begin with `study: NAME`; `sower plan demo` shows a study that runs")
    }

    /// Errors: an `InvalidStudy` with exactly one problem.
    package static func tree(of text: String, as document: Document = .study) throws(InvalidStudy) -> StudyNode {
        guard text.utf8.count <= StudyFiles.maximumBytes else {
            throw refusal(
                nil, "\(text.utf8.count) bytes, more than the \(StudyFiles.maximumBytes) a \(document.name) may have",
                "is it a \(document.name)? One has a few dozen lines")
        }
        if let line = AnchorScan.firstLine(in: text) {
            throw refusal(
                line, "anchors (&name) and aliases (*name) are not allowed",
                "write the value out; a text that holds & or * must stand without a space before it")
        }
        let root: Node?
        do {
            // The composer recurses; libyaml stops at 1000 levels, long before the stack does.
            root = try Parser(yaml: text, resolver: .basic, encoding: .utf8).singleRoot()
        } catch let error as YamlError {
            throw refusal(for: error)
        } catch {
            throw refusal(nil, "not YAML: \(error)", "check the file's syntax")
        }
        guard let root else {
            throw refusal(nil, "the file is empty", document.beginning)
        }
        var count = 0
        return try convert(root, as: document, depth: 1, count: &count)
    }

    /// - Parameter count: the nodes so far.
    private static func convert(_ node: Node, as document: Document, depth: Int, count: inout Int) throws(InvalidStudy) -> StudyNode {
        let origin = node.mark.map { Origin.line($0.line) }
        guard node.anchor == nil else {
            throw refusal(node.mark?.line, "anchors (&name) are not allowed", "write the value out")
        }
        guard depth <= StudyFiles.maximumDepth else {
            throw refusal(
                node.mark?.line, "nested deeper than \(StudyFiles.maximumDepth) levels", "a \(document.name) needs no more than four")
        }
        count += 1
        guard count <= StudyFiles.maximumNodes else {
            throw refusal(
                node.mark?.line, "more than \(StudyFiles.maximumNodes) values",
                "is it a \(document.name)? One has a few dozen lines")
        }
        switch node {
        case .scalar(let scalar):
            let isNull = scalar.style == .plain && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
            return StudyNode(.scalar(isNull ? "" : scalar.string), origin: origin)
        case .sequence(let sequence):
            var elements: [StudyNode] = []
            for element in sequence { elements.append(try convert(element, as: document, depth: depth + 1, count: &count)) }
            return StudyNode(.list(elements), origin: origin)
        case .mapping(let mapping):
            var entries: [StudyNode.Entry] = []
            for (key, value) in mapping {
                guard case .scalar(let name) = key else {
                    throw refusal(key.mark?.line, "a key must be a word", "write `key: value`")
                }
                // Quoted and plain keys of one spelling differ to the composer, but not to a reader.
                guard !entries.contains(where: { $0.key == name.string }) else {
                    throw duplicate([name.string], line: key.mark?.line)
                }
                entries.append(
                    StudyNode.Entry(
                        key: name.string, keyOrigin: key.mark.map { .line($0.line) },
                        value: try convert(value, as: document, depth: depth + 1, count: &count)))
            }
            return StudyNode(.mapping(entries), origin: origin)
        case .alias(let alias):
            throw refusal(alias.mark?.line, "aliases (*name) are not allowed", "write the value out")
        }
    }

    private static func refusal(for error: YamlError) -> InvalidStudy {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            if problem.contains("another document") {
                return refusal(mark.line, "a second document begins", "keep one document a file")
            }
            let whole = [context?.text, problem].compactMap(\.self).joined(separator: " ")
            return refusal(
                mark.line, "not YAML: \(whole) (column \(mark.column))",
                "check the indentation, and quote texts that hold `: ` or ` #`")
        case .duplicatedKeysInMapping(let keys, let context):
            return duplicate(keys, line: context.mark.line)
        case .reader(let problem, _, _, _):
            return refusal(nil, "not YAML: \(problem)", "save the file as UTF-8 text")
        default:
            return refusal(nil, "not YAML", "check the file's syntax")
        }
    }

    private static func duplicate(_ keys: [String], line: Int?) -> InvalidStudy {
        let shown = keys.sorted().map { "\"\($0.prefix(80))\"" }.joined(separator: ", ")
        return refusal(line, "duplicate key \(shown)", "keep one of them")
    }

    private static func refusal(_ line: Int?, _ message: String, _ remedy: String) -> InvalidStudy {
        InvalidStudy(problems: [
            StudyProblem(path: "", origin: line.map { .line($0) }, message: message, remedy: remedy)
        ])
    }
}
