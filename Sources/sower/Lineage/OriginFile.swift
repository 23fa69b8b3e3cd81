import Foundation

/// A provenance file, which may be anything until it has been read.
enum OriginFile {
    /// It names every cell that is missing: forty thousand fit.
    private static let byteLimit = 64 << 20

    static func read<Origin: Decodable>(_ type: Origin.Type, at path: String) -> (origin: Origin, source: OriginSource)? {
        guard let size = (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int, size <= byteLimit,
            let data = FileManager.default.contents(atPath: path),
            let origin = try? JSONDecoder().decode(type, from: data), let source = try? JSONDecoder().decode(OriginSource.self, from: data)
        else { return nil }
        return (origin, source)
    }
}

/// What a file was derived from, and by what: as long as all of it is the same, so is the file.
struct OriginSource: Decodable {
    var studyDigest: String
    var programVersion: String
    var engineVersion: String
    var progressDigest: String

    enum CodingKeys: String, CodingKey {
        case studyDigest = "study_digest"
        case programVersion = "program_version"
        case engineVersion = "engine_version"
        case progressDigest = "progress_digest"
    }

    /// Another build may write other bytes rightly, and a coordinator may record while something is derived.
    func isStill(_ recorded: RecordedStudy, progress: String) -> Bool {
        recorded.reader.coordinatorProcess == nil && progressDigest == progress && studyDigest == "\(recorded.study.digest)"
            && programVersion == Version.number && engineVersion == Version.engine
    }
}
