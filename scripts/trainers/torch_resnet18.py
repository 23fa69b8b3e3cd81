#!/usr/bin/env python3
"""Trains one of Sower's jobs with PyTorch, on a GPU if there is one: `trainer: {command: [python3, torch_resnet18.py]}`.

ResNet-18 and its custom form, SGD, every schedule and augmentation of a study, mixup, both profiles, chains. What it reads and
leaves is the contract in README.md beside this file; it needs torch, numpy and safetensors. The same job gives the same numbers
again on the same machine; its random streams are its own, so its numbers are near the engine's, not equal to them.

Option: --device cpu, cuda or cuda:N; the default is the GPU of the worker's slot, in turn, or the CPU if there is none.
"""

import argparse
import hashlib
import json
import math
import os
import sys
import time
from pathlib import Path

# cuBLAS reads it when it starts, and sums in one order only with it.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional

SIDE, RECORD = 32, 2 + 3 * 32 * 32


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride, residual):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.residual = residual
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return functional.relu(x + shortcut if self.residual else x)


class ResNet18(nn.Module):
    """torchvision.models.resnet18, names and shapes; `custom` has no residual sums in stage 1."""

    def __init__(self, classes, channels, custom):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        width = 64
        for stage, outputs in enumerate((64, 128, 256, 512), start=1):
            residual = not (custom and stage == 1)
            first = BasicBlock(width, outputs, 1 if stage == 1 else 2, residual)
            setattr(self, f"layer{stage}", nn.Sequential(first, BasicBlock(outputs, outputs, 1, residual)))
            width = outputs
        self.fc = nn.Linear(512, classes)

    def forward(self, x):
        x = functional.max_pool2d(functional.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


def fail(message):
    print(f"torch_resnet18: {message}", file=sys.stderr)
    sys.exit(1)


def load_split(folder, name, job):
    """Images [N, 3, 32, 32] in 0…1 and classes [N] of the job's superclasses, in the order of the file."""
    raw = np.fromfile(Path(folder) / name, dtype=np.uint8)
    if raw.size == 0 or raw.size % RECORD:
        fail(f"{folder}/{name} has {raw.size} bytes, no whole number of records of {RECORD}")
    records = raw.reshape(-1, RECORD)
    records = records[np.isin(records[:, 0], job["training"]["superclasses"])]
    classes = np.full(100, -1, dtype=np.int64)
    for index, fine in enumerate(job["fineLabels"]):
        classes[fine] = index
    labels = classes[records[:, 1]]
    if len(labels) == 0 or (labels < 0).any():
        fail(f"{folder}/{name} has no image of the superclasses {job['training']['superclasses']}, or one of another class")
    images = torch.from_numpy(records[:, 2:].reshape(-1, 3, SIDE, SIDE).astype(np.float32) / 255)
    return images, torch.from_numpy(labels)


def generator(seed, *words):
    """A random stream of its own for each seed and words, the same on every machine."""
    digest = hashlib.sha256(f"{seed} {' '.join(map(str, words))}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "little"))


def rotated(images, degrees):
    """Each image by its own angle, counter-clockwise as seen: nearest pixel, black outside, as torchvision's rotate."""
    angles = torch.deg2rad(-degrees)
    theta = torch.zeros(len(images), 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = torch.cos(angles)
    theta[:, 0, 1] = torch.sin(angles)
    theta[:, 1, 0] = -torch.sin(angles)
    grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, mode="nearest", padding_mode="zeros", align_corners=False)


def augmented(images, spec, stream):
    """Drawn anew for each image of each epoch, before normalization."""
    if spec["kind"] == "none":
        return images
    flips = torch.rand(len(images), generator=stream) < 0.5
    if spec["kind"] == "flip-and-rotation":
        images = torch.where(flips[:, None, None, None], images.flip(3), images)
        return rotated(images, (2 * torch.rand(len(images), generator=stream) - 1) * spec["degrees"])
    if spec["kind"] == "flip-and-crop":
        padding, size = spec["padding"], images.shape[-1]
        padded = functional.pad(images, (padding,) * 4)
        corners = torch.randint(2 * padding + 1, (len(images), 2), generator=stream).tolist()
        images = torch.stack([one[:, top:top + size, left:left + size] for one, (top, left) in zip(padded, corners)])
        return torch.where(flips[:, None, None, None], images.flip(3), images)
    fail(f"the augmentation {spec['kind']} is unknown")


class Schedule:
    """The learning rate of the next epoch; the plateau is torch's ReduceLROnPlateau (relative threshold 1e-4)."""

    def __init__(self, spec, rate, epochs):
        self.spec, self.first, self.rate, self.epochs = spec, rate, rate, epochs
        self.finished, self.best, self.bad = 0, None, 0
        if spec["kind"] not in ("constant", "step", "cosine", "plateau"):
            fail(f"the schedule {spec['kind']} is unknown")

    def finish_epoch(self, training_loss, validation_accuracy):
        self.finished += 1
        kind = self.spec["kind"]
        if kind == "step" and self.finished % self.spec["every"] == 0:
            self.rate *= self.spec["factor"]
        if kind == "cosine":
            self.rate = self.first * (1 + math.cos(math.pi * min(1, self.finished / self.epochs))) / 2
        if kind == "plateau":
            value = training_loss if self.spec["watch"] == "training-loss" else validation_accuracy
            more = self.spec["mode"] == "max"
            better = self.best is None or (value > self.best * (1 + 1e-4) if more else value < self.best * (1 - 1e-4))
            self.best, self.bad = (value, 0) if better else (self.best, self.bad + 1)
            if self.bad > self.spec["patience"]:
                self.bad = 0
                if self.rate * (1 - self.spec["factor"]) > 1e-8:
                    self.rate *= self.spec["factor"]


class Score:
    """Sums over an epoch. With mixup both labels count by their shares."""

    def __init__(self):
        self.loss = self.top1 = self.top5 = 0.0
        self.images = 0

    def add(self, logits, loss, targets):
        best = logits.topk(min(5, logits.shape[1]), dim=1).indices
        self.loss += loss * len(logits)
        self.images += len(logits)
        for labels, share in targets:
            hits = best == labels[:, None]
            self.top1 += share * hits[:, 0].sum().item()
            self.top5 += share * hits.any(1).sum().item()

    def report(self, prefix):
        share = 100 / self.images
        return {f"{prefix}_loss": self.loss / self.images, f"{prefix}_accuracy": self.top1 * share,
                f"{prefix}_top5_accuracy": self.top5 * share}


def run(job, folder, device):
    training, recipe = job["training"], job["training"]["recipe"]
    model_spec, seeds = training["model"], job["training"]["seeds"]
    if model_spec["architecture"] not in ("resnet18", "custom-resnet18") or model_spec["channels"] != 3:
        fail(f"this trainer has resnet18 and custom-resnet18 on colour images, the job asks for {model_spec}")
    model = ResNet18(model_spec["classes"], 3, model_spec["architecture"] == "custom-resnet18")
    model.load_state_dict(load_file(folder / job["initialization"]), strict=True)
    model.to(device)

    mean = torch.tensor(job["mean"]).view(1, 3, 1, 1)
    deviation = torch.tensor(job["deviation"]).view(1, 3, 1, 1)
    size = model_spec["imageSize"]

    def prepared(images):
        if images.shape[-1] != size:
            images = functional.interpolate(images, (size, size), mode="bilinear", align_corners=False, antialias=True).clamp(0, 1)
        return images

    images, labels = load_split(job["dataPath"], "train.bin", job)
    test_images, test_labels = load_split(job["dataPath"], "test.bin", job)
    images, test_images = prepared(images), (prepared(test_images) - mean) / deviation

    schedule = Schedule(recipe["schedule"], recipe["learningRate"], recipe["epochs"])
    optimizer = torch.optim.SGD(
        model.parameters(), lr=schedule.rate, momentum=recipe["momentum"], nesterov=recipe.get("nesterov", False),
        weight_decay=recipe["weightDecay"])
    batch, alpha = recipe["batchSize"], recipe.get("mixup")

    for epoch in range(1, recipe["epochs"] + 1):
        start = time.monotonic()
        for group in optimizer.param_groups:
            group["lr"] = schedule.rate
        order = torch.randperm(len(images), generator=generator(seeds["order"], "order", epoch))
        draws = generator(seeds["augmentation"], "augmentation", epoch)
        shares = np.random.default_rng([seeds["augmentation"], epoch])
        trained = Score()
        model.train()
        for step, begin in enumerate(range(0, len(order), batch), start=1):
            chosen = order[begin:begin + batch]
            inputs = ((augmented(images[chosen], recipe["augmentation"], draws) - mean) / deviation).to(device)
            targets = [(labels[chosen].to(device), 1.0)]
            if alpha:
                share = float(shares.beta(alpha, alpha))
                partner = torch.randperm(len(chosen), generator=draws)
                inputs = share * inputs + (1 - share) * inputs[partner]
                targets = [(targets[0][0], share), (targets[0][0][partner], 1 - share)]
            logits = model(inputs)
            loss = sum(share * functional.cross_entropy(logits, target) for target, share in targets)
            if not math.isfinite(loss.item()):
                print(json.dumps({"epoch": epoch, "step": step, "training_loss": None}), flush=True)
                return False
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            trained.add(logits.detach(), loss.item(), targets)
        model.eval()
        validated = Score()
        with torch.inference_mode():
            for begin in range(0, len(test_images), batch):
                inputs, target = test_images[begin:begin + batch].to(device), test_labels[begin:begin + batch].to(device)
                logits = model(inputs)
                validated.add(logits, functional.cross_entropy(logits, target).item(), [(target, 1.0)])
        record = {"epoch": epoch, "learning_rate": schedule.rate, "images": len(images), **trained.report("training"),
                  **validated.report("validation"), "seconds": time.monotonic() - start}
        # json writes NaN where a loss is one, which the contract takes for a divergence.
        print(json.dumps(record), flush=True)
        schedule.finish_epoch(record["training_loss"], record["validation_accuracy"])
    if job.get("weights"):
        state = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
        save_file(state, folder / job["weights"], metadata={"format": "pt"})
    return True


def device_of_slot():
    """The slots of a host take its GPUs in turn: which one changes no job."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return f"cuda:{int(os.environ.get('SOWER_SLOT', '0')) % count}" if count else "cpu"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device")
    options = parser.parse_args()
    folder = Path(os.environ.get("SOWER_JOB") or fail("SOWER_JOB is not set: this program is started by a sower worker"))
    job = json.loads((folder / "job.json").read_text())
    if job["contract"] != 1:
        fail(f"the job follows contract {job['contract']}, this trainer knows 1")
    torch.set_num_threads(job["threads"])
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False
    run(job, folder, torch.device(options.device or device_of_slot()))


if __name__ == "__main__":
    main()
