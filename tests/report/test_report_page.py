"""The page of a run: what stands on it, what it refuses, and the numbers behind its charts."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from quivers.check.analysis import check_source
from quivers.cli import main
from quivers.data import bind
from quivers.dsl import loads
from quivers.ide.posteriors import Posterior
from quivers.inference import MCMC, MCMCResult, NUTSKernel
from quivers.inference.criticism.psis_loo import psis_loo
from quivers.report import mixing
from quivers.report.chart import Scale, svg, ticks, ticks_of
from quivers.report.density import density
from quivers.report.evidence import evidence
from quivers.report.full import full_page
from quivers.report.intervals import MOST_ELEMENTS, MOST_NAMED, intervals
from quivers.worker.messages import Settings
from quivers.worker.runs import answer

SCHOOLS = """\
object School : FinSet 4

program schools : School -> School
    sample mu <- Normal(0.0, 5.0)
    sample tau <- HalfNormal(5.0)
    sample eta : School <- Normal(0.0, 1.0)
    let theta = mu + tau * eta
    observe y : School <- Normal(theta, 10.0)
    return theta
"""


def ran(text: str, data: dict[str, object], draws: int = 200) -> MCMCResult:
    model = loads(text).morphism
    return MCMC(NUTSKernel(), num_warmup=200, num_samples=draws, num_chains=2, seed=1).run(model, None, data)


def page_of(result: MCMCResult, text: str, program: str) -> str:
    settings = Settings(seed=1, chains=2, warmup=200, draws=200)
    seconds = {"compile": 0.1, "sample": 0.2, "total": 0.3}
    checked = check_source(text.encode())
    bound = bind(checked, checked.programs[program], result.run.observations)
    told = answer(result, program, settings, seconds, bound)
    return full_page(
        result, told, text.encode(), file="m.qvr", data=None, finished=0.0, versions={"qvr": "<0>"}
    )


@pytest.fixture(scope="module")
def result() -> MCMCResult:
    return ran(SCHOOLS, {"y": [28.0, 8.0, -3.0, 7.0]})


@pytest.fixture(scope="module")
def text(result: MCMCResult) -> str:
    return page_of(result, SCHOOLS, "schools")


def test_the_page_asks_for_nothing_and_allows_only_its_own_script(text: str) -> None:
    [policy] = re.findall(r'Content-Security-Policy" content="([^"]+)"', text)
    script = text.rpartition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; ")
    assert f"'sha256-{digest}'" in policy
    assert len(script.encode()) <= 20_000
    assert not re.findall(r"<link|<img|<iframe|\bsrc=|@import|url\((?!#)", text)


def test_every_chart_has_numbers_for_the_script_and_words_for_those_who_do_not_see_it(text: str) -> None:
    numbers = re.findall(r'<script type="application/json">(.*?)</script>', text, re.DOTALL)
    assert len(numbers) == text.count('<div class="plot">') > 10
    for each in map(json.loads, numbers):
        assert each["s"][0]["x"]
        for own in each["s"]:
            count = len(own["p"]) / 2 if "p" in own else len(own["y"])
            assert count == len(own.get("x", [0] * int(count)))
    assert text.count('role="img" aria-label="') >= len(numbers)
    assert re.search(r'aria-label="Trace of tau\. 2 chains of 200 draws, from \S+ to \S+; R̂ \d', text)


def test_ids_are_of_one_element_each(text: str) -> None:
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_the_run_can_be_repeated_from_what_the_page_says(text: str) -> None:
    assert "qvr run m.qvr --program schools --seed 1 --chains 2 --warmup 200 --draws 200" in text
    assert re.search(r"Data fingerprint</dt><dd>[0-9a-f]{32}<", text)
    assert "qvr &lt;0&gt;" in text


def test_an_improper_prior_and_a_program_without_data_are_said_in_sentences() -> None:
    flat = (
        "program p : Real -> Real\n    sample mu <- Flat()\n    observe y <- Normal(mu, 1.0)\n    return mu\n"
    )
    page = page_of(ran(flat, {"y": 1.0}), flat, "p")
    assert "The prior can&#x27;t be drawn from: `mu` has the improper prior Flat" in page
    assert "Density of mu" in page
    bare = "program p : Real -> Real\n    sample mu <- Normal(0.0, 1.0)\n    return mu\n"
    page = page_of(ran(bare, {}), bare, "p")
    assert "The program observes nothing" in page
    assert "There are no two numbers to look at together." in page


def test_counts_are_shown_as_bars() -> None:
    counted = """\
object Day : FinSet
program p : Day -> Real
    sample rate <- Gamma(2.0, 1.0)
    observe n : Day <- Poisson(rate)
    return rate
"""
    page = page_of(ran(counted, {"n": [0, 1, 3, 2, 2, 0, 4]}), counted, "p")
    assert "Counts of n" in page
    assert "Density of n" not in page


def test_loo_is_arviz_s_where_draws_count_as_independent(result: MCMCResult) -> None:
    arviz = pytest.importorskip("arviz")
    from quivers.inference.criticism.leave_one_out import _inference_data

    theirs = arviz.loo(_inference_data(result, None, arviz), pointwise=True, reff=1.0)
    ours = psis_loo(result)
    assert ours.elpd == pytest.approx(float(theirs.elpd_loo), abs=1e-6)
    assert ours.se == pytest.approx(float(theirs.se), rel=1e-6)
    assert ours.effective == pytest.approx(float(theirs.p_loo), abs=1e-6)
    assert ours.pareto_k == pytest.approx(theirs.pareto_k.values, abs=1e-4)
    assert ours.names == ("y[1]", "y[2]", "y[3]", "y[4]")


def test_the_density_of_a_scale_does_not_fall_off_at_zero() -> None:
    draws = np.abs(np.random.default_rng(1).normal(size=20_000))
    xs, ys = density(draws, 0.0, 4.0, (0.0, math.inf))
    truth = math.sqrt(2 / math.pi) * np.exp(-(xs**2) / 2)
    # The kernel's variance at n = 20,000 is below 0.015², its bias below 0.02.
    assert np.abs(ys - truth).max() < 0.06
    assert np.trapezoid(ys, xs) == pytest.approx(1.0, abs=0.01)


def test_ranks_show_a_chain_that_lies_elsewhere(result: MCMCResult) -> None:
    known = evidence(result)
    known.samples["mu"][1] += 100.0
    row = next(row for row in known.rows if row.name == "mu")
    chart = mixing.ranks(row, known)
    assert chart is not None
    assert "lie outside the band" in chart.told
    steps = [each for each in chart.series if each.kind == "step"]
    assert sum(steps[0].ys[:10]) == sum(steps[1].ys[10:]) == 200
    known.samples["mu"][1] -= 100.0


@pytest.mark.parametrize("size", [8, MOST_NAMED, 300, 3000])
def test_elements_by_the_hundreds_stay_readable(size: int) -> None:
    means = [math.sin(number) for number in range(size)]
    found = Posterior(
        "county", ("County",), (size,), tuple(means), (0.1,) * size,
        tuple(mean - 0.2 for mean in means), tuple(mean + 0.2 for mean in means),
    )  # fmt: skip
    chart = intervals(found)
    assert chart is not None
    [marks] = [each for each in chart.series if each.kind == "intervals"]
    assert len(marks.texts) == min(size, MOST_ELEMENTS)
    if size > MOST_NAMED:
        assert list(marks.xs) == sorted(marks.xs)
    heights = [float(y) for y in re.findall(r'y="([\d.]+)">county\[', svg(chart))]
    assert all(b - a >= 13.9 for a, b in pairwise(heights))
    assert chart.height < 2100


def test_ticks_are_round_numbers_within_the_axis() -> None:
    assert ticks(-1.3, 9.9, 6) == [0, 2, 4, 6, 8]
    assert ticks_of(Scale(0.05, 20.0, log=True), 5) == pytest.approx([0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20])


# ------------------------------------------------------------------------- the command


def test_the_command_writes_the_page_beside_the_model_and_of_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m.qvr").write_text(SCHOOLS)
    Path("m.data.json").write_text('{"y": [28, 8, -3, 7]}')
    few = ["--draws", "50", "--warmup", "100", "--quiet"]
    assert main(["report", "m.qvr", *few]) == 0
    assert "Wrote m.html" in capsys.readouterr().err
    assert main(["run", "m.qvr", "--report", "run.html", *few]) == 0
    assert main(["report", "latest", "-o", "saved.html"]) == 0
    charts = [
        re.findall(r'<script type="application/json">.*?</script>', Path(name).read_text("utf-8"), re.DOTALL)
        for name in ("m.html", "run.html", "saved.html")
    ]
    assert charts[0] == charts[1] == charts[2]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["report", "m.qvr", "-o", "nowhere/r.html"], "nowhere/r.html cannot be written: there is no folder"),
        (["report", "m.qvr", "-o", "."], ". is a directory: name a file, such as report.html."),
        (["report", "-"], "A model from standard input has no folder for its report: name a file with -o."),
        (["report", "absent.qvr"], "absent.qvr does not exist."),
        (["run", "m.qvr", "--report", "nowhere/r.html"], "there is no folder nowhere"),
    ],
)
def test_a_page_that_can_not_be_written_is_refused_before_the_run(
    arguments: list[str],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m.qvr").write_text(SCHOOLS)
    Path("m.data.json").write_text('{"y": [28, 8, -3, 7]}')
    assert main(arguments) in (1, 2)
    told = capsys.readouterr()
    assert sentence in told.err
    assert told.out == ""
