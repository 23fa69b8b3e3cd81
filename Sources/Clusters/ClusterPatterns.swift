import Studies

/// What the texts of a cluster file may be. They become arguments of ssh, sbatch and a worker, and lines of a terminal: each
/// pattern is narrower than what those accept, and none begins with a dash.
package enum ClusterPatterns {
    package static let hostBytes = 1...253
    package static let ports = 1...65535
    /// The coordinator's; the data port is the next one. Below 32768, so that no ephemeral port can take it.
    package static let coordinatorPorts = 1024...32766
    package static let slots = 1...1024
    package static let threads = 1...256
    package static let nodes = 1...1000
    package static let hosts = 1...256
    package static let setupLines = 0...32
    package static let setupBytes = 1...1024
    package static let labels = 0...StudyLimits.labels
    package static let variables = 0...64
    package static let valueBytes = 0...4096
    package static let pathBytes = 1...4096

    /// A host's name or IPv4 address: labels of 1 to 63 letters, digits, dashes and underscores, none beginning or ending with a
    /// dash. Aliases of an ssh_config(5) are of this form. Source: RFC 1123, 2.1.
    package static func isHost(_ text: String) -> Bool {
        guard hostBytes.contains(text.utf8.count) else { return false }
        return text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
            (1...63).contains(label.count) && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
                && label.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
        }
    }

    /// A user's name: 1 to 32 letters, digits, `.`, `_` and `-`, beginning with a letter, a digit or `_`.
    package static func isUser(_ text: String) -> Bool { text.utf8.count <= 32 && isName(text) }

    /// A partition, an account, a label's key or value: 1 to 64 letters, digits, `.`, `_` and `-`, beginning with a letter, a digit
    /// or `_`.
    package static func isName(_ text: String) -> Bool {
        guard (1...64).contains(text.utf8.count), let first = text.utf8.first else { return false }
        return (isLetterOrDigit(first) || first == UInt8(ascii: "_"))
            && text.utf8.allSatisfy { isLetterOrDigit($0) || "._-".utf8.contains($0) }
    }

    /// Where files are offered; nothing that a shell or a program could take for an option.
    package static func isAddress(_ text: String) -> Bool {
        (8...1000).contains(text.utf8.count) && ["http://", "https://", "file:///"].contains(where: text.hasPrefix)
            && text.utf8.allSatisfy { (33..<127).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
    }

    /// A study's data sets.
    package static let dataFolders = 1...4

    /// A path from the root or from the home folder (`~/…`), without control characters and without `..`.
    package static func isPath(_ text: String) -> Bool {
        pathBytes.contains(text.utf8.count) && (text.hasPrefix("/") || text.hasPrefix("~/")) && isPrintable(text)
            && !text.split(separator: "/").contains("..")
    }

    /// Neither control characters nor what turns the direction of writing: what is shown is what is meant.
    package static func isPrintable(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy {
            switch $0.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
            default: true
            }
        }
    }

    /// The name of an environment variable (POSIX), without those that change which program or library runs, or where this
    /// program keeps its things.
    package static func isVariable(_ text: String) -> Bool {
        guard (1...64).contains(text.utf8.count), let first = text.utf8.first, isLetterOrDigit(first) || first == UInt8(ascii: "_"),
            !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
        else { return false }
        return text.utf8.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "_") }
    }

    /// Why a variable may not be set; `nil` when it may.
    package static func refusal(ofVariable name: String) -> String? {
        let word = name.uppercased()
        if word.hasPrefix("LD_") || word == "GLIBC_TUNABLES" || word == "GCONV_PATH" {
            return "it decides which code runs on the host; use `setup: [module load …]` if a library is missing"
        }
        if ["BASH_ENV", "ENV", "IFS", "SHELLOPTS", "BASHOPTS", "PS4", "PROMPT_COMMAND"].contains(word) {
            return "a shell reads it; write lines of `setup:` instead"
        }
        if word.hasPrefix("SOWER_") { return "it is this program's own; use the settings `keys`, `store`, `data`" }
        if ["HOME", "USER", "LOGNAME", "SHELL"].contains(word) || word.hasPrefix("SLURM_") {
            return "the host itself sets it"
        }
        return nil
    }

    /// Options of ssh_config(5) that may be given, each with what its value may be. None can start a program on this host.
    package static let sshOptions: [String: @Sendable (String) -> Bool] = [
        "AddressFamily": { ["any", "inet", "inet6"].contains($0) },
        "Compression": isYesOrNo,
        "ConnectTimeout": { Int($0).map { (1...60).contains($0) } ?? false },
        "HostKeyAlias": isHost,
        "IdentitiesOnly": isYesOrNo,
        "ProxyJump": { $0.split(separator: ",", omittingEmptySubsequences: false).allSatisfy { isJump(String($0)) } },
        "ServerAliveCountMax": { Int($0).map { (1...100).contains($0) } ?? false },
        "ServerAliveInterval": { Int($0).map { (1...3600).contains($0) } ?? false },
        "StrictHostKeyChecking": { ["yes", "accept-new"].contains($0) },
        "UserKnownHostsFile": { isPath($0) && !$0.contains(" ") && !$0.contains("%") && !$0.contains("$") && !$0.contains("\"") },
    ]

    private static let isYesOrNo: @Sendable (String) -> Bool = { ["yes", "no"].contains($0) }

    /// `[USER@]HOST[:PORT]`.
    private static func isJump(_ text: String) -> Bool {
        var rest = Substring(text)
        if let at = rest.firstIndex(of: "@") {
            guard isUser(String(rest[..<at])) else { return false }
            rest = rest[rest.index(after: at)...]
        }
        if let colon = rest.firstIndex(of: ":") {
            guard let port = Int(rest[rest.index(after: colon)...]), ports.contains(port) else { return false }
            rest = rest[..<colon]
        }
        return isHost(String(rest))
    }

    /// sbatch's `--mem`: a number and a unit.
    package static func isMemory(_ text: String) -> Bool {
        let digits = text.utf8.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return (1...9).contains(digits.count) && ["", "K", "M", "G", "T"].contains(String(text.dropFirst(digits.count)))
    }

    /// sbatch's `--constraint`: features joined by `&`, `|` and commas.
    package static func isConstraint(_ text: String) -> Bool {
        text.utf8.count <= 256 && text.split(omittingEmptySubsequences: false) { "&|,".contains($0) }.allSatisfy { isName(String($0)) }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }
}
