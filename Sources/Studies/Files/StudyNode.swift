/// A study as a tree of texts, lists and mappings, before anyone knows what its keys mean.
///
/// The file gate makes one from YAML; overrides are applied to it; `StudyFile` reads it. Every node knows where it was
/// written, so that a problem found much later still names a line.
package struct StudyNode: Sendable, Equatable {
    package enum Content: Sendable, Equatable {
        case scalar(String)
        case list([StudyNode])
        case mapping([Entry])
    }

    /// One key of a mapping. Keys are unique: the file gate refuses duplicates.
    package struct Entry: Sendable, Equatable {
        package var key: String
        package var keyOrigin: Origin?
        package var value: StudyNode

        package init(key: String, keyOrigin: Origin?, value: StudyNode) {
            self.key = key
            self.keyOrigin = keyOrigin
            self.value = value
        }
    }

    package var content: Content
    package var origin: Origin?

    package init(_ content: Content, origin: Origin? = nil) {
        self.content = content
        self.origin = origin
    }

    /// What the node is, in the words of an error message.
    package var kind: String {
        switch content {
        case .scalar(""): "nothing"
        case .scalar(let text): "\"\(text.prefix(80))\""
        case .list: "a list"
        case .mapping: "a mapping"
        }
    }

    /// The entry of a mapping's key; `nil` for a missing key and for every node that is not a mapping.
    package subscript(key key: String) -> StudyNode? {
        guard case .mapping(let entries) = content else { return nil }
        return entries.first { $0.key == key }?.value
    }
}

/// Where a setting was written.
package enum Origin: Sendable, Equatable {
    /// A line of the study file, counted from 1.
    case line(Int)
    /// An option of the command line, as it was given: `--set seed=2`.
    case argument(String)
}
