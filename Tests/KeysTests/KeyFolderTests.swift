import Foundation
import Keys
import Testing
import Transport

/// A key folder that goes with this object.
final class TemporaryKeys {
    let folder: KeyFolder

    init() { folder = KeyFolder(path: FileManager.default.temporaryDirectory.path + "/sower-keys-\(UUID().uuidString)/below/keys") }

    deinit {
        try? FileManager.default.removeItem(
            atPath: URL(fileURLWithPath: folder.path).deletingLastPathComponent().deletingLastPathComponent().path)
    }

    func path(_ name: String) -> String { folder.path + "/" + name }

    func mode(_ name: String) -> Int {
        var status = stat()
        return lstat(path(name), &status) == 0 ? Int(status.st_mode & 0o7777) : -1
    }

    var names: [String] { (try? FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted()) ?? [] }

    func write(_ text: String, to name: String, mode: mode_t) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path(name)))
        chmod(path(name), mode)
    }
}

@Suite struct KeyFolderTests {
    private let keys = TemporaryKeys()

    @Test func `the pair is made once, private from its first moment on, whatever the mask`() throws {
        let mask = umask(0)
        defer { umask(mask) }
        let (pair, isNew) = try keys.folder.makeIdentity()
        #expect(isNew)
        let again = try keys.folder.makeIdentity()
        #expect(!again.isNew && again.pair.publicKey == pair.publicKey)
        #expect(try keys.folder.identity().publicKey == pair.publicKey)
        #expect(keys.mode("identity.secret") == 0o400 && keys.mode("identity.public") == 0o600 && keys.mode("authorized") == 0o700)
        #expect(keys.names == ["authorized", "identity.public", "identity.secret", "revoked", "running"])
        // A crash between the two files leaves the secret alone.
        unlink(keys.path("identity.public"))
        #expect(try keys.folder.makeIdentity().pair.publicKey == pair.publicKey)
        #expect(keys.mode("identity.public") == 0o600)
    }

    @Test func `many that make the pair at once get the same one`() throws {
        nonisolated(unsafe) var found = [PublicKey?](repeating: nil, count: 16)
        let lock = NSLock()
        let folder = keys.folder
        DispatchQueue.concurrentPerform(iterations: 16) { index in
            let key = try? folder.makeIdentity().pair.publicKey
            lock.withLock { found[index] = key }
        }
        #expect(Set(found).count == 1 && found[0] != nil)
    }

    @Test func `a folder or file that others can read or change is refused with the command that mends it`() throws {
        _ = try keys.folder.makeIdentity()
        try keys.folder.enroll(KeyPair.generate().publicKey, as: "lab1")
        for (name, mode, right) in [
            ("", 0o755, 0o700), ("", 0o701, 0o700), ("authorized", 0o770, 0o700), ("revoked", 0o705, 0o700),
            ("identity.secret", 0o440, 0o400),
            ("identity.secret", 0o604, 0o400), ("identity.public", 0o644, 0o600), ("authorized/lab1.public", 0o620, 0o600),
        ] {
            let path = name.isEmpty ? keys.folder.path : keys.path(name)
            chmod(path, mode_t(mode))
            defer { chmod(path, mode_t(right)) }
            let error = #expect(throws: KeyError.self, "\(name) \(mode)") {
                _ = try keys.folder.identity()
                _ = try keys.folder.admitted()
            }
            let text = try #require(error?.errorDescription)
            #expect(
                text.contains(path) && text.contains("0" + String(mode, radix: 8))
                    && text.contains("expected mode 0" + String(right, radix: 8)), "\(text)")
            #expect(error?.recoverySuggestion?.hasPrefix("chmod 0\(String(right, radix: 8)) '\(path)'") == true)
        }
        _ = try keys.folder.identity()
        #expect(try keys.folder.admitted().count == 1)
    }

    @Test func `a symbolic link, a pipe and another user's file are refused`() throws {
        let (pair, _) = try keys.folder.makeIdentity()
        let elsewhere = FileManager.default.temporaryDirectory.path + "/sower-elsewhere-\(UUID().uuidString)"
        defer { unlink(elsewhere) }
        rename(keys.path("identity.secret"), elsewhere)
        symlink(elsewhere, keys.path("identity.secret"))
        #expect(throws: KeyError.self) { _ = try keys.folder.identity() }
        unlink(keys.path("identity.secret"))
        mkfifo(keys.path("identity.secret"), 0o600)
        #expect(throws: KeyError.self) { _ = try keys.folder.identity() }
        unlink(keys.path("identity.secret"))
        rename(elsewhere, keys.path("identity.secret"))
        #expect(try keys.folder.identity().publicKey == pair.publicKey)
        if getuid() == 0 {
            chown(keys.path("identity.secret"), 12_345, 12_345)
            let error = #expect(throws: KeyError.self) { _ = try keys.folder.identity() }
            #expect(error?.errorDescription?.contains("12345") == true)
            chown(keys.path("identity.secret"), 0, 0)
        }
        let link = FileManager.default.temporaryDirectory.path + "/sower-link-\(UUID().uuidString)"
        symlink(keys.folder.path, link)
        defer { unlink(link) }
        #expect(throws: KeyError.self) { _ = try KeyFolder(path: link).identity() }
        #expect(throws: KeyError.self) { _ = try KeyFolder(path: link).makeIdentity() }
    }

    @Test func `a file that holds no key is refused, and says where`() throws {
        let (pair, _) = try keys.folder.makeIdentity()
        let key = pair.publicKey.description
        for text in [
            "", "\n", "# only a comment\n", key + "\n" + key, String(key.dropLast()), key.dropLast() + "~",
            String(repeating: "x", count: 5000), "\u{FEFF}" + key,
        ] {
            try keys.write(text, to: "coordinator.public", mode: 0o600)
            let error = #expect(throws: KeyError.self) { _ = try keys.folder.pinned() }
            guard case .malformed(let path, _) = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
            #expect(path == keys.path("coordinator.public"))
        }
        for text in [key, key + "\n", "# a\n#\n\n\(key)\r\n# b\n"] {
            try keys.write(text, to: "coordinator.public", mode: 0o600)
            #expect(try keys.folder.pinned() == pair.publicKey)
        }
        try Data([0xFF, 0xFE]).write(to: URL(fileURLWithPath: keys.path("coordinator.public")))
        #expect(throws: KeyError.self) { _ = try keys.folder.pinned() }
        try keys.folder.pin(pair.publicKey)
        #expect(try keys.folder.pinned() == pair.publicKey)
        #expect(keys.mode("coordinator.public") == 0o600)
        // A public file of another pair would have the wrong key enrolled elsewhere.
        try keys.write(KeyPair.generate().publicKey.description, to: "identity.public", mode: 0o600)
        #expect(throws: KeyError.self) { _ = try keys.folder.identity() }
    }

    @Test func `no bytes in a file trap, and none give a key that is not written there`() throws {
        let key = try keys.folder.makeIdentity().pair.publicKey
        let whole = Array("# comment\n\(key)\n".utf8)
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<1000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes.remove(at: index)
                case 1: bytes[index] = UInt8.random(in: 0...255, using: &generator)
                default: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: index)
                }
            }
            try Data(bytes).write(to: URL(fileURLWithPath: keys.path("coordinator.public")))
            chmod(keys.path("coordinator.public"), 0o600)
            guard let found = try? keys.folder.pinned() else { continue }
            #expect(String(decoding: bytes, as: UTF8.self).contains("\(found)"))
        }
    }

    // MARK: Hosts

    @Test func `a key is let in by its name, and no more once it is revoked, under no name`() throws {
        let first = KeyPair.generate().publicKey, second = KeyPair.generate().publicKey
        #expect(try keys.folder.admitted().isEmpty)
        #expect(try keys.folder.enroll(first, as: "lab1"))
        #expect(try !keys.folder.enroll(first, as: "lab1"), "again changes nothing")
        #expect(throws: KeyError.keyTaken(by: "lab1")) { try keys.folder.enroll(first, as: "lab2") }
        #expect(throws: KeyError.nameTaken("lab1")) { try keys.folder.enroll(second, as: "lab1") }
        #expect(try keys.folder.admitted() == [first])
        try keys.folder.revoke("lab1")
        #expect(try keys.folder.admitted().isEmpty)
        #expect(throws: KeyError.revoked(name: "lab1")) { try keys.folder.enroll(first, as: "lab3") }
        #expect(throws: KeyError.unknownName("lab1", known: [])) { try keys.folder.revoke("lab1") }
        // The name again, twice: no revoked key is forgotten.
        try keys.folder.enroll(second, as: "lab1")
        try keys.folder.enroll(KeyPair.generate().publicKey, as: "lab1", replacing: true)
        try keys.folder.revoke("lab1")
        #expect(try keys.folder.revoked().count == 3)
        #expect(Set(try keys.folder.revoked().map(\.key)).isSuperset(of: [first, second]))
        #expect(try keys.folder.authorized().isEmpty)
    }

    @Test func `a crash in the middle of a revocation leaves the key revoked`() throws {
        let key = KeyPair.generate().publicKey
        try keys.folder.enroll(key, as: "lab1")
        link(keys.path("authorized/lab1.public"), keys.path("revoked/lab1.public"))
        #expect(try keys.folder.admitted().isEmpty)
        #expect(keys.folder.admittedLeniently().keys.isEmpty)
    }

    @Test func `this host's own key is enrolled by nobody`() throws {
        let own = try keys.folder.makeIdentity().pair.publicKey
        #expect(throws: KeyError.ownKey(folder: keys.folder.path)) { try keys.folder.enroll(own, as: "lab1") }
    }

    @Test func `no name leads out of the folder`() throws {
        for name in [
            "", ".", "..", "../x", "a/b", "/etc/passwd", "-rf", ".hidden", "a b", "a\0b", "a\nb", "ä", "a'b", "$(x)", "_x",
            String(repeating: "a", count: 65),
        ] {
            #expect(throws: KeyError.invalidName(name)) { try keys.folder.enroll(KeyPair.generate().publicKey, as: name) }
            #expect(throws: KeyError.invalidName(name)) { try keys.folder.revoke(name) }
        }
        for name in ["a", "Lab-1.example_org", String(repeating: "9", count: 64), "x.public"] {
            #expect(try keys.folder.enroll(KeyPair.generate().publicKey, as: name))
        }
        #expect(try keys.folder.authorized().count == 4)
    }

    @Test func `while a coordinator runs, a damaged file lets nobody in and keeps nobody else out`() throws {
        let good = KeyPair.generate().publicKey
        try keys.folder.enroll(good, as: "good")
        try keys.folder.enroll(KeyPair.generate().publicKey, as: "open")
        try keys.write("rubbish", to: "authorized/bad.public", mode: 0o600)
        chmod(keys.path("authorized/open.public"), 0o666)
        #expect(throws: KeyError.self) { _ = try keys.folder.admitted() }
        let (found, problems) = keys.folder.admittedLeniently()
        #expect(found == [good])
        #expect(problems.count == 2 && problems.contains { $0.contains("bad.public") } && problems.contains { $0.contains("open.public") })
        chmod(keys.folder.path, 0o777)
        #expect(keys.folder.admittedLeniently().keys.isEmpty, "a folder that others can change lets nobody in")
        chmod(keys.folder.path, 0o700)
    }

    // MARK: Rotation

    @Test func `a rotation keeps the old pair until it is confirmed or undone`() throws {
        let old = try keys.folder.makeIdentity().pair.publicKey
        let (was, new) = try keys.folder.rotate()
        #expect(was.publicKey == old && new.publicKey != old)
        #expect(try keys.folder.identity().publicKey == new.publicKey)
        #expect(try keys.folder.previousKey() == old)
        #expect(keys.mode("previous.secret") == 0o400 && keys.mode("identity.secret") == 0o400)
        #expect(throws: KeyError.rotationUnderWay(path: keys.path("previous.secret"))) { _ = try keys.folder.rotate() }
        #expect(try keys.folder.undoRotation().publicKey == old)
        #expect(try keys.folder.identity().publicKey == old)
        #expect(throws: KeyError.noRotation(folder: keys.folder.path)) { try keys.folder.confirmRotation() }
        let (_, newer) = try keys.folder.rotate()
        try keys.folder.confirmRotation()
        #expect(try keys.folder.identity().publicKey == newer.publicKey)
        #expect(try keys.folder.previousKey() == nil)
        #expect(!keys.names.contains { $0.hasPrefix("previous") || $0.contains(".new-") })
    }

    @Test func `no error says a secret`() throws {
        _ = try keys.folder.makeIdentity()
        let secret =
            try String(contentsOfFile: keys.path("identity.secret"), encoding: .utf8).split(separator: "\n").last.map(String.init) ?? ""
        #expect(secret.count == 40)
        chmod(keys.path("identity.secret"), 0o600)
        try keys.write(secret + "\n" + secret, to: "identity.secret", mode: 0o400)
        let error = #expect(throws: KeyError.self) { _ = try keys.folder.identity() }
        #expect(error?.errorDescription?.contains(secret) == false && "\(String(describing: error))".contains(secret) == false)
    }
}

@Suite struct RunningCoordinatorsTests {
    @Test func `a running coordinator is told, one that has ended is not`() throws {
        let keys = TemporaryKeys()
        #expect(RunningCoordinators.reload(keys.folder).told == 0)
        signal(SIGHUP, SIG_IGN)
        var mark: RunningCoordinators? = try RunningCoordinators(announcingIn: keys.folder)
        #expect(RunningCoordinators.reload(keys.folder).told == 1)
        withExtendedLifetime(mark) {}
        mark = nil
        #expect(RunningCoordinators.reload(keys.folder).told == 0)
        // One that was killed has left its file, without the lock: whoever has its number by now is nobody's business.
        try keys.write("", to: "running/\(ProcessInfo.processInfo.hostName).\(getpid())", mode: 0o600)
        #expect(RunningCoordinators.reload(keys.folder).told == 0)
        mark = try RunningCoordinators(announcingIn: keys.folder)
        #expect(RunningCoordinators.reload(keys.folder).told == 1)
    }
}
