import Digests
import Foundation
import Reports
import Studies

extension StudyVerification {
    /// Every figure in the study's `figures/`, and `also` elsewhere: its files are those that were written, and where the
    /// ledger has not changed since, its numbers and its script, made again, are the same. Pictures are not drawn again: their letters are
    /// those of the host's fonts.
    mutating func checkFigures(_ folder: StudyFolder, also: [String]) throws {
        let places = ([folder.figures] + also).flatMap { place in
            ((try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []).sorted()
                .filter { $0.hasSuffix(".json") && !$0.hasSuffix(Provenance.fileSuffix) }.map { (place, $0) }
        }
        guard !places.isEmpty else { return }
        let maker = try FigureMaker(RecordedStudy(folder))
        for (place, name) in places {
            let path = "\(place)/\(name.dropLast(".json".count))"
            func add(_ what: String) {
                problems.append(
                    Problem(
                        what: "\(path): \(what)",
                        remedy: "Draw it again with the `sower figures` that made it, or remove it: rm \(shellWord(path)).*"))
            }
            guard let (origin, source) = OriginFile.read(FigureOrigin.self, at: path + ".json"), origin.isUsable else {
                add("its provenance is not one that this build can read")
                continue
            }
            let changed = origin.files.first { (try? FigureProvenance.File("\(place)/\($0.name)")) != $0 }
            if let changed {
                add("\(changed.name) is gone, or not what was written")
                continue
            }
            figures += 1
            guard source.isStill(maker.recorded, progress: maker.progressDigest) else {
                outdatedFigures += 1
                continue
            }
            guard case .made(let figure)? = try? maker.make(origin.request) else {
                figures -= 1
                add("it cannot be made again from the ledger and the artifacts")
                continue
            }
            let made = [("gp", figure.script), ("csv", figure.csv)].map { ("\(origin.name).\($0)", Digest(of: $1).hex) }
            if let different = made.first(where: { name, digest in !origin.files.contains { $0.name == name && $0.sha256 == digest } }) {
                figures -= 1
                add("\(different.0), made again from the ledger, has other bytes")
            }
        }
    }
}

/// What a check needs of a figure's provenance.
private struct FigureOrigin: Decodable {
    var version: Int
    var name: String
    var files: [FigureProvenance.File]
    var request: FigureRequest

    /// Its files lie beside it.
    var isUsable: Bool { version == FigureProvenance.currentVersion && files.allSatisfy { !$0.name.contains("/") } }
}
