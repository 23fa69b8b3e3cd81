import ArgumentParser
import Foundation
import Keys
import Transport

/// Where this host's keys are.
struct KeysOption: ParsableArguments {
    @Option(help: ArgumentHelp("The folder of this host's keys; the default is $SOWER_KEYS or ~/.config/sower/keys.", valueName: "dir"))
    var keys: String?

    var folder: KeyFolder {
        KeyFolder(path: keys ?? Self.fromEnvironment ?? NSHomeDirectory() + "/.config/sower/keys")
    }

    /// The folder, absolute, if it is the environment that names it.
    var inherited: String? { keys == nil && Self.fromEnvironment != nil ? folder.path : nil }

    private static var fromEnvironment: String? { ProcessInfo.processInfo.environment["SOWER_KEYS"].flatMap { $0.isEmpty ? nil : $0 } }

    /// What another run needs to find the same keys, as words of its command.
    var words: String { keys.map { " --keys \(shellWord($0))" } ?? "" }
}

/// Which workers a sweep takes.
struct AdmissionOptions: ParsableArguments {
    enum Numerics: String, ExpressibleByArgument, CaseIterable { case any, pinned }

    @OptionGroup var keys: KeysOption

    @Option(help: "any, or pinned: take only workers of this host's numeric class, so that every result has the same bits anywhere.")
    var numerics = Numerics.any

    /// What another run needs to be like this one, as words of its command.
    var words: String { keys.words + (numerics == .any ? "" : " --numerics \(numerics.rawValue)") }
}

extension PublicKey: ExpressibleByArgument {
    public init?(argument: String) { self.init(z85: argument) }
}

extension PublicKey {
    /// The key as one word of a shell's command line; Z85 has no single quote.
    var word: String { "'\(self)'" }
}
