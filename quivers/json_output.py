"""What `--output-format json` writes, as plain lists and dictionaries.

Lines and characters count from 0, and characters are UTF-16 code units, as in the Language Server
Protocol. A number that does not exist, such as the R-hat of a constant, is null.
"""

from __future__ import annotations

import json
import math
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from quivers.element_names import Levels, labels
from quivers.syntax.ast import Span
from quivers.syntax.lines import Encoding, LineIndex
from quivers.syntax.problems import Diagnostic

if TYPE_CHECKING:  # results load NumPy, which `qvr check` does without
    import numpy as np
    from numpy.typing import NDArray

    from quivers.results import Histogram, PriorDraws, SummaryRow, Trouble

_NUMBERS_AT_ONCE = 2_000_000  # quantiles take several times the memory of what they are of


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
    left_out: Mapping[str, int],
) -> dict[str, Any]:
    """A run's result; `seconds` gives compile, sample and total, `engine_reason` why no kernel ran.

    `problems` are the sentences of the run's check, none where it looks sound. `left_out` has the sites whose
    draws are not kept, with how many numbers each has.
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
        "summary": summary(rows),
        "left_out": dict(left_out),
    }


def summary(rows: Iterable[SummaryRow]) -> dict[str, dict[str, float | None]]:
    """The figures of each number, by its name."""
    return {
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
    }


def run_details(
    *,
    samples: Mapping[str, NDArray[np.float64]],
    latents: Container[str],
    axes: Mapping[str, tuple[str, ...]],
    levels: Levels,
    rows: Iterable[SummaryRow],
    troubles: Iterable[Trouble],
    e_bfmi: Iterable[float],
    divergences_by_chain: Iterable[int],
    settings: Mapping[str, Any],
    data_fingerprint: str,
) -> dict[str, Any]:
    """What an editor shows of a run beside its summary.

    `samples` has a site's draws as (chain, draw, *axes), `axes` the objects that it runs over, and `levels`
    the names of objects' elements, which `labels` gives as element names show them. In `sites`,
    mean, sd and quantiles have a number for each element, the last axis running fastest; `r_hat` is the
    worst of them, `ess` the least of bulk and tail, null where it is known of no element.
    """
    from quivers.results import histogram

    by_site: dict[str, list[SummaryRow]] = {name: [] for name in samples}
    for row in rows:
        by_site[row.site].append(row)
    sites = {}
    for name, own in by_site.items():
        sites[name] = {
            "role": "latent" if name in latents else "let",
            "axes": list(axes[name]),
            "shape": list(samples[name].shape[2:]),
            "mean": [_number(row.mean) for row in own],
            "sd": [_number(row.sd) for row in own],
            "q5": [_number(row.q5) for row in own],
            "q95": [_number(row.q95) for row in own],
            "r_hat": max((row.r_hat for row in own if math.isfinite(row.r_hat)), default=None),
            "ess": min(
                (size for row in own for size in (row.ess_bulk, row.ess_tail) if math.isfinite(size)),
                default=None,
            ),
            "histogram": histogram_entry(histogram(samples[name])),
        }
    return {
        "sites": sites,
        "labels": labels_entry(axes.values(), levels),
        "troubles": [
            {
                "kind": trouble.kind,
                "site": trouble.site,
                "element": trouble.element,
                "message": trouble.message,
                "count": trouble.count,
            }
            for trouble in troubles
        ],
        "e_bfmi": [_number(fraction) for fraction in e_bfmi],
        "divergences_by_chain": list(divergences_by_chain),
        "settings": dict(settings),
        "data_fingerprint": data_fingerprint,
    }


def prior_predictive(drawn: PriorDraws, seed: int) -> dict[str, Any]:
    """What a program's prior says, and what it would observe: each site's draws in figures.

    Of an observed site that the data have, `observed` has the same figures of the data, over all elements;
    missing values are left out. `left_out` has the lets that were not kept, and how many numbers
    each has.
    """
    from quivers.results import histogram

    sites = {}
    for name, values in drawn.samples.items():
        entry: dict[str, Any] = {
            "role": drawn.roles[name],
            "axes": list(drawn.axes[name]),
            "shape": list(values.shape[1:]),
            **_figures(values.reshape(len(values), -1)),
            "histogram": histogram_entry(histogram(values)),
        }
        data = drawn.data.get(name)
        if data is not None and data.size:
            entry["observed"] = {figure: each[0] for figure, each in _figures(data.reshape(-1, 1)).items()}
        sites[name] = entry
    return {
        "program": drawn.program,
        "seed": seed,
        "draws": drawn.draws,
        "sites": sites,
        "left_out": dict(drawn.left_out),
        "labels": labels_entry(drawn.axes.values(), drawn.levels),
        "problems": list(drawn.problems),
    }


def predictions(
    program: str,
    drawn: Mapping[str, NDArray[np.float64]],
    *,
    axes: Mapping[str, tuple[str, ...]],
    levels: Levels,
    roles: Mapping[str, str],
    seed: int,
    problems: Sequence[str],
) -> dict[str, Any]:
    """What a posterior predicts: each site's draws, (draw, *axes), in figures. `problems` are the fit's."""
    return {
        "program": program,
        "seed": seed,
        "draws": max((len(values) for values in drawn.values()), default=0),
        "sites": {
            name: {
                "role": roles[name],
                "axes": list(axes[name]),
                "shape": list(values.shape[1:]),
                **_figures(values.reshape(len(values), -1)),
            }
            for name, values in drawn.items()
        },
        "labels": labels_entry(axes.values(), levels),
        "problems": list(problems),
    }


def labels_entry(axes: Iterable[Sequence[str]], levels: Levels) -> dict[str, list[str]]:
    """What the elements of each object that sites run over are called, for objects that the data name."""
    used = {name for own in axes for name in own}
    return labels({name: own for name, own in levels.items() if name in used})


def histogram_entry(histogram: Histogram | None) -> dict[str, Any] | None:
    """A histogram as its ends and counts; null where there is none."""
    if histogram is None:
        return None
    return {"low": histogram.low, "high": histogram.high, "counts": list(histogram.counts)}


def _figures(table: NDArray[np.float64]) -> dict[str, list[float | None]]:
    """Mean, sd and quantiles of each column of (draw, element); of many columns some at a time."""
    import numpy as np

    figures: dict[str, list[float | None]] = {name: [] for name in ("mean", "sd", "q5", "q50", "q95")}
    step = max(1, _NUMBERS_AT_ONCE // max(1, len(table)))
    for start in range(0, table.shape[1], step):
        part = table[:, start : start + step]
        with np.errstate(invalid="ignore"):
            sd = part.std(axis=0, ddof=1) if len(part) > 1 else np.full(part.shape[1], np.nan)
            found = (part.mean(axis=0), sd, *np.quantile(part, (0.05, 0.5, 0.95), axis=0))
        for name, each in zip(figures, found, strict=True):
            figures[name] += map(_number, each)
    return figures


def dumps(value: Any) -> str:
    """Indented JSON in ASCII, which every stream can carry; never NaN, which is no JSON."""
    return json.dumps(value, indent=2, allow_nan=False)


def range_of(span: Span, source: bytes) -> dict[str, dict[str, int]]:
    """A place in a text, by line and character."""
    return _range(span, LineIndex(source))


def _range(span: Span, lines: LineIndex) -> dict[str, dict[str, int]]:
    start, end = lines.position(span.start, Encoding.UTF16), lines.position(span.end, Encoding.UTF16)
    return {
        "start": {"line": start.line, "character": start.character},
        "end": {"line": end.line, "character": end.character},
    }


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
