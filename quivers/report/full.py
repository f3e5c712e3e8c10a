"""The page of a run whose draws are at hand: with all its charts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from quivers.ide.posteriors import decimal, posterior
from quivers.inference.psis import LARGEST_K
from quivers.report import criticism, elements, geometry, mixing
from quivers.report.chart import figure
from quivers.report.densities import densities
from quivers.report.evidence import Evidence, evidence
from quivers.report.page import Section, page

if TYPE_CHECKING:
    from quivers.inference.criticism.predictive_check import CheckRow
    from quivers.inference.mcmc_result import MCMCResult

TERMS = {
    "trace": "The draws of each chain in order. Chains that agree wander over one range, with no trend.",
    "ranks": "All draws are ranked together; where chains agree, each has its share of every bin of ranks."
    " The band allows for chance, and for draws that hang together (Säilynoja, Bürkner and Vehtari 2022).",
    "E-BFMI": "How well the sampler moves between energies, chain by chain; below 0.3 it moves too slowly.",
    "p": "The share of data sets drawn anew whose statistic is at least the observed one; near 0 or 1 the"
    " model hardly gives data like these.",
    "elpd": "The sum of each observation's log density, predicted from all the others; higher is better.",
    "p_loo": "The effective number of parameters: how far the fit follows the observations it is judged by.",
    "k̂": "How far the posterior rests on one observation; above 0.7 its part of elpd is not reliable.",
}


def full_page(
    result: MCMCResult,
    answer: Mapping[str, Any],
    program_text: bytes,
    *,
    file: str,
    data: str | None,
    finished: float,
    versions: Mapping[str, str],
    stale: bool = False,
) -> str:
    """The page; `answer` is the run as a worker tells it (`quivers.worker.runs.answer`)."""
    known = evidence(result)
    made, wanted = result.divergences.shape[1], result.run.wanted
    remark = None
    if made < wanted:
        remark = f"The run was interrupted: of {wanted:,} draws of each chain there are {made:,}."
    charts = {}
    for name, entry in answer["sites"].items():
        own = densities(posterior(name, entry, answer["labels"]), known)
        charts[name] = [] if own is None else [own]
    sections = [
        Section("checks", "Predictions", _predictions(known)),
        Section("left-out", "Leave-one-out", _left_out(known)),
        Section("chains", "Chains", _chains(known)),
        Section("energy", "Energies", _energy(known)),
        Section("pairs", "Pairs", _pairs(known)),
    ]
    if isinstance(known.prior, str):
        note = f"<p>{escape(known.prior)}</p>"
        sections.insert(0, Section("prior", "The prior", note))
    return page(
        program_text,
        answer["program"],
        answer,
        file=file,
        data=data,
        finished=finished,
        stale=stale,
        charts=charts,
        sections=sections,
        terms=TERMS,
        versions=versions,
        made=made,
        remark=remark,
    )


def _predictions(known: Evidence) -> str:
    if isinstance(known.checks, str):
        return f"<p>{escape(known.checks)}</p>"
    drawn = "".join([figure(chart) for chart in criticism.predictions(known)])
    if not known.checks:
        return "<p>The program observes nothing, so there are no data to compare with.</p>"
    return (
        "<p>The fitted program draws the data anew at each draw of the posterior. A model that fits gives"
        f' data like those observed.</p><div class="charts">{drawn}</div>{_checks(known.checks)}'
    )


def _checks(rows: tuple[CheckRow, ...]) -> str:
    heads = "".join(
        [f'<th scope="col">{title}</th>' for title in ("observed", "predicted", "5 %", "95 %", "p")]
    )
    body = []
    for row in rows:
        spread = (row.q95 - row.q5) / 20 or abs(row.mean) / 100 or 1.0
        places = -math.floor(math.log10(spread))
        told = [decimal(value, places) for value in (row.observed, row.mean, row.q5, row.q95)]
        cells = "".join([f"<td>{escape(each)}</td>" for each in told])
        doubtful = ' class="doubtful"' if not 0.01 <= row.p <= 0.99 else ""
        name = escape(f"{row.statistic} of {row.site}")
        body.append(f'<tr><th scope="row">{name}</th>{cells}<td{doubtful}>{row.p:.2f}</td></tr>')
    return (
        '<div class="wide checks" tabindex="0" role="region" aria-label="Statistics of data drawn anew">'
        f'<table class="figures"><thead><tr><td></td>{heads}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def _left_out(known: Evidence) -> str:
    left_out = known.left_out
    chart = criticism.reliability(known)
    if isinstance(left_out, str) or chart is None:
        return f"<p>{escape(str(left_out))}</p>"
    high = int((left_out.pareto_k > LARGEST_K).sum())
    one = high == 1
    verdict = (
        "All k̂ are at most 0.7, so this can be relied on."
        if high == 0
        else f"{high} of {len(left_out.names):,} k̂ {'is' if one else 'are'} above 0.7: the posterior rests so"
        f" much on {'that observation' if one else 'those observations'} that elpd is too optimistic. Fit"
        f" again without {'it' if one else 'them'}, or look whether {'it errs' if one else 'they err'}."
    )
    return (
        f"<p>Predicted from all others, the observations have elpd <b>{decimal(left_out.elpd, 1)} ±"
        f" {decimal(left_out.se, 1)}</b>, with {decimal(left_out.effective, 1)} effective parameters"
        " (PSIS-LOO)."
        f' {verdict}</p><div class="charts">{figure(chart)}</div>'
    )


def _chains(known: Evidence) -> str:
    sites = mixing.by_site(known)
    if not sites:
        return "<p>No quantity of this run varies from draw to draw, so there is nothing to show.</p>"
    shown = dict(list(sites.items())[: mixing.MOST_SITES])
    step = mixing.every(known, len(shown))
    offers, step_of_offers = elements.offered(shown, known, step)
    chains = len(known.diverged)
    told = (
        "Chains that agree wander over the same range, and each has its share of every rank: in 95 of 100"
        " such runs all bins of all chains stay within the grey band."
        if chains > 1
        else "A chain that has settled wanders over one range, with no trend. Whether chains agree, and how"
        " their draws rank, takes at least two."
    )
    plural = any(len(rows) > 1 for rows in shown.values())
    worst = " Of each plate, the element with the fewest effective draws is shown first." if plural else ""
    left = len(sites) - len(shown)
    more = f" {left:,} further quantities, which have more effective draws, are left out." if left > 0 else ""
    body = []
    for name, rows in shown.items():
        offer = offers.get(name, [])
        choice = elements.choice(name, offer, len(rows), known, step_of_offers) if offer else ""
        ranks = mixing.ranks(rows[0], known)
        drawn = figure(mixing.trace(rows[0], known, step)) + ("" if ranks is None else figure(ranks))
        body.append(f'<div class="mixed">{choice}<div class="charts">{drawn}</div></div>')
    return f"<p>{told}{worst}{more}</p>{''.join(body)}"


def _energy(known: Evidence) -> str:
    chart = geometry.energy(known)
    if chart is None:
        return "<p>There are too few draws to compare energies.</p>"
    return (
        "<p>Where changes are much narrower than the energies themselves, the sampler moves slowly between"
        f' the posterior’s centre and its tails.</p><div class="charts">{figure(chart)}</div>'
    )


def _pairs(known: Evidence) -> str:
    drawn = geometry.pairs(known)
    if not drawn:
        return "<p>There are no two numbers to look at together.</p>"
    count = int(known.diverged.sum())
    marked = (
        f"The {count:,} divergent draws are marked; where they gather, the sampler can't go."
        if count > 1
        else "The divergent draw is marked."
        if count
        else "No draw is divergent."
    )
    body = "".join([figure(chart) for chart in drawn])
    return f'<p>The latents with the fewest effective draws. {marked}</p><div class="charts">{body}</div>'
