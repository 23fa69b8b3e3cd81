"""Commands on terminals of their own, and somebody who looks on at a sweep. Only Python's standard library is used."""
import contextlib
import fcntl
import json
import os
import pathlib
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "faults"))
from sweep import SOWER, Violation  # noqa: E402


class Terminal:
    """A terminal of 40 lines of 200 characters; killed at the end of a `with`."""

    def __init__(self, words, environment):
        self.words = words
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 200, 0, 0))
        self.process = subprocess.Popen(words, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True)
        os.close(slave)
        self.shown = b""
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.reader.join(5)
        os.close(self.master)

    def read(self):
        # The last process on a terminal that ends makes reading an error.
        with contextlib.suppress(OSError):
            while chunk := os.read(self.master, 65_536):
                self.shown += chunk

    def type(self, text):
        os.write(self.master, text.encode())

    def text(self, start=0):
        return self.shown[start:].decode(errors="replace").replace("\r\n", "\n")

    def expect(self, pattern, seconds=15):
        """Waits until something is shown, from now on, that the regular expression finds; the answer is its match."""
        start, deadline = len(self.shown), time.monotonic() + seconds
        while not (match := re.search(pattern, self.text(start), re.MULTILINE)):
            if time.monotonic() > deadline or not self.reader.is_alive():
                raise Violation(
                    f"{' '.join(self.words[-4:])} has not shown \"{pattern}\" within {seconds} s, but: {self.text(start)[-1500:]}")
            time.sleep(0.05)
        return match

    def end(self, seconds):
        """Waits for the command's end; the answer is its exit code."""
        try:
            code = self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise Violation(f"{' '.join(self.words[-4:])} did not end within {seconds} s: {self.text()[-1500:]}") from None
        self.reader.join(5)
        return code


class SecondTerminal:
    """Somebody who looks on at the sweep of a `Bench`: `watch` and `attach` run all the time, `status` is asked."""

    def __init__(self, bench, prefix=()):
        self.bench, self.prefix = bench, prefix
        self.watching, self.attached = (
            Terminal([*prefix, SOWER, verb, "tiny", "--results", bench.results], bench.environment()) for verb in ("watch", "attach"))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.watching.__exit__(*error)
        self.attached.__exit__(*error)

    def status(self, mode):
        code, output, errors = self.bench.sower(
            "status", "tiny", "--results", self.bench.results, "--output-mode", mode, prefix=self.prefix)
        if code != 0:
            raise Violation(f"sower status ended with {code}: {errors}")
        return output

    def sees(self, what, line, holds, seconds=20):
        """All ways to look show it: a line of status and watch, what `holds` finds in the JSON, and attach's count of workers."""
        start = time.monotonic()
        while not (holds(status := json.loads(self.status("json"))) and re.search(line, self.status("cli"), re.MULTILINE)):
            if time.monotonic() - start > seconds:
                raise Violation(f"status does not show that {what}, expected \"{line}\": {json.dumps(status)}\n{self.status('cli')}")
            time.sleep(0.25)
        self.watching.expect(line)
        # The coordinator's own worker is counted too.
        connected = self.bench.query("SELECT count(*) FROM workers WHERE left_at IS NULL")[0][0]
        self.attached.expect(rf"\b{connected} workers\b")
        step(f"{what}: status, watch and attach show it ({connected} workers)")

    def ends(self):
        """Both end with the sweep, attach with its table."""
        if (code := self.attached.end(240)) != 0 or "clustered" not in self.attached.text():
            raise Violation(f"attach ended with {code}: {self.attached.text()[-1000:]}")
        if (code := self.watching.end(30)) != 0:
            raise Violation(f"watch ended with {code}: {self.watching.text()[-1000:]}")


def step(text):
    print(f"      {text}", flush=True)
