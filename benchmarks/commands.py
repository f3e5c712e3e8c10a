"""Time what a newcomer waits for: `qvr check`, the server's answers and `qvr run`, each beside a peer.

Prints medians of several cold runs in milliseconds and the ratio to the peer. The peers: for `check`, Ruff
on a Python file of as many lines; for the server, `ruff server` on that file; for `run`, NumPyro's same
model where it is installed (`pip install 'qvr[bench]'`).
"""

from __future__ import annotations

import importlib.util
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from language_server import measure

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
MODEL = ROOT / "examples" / "eight_schools" / "noncentred.qvr"
DATA = MODEL.with_suffix(".data.json")

PROGRAM = """\
program model_{n} : School -> School [effects=[Sample, Score]]
    sample mu <- Normal(0.0, 5.0)
    sample tau <- HalfNormal(5.0)
    sample eta : School <- Normal(0.0, 1.0)
    let theta = mu + tau * eta
    observe y_{n} : School <- Normal(theta, sigma_{n})
    return theta

"""

FUNCTION = """\
def model_{n}(mu: float, tau: float, eta: list[float]) -> list[float]:
    theta = [mu + tau * value for value in eta]
    total = 0.0
    for value in theta:
        total += value * value
    if total > 1.0:
        theta = [value / total for value in theta]
    return theta

"""


def qvr_source(lines: int) -> str:
    programs = "".join(PROGRAM.format(n=n) for n in range((lines - 2) // PROGRAM.count("\n")))
    return f"object School : FinSet 8\n\n{programs}"


def python_source(lines: int) -> str:
    return "".join(FUNCTION.format(n=n) for n in range(lines // FUNCTION.count("\n")))


def seconds(command: list[str], runs: int) -> float:
    """The median wall time of `runs` cold runs, after one to warm the disk."""
    taken = []
    for _ in range(runs + 1):
        began = time.perf_counter()
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[1:])


def row(what: str, ours: float, peer: float | None, name: str) -> None:
    beside = f"{peer:10.1f} {name:12s} {ours / peer:8.2f}" if peer is not None else f"{'':10s} {name}"
    print(f"{what:42s} {ours:10.1f} {beside}", flush=True)


def main() -> None:
    print(f"{'milliseconds, medians':42s} {'qvr':>10s} {'peer':>10s} {'':12s} {'ratio':>8s}")
    with tempfile.TemporaryDirectory() as folder:
        for lines in (1_000, 10_000):
            model, script = Path(folder, f"models_{lines}.qvr"), Path(folder, f"models_{lines}.py")
            model.write_text(qvr_source(lines), encoding="utf-8")
            script.write_text(python_source(lines), encoding="utf-8")
            ours = seconds([str(BIN / "qvr"), "check", str(model)], 5)
            ruff = seconds([str(BIN / "ruff"), "check", "--no-cache", str(script)], 5)
            row(f"check, cold, {lines} lines", 1e3 * ours, 1e3 * ruff, "ruff check")
            server = measure([str(BIN / "qvr-lsp")], model, "qvr")
            peer = measure([str(BIN / "ruff"), "server"], script, "python")
            row(f"server start, {lines} lines", server.start, peer.start, "ruff server")
            row("  open to diagnostics", server.opened, peer.opened, "ruff server")
            row("  edit to diagnostics, median", server.edit, peer.edit, "ruff server")
            row("  edit to diagnostics, 95 %", server.edit_p95, peer.edit_p95, "ruff server")
            row("  hover", server.hover, peer.hover, "ruff server")
    row("check, cold, eight schools", 1e3 * seconds([str(BIN / "qvr"), "check", str(MODEL)], 7), None, "")
    ours = seconds([str(BIN / "qvr"), "run", str(MODEL), "--data", str(DATA)], 3)
    if importlib.util.find_spec("numpyro"):
        script = Path(__file__).with_name("numpyro_eight_schools.py")
        theirs = seconds([sys.executable, str(script), str(DATA)], 3)
        row("run, cold, eight schools 4 × (1000 + 1000)", 1e3 * ours, 1e3 * theirs, "NumPyro")
    else:
        row("run, cold, eight schools 4 × (1000 + 1000)", 1e3 * ours, None, "NumPyro is not installed")


if __name__ == "__main__":
    main()
