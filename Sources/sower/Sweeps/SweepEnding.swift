import Foundation

/// How a sweep's process ended, for whoever attaches to it: beside the ledger, which knows only jobs.
struct SweepEnding: Codable {
    var version = 1
    var process = getpid()
    var exitCode: Int32 = 0
    var message: String?
    var remedy: String?
    var at = Date()

    enum CodingKeys: String, CodingKey {
        case version, process, message, remedy, at
        case exitCode = "exit_code"
    }

    /// - Parameter error: what the sweep ended with; `nil` for a complete one.
    init(_ error: (any Error)?) {
        guard let error else { return }
        let stop = Stop(error)
        (exitCode, message, remedy) = (stop.code.rawValue, stop.message, stop.remedy)
    }

    /// What cannot be written is a pity, and no error of the sweep.
    func record(in folder: StudyFolder) {
        try? FileManager.default.createDirectory(atPath: folder.logs, withIntermediateDirectories: true)
        try? Data((JSONOutput.text(self) + "\n").utf8).write(to: Self.file(of: folder), options: .atomic)
    }

    /// The word of the process, or `nil` when it has left none.
    static func read(in folder: StudyFolder, process: pid_t?) -> SweepEnding? {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        guard let data = try? Data(contentsOf: file(of: folder)), let ending = try? decoder.decode(SweepEnding.self, from: data) else {
            return nil
        }
        return process == nil || ending.process == process ? ending : nil
    }

    private static func file(of folder: StudyFolder) -> URL { URL(fileURLWithPath: folder.logs + "/ended.json") }
}
