import Digests
import Downloads
import Foundation
import Testing

@Suite struct DatasetDownloadTests {
    private let server: ArchiveServer
    private var target: String { server.folder + "/target" }
    private var work: String { server.folder + "/.target.download" }

    init() throws { server = try ArchiveServer() }

    @discardableResult
    private func fetch(_ dataset: PublishedDataset, isCancelled: @escaping () -> Bool = { false }) throws -> DatasetDownload.Outcome {
        var download = DatasetDownload(dataset, to: target)
        download.delays = [0.01, 0.01, 0.01]
        download.isCancelled = isCancelled
        return try download.run()
    }

    private func failure(_ dataset: PublishedDataset) -> DownloadError? {
        let error = #expect(throws: DownloadError.self) { try fetch(dataset) }
        #expect(!FileManager.default.fileExists(atPath: target), "nothing half done is seen")
        #expect(error?.errorDescription?.isEmpty == false && error?.recoverySuggestion?.isEmpty == false)
        return error
    }

    private var isComplete: Bool {
        FileSize(target + "/big") == 300_000 && FileSize(target + "/sub/small") == 6 && !FileManager.default.fileExists(atPath: work)
    }

    private func FileSize(_ path: String) -> Int? { (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int }

    // MARK: What goes well

    @Test func `an archive is downloaded, unpacked and put in place`() throws {
        let dataset = try server.dataset(server.archive())
        #expect(try fetch(dataset) == .downloaded)
        #expect(isComplete)
        #expect(try fetch(dataset) == .alreadyThere)
        #expect(server.requests.count == 1)
    }

    @Test func `a zip archive, a redirection and an MD5 do as well`() throws {
        let data = try server.made(
            "set.zip",
            by: """
                mkdir -p set/sub; head -c 300000 /dev/urandom > set/big; echo small > set/sub/small
                python3 -c 'import shutil; shutil.make_archive("set", "zip", ".", "set")'
                """)
        var dataset = try server.dataset(data, name: "set.zip", packing: .zip(root: "set"))
        var hasher = MD5Hasher()
        hasher.update(Array(data))
        dataset.files[0].checksum = .md5(hasher.hex)
        try server.behave(["redirect": true])
        #expect(try fetch(dataset) == .downloaded)
        #expect(isComplete)
    }

    @Test func `MD5 is MD5`() {
        // RFC 1321, A.5.
        var hasher = MD5Hasher()
        #expect(hasher.hex == "d41d8cd98f00b204e9800998ecf8427e")
        hasher.update(Array("message digest".utf8))
        #expect(hasher.hex == "f96b697d7cb7938d525a2f31aaf161d0")
    }

    @Test func `files that are not packed come as they are, from a mirror or a folder`() throws {
        let dataset = try server.dataset(Data("plain".utf8), name: "plain.bin", packing: .none)
        #expect(try fetch(dataset.from(mirror: "file://\(server.folder)/files")) == .downloaded)
        #expect(FileManager.default.contents(atPath: target + "/plain.bin") == Data("plain".utf8))
        #expect(server.requests.isEmpty)
        try FileManager.default.removeItem(atPath: target)
        #expect(try fetch(dataset.from(mirror: server.address)) == .downloaded)
    }

    // MARK: Going on

    @Test func `a connection that breaks is taken up where it broke`() throws {
        let dataset = try server.dataset(server.archive())
        try server.behave(["cut": 100_000, "cuts": 2])
        #expect(try fetch(dataset) == .downloaded)
        #expect(isComplete)
        #expect(server.requests.map { $0[1] } == ["-", "bytes=100000-", "bytes=200000-"])
        #expect(server.requests.map { $0[2] } == ["-", "\"one\"", "\"one\""])
    }

    @Test func `the next call goes on too, and begins anew when the server's file has changed`() throws {
        let dataset = try server.dataset(server.archive())
        try server.behave(["cut": 100_000, "cuts": 9])
        let part = "\(work)/set.tar.gz.part"
        #expect(throws: CancellationError.self) { try fetch(dataset) { FileSize(part) ?? 0 > 0 } }
        let here = try #require(FileSize(part))
        #expect(here > 0)
        let other = try server.archive()
        let changed = try server.dataset(other)
        try server.behave(["tag": "\"two\""])
        #expect(try fetch(changed) == .downloaded)
        let last = server.requests.suffix(2)
        #expect(last.first?[1] == "bytes=\(here)-" && last.first?[3] == "200" && last.last?[1] == "-")
        #expect(isComplete)
    }

    @Test func `a changed file behind no tag is found by its checksum, and downloaded once more`() throws {
        let first = try server.archive()
        try server.behave(["cut": 50_000, "cuts": 9, "tag": ""])
        #expect(throws: DownloadError.self) { try fetch(try server.dataset(first)) }
        let dataset = try server.dataset(server.archive())
        try server.behave(["tag": ""])
        #expect(try fetch(dataset) == .downloaded)
        #expect(isComplete && server.requests.last?[1] == "-")
    }

    @Test func `a server without ranges sends all of it again`() throws {
        let dataset = try server.dataset(server.archive())
        try server.behave(["cut": 100_000, "cuts": 1, "ranges": false])
        #expect(try fetch(dataset) == .downloaded)
        #expect(isComplete)
    }

    @Test func `a part that is longer than the server's file is given up`() throws {
        let archive = try server.archive()
        let dataset = try server.dataset(archive)
        try server.offer(archive.prefix(1000), as: "set.tar.gz")
        try FileManager.default.createDirectory(atPath: work, withIntermediateDirectories: true)
        try Data(count: 2000).write(to: URL(fileURLWithPath: "\(work)/set.tar.gz.part"))
        guard case .unreachable(_, let reasons)? = failure(dataset) else {
            Issue.record("it ended well, or otherwise")
            return
        }
        #expect(reasons.allSatisfy { $0.hasSuffix("it has 1000 bytes there, expected \(archive.count)") })
        #expect(server.requests.map { $0[3] } == ["416", "200"])
    }

    @Test func `an error that may pass is waited out`() throws {
        let dataset = try server.dataset(server.archive())
        try server.behave(["status": 503, "failures": 2])
        #expect(try fetch(dataset) == .downloaded)
        #expect(server.requests.map { $0[3] } == ["503", "503", "200"])
    }

    @Test func `the next address is tried where the first has nothing`() throws {
        var dataset = try server.dataset(server.archive())
        dataset.files[0].addresses = [server.address + "gone/set.tar.gz", "http://127.0.0.1:9/set.tar.gz"] + dataset.files[0].addresses
        #expect(try fetch(dataset) == .downloaded)
        #expect(server.requests.map { $0[3] } == ["404", "200"])
    }

    @Test func `two at once work one after the other`() throws {
        let dataset = try server.dataset(server.archive())
        try server.behave(["slow": 0.3])
        let outcomes = Outcomes()
        let target = target
        DispatchQueue.concurrentPerform(iterations: 3) { _ in
            if let outcome = try? DatasetDownload(dataset, to: target).run() { outcomes.add(outcome) }
        }
        #expect(outcomes.all.count == 3 && outcomes.all.count { $0 == .downloaded } == 1)
        #expect(server.requests.count == 1)
    }

    // MARK: What is refused

    @Test func `what is not there is not tried again`() throws {
        var dataset = try server.dataset(server.archive())
        dataset.files[0].addresses = [server.address + "gone.tar.gz"]
        guard case .unreachable(_, let reasons)? = failure(dataset) else {
            Issue.record("expected unreachable")
            return
        }
        #expect(reasons.count == 1 && reasons[0].contains("404"))
        #expect(!FileManager.default.fileExists(atPath: work), "nothing arrived, nothing is left")
        #expect(server.requests.count == 1)
    }

    @Test func `bytes with another checksum are not unpacked, and not kept`() throws {
        var dataset = try server.dataset(server.archive())
        let right = dataset.files[0].checksum
        dataset.files[0].checksum = .sha256(Digest(of: "other").hex)
        #expect(failure(dataset) == .wrongChecksum(file: "set.tar.gz", actual: right, expected: dataset.files[0].checksum))
        #expect(!FileManager.default.fileExists(atPath: work + "/set.tar.gz.part"))
        #expect(server.requests.count == 1)
    }

    @Test func `a file of another size is given up before it fills the disk`() throws {
        var dataset = try server.dataset(server.archive())
        dataset.files[0].size -= 100_000
        #expect(failure(dataset)?.errorDescription?.contains("more than the") == true)
        dataset.files[0].size += 200_000
        #expect(failure(dataset)?.errorDescription?.contains("bytes there, expected") == true)
    }

    @Test func `no room is found before anything is downloaded`() throws {
        var dataset = try server.dataset(server.archive())
        dataset.unpackedBytes = 1 << 60
        guard case .noRoom? = failure(dataset) else {
            Issue.record("expected no room")
            return
        }
        #expect(server.requests.isEmpty)
    }

    @Test(arguments: [
        "tar -czPf set.tar.gz --transform='s,big,../big,' set", "tar -czPf set.tar.gz --transform='s,^set/big,/tmp/sower-escape,' set",
        "ln -s /tmp set/link; tar -czf set.tar.gz set", "mkfifo set/pipe; tar -czf set.tar.gz set", "rm set/big; tar -czf set.tar.gz set",
        "mv set other; tar -czf set.tar.gz other", "echo no archive > set.tar.gz",
    ])
    func `an archive that would write elsewhere, or lacks something, leaves nothing`(lines: String) throws {
        let data = try server.made("set.tar.gz", by: "mkdir -p set/sub; echo big > set/big; echo small > set/sub/small\n\(lines)")
        guard case .badArchive(let file, _)? = failure(try server.dataset(data)) else {
            Issue.record("expected a bad archive")
            return
        }
        #expect(file == "set.tar.gz")
        #expect(!FileManager.default.fileExists(atPath: "/tmp/sower-escape"))
    }

    // MARK: What is there already

    @Test func `a folder with other things is left alone`() throws {
        let dataset = try server.dataset(server.archive())
        try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
        try Data("mine".utf8).write(to: URL(fileURLWithPath: target + "/thesis.txt"))
        #expect(throws: DownloadError.occupied(folder: target)) { try fetch(dataset) }
        try Data().write(to: URL(fileURLWithPath: target + "/big"))
        try FileManager.default.createDirectory(atPath: target + "/sub", withIntermediateDirectories: true)
        try Data().write(to: URL(fileURLWithPath: target + "/sub/small"))
        #expect(try fetch(dataset) == .foreign)
        #expect(server.requests.isEmpty && FileManager.default.contents(atPath: target + "/thesis.txt") == Data("mine".utf8))
    }

    @Test func `a file that has changed since is found`() throws {
        let dataset = try server.dataset(server.archive())
        try fetch(dataset)
        try Data("Small\n".utf8).write(to: URL(fileURLWithPath: target + "/sub/small"))
        let error = #expect(throws: DownloadError.self) { try fetch(dataset) }
        #expect(error?.recoverySuggestion?.contains("rm -r \(target)") == true)
    }

    @Test func `the catalogue is complete`() {
        #expect(PublishedDataset.all.map(\.name) == ["cifar100", "cifar10", "mnist", "svhn", "tiny-imagenet"])
        for dataset in PublishedDataset.all {
            for file in dataset.files {
                #expect(!file.name.isEmpty && file.size > 0 && Set(file.addresses.map { $0.split(separator: "/").last }).count == 1)
                switch file.checksum {
                case .sha256(let hex): #expect(hex.count == 64 && Digest(hex: hex) != nil)
                case .md5(let hex): #expect(hex.count == 32)
                }
            }
        }
    }
}

private final class Outcomes: @unchecked Sendable {
    private let lock = NSLock()
    private var found: [DatasetDownload.Outcome] = []

    var all: [DatasetDownload.Outcome] { lock.withLock { found } }
    func add(_ outcome: DatasetDownload.Outcome) { lock.withLock { found.append(outcome) } }
}
