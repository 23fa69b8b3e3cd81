"""What scripts/bench/engine.py prints of its rounds."""

import statistics

KINDS = (("training", "trainingImagesPerSecond"), ("inference", "inferenceImagesPerSecond"))


def summary(rounds):
    """Medians over the rounds, and Sower's ratio to the PyTorch configuration with the best median."""
    median = lambda side, key: statistics.median(round_[side][key] for round_ in rounds)
    sides = [side for side in rounds[0] if side != "sower"]
    result = {"timesLiveLimit": median("sower", "timesLiveLimit")}
    for kind, key in KINDS:
        best = max(sides, key=lambda side: median(side, key))
        ratios = [round_["sower"][key] / round_[best][key] for round_ in rounds]
        result[kind] = {
            "sower": median("sower", key), "pytorch": median(best, key), "configuration": best.removeprefix("pytorch "),
            "ratio": statistics.median(ratios), "ratioMinimum": min(ratios), "ratioMaximum": max(ratios),
        }
    result["peakMegabytes"] = {"sower": median("sower", "peakResidentMegabytes"),
                               "pytorch": min(median(side, "peakMemoryMegabytes") for side in sides)}
    return result


def rows(cases):
    for case in cases:
        numbers = case["summary"]
        peak = numbers["peakMegabytes"]
        for kind, _ in KINDS:
            side = numbers[kind]
            training = kind == "training"
            yield (case["case"] if training else "", kind,
                   f"{side['sower']:.0f}", f"{side['pytorch']:.0f}", side["configuration"],
                   f"{side['ratio']:.2f} ({side['ratioMinimum']:.2f}–{side['ratioMaximum']:.2f})",
                   f"{numbers['timesLiveLimit']:.2f}" if training else "",
                   f"{peak['sower']:.0f}" if training else "", f"{peak['pytorch']:.0f}" if training else "",
                   f"{100 * peak['sower'] / peak['pytorch']:.0f} %" if training else "")


def print_table(cases):
    header = ("case", "", "sower img/s", "torch img/s", "torch is", "ratio (min–max)", "× live limit",
              "sower MB", "torch MB", "share")
    table = [header, *rows(cases)]
    widths = [max(len(row[column]) for row in table) for column in range(len(header))]
    left = (0, 1, 4)
    for row in table:
        print("  ".join(cell.ljust(width) if column in left else cell.rjust(width)
                        for column, (cell, width) in enumerate(zip(row, widths))).rstrip())
