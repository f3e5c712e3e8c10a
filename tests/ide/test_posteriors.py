"""Posteriors in words: one line beside a draw, a table in a hover, and the words of a run under way."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quivers.ide.posteriors import (
    BARS,
    Histogram,
    Posterior,
    decimal,
    mean_and_sd,
    means_bars,
    paragraphs,
    posterior,
    shape_bars,
    text,
)
from quivers.ide.runs import RunTarget, answer_text, ending_text, lens_title, progress_text
from quivers.syntax.ast import Span

BELL = Histogram(
    -1.0, 1.0, (0, 0, 1, 2, 4, 7, 11, 16, 22, 28, 33, 36, 36, 33, 28, 22, 16, 11, 7, 4, 2, 1, 0, 0)
)
MU = Posterior("mu", (), (), (3.3123,), (2.4871,), (-0.8,), (7.4,), 1.001, 1500.0, BELL)
THETA = Posterior(
    "theta",
    ("School",),
    (8,),
    (6.21, 4.92, 4.08, 4.81, 4.11, 4.33, 6.18, 5.02),
    (5.5, 4.6, 5.2, 4.7, 4.6, 4.8, 5.0, 5.3),
    (-1.0,) * 8,
    (14.0,) * 8,
    1.003,
    900.0,
    BELL,
)


def test_a_scalar_is_its_mean_sd_shape_and_r_hat() -> None:
    assert text(MU) == "3.31 ± 2.49 ▁▂▅██▅▂▁ R̂ 1.00"


def test_a_plate_is_its_size_the_range_of_its_means_and_the_means_in_order() -> None:
    assert text(THETA) == "8 × 4.1 … 6.2 █▄▁▃▁▂█▄ R̂ 1.00"


def test_what_is_stale_or_under_way_says_so() -> None:
    entry = {"shape": [], "mean": [3.31], "sd": [2.49], "histogram": None}
    assert text(posterior("mu", entry, done=0.633)) == "3.3 ± 2.5 · 63 %"
    assert text(posterior("mu", entry, stale=True)).endswith(" · stale")


@pytest.mark.parametrize(
    ("mean", "sd", "ess", "told"),
    [
        (3.3123, 2.4871, 1500.0, "3.31 ± 2.49"),
        (3.3123, 2.4871, 15.0, "3.3 ± 2.5"),
        (-12345.6, 220.0, 400.0, "−12350 ± 220"),
        (0.00012, 0.000045, 1000.0, "0.000120 ± 4.5e−5"),
        (-0.001, 0.5, 400.0, "0.00 ± 0.50"),
        (4.0, 0.0, None, "4"),
        (None, None, None, "no number"),
        (2.5e9, 1.0e8, 100.0, "2.50e9 ± 1.0e8"),
    ],
)
def test_numbers_end_where_their_monte_carlo_error_begins(
    mean: float | None, sd: float | None, ess: float | None, told: str
) -> None:
    assert mean_and_sd(mean, sd, ess) == told


def test_a_hover_has_a_row_for_each_element_up_to_twelve() -> None:
    heading, table = paragraphs(THETA)
    assert heading.startswith("**Posterior** · R̂ 1.00 · effective draws 900")
    lines = table.splitlines()
    assert lines[0] == "|  | mean | sd | 5 % | 95 % |"
    assert lines[2] == "| theta[1] | 6.2 | 5.5 | −1.0 | 14.0 |"
    assert len(lines) == 10
    wide = Posterior("beta", ("A", "B"), (5, 4), (1.0,) * 20, (0.1,) * 20)
    rows = paragraphs(wide)[1].splitlines()
    assert rows[2].startswith("| beta[1,1] |")
    assert rows[7].startswith("| beta[2,2] |")
    assert rows[-1].startswith("| … | 8 more |")


def test_a_stale_hover_says_why() -> None:
    stale = posterior("mu", {"shape": [], "mean": [1.0], "sd": [1.0], "histogram": None}, stale=True)
    assert "stale" in paragraphs(stale)[0]


def test_elements_that_have_no_number_show_none() -> None:
    entry = {"shape": [2], "mean": [None, 1.0], "sd": [None, 0.1], "histogram": None}
    assert text(posterior("x", entry)) == "2 × 1.00"
    assert "| x[1] | – | – |" in paragraphs(posterior("x", entry))[1]


def test_bars_of_many_elements_stand_for_neighbours() -> None:
    assert means_bars([float(value) for value in range(1000)]) == "▁▁▂▂▃▃▄▄▅▅▆▆▇▇██"
    assert means_bars([1.0]) == means_bars([2.0, 2.0]) == ""
    assert shape_bars(Histogram(0.0, 1.0, (0,) * 24)) == ""


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(-12, 12))
def test_a_rounded_number_is_near_the_number(value: float, places: int) -> None:
    back = float(decimal(value, places).replace("−", "-"))
    assert abs(back - value) <= 0.51 * 10.0**-places + 1e-3 * abs(value) * (
        abs(value) >= 1e6 or abs(value) < 1e-3
    )


@given(
    st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False, width=32)), max_size=40),
    st.one_of(st.none(), st.floats(0, 1e6)),
)
def test_no_numbers_make_it_raise(means: list[float | None], ess: float | None) -> None:
    found = Posterior("x", ("A",), (len(means),), tuple(means), tuple(means), (), (), 1.0, ess)
    assert "R̂ 1.00" in text(found)
    assert set(means_bars(means)) <= set(BARS)
    paragraphs(found)


# -------------------------------------------------------------------- of runs


TARGET = RunTarget("schools", Span(0, 1), "▶ Run schools", runnable=True)


def test_a_lens_says_what_the_last_run_said() -> None:
    assert lens_title(TARGET) == "▶ Run schools"
    assert lens_title(TARGET, last="R̂ 1.00, 0 divergences") == "▶ Run · last: R̂ 1.00, 0 divergences"
    stale = lens_title(TARGET, last="R̂ 1.00, 0 divergences", stale=True)
    assert stale == "▶ Run · last: R̂ 1.00, 0 divergences · stale"
    assert lens_title(TARGET, last="R̂ 1.00, 0 divergences", running=63) == "■ Stop · 63 %"


def report(chain: int, phase: str, done: int, divergences: int, **more: Any) -> dict[str, Any]:
    return {
        **{"chain": chain, "chains": 2, "phase": phase, "done": done, "total": 2000},
        **{"divergences": divergences, **more},
    }


def test_progress_tells_of_each_chain_and_the_mean_of_all() -> None:
    chains = [
        report(1, "warm-up", 500, 0, draws_per_second=None, seconds_left=None),
        report(0, "sampling", 1500, 3, draws_per_second=1310.4, seconds_left=4.2),
    ]
    assert progress_text(chains) == (
        50,
        "warm-up · 1: 75 %, 1,310 draws/s, 3 divergences, 4 s left · 2: 25 %",
    )
    assert progress_text(chains[1:])[0] == 37
    slow = report(0, "sampling", 10, 1, draws_per_second=0.25, seconds_left=8000.0)
    assert progress_text([slow])[1] == "sampling · 1: 0 %, 0.2 draws/s, 1 divergence, 2.2 h left"


def test_the_end_of_a_run_names_the_worst_r_hat() -> None:
    rows = {"tau": {"r_hat": 1.004}, "mu": {"r_hat": 1.02}, "c": {"r_hat": None}}
    result = {"summary": rows, "divergences": 1, "seconds": {"total": 1.234}}
    assert answer_text(result) == "R̂ 1.02, 1 divergence"
    assert ending_text(result) == "R̂ 1.02, 1 divergence, 1.2 s"
    assert answer_text({"summary": {}, "divergences": 0}) == "0 divergences"


def test_the_decimals_of_no_number_and_of_zero() -> None:
    assert decimal(None, 2) == "–"
    assert decimal(0.0, 2) == "0.00"
    assert not math.isnan(float(decimal(-0.0, 1)))
