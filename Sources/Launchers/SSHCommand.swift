import Clusters
import Foundation

/// How a host is reached: arguments of ssh, never a command line for a shell here.
package enum SSHCommand {
    /// Asks for nothing on a terminal, forwards nothing, and notices within a minute that a link is dead.
    static let standardOptions: [String: String] = [
        "BatchMode": "yes", "ConnectTimeout": "10", "ServerAliveInterval": "15", "ServerAliveCountMax": "3", "ForwardAgent": "no",
        "ForwardX11": "no", "ClearAllForwardings": "yes", "PermitLocalCommand": "no", "RequestTTY": "no", "EscapeChar": "none",
        // An open connection of the user's is used; none is left behind.
        "ControlMaster": "no",
    ]

    /// Everything after `ssh`. The host stands behind `--`, and the command is one of `RemoteCommand`, which hold no parameter.
    package static func arguments(_ access: SSHAccess, command: RemoteCommand, connectSeconds: Int? = nil) -> [String] {
        var options = standardOptions.merging(access.options) { $1 }
        if let connectSeconds, access.options["ConnectTimeout"] == nil { options["ConnectTimeout"] = "\(connectSeconds)" }
        var arguments = options.sorted { $0.key < $1.key }.flatMap { ["-o", "\($0.key)=\($0.value)"] }
        if let port = access.port { arguments += ["-p", "\(port)"] }
        if let user = access.user { arguments += ["-l", user] }
        if let file = access.identityFile {
            arguments += ["-i", HomeFolder.expanding(file)]
        }
        return arguments + ["--", access.host, command.rawValue]
    }
}

/// What is run on another host: constant texts. What differs from host to host comes on their standard input, first of all the
/// package's digest on a line of its own.
///
/// No exclamation mark, newline or single quote is inside the quotes, so that a login shell of any kind (sh, csh, fish) passes
/// them on to sh unchanged.
package enum RemoteCommand: String, CaseIterable, Sendable {
    /// Says what the host is, and whether it has the program.
    case probe = """
        exec /bin/sh -c 'IFS= read -r d; printf "sower %s %s " "$(uname -s)" "$(uname -m)"; \
        if [ -x "$HOME/.cache/sower/bin/$d/sower" ]; then echo present; else echo absent; fi'
        """
    /// Unpacks the packed program from standard input beside its place, checks every byte, and moves it there at once.
    case push = """
        exec /bin/sh -c 'umask 077; b="$HOME/.cache/sower/bin"; t="$b/.push-$$"; mkdir -p "$t" && trap "rm -rf \\"$t\\"" EXIT && \
        tar -xzf - -C "$t" && cd "$t" && sha256sum --check --quiet MANIFEST && d=$(cat DIGEST) && cd / && \
        { mv -T "$t" "$b/$d" 2>/dev/null || [ -x "$b/$d/sower" ]; } && rm -rf "$t" && echo pushed'
        """
    /// The program's own side of the conversation.
    case host = """
        exec /bin/sh -c 'IFS= read -r d; exec "$HOME/.cache/sower/bin/$d/sower" host'
        """
}
