"""What coordination costs: the share of slot time that a sweep of trainings of about ten seconds does not spend training.

A real sweep on synthetic images, with all stages (pre-training, clustering, sampling, evaluation) and everything as durable as it
always is, on this machine: a worker of one slot a core. A short sweep before it finds how many epochs take the time asked for.

Everything comes from the ledger afterwards. A slot's time counts, from the first lease to the last result, while the slot has a job
(from the commit of its lease to the commit of its result) or could have had one (a training is ready and nobody has it). What is left
out, and printed, are the ends of stages, where no training is ready: nobody could use that time. Of the time that counts,

  coordination   is what no runner reports as time of its job: leases, messages, fetched inputs, a runner that waits for the next
                 request, artifacts sent to the coordinator, the outbox's and the ledger's commits. This is the overhead.
  around         is what runners report beside their epochs: opening the images, building the network, reading its start, writing
                 the weights to the disk.
  training       is the epochs, each with its validation.

On a machine with as many slots as cores, what coordinator and workers compute takes time from the trainings, and would hide in them:
so their processor time is printed too, as a share of the same time: user and system, of the processes themselves without the runners,
from the first lease on, looked at once a second.
"""

import argparse
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "faults"))
from sweep import ROOT, Bench  # noqa: E402

STUDY = """\
study: tiny
data: {format: synthetic, seed: 1, training_per_class: 50, test_per_class: 10}
model: fixup-resnet20
profile: paper
protocol: independent
seed: 1
pretraining: {pairs: PAIRS, epochs: EPOCHS}
evaluation: {pairs: PAIRS, replicates: REPLICATES, epochs: EPOCHS}
arms:
  - random
  - {name: clustered, method: clustered, distance: fourier-real, models: PAIRS, clusters: 3, layers: 17}
"""
# Trainings of this sweep: the job's number, its slot, when it was ready, leased and recorded (ms), and the runner's seconds.
TRAININGS = """
    SELECT jobs.id, attempts.worker,
        (SELECT max(inputs.settled_at) FROM job_inputs JOIN jobs AS inputs ON inputs.id = input WHERE job_inputs.job = jobs.id),
        attempts.started_at, attempts.ended_at, jobs.seconds,
        (SELECT sum(epochs.seconds) FROM epochs WHERE epochs.job = jobs.id AND epochs.attempt = jobs.settled_attempt)
    FROM jobs JOIN attempts ON attempts.job = jobs.id AND attempts.number = jobs.settled_attempt
    WHERE jobs.kind = 'train' AND jobs.state = 'finished' ORDER BY attempts.started_at
"""


def processor_seconds(bench):
    """Of the coordinator and the workers of a sweep that runs, by verb and process."""
    used = {}
    for verb in ("run", "worker"):
        for pid in bench.processes(verb):
            with contextlib.suppress(OSError, IndexError):
                fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                used[verb, pid] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return used


def sweep(study, slots):
    """A whole sweep: its trainings, as rows of TRAININGS, and the processor time since the first lease, by verb."""
    with Bench(folder=ROOT / ".build") as bench:
        pathlib.Path(bench.file).write_text(study)
        process = bench.start(
            "run", bench.file, "--workers", str(slots), "--results", bench.results, "--output-mode", "quiet", log=bench.folder + "/run.log")
        before, used, has_begun = {}, {}, False
        while process.poll() is None:
            used |= processor_seconds(bench)
            if not has_begun:
                has_begun, before = bool(bench.query("SELECT 1 FROM attempts LIMIT 1")), dict(used)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(1 if has_begun else 0.05)
        if process.returncode != 0:
            sys.exit(f"bench: the sweep ended with {process.returncode}: {pathlib.Path(bench.folder + '/run.log').read_text()}"
                     "\n  → Try it alone: .build/release/sower run demo")
        if failed := bench.query("SELECT count(*) FROM attempts WHERE state <> 'finished'")[0][0]:
            sys.exit(f"bench: {failed} attempts have failed\n  → Measure again on a machine with enough memory and room on the disk.")
        computed = {
            verb: sum(seconds - before.get((which, pid), 0) for (which, pid), seconds in used.items() if which == verb)
            for verb in ("run", "worker")}
        return bench.query(TRAININGS), computed


def union(intervals):
    """The same times as intervals that do not meet, in their order."""
    merged = []
    for start, end in sorted(interval for interval in intervals if interval[0] < interval[1]):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    return merged


def account(rows):
    """Seconds of slot time by what became of them."""
    first, last = min(row[3] for row in rows), max(row[4] for row in rows)
    waiting = [(max(first, ready or first), leased) for _, _, ready, leased, _, _, _ in rows]
    slots = {row[1] for row in rows}
    counted = sum(
        end - start for slot in slots
        for start, end in union([(row[3], row[4]) for row in rows if row[1] == slot] + waiting)) / 1000
    running, training = sum(row[5] for row in rows), sum(row[6] for row in rows)
    return {
        "slots": len(slots), "trainings": len(rows), "median_seconds": statistics.median(row[5] for row in rows),
        "span_seconds": (last - first) / 1000, "slot_seconds": counted,
        "left_out_seconds": len(slots) * (last - first) / 1000 - counted,
        "coordination_seconds": counted - running, "coordination_share": (counted - running) / counted,
        "around_seconds": running - training, "around_share": (running - training) / counted,
        "training_share": training / counted,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10, help="how long a training should take")
    parser.add_argument("--slots", type=int, default=2, help="trainings at a time")
    parser.add_argument("--pairs", type=int, default=4, help="pre-trainings, and pairs of the evaluation")
    parser.add_argument("--replicates", type=int, default=3, help="a pair is trained on so often from each of two initializations")
    parser.add_argument("--json", action="store_true", help="one JSON value in place of lines")
    options = parser.parse_args()

    def study(pairs, replicates, epochs):
        return STUDY.replace("PAIRS", str(pairs)).replace("REPLICATES", str(replicates)).replace("EPOCHS", str(epochs))

    print("── how long an epoch takes", file=sys.stderr)
    epoch = statistics.median(row[6] for row in sweep(study(options.slots, 1, 2), options.slots)[0]) / 2
    epochs = min(500, max(1, round(options.seconds / epoch)))
    trainings = options.pairs * (1 + 2 * options.replicates)
    print(f"── {trainings} trainings of {epochs} epochs, about {trainings * epochs * epoch / options.slots:.0f} s", file=sys.stderr)
    start = time.monotonic()
    rows, computed = sweep(study(options.pairs, options.replicates, epochs), options.slots)
    report = {"version": 1, "kind": "overhead", "epochs": epochs, "sweep_seconds": time.monotonic() - start, **account(rows)}
    for name, verb in (("coordinator", "run"), ("workers", "worker")):
        report |= {f"{name}_cpu_seconds": computed[verb], f"{name}_cpu_share": computed[verb] / report["slot_seconds"]}
    if options.json:
        print(json.dumps(report))
        return
    print(f"{report['trainings']} trainings of {report['median_seconds']:.1f} s (median) on {report['slots']} slots: "
          f"{report['slot_seconds']:.1f} s of slot time")
    for name, what in (("coordination", "overhead: no runner works on the slot's job"), ("around", "runners, beside their epochs")):
        print(f"{name:14} {report[name + '_share']:7.2%}  {report[name + '_seconds']:6.2f} s  {what}")
    print(f"{'training':14} {report['training_share']:7.2%}")
    print(f"left out: {report['left_out_seconds']:.1f} s of slot time at the ends of stages, where no training was ready")
    for name in ("coordinator", "workers"):
        print(f"processor time of the {name}: {report[name + '_cpu_seconds']:.2f} s, {report[name + '_cpu_share']:.2%} of the slot time")


if __name__ == "__main__":
    main()
