"""The page of a run, in one file: what went wrong, figures, charts, the program, and how to run it again.

`page` makes it from what a worker answers, which has no draws; `quivers.report.full` adds the charts that
need them. Nothing on the page is fetched, and its policy forbids it.
"""

from __future__ import annotations

import base64
import hashlib
import shlex
import time
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import PurePath
from typing import Any

from quivers.check.analysis import check_source
from quivers.ide.posteriors import Histogram, Posterior, posterior, significant, text
from quivers.records import record
from quivers.report.chart import Chart, Scale, Series, figure
from quivers.report.intervals import intervals
from quivers.report.program import plate, source
from quivers.report.summary import glossary, summary
from quivers.report.troubles import troubles
from quivers.sampling_defaults import (
    ALGORITHMS,
    ENGINE,
    MASS_MATRICES,
    MAX_TREE_DEPTH,
    REPARAMETERIZATION,
    STARTS,
    TARGET_ACCEPT,
)

GIVEN = "given with the run"  # data that are in no file
USUAL = {
    "thin": 1,
    "target_accept": TARGET_ACCEPT,
    "algorithm": ALGORITHMS[0],
    "max_tree_depth": MAX_TREE_DEPTH,
    "mass_matrix": MASS_MATRICES[0],
    "init": STARTS[0],
    "engine": ENGINE,
    "reparameterize": REPARAMETERIZATION,
}
TERMS = {
    "divergent": "A draw whose trajectory broke off; where they gather, the posterior is hardly visited.",
    "90 % interval": "With the model and the data, the quantity lies in it with a probability of 90 %.",
}


@record
class Section:
    """A part of the page under a heading; `key` is what links lead to."""

    key: str
    title: str
    body: str


def page(
    program_text: bytes,
    program: str,
    result: Mapping[str, Any],
    *,
    file: str,
    data: str | None,
    finished: float,
    stale: bool,
    charts: Mapping[str, Sequence[Chart]] | None = None,
    sections: Sequence[Section] = (),
    terms: Mapping[str, str] | None = None,
    versions: Mapping[str, str] | None = None,
    remark: str | None = None,
    made: int | None = None,
) -> str:
    """The whole page as HTML. `program_text` is the file that ran, `result` what the worker answered.

    `finished` is the time of the answer in seconds since 1970; `data` says where the data are from, if any.
    `charts` are those of each site in place of its histogram, `sections` come after the posterior, and
    `terms` are what these speak of. `remark` says above all else what the page lacks;
    `made` is how many draws each chain has, where it was to have more.
    """
    sites = {name: posterior(name, entry, result["labels"]) for name, entry in result["sites"].items()}
    checked = check_source(program_text)
    known = checked.programs.get(program)
    drawn = "" if known is None else plate(program_text, checked, known)
    all_sections = [
        Section("summary", "Summary", summary(result["summary"])),
        Section("program", "The program", source(program_text, known, sites) + drawn),
        Section("posterior", "The posterior", _sites(sites, charts)),
        *sections,
        Section("words", "Glossary", glossary({**TERMS, **(terms or {})})),
        Section("run", "This run", _run(result, file, data, versions or {})),
    ]
    keys = [each.key for each in all_sections]
    links = "".join([f'<li><a href="#{each.key}">{escape(each.title)}</a></li>' for each in all_sections])
    outdated = '<p class="stale">The model or its data have changed since this run.</p>' if stale else ""
    lacking = "" if remark is None else f'<p class="remark">{escape(remark)}</p>'
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy()}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(f'{program} · {file}')}</title>\n<style>{_resource('report.css')}</style>\n</head>\n"
        "<body>\n"
        f"<header><h1>{escape(program)}</h1>\n{_facts(result, file, data, finished, made)}\n</header>\n"
        f'<nav aria-label="Sections"><ul>{links}</ul></nav>\n<main>\n{outdated}{lacking}'
        f"{troubles(result, keys)}\n"
        + "\n".join([_section(each) for each in all_sections])
        + f"\n</main>\n<script>{_resource('charts.js')}</script>\n</body>\n</html>\n"
    )


def _section(each: Section) -> str:
    return f'<section id="{each.key}" class="part"><h2>{escape(each.title)}</h2>\n{each.body}</section>'


@cache
def _resource(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


@cache
def _policy() -> str:
    """No request at all; of scripts only the page's own, by its hash."""
    digest = base64.b64encode(hashlib.sha256(_resource("charts.js").encode()).digest()).decode()
    return f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'"


# -------------------------------------------------------------------- the run


def _facts(result: Mapping[str, Any], file: str, data: str | None, finished: float, made: int | None) -> str:
    rows = result["summary"].values()
    r_hats = [row["r_hat"] for row in rows if row["r_hat"] is not None]
    sizes = [row[part] for row in rows for part in ("ess_bulk", "ess_tail") if row[part] is not None]
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(finished))
    facts = [
        ("Model", file),
        ("Data", data or "none"),
        ("Draws", f"{result['chains']} × {result['draws'] if made is None else made:,}"),
        ("Worst R̂", f"{max(r_hats):.3f}" if r_hats else "–"),
        ("Least ESS", f"{min(sizes):,.0f}" if sizes else "–"),
        ("Divergences", f"{result['divergences']:,}"),
        ("Finished", when),
    ]
    return f'<dl class="facts">{_pairs(facts)}</dl>'


def _run(result: Mapping[str, Any], file: str, data: str | None, versions: Mapping[str, str]) -> str:
    """All that it takes to run it again, and what it took."""
    settings = result["settings"]
    seconds = result["seconds"]
    given = [
        f"{name.replace('_', ' ')} {value if isinstance(value, str) else f'{value:g}'}"
        for name, value in settings.items()
        if isinstance(value, str | int | float) and name not in ("seed", "chains", "warmup", "draws")
    ]
    reason = f" ({result['engine_reason']})" if result["engine_reason"] else ""
    facts = [
        ("Seed", str(result["seed"])),
        ("Chains", f"{result['chains']} of {result['warmup']:,} warm-up and {result['draws']:,} kept draws"),
        ("Settings", ", ".join(given)),
        ("Engine", result["engine"] + reason),
        ("Time", ", ".join([f"{name} {value:.2f} s" for name, value in seconds.items()])),
        ("Data fingerprint", result["data_fingerprint"]),
        ("Versions", ", ".join([f"{name} {version}" for name, version in versions.items()])),
        ("Again", _command(result, file, data)),
    ]
    return f'<dl class="run">{_pairs([fact for fact in facts if fact[1]])}</dl>'


def _command(result: Mapping[str, Any], file: str, data: str | None) -> str:
    """The command that draws the same: with the data, where they aren't found by the model's name."""
    words = ["qvr", "run", file]
    beside = f"{file.removesuffix('.qvr')}.data"
    if data is not None and data != GIVEN and PurePath(data).stem != beside:
        for name in data.split(", "):
            words += ["--data", name]
    words += ["--program", result["program"], "--seed", str(result["seed"])]
    words += ["--chains", str(result["chains"]), "--warmup", str(result["warmup"])]
    words += ["--draws", str(result["draws"])]
    for name, usual in USUAL.items():
        value = result["settings"].get(name)
        if value is not None and value != usual and isinstance(value, str | int | float):
            words += [f"--{name.replace('_', '-')}", str(value)]
    return shlex.join(words)


def _pairs(facts: Sequence[tuple[str, str]]) -> str:
    return "".join([f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts])


# -------------------------------------------------------------------- the posterior


def _sites(sites: Mapping[str, Posterior], charts: Mapping[str, Sequence[Chart]] | None) -> str:
    return f'<div class="sites">{"".join([_site(each, charts) for each in sites.values()])}</div>'


def _site(found: Posterior, charts: Mapping[str, Sequence[Chart]] | None) -> str:
    over = " ⊗ ".join(found.axes)
    heading = escape(found.name) + (f' <span class="axes">over {escape(over)}</span>' if over else "")
    own = list(charts.get(found.name, ())) if charts is not None else [_histogram(found)]
    shown = [chart for chart in (*own, intervals(found)) if chart is not None]
    drawn = "".join([figure(chart) for chart in shown])
    size = "wide-site" if len(shown) > 1 else "narrow-site"
    return (
        f'<section class="site {size}"><h3>{heading}</h3><p class="said">{escape(text(found))}</p>'
        f'<div class="charts">{drawn}</div></section>'
    )


def _histogram(found: Posterior) -> Chart | None:
    """The histogram of a site's draws, where the draws themselves are not at hand."""
    drawn: Histogram | None = found.histogram
    if drawn is None or max(drawn.counts, default=0) <= 0:
        return None
    wide = (drawn.high - drawn.low) / len(drawn.counts)
    edges = [drawn.low + wide * place for place in range(len(drawn.counts) + 1)]
    note = f"all {len(found.mean):,} elements together" if found.shape else ""
    return Chart(
        f"histogram-{found.name}",
        f"Histogram of {found.name}",
        f"From {significant(drawn.low)} to {significant(drawn.high)}.",
        Scale(drawn.low, drawn.high, found.name),
        Scale(0.0, 1.05 * max(drawn.counts), "", ticks=False),
        [Series("draws", "bars", edges, drawn.counts, "c1")],
        note=note,
        legend=False,
    )
