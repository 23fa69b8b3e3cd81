import Foundation
import Studies

/// A lineage as lines for a terminal.
///
/// Trainings that differ in pair and seeds alone, and were made from nothing, stand together unless `isFull`; the links of a chain
/// stand below each other, not inside each other.
struct LineageText {
    var isFull: Bool
    private(set) var lines: [String] = []
    private var knownSettings: [[String]] = []

    init(_ root: LineageNode, isFull: Bool) {
        self.isFull = isFull
        appendDetails(of: root, indent: "")
        append(sources: root.sources, indent: "")
    }

    /// More than this many alike stand together.
    private static let alikeCount = 2
    private static let width = 100

    // MARK: The tree

    private mutating func append(sources: [LineageNode], indent: String) {
        var rest = sources[...]
        while let node = rest.first {
            let alike = isFull ? [node] : Array(rest.prefix { Self.isAlike($0, node) })
            if alike.count > Self.alikeCount {
                append(group: alike, indent: indent, isLast: alike.count == rest.count)
                rest = rest.dropFirst(alike.count)
            } else {
                rest = rest.dropFirst()
                append(node, indent: indent, isLast: rest.isEmpty)
            }
        }
    }

    private mutating func append(_ node: LineageNode, indent: String, isLast: Bool) {
        let below = indent + (isLast ? "   " : "│  ")
        lines.append("\(indent)\(isLast ? "└─" : "├─") \(node.job.prefix(12))  \(node.state)  \(node.what)")
        if node.isRepeated {
            lines.append(below + "  (its own sources stand above)")
            return
        }
        appendDetails(of: node, indent: below + "  ")
        // A link of a chain goes on where its successor stands.
        let isChained = node.sources.count == 1 && Self.isTrainingFromWeights(node) && isLast
        append(sources: node.sources, indent: isChained ? indent : below)
    }

    /// Some trainings at once: what they share, then where each is.
    private mutating func append(group: [LineageNode], indent: String, isLast: Bool) {
        let below = indent + (isLast ? "   " : "│  ") + "  "
        let first = group[0]
        lines.append("\(indent)\(isLast ? "└─" : "├─") \(group.count) times  \(first.state)  \(Self.commonWords(of: first))")
        appendSettings(of: first, indent: below)
        lines += Self.wrapped(Self.places(of: group), indent: below)
        let names = group.map { node -> String in
            guard case .train(let spec)? = node.spec else { return String(node.job.prefix(12)) }
            return "\(Study.name(of: spec.superclasses)) \(node.job.prefix(12))"
        }
        lines += Self.wrapped(names, indent: below)
    }

    // MARK: One job

    private mutating func appendDetails(of node: LineageNode, indent: String) {
        appendSettings(of: node, indent: indent)
        let seeds = node.seeds.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        if !seeds.isEmpty { lines.append(indent + "seeds: " + seeds.joined(separator: ", ")) }
        lines += Self.wrapped(place(of: node), indent: indent)
        let artifacts = node.artifacts.map {
            "\($0.name) \(isFull ? $0.digest : String($0.digest.prefix(12))) (\($0.size) bytes\($0.isStored ? "" : ", NOT in the store"))"
        }
        lines += Self.wrapped(artifacts, indent: indent)
        if isFull { lines.append("\(indent)specification: \(node.specification)") }
    }

    /// Once for all trainings that have them.
    private mutating func appendSettings(of node: LineageNode, indent: String) {
        guard let settings = node.spec?.settings else { return }
        lines += knownSettings.contains(settings) && !isFull ? [indent + "recipe as above"] : Self.wrapped(settings, indent: indent)
        knownSettings.append(settings)
    }

    private func place(of node: LineageNode) -> [String] {
        guard let attempt = node.attempt else { return [] }
        return [
            node.host.map { "on \($0)" }, node.seconds.map { String(format: "%.1f s", $0) },
            node.engineVersion.map { "engine version \($0)" }, node.numericClass.map { "numeric class \($0)" },
            node.attempts > 1 ? "attempt \(attempt) of \(node.attempts)" : nil, node.settledAt.map { $0.formatted(.iso8601) },
        ].compactMap { $0 }
    }

    // MARK: What is alike

    private static func isTrainingFromWeights(_ node: LineageNode) -> Bool {
        if case .train(let spec)? = node.spec, case .weights = spec.start { true } else { false }
    }

    /// Trainings of one recipe from their default start, in one state.
    private static func isAlike(_ a: LineageNode, _ b: LineageNode) -> Bool {
        func common(_ node: LineageNode) -> TrainSpec? {
            guard case .train(var spec)? = node.spec, node.sources.isEmpty, !node.isRepeated else { return nil }
            spec.superclasses = []
            spec.seeds = TrainSeeds(weights: 0, order: 0, augmentation: 0)
            return spec
        }
        guard let first = common(a), let second = common(b) else { return false }
        return first == second && a.state == b.state
    }

    private static func commonWords(of node: LineageNode) -> String {
        guard case .train(let spec)? = node.spec else { return node.what }
        return node.what.replacingOccurrences(of: " on superclasses \(Study.name(of: spec.superclasses))", with: "")
    }

    /// Hosts, classes, seconds and what lies in the store, of all together.
    private static func places(of group: [LineageNode]) -> [String] {
        func counted(_ values: [String]) -> String {
            Dictionary(grouping: values) { $0 }.sorted { $0.key < $1.key }
                .map { $0.value.count == group.count ? $0.key : "\($0.key) (\($0.value.count))" }.joined(separator: ", ")
        }
        let seconds = group.compactMap(\.seconds).sorted()
        let artifacts = group.flatMap(\.artifacts)
        let stored = artifacts.count { $0.isStored }
        let whole = "all \(stored) artifacts in the store"
        let lacking = "\(artifacts.count - stored) of \(artifacts.count) artifacts NOT in the store"
        let (hosts, classes) = (counted(group.compactMap(\.host)), counted(group.compactMap(\.numericClass)))
        return [
            hosts.isEmpty ? nil : "on " + hosts,
            seconds.isEmpty ? nil : String(format: "%.1f to %.1f s", seconds[0], seconds[seconds.count - 1]),
            classes.isEmpty ? nil : "numeric class " + classes,
            artifacts.isEmpty ? nil : stored == artifacts.count ? whole : lacking,
        ].compactMap { $0 }
    }

    /// Parts with commas between them, on as many lines as they need.
    private static func wrapped(_ parts: [String], indent: String) -> [String] {
        var lines: [String] = []
        var line = ""
        for part in parts {
            if !line.isEmpty, indent.count + line.count + part.count + 2 > width {
                lines.append(indent + line + ",")
                line = ""
            }
            line += line.isEmpty ? part : ", " + part
        }
        return lines + (line.isEmpty ? [] : [indent + line])
    }
}
