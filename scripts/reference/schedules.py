#!/usr/bin/env python3
"""Writes the learning rates torch's ReduceLROnPlateau gives for random sequences.

    python3 scripts/reference/schedules.py > Tests/NetworksTests/Fixtures/schedules.json
"""

import json
import random
import sys

import torch

SEED = 7


def rates(values, mode, factor, patience):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode, factor=factor, patience=patience)
    result = []
    for value in values:
        result.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step(value)
    return result


def main():
    random.seed(SEED)
    sequences = []
    for mode in ("max", "min"):
        for factor, patience in ((0.5, 5), (0.2, 5), (0.1, 0), (0.5, 2)):
            values = [round(random.choice((50, 50.004, 50.01, 40, 60, 2.5)) * (1 + epoch / 1000), 6) for epoch in range(40)]
            sequences.append({"mode": mode, "factor": factor, "patience": patience, "values": values,
                              "rates": rates(values, mode, factor, patience)})
    json.dump({"pytorch": torch.__version__, "seed": SEED, "sequences": sequences}, sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
