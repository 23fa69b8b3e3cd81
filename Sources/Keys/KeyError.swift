import Foundation

/// Why a key cannot be used. No case holds a secret, nor text that may be one.
package enum KeyError: Error, Equatable, LocalizedError {
    /// Somebody else could read or change the file or folder.
    case unsafe(path: String, found: String, expected: String, fix: String)
    /// The file holds something else than one key.
    case malformed(path: String, reason: String)
    /// This host has no key pair yet.
    case noIdentity(folder: String)
    /// No coordinator's key is known here.
    case noCoordinator(folder: String)
    /// The text is no key: how many characters it has.
    case notAKey(count: Int)
    case invalidName(String)
    /// A host of that name has another key.
    case nameTaken(String)
    /// The key is another host's already.
    case keyTaken(by: String)
    /// The key was taken away from that host.
    case revoked(name: String)
    /// The key of a worker that a sweep launches was taken away, and lies in that file.
    case launchedRevoked(name: String, file: String)
    /// The key is this host's own.
    case ownKey(folder: String)
    case unknownName(String, known: [String])
    /// There is an old key pair already.
    case rotationUnderWay(path: String)
    /// There is no old key pair.
    case noRotation(folder: String)
    case io(operation: String, path: String, code: Int32)

    package var errorDescription: String? {
        switch self {
        case .unsafe(let path, let found, let expected, _): "\(path) is \(found), expected \(expected)"
        case .malformed(let path, let reason): "\(path) is no key file: \(reason)"
        case .noIdentity(let folder): "there is no key pair of this host in \(folder)"
        case .noCoordinator(let folder): "\(folder) has no coordinator's key, so any host could pretend to be it"
        case .notAKey(let count): "the text is no public key: it has \(count) characters, or others than Z85 has; expected 40"
        case .invalidName(let name):
            "\"\(name.unicodeScalars.prefix(80).map { (32..<127).contains($0.value) ? String($0) : "?" }.joined())\" cannot name a key: "
                + "expected 1 to 64 letters, digits, dots, hyphens and underscores, the first a letter or digit"
        case .nameTaken(let name): "\(name) has another key"
        case .keyTaken(let name): "the key is enrolled already, as \(name)"
        case .revoked(let name), .launchedRevoked(let name, _): "the key was revoked, as \(name)"
        case .ownKey(let folder): "the key is this host's own, from \(folder)"
        case .unknownName(let name, let known):
            "no key is enrolled as \(name); there \(known.isEmpty ? "is none" : "are: \(known.joined(separator: ", "))")"
        case .rotationUnderWay(let path): "an earlier rotation is not confirmed: \(path) is there"
        case .noRotation(let folder): "there is no rotation to confirm or to undo in \(folder)"
        case .io(let operation, let path, let code): "could not \(operation) \(path): \(String(cString: strerror(code)))"
        }
    }

    package var recoverySuggestion: String? {
        switch self {
        case .unsafe(_, _, _, let fix): fix
        case .malformed(let path, _):
            path.hasSuffix(".secret")
                ? "Restore it, or have a new pair: rm '\(path)'; sower keys generate (the other side must then enroll or pin the new key)."
                : "Restore it, or remove it and enroll or pin the key again: rm '\(path)'"
        case .noIdentity: "Make one: sower keys generate"
        case .noCoordinator: "On the coordinator's host, `sower keys list` prints its key; then here: sower keys pin 'KEY'"
        case .notAKey: "Copy it between single quotes from what `sower keys list` prints on the other host."
        case .invalidName: "Choose a name such as lab1: sower keys enroll lab1 'KEY'"
        case .nameTaken(let name):
            "Choose another name, or put this key in its place and revoke the old one: sower keys enroll --replace \(name) 'KEY'"
        case .keyTaken: "Nothing is to be done."
        case .revoked: "Make a new pair on that host: sower keys rotate. Then enroll the new key."
        case .launchedRevoked(_, let file):
            "To let it in again: rm '\(file)'. For a new pair instead, on that host: rm -r ~/.config/sower/worker-keys (or the folder "
                + "that `keys:` names). Then: sower resume"
        case .ownKey:
            "Enroll the worker's key. When both hosts share the home directory, give the worker a folder of its own: "
                + "sower worker --keys DIR …"
        case .unknownName: "See: sower keys list"
        case .rotationUnderWay: "When the other side has the new key: sower keys rotate --confirm. To go back: sower keys rotate --undo"
        case .noRotation: "Begin one: sower keys rotate"
        case .io: "Check the folder's owner, permissions and free space, or choose another: --keys DIR"
        }
    }
}
