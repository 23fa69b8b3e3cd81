import Artifacts
import Coordination
import Coordinator
import Digests
import Foundation
import Testing
import Transport
import Worker

/// A data set on its way from the coordinator's folder to a host that has none.
@Suite(.serialized) final class HostDatasetTests {
    private let folder = FileManager.default.temporaryDirectory.path + "/sower-data-" + String(UUID().uuidString.prefix(8))
    private let server: BlobServer
    private let client: BlobClient
    private let host: ArtifactStore
    private let shared: SharedFiles
    private let notice: DatasetNotice

    init() throws {
        try FileManager.default.createDirectory(atPath: folder + "/theirs", withIntermediateDirectories: true)
        let folder = folder
        let paths = ["train.bin", "test.bin"].map { "\(folder)/theirs/\($0)" }
        for (number, path) in paths.enumerated() {
            try Data((0..<700_000).map { UInt8(truncatingIfNeeded: $0 &* (31 + number) &+ $0 >> 9) }).write(to: URL(fileURLWithPath: path))
        }
        shared = try SharedFiles(paths.map { (URL(fileURLWithPath: $0).lastPathComponent, $0) })
        notice = DatasetNotice(digest: Digest(of: "set"), files: shared.notices)
        host = try ArtifactStore(folder: folder + "/host")
        let context = try ZeroMQContext()
        server = try BlobServer()
        client = try BlobClient()
        let endpoints = try server.start(
            context: context, endpoints: ["ipc://\(folder)/data"], store: ArtifactStore(folder: folder + "/coordinator"), shared: shared)
        client.start(context: context, endpoint: endpoints[0], store: host)
    }

    deinit {
        client.stop()
        server.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// The digests that arrived, and why others did not.
    private func fetch() throws -> (arrived: Set<Digest>, failures: [String]) {
        for file in notice.files { client.submit(.fetch(file)) }
        var poller = Poller<Int>()
        poller.watch(fileDescriptor: client.hasEvents.fileDescriptor, as: 0, for: .read)
        var arrived: Set<Digest> = [], failures: [String] = []
        for _ in 0..<200 where arrived.count + failures.count < notice.files.count {
            _ = try poller.wait(timeoutMilliseconds: 100)
            for event in client.takeEvents() {
                switch event {
                case .fetched(let use): arrived.insert(use.digest)
                case .fetchFailed(_, let reason, _): failures.append(reason)
                default: break
                }
            }
        }
        return (arrived, failures)
    }

    private func content(_ path: String) -> [Data?] {
        ["train.bin", "test.bin"].map { FileManager.default.contents(atPath: "\(path)/\($0)") }
    }

    @Test func `its files arrive by their digests and lie in one folder, which the cache neither counts nor evicts`() throws {
        let dataset = HostDataset(store: host)
        #expect(try dataset.place(notice) == nil)
        #expect(try fetch().arrived == Set(notice.files.map(\.digest)))
        let path = try #require(try dataset.place(notice))
        #expect(content(path) == content(folder + "/theirs"))
        #expect(try host.digests().isEmpty)
        #expect(try dataset.place(notice) == path, "the next worker finds it")
        #expect(try FileManager.default.contentsOfDirectory(atPath: host.folder + "/datasets") == [notice.digest.hex])
    }

    @Test func `a folder is the data set when its files have the digests, and not otherwise`() throws {
        let theirs = folder + "/theirs"
        #expect(HostDataset.isWhole(theirs, notice))
        #expect(!HostDataset.isWhole(folder + "/nowhere", notice))
        try FileManager.default.createDirectory(atPath: folder + "/links", withIntermediateDirectories: true)
        for name in ["train.bin", "test.bin"] { symlink("\(theirs)/\(name)", "\(folder)/links/\(name)") }
        #expect(HostDataset.isWhole(folder + "/links", notice))
        var other = notice
        other.files[1].digest = Digest(of: "other")
        #expect(!HostDataset.isWhole(theirs, other))
        other.files[1] = ArtifactNotice(name: "none.bin", digest: notice.files[1].digest, size: notice.files[1].size)
        #expect(!HostDataset.isWhole(theirs, other))
    }

    @Test func `several data sets get a folder each`() throws {
        let own = [Digest(of: "one").hex, Digest(of: "two").hex]
        let several = DatasetNotice(
            digest: Digest(of: "both"),
            files: zip(notice.files, own).map { ArtifactNotice(name: "\($1)/\($0.name)", digest: $0.digest, size: $0.size) })
        _ = try fetch()
        let path = try #require(try HostDataset(store: host).place(several))
        #expect(FileManager.default.contents(atPath: "\(path)/\(own[0])/train.bin") == content(folder + "/theirs")[0])
        #expect(FileManager.default.contents(atPath: "\(path)/\(own[1])/test.bin") == content(folder + "/theirs")[1])
    }

    @Test func `what a killed worker has left goes when it is old, and keeps nobody from placing`() throws {
        for (name, age) in [(".new-old", 3600.0), (".new-young", 1)] {
            let path = host.folder + "/datasets/" + name
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSinceNow: -age)], ofItemAtPath: path)
        }
        _ = try fetch()
        #expect(try HostDataset(store: host).place(notice) != nil)
        let left = try FileManager.default.contentsOfDirectory(atPath: host.folder + "/datasets").sorted()
        #expect(left == [".new-young", notice.digest.hex])
    }

    @Test func `a folder whose bytes have changed is made anew`() throws {
        let dataset = HostDataset(store: host)
        _ = try fetch()
        let path = try #require(try dataset.place(notice))
        chmod(path + "/train.bin", 0o600)
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path + "/train.bin"))
        try file.seek(toOffset: 5)
        try file.write(contentsOf: Data([99]))
        try file.close()
        #expect(try dataset.place(notice) == nil)
        _ = try fetch()
        #expect(try dataset.place(notice) == path)
        #expect(content(path) == content(folder + "/theirs"))
    }

    @Test func `a file that has changed on the coordinator's side is not handed out as what it was`() throws {
        try Data(count: 700_000).write(to: URL(fileURLWithPath: folder + "/theirs/test.bin"))
        let (arrived, failures) = try fetch()
        #expect(arrived == [notice.files[0].digest] && failures.count == 1)
        #expect(try HostDataset(store: host).place(notice) == nil)
    }
}
