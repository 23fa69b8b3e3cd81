import Clusters
import Studies
import Testing

@Suite struct ClusterFileTests {
    @Test func `everything that can be said`() throws {
        let cluster = try Clusters.decode(
            text: """
                coordinator: {host: lab0, port: 17620}
                defaults: {slots: auto, setup: [module load openblas], labels: {lab: vision}, ssh: {user: alice}}
                hosts:
                  - lab1
                  - {host: lab2, ssh: {user: bob, port: 2222, identity_file: ~/.ssh/id, options: {ProxyJump: gate}}, slots: 4, threads: 2,
                     labels: {class: zen4}, environment: {OMP_NUM_THREADS: 1}, setup: [], data: /data/cifar, keys: ~/keys, store: /scratch/s, allow_commands: true}
                  - {host: localhost, slots: 2, data: push}
                  - {slurm: {partition: cpu, nodes: 8, time_limit: 4h, account: a, qos: low, constraint: zen4&avx512, memory: 16G}, slots: 16}
                policy: {crash_limit: 3, max_fails: 20, time_limit: 2h, grace_period: 40min, numerics: pinned}
                """, sourceName: "c")
        #expect(cluster.coordinator.host == "lab0" && cluster.coordinator.port == 17_620)
        #expect(cluster.hosts.map(\.name) == ["lab1", "lab2", "localhost", "slurm-cpu"])
        let (first, second, local, slurm) = (cluster.hosts[0], cluster.hosts[1], cluster.hosts[2], cluster.hosts[3])
        #expect(
            first.place == .ssh(SSHAccess(host: "lab1", user: "alice")) && first.slots == nil && first.setup == ["module load openblas"])
        #expect(
            second.place
                == .ssh(SSHAccess(host: "lab2", user: "bob", port: 2222, identityFile: "~/.ssh/id", options: ["ProxyJump": "gate"])))
        #expect(second.slots == 4 && second.threads == 2 && second.setup.isEmpty && second.allowsCommands)
        #expect(second.labels == ["lab": "vision", "class": "zen4"] && second.environment == ["OMP_NUM_THREADS": "1"])
        #expect(second.data == .folders(["/data/cifar"]) && second.keys == "~/keys" && second.store == "/scratch/s")
        #expect(local.place == .local && local.data == .push)
        guard case .slurm(let allocation) = slurm.place else { Issue.record("\(slurm)"); return }
        #expect(allocation.partition == "cpu" && allocation.nodes == 8 && allocation.timeLimitSeconds == 14_400 && !allocation.exclusive)
        #expect([allocation.account, allocation.qos, allocation.constraint, allocation.memory] == ["a", "low", "zen4&avx512", "16G"])
        let policy = cluster.policy
        #expect(policy.crashLimit == 3 && policy.maximumFails == 20 && policy.numerics == .pinned)
        #expect(policy.timeLimitSeconds == 7200 && policy.gracePeriodSeconds == 2400)
    }

    /// The host's name in line 3, every other line right.
    @Test(arguments: hostileHosts)
    func `a hostile host is refused with its line and a remedy`(name: String) throws {
        let text = "coordinator: {host: lab0}\nhosts:\n  - {host: \(quoted(name)), slots: 1}\n"
        let error = #expect(throws: ClusterFileError.self) { try Clusters.decode(text: text, sourceName: "cluster.yaml") }
        let problem = try #require(error?.problems.first)
        #expect(problem.line == 3 && !problem.remedy.isEmpty, "\(problem)")
        let shown = error?.errorDescription ?? ""
        #expect(shown.hasPrefix("cluster.yaml:3: "))
        #expect(
            shown.unicodeScalars.allSatisfy { $0 == "\n" || ClusterPatterns.isPrintable(String($0)) },
            "nothing reaches the terminal: \(shown.debugDescription)")
        // As the coordinator's, too.
        #expect(throws: ClusterFileError.self) {
            try Clusters.decode(text: "coordinator: {host: \(quoted(name))}\nhosts: [lab1]\n", sourceName: "c")
        }
    }

    @Test(arguments: mistakes)
    func `a mistake is refused with its line and a remedy`(mistake: Mistake) throws {
        let error = #expect(throws: ClusterFileError.self) { try Clusters.decode(text: mistake.text, sourceName: "c") }
        let problems = try #require(error?.problems)
        #expect(
            problems.contains { $0.message.contains(mistake.says) && (mistake.isAnywhere || $0.line == mistake.line) },
            "\(mistake.says): \(error?.errorDescription ?? "")")
        #expect(problems.allSatisfy { !$0.remedy.isEmpty })
    }

    @Test func `entries of one host have names of their own`() throws {
        func names(_ entries: [String]) throws -> [String] {
            let hosts = entries.map { "  - \($0)\n" }.joined()
            return try Clusters.decode(text: "coordinator: {host: lab0}\nhosts:\n" + hosts, sourceName: "c").hosts.map(\.name)
        }
        #expect(try names(["{host: lab1, ssh: {port: 2222}}", "lab2"]) == ["lab1", "lab2"], "where nothing is to be told apart")
        #expect(
            try names([
                "lab1", "{host: LAB1, ssh: {port: 2222}}", "{host: lab1, ssh: {user: bob}}", "{host: lab1, ssh: {user: bob, port: 23}}",
            ])
                == ["lab1", "LAB1-2222", "lab1-bob", "lab1-bob-23"])
        #expect(try names(["{host: lab1, ssh: {user: a, port: 22}}", "{host: lab1, ssh: {user: a, port: 23}}"]) == ["lab1", "lab1-23"])
        #expect(try names(["lab1", "{host: lab1, ssh: {port: 2222}}", "lab1-2222"]) == ["lab1", "lab1-2222", "lab1-2222-2"])
        #expect(try names(["localhost", "{host: localhost, ssh: {port: 2222}}"]) == ["localhost", "localhost-2222"])
        #expect(try names(["slurm-cpu", "{slurm: {partition: cpu}}"]) == ["slurm-cpu", "slurm-cpu-2"])
    }

    @Test func `defaults that do not reach this host are known`() throws {
        func without(_ hosts: String) throws -> [String] {
            let defaults = "{setup: [a], environment: {A: b}, keys: ~/k, store: /s, labels: {a: b}, data: /d}"
            return try Clusters.decode(text: "coordinator: {host: lab0}\ndefaults: \(defaults)\nhosts: \(hosts)\n", sourceName: "c")
                .defaultsWithoutEffect
        }
        #expect(try without("[localhost, lab1]") == ["environment", "keys", "setup", "store"])
        #expect(try without("[lab1]") == [])
    }

    @Test func `where the data come from`() throws {
        func data(_ text: String) throws -> Cluster.DataSource? {
            try Clusters.decode(text: "coordinator: {host: lab0}\nhosts:\n  - {host: lab1, data: \(text)}\n", sourceName: "c").hosts[0].data
        }
        #expect(try data("fetch") == .fetch(mirror: nil))
        #expect(try data("{fetch: \"https://lab0/mirror\"}") == .fetch(mirror: "https://lab0/mirror"))
        #expect(try data("push") == .push)
        #expect(try data("~/tiny") == .folders(["~/tiny"]))
        #expect(try data("[/data/tiny, ~/cifar]") == .folders(["/data/tiny", "~/cifar"]))
        for wrong in [
            "fetched", "[]", "[/a, push]", "[/a, fetch]", "[/a, ../b]", "[/a, /b, /c, /d, /e]", "[[/a]]", "{path: /a}", "{fetch: -o}",
            "{fetch: \"ftp://x/y\"}", "{fetch: \"http://a b\"}", "{}", "relative/path",
        ] {
            let error = #expect(throws: ClusterFileError.self, "\(wrong)") { try data(wrong) }
            #expect(error?.problems.first?.line == 3 && error?.problems.first?.remedy.isEmpty == false, "\(wrong)")
        }
    }

    @Test func `all problems are told at once`() {
        let text = "coordinator: {host: -x}\nhosts:\n  - {host: a b}\n  - {hots: c}\npolicy: {numerics: exact}\n"
        let error = #expect(throws: ClusterFileError.self) { try Clusters.decode(text: text, sourceName: "c") }
        #expect(Set(error?.problems.compactMap(\.line) ?? []) == [1, 3, 4, 5])
    }

    @Test func `a file cut anywhere is a cluster or a typed error`() {
        let bytes = Array(
            "coordinator: {host: lab0}\nhosts:\n  - {host: lab1, ssh: {user: alice, options: {Compression: yes}}}\n  - slurm: {nodes: 2}\n"
                .utf8)
        for end in bytes.indices {
            do throws(ClusterFileError) {
                _ = try Clusters.decode(text: String(decoding: bytes[..<end], as: UTF8.self), sourceName: "c")
            } catch {
                #expect(!error.problems.isEmpty && error.errorDescription?.isEmpty == false)
            }
        }
    }

    @Test func `lengths of time`() {
        for (text, seconds) in [("90", 90.0), ("90s", 90), ("1.5min", 90), ("2h", 7200), ("1d", 86_400)] {
            #expect(Seconds.parse(text) == seconds)
        }
        for text in ["", "s", "0", "-1s", "1e3", "nan", "inf", "1 h", "1w", "367d", "0x10", "١h", String(repeating: "9", count: 30)] {
            #expect(Seconds.parse(text) == nil, "\(text)")
        }
    }
}
