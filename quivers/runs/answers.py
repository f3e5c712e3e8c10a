"""A saved run's answer, as an editor shows it: worked out when the run ends, and read again without NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quivers.runs.about import About
from quivers.sampling_defaults import MAX_TREE_DEPTH

if TYPE_CHECKING:
    from quivers.inference import MCMCResult
    from quivers.inference.compiled_run import CompiledRun

_AS_TOLD = ("labels", "left_out", "troubles", "e_bfmi", "divergences_by_chain")
_FIGURES = ("mean", "sd", "q5", "q50", "q95", "ess_bulk", "ess_tail", "mcse_mean", "r_hat")


def shown(result: CompiledRun | MCMCResult) -> dict[str, Any]:
    """What an outcome tells beside its summary: its sites, with shapes and histograms, and its chains."""
    import numpy as np

    from quivers.inference.chains import per_draw
    from quivers.inference.compiled_run import CompiledRun
    from quivers.inference.convergence import e_bfmi
    from quivers.inference.trajectory import DIVERGENT, ENERGY
    from quivers.json_output import histogram_entry, labels_entry
    from quivers.results import histogram

    draws = result.draws if isinstance(result, CompiledRun) else result.run.draws
    diverged = per_draw(draws.statistics, draws.states.thin)[..., DIVERGENT] > 0.0
    fractions = e_bfmi(draws.statistics[..., ENERGY])
    sites: dict[str, Any] = {}
    for name, drawn in result.samples.items():
        values = np.asarray(drawn)
        sites[name] = {
            "role": "latent" if name in result.latents else "let",
            "axes": list(result.axes[name]),
            "shape": list(values.shape[2:]),
            "histogram": histogram_entry(histogram(values)),
        }
    axes = [result.axes[name] for name in sites]
    return {
        "sites": sites,
        "labels": labels_entry(axes, result.levels),
        "left_out": {each.site: each.numbers for each in result.left_out},
        "e_bfmi": [float(each) if np.isfinite(each) else None for each in fractions],
        "divergences_by_chain": [int(each) for each in diverged.sum(axis=1)],
    }


def answer(about: About, folder: Path) -> dict[str, Any]:
    """What the run answered in an editor, or would have: `quivers.json_output.run` and `run_details` in one.

    Raises:
        KeyError, TypeError, ValueError: the run has no end, or it is told otherwise.
    """
    told = about.outcome
    rows = told["summary"]
    by_site: dict[str, list[Mapping[str, Any]]] = {name: [] for name in told["sites"]}
    for row in rows:
        by_site[row["site"]].append(row)
    settings = dict(about.identity.settings)
    if settings["algorithm"] == "nuts" and settings["max_tree_depth"] is None:
        settings["max_tree_depth"] = MAX_TREE_DEPTH
    return {
        "program": about.program,
        **{name: settings[name] for name in ("seed", "chains", "warmup", "draws")},
        **{name: told[name] for name in ("seconds", "divergences", "engine", "engine_reason")},
        "problems": list(told["problems"]),
        "summary": {row["name"]: {figure: row[figure] for figure in _FIGURES} for row in rows},
        "sites": {name: _site(entry, by_site[name]) for name, entry in told["sites"].items()},
        **{name: told[name] for name in _AS_TOLD},
        "settings": settings,
        "data_fingerprint": about.identity.data,
        "saved": str(folder),
    }


def _site(entry: Mapping[str, Any], rows: list[Mapping[str, Any]]) -> dict[str, Any]:
    """A site's entry as `quivers.json_output.run_details` has it."""
    sizes = [row[name] for row in rows for name in ("ess_bulk", "ess_tail")]
    return {
        **{name: entry[name] for name in ("role", "axes", "shape")},
        **{name: [row[name] for row in rows] for name in ("mean", "sd", "q5", "q95")},
        "r_hat": max((row["r_hat"] for row in rows if row["r_hat"] is not None), default=None),
        "ess": min((size for size in sizes if size is not None), default=None),
        "histogram": entry["histogram"],
    }
