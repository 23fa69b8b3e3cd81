import Foundation

/// A coordinator as a service of its user: started again after a crash and a reboot.
enum SystemdUnit {
    /// The unit's text for `sower` with these arguments (without `--systemd`, `--detach`), begun in this folder.
    ///
    /// - Parameter keys: the folder of keys that the environment names, which a service does not inherit.
    ///
    /// An end by a person's command, by failed cells or by a wrong setting is no reason to begin again. Source: systemd.service(5).
    static func text(
        study: String, arguments: [String], keys: String? = nil, executable: String = Executable.path,
        folder: String = FileManager.default.currentDirectoryPath
    ) -> String {
        let words = ([executable] + arguments.filter { $0 != "--systemd" && $0 != "--detach" })
            .map { quoted($0).replacingOccurrences(of: "$", with: "$$") }
        let unit = "sower-\(study).service"
        let environment = keys.map { "\nEnvironment=\(quoted("SOWER_KEYS=\($0)"))" } ?? ""
        return """
            # A user unit of systemd. Install it with:
            #   mkdir -p ~/.config/systemd/user
            #   THIS COMMAND > ~/.config/systemd/user/\(unit)
            #   systemctl --user daemon-reload && systemctl --user enable --now \(unit)
            #   loginctl enable-linger      # goes on when you log out, and after a reboot
            # Follow the sweep with `sower attach \(study)`; its log: journalctl --user -u \(unit)
            [Unit]
            Description=Sower coordinator of the study \(study)
            StartLimitIntervalSec=600
            StartLimitBurst=5

            [Service]
            Type=exec
            WorkingDirectory=\(folder.replacingOccurrences(of: "%", with: "%%"))\(environment)
            ExecStart=\(words.joined(separator: " "))
            Restart=on-failure
            RestartSec=10
            RestartPreventExitStatus=1 2 4 5
            KillSignal=SIGTERM
            TimeoutStopSec=60
            LimitNOFILE=65536

            [Install]
            WantedBy=default.target

            """
    }

    /// One word: systemd knows quotes, backslashes and specifiers (%) everywhere; variables ($) in ExecStart alone.
    static func quoted(_ word: String) -> String {
        let escaped = word.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"")
            .replacingOccurrences(of: "%", with: "%%")
        return "\"\(escaped)\""
    }
}
