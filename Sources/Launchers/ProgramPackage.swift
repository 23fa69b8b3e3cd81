import Digests
import Foundation
import Processes

/// This program with the shared libraries it runs on, as another host gets it: the C library alone is expected there.
///
/// The program looks for libraries beside itself (its run path has `$ORIGIN`), so a folder with all of them runs where neither
/// Swift nor ZeroMQ, SQLite or OpenBLAS is installed. The folder has the name of its content's digest.
package struct ProgramPackage: Sendable {
    /// Names in the folder and where the files are here.
    package var files: [(name: String, path: String)]
    /// SHA-256 over the files' names and digests: a hexadecimal text of 64 letters.
    package var digest: String
    /// As `uname -m` says it.
    package var machine: String
    private var manifest: String

    /// The folder of packages, packed and unpacked, below a user's home.
    package static let folder = ".cache/sower/bin"

    static let keptPackages = 4

    /// What every Linux with glibc has; taking these along would mix two C libraries. Source: the libraries of libc6 (Debian).
    static let ofSystem = [
        "ld-linux", "libc.so", "libm.so", "libpthread.so", "libdl.so", "librt.so", "libutil.so", "libresolv.so", "libanl.so", "libnss_",
        "libnsl.so", "libmvec.so", "libthread_db.so", "libBrokenLocale.so", "libc_malloc_debug.so",
    ]

    /// The running program and what it has loaded. Reads all of it once: about 170 MB.
    package static func running(executable: String) throws -> ProgramPackage {
        let libraries = LoadedLibraries.paths.map { (name: URL(fileURLWithPath: $0).lastPathComponent, path: $0) }
            .filter { library in !ofSystem.contains { library.name.hasPrefix($0) } }
        return try ProgramPackage(files: [(name: "sower", path: executable)] + libraries.sorted { $0.name < $1.name })
    }

    package init(files: [(name: String, path: String)]) throws {
        self.files = files
        // Two spaces, as sha256sum(1) writes and checks it.
        manifest = try files.map {
            "\(try Digest(of: Data(contentsOf: URL(fileURLWithPath: $0.path), options: .alwaysMapped)).hex)  \($0.name)\n"
        }.joined()
        digest = Digest(of: Array(manifest.utf8)).hex
        var name = utsname()
        uname(&name)
        machine = withUnsafeBytes(of: &name.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// The packed file, made once for a digest. Needs the programs tar and gzip.
    package func pack(home: String) throws -> String {
        let folder = home + "/" + Self.folder
        let packed = "\(folder)/\(digest).tar.gz"
        if FileManager.default.fileExists(atPath: packed) { return packed }
        let staging = "\(folder)/.staging-\(getpid())"
        defer {
            try? FileManager.default.removeItem(atPath: staging)
            try? FileManager.default.removeItem(atPath: staging + ".tar.gz")
        }
        try? FileManager.default.removeItem(atPath: staging)
        try FileManager.default.createDirectory(atPath: staging, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        for file in files { try FileManager.default.createSymbolicLink(atPath: "\(staging)/\(file.name)", withDestinationPath: file.path) }
        try Data(manifest.utf8).write(to: URL(fileURLWithPath: staging + "/MANIFEST"))
        try Data((digest + "\n").utf8).write(to: URL(fileURLWithPath: staging + "/DIGEST"))
        guard let tar = Programs.path(of: "tar") else { throw LaunchError.noProgram("tar") }
        let end = try CommandProcess.run(
            [
                tar, "--create", "--dereference", "--use-compress-program=gzip -1", "--owner=0", "--group=0", "--mode=go-w",
                "--file=\(staging).tar.gz",
                "--directory=\(staging)", "--", "DIGEST", "MANIFEST",
            ] + files.map(\.name),
            environment: ProcessInfo.processInfo.environment, folder: staging, output: 2, errors: 2)
        guard end == .exited(0) else { throw LaunchError.cannotPack("tar ended with \(end)") }
        guard rename(staging + ".tar.gz", packed) == 0 else { throw LaunchError.cannotPack(String(cString: strerror(errno))) }
        Self.removeOld(in: folder)
        return packed
    }

    /// Packed programs of earlier builds but the newest few: sweeps that run may still send theirs.
    private static func removeOld(in folder: String) {
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter {
            $0.hasSuffix(".tar.gz") && !$0.hasPrefix(".")
        }
        func age(_ name: String) -> Date {
            (try? FileManager.default.attributesOfItem(atPath: folder + "/" + name))?[.modificationDate] as? Date ?? .distantPast
        }
        for name in names.sorted(by: { age($0) > age($1) }).dropFirst(keptPackages) { unlink(folder + "/" + name) }
    }

    /// Puts the package into this host's own folder, for Slurm's nodes that share it. The answer is the program's path.
    package func install(home: String) throws -> String {
        let place = "\(home)/\(Self.folder)/\(digest)"
        if FileManager.default.isExecutableFile(atPath: place + "/sower") { return place + "/sower" }
        let staging = "\(home)/\(Self.folder)/.install-\(getpid())"
        defer { try? FileManager.default.removeItem(atPath: staging) }
        try? FileManager.default.removeItem(atPath: staging)
        try FileManager.default.createDirectory(atPath: staging, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        for file in files {
            try FileManager.default.copyItem(
                at: URL(fileURLWithPath: file.path).resolvingSymlinksInPath(), to: URL(fileURLWithPath: "\(staging)/\(file.name)"))
        }
        guard rename(staging, place) == 0 || FileManager.default.isExecutableFile(atPath: place + "/sower") else {
            throw LaunchError.cannotPack("\(place): \(String(cString: strerror(errno)))")
        }
        return place + "/sower"
    }
}

/// The user's home folder.
package enum HomeFolder {
    package static var path: String { ProcessInfo.processInfo.environment["HOME"] ?? FileManager.default.homeDirectoryForCurrentUser.path }

    /// A path in which a leading `~/` stands for it.
    package static func expanding(_ path: String) -> String { path.hasPrefix("~/") ? self.path + path.dropFirst() : path }
}

/// Why nothing can be launched.
package enum LaunchError: Error, Equatable, LocalizedError {
    case noProgram(String)
    case cannotPack(String)
    case noHostReached([String])
    case slurm(String)

    /// The same error, or what Foundation says of a file without a sentence.
    package static func inWords(_ error: any Error) -> any Error {
        guard (error as? any LocalizedError)?.errorDescription == nil else { return error }
        let details = (error as NSError).userInfo
        guard let path = details[NSFilePathErrorKey] as? String, let cause = details[NSUnderlyingErrorKey] as? any Error,
            (cause as NSError).domain == NSPOSIXErrorDomain
        else { return error }
        return LaunchError.cannotPack("\(path): \(String(cString: strerror(Int32((cause as NSError).code))))")
    }

    package var errorDescription: String? {
        switch self {
        case .noProgram(let name): "there is no program \(name) on the PATH"
        case .cannotPack(let reason): "this program cannot be packed for other hosts: \(reason)"
        case .noHostReached(let reasons): "no host of the cluster can work:\n  " + reasons.joined(separator: "\n  ")
        case .slurm(let reason): "Slurm did not take the workers: \(reason)"
        }
    }

    package var recoverySuggestion: String? {
        switch self {
        case .noProgram(let name):
            "Install it: apt-get install \(name == "ssh" ? "openssh-client" : name == "sbatch" ? "slurm-client" : name)"
        case .cannotPack: "Make room in ~/.cache/sower, then try again."
        case .noHostReached: "Look at each host with: sower doctor --cluster cluster.yaml"
        case .slurm: "Compare the slurm settings of the cluster file with `sinfo`."
        }
    }
}
