#!/usr/bin/env python3
"""Trains and evaluates ResNet-18 with Sower's engine and with PyTorch in turn, and prints the ratio of their medians.

    python3 scripts/bench/engine.py --engine '.build/release/sower benchmark-engine' [--image-size 32] [--batch 128]

The engine's command is run with `--image-size S --batch N --steps K` added and must print one JSON object with
`trainingImagesPerSecond` and `inferenceImagesPerSecond`. One thread each. Rounds alternate (engine, NCHW, channels-last, engine,
…), each in a fresh process, so that a busy machine slows both alike: trust the ratio, not the rates. PyTorch counts with the
better of its two layouts.
"""

import argparse
import json
import shlex
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "reference"))


def measure_pytorch(layout, size, batch, steps):
    import torch

    from resnet18_model import ResNet18

    torch.set_num_threads(1)
    torch.manual_seed(1)
    memory = torch.channels_last if layout == "channels_last" else torch.contiguous_format
    model = ResNet18(10, 3).to(memory_format=memory)
    images = torch.randn(batch, 3, size, size).to(memory_format=memory)
    labels = torch.arange(batch) % 10
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)

    def train():
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()

    def evaluate():
        with torch.inference_mode():
            model(images)

    def rate(step):
        times = []
        for index in range(steps + 2):
            start = time.perf_counter()
            step()
            if index >= 2:
                times.append(time.perf_counter() - start)
        return batch / statistics.median(times)

    model.train()
    training = rate(train)
    model.eval()
    return {"trainingImagesPerSecond": training, "inferenceImagesPerSecond": rate(evaluate)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", help="command that measures Sower's engine")
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pytorch", choices=("nchw", "channels_last"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.pytorch:
        print(json.dumps(measure_pytorch(options.pytorch, options.image_size, options.batch, options.steps)))
        return
    if not options.engine:
        parser.error("--engine is required")
    shared = ["--image-size", str(options.image_size), "--batch", str(options.batch), "--steps", str(options.steps)]
    commands = {
        "sower": shlex.split(options.engine) + shared,
        "pytorch nchw": [sys.executable, __file__, "--pytorch", "nchw"] + shared,
        "pytorch channels_last": [sys.executable, __file__, "--pytorch", "channels_last"] + shared,
    }
    results = {name: [] for name in commands}
    for _ in range(options.rounds):
        for name, command in commands.items():
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            results[name].append(json.loads(output.strip().splitlines()[-1]))
    medians = {
        name: {key: statistics.median(round_[key] for round_ in rounds)
               for key in ("trainingImagesPerSecond", "inferenceImagesPerSecond")}
        for name, rounds in results.items()
    }
    for name, median in medians.items():
        print(f"{name:24}" + "".join(f"{key}: {value:9.1f}   " for key, value in median.items()))
    for key in ("trainingImagesPerSecond", "inferenceImagesPerSecond"):
        best = max(medians[name][key] for name in medians if name != "sower")
        print(f"{key}: {medians['sower'][key] / best:.2f} times PyTorch")


if __name__ == "__main__":
    main()
