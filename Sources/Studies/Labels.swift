/// What a host's owner calls it (`class=zen4`), or what a job wants of the host that runs it.
///
/// Labels decide where a job runs, never what it computes: they are no part of a job's identity.
package struct Labels: Sendable, Hashable {
    package private(set) var values: [String: String]

    package init(_ values: [String: String] = [:]) { self.values = values }

    package static let none = Labels()

    package var isEmpty: Bool { values.isEmpty }
    package var count: Int { values.count }

    /// Whether a host with these labels has everything that is wanted.
    package func contains(_ wanted: Labels) -> Bool { wanted.values.allSatisfy { values[$0.key] == $0.value } }

    /// Those that both have.
    package func common(with other: Labels) -> Labels { Labels(values.filter { other.values[$0.key] == $0.value }) }

    /// Both together; where they differ, `other` counts.
    package func overridden(by other: Labels) -> Labels { Labels(values.merging(other.values) { $1 }) }

    /// In the order of their keys.
    package var sorted: [(key: String, value: String)] { values.sorted { $0.key < $1.key } }

    /// `class=zen4, gpu=yes`; empty for none.
    package var words: String { sorted.map { "\($0.key)=\($0.value)" }.joined(separator: ", ") }

    /// Whether a text can be a label's key or value: 1 to 64 of `A–Z a–z 0–9 . _ -`, not starting with a dot or a dash.
    package static func isPart(_ text: String) -> Bool { StudyLimits.isName(text) }
}

/// The JSON form is that of the map.
extension Labels: Codable {
    package init(from decoder: any Decoder) throws { values = try [String: String](from: decoder) }
    package func encode(to encoder: any Encoder) throws { try values.encode(to: encoder) }
}
