#!/usr/bin/env python3
"""Writes trajectories of torch.optim.SGD in float64 for a vector of five weights.

    python3 scripts/reference/sgd.py > Tests/NetworksTests/Fixtures/sgd.json

Keys: `start`, the weights before the first of 12 steps (uniform(seed), exact in float32); `gradients`, those of each step
(uniform(seed + 1 + step)); `rates`, the learning rate of each step, which falls in the middle; `cases`, each with `momentum`,
`weight_decay`, `nesterov`, `gradient` ("given": those above; "zero": none, weight decay alone moves the weights), `weights`
after each step and `momenta`, torch's momentum_buffer after each step (null without momentum).
"""

import json
import sys

import torch

from networks import uniform

SEED = 1
STEPS, SIZE = 12, 5
RATES = [0.1] * 6 + [0.01] * 6


def trajectory(start, gradients, momentum, weight_decay, nesterov):
    weights = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([weights], lr=RATES[0], momentum=momentum, weight_decay=weight_decay, nesterov=nesterov)
    history, momenta = [], []
    for rate, gradient in zip(RATES, gradients):
        optimizer.param_groups[0]["lr"] = rate
        weights.grad = torch.tensor(gradient, dtype=torch.float64)
        optimizer.step()
        history.append(weights.tolist())
        if momentum:
            momenta.append(optimizer.state[weights]["momentum_buffer"].tolist())
    return {"weights": history, "momenta": momenta or None}


def main():
    start = uniform(SEED, SIZE).tolist()
    gradients = [uniform(SEED + 1 + step, SIZE).tolist() for step in range(STEPS)]
    sequences = {"given": gradients, "zero": [[0.0] * SIZE] * STEPS}
    cases = []
    # A decay of 5e-4 alone hardly moves a weight in twelve steps, so there a larger one is tried as well.
    for gradient, decays in (("given", (0, 5e-4)), ("zero", (5e-4, 0.05))):
        for momentum, nesterov in ((0, False), (0.9, False), (0.9, True)):
            for decay in decays:
                settings = {"momentum": momentum, "weight_decay": decay, "nesterov": nesterov}
                cases.append({"gradient": gradient} | settings | trajectory(start, sequences[gradient], **settings))
    out = {"pytorch": torch.__version__, "seed": SEED, "start": start, "gradients": gradients, "rates": RATES, "cases": cases}
    json.dump(out, sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
