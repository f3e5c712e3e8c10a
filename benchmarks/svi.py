"""Steps per second of SVI beside NumPyro's and Pyro's, on the same two models with the same guide.

A mean-field guide, Adam at 10⁻², one particle, float64 throughout. Each tool runs in a process of its own
that stays, and they take turns round by round, so that a busy minute hits all of them; figures are medians
over the rounds:

- compiled: steps that are compiled already, QVR's by `SVI.run`, NumPyro's `stable_update` in one jitted scan,
  Pyro's `svi.step`, which compiles nothing;
- whole: one call of `SVI.run` for as many steps with all that it compiles each time: NumPyro's `svi.run`
  traces and compiles anew, and QVR's holds its kernel, read from the disk, against torch;
- single: QVR's `svi.step`, beside Pyro's.

`--peers` names the interpreter that has NumPyro or Pyro, by default this one; a peer that it lacks is left
out. With `--output FOLDER` the figures go into `svi.json` there.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from inference_problems import PROBLEMS

HERE = Path(__file__).resolve().parent
OURS = "qvr"
TOOLS = {OURS: "QVR", "numpyro": "NumPyro", "pyro": "Pyro"}
NEEDS = {OURS: "quivers", "numpyro": "numpyro", "pyro": "pyro"}
# Steps of one round, and of one round of a tool that takes them one by one.
STEPS = {"eight_schools": (100_000, 1_000), "dense_regression": (200, 30)}
WAYS = {OURS: ("compiled", "whole", "single"), "numpyro": ("compiled", "whole"), "pyro": ("single",)}


class Tool:
    """A process that measures rounds when it is told to."""

    def __init__(self, name: str, python: str, problem: str, data: Path) -> None:
        self.name = name
        script = HERE / f"svi_{name}.py"
        self.process = subprocess.Popen(
            [python, str(script), problem, str(data)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def round(self, way: str, steps: int) -> dict[str, float]:
        """Seconds that so many steps take, by the clock and of the processor, and the ELBO at their end."""
        asked: IO[str] | None = self.process.stdin
        told: IO[str] | None = self.process.stdout
        assert asked is not None
        assert told is not None
        print(way, steps, file=asked, flush=True)
        line = told.readline()
        if not line:
            raise SystemExit(f"The process of {TOOLS[self.name]} ended.")
        found: dict[str, float] = json.loads(line)
        return found

    def end(self) -> None:
        self.process.communicate()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--peers", default=sys.executable, help="the interpreter that has NumPyro and Pyro")
    parser.add_argument("--problems", default=",".join(STEPS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, help="the folder for svi.json")
    options = parser.parse_args()
    tools = {name: sys.executable if name == OURS else options.peers for name in TOOLS}
    tools = {name: python for name, python in tools.items() if _has(name, python)}
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for problem in options.problems.split(","):
            data = Path(folder, f"{problem}.npz")
            np.savez(data, **PROBLEMS[problem].inputs())
            found += _measured(problem, data, tools, options.rounds)
    if options.output is not None:
        machine = {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count()}
        text = json.dumps({"machine": machine, "load": os.getloadavg(), "figures": found}, indent=2)
        (options.output / "svi.json").write_text(text + "\n", encoding="utf-8")


def _has(name: str, python: str) -> bool:
    look = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({NEEDS[name]!r}) is None)"
    there = subprocess.run([python, "-c", look], check=False).returncode == 0
    if not there:
        print(f"{TOOLS[name]} is left out: {python} has no {NEEDS[name]}.")
    return there


def _measured(problem: str, data: Path, tools: dict[str, str], rounds: int) -> list[dict[str, Any]]:
    running = [Tool(name, python, problem, data) for name, python in tools.items()]
    many, few = STEPS[problem]
    runs: dict[tuple[str, str], list[dict[str, float]]] = {}
    for number in range(rounds + 1):  # the first, in which things are compiled, does not count
        for tool in running:
            for way in WAYS[tool.name]:
                steps = few if way == "single" else many
                run = tool.round(way, steps)
                if number > 0:
                    runs.setdefault((tool.name, way), []).append(run)
    for tool in running:
        tool.end()
    found = []
    for (name, way), listed in runs.items():
        steps = few if way == "single" else many
        seconds, processor = (
            statistics.median(run[key] for run in listed) for key in ("seconds", "processor")
        )
        found.append(
            {
                "problem": problem,
                "tool": TOOLS[name],
                "way": way,
                "steps_per_second": steps / seconds,
                "steps_per_processor_second": steps / processor,
                "elbo": statistics.median(run["elbo"] for run in listed),
                "rounds": len(listed),
            }
        )
    ours = {row["way"]: row["steps_per_second"] for row in found if row["tool"] == TOOLS[OURS]}
    print(f"{problem:18s} {'':8s} {'':9s} {'steps/s':>11s} {'/s of CPU':>11s} {'ELBO':>12s}   QVR's over its")
    for row in found:
        ratio = ours[row["way"]] / row["steps_per_second"]
        if row["tool"] == TOOLS["pyro"]:
            beside = f"{ratio:8.1f}   (QVR's compiled {ours['compiled'] / row['steps_per_second']:.0f})"
        else:
            beside = "" if row["tool"] == TOOLS[OURS] else f"{ratio:8.1f}"
        print(
            f"{'':18s} {row['tool']:8s} {row['way']:9s} {row['steps_per_second']:11,.0f}"
            f" {row['steps_per_processor_second']:11,.0f} {row['elbo']:12,.1f}   {beside}",
            flush=True,
        )
    return found


if __name__ == "__main__":
    main()
