import Foundation
import Transport

// The workers that this host's coordinators let in, and those that they let in no more.

/// A public key under the name that a person has given it.
package struct NamedKey: Sendable, Hashable {
    package var name: String
    package var key: PublicKey
}

extension KeyFolder {
    static let suffix = ".public"
    static let keyLimit = 10_000

    /// Whether a name may be part of a file's name.
    package static func isName(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        func isPlain(_ byte: UInt8) -> Bool { (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) }
        guard (1...64).contains(bytes.count), isPlain(bytes[0]) else { return false }
        return bytes.allSatisfy { isPlain($0) || [45, 46, 95].contains($0) }
    }

    package func authorized() throws(KeyError) -> [NamedKey] {
        try check()
        return try keys(in: authorizedPath)
    }

    package func revoked() throws(KeyError) -> [NamedKey] {
        try check()
        return try keys(in: revokedPath)
    }

    /// The keys that are let in. Throws at the first file that is not as it must be.
    package func admitted() throws(KeyError) -> Set<PublicKey> {
        Set(try authorized().map(\.key)).subtracting(try revoked().map(\.key))
    }

    /// The keys that are let in, as far as the files can be read, and what is wrong with the others: for a coordinator that is
    /// running, where a damaged file must not keep another key from being revoked. A file that cannot be read lets nobody in.
    package func admittedLeniently() -> (keys: Set<PublicKey>, problems: [String]) {
        var problems: [String] = []
        func text(_ error: KeyError) -> String { error.localizedDescription }
        func keys(in folder: String) -> Set<PublicKey>? {
            do throws(KeyError) {
                return Set(
                    try files(in: folder).compactMap { path -> PublicKey? in
                        do throws(KeyError) { return try publicKey(at: path) } catch {
                            problems.append(text(error))
                            return nil
                        }
                    })
            } catch {
                problems.append(text(error))
                return nil
            }
        }
        do throws(KeyError) { try check() } catch {
            problems.append(text(error))
            return ([], problems)
        }
        guard let authorized = keys(in: authorizedPath), let revoked = keys(in: revokedPath) else { return ([], problems) }
        return (authorized.subtracting(revoked), problems)
    }

    /// Lets a worker's key in under a name. With `replacing` the name's earlier key is revoked.
    ///
    /// - Returns: whether anything changed: `false` when the name has that key already.
    @discardableResult
    package func enroll(_ key: PublicKey, as name: String, replacing: Bool = false) throws(KeyError) -> Bool {
        guard Self.isName(name) else { throw .invalidName(name) }
        try prepare()
        if let own = try? identity(), own.publicKey == key { throw .ownKey(folder: path) }
        if let earlier = try revoked().first(where: { $0.key == key }) { throw .revoked(name: earlier.name) }
        if let other = try authorized().first(where: { $0.key == key }) {
            guard other.name == name else { throw .keyTaken(by: other.name) }
            return false
        }
        if replacing, access(authorizedFile(name), F_OK) == 0 { try revoke(name) }
        guard
            try KeyFile.write(
                key.description, comment: "worker \(name), enrolled \(Self.comment)", to: authorizedFile(name), mode: KeyFile.publicMode,
                replacing: false)
        else { throw .nameTaken(name) }
        return true
    }

    /// Lets a worker's key in no more, ever.
    package func revoke(_ name: String) throws(KeyError) {
        guard Self.isName(name) else { throw .invalidName(name) }
        try prepare()
        // Not read: a damaged file lets nobody in, and is moved like any other.
        let file = authorizedFile(name)
        guard access(file, F_OK) == 0 else { throw .unknownName(name, known: names(in: authorizedPath)) }
        // A name may have been revoked before, with another key. In both folders at once, a key is revoked.
        var number = 1
        while link(file, "\(revokedPath)/\(number == 1 ? name : "\(name)-\(number)")\(Self.suffix)") != 0 {
            guard errno == EEXIST, number < Self.keyLimit else { throw .io(operation: "move to \(revokedPath)", path: file, code: errno) }
            number += 1
        }
        try KeyFile.sync(folder: revokedPath)
        guard unlink(file) == 0 else { throw .io(operation: "remove", path: file, code: errno) }
        try KeyFile.sync(folder: authorizedPath)
    }

    /// Lets the name's key in no more, until somebody enrolls it again.
    package func withdraw(_ name: String) throws(KeyError) {
        guard Self.isName(name) else { throw .invalidName(name) }
        try prepare()
        let file = authorizedFile(name)
        guard unlink(file) == 0 else {
            guard errno != ENOENT else { throw .unknownName(name, known: names(in: authorizedPath)) }
            throw .io(operation: "remove", path: file, code: errno)
        }
        try KeyFile.sync(folder: authorizedPath)
    }

    private func authorizedFile(_ name: String) -> String { "\(authorizedPath)/\(name)\(Self.suffix)" }

    func revokedFile(_ name: String) -> String { "\(revokedPath)/\(name)\(Self.suffix)" }

    private func keys(in folder: String) throws(KeyError) -> [NamedKey] {
        var keys: [NamedKey] = []
        for path in try files(in: folder) {
            let name = String(path.dropFirst(folder.count + 1).dropLast(Self.suffix.count))
            guard Self.isName(name) else { throw .invalidName(name) }
            if let key = try publicKey(at: path) { keys.append(NamedKey(name: name, key: key)) }
        }
        return keys
    }

    /// The key files of a folder in the order of their names. What does not end like one is passed over.
    private func files(in folder: String) throws(KeyError) -> [String] {
        guard access(folder, F_OK) == 0 else { return [] }
        let names: [String]
        do { names = try FileManager.default.contentsOfDirectory(atPath: folder) } catch {
            throw .io(operation: "list", path: folder, code: errno)
        }
        let files = names.filter { $0.hasSuffix(Self.suffix) && !$0.hasPrefix(".") }.sorted()
        guard files.count <= Self.keyLimit else {
            throw .malformed(path: folder, reason: "it has \(files.count) keys, expected at most \(Self.keyLimit)")
        }
        return files.map { folder + "/" + $0 }
    }

    private func names(in folder: String) -> [String] {
        ((try? files(in: folder)) ?? []).map { String($0.dropFirst(folder.count + 1).dropLast(Self.suffix.count)) }
    }
}
