import Transport

/// The keys of the workers that one sweep launches: each is let in over the connection that starts it, under its entry's name.
///
/// That connection is trusted, so a key that another takes the place of is withdrawn and not revoked: behind one name there may be
/// several hosts in turn. What a person has revoked stays revoked.
package struct LaunchedKeys {
    private let folder: KeyFolder
    /// The key that each entry came with last.
    private var held: [String: PublicKey] = [:]

    package init(_ folder: KeyFolder) { self.folder = folder }

    /// Lets an entry's worker in, in the place of the entry's earlier key. That one goes on under the name of another entry that has
    /// come with it: hosts with one home have one key.
    ///
    /// - Returns: whether a running coordinator must read the keys again.
    package mutating func enroll(_ key: PublicKey, as name: String) throws(KeyError) -> Bool {
        held[name] = key
        let earlier = try folder.authorized().first { $0.name == name }?.key
        do throws(KeyError) {
            return try folder.enroll(key, as: name)
        } catch {
            switch error {
            case .nameTaken: break
            case .keyTaken: return true
            case .revoked(let revoked): throw .launchedRevoked(name: revoked, file: folder.revokedFile(revoked))
            default: throw error
            }
        }
        try folder.withdraw(name)
        try folder.enroll(key, as: name)
        if let earlier, let other = held.filter({ $0.value == earlier }).keys.min() { _ = try enroll(earlier, as: other) }
        return true
    }
}
