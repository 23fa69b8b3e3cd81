import Foundation
import Reports
import Studies

extension StudyVerification {
    /// Every file with a provenance in the study's `tables/` and `exports/`, and `also` elsewhere: its bytes are those that were
    /// written, and where the ledger has not changed since, deriving it again gives the same.
    mutating func checkExports(_ folder: StudyFolder, also: [String], results: String) throws {
        let places = ([folder.tables, folder.exports] + also).flatMap { place in
            ((try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []).sorted()
                .filter { $0.hasSuffix(Provenance.fileSuffix) }.map { (place, $0) }
        }
        guard !places.isEmpty else { return }
        let recorded = try RecordedStudy(folder)
        let export = StudyExport(recorded)
        let progress = try recorded.reader.progressDigest(study: recorded.id).hex
        for (place, name) in places {
            let path = "\(place)/\(name.dropLast(Provenance.fileSuffix.count))"
            let again =
                "Write it again: " + (place == folder.tables ? folder.resumeCommand(results: results) : "the `sower export` that made it")
            func add(_ what: String) {
                problems.append(Problem(what: "\(path): \(what)", remedy: "\(again); or remove it and its provenance."))
            }
            guard let (origin, source) = OriginFile.read(ExportOrigin.self, at: path + Provenance.fileSuffix),
                origin.file == URL(fileURLWithPath: path).lastPathComponent
            else {
                add("its provenance is not one that this build can read")
                continue
            }
            guard let written = try? StudyExport.look(at: path) else {
                add("the file is gone, only its provenance is there")
                continue
            }
            guard written.bytes == origin.bytes, written.digest.hex == origin.sha256 else {
                add("its bytes are not those that were written (SHA-256 \(written.digest.short)…, expected \(origin.sha256.prefix(12))…)")
                continue
            }
            exports += 1
            guard source.isStill(recorded, progress: progress) else {
                outdatedExports += 1
                continue
            }
            if try export.digest(of: origin.contents) != written.digest {
                exports -= 1
                add("derived again from the ledger it has other bytes")
            }
        }
    }
}

/// What a check needs of an export's provenance.
private struct ExportOrigin: Decodable {
    var file: String
    var bytes: Int
    var sha256: String
    var contents: ExportContents
}
