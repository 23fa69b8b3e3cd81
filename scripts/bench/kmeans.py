"""K-means of Sower beside scikit-learn's: the same points, in single precision, on this machine, in turn in one run.

The points are those of `sower bench kmeans` (made-up kernels of several networks), which writes them to a file for scikit-learn. Each
measurement is a process of its own, and its time begins with the points in memory: for scikit-learn it is that of `fit`, for Sower
that of the same work (checking the points, their variance, the iterations, the final assignment and inertia).

  given     both begin at the same centres (n_init = 1) and end by the same rule: tolerance 1e-4 of the mean variance, no changed
            assignment, or the limit of iterations. Lloyd's iterations and little else. scikit-learn with algorithm="lloyd" and "elkan".
  default   each as it comes. scikit-learn: KMeans(k), one greedy k-means++ start among all points. Sower: a cluster job's settings,
            four greedy k-means++ starts on a sample of 65,536 points, the best goes on with all.

Ratios are scikit-learn's time over Sower's, medians of the rounds; of an iteration too, since the two may need different numbers of
them. Sower's result must be the same bits for every number of threads, and from the same centres its inertia must be scikit-learn's
within 0.1 %: otherwise the exit code is 1.
"""

import argparse
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time

SOWER = ".build/release/sower"
SIDES = ("sower", "lloyd", "elkan")


def read(path):
    """The tensors of the file that `sower bench kmeans --export` writes: all are float32."""
    import numpy

    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    return {
        name: numpy.fromfile(
            path, numpy.float32, count=(entry["data_offsets"][1] - entry["data_offsets"][0]) // 4,
            offset=8 + length + entry["data_offsets"][0]).reshape(entry["shape"])
        for name, entry in header.items()
    }


def measure_scikit_learn(path, clusters, side, start, iterations, seed):
    """One fit, in this process."""
    import sklearn
    from sklearn.cluster import KMeans

    tensors = read(path)
    chosen = {"init": tensors[f"start-{clusters}"], "n_init": 1} if start == "given" else {"random_state": seed}
    model = KMeans(clusters, algorithm=side, max_iter=iterations, **chosen)
    begin = time.perf_counter()
    model.fit(tensors["points"])
    seconds = time.perf_counter() - begin
    return {"seconds": seconds, "iterations": int(model.n_iter_), "inertia": float(model.inertia_), "version": sklearn.__version__}


def scikit_learn(options, path, clusters, side, start, threads, seed):
    command = [sys.executable, "-B", __file__, "--measure", path, str(clusters), side, start, str(options.iterations), str(seed)]
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = os.environ | {name: str(threads) for name in names}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def sower(options, clusters, start, threads):
    command = [SOWER, "bench", "kmeans", "--points", str(options.points), "--dimensions", str(options.dimensions),
               "--distance", options.distance, "--clusters", str(clusters), "--threads", str(threads), "--start", start,
               "--iterations", str(options.iterations), "--output-mode", "json"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    (case,) = json.loads(done.stdout)["cases"]
    return case


def each(result):
    return result["seconds"] / result["iterations"]


def measure(options, path, clusters, start, threads):
    """The rounds of one comparison: a dictionary a round, by side."""
    sides = [side for side in SIDES if side != "elkan" or (start == "given" and options.elkan)]
    rounds = []
    for number in range(options.rounds):
        print(f"k = {clusters}, {start}, {threads} threads: round {number + 1} of {options.rounds}", file=sys.stderr)
        rounds.append({
            side: sower(options, clusters, "given" if start == "given" else "greedy", threads) if side == "sower"
            else scikit_learn(options, path, clusters, side, start, threads, number) for side in sides
        })
    return {"clusters": clusters, "start": start, "threads": threads, "rounds": rounds}


def line(one):
    """The row of a comparison in the table."""
    rounds = one["rounds"]
    middle = lambda values: statistics.median(list(values))
    cells = [f"{one['clusters']}", f"{one['threads']}", one["start"],
             f"{middle(r['sower']['seconds'] for r in rounds):.2f}", f"{rounds[0]['sower']['iterations']}",
             f"{1000 * middle(each(r['sower']) for r in rounds):.1f}"]
    for side in SIDES[1:]:
        if side not in rounds[0]:
            cells += ["", "", "", "", ""]
            continue
        ratios = [r[side]["seconds"] / r["sower"]["seconds"] for r in rounds]
        cells += [f"{middle(r[side]['seconds'] for r in rounds):.2f}", f"{middle(r[side]['iterations'] for r in rounds):.0f}",
                  f"{middle(ratios):.1f} ({min(ratios):.1f}–{max(ratios):.1f})",
                  f"{middle(each(r[side]) / each(r['sower']) for r in rounds):.1f}",
                  f"{100 * (middle(r['sower']['inertia'] / r[side]['inertia'] for r in rounds) - 1):+.3f} %"]
    return cells


def print_table(comparisons):
    header = ["k", "threads", "start", "sower s", "iterations", "ms each"]
    for side in SIDES[1:]:
        header += [f"{side} s", "iterations", "ratio (min–max)", "each", "inertia"]
    table = [header] + [line(one) for one in comparisons]
    widths = [max(len(row[column]) for row in table) for column in range(len(header))]
    for row in table:
        print("  ".join(cell.rjust(width) for cell, width in zip(row, widths)).rstrip())


def broken(comparisons):
    """What of Sower's promises does not hold."""
    digests = {}
    for one in comparisons:
        for round_ in one["rounds"]:
            digests.setdefault((one["clusters"], one["start"]), set()).add(round_["sower"]["digest"])
            for side in SIDES[1:]:
                if one["start"] == "given" and side in round_:
                    difference = round_["sower"]["inertia"] / round_[side]["inertia"] - 1
                    if abs(difference) > 1e-3:
                        yield f"k = {one['clusters']}: inertia differs from {side}'s by {100 * difference:+.2f} %"
    for (clusters, start), found in digests.items():
        if len(found) > 1:
            yield f"k = {clusters}, {start}: {len(found)} different results"


def main():
    parser = argparse.ArgumentParser(
        prog="scripts/bench/kmeans", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=2_621_440)
    parser.add_argument("--dimensions", type=int, default=9)
    parser.add_argument("--distance", default="euclidean", help="the points are its features")
    parser.add_argument("--clusters", type=int, nargs="+", default=[3, 10, 50], metavar="K")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], metavar="T")
    parser.add_argument("--starts", nargs="+", choices=["given", "default"], default=["given", "default"])
    parser.add_argument("--iterations", type=int, default=300, help="the most, of both")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured, in turn")
    parser.add_argument("--elkan", action=argparse.BooleanOptionalAction, default=True, help="measure algorithm=\"elkan\" too")
    parser.add_argument("--json", metavar="FILE", help="write all raw numbers there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=".build") as folder:
        path = f"{folder}/points.safetensors"
        command = [SOWER, "bench", "kmeans", "--points", str(options.points), "--dimensions", str(options.dimensions),
                   "--distance", options.distance, "--export", path, "--clusters"]
        subprocess.run(command + " --clusters ".join(map(str, options.clusters)).split(), check=True)
        comparisons = [
            measure(options, path, clusters, start, threads)
            for start in options.starts for clusters in options.clusters for threads in options.threads
        ]
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"version": 1, "commandLine": sys.argv[1:], "comparisons": comparisons}, file, indent=1)
    version = comparisons[0]["rounds"][0]["lloyd"]["version"]
    print(f"{options.points} points of {options.dimensions} numbers, {options.distance}; scikit-learn {version}")
    print_table(comparisons)
    problems = sorted(set(broken(comparisons)))
    for problem in problems:
        print(f"bench: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        path, clusters, side, start, iterations, seed = sys.argv[2:]
        print(json.dumps(measure_scikit_learn(path, int(clusters), side, start, int(iterations), int(seed))))
    else:
        sys.exit(main())
