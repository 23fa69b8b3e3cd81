import Testing

/// Names that no host has, and that ssh, a shell or a terminal might take for something else.
let hostileHosts: [String] = [
    "-oProxyCommand=touch /tmp/x", "-oProxyCommand=id", "-l", "--", "-", "-V", "lab1 -oProxyCommand=id", "lab1\n-oProxyCommand=id",
    "lab1\r\nHost *",
    "$(touch /tmp/x)", "`id`", "${HOME}", "$HOME", "~root", "~", "lab1;id", "lab1|id", "lab1&id", "lab1&&id", "lab1>x", "lab1<x", "lab*",
    "lab?", "[lab1]",
    "{lab1,lab2}", "lab1\\", "lab1'", "'lab1'", "\"lab1\"", "lab1\"", "alice@lab1", "@lab1", "lab1:22", "lab1:", "ssh://lab1", "lab1/..",
    "../lab1", "/dev/tcp/lab1/22",
    "lab1%h", "%h", "lab1,lab2", "lab1#x", "lab1!", "lab 1", " lab1", "lab1 ", "\tlab1", "", ".", "..", "lab..1", ".lab1", "lab1.", "lab1-",
    "la-.b", "lab.-1",
    "l\u{00E4}b1", "lab\u{0301}1", "\u{202E}1bal", "lab\u{200B}1", "la\u{FEFF}b1", "\u{FF4C}ab1", "l\u{0430}b1", "\u{1F984}", "lab\u{0}1",
    "lab\u{7}1", "\u{1B}[31mlab1",
    "lab\u{85}1", "lab\u{2028}1", "fe80::1", "[::1]", "0x7f.1:1", "lab1=x", "lab+1",
    String(repeating: "a", count: 64), String(repeating: "a.", count: 127) + "a", String(repeating: "a", count: 10_000),
]

/// A text as a double-quoted scalar of YAML.
func quoted(_ text: String) -> String {
    "\""
        + text.unicodeScalars.map { scalar in
            switch scalar {
            case "\"", "\\": "\\\(scalar)"
            case " "..."~": String(scalar)
            default: "\\U" + String(repeating: "0", count: 8 - String(scalar.value, radix: 16).count) + String(scalar.value, radix: 16)
            }
        }.joined() + "\""
}

struct Mistake: Sendable, CustomTestStringConvertible {
    var text: String
    /// What one of the problems says, and its line.
    var says: String
    var line: Int?
    /// Whether the parser may give up in any line.
    var isAnywhere = false

    var testDescription: String { says }

    init(_ text: String, _ says: String, line: Int?) {
        self.text = text
        self.says = says
        self.line = line
    }

    static func anywhere(_ text: String, _ says: String) -> Mistake {
        var mistake = Mistake(text, says, line: nil)
        mistake.isAnywhere = true
        return mistake
    }

    /// A file of which line 3 has this host.
    static func host(_ entry: String, _ says: String) -> Mistake {
        Mistake("coordinator: {host: lab0}\nhosts:\n  - \(entry)\n", says, line: 3)
    }
}

private let head = "coordinator: {host: lab0}\nhosts: [lab1]\n"
private let deep = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)

let mistakes: [Mistake] = [
    // Bombs.
    Mistake("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "anchors (&name) and aliases", line: 1),
    Mistake("coordinator: {host: lab0}\nhosts: &h [lab1]\n", "anchors", line: 2),
    Mistake("coordinator: {host: lab0}\nhosts: [lab1]\npolicy: *p\n", "aliases", line: 3),
    Mistake("coordinator: {host: lab0}\nhosts: \(deep)\n", "nested deeper than 16 levels", line: 2),
    .anywhere(String(repeating: "[", count: 20_000), "not YAML"),
    Mistake("hosts: [" + String(repeating: "x,", count: 10_001) + "]\n", "more than 10000 values", line: 1),
    Mistake("x: " + String(repeating: "y", count: 300_000), "more than the 262144 a cluster file may have", line: nil),
    Mistake("coordinator: {host: lab0}\ncoordinator: {host: lab9}\nhosts: [lab1]\n", "duplicate key", line: 1),
    Mistake("coordinator: {host: lab0}\n---\nhosts: [lab1]\n", "a second document begins", line: 2),
    Mistake("", "the file is empty", line: nil),
    .anywhere("coordinator: {host: lab0\nhosts: [lab1]\n", "not YAML"),
    Mistake("coordinator: {host: \"\\u0000\"}\nhosts: [lab1]\n", "not a host's name", line: 1),
    Mistake("? [a]\n: b\n", "a key must be a word", line: 1),
    // The whole.
    Mistake("- lab1\n", "a cluster must be a mapping", line: 1),
    Mistake("coordinater: {host: lab0}\nhosts: [lab1]\n", "did you mean \"coordinator\"?", line: 1),
    Mistake("hosts: [lab1]\n", "the coordinator's host is missing", line: nil),
    Mistake("coordinator: {port: 17610}\nhosts: [lab1]\n", "the coordinator's host is missing", line: 1),
    Mistake("coordinator: {host: lab0, port: 22}\nhosts: [lab1]\n", "coordinator.port is 22, expected 1024 to 32766", line: 1),
    Mistake("coordinator: {host: lab0, port: 40000}\nhosts: [lab1]\n", "coordinator.port is 40000", line: 1),
    Mistake("coordinator: {host: lab0, port: ssh}\nhosts: [lab1]\n", "coordinator.port must be a whole number", line: 1),
    Mistake("coordinator: {host: lab0}\n", "no hosts are named", line: nil),
    Mistake("coordinator: {host: lab0}\nhosts: lab1\n", "hosts must be a list", line: 2),
    Mistake("coordinator: {host: lab0}\nhosts: []\n", "0 hosts, expected 1 to 256", line: 2),
    Mistake("coordinator: {host: lab0}\nhosts: [" + (1...257).map { "h\($0)" }.joined(separator: ", ") + "]\n", "257 hosts", line: 2),
    Mistake("coordinator: {host: lab0}\nhosts:\n  - lab1\n  - lab1\n", "lab1 is named twice, first in line 3", line: 4),
    Mistake("coordinator: {host: lab0}\nhosts:\n  - lab1\n  - {host: LAB1, slots: 2}\n", "LAB1 is named twice", line: 4),
    Mistake("coordinator: {host: lab0}\nhosts:\n  - localhost\n  - 127.0.0.1\n", "localhost is named twice", line: 4),
    // A host.
    .host("{slots: 4}", "says neither host nor slurm"),
    .host("{host: lab1, slurm: {partition: cpu}}", "says both host and slurm"),
    .host("{host: lab1, slot: 4}", "did you mean \"slots\"?"),
    .host("{host: lab1, slots: 0}", "slots is 0, expected 1 to 1024"),
    .host("{host: lab1, slots: many}", "must be a whole number"),
    .host("{host: lab1, threads: 1000}", "threads is 1000"),
    .host("{host: lab1, data: cifar}", "is not `push`, `fetch`, a folder's path"),
    .host("{host: lab1, data: /data/../../etc}", "is not `push`, `fetch`, a folder's path"),
    .host("{host: lab1, data: ~bob/data}", "is not `push`, `fetch`, a folder's path"),
    .host("{host: lab1, keys: -x}", "is not a folder's path"),
    .host("{slurm: {partition: cpu}, keys: ~/keys}", "a worker of Slurm keeps its keys in memory alone"),
    .host("{host: lab1, store: \"/tmp/a\\nb\"}", "is not a folder's path"),
    .host("{host: lab1, allow_commands: maybe}", "must be true or false"),
    // How it is reached.
    .host("{host: lab1, ssh: alice}", "ssh must be a mapping"),
    .host("{host: lab1, ssh: {usr: alice}}", "did you mean \"user\"?"),
    .host("{host: lab1, ssh: {user: -oProxyCommand=id}}", "is not a user's name"),
    .host("{host: lab1, ssh: {user: \"alice bob\"}}", "is not a user's name"),
    .host("{host: lab1, ssh: {user: alice@lab2}}", "is not a user's name"),
    .host("{host: lab1, ssh: {port: 0}}", "port is 0"),
    .host("{host: lab1, ssh: {port: 65536}}", "port is 65536"),
    .host("{host: lab1, ssh: {identity_file: id_rsa}}", "is not a file's path"),
    .host("{host: lab1, ssh: {options: {ProxyCommand: id}}}", "the ssh option \"ProxyCommand\" may not be set here"),
    .host("{host: lab1, ssh: {options: {LocalCommand: id}}}", "may not be set here"),
    .host("{host: lab1, ssh: {options: {Include: /etc/passwd}}}", "may not be set here"),
    .host("{host: lab1, ssh: {options: {KnownHostsCommand: id}}}", "may not be set here"),
    .host("{host: lab1, ssh: {options: {PKCS11Provider: /tmp/x.so}}}", "may not be set here"),
    .host("{host: lab1, ssh: {options: {StrictHostKeyChecking: no}}}", "StrictHostKeyChecking cannot be \"no\""),
    .host("{host: lab1, ssh: {options: {ProxyJump: -oProxyCommand=id}}}", "ProxyJump cannot be"),
    .host("{host: lab1, ssh: {options: {ProxyJump: \"a b\"}}}", "ProxyJump cannot be"),
    .host("{host: lab1, ssh: {options: {UserKnownHostsFile: \"/tmp/a b\"}}}", "UserKnownHostsFile cannot be"),
    .host("{host: lab1, ssh: {options: [Compression]}}", "options must be a mapping"),
    // What runs there.
    .host("{host: lab1, labels: [fast]}", "labels must be a mapping"),
    .host("{host: lab1, labels: {\"a b\": c}}", "is not a label"),
    .host("{host: lab1, labels: {a: \"b;c\"}}", "is not a label"),
    .host("{host: lab1, labels: {a: {b: c}}}", "must be a text"),
    .host("{host: lab1, environment: {LD_PRELOAD: /tmp/x.so}}", "the variable LD_PRELOAD may not be set"),
    .host("{host: lab1, environment: {ld_library_path: /tmp}}", "may not be set"),
    .host("{host: lab1, environment: {GLIBC_TUNABLES: x}}", "may not be set"),
    .host("{host: lab1, environment: {BASH_ENV: /tmp/x}}", "may not be set"),
    .host("{host: lab1, environment: {SOWER_KEYS: /tmp/x}}", "may not be set"),
    .host("{host: lab1, environment: {HOME: /tmp/x}}", "may not be set"),
    .host("{host: lab1, environment: {\"A=B\": c}}", "is not the name of a variable"),
    .host("{host: lab1, environment: {1A: c}}", "is not the name of a variable"),
    .host("{host: lab1, environment: {A: \"b\\nc\"}}", "is not one printable line"),
    .host("{host: lab1, setup: module load x}", "setup must be a list of lines"),
    .host("{host: lab1, setup: [\"a\\nb\"]}", "printable lines"),
    .host("{host: lab1, setup: [" + String(repeating: "x,", count: 33) + "]}", "33 lines of setup"),
    .host("{host: localhost, setup: [a]}", "setup is for other hosts"),
    .host("{host: 127.0.0.1, store: /s}", "store is for other hosts"),
    // Slurm.
    .host("{slurm: {partition: --wrap=id}}", "is not a name"),
    .host("{slurm: {nodes: 0}}", "nodes is 0"),
    .host("{slurm: {nodes: 4, time_limit: soon}}", "is not a length of time"),
    .host("{slurm: {nodes: 4, memory: lots}}", "is not a size"),
    .host("{slurm: {nodes: 4, constraint: \"a b\"}}", "is not features"),
    .host("{slurm: {partition: cpu, gpus: 4}}", "unknown key \"gpus\""),
    .host("{slurm: {partition: cpu}, ssh: {user: a}}", "is not reached by ssh"),
    // The rest.
    Mistake(head + "policy: {crash_limit: 0}\n", "policy.crash_limit is 0", line: 3),
    Mistake(head + "policy: {crashlimit: 5}\n", "did you mean \"crash_limit\"?", line: 3),
    Mistake(head + "policy: {max_fails: -1}\n", "policy.max_fails is -1", line: 3),
    Mistake(head + "policy: {grace_period: 40m}\n", "policy.grace_period \"40m\" is not a length of time", line: 3),
    Mistake(head + "policy: {numerics: exact}\n", "is not any or pinned", line: 3),
    Mistake(head + "defaults: {host: lab1}\n", "unknown key \"host\" in defaults", line: 3),
    Mistake(head + "defaults: {ssh: {options: {ProxyCommand: id}}}\n", "may not be set here", line: 3),
]
