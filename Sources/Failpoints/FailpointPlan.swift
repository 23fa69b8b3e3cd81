import Foundation

/// What happens at a failpoint.
package enum FailpointAction: Equatable, Sendable {
    /// SIGKILL to this process: nothing is flushed, closed or told.
    case kill
    /// The call that the point stands for fails with this errno.
    case error(Int32)
    case delay(milliseconds: Int)
}

/// Which passes of a failpoint its action takes, counted from 1.
package enum FailpointHits: Equatable, Sendable {
    case every
    case only(Int)
    case from(Int)

    package func contains(_ hit: Int) -> Bool {
        switch self {
        case .every: true
        case .only(let number): hit == number
        case .from(let number): hit >= number
        }
    }
}

/// The text of `SOWER_FAILPOINTS` as values.
///
/// `NAME=ACTION[@HITS]`, several separated by `;`. An action is `kill`, `error(ERRNO)` or `delay(MILLISECONDS)`; hits are a
/// number, `first`, or a number with `+` for that one and all later ones; every pass when they are left out.
/// Example: `ledger.commit.before=kill@3;outbox.sync.after=error(ENOSPC)@first`.
package struct FailpointPlan: Equatable, Sendable {
    package struct Step: Equatable, Sendable {
        package var action: FailpointAction
        package var hits: FailpointHits

        package init(action: FailpointAction, hits: FailpointHits) {
            self.action = action
            self.hits = hits
        }
    }

    package private(set) var steps: [Failpoint: Step] = [:]

    /// A plan from its text; throws `FailpointError` for an unknown name and for anything that is not of this form.
    package init(_ text: String) throws(FailpointError) {
        for entry in text.split(separator: ";").map(\.trimmed) where !entry.isEmpty {
            guard let equals = entry.firstIndex(of: "=") else { throw .malformed(entry: entry) }
            let name = String(entry[..<equals]).trimmed
            guard let point = Failpoint(rawValue: name) else { throw .unknownName(name) }
            guard steps[point] == nil else { throw .twice(name) }
            let parts = entry[entry.index(after: equals)...].split(separator: "@", omittingEmptySubsequences: false)
            guard parts.count <= 2, let action = Self.action(String(parts[0]).trimmed),
                let hits = parts.count == 2 ? Self.hits(String(parts[1]).trimmed) : .every
            else { throw .malformed(entry: entry) }
            if case .error = action, !point.canFail { throw .cannotFail(name) }
            steps[point] = Step(action: action, hits: hits)
        }
    }

    /// The errors a disk or a host gives; others would only be spelled here, never met.
    package static let errorNames: [String: Int32] = [
        "EACCES": EACCES, "EDQUOT": EDQUOT, "EIO": EIO, "EMFILE": EMFILE, "ENOSPC": ENOSPC, "EROFS": EROFS,
    ]

    private static func action(_ text: String) -> FailpointAction? {
        if text == "kill" { return .kill }
        guard text.hasSuffix(")"), let open = text.firstIndex(of: "(") else { return nil }
        let argument = String(text[text.index(after: open)...].dropLast())
        switch text[..<open] {
        case "error": return errorNames[argument].map { .error($0) }
        case "delay": return Int(argument).flatMap { (0...600_000).contains($0) ? .delay(milliseconds: $0) : nil }
        default: return nil
        }
    }

    private static func hits(_ text: String) -> FailpointHits? {
        if text == "first" { return .only(1) }
        let isOpen = text.hasSuffix("+")
        guard let number = Int(isOpen ? String(text.dropLast()) : text), number >= 1 else { return nil }
        return isOpen ? .from(number) : .only(number)
    }
}

extension StringProtocol {
    fileprivate var trimmed: String { trimmingCharacters(in: .whitespaces) }
}
