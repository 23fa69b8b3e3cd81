import Foundation

/// A study's folder of figures: each is five files, which appear whole or not at all.
struct FigureFolder {
    let path: String

    /// Makes the folder, and removes what a drawing that was killed has left in it.
    init(_ path: String) throws {
        self.path = path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        for name in try FileManager.default.contentsOfDirectory(atPath: path) where name.hasPrefix(Self.drawing) {
            if let process = pid_t(name.dropFirst(Self.drawing.count)), kill(process, 0) != 0, errno == ESRCH {
                try? FileManager.default.removeItem(atPath: "\(path)/\(name)")
            }
        }
    }

    private static let drawing = ".drawing-"

    /// Draws in a folder of its own, then renames. The paths of all files, the pictures first, the provenance last.
    func write(_ figure: MadeFigure, provenance: ([FigureProvenance.File]) throws -> FigureProvenance) throws -> [String] {
        let scratch = "\(path)/\(Self.drawing)\(getpid())"
        try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        func write(_ data: Data, _ ending: String) throws {
            try data.write(to: URL(fileURLWithPath: "\(scratch)/\(figure.name).\(ending)"))
        }
        try write(Data(figure.script.utf8), "gp")
        try write(Data(figure.csv.utf8), "csv")
        try Gnuplot.draw(name: figure.name, in: scratch)
        let endings = ["svg", "png", "gp", "csv"]
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        try write(
            encoder.encode(provenance(endings.map { try FigureProvenance.File("\(scratch)/\(figure.name).\($0)") })) + Data("\n".utf8),
            "json")
        // The old provenance must not vouch for new files.
        unlink("\(path)/\(figure.name).json")
        return try (endings + ["json"]).map { ending in
            let target = "\(path)/\(figure.name).\(ending)"
            guard rename("\(scratch)/\(figure.name).\(ending)", target) == 0 else {
                throw Stop(
                    .incomplete, "\(target) cannot be written: \(String(cString: strerror(errno)))",
                    remedy: "Look at the rights and the room of \(path).")
            }
            return target
        }
    }
}
