"""How one gradient grows with rows and with groups: the kernel, and torch on the same graph.

The model is a regression with an intercept for each group. Prints microseconds a gradient, the least of many,
which is what other processes disturb least. Torch has one thread, as the kernel has in a chain beside others.
With `--output FOLDER` the figures go into `growth.json` there and the plot into `growth.svg`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from quivers.backends.kernel.kernel import NotCompiled, kernel
from quivers.backends.pointer import kernel_pointer
from quivers.dsl import loads
from quivers.inference.compiled import python_function

SOURCE = """
object Row   : FinSet
object Group : FinSet

data group : Row -> Group

program growth : Row -> Group
    sample slope <- Normal(0.0, 1.0)
    sample tau   <- HalfNormal(1.0)
    sample sigma <- HalfNormal(1.0)
    sample z : Group <- Normal(0.0, 1.0)
    observe y : Row <- Normal(tau * z[group] + slope * x, sigma)
    return z
"""

ROWS = (100, 1_000, 10_000, 100_000, 1_000_000)
GROUPS = (10, 100, 1_000, 10_000, 100_000)
FIXED_ROWS, FIXED_GROUPS = 100_000, 10
SECONDS = 0.5
"""How long one figure is measured, at least five gradients."""


def measured(rows: int, groups: int) -> dict[str, float]:
    """Microseconds a gradient takes, by the kernel and by torch, called alike from Python."""
    generator = np.random.default_rng(rows + groups)
    data = {
        "group": np.resize(np.arange(groups), rows)
        if rows >= groups
        else generator.integers(0, groups, rows),
        "x": generator.normal(size=rows),
        "y": generator.normal(size=rows),
        "Group": groups,
    }
    model = loads(SOURCE).morphism
    bound = model.bind(data)
    built = kernel(model.density, {name: value.numpy() for name, value in bound.inputs.items()}, bound.sizes)
    if isinstance(built, NotCompiled):
        raise SystemExit(built.reason)
    point, gradient, block = (
        0.1 * generator.normal(size=bound.dimension),
        np.zeros(bound.dimension),
        built.block(),
    )
    by_kernel = python_function(kernel_pointer(built).address)
    return {
        "kernel": _microseconds(lambda: by_kernel(point, gradient, block)),
        "torch": _microseconds(lambda: bound.log_density_and_gradient(point, gradient)),
    }


def _microseconds(call: Callable[[], object]) -> float:
    call()
    times: list[float] = []
    while len(times) < 5 or sum(times) < SECONDS:
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return 1e6 * min(times)


def crossover(sizes: Sequence[int], found: Sequence[dict[str, float]]) -> str:
    """Where torch overtakes the kernel, in words."""
    faster = [size for size, row in zip(sizes, found, strict=True) if row["torch"] < row["kernel"]]
    return f"torch is the faster from {faster[0]:,}" if faster else "the kernel is the faster throughout"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    series = {
        "rows": (ROWS, [(rows, FIXED_GROUPS) for rows in ROWS]),
        "groups": (GROUPS, [(FIXED_ROWS, groups) for groups in GROUPS]),
    }
    results: dict[str, list[dict[str, float]]] = {}
    print(f"{'rows':>10s} {'groups':>10s} {'kernel µs':>12s} {'torch µs':>12s} {'torch / kernel':>15s}")
    for name, (sizes, problems) in series.items():
        results[name] = []
        for rows, groups in problems:
            row = measured(rows, groups)
            results[name].append({"size": rows if name == "rows" else groups, **row})
            ratio = row["torch"] / row["kernel"]
            print(
                f"{rows:10,} {groups:10,} {row['kernel']:12.1f} {row['torch']:12.1f} {ratio:15.1f}",
                flush=True,
            )
        print(f"by {name}: {crossover(sizes, results[name])}", flush=True)
    if options.output is not None:
        options.output.mkdir(parents=True, exist_ok=True)
        (options.output / "growth.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
        draw(results, options.output / "growth.svg")


def draw(results: dict[str, list[dict[str, float]]], path: Path) -> None:
    """Two panels with logarithmic axes, by rows and by groups."""
    try:
        import matplotlib as mpl
    except ImportError:
        print(f"{path.name} is not drawn: that takes matplotlib.", file=sys.stderr)
        return
    mpl.use("svg")
    import matplotlib.pyplot as plt

    mpl.rcParams["svg.hashsalt"] = "qvr"
    titles = {
        "rows": f"Rows, with {FIXED_GROUPS} groups",
        "groups": f"Groups, with {FIXED_ROWS:,} rows",
    }
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True, constrained_layout=True)
    for panel, (name, rows) in zip(panels, results.items(), strict=True):
        for engine, colour in (("kernel", "#1b7f79"), ("torch", "#d9822b")):
            panel.loglog(
                [row["size"] for row in rows], [row[engine] for row in rows], "o-", color=colour, label=engine
            )
        panel.set_xlabel(titles[name], fontsize=9)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("microseconds a gradient", fontsize=9)
    panels[0].legend(frameon=False, fontsize=9)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
