import Datasets
import Foundation

/// A folder that goes away with the object.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("datasets-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    func write(_ bytes: [UInt8], as name: String) throws { try Data(bytes).write(to: URL(fileURLWithPath: file(name))) }

    /// Writes records with these labels; pixel p of record r is r·7 + p·13, modulo 256.
    func write(labels: [(UInt8, UInt8)], as name: String) throws {
        try write(labels.enumerated().flatMap { [$1.0, $1.1] + TemporaryFolder.pixels(of: $0) }, as: name)
    }

    static func pixels(of record: Int) -> [UInt8] {
        (0..<CIFAR100Folder.pixelBytes).map { UInt8(truncatingIfNeeded: record * 7 + $0 * 13) }
    }
}

/// The folders of real images beside the project; nil where they are not installed.
func realData(_ name: String) -> String? {
    var folder = URL(fileURLWithPath: #filePath)
    while folder.path != "/" {
        folder.deleteLastPathComponent()
        if FileManager.default.fileExists(atPath: folder.appendingPathComponent("Package.swift").path) { break }
    }
    let data = folder.deletingLastPathComponent().appendingPathComponent("shared/data/\(name)").path
    return FileManager.default.fileExists(atPath: data) ? data : nil
}
