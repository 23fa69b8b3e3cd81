#!/usr/bin/env python3
"""Writes the numbers that clustering by cosine distance and the matching of whole filters are held to: scikit-learn, SciPy, NumPy.

    python3 scripts/reference/filters.py > Tests/InitializersTests/Fixtures/filters.json

Numbers come from splitmix64, as in kmeans.py, so the fixture holds no data. `cosine`: kernels are given unit length by
`sklearn.preprocessing.normalize` and clustered by `KMeans`; centres are the means of the member kernels as they were, in the
order of the clusters' first members. `assignment`: costs and `scipy.optimize.linear_sum_assignment`'s answer. `matching`: for
each network the filter of each cluster, by a plain reading of the study's section 2.4.2 with `numpy.fft.fft`.
"""

import json

import numpy as np
import scipy
import sklearn
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.preprocessing import normalize


def bells(stream, count):
    """Sums of four 16-bit numbers, centred: nearly normal, variance 1/3, exact in float32."""
    with np.errstate(over="ignore"):
        z = (np.arange(count, dtype=np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z += np.uint64(stream) * np.uint64(0xD1342543DE82EF95)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    total = sum((z >> np.uint64(16 * part)) & np.uint64(0xFFFF) for part in range(4))
    return ((total.astype(np.float64) - 131070) / 65536).astype(np.float32)


def cosine(stream, count, side, clusters, directions):
    area = side * side
    kernels = bells(stream, count * area).reshape(count, area)
    if directions:
        # A jitter about one of a few far-apart directions, at lengths from 1 to 8.
        axes = bells(stream + 100, directions * area).reshape(directions, area)
        lengths = np.float32(1) + (np.arange(count) % 8).astype(np.float32)
        kernels = (axes[np.arange(count) % directions] + kernels * np.float32(1 / 16)) * lengths[:, None]
    else:
        kernels[::50] = 0
    features = normalize(kernels)
    runs = [KMeans(clusters, random_state=seed, n_init=1).fit(features) for seed in range(10)]
    best = min(runs, key=lambda run: run.inertia_)
    order = list(dict.fromkeys(best.labels_.tolist()))
    return {
        "stream": stream, "count": count, "side": side, "clusters": clusters, "directions": directions,
        "inertia": float(best.inertia_), "single": [float(run.inertia_) for run in runs],
        "counts": [int((best.labels_ == cluster).sum()) for cluster in order] if directions else [],
        "centres": [kernels[best.labels_ == cluster].astype(np.float64).mean(axis=0).tolist() for cluster in order] if directions else [],
    }


def assignment(stream, count, levels):
    """With `levels`, costs are whole numbers and many assignments may be the best: only the sum is compared."""
    costs = bells(stream, count * count).astype(np.float64).reshape(count, count)
    if levels:
        costs = np.floor(costs * levels)
    rows, columns = linear_sum_assignment(costs)
    return {
        "stream": stream, "count": count, "levels": levels, "total": float(costs[rows, columns].sum()),
        "columns": [] if levels else columns.tolist(),
    }


def matching(stream, networks, shape):
    size = int(np.prod(shape[1:]))
    filters = bells(stream, networks * shape[0] * size).astype(np.float64).reshape(networks, shape[0], size)
    # Later networks are the first one's filters in another order, under noise, so that there is something to be found.
    for network in range(1, networks):
        turned = np.roll(filters[0], network * 3, axis=0)
        filters[network] = (turned + 2 * filters[network]).astype(np.float32)
    spectra = np.fft.fft(filters / np.linalg.norm(filters, axis=2, keepdims=True), axis=2).real
    result = {"stream": stream, "networks": networks, "shape": list(shape)}
    for method in ["greedy", "optimal"]:
        orders = [list(range(shape[0]))]
        for network in range(1, networks):
            costs = np.zeros((shape[0], shape[0]))
            for member in range(network):
                members = spectra[member][orders[member]]
                costs += np.sqrt(((members[:, None] - spectra[network][None]) ** 2).sum(axis=2))
            if method == "optimal":
                orders.append(linear_sum_assignment(costs)[1].tolist())
            else:
                left, order = list(range(shape[0])), []
                for cluster in range(shape[0]):
                    order.append(min(left, key=lambda one: costs[cluster, one]))
                    left.remove(order[-1])
                orders.append(order)
        result[method] = orders
    return result


print(json.dumps({
    "script": "scripts/reference/filters.py", "scikit_learn": sklearn.__version__, "scipy": scipy.__version__, "numpy": np.__version__,
    "cosine": [cosine(80, 600, 3, 5, 5), cosine(81, 300, 7, 4, 4), cosine(82, 4000, 3, 10, 0), cosine(83, 1500, 7, 10, 0)],
    "assignment": [assignment(90 + index, count, levels) for index, (count, levels) in enumerate(
        [(1, 0), (2, 0), (3, 0), (8, 0), (33, 0), (64, 0), (5, 3), (20, 4), (64, 6)])],
    "matching": [matching(110, 3, (8, 2, 3, 3)), matching(111, 6, (16, 3, 7, 7)), matching(112, 4, (12, 4, 3, 3))],
}, separators=(",", ":")))
