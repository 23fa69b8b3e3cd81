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

    /// Lets in a worker that has a key for itself, in the place of an earlier one of that name. A key that somebody else has is refused.
    ///
    /// - Returns: whether a running coordinator must read the keys again.
    package mutating func admit(_ key: PublicKey, as name: String) throws(KeyError) -> Bool {
        if let other = try folder.authorized().first(where: { $0.key == key && $0.name != name }) { throw .keyTaken(by: other.name) }
        return try enroll(key, as: name)
    }

    /// Lets in no more the key of a worker that is gone.
    ///
    /// - Returns: whether a running coordinator must read the keys again: `false` where nobody has that name, or somebody has revoked it.
    package mutating func withdraw(_ name: String) throws(KeyError) -> Bool {
        held[name] = nil
        do throws(KeyError) {
            try folder.withdraw(name)
        } catch {
            guard case .unknownName = error else { throw error }
            return false
        }
        return true
    }
}
