"""The report's traces and ranks: the band that ranks keep within, and the elements that can be chosen."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pytest
from numpy.typing import NDArray
from test_report_page import SCHOOLS, page_of, ran

from quivers.dsl import loads
from quivers.inference import MCMC, MCMCResult, NUTSKernel
from quivers.report import elements, mixing
from quivers.report.evidence import evidence
from quivers.report.packing import ALPHABET, packed
from quivers.report.rank_band import rank_band


@pytest.fixture(scope="module")
def result() -> MCMCResult:
    return ran(SCHOOLS, {"y": [28.0, 8.0, -3.0, 7.0]})


def unpacked(text: str, low: float, high: float) -> NDArray[np.float64]:
    digits = np.array([bytes(ALPHABET).decode().index(each) for each in text]).reshape(-1, 2)
    steps: NDArray[np.float64] = (64.0 * digits[:, 0] + digits[:, 1]) / 4094
    return low + (high - low) * steps


@pytest.mark.parametrize(("chains", "draws"), [(2, 1000), (4, 400)])
def test_all_bins_of_chains_that_agree_stay_in_the_band_as_often_as_it_says(chains: int, draws: int) -> None:
    runs, bins = 2000, 20
    low, high = rank_band(chains, draws, bins, math.inf)
    generator = np.random.default_rng(5)
    bin_of = np.repeat(np.arange(bins), chains * draws // bins)
    inside = 0
    for _ in range(runs):
        dealt = generator.permutation(bin_of).reshape(chains, draws)
        counts = np.stack([np.bincount(each, minlength=bins) for each in dealt])
        inside += bool(((low <= counts) & (counts <= high)).all())
    # Four binomial standard deviations below 0.95; counts are whole, so the band may hold somewhat more.
    assert 0.95 - 4 * math.sqrt(0.95 * 0.05 / runs) < inside / runs < 0.995


def test_draws_that_hang_together_widen_the_band_as_far_as_their_effective_number() -> None:
    low, high = rank_band(4, 1000, 20, 400.0)
    fewer = rank_band(4, 100, 20, math.inf)
    assert (low, high) == (fewer[0] * 10, fewer[1] * 10)
    assert (
        rank_band(4, 1000, 20, 9999.0) == rank_band(4, 1000, 20, math.nan) == rank_band(4, 1000, 20, 4000.0)
    )


def test_equal_draws_favour_no_chain(result: MCMCResult) -> None:
    known = evidence(result)
    row = next(row for row in known.rows if row.name == "mu")
    before = known.samples["mu"].copy()
    known.samples["mu"][...] = np.arange(200) % 2  # half of each chain's draws are 0, half 1
    try:
        counts = np.array(mixing.ranked(row, known))
    finally:
        known.samples["mu"][...] = before
    low, high = rank_band(2, 200, 20, math.inf)
    assert counts.sum() == 400
    assert ((low <= counts) & (counts <= high)).all()


def test_packed_draws_are_read_to_a_step_of_their_range() -> None:
    values = np.random.default_rng(2).normal(size=500)
    low, high = float(values.min()), float(values.max())
    assert (
        np.abs(unpacked(packed(values, low, high), low, high) - values).max()
        <= (high - low) / 4094 / 2 * 1.001
    )
    assert packed([math.nan, 1.0, 0.0], 0.0, 1.0) == "//" + "/+" + "AA"
    assert packed([2.0, 2.0], 2.0, 2.0) == "AAAA"


def test_every_element_can_be_chosen_the_worst_first_with_its_own_draws(result: MCMCResult) -> None:
    text = page_of(result, SCHOOLS, "schools")
    known = evidence(result)
    lists = re.findall(r"Element of (\w+) <select[^>]*>(.*?)</select>", text, re.DOTALL)
    assert sorted(name for name, _ in lists) == ["eta", "theta"]
    for (_, options), told in zip(
        lists, re.findall(r'class="drawn">(.*?)</script>', text, re.DOTALL), strict=True
    ):
        numbers = json.loads(told)
        assert [each["n"] for each in numbers["e"]] == re.findall(r">(\w+\[\d\]) ·", options)
        rows = {row.name: row for row in known.rows}
        sizes = [mixing.effective(rows[each["n"]]) for each in numbers["e"]]
        assert sizes == sorted(sizes)
        assert len(sizes) == 4
        for each in numbers["e"]:
            draws = mixing.draws_of(rows[each["n"]], known)
            shown = draws[:, :: numbers["every"]].reshape(-1)
            low, high = each["r"]
            step = (high - low) / 4094
            assert np.abs(unpacked(each["p"], low, high) - shown).max() < step + 1e-5 * (high - low)
            assert np.sum(each["c"], axis=1).tolist() == [200, 200]


@pytest.mark.parametrize("size", [30, 10_000])
def test_the_draws_to_choose_from_stay_within_the_budget_and_say_what_is_left_out(
    result: MCMCResult, size: int
) -> None:
    known = evidence(result)
    rows = mixing.by_site(known)["theta"]
    offers, step = elements.offered({"theta": rows * (size // 4), "eta": rows * 2, "mu": rows[:1]}, known, 1)
    assert set(offers) == {"theta", "eta"}
    assert len(offers["eta"]) == 8
    text = elements.choice("theta", offers["theta"], size, known, step)
    assert len(text) < 1.3 * elements.BUDGET
    assert ("worst first" in text) == (size == 28)
    assert step >= 1


def test_one_chain_has_traces_and_no_ranks(result: MCMCResult) -> None:
    text = "program p : Real -> Real\n    sample mu <- Normal(0.0, 1.0)\n    return mu\n"
    one = MCMC(NUTSKernel(), num_warmup=50, num_samples=3, num_chains=1, seed=1).run(loads(text).morphism)
    page = page_of(one, text, "p")
    assert "Trace of mu" in page
    assert "Ranks of mu" not in page
    assert "takes at least two" in page
    assert "The run has too few draws to tell whether it is sound." in page


def test_names_as_data_have_them_neither_break_the_page_nor_its_width() -> None:
    model = SCHOOLS.replace("FinSet 4", "FinSet")
    names = ["</script><b>", "\"a\" & 'b'", "שלום", "x" * 300]
    page = page_of(ran(model, {"y": [28.0, 8.0, -3.0, 7.0], "School": names}), model, "schools")
    assert "</script><b>" not in page
    assert page.count("<script") == page.count("</script>")
    for told in re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL):
        json.loads(told)
    shown = re.sub(
        r"<[^>]*>|<script.*?</script>",
        "",
        re.sub(r"<(script|title)[^>]*>.*?</\1>", "", page, flags=re.DOTALL),
    )
    assert "x" * 61 not in shown
