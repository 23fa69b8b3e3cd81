"""Tests of two classifiers on the same images by statsmodels and scipy: the numbers in Tests/ReportsTests/PredictionTests.swift.

    pip install numpy scipy statsmodels; python3 scripts/reference/predictions.py
"""
import numpy
import scipy.stats
from statsmodels.stats.contingency_tables import SquareTable, mcnemar

TABLES = {
    # Unaided distance vision of 7477 women, right and left eye: A. Stuart, Biometrika 42 (1955), table 1.
    "vision": [[1520, 266, 124, 66], [234, 1512, 432, 78], [117, 362, 1772, 205], [36, 82, 179, 492]],
    "two": [[20, 5], [15, 60]],
    # A table of ten classes that anyone can make again.
    "ten": [[(40 if i == j else 0) + (7 * i * i + 3 * i * j + 5 * j) % 11 for j in range(10)] for i in range(10)],
}
for name, table in TABLES.items():
    result = SquareTable(numpy.array(table), shift_zeros=False).homogeneity(method="stuart_maxwell")
    print(f"{name}: statistic {result.statistic!r}, df {result.df}, p {result.pvalue!r}")

# Two groups of classes that are never taken for each other: each by itself, then added.
first, second = [[10, 4], [1, 20]], [[30, 9, 2], [3, 25, 6], [1, 8, 40]]
parts = [SquareTable(numpy.array(part), shift_zeros=False).homogeneity(method="stuart_maxwell") for part in (first, second)]
total, df = sum(part.statistic for part in parts), sum(int(part.df) for part in parts)
print(f"groups: statistic {total!r}, df {df}, p {scipy.stats.chi2.sf(total, df)!r}")

for x, df in [(0.5, 1), (3.841458820694124, 1), (1e-9, 1), (700.0, 1), (2.0, 2), (18.3, 4), (11.96, 3), (30.0, 9), (8.5, 9), (0.01, 9),
              (1400.5, 9), (1450.0, 8), (1450.0, 99)]:
    print(f"chi2.sf({x}, {df}) = {scipy.stats.chi2.sf(x, df)!r}")
for b, c in [(0, 0), (5, 5), (0, 6), (3, 12), (40, 25), (130, 180), (1000, 1200), (10, 3000)]:
    print(f"mcnemar {b} {c}: {mcnemar([[0, b], [c, 0]], exact=True).pvalue!r}")
