import Studies

// The gate through which study files enter: YAML in, a validated study out. Functions of the module itself, so that they
// read `StudyFiles.decode` at the call, and no type has the module's name.

/// The most bytes a study file may have.
package let maximumBytes = 256 * 1024
/// The deepest nesting of lists and mappings.
package let maximumDepth = 16
/// The most texts, lists and mappings together: a study of 200 arms, every setting written, has about 2000.
package let maximumNodes = 10_000

/// A study from the text of a file and the overrides of the command line (`evaluation.replicates=2`).
///
/// `sourceName` stands in error messages, for example the file's path. Overrides are applied in order, the last one
/// wins, and are checked like lines of the file. Each of `stateDicts`, `[NAME=]FILE`, adds a state-dict arm to the list.
///
/// Errors: `StudyFileError` with all problems found.
package func decode(
    text: String, sourceName: String, stateDicts: [String] = [], overrides: [String] = []
) throws(StudyFileError) -> Study {
    let file = try read(text: text, sourceName: sourceName, stateDicts: stateDicts, overrides: overrides)
    do throws(InvalidStudy) {
        return try file.validate()
    } catch {
        throw .invalid(source: sourceName, error.problems)
    }
}

/// The study as written, with the arguments applied, not yet validated.
package func read(
    text: String, sourceName: String, stateDicts: [String] = [], overrides: [String] = []
) throws(StudyFileError) -> StudyFile {
    var root: StudyNode
    do throws(InvalidStudy) {
        root = try YAMLGate.tree(of: text)
    } catch {
        throw .unreadable(source: sourceName, error.problems[0])
    }
    var problems: [StudyProblem] = []
    func collect(_ body: () throws(InvalidStudy) -> Void) {
        do throws(InvalidStudy) {
            try body()
        } catch {
            problems += error.problems
        }
    }
    // An override of the whole list would drop what was added to it; those of single settings may be of an added arm.
    let added = overrides.lastIndex { $0.hasPrefix("arms=") }.map { $0 + 1 } ?? 0
    for override in overrides[..<added] { collect { () throws(InvalidStudy) in try apply(override, to: &root) } }
    for argument in stateDicts { collect { () throws(InvalidStudy) in try addStateDict(argument, to: &root) } }
    for override in overrides[added...] { collect { () throws(InvalidStudy) in try apply(override, to: &root) } }
    guard problems.isEmpty else { throw .argument(source: sourceName, problems) }
    return StudyFile(root)
}

/// Applies `key.path=value`. A value that begins with `[` or `{` is YAML; any other is taken as it stands.
private func apply(_ override: String, to root: inout StudyNode) throws(InvalidStudy) {
    let origin = Origin.argument("--set \(override.prefix(200))")
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

/// Adds the arm that `--from-state-dict [NAME=]FILE` asks for; without a name it has the file's, made a legal one.
private func addStateDict(_ argument: String, to root: inout StudyNode) throws(InvalidStudy) {
    let origin = Origin.argument("--from-state-dict \(argument.prefix(200))")
    // A folder's name may hold an equals sign, an arm's name no slash; one that is made here no dot, so that `--set
    // arms.NAME.head=fresh` finds it.
    let equals = argument.firstIndex(of: "=").flatMap { argument[..<$0].contains("/") ? nil : $0 }
    let path = equals.map { String(argument[argument.index(after: $0)...]) } ?? argument
    var stem = Substring(path.split(separator: "/").last ?? "")
    if let dot = stem.lastIndex(of: "."), dot != stem.startIndex { stem = stem[..<dot] }
    let ownName = StudyLimits.name(from: String(stem.replacing(".", with: "-")))
    guard let name = equals.map({ String(argument[..<$0]) }) ?? ownName, !path.isEmpty else {
        throw InvalidStudy(problems: [
            StudyProblem(
                path: "arms", origin: origin, message: "an arm from a file needs the form NAME=FILE",
                remedy: "name the arm and the safetensors file, for example: --from-state-dict mine=models/mine.safetensors")
        ])
    }
    func entry(_ key: String, _ text: String) -> StudyNode.Entry {
        StudyNode.Entry(key: key, keyOrigin: origin, value: StudyNode(.scalar(text), origin: origin))
    }
    let arm = StudyNode(
        .mapping([entry("name", name), entry("method", "state-dict"), entry("path", path)]), origin: origin)
    root.appendArm(arm, origin: origin)
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
