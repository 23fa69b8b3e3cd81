"""Several hosts' worth of network on one machine: namespaces that are joined at a bridge in a namespace of its own, so that nothing of
the machine's own network is touched. Only Python's standard library is used.
"""
import os
import shutil
import subprocess


def command(*words, check=True):
    return subprocess.run(words, check=check, capture_output=True, text=True)


class Network:
    """A bridge, `coordinator` at 10.77.0.1 and workers at 10.77.0.2 and on, each in a namespace of its own."""

    def __init__(self):
        self.prefix = f"sower{os.getpid()}"
        self.hosts = {}

    def __enter__(self):
        try:
            self.bridge = self.name("bridge")
            command("ip", "netns", "add", self.bridge)
            self.at(self.bridge, "ip", "link", "add", "br0", "type", "bridge")
            self.at(self.bridge, "ip", "link", "set", "br0", "up")
            self.at(self.bridge, "nft", "add table bridge faults")
            self.at(self.bridge, "nft", "add chain bridge faults forward { type filter hook forward priority 0; }")
            self.add("coordinator")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for name in [*self.hosts.values(), self.bridge]:
            command("ip", "netns", "delete", name, check=False)

    def name(self, host):
        return f"{self.prefix}-{host}"

    def at(self, namespace, *words):
        return command("ip", "netns", "exec", namespace, *words)

    def add(self, host):
        """A host with one link; the bridge's end of it has the host's name."""
        namespace = self.name(host)
        command("ip", "netns", "add", namespace)
        self.hosts[host] = namespace
        number = len(self.hosts)
        self.at(namespace, "ip", "link", "set", "lo", "up")
        self.at(self.bridge, "ip", "link", "add", host[:12], "type", "veth", "peer", "name", "eth0", "netns", namespace)
        self.at(self.bridge, "ip", "link", "set", host[:12], "master", "br0", "up")
        self.at(namespace, "ip", "address", "add", f"10.77.0.{number}/24", "dev", "eth0")
        self.at(namespace, "ip", "link", "set", "eth0", "up")

    def inside(self, host):
        return ["ip", "netns", "exec", self.hosts[host]]

    def rule(self, text):
        self.at(self.bridge, "nft", f"add rule bridge faults forward {text}")

    def mend(self):
        self.at(self.bridge, "nft", "flush chain bridge faults forward")

    def link(self, host, state):
        self.at(self.bridge, "ip", "link", "set", host[:12], state)

    def limit(self, host, rate):
        self.at(self.hosts[host], "tc", "qdisc", "replace", "dev", "eth0", "root", "tbf", "rate", rate, "burst", "32kb", "latency", "400ms")


def is_possible():
    """Whether this user may make namespaces here; otherwise the answer says what is missing."""
    for program in ("ip", "nft", "tc"):
        if not shutil.which(program):
            return f"there is no program {program}", "apt-get install iproute2 nftables"
    try:
        with Network() as network:
            network.add("probe")
            network.rule("numgen random mod 100 < 20 drop")
            network.limit("probe", "1mbit")
    except subprocess.CalledProcessError as error:
        return f"{' '.join(error.cmd)}: {error.stderr.strip()}", "Run it as root, in a kernel with bridges, veth, nftables and tbf."
    return None
