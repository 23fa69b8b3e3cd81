import Foundation
import LedgerStore
import Studies
import StudyFiles

/// Where one study's things lie: `<results>/<study>/`.
struct StudyFolder {
    let path: String

    init(results: String, study name: String) {
        path = URL(fileURLWithPath: results).appendingPathComponent(name).standardizedFileURL.path
    }

    var name: String { URL(fileURLWithPath: path).lastPathComponent }
    var ledger: String { path + "/ledger.sqlite" }
    /// The coordinator's artifact store.
    var artifacts: String { path + "/artifacts" }
    /// The artifact store that this host's workers share; nothing in it is needed when the sweep has ended.
    var cache: String { path + "/cache" }
    var logs: String { path + "/logs" }
    /// Orders for Slurm's jobs, and their logs.
    var slurm: String { path + "/slurm" }
    var tables: String { path + "/tables" }
    /// What `sower export` writes.
    var exports: String { path + "/exports" }
    var figures: String { path + "/figures" }

    /// The command that continues the study.
    func resumeCommand(results: String) -> String {
        "sower resume \(name)" + ResultsOption.flag(results)
    }

    /// The studies that have a ledger below `results`, the one used last first.
    static func all(in results: String) -> [StudyFolder] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: results)) ?? []
        return names.map { StudyFolder(results: results, study: $0) }
            .compactMap { folder -> (StudyFolder, Date)? in
                // The write-ahead log is what a running coordinator touches.
                let times = [folder.ledger, folder.ledger + "-wal"].compactMap {
                    (try? FileManager.default.attributesOfItem(atPath: $0))?[.modificationDate] as? Date
                }
                return times.max().map { (folder, $0) }
            }
            .sorted { ($1.1, $0.0.path) < ($0.1, $1.0.path) }.map(\.0)
    }

    /// The study called `name`, or the one used last.
    static func find(_ name: String?, in results: String) throws -> StudyFolder {
        let known = all(in: results)
        guard let name else {
            guard let latest = known.first else {
                throw Stop(
                    .configuration, "there is no study in \(results)",
                    remedy: "Start one with `sower run demo`, or name the folder with --results.")
            }
            return latest
        }
        guard let found = known.first(where: { $0.name == name }) else {
            let names = known.isEmpty ? "none" : known.map(\.name).joined(separator: ", ")
            throw Stop(
                .configuration, "there is no study \(name) in \(results) (there: \(names))",
                remedy: BuiltInStudies.names.contains(name)
                    ? "Start it with: sower run \(name)\(ResultsOption.flag(results))"
                    : "Start it from its study file (sower run FILE.yaml), or name the folder of an earlier run with --results.")
        }
        return found
    }
}
