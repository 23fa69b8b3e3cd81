import Foundation
import Transport

/// A folder in which workers that nobody speaks to ask to be let in, and are answered. Both sides see it under one path, and it is
/// their user's alone; what lies in it is hostile all the same until it has been checked.
///
/// ```
/// NAME.public      a worker's public key: let it in; goes when it is answered
/// NAME.admitted    the key that was let in under that name
/// NAME.refused     the key that was not
/// ```
///
/// It may be on a network's file system: whether a file is there is read from the folder, never asked by its name, since such an
/// answer is remembered for a while.
package struct EnrolmentFolder: Sendable {
    package enum Answer: Sendable, Equatable { case admitted, refused }

    /// The names in the folder, without what they end with.
    package struct Listing: Sendable, Equatable {
        package var asking: Set<String> = []
        package var answered: Set<String> = []
        /// Whether there is anything else, or more than is looked at.
        package var hasOthers = false

        package init(asking: Set<String> = [], answered: Set<String> = [], hasOthers: Bool = false) {
            self.asking = asking
            self.answered = answered
            self.hasOthers = hasOthers
        }
    }

    /// More files are not looked at.
    package static let fileLimit = 4096
    private static let suffixes = [KeyFolder.suffix, ".admitted", ".refused"]

    package let path: String

    package init(path: String) { self.path = path }

    // MARK: The coordinator

    /// Makes the folder; throws unless it is this user's alone.
    package func prepare() throws(KeyError) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .io(operation: "create", path: path, code: errno) }
        try KeyFile.check(path, isFolder: true)
    }

    /// What is there; empty while there is no folder. Throws when somebody else could have put it there.
    package func listing() throws(KeyError) -> Listing {
        var listing = Listing()
        var count = 0
        guard let folder = opendir(path) else {
            if errno == ENOENT { return listing }
            throw .io(operation: "list", path: path, code: errno)
        }
        defer { closedir(folder) }
        try KeyFile.check(path, isFolder: true)
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            // Those with a dot in front are about to get their names.
            if name.hasPrefix(".") { continue }
            count += 1
            guard count <= Self.fileLimit else {
                listing.hasOthers = true
                break
            }
            guard let suffix = Self.suffixes.first(where: { name.hasSuffix($0) }), KeyFolder.isName(String(name.dropLast(suffix.count)))
            else {
                listing.hasOthers = true
                continue
            }
            let plain = String(name.dropLast(suffix.count))
            if suffix == KeyFolder.suffix { listing.asking.insert(plain) } else { listing.answered.insert(plain) }
        }
        return listing
    }

    /// The key that asks under a name. Throws unless its file is this user's alone, regular, small, and one key.
    package func request(of name: String) throws(KeyError) -> PublicKey {
        let file = file(name, KeyFolder.suffix)
        guard let key = PublicKey(z85: try KeyFile.read(file)) else { throw .malformed(path: file, reason: "its key is not Z85") }
        return key
    }

    /// Answers the key that has asked, in the place of an earlier answer under that name.
    package func answer(_ answer: Answer, to key: PublicKey, as name: String) throws(KeyError) {
        let (this, other) = answer == .admitted ? (".admitted", ".refused") : (".refused", ".admitted")
        unlink(file(name, other))
        try KeyFile.write(
            key.description, comment: "worker \(name), \(this.dropFirst()) \(KeyFolder.comment)", to: file(name, this),
            mode: KeyFile.publicMode, replacing: true)
    }

    /// Removes a request. Whoever has put another there meanwhile asks again.
    ///
    /// - Returns: whether it is gone.
    @discardableResult package func removeRequest(of name: String) -> Bool {
        unlink(file(name, KeyFolder.suffix)) == 0 || errno == ENOENT
    }

    /// Removes all that is there under a name.
    ///
    /// - Returns: whether it is gone.
    @discardableResult package func forget(_ name: String) -> Bool {
        // All of them, not only up to the first that stays.
        Self.suffixes.map { unlink(file(name, $0)) == 0 || errno == ENOENT }.allSatisfy { $0 }
    }

    /// Removes the folder with all files of its kind; what else somebody has put there stays, and the folder with it.
    package func remove() {
        guard (try? KeyFile.check(path, isFolder: true)) != nil else { return }
        for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        where name.hasPrefix(".new-") || Self.suffixes.contains(where: { name.hasSuffix($0) }) {
            unlink(path + "/" + name)
        }
        rmdir(path)
    }

    // MARK: The worker

    /// Asks to be let in under a name.
    package func ask(_ key: PublicKey, as name: String) throws(KeyError) {
        guard KeyFolder.isName(name) else { throw .invalidName(name) }
        try KeyFile.check(path, isFolder: true)
        try KeyFile.write(
            key.description, comment: "worker \(name) asks to be let in: \(KeyFolder.comment)", to: file(name, KeyFolder.suffix),
            mode: KeyFile.publicMode, replacing: true)
    }

    /// What the key was answered; `nil` for nothing yet. An answer to another key of that name is none.
    ///
    /// - Returns: beside the answer, whether the request still lies there; whoever has neither asks again.
    package func answer(to key: PublicKey, as name: String) throws(KeyError) -> (answer: Answer?, isAsking: Bool) {
        let listing = try listing()
        if listing.answered.contains(name) {
            for (answer, suffix) in [(Answer.refused, ".refused"), (.admitted, ".admitted")] {
                if let text = try? KeyFile.read(file(name, suffix)), text == key.description { return (answer, false) }
            }
        }
        return (nil, listing.asking.contains(name))
    }

    private func file(_ name: String, _ suffix: String) -> String { "\(path)/\(name)\(suffix)" }
}
