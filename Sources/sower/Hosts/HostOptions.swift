import ArgumentParser
import Coordination
import Studies

/// What a host may be used for, as its user says.
struct HostOptions: ParsableArguments {
    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "What this host is called, for studies whose jobs need it, e.g. class=zen4. May be repeated.", valueName: "key=value"))
    var label: [String] = []

    @Flag(help: "Run the programs that studies name (external trainers, commands), as this user.")
    var allowCommand = false

    var labels: Labels { Labels(Dictionary(Self.parts(of: label), uniquingKeysWith: { $1 })) }

    /// As arguments of a worker.
    var arguments: [String] { label.flatMap { ["--label", $0] } + (allowCommand ? ["--allow-command"] : []) }

    /// What another run needs to be like this one, as words of its command.
    var words: String { arguments.map { " " + shellWord($0) }.joined() }

    func validate() throws {
        for text in label {
            let parts = Self.parts(of: [text])
            guard let part = parts.first, Labels.isPart(part.0), Labels.isPart(part.1) else {
                throw ValidationError(
                    "--label \(text.prefix(200)): expected KEY=VALUE, each of 1 to 64 of A–Z a–z 0–9 . _ -, for example class=zen4")
            }
        }
        let keys = Self.parts(of: label).map(\.0)
        guard Set(keys).count == keys.count else {
            throw ValidationError("--label: \(keys.sorted().joined(separator: ", ")): each key once")
        }
        guard keys.count <= StudyLimits.labels else {
            throw ValidationError("--label: \(keys.count) labels, at most \(StudyLimits.labels)")
        }
    }

    private static func parts(of labels: [String]) -> [(String, String)] {
        labels.compactMap { text in
            text.firstIndex(of: "=").map { (String(text[..<$0]), String(text[text.index(after: $0)...])) }
        }
    }
}
