import Foundation
import Transport

// This host's own pair, and the coordinator's key that its workers expect.

extension KeyFolder {
    private var secretPath: String { path + "/identity.secret" }
    private var publicPath: String { path + "/identity.public" }
    private var previousSecretPath: String { path + "/previous.secret" }
    private var previousPublicPath: String { path + "/previous.public" }
    private var pinnedPath: String { path + "/coordinator.public" }

    /// This host's pair; throws `.noIdentity` when it has none.
    package func identity() throws(KeyError) -> KeyPair {
        try check()
        guard let pair = try pair(at: secretPath) else { throw .noIdentity(folder: path) }
        if let key = try publicKey(at: publicPath), key != pair.publicKey {
            throw .malformed(path: publicPath, reason: "it is not the public half of \(secretPath)")
        }
        return pair
    }

    /// This host's pair; `nil` when it has none.
    package func identityIfAny() throws(KeyError) -> KeyPair? {
        do throws(KeyError) {
            return try identity()
        } catch {
            guard case .noIdentity = error else { throw error }
            return nil
        }
    }

    /// This host's pair, made when there is none; two processes that do so at once get the same one.
    package func makeIdentity() throws(KeyError) -> (pair: KeyPair, isNew: Bool) {
        try prepare()
        var isNew = false
        if try pair(at: secretPath) == nil { isNew = try write(.generate(), replacing: false) }
        guard let pair = try pair(at: secretPath) else { throw .noIdentity(folder: path) }
        // A crash between the two files leaves the secret alone.
        if try publicKey(at: publicPath) == nil { try writePublic(pair, to: publicPath) }
        return (try identity(), isNew)
    }

    // MARK: Rotation

    /// A new pair; the old one is kept aside until the other side has the new key.
    package func rotate() throws(KeyError) -> (old: KeyPair, new: KeyPair) {
        let old = try identity()
        guard access(previousSecretPath, F_OK) != 0 else { throw .rotationUnderWay(path: previousSecretPath) }
        guard
            try KeyFile.write(
                old.secretKey.revealed, comment: "sower's earlier secret key: \(Self.comment)", to: previousSecretPath,
                mode: KeyFile.secretMode, replacing: false)
        else { throw .rotationUnderWay(path: previousSecretPath) }
        try writePublic(old, to: previousPublicPath)
        let new = KeyPair.generate()
        try replaceIdentity(by: new)
        return (old, new)
    }

    /// Forgets the pair before a rotation.
    package func confirmRotation() throws(KeyError) {
        try check()
        guard unlink(previousSecretPath) == 0 else { throw .noRotation(folder: path) }
        unlink(previousPublicPath)
        try KeyFile.sync(folder: path)
    }

    /// The pair before a rotation is this host's again.
    package func undoRotation() throws(KeyError) -> KeyPair {
        try check()
        guard let old = try pair(at: previousSecretPath) else { throw .noRotation(folder: path) }
        try replaceIdentity(by: old)
        try confirmRotation()
        return old
    }

    /// The public key before a rotation that is not confirmed.
    package func previousKey() throws(KeyError) -> PublicKey? { try publicKey(at: previousPublicPath) }

    // MARK: The coordinator

    /// The key that this host's workers expect of their coordinator; `nil` when none is known.
    package func pinned() throws(KeyError) -> PublicKey? {
        try check()
        return try publicKey(at: pinnedPath)
    }

    /// Expects that key from now on; the answer is the key that was expected before.
    @discardableResult package func pin(_ key: PublicKey) throws(KeyError) -> PublicKey? {
        try prepare()
        // A damaged file is what this mends.
        let earlier = try? publicKey(at: pinnedPath)
        try KeyFile.write(
            key.description, comment: "the coordinator's public key, pinned \(Self.comment)", to: pinnedPath, mode: KeyFile.publicMode,
            replacing: true)
        return earlier ?? nil
    }

    // MARK: Files

    private func pair(at path: String) throws(KeyError) -> KeyPair? {
        guard let text = try textIfThere(path) else { return nil }
        guard let secret = SecretKey(z85: text) else { throw .malformed(path: path, reason: "its key is not Z85") }
        return KeyPair(secretKey: secret)
    }

    private func write(_ pair: KeyPair, replacing: Bool) throws(KeyError) -> Bool {
        try KeyFile.write(
            pair.secretKey.revealed, comment: "sower's secret key, for nobody else: \(Self.comment)", to: secretPath,
            mode: KeyFile.secretMode, replacing: replacing)
    }

    private func writePublic(_ pair: KeyPair, to path: String) throws(KeyError) {
        try KeyFile.write(
            pair.publicKey.description, comment: "sower's public key: \(Self.comment)", to: path, mode: KeyFile.publicMode, replacing: true)
    }

    /// The public file goes first and comes last: it must never be another pair's.
    private func replaceIdentity(by pair: KeyPair) throws(KeyError) {
        guard unlink(publicPath) == 0 || errno == ENOENT else { throw .io(operation: "remove", path: publicPath, code: errno) }
        _ = try write(pair, replacing: true)
        try writePublic(pair, to: publicPath)
    }
}
