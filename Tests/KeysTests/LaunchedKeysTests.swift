import Foundation
import Keys
import Testing
import Transport

/// Keys of workers that a sweep starts by itself.
@Suite struct LaunchedKeysTests {
    private let keys = TemporaryKeys()
    private let first = KeyPair.generate().publicKey, second = KeyPair.generate().publicKey

    @Test func `behind one name there may be two hosts in turn`() throws {
        var launched = LaunchedKeys(keys.folder)
        #expect(try launched.enroll(first, as: "launched-lab"))
        #expect(try !launched.enroll(first, as: "launched-lab"), "again changes nothing")
        for key in [second, first, second] {
            #expect(try launched.enroll(key, as: "launched-lab"))
            #expect(try keys.folder.admitted() == [key])
        }
        #expect(try keys.folder.revoked().isEmpty)
    }

    @Test func `a key that another entry has come with stays`() throws {
        var launched = LaunchedKeys(keys.folder)
        // Two names of one host; then the first name leads to another.
        _ = try launched.enroll(first, as: "launched-lab1")
        _ = try launched.enroll(first, as: "launched-lab2")
        #expect(try launched.enroll(second, as: "launched-lab1"))
        let authorized = try keys.folder.authorized()
        #expect(authorized.map(\.name) == ["launched-lab1", "launched-lab2"] && authorized.map(\.key) == [second, first])
    }

    @Test func `what a person has revoked stays so, until the command that is named lets it in`() throws {
        var launched = LaunchedKeys(keys.folder)
        _ = try launched.enroll(first, as: "launched-lab1")
        try keys.folder.revoke("launched-lab1")
        _ = try launched.enroll(second, as: "launched-lab1")
        let file = keys.path("revoked/launched-lab1.public")
        let error = #expect(throws: KeyError.launchedRevoked(name: "launched-lab1", file: file)) {
            _ = try launched.enroll(first, as: "launched-lab1")
        }
        #expect(error?.recoverySuggestion?.contains("rm '\(file)'") == true)
        #expect(try keys.folder.admitted() == [second], "the refused one takes nobody's place")
        unlink(file)
        #expect(try launched.enroll(first, as: "launched-lab1"))
        #expect(try keys.folder.admitted() == [first])
    }

    @Test func `a worker with a key for itself takes nobody's, and goes with its task`() throws {
        var launched = LaunchedKeys(keys.folder)
        #expect(try launched.admit(first, as: "launched.slurm-cpu.7_1"))
        #expect(try !launched.admit(first, as: "launched.slurm-cpu.7_1"), "again changes nothing")
        #expect(throws: KeyError.keyTaken(by: "launched.slurm-cpu.7_1")) { _ = try launched.admit(first, as: "launched.slurm-cpu.7_2") }
        // The task was requeued: its next worker has made another key.
        #expect(try launched.admit(second, as: "launched.slurm-cpu.7_1"))
        #expect(try keys.folder.admitted() == [second] && keys.folder.revoked().isEmpty)
        #expect(try launched.withdraw("launched.slurm-cpu.7_1"))
        #expect(try keys.folder.admitted().isEmpty && keys.folder.revoked().isEmpty)
        #expect(try !launched.withdraw("launched.slurm-cpu.7_1"), "nobody has that name any more")
    }

    @Test func `a revoked worker of a task is not let in again, and its task's end changes nothing`() throws {
        var launched = LaunchedKeys(keys.folder)
        _ = try launched.admit(first, as: "launched.slurm-cpu.7_1")
        _ = try launched.admit(second, as: "launched.slurm-cpu.7_2")
        try keys.folder.revoke("launched.slurm-cpu.7_1")
        #expect(throws: KeyError.self) { _ = try launched.admit(first, as: "launched.slurm-cpu.7_1") }
        #expect(try !launched.withdraw("launched.slurm-cpu.7_1"))
        #expect(try keys.folder.admitted() == [second] && keys.folder.revoked().map(\.key) == [first])
    }

    @Test func `the coordinator's own key is no worker's`() throws {
        var launched = LaunchedKeys(keys.folder)
        let own = try keys.folder.makeIdentity().pair.publicKey
        #expect(throws: KeyError.ownKey(folder: keys.folder.path)) { _ = try launched.admit(own, as: "launched.slurm-cpu.7_1") }
    }
}
