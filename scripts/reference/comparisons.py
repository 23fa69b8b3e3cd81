"""Paired comparisons by scipy: the numbers in Tests/ReportsTests/PairedComparisonTests.swift.

    pip install numpy scipy; python3 scripts/reference/comparisons.py
"""
import numpy
import scipy.stats

DIFFERENCES = {
    "five": [1.5, 0.25, -0.5, 2.0, 1.0],
    "ties": [1.0, -1.0, 2.0, 2.0, 0.0, 3.0],
    "ten": [4.1, 2.3, -0.7, 5.2, 3.3, 1.1, 0.4, 2.8, -1.9, 3.6],
    "skewed": [0.3, 0.5, 0.8, 1.1, 1.7, 2.4, 3.9, 0.6, 1.3],
    "outlier": [0.1, 0.2, 0.1, 0.4, 0.2, 0.3, 9.0, 0.2],
}
for name, values in DIFFERENCES.items():
    test = scipy.stats.permutation_test(
        (values,), numpy.mean, permutation_type="samples", alternative="two-sided", n_resamples=numpy.inf)
    ends = [
        scipy.stats.bootstrap((values,), numpy.mean, n_resamples=100_000, method="BCa", rng=seed).confidence_interval
        for seed in range(5)
    ]
    low, high = (numpy.mean([getattr(end, side) for end in ends]) for side in ["low", "high"])
    print(f"{name}: p {test.pvalue!r}, interval {low:.4f} to {high:.4f}")

# Thirty whole differences: every one of the 2^30 sums, counted.
many = [(7 * index * index + 3 * index) % 23 - 7 for index in range(30)]
counts = {0: 1}
for value in many:
    following = {}
    for total, count in counts.items():
        for flipped in (total + value, total - value):
            following[flipped] = following.get(flipped, 0) + count
    counts = following
extreme = sum(count for total, count in counts.items() if abs(total) >= abs(sum(many)))
print(f"many: sum {sum(many)}, p {extreme / 2 ** 30!r}")
print("normal quantiles:", [float(scipy.stats.norm.ppf(p)) for p in [0.025, 0.5, 0.9, 1e-6]])
