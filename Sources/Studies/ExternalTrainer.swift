import Digests

/// A program that trains in place of Sower's own engine, as a study declares it.
///
/// What it is handed and what it must leave is the contract in `scripts/trainers/README.md`.
package struct ExternalTrainer: Sendable, Equatable, Codable {
    /// What tables and numeric classes call it.
    package var name: String
    /// The program and its arguments; no shell reads them. Files among them are relative to the working directory, as declared.
    package var command: [String]
    /// The files among the arguments; `nil` until they have been looked for. A study is expanded only when they have been.
    package var files: [File]?

    /// An argument that is a file of the trainer's: its script, or what that reads.
    package struct File: Sendable, Equatable, Codable {
        /// Its place in `command`.
        package var argument: Int
        /// Absolute; it says nothing about results.
        package var path: String
        package var digest: Digest

        package init(argument: Int, path: String, digest: Digest) {
            self.argument = argument
            self.path = path
            self.digest = digest
        }
    }

    package init(name: String, command: [String], files: [File]? = nil) {
        self.name = name
        self.command = command
        self.files = files
    }

    /// What decides what it computes: files by their names and their content, wherever they lie.
    package var spec: TrainerSpec {
        let files = files ?? []
        var arguments = command
        for file in files { arguments[file.argument] = Self.lastComponent(of: file.path) }
        return TrainerSpec(
            name: name, arguments: arguments,
            files: files.map { TrainerSpec.File(argument: $0.argument, digest: $0.digest) })
    }

    /// Where the files lie, in the order of the specification's.
    package var paths: [String] { (files ?? []).map(\.path) }

    /// The same without places.
    var identity: ExternalTrainer {
        var identity = self
        identity.command = spec.arguments
        identity.files = files.map { $0.map { File(argument: $0.argument, path: "", digest: $0.digest) } }
        return identity
    }

    /// A name from the program's, or from the script's that an interpreter is given.
    static func defaultName(of command: [String]) -> String? {
        let script = command.dropFirst().first { !$0.hasPrefix("-") && $0.contains(".") }
        var stem = Substring(lastComponent(of: script ?? command.first ?? ""))
        if let dot = stem.lastIndex(of: "."), dot != stem.startIndex { stem = stem[..<dot] }
        return StudyLimits.name(from: String(stem))
    }

    private static func lastComponent(of path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }
}

/// The program that runs a training, as part of the training's identity.
package struct TrainerSpec: Sendable, Hashable, Codable {
    package var name: String
    /// The program and its arguments; a file of the trainer's own stands here by its last path component.
    package var arguments: [String]
    package var files: [File]

    package struct File: Sendable, Hashable, Codable {
        /// Its place among the arguments.
        package var argument: Int
        package var digest: Digest

        package init(argument: Int, digest: Digest) {
            self.argument = argument
            self.digest = digest
        }
    }

    package init(name: String, arguments: [String], files: [File] = []) {
        self.name = name
        self.arguments = arguments
        self.files = files
    }

    /// Its results are of a class of their own: they are never mixed unseen with the engine's.
    package var numericClass: String { "external:\(name)" }

    /// The arguments with the files at `paths`, one a file; `nil` when they do not fit together.
    package func arguments(paths: [String]) -> [String]? {
        guard paths.count == files.count, files.allSatisfy({ arguments.indices.contains($0.argument) }) else { return nil }
        var result = arguments
        for (file, path) in zip(files, paths) { result[file.argument] = path }
        return result
    }
}
