"""What the fault scripts share: a tiny study that passes every stage, the processes of a sweep, and what must hold after it.

Processes are known by a mark in their environment, which workers and runners inherit, so that those whose parent was killed are
found too. Only Python's standard library is used.
"""
import contextlib
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOWER = os.environ.get("SOWER_BINARY", str(ROOT / ".build/release/sower"))

# Two pre-trainings, a codebook, a sample and two evaluations: the fewest jobs that pass every stage.
STUDY = """\
study: tiny
data: {format: synthetic, seed: 1, training_per_class: 12, test_per_class: 6}
model: fixup-resnet20
profile: paper
protocol: independent
seed: 1
pretraining: {pairs: 2, epochs: 1}
evaluation: {pairs: 1, replicates: 1, epochs: EPOCHS}
training: {batch_size: 32}
arms:
  - random
  - {name: clustered, method: clustered, distance: fourier-real, models: 2, clusters: 2, layers: 17}
"""
JOBS = 6
METRICS = ["validation_accuracy", "validation_loss", "training_accuracy", "training_loss"]


def require_program():
    if not os.access(SOWER, os.X_OK):
        sys.exit(f"{sys.argv[0]}: {SOWER} is not there\n  → Build it: swift build -c release --product sower")


class Violation(Exception):
    """Something that must hold does not."""


class Bench:
    """A folder with the study and its results, and every process that comes from it; all gone at the end of a `with`."""

    def __init__(self, epochs=2, folder=None):
        self.folder = tempfile.mkdtemp(prefix="sower-faults-", dir=folder)
        self.mark = "SOWER_FAULTS=" + uuid.uuid4().hex
        self.results = self.folder + "/results"
        self.study = self.results + "/tiny"
        self.ledger = self.study + "/ledger.sqlite"
        # Not on the disk under test.
        descriptor, self.tally = tempfile.mkstemp(prefix="sower-tally-")
        os.close(descriptor)
        self.file = self.folder + "/tiny.yaml"
        pathlib.Path(self.file).write_text(STUDY.replace("EPOCHS", str(epochs)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)
        os.unlink(self.tally)

    # Commands.

    def environment(self, failpoints=None):
        name, value = self.mark.split("=")
        return {
            **os.environ, name: value, "SOWER_FAILPOINTS_TALLY": self.tally, **({"SOWER_FAILPOINTS": failpoints} if failpoints else {})}

    def start(self, *arguments, failpoints=None, prefix=(), log=None):
        errors = open(log, "wb") if log else subprocess.PIPE
        return subprocess.Popen(
            [*prefix, SOWER, *arguments], env=self.environment(failpoints), stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL,
            start_new_session=True)

    def sower(self, *arguments, failpoints=None, seconds=120, prefix=()):
        process = self.start(*arguments, failpoints=failpoints, prefix=prefix)
        try:
            output, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise Violation(f"sower {' '.join(arguments)} did not end within {seconds} s")
        return process.returncode, output.decode(), errors.decode()

    def run(self, verb="run", failpoints=None, seconds=120, options=()):
        study = self.file if verb == "run" else "tiny"
        return self.sower(
            verb, study, *self.places(), "--checkpoint-every", "0", "--results", self.results, "--output-mode", "quiet",
            *options, failpoints=failpoints, seconds=seconds)

    def places(self):
        """Where the study's trainings run."""
        return ["--workers", "2"]

    def require_stopped(self):
        """What must be so before a killed coordinator is followed by another."""
        self.require_no_process()

    # Keys.

    def keys(self, host):
        """The key folder of a host that a script pretends to have."""
        return f"{self.folder}/keys-{host}"

    def new_key(self, host):
        code, output, errors = self.sower("keys", "generate", "--keys", self.keys(host))
        if code != 0:
            raise Violation(f"sower keys generate ended with {code}: {errors}")
        return output.strip()

    def enroll(self, host):
        """Makes a host's pair and has the coordinator let it in, running or not; the answer is a worker's options."""
        code, _, errors = self.sower("keys", "enroll", host, self.new_key(host), "--keys", self.keys("coordinator"))
        if code != 0:
            raise Violation(f"sower keys enroll ended with {code}: {errors}")
        return ("--keys", self.keys(host), "--coordinator-key", self.new_key("coordinator"))

    # What is recorded.

    def digits(self):
        """Every digit of the study's tables."""
        text = ""
        for metric in METRICS:
            code, output, errors = self.sower(
                "table", "tiny", "--format", "csv", "--precision", "15", "--metric", metric, "--over", "pair", "--results", self.results)
            if code != 0:
                raise Violation(f"sower table ended with {code}: {errors}")
            text += output
        return text

    def query(self, sql):
        """Rows of the ledger; none while there is no ledger with tables."""
        if not os.path.exists(self.ledger):
            return []
        connection = sqlite3.connect(f"file:{self.ledger}?mode=ro", uri=True, timeout=10)
        try:
            return connection.execute(sql).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return []
            raise
        finally:
            connection.close()

    def finished(self):
        """The jobs with a result: id → (attempt, digest of the result, attempts tried)."""
        rows = self.query(
            "SELECT hex(digest), settled_attempt, hex(result_digest), (SELECT count(*) FROM attempts WHERE job = jobs.id)"
            " FROM jobs WHERE state = 'finished'")
        return {row[0].lower(): row[1:] for row in rows}

    def spooled(self):
        """Results on the workers' disks that nobody has taken: job → attempt. The records are those of OutboxSegment.swift."""
        spooled = {}
        for file in pathlib.Path(self.study).glob("*/outbox/*/segment-*"):
            content, position = file.read_bytes(), 0
            while (magic := content[position:position + 8]) in (b"SOWEROUT", b"SOWERACK"):
                is_result = magic == b"SOWEROUT"
                # A result has a version, its length and its SHA-256 before the attempt that it begins with.
                start = position + (46 if is_result else 8)
                length = int.from_bytes(content[position + 10:position + 14], "little") if is_result else 36
                position = start + length
                if position > len(content):
                    break  # cut by the kill, so never sent
                job, attempt = content[start:start + 32].hex(), int.from_bytes(content[start + 32:start + 36], "little")
                if is_result:
                    spooled[job] = attempt
                elif spooled.get(job) == attempt:
                    del spooled[job]
        return spooled

    def passes(self):
        """How often each failpoint has been passed."""
        records = pathlib.Path(self.tally).read_bytes()
        parts = (records[start:start + 64] for start in range(0, len(records), 64))
        return {part[:56].rstrip(b"\0").decode(): int.from_bytes(part[56:], sys.byteorder) for part in parts}

    # Processes.

    def processes(self, verb=None):
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                environment = pathlib.Path(f"/proc/{name}/environ").read_bytes().split(b"\0")
                words = pathlib.Path(f"/proc/{name}/cmdline").read_bytes().split(b"\0")
                if self.mark.encode() in environment and (verb is None or (len(words) > 1 and words[1] == verb.encode())):
                    found.append(int(name))
        return found

    def require_no_process(self, seconds=5):
        deadline = time.monotonic() + seconds
        while left := self.processes():
            if time.monotonic() > deadline:
                raise Violation(f"processes are left: {left}")
            time.sleep(0.02)

    def wait(self, what, condition, seconds=60):
        """Waits for a condition; the answer is how many seconds that took."""
        start = time.monotonic()
        while not condition():
            if time.monotonic() - start > seconds:
                raise Violation(f"waited {seconds} s for {what}, in vain")
            time.sleep(0.005)
        return time.monotonic() - start

    # What must hold at the end.

    def require_sound(self, digits, before=None, spooled=None):
        """The sweep is complete, equals the undisturbed one, and repeated nothing that was finished or spooled."""
        if self.digits() != digits:
            raise Violation("the table differs from the undisturbed run's")
        after = self.finished()
        if len(after) != JOBS:
            raise Violation(f"{len(after)} jobs are finished, expected {JOBS}")
        for job, was in (before or {}).items():
            if after.get(job) != was:
                raise Violation(f"job {job[:12]} was finished as {was}, and is {after.get(job)} now")
        for job, attempt in (spooled or {}).items():
            if after[job][0] != attempt:
                raise Violation(f"attempt {attempt} of job {job[:12]} was on the worker's disk, and attempt {after[job][0]} stands")
        twice = self.query("SELECT job FROM attempts WHERE state = 'finished' GROUP BY job HAVING count(*) > 1")
        if twice:
            raise Violation(f"jobs have more than one finished attempt: {twice}")
        code, output, errors = self.sower("verify", "tiny", "--results", self.results)
        if code != 0:
            raise Violation(f"sower verify ended with {code}: {output}{errors}")


# In place of ssh: every option has the form `-x VALUE`, and behind `--` come the host and the command, which runs here.
SSH = """\
#!/bin/sh
while [ "$1" != -- ]; do shift; done
export HOME="$LAB/home-$2"
mkdir -p "$HOME"
exec /bin/sh -c "$3"
"""


class HostBench(Bench):
    """A sweep whose trainings run on another host, which has nothing of its own at first: neither the program nor the data."""

    def __init__(self, epochs=2, folder=None):
        super().__init__(epochs, folder)
        self.cluster = self.folder + "/cluster.yaml"
        ssh = pathlib.Path(self.folder, "bin", "ssh")
        ssh.parent.mkdir()
        ssh.write_text(SSH)
        ssh.chmod(0o755)
        pathlib.Path(self.cluster).write_text(
            f"coordinator: {{host: 127.0.0.1, port: {random.randrange(20_000, 30_000, 2)}}}\n"
            f"hosts: [{{host: lab1, slots: 2, data: push, store: {self.study}/lab1}}]\n")

    def environment(self, failpoints=None):
        return {
            **super().environment(failpoints), "LAB": self.folder, "HOME": self.folder,
            "PATH": f"{self.folder}/bin:{os.environ['PATH']}"}

    def places(self):
        return ["--cluster", self.cluster, "--keys", self.keys("coordinator")]

    def require_stopped(self):
        """The host's worker goes on without a coordinator, and is found again."""


def undisturbed(epochs=2, bench=Bench):
    """The digits of a run that nothing disturbs, and how often it passes each failpoint."""
    with bench(epochs) as bench:
        code, _, errors = bench.run()
        if code != 0:
            sys.exit(f"{sys.argv[0]}: the undisturbed run ended with {code}: {errors}\n  → Mend that first: sower run tiny.yaml")
        return bench.digits(), bench.passes()
