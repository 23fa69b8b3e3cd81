"""The processes scripts/bench/engine.py measures with: Sower's engine and PyTorch, each alone on its core, one thread."""

import argparse
import json
import math
import os
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
ENGINE_NUMBERS = ("trainingImagesPerSecond", "inferenceImagesPerSecond", "millisecondsPerStep", "timesLiveLimit",
                  "peakMemoryMegabytes")


class BenchmarkError(Exception):
    """What cannot be measured, and the remedy."""


@dataclass(frozen=True)
class Case:
    architecture: str
    image_size: int
    batch: int

    @property
    def channels(self):
        return 1 if self.architecture == "lenet" else 3

    def __str__(self):
        return f"{self.architecture}:{self.image_size}:{self.batch}"

    @staticmethod
    def parse(text):
        parts = text.split(":")
        if len(parts) != 3 or not all(part.isdecimal() and int(part) > 0 for part in parts[1:]):
            raise argparse.ArgumentTypeError(f"{text!r} is not architecture:image size:batch, like resnet18:32:128")
        return Case(parts[0], int(parts[1]), int(parts[2]))


def pin(cores):
    """Processes started from now on run on these cores alone."""
    os.sched_setaffinity(0, cores)


def cores_for_two(allowed, first):
    """`first` and the last allowed core that is not another thread of the same physical core."""
    siblings = {first}
    try:
        text = Path(f"/sys/devices/system/cpu/cpu{first}/topology/thread_siblings_list").read_text()
        for part in text.strip().split(","):
            low, _, high = part.partition("-")
            siblings |= set(range(int(low), int(high or low) + 1))
    except OSError:
        pass  # Some containers hide the topology.
    others = allowed - siblings
    if not others:
        raise BenchmarkError(f"--two-runners needs two physical cores; this process may use {len(allowed)} logical core(s), "
                             f"none beside core {first}'s own\n  → Run it where more are allowed (see `taskset -p $$`).")
    return [first, max(others)]


def start(command):
    """A process with its output in unnamed files, so that none waits for a reader."""
    output, errors = tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")
    try:
        process = subprocess.Popen(command, stdout=output, stderr=errors, env=os.environ | ONE_THREAD)
    except OSError as error:
        raise BenchmarkError(f"{command[0]} cannot be started: {error.strerror}\n"
                             "  → scripts/bench/engine builds Sower; --engine names another command.") from error
    return process, output, errors, command


def finish(started):
    """The JSON object in the last line of the output, and the process's peak memory in megabytes (10⁶ bytes)."""
    process, output, errors, command = started
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    output.seek(0)
    errors.seek(0)
    if process.returncode != 0:
        tail = "\n".join(errors.read().strip().splitlines()[-12:])
        raise BenchmarkError(f"`{shlex.join(command)}` ended with {process.returncode}\n{tail}")
    text = output.read().strip()
    try:
        result = json.loads(text)
    except ValueError:
        try:
            result = json.loads(text.splitlines()[-1])
        except (ValueError, IndexError):
            raise BenchmarkError(f"`{shlex.join(command)}` printed no JSON object: {text[-200:]!r}") from None
    if not isinstance(result, dict):
        raise BenchmarkError(f"`{shlex.join(command)}` printed {type(result).__name__}, expected a JSON object")
    return result, usage.ru_maxrss * 1024 / 1e6


def start_engine(engine, case, steps):
    return start(shlex.split(engine) + ["--model", case.architecture, "--image-size", str(case.image_size),
                                        "--batch", str(case.batch), "--steps", str(steps), "--output-mode", "json"])


def finish_engine(started, case):
    result, peak = finish(started)
    command = shlex.join(started[3])
    cases = result.get("cases")
    if result.get("version") != 1 or not isinstance(cases, list) or len(cases) != 1:
        raise BenchmarkError(f"`{command}` printed version {result.get('version')!r} with "
                             f"{len(cases) if isinstance(cases, list) else 'no'} cases, expected version 1 with one case\n"
                             "  → Build the sower of this checkout.")
    measured = cases[0]
    expected = {"architecture": case.architecture, "imageSize": case.image_size, "channels": case.channels,
                "batch": case.batch, "threads": 1}
    for key, value in expected.items():
        if measured.get(key) != value:
            raise BenchmarkError(f"`{command}` measured {key} {measured.get(key)!r}, expected {value!r}")
    for key in ENGINE_NUMBERS:
        number = measured.get(key)
        if not isinstance(number, (int, float)) or not math.isfinite(number) or number <= 0:
            raise BenchmarkError(f"`{command}` printed {key} {number!r}, expected a positive number")
    return measured | {"numericClass": result.get("numericClass"), "peakResidentMegabytes": peak}


def run_engine(engine, case, steps):
    return finish_engine(start_engine(engine, case, steps), case)


def run_pytorch(configuration, case, steps):
    command = [sys.executable, str(Path(__file__).with_name("engine_pytorch.py")), configuration, case.architecture]
    numbers = [case.image_size, case.channels, case.batch] + ([steps] if steps else [])
    result, peak = finish(start(command + [str(number) for number in numbers]))
    return result | {"peakResidentMegabytes": peak}


def stop(started):
    """Ends a process that nobody waits for any more."""
    if started[0].returncode is None:
        started[0].kill()
        started[0].wait()
