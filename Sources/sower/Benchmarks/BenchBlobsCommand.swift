import ArgumentParser
import Foundation

extension BenchCommand {
    struct Blobs: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "blobs", abstract: "Speed of moving artifacts between a coordinator and a worker.",
            discussion: """
                A coordinator's blob server and heartbeat loop and a worker's blob client, each with its own libzmq context, in one process over \
                loopback tcp. Every blob is hashed on arrival and synced (file and folders) before it counts. Sources are in the page cache. \
                The time of a heartbeat is from its sending to its answer.
                """)

        @Option(help: ArgumentHelp("Size of a blob.", valueName: "size"))
        var size = ByteSize(bytes: 45_000_000)

        @Option(help: "Blobs a measurement.")
        var count = 16

        @Option(help: "Transfers at once in the measurements with several streams.")
        var streams = 8

        @Flag(help: "Encrypt the connection, as for workers of other hosts.")
        var curve = false

        @Option(help: ArgumentHelp("The disk that is measured: both stores are made here, and removed afterwards.", valueName: "dir"))
        var folder = "."

        @OptionGroup var output: OutputOptions

        func validate() throws {
            guard (1...1000).contains(count), (1...8).contains(streams), size.bytes <= 1 << 30 else {
                throw ValidationError("expected --count 1 to 1000, --streams 1 to 8 and --size up to 1GiB")
            }
        }

        func run() throws {
            let report = try BlobBenchmark(folder: folder, blobBytes: size.bytes, count: count, streams: streams, usesCurve: curve).run()
            switch output.outputMode {
            case .json: print(try JSONOutput.text(report))
            case .cli: print(report.text)
            case .quiet: break
            }
        }
    }
}

/// The benchmark's JSON.
struct BlobReport: Codable {
    struct Case: Codable {
        /// fetch or push.
        var direction: String
        var streams: Int
        var megabytesPerSecond: Double
        /// User and system time of both sides, seconds for 10⁹ bytes.
        var cpuSecondsPerGigabyte: Double
        var heartbeat: Heartbeat
    }

    /// Round trips in milliseconds.
    struct Heartbeat: Codable {
        var count: Int
        var median, percentile99: Double

        init(_ seconds: [Double]) {
            let sorted = seconds.sorted()
            func percentile(_ share: Double) -> Double {
                sorted.isEmpty ? 0 : 1000 * sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))]
            }
            count = sorted.count
            median = percentile(0.5)
            percentile99 = percentile(0.99)
        }
    }

    var version = 1
    var kind = "blob-benchmark"
    var blobBytes, blobCount: Int
    var folder, fileSystem: String
    /// Whether the connection was encrypted.
    var curve: Bool
    /// Always: a blob counts when its file and its name are on the disk.
    var isSynced = true
    /// SHA-256 of bytes in memory, one thread, in 10⁶ bytes a second: no transfer can be faster.
    var hashMegabytesPerSecond: Double
    var idleHeartbeat: Heartbeat
    var cases: [Case]
    /// Of both sides.
    var peakMemoryMegabytes: Double

    var text: String {
        func number(_ value: Double, _ digits: Int, width: Int) -> String {
            let text = String(format: "%.\(digits)f", value)
            return String(repeating: " ", count: max(0, width - text.count)) + text
        }
        func row(_ one: Case) -> String {
            (one.direction + (one.streams == 1 ? ", 1 stream" : ", \(one.streams) streams")).padding(
                toLength: 18, withPad: " ", startingAt: 0)
                + number(one.megabytesPerSecond, 0, width: 8) + number(one.cpuSecondsPerGigabyte, 2, width: 12)
                + number(one.heartbeat.median, 2, width: 12) + number(one.heartbeat.percentile99, 2, width: 10)
        }
        let idle =
            "heartbeats alone".padding(toLength: 38, withPad: " ", startingAt: 0)
            + number(idleHeartbeat.median, 2, width: 12) + number(idleHeartbeat.percentile99, 2, width: 10)
        return
            ([
                "\(blobCount) blobs of \(blobBytes) bytes each, fsync included\(curve ? ", over CURVE" : ""), \(folder) (\(fileSystem))",
                "                      MB/s    CPU s/GB      p50 ms    p99 ms",
            ] + cases.map(row) + [
                idle,
                "SHA-256 alone \(number(hashMegabytesPerSecond, 0, width: 0)) MB/s; peak memory \(number(peakMemoryMegabytes, 0, width: 0)) MB",
            ]).joined(separator: "\n")
    }
}
