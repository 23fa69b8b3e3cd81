#!/usr/bin/env python3
"""Writes the numbers Tests/NetworksTests holds ResNet-18 to: PyTorch in float64 from a start both sides can compute.

    python3 scripts/reference/resnet18.py > Tests/NetworksTests/Fixtures/resnet18.json

Start, images and labels come from splitmix64, so the fixture needs no large tensors. A tensor is recorded as its norm,
four projections on hashed ±1 vectors (every entry counts) and sixteen entries. `float32_error` says how far PyTorch's own
float32 lies from its float64, for comparison with ours.
"""

import json
import sys

import numpy as np
import torch

from resnet18_model import ResNet18

# ReLU and max pooling have kinks: where float32 falls on the other side of one than float64, a single unit of the last
# stage moves every gradient by percents, and ten steps on random labels amplify that. So in the ten-step case batch and
# rate are small, batch norm's biases are near 2 (few inputs of ReLU near zero; the one-step case has them near 0), and of
# the first hundred seeds this is the one that keeps farthest from every kink.
SEED = 48
LEARNING_RATE = 3e-4


def splitmix(stream, count):
    """64 random bits for each of `count` indices of a numbered stream."""
    with np.errstate(over="ignore"):
        z = (np.arange(count, dtype=np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z += np.uint64(stream) * np.uint64(0xD1342543DE82EF95)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def uniform(stream, count):
    """Numbers in [-1, 1) with 24 bits, exact in float32."""
    return ((splitmix(stream, count) >> np.uint64(40)).astype(np.float64) / 2**23 - 1).astype(np.float32)


def start(case, name, tensor, index):
    shape, count = list(tensor.shape), tensor.numel()
    if name.endswith("num_batches_tracked"):
        return torch.zeros((), dtype=torch.int64)
    u = uniform(SEED + index, count).reshape(shape)
    if len(shape) == 4:
        bound = np.float32(np.sqrt(6 / (shape[0] * shape[2] * shape[3])))
        value = u * bound
    elif len(shape) == 2:
        value = u * np.float32(np.sqrt(1 / shape[1]))
    elif name.endswith("running_var") or (name.endswith("weight") and len(shape) == 1):
        value = np.float32(1) + np.float32(0.25) * u
    elif name.endswith("bias") and name != "fc.bias":
        value = np.float32(case["norm_bias"]) + np.float32(0.125) * u
    else:
        value = np.float32(0.125) * u
    return torch.from_numpy(value.astype(np.float32))


def batch(case, step):
    n, channels, size = case["batch"], case["channels"], case["image_size"]
    images = uniform(SEED + 1000 + 2 * step, n * channels * size * size) * np.float32(1.75)
    labels = splitmix(SEED + 1001 + 2 * step, n) % np.uint64(case["classes"])
    return (torch.from_numpy(images.astype(np.float32)).reshape(n, channels, size, size),
            torch.from_numpy(labels.astype(np.int64)))


def digest(tensor):
    flat = tensor.detach().double().flatten().numpy()
    n = flat.size
    projections = [float(np.where(splitmix(7000 + k, n) & np.uint64(1), flat, -flat).sum()) for k in range(4)]
    picks = (splitmix(7100, 16) % np.uint64(n)).astype(np.int64)
    number = lambda x: float(f"{x:.9g}")
    return {"norm": number(np.linalg.norm(flat)), "projections": [number(x) for x in projections],
            "entries": [number(flat[i]) for i in picks]}


def run(case, dtype):
    model = ResNet18(case["classes"], case["channels"])
    model.load_state_dict({n: start(case, n, t, i) for i, (n, t) in enumerate(model.state_dict().items())})
    model = model.to(dtype)
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=0.9, weight_decay=1e-4)
    result = {"losses": [], "gradients": {}, "state": {}}
    for step in range(case["steps"]):
        images, labels = batch(case, step)
        model.train()
        optimizer.zero_grad()
        logits = model(images.to(dtype))
        loss = torch.nn.functional.cross_entropy(logits, labels)
        loss.backward()
        result["losses"].append(loss.item())
        if step == 0:
            result["logits"] = logits.detach().clone()
            result["gradients"] = {n: p.grad.clone() for n, p in model.named_parameters()}
        optimizer.step()
    result["state"] = {n: t.clone() for n, t in model.state_dict().items()}
    model.eval()
    with torch.no_grad():
        images, labels = batch(case, case["steps"])
        result["evaluation"] = model(images.to(dtype))
    return result


def main():
    torch.set_num_threads(1)
    cases = [
        {"name": "32 px, RGB, ten steps", "image_size": 32, "channels": 3, "classes": 10, "batch": 8, "steps": 10, "norm_bias": 2},
        {"name": "64 px, grey, one step", "image_size": 64, "channels": 1, "classes": 20, "batch": 4, "steps": 1, "norm_bias": 0},
    ]
    out = {"pytorch": torch.__version__, "seed": SEED, "learning_rate": LEARNING_RATE, "momentum": 0.9, "weight_decay": 1e-4,
           "cases": []}
    for case in cases:
        exact, single = run(case, torch.float64), run(case, torch.float32)
        worst = max(float((single["gradients"][n].double() - g).norm() / max(float(g.norm()), 0.01)) for n, g in exact["gradients"].items())
        out["cases"].append(case | {
            "losses": [float(f"{x:.10g}") for x in exact["losses"]],
            "float32_losses": [float(f"{x:.10g}") for x in single["losses"]],
            "logits": digest(exact["logits"]), "evaluation_logits": digest(exact["evaluation"]),
            "gradients": {n: digest(t) for n, t in exact["gradients"].items()},
            "state": {n: digest(t) for n, t in exact["state"].items() if t.is_floating_point()},
            "float32_error": {
                "logits": float((single["logits"].double() - exact["logits"]).norm() / exact["logits"].norm()),
                "worst_gradient": worst,
                "worst_state": max(float((single["state"][n].double() - t).norm() / t.norm())
                                   for n, t in exact["state"].items() if t.is_floating_point()),
                "evaluation_logits": float((single["evaluation"].double() - exact["evaluation"]).norm() / exact["evaluation"].norm()),
            },
        })
        print(case["name"], out["cases"][-1]["float32_error"], file=sys.stderr)
    json.dump(out, sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
