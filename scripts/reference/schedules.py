#!/usr/bin/env python3
"""Writes the learning rates torch's schedulers give: the one used in each epoch, stepped once an epoch.

    python3 scripts/reference/schedules.py > Tests/NetworksTests/Fixtures/schedules.json

Keys: `sequences`, ReduceLROnPlateau on random values from base 0.1 (`mode`, `factor`, `patience`, `values`, `rates`);
`step`, StepLR (`base`, `step_size`, `gamma`, `rates`); `cosine`, CosineAnnealingLR with T_max the number of epochs
(`base`, `eta_min`, `rates`). torch computes the last two by recurrence, so rates carry some of its rounding.
"""

import json
import random
import sys

import torch
from torch.optim import lr_scheduler

SEED = 7
BASE = 0.1


def rates(make, epochs, values=None):
    """The rate in each epoch under the scheduler that `make` gives for an optimizer; a plateau is told `values`."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=BASE)
    scheduler = make(optimizer)
    result = []
    for epoch in range(epochs):
        result.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step(*(() if values is None else (values[epoch],)))
    return result


def main():
    random.seed(SEED)
    sequences = []
    for mode in ("max", "min"):
        for factor, patience in ((0.5, 5), (0.2, 5), (0.1, 0), (0.5, 2)):
            values = [round(random.choice((50, 50.004, 50.01, 40, 60, 2.5)) * (1 + epoch / 1000), 6) for epoch in range(40)]
            plateau = lambda optimizer: lr_scheduler.ReduceLROnPlateau(optimizer, mode, factor=factor, patience=patience)
            sequences.append({"mode": mode, "factor": factor, "patience": patience, "values": values,
                              "rates": rates(plateau, len(values), values)})
    step = [{"base": BASE, "step_size": 3, "gamma": 0.1,
             "rates": rates(lambda optimizer: lr_scheduler.StepLR(optimizer, 3, 0.1), 10)}]
    cosine = [{"base": BASE, "eta_min": 0,
               "rates": rates(lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, epochs, 0), epochs)}
              for epochs in (10, 200)]
    json.dump({"pytorch": torch.__version__, "seed": SEED, "sequences": sequences, "step": step, "cosine": cosine},
              sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
