"""Writes Sources/Reports/Published/PublishedCurves+Data.swift from results/published/published_curves.csv.

    python3 scripts/reference/published_curves.py

The program carries the published numbers, so that they are at hand wherever it runs; a test holds the copy equal.
"""

from pathlib import Path

root = Path(__file__).resolve().parents[2]
text = (root / "results/published/published_curves.csv").read_bytes().decode("ascii")
assert "\r" not in text
assert text.endswith("\n") and '"' not in text and "\\" not in text

head = '''// Made by scripts/reference/published_curves.py from results/published/published_curves.csv; a test holds both equal.

extension PublishedCurves {
    /// The file's text.
    package static let text = """
'''
body = "".join(f"        {line}\n" for line in text.splitlines())
(root / "Sources/Reports/Published/PublishedCurves+Data.swift").write_text(head + body + '\n        """\n}\n', encoding="ascii")
