import ArgumentParser
import Foundation
import Keys
import Transport

/// The keys by which hosts know each other.
struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Make, exchange and take back the keys by which hosts know each other.",
        discussion: """
            On a worker's host:      sower keys generate; sower keys pin 'COORDINATOR-KEY'
            On the coordinator's:    sower keys enroll lab1 'WORKER-KEY'
            Secret keys never leave their host; what these commands print is public. Running coordinators take note at once.
            """,
        subcommands: [Generate.self, Enroll.self, Pin.self, Revoke.self, Rotate.self, List.self])

    struct Generate: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "generate", abstract: "Make this host's key pair, unless it has one, and print its public key.")

        @OptionGroup var keys: KeysOption
        @OptionGroup var output: OutputOptions

        func run() throws {
            let (pair, isNew) = try keys.folder.makeIdentity()
            try KeyReport(keys.folder, pair.publicKey, changed: isNew).show(
                output.outputMode, "\(pair.publicKey)",
                notes: [(isNew ? "made this host's key pair in " : "this host has its key pair already, in ") + keys.folder.path])
        }
    }

    struct Enroll: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "enroll", abstract: "Let a worker's host in, by its public key.")

        @Argument(help: "What the host is called here: letters, digits, dots, hyphens and underscores.")
        var name: String

        @Argument(
            help: ArgumentHelp(
                "What `sower keys generate` printed there, between single quotes; - reads it from standard input.",
                valueName: "public-key"))
        var key: String

        @Flag(help: "Put the key in the place of the name's earlier one, which is revoked.")
        var replace = false

        @OptionGroup var keys: KeysOption
        @OptionGroup var output: OutputOptions

        func run() throws {
            let key = try PublicKey(word: key)
            let changed = try keys.folder.enroll(key, as: name, replacing: replace)
            try KeyReport(keys.folder, key, name: name, changed: changed).show(
                output.outputMode, changed ? "\(name) is let in from now on" : "\(name) is let in already",
                notes: tellCoordinators(keys.folder))
        }
    }

    struct Pin: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "pin", abstract: "Expect this key of the coordinator, whenever a worker of this host connects.")

        @Argument(
            help: ArgumentHelp(
                "What `sower keys list` prints on the coordinator's host; - reads it from standard input.", valueName: "public-key"))
        var key: String

        @OptionGroup var keys: KeysOption
        @OptionGroup var output: OutputOptions

        func run() throws {
            let key = try PublicKey(word: key)
            let earlier = try keys.folder.pin(key)
            let changed = earlier != key
            try KeyReport(keys.folder, key, changed: changed).show(
                output.outputMode,
                changed ? "workers of this host expect the coordinator to have this key" : "that key is expected already")
        }
    }

    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "revoke", abstract: "Let a worker's host in no more; what it says is dropped at once, and its jobs go to others.")

        @Argument(help: "The name under which the key was enrolled.")
        var name: String

        @OptionGroup var keys: KeysOption
        @OptionGroup var output: OutputOptions

        func run() throws {
            try keys.folder.revoke(name)
            try KeyReport(keys.folder, nil, name: name, changed: true).show(
                output.outputMode, "\(name) is let in no more", notes: tellCoordinators(keys.folder))
        }
    }

    struct Rotate: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rotate", abstract: "Give this host a new key pair; the old one is kept aside until you confirm.")

        @Flag(help: "The other side has the new key: forget the old pair.")
        var confirm = false

        @Flag(help: "Go back to the old pair.")
        var undo = false

        @OptionGroup var keys: KeysOption
        @OptionGroup var output: OutputOptions

        func validate() throws {
            guard !(confirm && undo) else { throw ValidationError("--confirm and --undo exclude each other") }
        }

        func run() throws {
            let folder = keys.folder
            if confirm {
                try folder.confirmRotation()
                try KeyReport(folder, folder.identity().publicKey, changed: true).show(output.outputMode, "the old pair is gone")
            } else if undo {
                let old = try folder.undoRotation()
                try KeyReport(folder, old.publicKey, changed: true).show(
                    output.outputMode, "\(old.publicKey)", notes: ["the old pair is this host's again"])
            } else {
                let (_, new) = try folder.rotate()
                try KeyReport(folder, new.publicKey, changed: true).show(
                    output.outputMode, "\(new.publicKey)",
                    notes: [
                        "this is the host's public key from now on; what runs keeps the old one until it is started again",
                        "if workers run here, on the coordinator's host:  sower keys enroll --replace NAME \(new.publicKey.word)",
                        "if a coordinator runs here, on each worker's host:  sower keys pin \(new.publicKey.word)",
                        "then:  sower keys rotate --confirm\(keys.words)   (or go back: sower keys rotate --undo\(keys.words))",
                    ])
            }
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Show this host's public key, the coordinator's, and those that are let in.")

        @OptionGroup var keys: KeysOption
        @OptionGroup var output: OutputOptions

        func run() throws {
            let list = try KeyList(keys.folder)
            switch output.outputMode {
            case .json: print(try JSONOutput.text(list))
            case .cli: print(list.text)
            case .quiet: break
            }
        }
    }
}

/// Has running coordinators look at the keys again; the answer is what a person should know or do.
private func tellCoordinators(_ folder: KeyFolder) -> [String] {
    let (told, commands) = RunningCoordinators.reload(folder)
    return (told > 0 ? ["told \(told == 1 ? "the running coordinator" : "\(told) running coordinators")"] : [])
        + commands.map { "another coordinator uses this folder; tell it with: \($0)" }
}

extension PublicKey {
    /// A key from a command's word, or from standard input for `-`.
    fileprivate init(word: String) throws {
        var text = word
        if word == "-" {
            let bytes = FileHandle.standardInput.readData(ofLength: 4096)
            // What `sower keys generate` prints, or a whole key file.
            let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
            text = lines.filter { !$0.hasPrefix("#") }.joined(separator: "\n")
        }
        text = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard let key = PublicKey(z85: text) else { throw KeyError.notAKey(count: text.count) }
        self = key
    }
}

/// What a command has done, for scripts.
private struct KeyReport: Codable {
    var version = 1
    var kind = "key"
    var folder: String
    var publicKey: String?
    var name: String?
    var changed: Bool

    enum CodingKeys: String, CodingKey {
        case version, kind, folder, name, changed
        case publicKey = "public_key"
    }

    init(_ folder: KeyFolder, _ key: PublicKey?, name: String? = nil, changed: Bool) {
        self.folder = folder.path
        publicKey = key?.description
        self.name = name
        self.changed = changed
    }

    /// The text is all that standard output gets; notes are for the person.
    func show(_ mode: OutputMode, _ text: String, notes: [String] = []) throws {
        switch mode {
        case .json: print(try JSONOutput.text(self))
        case .cli:
            print(text)
            for note in notes { printToError(note) }
        case .quiet: break
        }
    }
}

private struct KeyList: Codable {
    struct Entry: Codable {
        var name: String
        var publicKey: String

        enum CodingKeys: String, CodingKey {
            case name
            case publicKey = "public_key"
        }
    }

    var version = 1
    var kind = "keys"
    var folder: String
    var publicKey: String?
    var previousKey: String?
    var coordinatorKey: String?
    var authorized: [Entry]
    var revoked: [Entry]

    enum CodingKeys: String, CodingKey {
        case version, kind, folder, authorized, revoked
        case publicKey = "public_key"
        case previousKey = "previous_public_key"
        case coordinatorKey = "coordinator_public_key"
    }

    init(_ folder: KeyFolder) throws {
        self.folder = folder.path
        publicKey = try folder.identityIfAny()?.publicKey.description
        previousKey = try folder.previousKey()?.description
        coordinatorKey = try folder.pinned()?.description
        authorized = try folder.authorized().map { Entry(name: $0.name, publicKey: $0.key.description) }
        revoked = try folder.revoked().map { Entry(name: $0.name, publicKey: $0.key.description) }
    }

    var text: String {
        var lines = [folder, "  this host    \(publicKey ?? "has none yet: sower keys generate")"]
        if let previousKey { lines.append("  before       \(previousKey)   (sower keys rotate --confirm forgets it)") }
        if let coordinatorKey { lines.append("  coordinator  \(coordinatorKey)") }
        lines += authorized.map { "  let in       \($0.publicKey)  \($0.name)" }
        lines += revoked.map { "  revoked      \($0.publicKey)  \($0.name)" }
        return lines.joined(separator: "\n")
    }
}
