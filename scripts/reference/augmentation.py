#!/usr/bin/env python3
"""Writes the numbers Tests/DatasetsTests holds crops, normalization, resizes and mixup to: torchvision, PyTorch, scipy.

    python3 scripts/reference/augmentation.py > Tests/DatasetsTests/Fixtures/augmentation.json

- crops: for (side, padding, i, j, flip), the index of the pixel that each pixel of torchvision's `pad`, `crop` at (i, j) of the
  padded image, `hflip` is taken from, -1 for black.
- normalization: torchvision's `to_tensor` and `normalize` of all 256 bytes in each channel, CIFAR-100's numbers.
- resizes: torchvision's `resize(…, BILINEAR, antialias=True)` of a 32×32 float image, (31·y + 17·x + (y·x mod 7)·29) mod 256, in
  double precision, at sampled positions, `[row, column, value]`; checked to be `interpolate` with the same options, which is
  within 1e-3 in single precision (it rounds the places of the pixels' centres).
- mixup: the authors' line `lam * x + (1 - lam) * x[index]`, on a tensor whose rows are images.
- beta: scipy's distribution function of Beta(a, a).
"""

import json

import numpy
import PIL.Image
import scipy.stats
import torch
import torchvision
import torchvision.transforms.functional as F

CROPS = [(32, 4, 4, 4, 0), (32, 4, 4, 4, 1), (32, 4, 0, 0, 0), (32, 4, 8, 8, 0), (32, 4, 0, 8, 1), (32, 4, 8, 3, 1),
         (28, 2, 3, 0, 0), (28, 2, 0, 4, 1), (5, 4, 0, 8, 0), (5, 4, 8, 1, 1), (17, 16, 32, 20, 1)]
RESIZES = [64, 224, 28, 31, 9, 8, 3, 1]
MEAN, DEVIATION = [0.5071, 0.4867, 0.4408], [0.2675, 0.2565, 0.2761]


def crop(side, padding, i, j, flip):
    # Pixel values 1, 2, 3, … name the source; black is 0. A PIL image of 32-bit integers, as the usual recipe has PIL images.
    image = torch.arange(1, side * side + 1, dtype=torch.int32).view(side, side)
    cropped = F.crop(F.pad(PIL.Image.fromarray(image.numpy()), padding), i, j, side, side)
    if flip:
        cropped = F.hflip(cropped)
    sources = [value - 1 for value in numpy.asarray(cropped).flatten().tolist()]
    return {"side": side, "padding": padding, "top": i, "left": j, "flips": bool(flip), "sources": sources}


def normalization():
    ramp = torch.arange(256, dtype=torch.uint8).view(16, 16)
    image = PIL.Image.fromarray(ramp.unsqueeze(-1).repeat(1, 1, 3).numpy())
    return F.normalize(F.to_tensor(image), MEAN, DEVIATION).flatten().tolist()


def resize(size):
    y, x = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
    image = ((31 * y + 17 * x + (y * x % 7) * 29) % 256).double().view(1, 1, 32, 32)
    result = F.resize(image, [size, size], interpolation=F.InterpolationMode.BILINEAR, antialias=True)
    options = {"size": (size, size), "mode": "bilinear", "antialias": True, "align_corners": False}
    assert torch.equal(result, torch.nn.functional.interpolate(image, **options))
    assert (torch.nn.functional.interpolate(image.float(), **options) - result).abs().max() < 1e-3
    step = max(size * size // 400, 1)
    places = [divmod(p, size) for p in list(range(0, size * size, step)) + [size - 1, size * size - 1]]
    samples = [[row, column, round(result[0, 0, row, column].item(), 7)] for row, column in places]
    return {"size": size, "samples": samples}


def mixup():
    torch.manual_seed(1)
    x, index, lam = torch.randn(21, 4), torch.randperm(21), 0.3141592653589793
    mixed = lam * x + (1 - lam) * x[index, :]
    return {"lambda": lam, "partner": index.tolist(), "rows": x.T.tolist(), "mixed": mixed.T.tolist()}


def beta(alpha):
    tails = [1e-12, 1e-8, 1e-6, 1e-4, 1e-3, 0.01, 0.02, 0.05]
    points = tails + [k / 20 for k in range(2, 19)] + [1 - tail for tail in reversed(tails)]
    values = scipy.stats.beta.cdf(points, alpha, alpha).tolist()
    return {"alpha": alpha, "points": points, "probabilities": values}


def main():
    head = {"pytorch": torch.__version__, "torchvision": torchvision.__version__, "scipy": scipy.__version__,
            "script": "scripts/reference/augmentation.py"}
    parts = {"crops": [crop(*case) for case in CROPS], "normalization": normalization(),
             "resizes": [resize(size) for size in RESIZES], "mixup": mixup(),
             "beta": [beta(alpha) for alpha in [0.01, 0.2, 0.4, 1.0, 2.0, 8.0]]}
    compact = lambda value: json.dumps(value, separators=(",", ":"))
    lines = [f'"{name}": ' + ("[\n  " + ",\n  ".join(map(compact, part)) + "\n]" if name in ["crops", "resizes", "beta"]
                              else compact(part)) for name, part in parts.items()]
    print(json.dumps(head)[:-1] + ",\n" + ",\n".join(lines) + "}")


main()
