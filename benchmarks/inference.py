"""Time whole fits of four problems: ours, NumPyro's, and PyMC's with nutpie, each in processes of its own.

Each fit is 4 chains of 1000 + 1000 draws from the same density of the same data, one tool after the other:

- cold: from the start of a fresh process to draws in memory, imports and compilation included;
- warm: a second fit in that process, with all that the first compiled;
- gradients per second: of the warm fit, those of warm-up included;
- min-ESS per second: the smallest bulk effective size of all latents, by one estimator for all tools, over
  the warm wall time.

`--peers` names the interpreter that has the peers (`pip install 'qvr[bench]'`), by default this one; a peer
that it lacks is left out. With `--output FOLDER` the figures go into `inference.json` there and the plot into
`inference.svg`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from inference_problems import PROBLEMS, Problem

from quivers.inference.convergence import ess_bulk, r_hat

HERE = Path(__file__).resolve().parent
OURS = "qvr"
TOOLS = {OURS: "QVR", "numpyro": "NumPyro", "pymc": "PyMC + nutpie"}
NEEDS = {OURS: "quivers", "numpyro": "numpyro", "pymc": "nutpie"}


@dataclass(frozen=True)
class Figures:
    """One tool on one problem: medians over the repeats, times in seconds."""

    problem: str
    tool: str
    cold: float
    warm: float
    cold_processor: float
    warm_processor: float
    gradients_per_second: float
    min_ess: float
    min_ess_per_second: float
    max_r_hat: float
    divergences: int


def main() -> None:
    options = _options()
    tools = [tool for tool in TOOLS if tool in options.tools.split(",") and _has(options, tool)]
    print(_head(), flush=True)
    found: list[Figures] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in options.problems.split(","):
            problem = PROBLEMS[name]
            data = Path(folder, f"{name}.npz")
            np.savez(data, **problem.inputs())
            for tool in tools:
                figures = _measured(options, problem, tool, data)
                if figures is None:
                    print(f"{name:22s} {TOOLS[tool]:14s} failed", flush=True)
                    continue
                found.append(figures)
                print(_line(figures, _of(found, name, OURS)), flush=True)
        if options.command and "eight_schools" in options.problems:
            seconds = statistics.median(_command(folder) for _ in range(max(options.repeats, 3)))
            print(f"`qvr run` on eight schools, the whole command: {seconds:.2f} s", flush=True)
    if options.output is not None:
        options.output.mkdir(parents=True, exist_ok=True)
        kept = _kept(options.output / "inference.json", found)
        text = json.dumps([asdict(figures) for figures in kept], indent=2)
        (options.output / "inference.json").write_text(text + "\n", encoding="utf-8")
        draw(kept, options.output / "inference.svg")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--peers", default=sys.executable, help="the interpreter that has NumPyro and PyMC")
    parser.add_argument("--problems", default=",".join(PROBLEMS))
    parser.add_argument("--tools", default=",".join(TOOLS))
    parser.add_argument("--repeats", type=int, default=1, help="processes for each tool and problem")
    parser.add_argument("--target-accept", type=float, default=0.8, help="the same for every tool")
    parser.add_argument("--timeout", type=float, default=3600.0, help="seconds for one process")
    parser.add_argument("--output", type=Path, help="the folder for inference.json and inference.svg")
    parser.add_argument("--command", action="store_true", help="time the `qvr run` command too")
    options = parser.parse_args()
    for chosen, known, what in ((options.problems, PROBLEMS, "problem"), (options.tools, TOOLS, "tool")):
        unknown = [name for name in chosen.split(",") if name not in known]
        if unknown:
            parser.error(f"there is no {what} {unknown[0]}, only {', '.join(known)}")
    return options


def _interpreter(options: argparse.Namespace, tool: str) -> str:
    return sys.executable if tool == OURS else str(options.peers)


def _has(options: argparse.Namespace, tool: str) -> bool:
    look = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({NEEDS[tool]!r}) is None)"
    there = subprocess.run([_interpreter(options, tool), "-c", look], check=False).returncode == 0
    if not there:
        print(f"{TOOLS[tool]} is left out: {_interpreter(options, tool)} has no {NEEDS[tool]}.")
    return there


def _measured(options: argparse.Namespace, problem: Problem, tool: str, data: Path) -> Figures | None:
    """Medians over fresh processes; None where one fails or takes too long."""
    runs: list[dict[str, float]] = []
    for repeat in range(options.repeats):
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder, "report.json")
            script = HERE / f"inference_{tool}.py"
            command = [_interpreter(options, tool), str(script), problem.name, str(data), str(report)]
            command += ["--target-accept", str(options.target_accept)]
            # Nothing that an earlier run compiled, neither the kernel nor the sampler.
            environment = {**os.environ, "QVR_CACHE_DIR": folder}
            began = time.monotonic()
            try:
                done = subprocess.run(
                    command, check=False, env=environment, timeout=options.timeout, capture_output=True
                )
            except subprocess.TimeoutExpired:
                return None
            if done.returncode != 0:
                print(done.stderr.decode(errors="replace").strip()[-2000:], file=sys.stderr)
                return None
            run = json.loads(report.read_text(encoding="utf-8"))
            run["cold"] = run.pop("ready") - began
            with np.load(report.with_suffix(".npz")) as draws:
                run["min_ess"] = min(float(np.min(ess_bulk(draws[name]))) for name in problem.quantities)
                run["max_r_hat"] = max(float(np.max(r_hat(draws[name]))) for name in problem.quantities)
            runs.append(run)
        if repeat == 0 and run["warm"] > 60.0:
            break  # a run this long needs no median
    middle = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    return Figures(
        problem=problem.name,
        tool=tool,
        cold=middle["cold"],
        warm=middle["warm"],
        cold_processor=middle["cold_processor"],
        warm_processor=middle["warm_processor"],
        gradients_per_second=middle["gradients"] / middle["warm"],
        min_ess=middle["min_ess"],
        min_ess_per_second=middle["min_ess"] / middle["warm"],
        max_r_hat=middle["max_r_hat"],
        divergences=int(middle["divergences"]),
    )


def _command(folder: str) -> float:
    """The wall time of `qvr run` on the example, no kernel compiled before."""
    program = HERE.parent / "examples" / "eight_schools" / "noncentred.qvr"
    with tempfile.TemporaryDirectory(dir=folder) as cache:
        began = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "quivers.cli", "run", str(program), "--quiet"],
            check=True,
            env={**os.environ, "QVR_CACHE_DIR": cache},
            stdout=subprocess.DEVNULL,
        )
        return time.monotonic() - began


def _of(found: list[Figures], problem: str, tool: str) -> Figures | None:
    return next((figures for figures in found if (figures.problem, figures.tool) == (problem, tool)), None)


def _kept(path: Path, found: list[Figures]) -> list[Figures]:
    """What was found, and of an earlier run of other problems or tools what was not measured again."""
    earlier = [Figures(**row) for row in json.loads(path.read_text())] if path.exists() else []
    kept = [figures for figures in earlier if _of(found, figures.problem, figures.tool) is None]
    order = [(problem, tool) for problem in PROBLEMS for tool in TOOLS]
    return sorted([*kept, *found], key=lambda figures: order.index((figures.problem, figures.tool)))


def _head() -> str:
    return (
        f"{'seconds, medians':22s} {'':14s} {'cold':>8s} {'warm':>8s} {'CPU':>8s} {'gradients/s':>12s}"
        f" {'min ESS':>8s} {'ESS/s':>9s} {'R-hat':>6s}   QVR's cold, warm / its, ESS/s ratio"
    )


def _line(figures: Figures, ours: Figures | None) -> str:
    ratios = ""
    if ours is not None and figures.tool != OURS:
        ratios = (
            f"{ours.cold / figures.cold:8.2f} {ours.warm / figures.warm:8.2f}"
            f" {ours.min_ess_per_second / figures.min_ess_per_second:8.2f}"
        )
    return (
        f"{figures.problem:22s} {TOOLS[figures.tool]:14s} {figures.cold:8.2f} {figures.warm:8.2f}"
        f" {figures.warm_processor:8.2f} {figures.gradients_per_second:12,.0f} {figures.min_ess:8.0f}"
        f" {figures.min_ess_per_second:9.1f} {figures.max_r_hat:6.3f} {ratios}"
    )


def draw(found: list[Figures], path: Path) -> None:
    """The plot for the documentation: a panel for each figure, the problems side by side, times downwards."""
    try:
        import matplotlib as mpl
    except ImportError:
        print(f"{path.name} is not drawn: that takes matplotlib.", file=sys.stderr)
        return
    mpl.use("svg")
    import matplotlib.pyplot as plt

    mpl.rcParams["svg.hashsalt"] = "qvr"
    problems = [name for name in PROBLEMS if any(figures.problem == name for figures in found)]
    figure, panels = plt.subplots(1, 3, figsize=(12, 4), constrained_layout=True)
    colours = {"qvr": "#1b7f79", "numpyro": "#d9822b", "pymc": "#5b6ea8"}
    titles = (
        "Cold, seconds (less is better)",
        "Warm, seconds (less is better)",
        "min-ESS per second (more is better)",
    )
    for panel, attribute, title in zip(panels, ("cold", "warm", "min_ess_per_second"), titles, strict=True):
        for place, tool in enumerate(TOOLS):
            shown = [(x, _of(found, problem, tool)) for x, problem in enumerate(problems)]
            bars = [(x, getattr(known, attribute)) for x, known in shown if known is not None]
            if not bars:
                continue
            drawn = panel.bar(
                [x + 0.27 * (place - 1) for x, _ in bars],
                [height for _, height in bars],
                width=0.25,
                color=colours[tool],
                label=TOOLS[tool],
            )
            panel.bar_label(drawn, fmt="%.3g", fontsize=6)
        panel.set_yscale("log")
        panel.set_title(title, fontsize=10)
        panel.set_xticks(range(len(problems)), [PROBLEMS[name].title for name in problems], fontsize=6)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].legend(frameon=False, fontsize=8)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
