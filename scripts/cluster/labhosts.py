"""Hosts of a laboratory on one machine: each a network namespace with an address, a name and a home. Those that a cluster file is to
reach have an sshd and a /tmp of their own, and neither Swift nor the libraries that Sower needs. Only Python's standard library is used.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "faults"))
from bridge import Network, command  # noqa: E402

SSHD = "/usr/sbin/sshd"
# What a host is not to have: it is hidden behind an empty folder or file.
HIDDEN = ["/opt/swift"]
HIDDEN_LIBRARIES = ["libzmq.so.5", "libsqlite3.so.0", "libopenblas.so.0"]


def missing_for_ssh():
    """What is missing for hosts with sshd; the answer is a problem and its remedy, or None."""
    for program, package in ((SSHD, "openssh-server"), ("ssh", "openssh-client"), ("ssh-keygen", "openssh-client"), ("unshare", "util-linux")):
        if not shutil.which(program):
            return f"there is no program {program}", f"apt-get install {package}"
    return None


class LabHosts:
    """`coordinator`, bare hosts with an sshd, and equipped hosts, on which Sower runs as it does here; all gone at the end of a `with`."""

    def __init__(self, network, folder, names, equipped=()):
        self.network, self.folder = network, folder
        self.bare, self.names = names, [*names, *equipped]
        self.addresses = {"coordinator": "10.77.0.1"}
        self.daemons = {}
        self.processes = []

    def __enter__(self):
        try:
            for number, name in enumerate(self.names):
                self.network.add(name)
                self.addresses[name] = f"10.77.0.{number + 2}"
            for name in self.addresses:
                for part in ("home", "tmp", "run", "etc"):
                    os.makedirs(f"{self.folder}/{name}/{part}", mode=0o700)
                os.makedirs(f"{self.folder}/{name}/run/sshd", mode=0o755)
                pathlib.Path(f"{self.folder}/{name}/etc/hosts").write_text(
                    "127.0.0.1 localhost\n" + "".join(f"{address} {other}\n" for other, address in self.addresses.items()))
            self.key = f"{self.folder}/coordinator/home/id"
            command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key)
            for name in self.bare:
                self.start_sshd(name)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
        for name in self.addresses:
            self.kill_all(name)
        for process in self.processes:
            process.wait()

    def inside(self, name):
        """The words before a command that is to run on the host."""
        hidden = []
        if name in self.bare:
            empty = f"{self.folder}/{name}/empty"
            os.makedirs(empty, exist_ok=True)
            pathlib.Path(empty + "-file").touch()
            hidden += [f"mount --bind {empty} {path}" for path in HIDDEN if os.path.isdir(path)]
            # Those of the program that is not there yet: everything else on this machine is the host's too.
            for library in HIDDEN_LIBRARIES:
                for place in ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"):
                    if os.path.exists(f"{place}/{library}"):
                        hidden.append(f"mount --bind {empty}-file $(readlink -f {place}/{library})")
        mounts = [
            "mount --make-rprivate /", f"hostname {name}", f"mount --bind {self.folder}/{name}/etc/hosts /etc/hosts",
            f"mount --bind {self.folder}/{name}/home /root", f"mount --bind {self.folder}/{name}/run /run", *hidden]
        # Where Sower runs as it does here, this checkout may lie below /tmp.
        if name in self.bare:
            mounts.append(f"mount --bind {self.folder}/{name}/tmp /tmp")
        script = " && ".join(mounts) + ' && exec "$@"'
        return [*self.network.inside(name), "unshare", "--mount", "--uts", "sh", "-c", script, "host"]

    def start_sshd(self, name):
        folder = f"{self.folder}/{name}/run"
        command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder + "/host_key")
        shutil.copy(self.key + ".pub", folder + "/authorized")
        # Seen from inside, the folder is /run.
        pathlib.Path(folder + "/sshd_config").write_text(
            "Port 22\nListenAddress 0.0.0.0\nHostKey /run/host_key\nAuthorizedKeysFile /run/authorized\nStrictModes no\nUsePAM no\n"
            "PidFile none\nPermitRootLogin prohibit-password\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nUseDNS no\nLogLevel ERROR\n")
        log = open(f"{self.folder}/{name}/sshd.log", "ab")
        process = subprocess.Popen(
            [*self.inside(name), SSHD, "-D", "-e", "-f", "/run/sshd_config"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.daemons[name] = process
        self.processes.append(process)

    def pids(self, name):
        answer = command("ip", "netns", "pids", self.network.hosts[name], check=False).stdout.split()
        return [int(pid) for pid in answer]

    def kill_all(self, name):
        """The host dies: everything on it."""
        if name not in self.network.hosts:
            return
        for _ in range(3):
            for pid in self.pids(name):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass

    def ssh_options(self):
        """For ssh itself, on any host."""
        return ["-i", self.key, "-o", "StrictHostKeyChecking=accept-new", "-o", "LogLevel=ERROR"]

    def ssh_settings(self):
        """For a cluster file: how all hosts are reached from the coordinator."""
        return "{identity_file: ~/id, options: {StrictHostKeyChecking: accept-new, UserKnownHostsFile: ~/known_hosts}}"
