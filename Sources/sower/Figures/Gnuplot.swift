import Foundation
import Processes

/// The program that draws.
enum Gnuplot {
    /// Its own name and version, for example `gnuplot 5.4 patchlevel 4`.
    static func version() throws -> String {
        let (end, output, _) = try run(["--version"], folder: "/")
        guard end == .exited(0) else { throw ProcessError.failed("gnuplot --version", end) }
        return output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Draws `name.svg` and `name.png` in `folder`, where the script and its data lie.
    static func draw(name: String, in folder: String) throws {
        for (setting, file) in [([], "\(name).svg"), (["-e", "png = 1"], "\(name).png")] {
            // The user's own settings and environment would change the picture.
            let (end, _, errors) = try run(["--default-settings"] + setting + ["\(name).gp"], folder: folder)
            let size = (try? FileManager.default.attributesOfItem(atPath: "\(folder)/\(file)"))?[.size] as? Int ?? 0
            guard end == .exited(0), size > 0 else {
                let words = errors.split(separator: "\n").suffix(3).joined(separator: "\n  ")
                throw Stop(
                    .configuration, "gnuplot did not draw \(file) (\(end))" + (words.isEmpty ? "" : ":\n  \(words)"),
                    remedy: "It needs gnuplot 5.4 or later, with the terminals svg and pngcairo: sudo apt-get install gnuplot-nox")
            }
        }
    }

    private static func run(_ arguments: [String], folder: String) throws -> (end: ProcessEnd, output: String, errors: String) {
        var environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("GNUPLOT") && $0.key != "GNUTERM" }
        environment["LC_ALL"] = "C.UTF-8"
        var output: [UInt8] = [], errors: [UInt8] = []
        do {
            let end = try PipedCommand.run(
                ["gnuplot"] + arguments, environment: environment, folder: folder, onOutput: { output += $0 }, onErrors: { errors += $0 })
            return (end, String(decoding: output, as: UTF8.self), String(decoding: errors, as: UTF8.self))
        } catch ProcessError.cannotStart(_, ENOENT) {
            throw Stop(
                .configuration, "figures are drawn by gnuplot, and there is no gnuplot on the PATH",
                remedy: "Install it: sudo apt-get install gnuplot-nox (scripts/setup does it too)")
        }
    }
}
