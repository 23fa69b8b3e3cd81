#!/usr/bin/env python3
"""Writes the numbers Tests/InitializersTests holds clustering, transforms and Gabor filters to: scikit-learn and NumPy.

    python3 scripts/reference/kmeans.py > Tests/InitializersTests/Fixtures/reference.json

Points come from splitmix64 (sums of four uniform numbers, exact in float32), so the fixture holds no data: `separated` adds
one of seven far corners to every point. `inertia` is the least of ten starts of scikit-learn, `single` that of each start.
"""

import json

import numpy as np
import sklearn
from sklearn.cluster import KMeans


def splitmix(stream, count):
    """64 random bits for each of `count` indices of a numbered stream."""
    with np.errstate(over="ignore"):
        z = (np.arange(count, dtype=np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z += np.uint64(stream) * np.uint64(0xD1342543DE82EF95)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def bells(stream, count):
    """Sums of four 16-bit numbers, centred: nearly normal, variance 1/3, exact in float32."""
    bits = splitmix(stream, count)
    total = sum((bits >> np.uint64(16 * part)) & np.uint64(0xFFFF) for part in range(4))
    return ((total.astype(np.float64) - 131070) / 65536).astype(np.float32)


def points(kind, stream, count, dimension):
    values = bells(stream, count * dimension).reshape(count, dimension)
    if kind == "separated":
        corner = np.arange(count) % 7
        axis = np.arange(dimension)
        values += (((corner[:, None] + 1) >> (axis[None, :] % 3)) & 1).astype(np.float32) * 16
    return values


def case(kind, stream, count, dimension, clusters):
    data = points(kind, stream, count, dimension)
    runs = [KMeans(clusters, random_state=seed, n_init=1).fit(data) for seed in range(10)]
    best = min(runs, key=lambda run: run.inertia_)
    return {
        "kind": kind, "stream": stream, "count": count, "dimension": dimension, "clusters": clusters,
        "sum": float(data.astype(np.float64).sum()), "inertia": float(best.inertia_),
        "single": [float(run.inertia_) for run in runs],
        "counts": sorted(int(value) for value in np.bincount(best.labels_, minlength=clusters)),
    }


def transforms():
    result = []
    for stream, side in [(20, 3), (21, 5), (22, 7), (23, 1), (24, 2), (25, 4)]:
        image = bells(stream, side * side).reshape(side, side)
        spectrum = np.fft.fft2(image.astype(np.float64))
        back = np.fft.ifft2(spectrum.real)
        result.append({
            "stream": stream, "side": side, "real": spectrum.real.ravel().tolist(), "imaginary": spectrum.imag.ravel().tolist(),
            "magnitude": np.abs(spectrum).ravel().tolist(), "inverse_of_real": back.real.ravel().tolist(),
        })
    return result


def gabor():
    result = []
    for side, sigma, theta, lam, psi, gamma in [
        (7, 1.5, 0.5, 4.0, 1.0, 0.9), (3, 2.5, 2.75, 12.5, 6.0, 1.0), (5, 2.0, 1.25, 2.0, 0.0, 1.125), (1, 2.0, 1.0, 3.0, 2.5, 1.0),
    ]:
        line = np.linspace(-(side // 2), side // 2, side)
        x, y = np.meshgrid(line, line)
        along = x * np.cos(theta) + y * np.sin(theta)
        across = -x * np.sin(theta) + y * np.cos(theta)
        values = np.exp(-(along**2 + gamma**2 * across**2) / (2 * sigma**2)) * np.cos(2 * np.pi * along / lam + psi)
        result.append({
            "side": side, "sigma": sigma, "theta": theta, "lambda": lam, "psi": psi, "gamma": gamma, "values": values.ravel().tolist(),
        })
    return result


print(json.dumps({
    "script": "scripts/reference/kmeans.py", "scikit_learn": sklearn.__version__, "numpy": np.__version__,
    "clusterings": [
        case("separated", 1, 3000, 9, 7), case("separated", 2, 2000, 49, 7), case("gaussian", 3, 4000, 9, 2),
        case("gaussian", 4, 4000, 9, 10), case("gaussian", 5, 4000, 9, 50), case("gaussian", 6, 1500, 49, 10), case("gaussian", 7, 500, 9, 1),
    ],
    "transforms": transforms(), "gabor": gabor(),
}, indent=1))
