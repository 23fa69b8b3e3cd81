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

    /// What a figure is made of, besides its pictures.
    struct Contents {
        var name: String
        var script: String
        var csv: String
        var provenance: any Encodable
    }

    /// Draws in a folder of its own, then renames. The paths of all files, the pictures first.
    func write(_ contents: Contents) throws -> [String] {
        let scratch = "\(path)/\(Self.drawing)\(getpid())"
        try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        let texts = [
            ("gp", Data(contents.script.utf8)), ("csv", Data(contents.csv.utf8)), ("json", try encoder.encode(contents.provenance) + Data("\n".utf8)),
        ]
        for (ending, data) in texts { try data.write(to: URL(fileURLWithPath: "\(scratch)/\(contents.name).\(ending)")) }
        try Gnuplot.draw(name: contents.name, in: scratch)
        return try (["svg", "png"] + texts.map(\.0)).map { ending in
            let target = "\(path)/\(contents.name).\(ending)"
            guard rename("\(scratch)/\(contents.name).\(ending)", target) == 0 else {
                throw Stop(
                    .incomplete, "\(target) cannot be written: \(String(cString: strerror(errno)))",
                    remedy: "Look at the rights and the room of \(path).")
            }
            return target
        }
    }
}
