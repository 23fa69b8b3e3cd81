#!/usr/bin/env python3
"""One small study, trained by Sower's engine and by torch_resnet18.py, and how far apart the two are.

    scripts/trainers/agreement --standstill

holds them to each other more closely, in a minute: at a learning rate of nearly 0 nothing is left of what each draws but the order of
the images, which the running statistics of the batches remember a little. Every validation loss must then agree within 2 %: data,
classes, normalization, initialization, the network, and the weights that a chain hands on.

Both start from the same first weights and see the same images; what they draw while they train (order, augmentation) is their
own. So an arm's means agree when their difference is within what the seeds alone make of it: the 95 % interval of the mean paired
difference over pairs and replicates (over replicates, for chains) should hold 0. Exit code 1 when the interval of some arm, widened for the number of
arms (Bonferroni), does not.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

STUDY = """\
study: {name}
data: {data}
model: {model}
profile: {profile}
protocol: {protocol}
seed: {seed}
pretraining: {{pairs: {sources}, epochs: {epochs}}}
evaluation: {{pairs: {pairs}, replicates: {replicates}, epochs: {epochs}}}
training: {{batch_size: {batch}}}
arms:
  - random
  - {{name: gabor-1, method: gabor, layers: 1}}
  - {{name: clustered, method: clustered, distance: fourier-real, models: {sources}, clusters: 3, layers: 17}}
"""


def sower(*words):
    binary = os.environ.get("SOWER_BINARY", str(ROOT / ".build/release/sower"))
    ran = subprocess.run([binary, *words], capture_output=True, text=True)
    if ran.returncode:
        sys.exit(f"sower {' '.join(words)} ended with exit code {ran.returncode}:\n{ran.stderr}")
    return ran.stdout


def trainers():
    script = ROOT / "scripts/trainers/torch_resnet18.py"
    return ("engine", ""), ("torch", f"trainer: {{name: torch, command: [{sys.executable}, {script}]}}\n")


def write_study(folder, name, trainer, options, **changes):
    settings = {**vars(options), **changes}
    settings["data"] = (f"{{format: cifar100, path: {options.data}}}" if options.data else
                        f"{{format: synthetic, seed: 1, training_per_class: {options.images}, test_per_class: {max(10, options.images // 3)}}}")
    settings["name"] = name
    file = Path(folder) / f"{name}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(STUDY.format(**settings) + trainer)
    return file


def run(file, results, options, trainer):
    print(f"── {file.stem}", file=sys.stderr, flush=True)
    sower("run", str(file), "--workers", str(options.workers), "--results", results, "--output-mode", "quiet",
          *(["--allow-command"] if trainer else []))


def read_cells(results, name):
    """The validation accuracy after the last epoch of every evaluation: {(arm, pair, replicate): percent}."""
    listed = json.loads(sower("status", name, "--cells", "--output-mode", "json", "--results", results))["cells"]
    values = {}
    for cell in listed:
        if cell["stage"] != "evaluate":
            continue
        place = f"{cell['arm']}/{cell['pair']}/{cell['replicate']}"
        why = json.loads(sower("why", place, "--study", name, "--output-mode", "json", "--results", results))
        if not why["cells"]:
            sys.exit(f"{name}: the cell {place} has no number: {why['explanation']}")
        values[cell["arm"], cell["pair"], cell["replicate"]] = why["cells"][0]["validationAccuracy"]
    return values


def standstill(options, kept):
    """Whether every loss agrees where nothing is learned."""
    losses = {}
    for name, trainer in trainers():
        file = write_study(kept, f"{name}-standstill", trainer, options, pairs=2, replicates=1, epochs=1, protocol="chained", sources=2)
        file.write_text(file.read_text().replace("\ntraining: {", "\ntraining: {learning_rate: 1.0e-9, "))
        run(file, kept, options, trainer)
        table = sower("table", f"{name}-standstill", "--metric", "validation_loss", "--over", "seed", "--format", "csv",
                      "--precision", "6", "--results", kept)
        lines = [line for line in table.splitlines() if line and not line.startswith("#")]
        keys = lines[0].split(",")
        rows = [dict(zip(keys, line.split(","))) for line in lines[1:]]
        losses[name] = {(row["arm"], row["pair"]): float(row["mean"]) for row in rows}
    differs = 0
    for key, ours in losses["engine"].items():
        theirs = losses["torch"][key]
        agrees = abs(theirs - ours) <= 0.02 * ours
        differs |= not agrees
        print(f"{key[0]:<12}{key[1]:>7}  engine {ours:.4f}  torch {theirs:.4f}{'' if agrees else '   they differ'}")
    return differs


def quantile(probability, freedom):
    """Student's t by bisection of the integral of its density: no scipy needed."""
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(freedom * math.pi)

    def below(t, steps=2000):
        width = t / steps
        density = [scale * (1 + (i * width) ** 2 / freedom) ** (-(freedom + 1) / 2) for i in range(steps + 1)]
        return 0.5 + width / 3 * (density[0] + density[-1] + 4 * sum(density[1:-1:2]) + 2 * sum(density[2:-1:2]))

    low, high = 0.0, 400.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) < probability else (low, middle)
    return (low + high) / 2


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="a folder in CIFAR-100's binary layout; the default is a synthetic set")
    parser.add_argument("--model", default="resnet18", choices=["resnet18", "custom-resnet18"])
    parser.add_argument("--profile", default="paper", choices=["paper", "published-code"])
    parser.add_argument("--protocol", default="independent", choices=["independent", "chained"])
    for name, default in (("pairs", 2), ("replicates", 4), ("epochs", 4), ("sources", 3), ("batch", 32), ("seed", 1), ("images", 60),
                          ("workers", os.cpu_count() or 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--standstill", action="store_true", help="see above")
    parser.add_argument("--results", help="keep the studies in this folder; run again, it finishes what is missing")
    options = parser.parse_args()
    kept = options.results or tempfile.mkdtemp(prefix="sower-agreement-")
    if options.standstill:
        sys.exit(standstill(options, kept))
    values = {}
    for name, trainer in trainers():
        run(write_study(kept, name, trainer, options), kept, options, trainer)
        values[name] = read_cells(kept, name)

    arms = list(dict.fromkeys(arm for arm, _, _ in values["engine"]))
    # The links of a chain depend on each other: a chain is one observation.
    chained = options.protocol == "chained"
    count = options.replicates if chained else options.pairs * options.replicates
    usual, strict = quantile(0.975, count - 1), quantile(1 - 0.025 / len(arms), count - 1)
    print(f"validation accuracy after {options.epochs} epochs, %, {options.pairs * options.replicates} trainings an arm and trainer; the difference "
          f"is torch − engine, paired by {'replicate' if chained else 'pair and replicate'}")
    print(f"{'arm':<12}{'engine':>9}{'torch':>9}{'std':>7}{'difference':>12}   95 % interval")
    worst = 0
    for arm in arms:
        keys = [key for key in values["engine"] if key[0] == arm]
        ours, theirs = [values["engine"][key] for key in keys], [values["torch"][key] for key in keys]
        differences = [b - a for a, b in zip(ours, theirs)]
        if chained:
            differences = [statistics.mean(d for d, key in zip(differences, keys) if key[2] == replicate)
                           for replicate in range(1, options.replicates + 1)]
        mean, error = statistics.mean(differences), statistics.stdev(differences) / math.sqrt(len(differences))
        agrees = abs(mean) <= strict * error
        worst |= not agrees
        print(f"{arm:<12}{statistics.mean(ours):>9.2f}{statistics.mean(theirs):>9.2f}{statistics.stdev(ours):>7.2f}{mean:>12.2f}"
              f"   {mean - usual * error:.2f} … {mean + usual * error:.2f}{'' if agrees else '   they differ'}")
    print(f"studies and tables: {kept}")
    sys.exit(worst)


if __name__ == "__main__":
    main()
