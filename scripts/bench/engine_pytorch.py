#!/usr/bin/env python3
"""PyTorch's side of scripts/bench/engine.py: one case in one configuration, one thread; prints one JSON object.

    python3 scripts/bench/engine_pytorch.py CONFIGURATION ARCHITECTURE IMAGE_SIZE CHANNELS BATCH [STEPS]

A training step is forward, cross-entropy, backward and SGD (momentum 0.9, weight decay 1e-4) in training mode, VGG11's dropout
of 0.5 included; inference is a forward pass in evaluation mode under inference_mode. SGD counts with the fastest of its
implementations. Without STEPS, steps are measured for at least three seconds and at least three times.
"""

import json
import resource
import statistics
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "reference"))

from models import build  # noqa: E402

CONFIGURATIONS = ("nchw", "channels-last", "compiled")
MINIMUM_SECONDS, MINIMUM_STEPS, WARM_UPS = 3, 3, 2


def peak_megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def seconds_per_step(step, steps=None):
    """Median, and how many steps it is of."""
    for _ in range(WARM_UPS):
        step()
    times = []
    while len(times) < (steps or MINIMUM_STEPS) or (steps is None and sum(times) < MINIMUM_SECONDS):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return statistics.median(times), len(times)


def fastest_sgd(model):
    """(name, optimizer) of the implementation whose steps take least; the parameters must have gradients."""
    candidates = []
    for name, options in (("for-loop", {"foreach": False}), ("foreach", {"foreach": True}), ("fused", {"fused": True})):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4, **options)
        try:
            candidates.append((seconds_per_step(optimizer.step, steps=3)[0], name, options))
        except RuntimeError as error:  # Not every version has every implementation for CPUs.
            print(f"SGD, {name}: {error}", file=sys.stderr)
        optimizer.state.clear()
    _, name, options = min(candidates, key=lambda candidate: candidate[0])
    return name, torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4, **options)


def measure(configuration, architecture, size, channels, batch, steps=None):
    libraries = peak_megabytes()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    memory = torch.contiguous_format if configuration == "nchw" else torch.channels_last
    model = build(architecture, 10, channels, size).to(memory_format=memory)
    images = torch.randn(batch, channels, size, size).to(memory_format=memory)
    labels = torch.arange(batch) % 10
    network = torch.compile(model) if configuration == "compiled" else model

    def gradients():
        torch.nn.functional.cross_entropy(network(images), labels).backward()

    def train():
        optimizer.zero_grad()
        gradients()
        optimizer.step()

    def evaluate():
        with torch.inference_mode():
            network(images)

    model.train()
    gradients()
    sgd, optimizer = fastest_sgd(model)
    training, training_steps = seconds_per_step(train, steps)
    peak = peak_megabytes()
    model.eval()
    inference, inference_steps = seconds_per_step(evaluate, steps)
    return {"trainingImagesPerSecond": batch / training, "inferenceImagesPerSecond": batch / inference,
            "millisecondsPerStep": training * 1000, "trainingSteps": training_steps, "inferenceSteps": inference_steps,
            "sgd": sgd, "peakMemoryMegabytes": peak, "librariesMegabytes": libraries, "torch": torch.__version__}


if __name__ == "__main__":
    configuration, architecture, *numbers = sys.argv[1:]
    if configuration not in CONFIGURATIONS:
        sys.exit(f"there is no configuration {configuration!r}; expected one of {', '.join(CONFIGURATIONS)}")
    print(json.dumps(measure(configuration, architecture, *map(int, numbers))))
