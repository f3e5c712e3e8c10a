"""What `--output-format json` writes, as plain lists and dictionaries.

Lines and characters count from 0, and characters are UTF-16 code units, as in the Language Server
Protocol. A number that does not exist, such as the R-hat of a constant, is null.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from quivers.syntax.ast import Span
from quivers.syntax.lines import Encoding, LineIndex
from quivers.syntax.problems import Diagnostic

if TYPE_CHECKING:  # results load NumPy, which `qvr check` does without
    from quivers.results import SummaryRow


def diagnostics(found: Iterable[Diagnostic], source: bytes, file: str) -> list[dict[str, Any]]:
    """One entry a diagnostic: file, code, severity, message, range, fixes."""
    lines = LineIndex(source)
    return [
        {
            "file": file,
            "code": item.code,
            "severity": item.severity.value,
            "message": item.message,
            "range": _range(item.span, lines),
            "fixes": [
                {
                    "title": fix.title,
                    "edits": [{"range": _range(edit.span, lines), "text": edit.text} for edit in fix.edits],
                }
                for fix in item.fixes
            ],
        }
        for item in found
    ]


def run(
    program: str,
    *,
    seed: int,
    chains: int,
    warmup: int,
    draws: int,
    seconds: Mapping[str, float],
    divergences: int,
    engine: str,
    engine_reason: str | None,
    problems: Sequence[str],
    rows: Iterable[SummaryRow],
) -> dict[str, Any]:
    """A run's result; `seconds` gives compile, sample and total, `engine_reason` why no kernel ran.

    `problems` are the sentences of the run's check, none where it looks sound.
    """
    return {
        "program": program,
        "seed": seed,
        "chains": chains,
        "warmup": warmup,
        "draws": draws,
        "seconds": {name: round(value, 4) for name, value in seconds.items()},
        "divergences": divergences,
        "engine": engine,
        "engine_reason": engine_reason,
        "problems": list(problems),
        "summary": {
            row.name: {
                "mean": _number(row.mean),
                "sd": _number(row.sd),
                "q5": _number(row.q5),
                "q50": _number(row.q50),
                "q95": _number(row.q95),
                "ess_bulk": _number(row.ess_bulk),
                "ess_tail": _number(row.ess_tail),
                "mcse_mean": _number(row.mcse_mean),
                "r_hat": _number(row.r_hat),
            }
            for row in rows
        },
    }


def dumps(value: Any) -> str:
    """Indented JSON in ASCII, which every stream can carry; never NaN, which is no JSON."""
    return json.dumps(value, indent=2, allow_nan=False)


def _range(span: Span, lines: LineIndex) -> dict[str, dict[str, int]]:
    start, end = lines.position(span.start, Encoding.UTF16), lines.position(span.end, Encoding.UTF16)
    return {
        "start": {"line": start.line, "character": start.character},
        "end": {"line": end.line, "character": end.character},
    }


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
