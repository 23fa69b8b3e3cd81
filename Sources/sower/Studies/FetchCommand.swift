import ArgumentParser
import Clusters
import Datasets
import Downloads
import Foundation

extension DataCommand {
    struct Fetch: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "fetch", abstract: "Download a data set from its publisher, compare it with its checksums, and unpack it.",
            discussion: """
                Ctrl-C leaves what has arrived, and the same command goes on from there. A data set that is there already is \
                compared with what was unpacked. curl, tar and unzip do the work; http_proxy and https_proxy are theirs.

                \(PublishedDataset.all.map { "  \($0.name.padding(toLength: 15, withPad: " ", startingAt: 0))\($0.downloadWords)" }.joined(separator: "\n"))
                """)

        @Argument(help: ArgumentHelp("\(PublishedDataset.all.map(\.name).joined(separator: ", ")).", valueName: "data set"))
        var name: String

        @Option(help: ArgumentHelp("The folder to make; the default is data/ and the data set's usual name.", valueName: "dir"))
        var to: String?

        @Option(
            help: ArgumentHelp(
                "Another place that offers the same files under the same names, instead of the publisher's: http, https or file.",
                valueName: "url"))
        var mirror: String?

        @OptionGroup var output: OutputOptions

        func validate() throws {
            guard PublishedDataset.named(name) != nil else {
                throw ValidationError(
                    "there is no data set \(name.prefix(80)); choose one of: \(PublishedDataset.all.map(\.name).joined(separator: ", "))")
            }
            if let mirror { try DatasetFetch.validate(mirror: mirror) }
        }

        func run() throws {
            guard var dataset = PublishedDataset.named(name) else { return }
            let folder = to ?? "data/\(dataset.folder)"
            if let mirror { dataset = dataset.from(mirror: mirror) }
            let isQuiet = output.outputMode != .cli
            let line = DownloadLine(isShown: !isQuiet && isatty(2) != 0)
            var download = DatasetDownload(dataset, to: folder)
            download.tell = { text in
                line.clear()
                if !isQuiet { printToError(text) }
            }
            download.progress = line.show
            Signals.catchThem()
            download.isCancelled = { Signals.count > 0 }
            let outcome: DatasetDownload.Outcome
            do {
                outcome = try download.run()
            } catch is CancellationError {
                line.clear()
                throw Stop(
                    Signals.pending ?? .interrupted, "stopped; what has arrived stays", remedy: "The same command goes on from there.")
            }
            line.clear()
            try report(outcome, folder: folder, isRead: DatasetFetch.isRead(name))
        }

        private func report(_ outcome: DatasetDownload.Outcome, folder: String, isRead: Bool) throws {
            let words =
                switch outcome {
                case .downloaded: "\(name) is in \(folder)"
                case .alreadyThere: "\(name) is in \(folder) already, every byte as it was downloaded"
                case .foreign: "\(folder) holds files of \(name) that sower did not download: left as they are"
                }
            if output.outputMode == .cli { printToError(words) }
            if isRead {
                let data = try DataCheck.run(folder) { if output.outputMode == .cli { printToError($0) } }
                try DataReport(data, folder: folder).show(output.outputMode)
            } else {
                if output.outputMode == .cli { printToError("this version of sower has no study that reads it") }
                if output.outputMode == .json { print(try JSONOutput.text(Fetched(name: name, path: folder))) }
            }
        }

        private struct Fetched: Codable {
            var version = 1
            var kind = "fetched"
            var name: String
            var path: String
        }
    }
}

extension PublishedDataset {
    static func named(_ name: String) -> PublishedDataset? { all.first { $0.name == name } }

    var downloadBytes: Int { files.reduce(0) { $0 + $1.size } }

    fileprivate var downloadWords: String { "\((downloadBytes + 500_000) / 1_000_000) MB" }
}

/// Data sets that a worker downloads for itself.
enum DatasetFetch {
    /// Whether studies can use it.
    static func isRead(_ name: String) -> Bool { ["cifar100", "tiny-imagenet"].contains(name) }

    static var names: String { PublishedDataset.all.map(\.name).filter(isRead).joined(separator: ", ") }

    /// Below the user's cache: one copy for all workers of a host.
    static func folder(of dataset: PublishedDataset) -> String {
        (DatasetCache.folder as NSString).deletingLastPathComponent + "/data/\(dataset.folder)"
    }

    static func validate(mirror: String) throws {
        guard ClusterPatterns.isAddress(mirror) else {
            throw ValidationError("--mirror \(mirror.prefix(200)): expected an address that begins with http://, https:// or file:///")
        }
    }

    /// Downloads what is not there yet, and gives the folders.
    static func run(_ names: [String], mirror: String?, tell: @escaping (String) -> Void, isCancelled: @escaping () -> Bool) throws
        -> [String]
    {
        try names.map { name in
            guard var dataset = PublishedDataset.named(name) else {
                throw Stop(.configuration, "there is no data set \(name.prefix(80)) to download")
            }
            let folder = folder(of: dataset)
            if let mirror { dataset = dataset.from(mirror: mirror) }
            try FileManager.default.createDirectory(
                atPath: (folder as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
            var download = DatasetDownload(dataset, to: folder)
            (download.tell, download.isCancelled) = (tell, isCancelled)
            let outcome: DatasetDownload.Outcome
            do {
                outcome = try download.run()
            } catch is CancellationError {
                throw Stop(Signals.pending ?? .terminated, "stopped while downloading \(name); what has arrived stays")
            }
            tell("\(name) is in \(folder)\(outcome == .downloaded ? "" : " already")")
            return folder
        }
    }
}

/// Standard input, when it is a pipe that this process's parent holds open for as long as it lives.
enum Lifeline {
    static var isCut: Bool {
        var look = pollfd(fd: 0, events: 0, revents: 0)
        return poll(&look, 1, 0) > 0 && look.revents & Int16(POLLHUP) != 0
    }
}

/// One line of progress on a terminal.
private final class DownloadLine {
    private let isShown: Bool
    private var isOpen = false

    init(isShown: Bool) { self.isShown = isShown }

    func show(_ file: String, _ bytes: Int, _ total: Int) {
        guard isShown else { return }
        let percent = total > 0 ? 100 * bytes / total : 100
        printToError("\r\u{1B}[K\(file): \(bytes / 1_000_000) of \((total + 999_999) / 1_000_000) MB, \(percent) %", terminator: "")
        isOpen = true
    }

    func clear() {
        if isOpen { printToError("\r\u{1B}[K", terminator: "") }
        isOpen = false
    }
}
