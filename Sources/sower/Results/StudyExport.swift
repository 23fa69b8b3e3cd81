import Coordination
import Digests
import Foundation
import LedgerStore
import Reports
import Studies

/// Files made from a study's ledger, each with its provenance beside it.
final class StudyExport {
    private let recorded: RecordedStudy
    private var known: StudyReport?
    private var counted: [[Stage]: CellCount] = [:]

    init(_ recorded: RecordedStudy, report: StudyReport? = nil) {
        self.recorded = recorded
        known = report
    }

    /// A file's size and digest.
    struct Written {
        var bytes: Int
        var digest: Digest
    }

    private struct CellCount {
        var expected = 0
        var missing: [Provenance.MissingCell] = []
    }

    // MARK: Files

    /// Writes the file and its provenance, each whole or not at all. What was there is replaced.
    @discardableResult
    func write(_ contents: ExportContents, to path: String) throws -> Provenance {
        // Before anything is read: a file that is newer than its provenance says is only not checked later.
        let progress = try recorded.reader.progressDigest(study: recorded.id)
        let target = URL(fileURLWithPath: path).standardizedFileURL
        try Self.requirePlace(target)
        let folder = target.deletingLastPathComponent().path
        let partial = "\(folder)/.\(target.lastPathComponent).\(getpid()).partial"
        defer { unlink(partial) }
        unlink(partial)
        let written = try derive(contents, to: partial, name: target.path)
        let count = try count(contents.stages)
        let provenance = Provenance(
            file: target.lastPathComponent, bytes: written.bytes, sha256: written.digest.hex, contents: contents,
            definition: recorded.study,
            programVersion: Version.number, engineVersion: Version.engine, progressDigest: progress.hex,
            hosts: try recorded.reader.resultHosts(study: recorded.id).map {
                Provenance.Host(host: $0.host, numericClass: $0.numericClass, results: $0.results)
            }, cellsExpected: count.expected, missing: count.missing)
        // The old provenance must not vouch for the new file.
        unlink(target.path + Provenance.fileSuffix)
        guard rename(partial, target.path) == 0 else { throw ExportSink.stop(target.path, errno) }
        try Data(provenance.text.utf8).write(to: URL(fileURLWithPath: target.path + Provenance.fileSuffix), options: .atomic)
        return provenance
    }

    /// A file takes the place of a file, never of a folder or a device.
    private static func requirePlace(_ target: URL) throws {
        let manager = FileManager.default
        var isFolder: ObjCBool = false
        let folder = target.deletingLastPathComponent().path
        guard manager.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
            throw Stop(
                .configuration, "there is no folder \(folder)",
                remedy: "Make it (mkdir -p \(shellWord(folder))), or give another place with -o FILE.")
        }
        guard let type = (try? manager.attributesOfItem(atPath: target.path))?[.type] as? FileAttributeType, type != .typeRegular else {
            return
        }
        throw Stop(
            .configuration, "\(target.path) is there, and is no file",
            remedy: "Give the path of a file with -o FILE; -o - is standard output.")
    }

    /// The bytes of a text on standard output; nothing lies beside them.
    func print(_ contents: ExportContents) throws {
        let sink = ExportSink(descriptor: STDOUT_FILENO, name: "standard output")
        try derive(contents, into: sink)
        do {
            _ = try sink.finish()
        } catch  where sink.isUnread {}
    }

    /// What the file's digest would be.
    func digest(of contents: ExportContents) throws -> Digest {
        guard contents.kind == .trials else { return try derive(contents, to: nil, name: "the export").digest }
        let folder = FileManager.default.temporaryDirectory.path + "/sower-export-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try derive(contents, to: folder + "/trials", name: folder).digest
    }

    /// Makes the file at `path`, or only its digest; errors call it `name`.
    private func derive(_ contents: ExportContents, to path: String?, name: String) throws -> Written {
        if contents.kind == .trials, let path {
            try OptunaTrials(recorded, metric: contents.metrics.first ?? .validationAccuracy).write(to: path)
            return try Self.look(at: path)
        }
        let sink = try ExportSink(path: path, name: name)
        try derive(contents, into: sink)
        let digest = try sink.finish()
        return Written(bytes: sink.bytes, digest: digest)
    }

    private func derive(_ contents: ExportContents, into sink: ExportSink) throws {
        switch contents.kind {
        case .values: try values(contents, sink)
        case .attempts: try attempts(contents, sink)
        case .table:
            let table = try report().table(metric: contents.metrics.first ?? .validationAccuracy)
            sink.append(table.rendered(as: TableFormat(rawValue: contents.format) ?? .table))
        case .trials: preconditionFailure("a database is no stream of bytes")
        }
    }

    /// The size and digest of a file that lies there.
    static func look(at path: String) throws -> Written {
        guard let file = FileHandle(forReadingAtPath: path) else { throw ExportSink.stop(path, errno) }
        defer { try? file.close() }
        var hasher = DigestHasher()
        var bytes = 0
        while let part = try file.read(upToCount: 1 << 20), !part.isEmpty {
            bytes += part.count
            part.withUnsafeBytes { hasher.update($0) }
        }
        return Written(bytes: bytes, digest: hasher.finalize())
    }

    // MARK: Contents

    private func values(_ contents: ExportContents, _ sink: ExportSink) throws {
        let study = recorded.study
        let rows = MetricValues(
            MetricValues.Format(rawValue: contents.format) ?? .csv, of: TableInfo(study), arms: study.arms, metrics: contents.metrics)
        sink.append(rows.head)
        try recorded.reader.forEachCell(study: recorded.id, stages: contents.stages.map(\.rawValue)) { recorded in
            sink.append { rows.append(MeasuredCell(recorded), to: &$0) }
            return sink.isWorking
        }
    }

    private func attempts(_ contents: ExportContents, _ sink: ExportSink) throws {
        let stages = Set(contents.stages.map(\.rawValue))
        sink.append(JobLogEntry.head)
        try recorded.reader.forEachEndedAttempt(study: recorded.id) { attempt in
            guard stages.contains(attempt.stage) else { return true }
            sink.append(
                JobLogEntry(
                    sequence: attempt.number, host: attempt.host, startedAt: attempt.startedAt, endedAt: attempt.endedAt,
                    sent: attempt.inputBytes, received: attempt.outputBytes,
                    succeeded: attempt.state == .finished || attempt.state == .diverged,
                    command: "sower job run \(attempt.job.short) --study \(recorded.study.name)"
                ).line)
            return sink.isWorking
        }
    }

    private func report() throws -> StudyReport {
        if let known { return known }
        let report = try StudyReport(recorded)
        known = report
        return report
    }

    private func count(_ stages: [Stage]) throws -> CellCount {
        if let count = counted[stages] { return count }
        var count = CellCount()
        try recorded.reader.forEachCell(study: recorded.id, stages: stages.map(\.rawValue), epochs: .none) { recorded in
            count.expected += 1
            let cell = recorded.cell
            guard cell.state != .finished else { return true }
            count.missing.append(
                Provenance.MissingCell(
                    stage: recorded.stage, arm: cell.arm, pair: Study.name(of: cell.pair), replicate: cell.replicate,
                    state: cell.state.rawValue, reason: cell.failure?.code))
            return true
        }
        counted[stages] = count
        return count
    }
}

extension MeasuredCell {
    init(_ recorded: RecordedCell) {
        let cell = recorded.cell
        self.init(
            stage: recorded.stage, arm: cell.arm, pair: cell.pair, replicate: cell.replicate, state: cell.state.rawValue,
            reason: cell.failure?.code, job: cell.job.digest.hex, attempt: recorded.attempt, worker: recorded.worker, host: recorded.host,
            numericClass: cell.numericClass, seconds: cell.seconds, epochs: cell.epochs)
    }
}
