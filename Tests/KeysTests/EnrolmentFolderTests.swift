import Foundation
import Keys
import Testing
import Transport

/// Requests to be let in, as files: hostile until they have been checked.
@Suite struct EnrolmentFolderTests {
    private let keys = TemporaryKeys()
    private let folder: EnrolmentFolder
    private let key = KeyPair.generate().publicKey, other = KeyPair.generate().publicKey

    init() throws {
        _ = try keys.folder.makeIdentity()
        folder = EnrolmentFolder(path: keys.path("slurm-cpu.keys"))
        try folder.prepare()
    }

    private func mode(_ path: String) -> Int {
        var status = stat()
        return lstat(path, &status) == 0 ? Int(status.st_mode & 0o7777) : -1
    }

    @Test func `a worker asks, is answered, and is forgotten`() throws {
        let mask = umask(0)
        defer { umask(mask) }
        try folder.ask(key, as: "7_1")
        #expect(mode(folder.path) == 0o700 && mode(folder.path + "/7_1.public") == 0o600)
        #expect(try folder.listing() == .init(asking: ["7_1"]))
        var (answer, isAsking) = try folder.answer(to: key, as: "7_1")
        #expect(answer == nil && isAsking)
        #expect(try folder.request(of: "7_1") == key)
        try folder.answer(.admitted, to: key, as: "7_1")
        #expect(mode(folder.path + "/7_1.admitted") == 0o600)
        folder.removeRequest(of: "7_1")
        (answer, isAsking) = try folder.answer(to: key, as: "7_1")
        #expect(answer == .admitted && !isAsking)
        #expect(try folder.listing() == .init(answered: ["7_1"]))
        #expect(folder.forget("7_1"))
        #expect(try folder.listing() == .init())
        folder.remove()
        #expect(access(folder.path, F_OK) != 0)
        #expect(try folder.listing() == .init(), "no folder yet is no error")
    }

    @Test func `an answer to the task's earlier worker is none to this one`() throws {
        try folder.answer(.admitted, to: other, as: "7_1")
        try folder.ask(key, as: "7_1")
        #expect(try folder.answer(to: key, as: "7_1").answer == nil)
        try folder.answer(.refused, to: key, as: "7_1")
        #expect(try folder.answer(to: key, as: "7_1").answer == .refused)
        #expect(try folder.answer(to: other, as: "7_1").answer == nil, "the last answer stands alone")
    }

    @Test func `who has neither a request nor an answer there asks again`() throws {
        try folder.ask(key, as: "7_1")
        folder.removeRequest(of: "7_1")
        let (answer, isAsking) = try folder.answer(to: key, as: "7_1")
        #expect(answer == nil && !isAsking)
    }

    @Test func `a request is a small regular file of this user's alone with one key`() throws {
        let file = folder.path + "/7_1.public"
        func refusal(_ text: String, mode: mode_t = 0o600) throws -> String {
            unlink(file)
            try Data(text.utf8).write(to: URL(fileURLWithPath: file))
            chmod(file, mode)
            return #expect(throws: KeyError.self) { _ = try folder.request(of: "7_1") }?.errorDescription ?? ""
        }
        #expect(try refusal("\(key)\n", mode: 0o644).contains("open to others"))
        #expect(try refusal(String(repeating: "x", count: 5000)).contains("more than 4096 bytes"))
        #expect(try refusal("").contains("0 lines"))
        #expect(try refusal("\(key)\n\(other)\n").contains("2 lines"))
        #expect(try refusal("../../../../etc/passwd").contains("characters, expected 40"))
        #expect(try refusal(String(repeating: "~", count: 40)).contains("not Z85"))
        let secret = keys.path("identity.secret")
        unlink(file)
        symlink(secret, file)
        #expect(throws: KeyError.self) { _ = try folder.request(of: "7_1") }
        #expect(folder.removeRequest(of: "7_1") && access(secret, F_OK) == 0, "the link goes, not what it leads to")
        mkfifo(file, 0o600)
        #expect(throws: KeyError.self, "nor does anybody wait for a pipe") { _ = try folder.request(of: "7_1") }
        unlink(file)
        mkdir(file, 0o700)
        #expect(throws: KeyError.self) { _ = try folder.request(of: "7_1") }
        #expect(!folder.removeRequest(of: "7_1"))
    }

    @Test(.enabled(if: geteuid() == 0, "it takes root to give a file away"))
    func `a request of another user's is none`() throws {
        try folder.ask(key, as: "7_1")
        chown(folder.path + "/7_1.public", 65_534, 65_534)
        let error = #expect(throws: KeyError.self) { _ = try folder.request(of: "7_1") }
        #expect(error?.errorDescription?.contains("of the user with the id 65534") == true)
        chown(folder.path, 65_534, 65_534)
        #expect(throws: KeyError.self) { _ = try folder.listing() }
    }

    @Test func `a folder that others may enter, or that a link leads to, is none`() throws {
        chmod(folder.path, 0o755)
        #expect(throws: KeyError.self) { _ = try folder.listing() }
        #expect(throws: KeyError.self) { try folder.ask(key, as: "7_1") }
        #expect(throws: KeyError.self) { try folder.prepare() }
        rmdir(folder.path)
        let elsewhere = keys.path("elsewhere")
        mkdir(elsewhere, 0o700)
        symlink(elsewhere, folder.path)
        #expect(throws: KeyError.self) { _ = try folder.listing() }
        #expect(throws: KeyError.self) { try folder.ask(key, as: "7_1") }
        #expect(throws: KeyError.self) { try folder.prepare() }
    }

    @Test func `names that are no names are passed over, and a flood is not read to its end`() throws {
        for name in ["7_1", ".public", "a b.public", "-x.public", "7_1.secret", "\u{1B}[2J.public"] {
            #expect(FileManager.default.createFile(atPath: "\(folder.path)/\(name)", contents: nil))
        }
        try folder.ask(key, as: "7_2")
        // A file that is about to get its name is nobody's request, and no stranger.
        #expect(try folder.listing() == .init(asking: ["7_2"], hasOthers: true))
        folder.remove()
        #expect(access(folder.path + "/7_1", F_OK) == 0, "what is not of its kind stays")
        try FileManager.default.removeItem(atPath: folder.path)
        try folder.prepare()
        for number in 0..<EnrolmentFolder.fileLimit + 10 {
            close(open("\(folder.path)/9_\(number).public", O_CREAT | O_WRONLY, 0o600))
        }
        let listing = try folder.listing()
        #expect(listing.asking.count == EnrolmentFolder.fileLimit && listing.hasOthers)
    }
}
