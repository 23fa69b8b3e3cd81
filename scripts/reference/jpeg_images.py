#!/usr/bin/env python3
"""Writes the JPEG files Tests/DatasetsTests decodes, with the pixels that Pillow gives for them.

    python3 scripts/reference/jpeg_images.py > Tests/DatasetsTests/Fixtures/jpeg_images.json

The images are gradients, waves and noise of 64x64 pixels, made here. A case has the file as base64, the SHA-256 of its pixels as
[C][H][W] bytes after `Image.open(...).convert("RGB")`, as torchvision's `default_loader` has it, and some pixels (channel, row,
column, value). Files that Pillow refuses, or that are no 64x64 image, have a null digest.
"""

import base64
import hashlib
import io
import json

import numpy as np
from PIL import Image

SIDE = 64
y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64)
generator = np.random.default_rng(1)
gradient = np.stack([4 * x, 4 * y, 255 - 2 * (x + y)], axis=-1)
waves = 127.5 + 127.5 * np.stack([np.sin(x * y / 40), np.cos(x / 3), np.sin((x - 2 * y) / 5)], axis=-1)
noise = generator.integers(0, 256, (SIDE, SIDE, 3)).astype(np.float64)
speckled = 0.7 * waves + 0.3 * noise


def pixels(array):
    return Image.fromarray(np.clip(np.rint(array), 0, 255).astype(np.uint8))


def encoded(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **options)
    return buffer.getvalue()


def case(name, data):
    try:
        image = Image.open(io.BytesIO(data))
        if image.size != (SIDE, SIDE) or image.mode == "CMYK":
            raise OSError("not an image of the data set")
        decoded = np.ascontiguousarray(np.array(image.convert("RGB")).transpose(2, 0, 1))
    except OSError:
        return {"name": name, "file": base64.b64encode(data).decode(), "digest": None, "samples": []}
    samples = [[c, r, k, int(decoded[c, r, k])] for c, r, k in [(0, 0, 0), (1, 0, 63), (2, 63, 0), (0, 31, 17), (1, 40, 55), (2, 63, 63)]]
    return {
        "name": name,
        "file": base64.b64encode(data).decode(),
        "digest": hashlib.sha256(decoded.tobytes()).hexdigest(),
        "samples": samples,
    }


plain = encoded(pixels(speckled), quality=75)
cases = [
    case("chroma halved both ways (4:2:0)", encoded(pixels(gradient), quality=75, subsampling=2)),
    case("chroma halved across (4:2:2)", encoded(pixels(waves), quality=85, subsampling=1)),
    case("full chroma (4:4:4)", encoded(pixels(speckled), quality=90, subsampling=0)),
    case("noise", encoded(pixels(noise), quality=50, subsampling=2)),
    case("grey", encoded(pixels(waves).convert("L"), quality=80)),
    case("progressive", encoded(pixels(speckled), quality=80, progressive=True)),
    case("optimized, with a restart marker a row", encoded(pixels(waves), quality=75, optimize=True, restart_marker_rows=1)),
    case("CMYK", encoded(pixels(waves).convert("CMYK"), quality=75)),
    case("63 pixels wide", encoded(pixels(waves).resize((63, 64)), quality=75)),
    case("cut short", plain[: len(plain) // 2]),
    case("cut in its header", plain[:100]),
    case("no JPEG", b"BM" + bytes(62)),
]
print(json.dumps(cases, indent=1))
