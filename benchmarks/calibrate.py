"""Simulation-based calibration of eight schools, a hierarchical logistic regression and a mixture.

Prints for each quantity how its ranks lie in the simultaneous band, and exits 1 where some leave it. With
`--output FILE` the plot of all of them goes into an SVG file.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np

from quivers.calibration import Band, Calibration, Study, calibrate
from quivers.calibration.bands import counts_below

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
PROGRAMS = {
    "eight_schools": "eight_schools/noncentred",
    "hierarchical_logistic": "hierarchical_logistic/hierarchical_logistic",
    "mixture": "two_groups/two_groups",
}
LEVELS = " ▁▂▃▄▅▆▇█"


def study(program: str, seed: int) -> Study:
    path = EXAMPLES / f"{PROGRAMS[program]}.qvr"
    data = json.loads(path.with_suffix(".data.json").read_text(encoding="utf-8"))
    return Study(path.read_bytes(), data, seed=seed)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--programs", default=",".join(PROGRAMS))
    parser.add_argument("--replicates", type=int, default=500)
    parser.add_argument("--probability", type=float, default=0.999, help="of the band, for each quantity")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--output", type=Path, help="an SVG file for the plot")
    options = parser.parse_args()
    found: dict[str, Calibration] = {}
    for program in options.programs.split(","):
        began = time.monotonic()
        found[program] = calibrate(study(program, options.seed), options.replicates, threads=options.threads)
        seconds = time.monotonic() - began
        print(f"{program}: {options.replicates} replicates in {seconds:.0f} s", flush=True)
        print(table(found[program], options.probability), flush=True)
    if options.output is not None:
        draw(found, options.probability, options.output)
    return int(any(calibration.failures(options.probability) for calibration in found.values()))


def table(calibration: Calibration, probability: float) -> str:
    """A line for each quantity: the mean rank, a histogram of ten bars, and whether it stays in the band."""
    band = calibration.band(probability)
    lines = []
    for name, ranks in calibration.quantities():
        excess = band.excess(ranks)
        verdict = "inside" if excess == 0.0 else f"OUTSIDE the band by {100 * excess:.1f} % of the replicates"
        lines.append(f"  {name:16s} mean rank {ranks.mean():5.1f}  {_bars(ranks, band.ranks)}  {verdict}")
    return "\n".join(lines)


def _bars(ranks: np.ndarray, count: int) -> str:
    """Ten bars, full at twice their expectation."""
    heights = np.histogram(ranks, bins=10, range=(0, count))[0] / len(ranks) * 10 / 2
    return "".join(LEVELS[min(len(LEVELS) - 1, round(height * (len(LEVELS) - 1)))] for height in heights)


def draw(found: dict[str, Calibration], probability: float, path: Path) -> None:
    """The distribution of ranks less the uniform one, a panel for each program, with the band."""
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    mpl.rcParams["svg.hashsalt"] = "qvr"
    figure, panels = plt.subplots(1, len(found), figsize=(4 * len(found), 3.2), squeeze=False, sharey=True)
    for panel, (program, calibration) in zip(panels[0], found.items(), strict=True):
        band: Band = calibration.band(probability)
        share = np.arange(1, band.ranks) / band.ranks
        expected, size = share * band.replicates, band.replicates
        panel.fill_between(
            share, (band.low - expected) / size, (band.high - expected) / size, color="#d7e8e6"
        )
        for name, ranks in calibration.quantities():
            line = (counts_below(ranks, band.ranks) - expected) / size
            likelihood = " " in name
            panel.plot(
                share, line, lw=1.6 if likelihood else 0.7, color="#d9822b" if likelihood else "#1b7f79"
            )
        panel.set_title(f"{program}, {size} replicates", fontsize=9)
        panel.set_xlabel("rank of the truth, as a share", fontsize=8)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0][0].set_ylabel("ECDF less uniform", fontsize=8)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    sys.exit(main())
