"""Lines a second of each phase of the front end, and how each grows with the file.

For files of 100, 1,000 and 10,000 lines: parse, lower, check and format, each alone and from nothing,
then one keystroke from edit to diagnostics. Each round times every size, and the medians of the rounds are
shown. `growth` is the time a line takes beside that in the file ten times smaller: 1 is linear. It is the
median of the ratios within a round, so that a machine that is slow for a while slows both sides of it. At the
end, `qvr check` from a cold process.
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
ROUNDS = 5
BIN = Path(sys.executable).parent


def seconds_of(work: Callable[[], object]) -> float:
    """The wall time of one run; of the middle one of several where one is too short to time."""
    taken: list[float] = []
    while not taken or (sum(taken) < 0.05 and len(taken) < 25):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def phases(source: bytes) -> dict[str, float]:
    """Seconds of each phase; a document's tree and a lowered module are given to the phase after."""
    document = Document(source)
    lower(document)

    def check() -> object:
        # Everything is asked for: a lazy answer would be no answer.
        checked = Analysis().check(document)
        return list(checked.programs.values()), checked.diagnostics

    lowering = seconds_of(lambda: lower(Document(source)))
    return {
        "parse": seconds_of(lambda: Document(source).tree),
        "lower": lowering,
        "check": max(seconds_of(check) - lowering, 0.0),
        "format": seconds_of(lambda: format_source(Document(source))),
        "keystroke": keystroke(source),
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
    texts = {size: qvr_source(size) for size in SIZES}
    lines = {size: text.count("\n") for size, text in texts.items()}
    rounds: list[dict[int, dict[str, float]]] = []
    for number in range(ROUNDS):
        print(f"round {number + 1} of {ROUNDS}", file=sys.stderr, flush=True)
        rounds.append({size: phases(text.encode()) for size, text in texts.items()})
    print(f"{'lines':>7s} {'phase':10s} {'ms':>10s} {'lines/s':>12s} {'growth':>8s}")
    for smaller, size in zip((None, *SIZES), SIZES, strict=False):
        for phase in rounds[0][size]:
            taken = statistics.median(each[size][phase] for each in rounds)
            rate = "" if phase == "keystroke" else f"{lines[size] / taken:12,.0f}"
            growth = ""
            if smaller is not None:
                ratios = [each[size][phase] / max(each[smaller][phase], 1e-9) for each in rounds]
                growth = f"{statistics.median(ratios) * lines[smaller] / lines[size]:8.2f}"
            print(f"{lines[size]:7d} {phase:10s} {1e3 * taken:10.2f} {rate:>12s} {growth}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for size, text in texts.items():
            Path(folder, f"{size}.qvr").write_text(text, encoding="utf-8")
            cold = seconds([str(BIN / "qvr"), "check", str(Path(folder, f"{size}.qvr"))], 5)
            print(f"qvr check, cold process, {size} lines: {cold:.2f} s", flush=True)
    bare = seconds([sys.executable, "-c", "pass"], 5)
    print(f"a bare Python process: {bare:.2f} s")


if __name__ == "__main__":
    main()
