import Studies

// The gate through which study files enter: YAML in, a validated study out. Functions of the module itself, so that they
// read `StudyFiles.decode` at the call, and no type has the module's name.

/// The most bytes a study file may have.
package let maximumBytes = 256 * 1024
/// The deepest nesting of lists and mappings.
package let maximumDepth = 16

/// A study from the text of a file and the overrides of the command line (`evaluation.replicates=2`).
///
/// `sourceName` stands in error messages, for example the file's path. Overrides are applied in order, the last one
/// wins, and are checked like lines of the file.
///
/// Errors: `StudyFileError` with all problems found.
package func decode(
    text: String, sourceName: String, overrides: [String] = []
) throws(StudyFileError) -> Study {
    let file = try read(text: text, sourceName: sourceName, overrides: overrides)
    do throws(InvalidStudy) {
        return try file.validate()
    } catch {
        throw .invalid(source: sourceName, error.problems)
    }
}

/// The study as written, with the overrides applied, not yet validated.
package func read(
    text: String, sourceName: String, overrides: [String] = []
) throws(StudyFileError) -> StudyFile {
    var root: StudyNode
    do throws(InvalidStudy) {
        root = try YAMLGate.tree(of: text)
    } catch {
        throw .unreadable(source: sourceName, error.problems[0])
    }
    var problems: [StudyProblem] = []
    for override in overrides {
        do throws(InvalidStudy) {
            try apply(override, to: &root)
        } catch {
            problems += error.problems
        }
    }
    guard problems.isEmpty else { throw .override(source: sourceName, problems) }
    return StudyFile(root)
}

/// Applies `key.path=value`. A value that begins with `[` or `{` is YAML; any other is taken as it stands.
private func apply(_ override: String, to root: inout StudyNode) throws(InvalidStudy) {
    let shown = String(override.prefix(200))
    let origin = Origin.override(shown)
    func problem(_ message: String) -> InvalidStudy {
        InvalidStudy(problems: [
            StudyProblem(
                path: "", origin: origin, message: message,
                remedy: "write the setting's path and its value, for example: --set evaluation.replicates=2")
        ])
    }
    guard let equals = override.firstIndex(of: "="), override.utf8.count <= maximumBytes else {
        throw problem("an override needs the form key=value")
    }
    let key = override[..<equals].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    let value = String(override[override.index(after: equals)...])
    guard key.allSatisfy({ !$0.isEmpty }), key.count <= maximumDepth else {
        throw problem("\"\(override[..<equals].prefix(80))\" is not a path of keys")
    }
    let node: StudyNode
    if value.hasPrefix("[") || value.hasPrefix("{") {
        do throws(InvalidStudy) {
            node = try YAMLGate.tree(of: value).with(origin: origin)
        } catch {
            throw problem(error.problems[0].message)
        }
    } else {
        node = StudyNode(.scalar(value), origin: origin)
    }
    try root.set(key, to: node, origin: origin)
}

extension StudyNode {
    /// The node with everything in it written at `origin`.
    fileprivate func with(origin: Origin) -> StudyNode {
        switch content {
        case .scalar: StudyNode(content, origin: origin)
        case .list(let elements): StudyNode(.list(elements.map { $0.with(origin: origin) }), origin: origin)
        case .mapping(let entries):
            StudyNode(
                .mapping(entries.map { Entry(key: $0.key, keyOrigin: origin, value: $0.value.with(origin: origin)) }),
                origin: origin)
        }
    }
}
