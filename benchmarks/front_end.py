"""Lines a second of each phase of the front end, and how each grows with the file.

For files of 100, 1,000 and 10,000 lines: parse, lower, check and format, each alone and from nothing,
then one keystroke from edit to diagnostics. `growth` is the time a line takes beside that in the file ten
times smaller: 1 is linear. At the end, `qvr check` from a cold process.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from commands import qvr_source, seconds

from quivers.check.analysis import Analysis
from quivers.syntax.ast import Span
from quivers.syntax.document import Document
from quivers.syntax.format import format_source
from quivers.syntax.lower import lower

SIZES = (100, 1_000, 10_000)
BIN = Path(sys.executable).parent


def median(work: Callable[[], object], runs: int) -> float:
    taken = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def phases(source: bytes, runs: int) -> dict[str, float]:
    """Seconds of each phase; a document's tree and a lowered module are given to the phase after."""
    document = Document(source)
    lower(document)

    def check() -> object:
        # Everything is asked for: a lazy answer would be no answer.
        checked = Analysis().check(document)
        return list(checked.programs.values()), checked.diagnostics

    lowering = median(lambda: lower(Document(source)), runs)
    parsing = median(lambda: Document(source).tree, runs)
    return {
        "parse": parsing,
        "lower": lowering,
        "check": max(median(check, runs) - lowering, 0.0),
        "format": median(lambda: format_source(Document(source)), runs),
    }


def keystroke(source: bytes) -> float:
    """Seconds from one character typed in the middle of a comment-free line to new diagnostics."""
    document, analysis = Document(source), Analysis()
    analysis.check(document)
    place = source.index(b"5.0", len(source) // 2)
    taken = []
    for number in range(40):
        began = time.perf_counter()
        document.edit(Span(place, place + 1), str(number % 9 + 1))
        analysis.check(document).diagnostics  # noqa: B018
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def main() -> None:
    print(f"{'lines':>7s} {'phase':10s} {'ms':>10s} {'lines/s':>12s} {'growth':>8s}")
    before: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            text = qvr_source(size)
            lines = text.count("\n")
            source = text.encode()
            times = {**phases(source, 5 if size < 10_000 else 3), "keystroke": keystroke(source)}
            for phase, taken in times.items():
                share = taken / lines
                growth = f"{share / before[phase]:8.2f}" if phase in before else ""
                rate = "" if phase == "keystroke" else f"{lines / taken:12,.0f}"
                print(f"{lines:7d} {phase:10s} {1e3 * taken:10.2f} {rate:>12s} {growth}", flush=True)
                before[phase] = share
            Path(folder, f"{size}.qvr").write_text(text, encoding="utf-8")
        for size in SIZES:
            cold = seconds([str(BIN / "qvr"), "check", str(Path(folder, f"{size}.qvr"))], 5)
            print(f"qvr check, cold process, {size} lines: {cold:.2f} s", flush=True)
        bare = seconds([sys.executable, "-c", "pass"], 5)
        print(f"a bare Python process: {bare:.2f} s")


if __name__ == "__main__":
    main()
