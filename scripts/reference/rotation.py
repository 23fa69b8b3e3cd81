#!/usr/bin/env python3
"""Writes the rotated images Tests/DatasetsTests holds augmentation to: torchvision's rotation on tensors, in PyTorch.

    python3 scripts/reference/rotation.py > Tests/DatasetsTests/Fixtures/rotation.json

A case is an angle in degrees (torchvision's `rotate(image, angle)`) and, for each of the 32×32 output pixels row by row, the
index of the source pixel, -1 for black. The steps are torchvision's `_get_inverse_affine_matrix`, `_gen_affine_grid` and
`_apply_grid_transform`, written out and checked against torchvision itself.
"""

import json
import math

import torch
import torchvision

SIDE = 32
ANGLES = [-15.0, -14.25, -11.7, -7.3, -3.1, -0.5, 0.0, 0.9, 2.6, 5.8, 8.45, 12.2, 14.99, 15.0, 90.0, 37.5]


def sources(angle):
    rot = math.radians(-angle)
    matrix = [math.cos(rot), math.sin(rot), 0.0, -math.sin(rot), math.cos(rot), 0.0]
    theta = torch.tensor(matrix, dtype=torch.float32).reshape(1, 2, 3)
    base = torch.empty(1, SIDE, SIDE, 3)
    line = torch.linspace(-SIDE * 0.5 + 0.5, SIDE * 0.5 - 0.5, steps=SIDE)
    base[..., 0].copy_(line)
    base[..., 1].copy_(line.unsqueeze(-1))
    base[..., 2].fill_(1)
    scaled = theta.transpose(1, 2) / torch.tensor([0.5 * SIDE, 0.5 * SIDE])
    grid = base.view(1, SIDE * SIDE, 3).bmm(scaled).view(1, SIDE, SIDE, 2)
    # Pixel values 1, 2, 3, … name the source; black is 0.
    image = torch.arange(1, SIDE * SIDE + 1, dtype=torch.float32).view(1, 1, SIDE, SIDE)
    rotated = torch.nn.functional.grid_sample(image, grid, mode="nearest", padding_mode="zeros", align_corners=False)
    return [int(value) - 1 for value in rotated.flatten()]


def main():
    # torchvision itself must agree.
    image = torch.arange(1, SIDE * SIDE + 1, dtype=torch.float32).view(1, SIDE, SIDE)
    for angle in ANGLES:
        rotated = torchvision.transforms.functional.rotate(image, angle)
        assert [int(value) - 1 for value in rotated.flatten()] == sources(angle), angle
    cases = [{"degrees": angle, "sources": sources(angle)} for angle in ANGLES]
    head = {"pytorch": torch.__version__, "script": "scripts/reference/rotation.py", "side": SIDE}
    body = ",\n  ".join(json.dumps(case, separators=(",", ":")) for case in cases)
    print(json.dumps(head)[:-1] + ', "cases": [\n  ' + body + "\n]}")


main()
