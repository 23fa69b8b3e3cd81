#!/usr/bin/env python3
"""Holds `sower engine step` against PyTorch: same weights and batch in, losses, logits, gradients and final state compared.

    python3 scripts/reference/engine_step.py [--sower .build/release/sower] [ARCHITECTURE …]

PyTorch computes in float64 from its own default start, without dropout. Prints the largest relative error ‖a − b‖ / ‖b‖ of each
kind (norms below 1e-3 count as 1e-3) and fails above 1e-4, or 1e-3 for gradients and state, in which a unit that falls on the
other side of a ReLU's kink shows. Needs torch and safetensors.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from models import ARCHITECTURES, build

CASES = {"vgg11": (32, 3, 4), "lenet": (28, 1, 16), "fixup-resnet20": (32, 3, 16)}
LIMITS = {"losses": 1e-4, "logits": 1e-4, "gradients": 1e-3, "state": 1e-3}


def error(a, b):
    a, b = a.double().flatten(), b.double().flatten()
    return float((a - b).norm() / max(float(b.norm()), 1e-3))


def reference(model, images, labels, steps, rate):
    slow = lambda name: "fixup" in type(model).__name__.lower() and ("bias" in name or "scale" in name)
    groups = [{"params": [p], "lr": rate / 10 if slow(n) else rate} for n, p in model.named_parameters()]
    optimizer = torch.optim.SGD(groups, lr=rate, momentum=0.9, weight_decay=5e-4, nesterov=True)
    out = {"losses": [], "gradients": {}}
    model.train()
    for step in range(steps):
        optimizer.zero_grad()
        logits = model(images)
        loss = torch.nn.functional.cross_entropy(logits, labels)
        loss.backward()
        out["losses"].append(loss.item())
        if step == 0:
            out["logits"] = logits.detach().clone()
            out["gradients"] = {n: p.grad.clone() for n, p in model.named_parameters()}
        optimizer.step()
    out["state"] = {n: t.clone() for n, t in model.state_dict().items()}
    return out


def check(sower, architecture, folder, steps=3, rate=1e-3):
    size, channels, batch = CASES.get(architecture, (32, 3, 16))
    torch.manual_seed(1)
    model = build(architecture, 10, channels, size, dropout=0)
    images, labels = torch.randn(batch, channels, size, size), torch.arange(batch) % 10
    # As torch keeps tensors: a state_dict must be contiguous to be saved.
    save_file({n: t.clone().contiguous() for n, t in model.state_dict().items()}, folder / "weights.safetensors")
    save_file({"images": images, "labels": labels}, folder / "batch.safetensors")
    command = [sower, "engine", "step", "--model", architecture, "--weights", folder / "weights.safetensors", "--batch",
               folder / "batch.safetensors", "--steps", str(steps), "--learning-rate", str(rate), "--weight-decay", "5e-4",
               "--nesterov", "-o", folder / "out.safetensors"]
    subprocess.run(command, check=True)
    ours, exact = load_file(folder / "out.safetensors"), reference(model.double(), images.double(), labels, steps, rate)
    errors = {
        "losses": error(ours["losses"], torch.tensor(exact["losses"])), "logits": error(ours["logits"], exact["logits"]),
        "gradients": max(error(ours["gradients." + n], g) for n, g in exact["gradients"].items()),
        "state": max(error(ours["state." + n], t) for n, t in exact["state"].items()),
    }
    expected = {"losses", "logits"} | {"gradients." + n for n in exact["gradients"]} | {"state." + n for n in exact["state"]}
    good = set(ours) == expected and all(errors[kind] <= limit for kind, limit in LIMITS.items())
    print(f"{architecture:16}", " ".join(f"{kind} {value:.1e}" for kind, value in errors.items()), "ok" if good else "FAILED")
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("architectures", nargs="*", default=list(ARCHITECTURES))
    parser.add_argument("--sower", default=".build/release/sower")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        results = [check(options.sower, name, Path(folder)) for name in options.architectures]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
