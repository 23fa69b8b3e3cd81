#!/usr/bin/env python3
"""Measures Sower's engine and PyTorch in turn on the same core and prints the ratios with their spread.

    scripts/bench/engine                                       # all cases; builds Sower and sets PyTorch up first
    scripts/bench/engine --case vgg11:32:64 --rounds 3         # architecture:image size:batch, repeatable
    scripts/bench/engine --two-runners                         # one sower alone against two at once on two cores

Every measurement is a fresh process on one core with one thread. Rounds alternate (sower, PyTorch in NCHW, in channels-last,
compiled, sower, …), so that a busy machine slows all alike: trust the ratio, not the rates. The ratio of a round is Sower's
images a second over those of the PyTorch configuration with the best median, chosen for training and inference apart; the
table has its median (minimum–maximum). VGG11 trains with its dropout of 0.5. The compiled configuration is torch.compile in
channels-last, where that works (it needs a C++ compiler, and minutes a case the first time); `--no-compile` leaves it out.

Peak memory is the largest resident set, as the kernel counts it: of Sower's whole process, and of PyTorch's until training
ends, in the configuration that needs least, interpreter and libraries included (`librariesMegabytes` in --json is their share).

The engine is a command that takes `--model M --image-size S --batch B --steps K --output-mode json` and prints one JSON object
with `version` 1 and a list of one in `cases`; `--engine` names another one than the release build's.
"""

import argparse
import json
import math
import os
import statistics
import sys
from pathlib import Path

from engine_table import print_table, summary
from measurement import BenchmarkError, Case, cores_for_two, finish_engine, pin, run_engine, run_pytorch, start_engine, stop

ROOT = Path(__file__).resolve().parent.parent.parent
DEFAULT_CASES = ("resnet18:32:128", "resnet18:64:128", "custom-resnet18:32:128", "vgg11:32:64", "fixup-resnet20:32:128",
                 "lenet:28:64")
EAGER = ["nchw", "channels-last"]
CALIBRATION_STEPS, MINIMUM_STEPS, MINIMUM_MILLISECONDS = 3, 3, 3000


def steps_for(options, case):
    """How many steps the engine is asked for: as many as take three seconds, at least three."""
    if options.steps:
        return options.steps
    first = run_engine(options.engine, case, CALIBRATION_STEPS)
    return max(MINIMUM_STEPS, math.ceil(MINIMUM_MILLISECONDS / first["millisecondsPerStep"]))


def measure(options, case):
    configurations = EAGER + (["compiled"] if options.compile else [])
    steps = steps_for(options, case)
    rounds = []
    for number in range(options.rounds):
        print(f"{case}: round {number + 1} of {options.rounds}, {steps} steps", file=sys.stderr)
        result = {"sower": run_engine(options.engine, case, steps)}
        for configuration in configurations:
            try:
                result[f"pytorch {configuration}"] = run_pytorch(configuration, case, options.steps)
            except BenchmarkError as error:
                if configuration != "compiled" or rounds:
                    raise
                print(f"{case}: measured without torch.compile, which fails here: {error}", file=sys.stderr)
                configurations = EAGER
        rounds.append(result)
    return {"case": str(case), "steps": steps, "rounds": rounds, "summary": summary(rounds)}


def measure_two_runners(options, case, cores):
    """Images a second of two processes together, on a core each, over one process alone on the first core."""
    pin(cores[:1])
    steps = steps_for(options, case)
    rounds = []
    for number in range(options.rounds):
        print(f"two runners: round {number + 1} of {options.rounds}, {steps} steps", file=sys.stderr)
        pin(cores[:1])
        alone = run_engine(options.engine, case, steps)
        started = []
        try:
            for core in cores:
                pin([core])
                started.append(start_engine(options.engine, case, steps))
            rounds.append({"alone": alone, "together": [finish_engine(process, case) for process in started]})
        finally:
            for process in started:
                stop(process)
    keys = ("trainingImagesPerSecond", "inferenceImagesPerSecond")
    ratios = {key: [sum(side[key] for side in r["together"]) / r["alone"][key] for r in rounds] for key in keys}
    print(f"\ntwo runners on cores {cores[0]} and {cores[1]}, {case}: images a second together over one alone")
    for name, key in zip(("training", "inference"), keys):
        values = ratios[key]
        print(f"  {name:9} {statistics.median(values):.2f} ({min(values):.2f}–{max(values):.2f})")
    return {"case": str(case), "cores": cores, "steps": steps, "rounds": rounds, "ratios": ratios}


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def parse():
    parser = argparse.ArgumentParser(prog="scripts/bench/engine", description=__doc__.splitlines()[0])
    parser.add_argument("--case", type=Case.parse, action="append", dest="cases", metavar="M:S:B",
                        help=f"architecture:image size:batch, repeatable (default: {', '.join(DEFAULT_CASES)})")
    parser.add_argument("--rounds", type=positive, default=5)
    parser.add_argument("--steps", type=positive, help="steps a measurement (default: as many as take three seconds, at least 3)")
    parser.add_argument("--cpu", type=int, help="the core both sides run on (default: the last one allowed)")
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True, help="measure torch.compile too")
    parser.add_argument("--two-runners", action="store_true", help="one sower alone against two at once on two cores")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all raw numbers there")
    parser.add_argument("--engine", default=f"{ROOT}/.build/release/sower bench engine", metavar="COMMAND",
                        help="command that measures the engine (default: %(default)s)")
    options = parser.parse_args()
    allowed = os.sched_getaffinity(0)
    if options.cpu is None:
        options.cpu = max(allowed)
    elif options.cpu not in allowed:
        parser.error(f"--cpu {options.cpu}: not among the cores this process may use ({', '.join(map(str, sorted(allowed)))})")
    return options, allowed


def main():
    options, allowed = parse()
    report = {"version": 1, "cpu": options.cpu, "commandLine": sys.argv[1:], "cases": []}
    try:
        if options.two_runners:
            case = options.cases[0] if options.cases else Case.parse(DEFAULT_CASES[0])
            report["twoRunners"] = measure_two_runners(options, case, cores_for_two(allowed, options.cpu))
        else:
            pin([options.cpu])
            for case in options.cases or map(Case.parse, DEFAULT_CASES):
                report["cases"].append(measure(options, case))
            print_table(report["cases"])
        if options.json:
            options.json.write_text(json.dumps(report, indent=1) + "\n")
    except (BenchmarkError, OSError) as error:
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
