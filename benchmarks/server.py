"""Time our language server beside `ruff server` and `ty server`, in one go, on 1,000 and 10,000 lines.

Each server gets a process of its own and a file of as many lines in its language, one server after the
other, round by round, so that a busy minute hits all; every figure is the median over the rounds, and a ratio
is ours over the peer's. Diagnostics are measured both ways: published by the server, and asked for by the
client right behind each change. `--ruff` and `--ty` name the peers' executables; a peer that is not there is
left out. With `--output FOLDER` the figures go into `server.json` there and the plot into `server.svg`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import Any

from commands import python_source, qvr_source
from language_server import measure

BIN = Path(sys.executable).parent
LINES = (1_000, 10_000)
OURS = "qvr"
NAMES = {OURS: "QVR", "ruff": "ruff server", "ty": "ty server"}
COLOURS = {OURS: "#1f77b4", "ruff": "#ff7f0e", "ty": "#2ca02c"}

# The row, whether it is of a session in which the client asks for diagnostics, and the figure.
ROWS = (
    ("process start to answer of initialize, ms", False, "start"),
    ("open to first diagnostics, published, ms", False, "opened"),
    ("open to first diagnostics, asked for, ms", True, "opened"),
    ("edit to diagnostics, published, p50, ms", False, "edit"),
    ("edit to diagnostics, published, p95, ms", False, "edit_p95"),
    ("edit to diagnostics, asked for, p50, ms", True, "edit"),
    ("edit to diagnostics, asked for, p95, ms", True, "edit_p95"),
    ("hover, ms", False, "hover"),
    ("completion, ms", False, "completion"),
    ("document symbols, ms", False, "symbols"),
    ("semantic tokens of the file, ms", False, "tokens"),
    ("memory after, MiB", False, "memory"),
    ("memory after of its worker, MiB", False, "memory_of_children"),
)

Figures = dict[int, dict[str, dict[str, float | None]]]  # by lines, row and tool


def measured(tools: dict[str, list[str]], rounds: int, edits: int) -> Figures:
    """The median of each row by lines and tool, over the rounds."""
    taken: dict[tuple[int, str, bool], list[dict[str, Any]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for lines in LINES:
            model, script = Path(folder, f"models_{lines}.qvr"), Path(folder, f"models_{lines}.py")
            model.write_text(qvr_source(lines), encoding="utf-8")
            script.write_text(python_source(lines), encoding="utf-8")
            paths[lines] = {tool: (model if tool == OURS else script) for tool in tools}
        for number in range(rounds):
            for lines in LINES:
                for tool, command in tools.items():
                    for pull in (False, True):
                        language = "qvr" if tool == OURS else "python"
                        try:
                            found = measure(command, paths[lines][tool], language, edits, pull=pull)
                        except ValueError as missing:
                            if number == 0 and lines == LINES[0]:
                                print(missing, file=sys.stderr)
                            continue
                        taken[lines, tool, pull].append(asdict(found))
            print(
                f"round {number + 1} of {rounds}, load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True
            )
    return {
        lines: {
            row: {tool: _median([each[name] for each in taken[lines, tool, pull]]) for tool in tools}
            for row, pull, name in ROWS
        }
        for lines in LINES
    }


def _median(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def show(figures: Figures, tools: list[str]) -> None:
    peers = [tool for tool in tools if tool != OURS]
    for lines, rows in figures.items():
        heads = "".join(f"{NAMES[tool]:>14s}" for tool in tools) + "".join(
            f"{f'/ {peer}':>9s}" for peer in peers
        )
        print(f"\n{f'{lines:,} lines':44s}{heads}")
        for row, values in rows.items():
            if not any(values.values()):
                continue
            cells = "".join(_cell(values[tool], 14) for tool in tools)
            ratios = "".join(_cell(_ratio(values[OURS], values[peer]), 9, 2) for peer in peers)
            print(f"{row:44s}{cells}{ratios}", flush=True)


def _ratio(ours: float | None, theirs: float | None) -> float | None:
    return ours / theirs if ours is not None and theirs else None


def _cell(value: float | None, width: int, digits: int = 1) -> str:
    return f"{'–' if value is None else f'{value:.{digits}f}':>{width}s}"


def draw(figures: Figures, tools: list[str], path: Path) -> None:
    """A panel for each size: a bar for each tool and row of milliseconds, on a scale of powers of ten."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "qvr"
    from matplotlib import pyplot as plt

    shown = [row for row, _, _ in ROWS if row.endswith(", ms")]
    figure, panels = plt.subplots(1, len(figures), figsize=(11, 5.2), sharey=True, constrained_layout=True)
    height = 0.8 / len(tools)
    for panel, (lines, rows) in zip(panels, figures.items(), strict=True):
        for place, tool in enumerate(tools):
            at = [number + (place + 0.5) * height - 0.4 for number in range(len(shown))]
            widths = [rows[row][tool] or 0.0 for row in shown]
            panel.barh(at, widths, height, color=COLOURS[tool], label=NAMES[tool])
        panel.set_xscale("log")
        panel.set_xlabel(f"milliseconds, {lines:,} lines")
        panel.grid(axis="x", alpha=0.3)
    panels[0].set_yticks(range(len(shown)), [row.removesuffix(", ms") for row in shown])
    panels[0].invert_yaxis()
    panels[-1].legend(loc="lower right")
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def version(command: list[str]) -> str:
    told = subprocess.run([command[0], "--version"], capture_output=True, text=True, check=False)
    return told.stdout.strip()


def executable(given: str | None, name: str) -> str | None:
    """The peer that was named, or the one beside this interpreter, or the one on the path."""
    beside = BIN / name
    return given or (str(beside) if beside.exists() else shutil.which(name))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--server", default=str(BIN / "qvr-lsp"), help="our server's executable")
    parser.add_argument("--ruff", help="Ruff's executable")
    parser.add_argument("--ty", help="ty's executable")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--edits", type=int, default=60, help="characters typed in each session")
    parser.add_argument("--output", type=Path, help="folder for server.json and server.svg")
    given = parser.parse_args()
    tools = {OURS: [given.server]}
    for name in ("ruff", "ty"):
        if (found := executable(getattr(given, name), name)) is not None:
            tools[name] = [found, "server"]
        else:
            print(f"{name} is not here: pip install 'qvr[bench]', or name it with --{name}.", file=sys.stderr)
    before = os.getloadavg()[0]
    figures = measured(tools, given.rounds, given.edits)
    after = os.getloadavg()[0]
    show(figures, list(tools))
    print(f"\nload {before:.1f} before, {after:.1f} after, on {os.cpu_count()} cores; {given.rounds} rounds")
    if given.output is not None:
        given.output.mkdir(parents=True, exist_ok=True)
        record = {
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "load": [round(before, 1), round(after, 1)],
            "rounds": given.rounds,
            "versions": {tool: version(command) for tool, command in tools.items()},
            "figures": {
                str(lines): {
                    row: {tool: value if value is None else round(value, 2) for tool, value in values.items()}
                    for row, values in rows.items()
                }
                for lines, rows in figures.items()
            },
        }
        text = json.dumps(record, indent=1, ensure_ascii=False)
        (given.output / "server.json").write_text(f"{text}\n", encoding="utf-8")
        draw(figures, list(tools), given.output / "server.svg")


if __name__ == "__main__":
    main()
