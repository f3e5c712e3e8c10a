"""Draws before any data are seen: their figures are the prior's, and what can't be drawn is told."""

from typing import Any

import numpy as np
import pytest

from quivers.backends.torch.module import ProgramModule
from quivers.check.analysis import check_source
from quivers.errors import DataError, QvrError
from quivers.inference.prior_predictive import prior_predictive
from quivers.results import PriorDraws

DRAWS = 4000
ITEMS = "object Item : FinSet 3\n\n"


def drawn(
    source: str, data: dict[str, Any] | None = None, *, draws: int = DRAWS, seed: int = 5
) -> PriorDraws:
    checked = check_source(source.encode())
    program = checked.program_to_run()
    assert program is not None, checked.diagnostics
    return prior_predictive(ProgramModule(checked, program), data or {}, draws=draws, seed=seed)


def program(*steps: str) -> str:
    body = "".join(f"    {step}\n" for step in steps)
    return f"{ITEMS}program p : Item -> Item\n{body}"


def agree(values: np.ndarray, mean: float, sd: float) -> None:
    """Each element's mean and sd lie within five Monte Carlo errors; the sd's error is that of a normal."""
    flat = values.reshape(len(values), -1)
    assert np.abs(flat.mean(axis=0) - mean).max() < 5.0 * sd / np.sqrt(len(flat))
    assert np.abs(flat.std(axis=0) - sd).max() < 5.0 * sd / np.sqrt(2.0 * len(flat))


HIERARCHY = program(
    "sample mu <- Normal(3.0, 2.0)",
    "sample theta : Item <- Normal(mu, 1.5)",
    "let half = theta / 2.0",
    "observe y : Item <- Normal(theta, sigma)",
    "return half",
)


def test_latents_observed_and_lets_have_the_moments_of_the_prior() -> None:
    found = drawn(HIERARCHY, {"sigma": 2.0})
    agree(found.samples["mu"], 3.0, 2.0)
    agree(found.samples["theta"], 3.0, 2.5)
    agree(found.samples["half"], 1.5, 1.25)
    agree(found.samples["y"], 3.0, np.sqrt(6.25 + 4.0))
    assert found.roles == {"mu": "latent", "theta": "latent", "half": "let", "y": "observed"}
    assert found.axes == {"mu": (), "theta": ("Item",), "half": ("Item",), "y": ("Item",)}
    assert found.data == {}
    assert found.problems == ()


def test_the_data_change_no_draw_and_are_kept_beside_them() -> None:
    without = drawn(HIERARCHY, {"sigma": 2.0}, draws=100)
    beside = drawn(HIERARCHY, {"sigma": 2.0, "y": [1.0, 2.0, 4.0]}, draws=100)
    assert all(np.array_equal(beside.samples[name], without.samples[name]) for name in without.samples)
    assert beside.data["y"].tolist() == [1.0, 2.0, 4.0]


def test_a_seed_gives_the_same_draws_and_another_one_others() -> None:
    first, same, other = (drawn(HIERARCHY, {"sigma": 1.0}, draws=10, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first.samples["y"], same.samples["y"])
    assert not np.array_equal(first.samples["y"], other.samples["y"])


def test_counts_are_drawn_as_whole_numbers_with_their_moments() -> None:
    found = drawn(program("sample rate <- Gamma(9.0, 3.0)", "observe k : Item <- Poisson(rate)", "return k"))
    assert (found.samples["k"] == np.floor(found.samples["k"])).all()
    agree(found.samples["k"], 3.0, np.sqrt(3.0 + 1.0))


def test_what_a_block_sums_out_is_drawn_too() -> None:
    source = program(
        "sample p <- Beta(3.0, 1.0)",
        "marginalize z <- Bernoulli(p)",
        "    observe y : Item <- Normal(4.0 * z, 1.0)",
        "let back = y",
        "return back",
    )
    found = drawn(source)
    agree(found.samples["y"], 3.0, np.sqrt(1.0 + 16.0 * 0.75 * 0.25))
    assert found.roles["z"] == "latent"
    assert found.samples["z"].mean() == pytest.approx(0.75, abs=0.03)


def test_the_steps_of_a_program_that_is_drawn_from_are_drawn_under_its_name() -> None:
    source = (
        f"{ITEMS}program pooled(spread : Real) : Item -> Item\n"
        "    sample z : Item <- Normal(0.0, 1.0)\n"
        "    let scaled = spread * z\n"
        "    return scaled\n\n"
        "program p : Item -> Item\n"
        "    sample theta <- pooled(2.0)\n"
        "    observe y : Item <- Normal(theta, 1.0)\n"
        "    return theta\n"
    )
    found = drawn(source)
    agree(found.samples["theta.z"], 0.0, 1.0)
    agree(found.samples["y"], 0.0, np.sqrt(5.0))


@pytest.mark.parametrize("family", ["Flat", "HalfFlat"])
def test_an_improper_prior_is_told_with_its_site(family: str) -> None:
    source = program(f"sample nu <- {family}()", "observe y : Item <- Normal(nu, 1.0)", "return y")
    with pytest.raises(QvrError, match=f"`nu` has the improper prior {family}, which spreads"):
        drawn(source)


def test_all_improper_priors_are_told_at_once() -> None:
    source = program(
        "sample nu <- Flat()",
        "sample sigma <- HalfFlat()",
        "observe y : Item <- Normal(nu, sigma)",
        "return y",
    )
    with pytest.raises(QvrError, match="`nu` and `sigma` have the improper prior Flat and HalfFlat, which"):
        drawn(source)


def test_what_uses_itself_is_drawn_given_the_data() -> None:
    source = program(
        "sample drift <- Normal(1.0, 0.5)",
        "let before = y[past]",
        "observe y : Item <- Normal(before + drift, 1.0)",
        "return y",
    )
    data = {"y": [10.0, 20.0, 30.0], "past": [0, 0, 1]}
    found = drawn(source, data)
    agree(found.samples["y"] - np.array([10.0, 10.0, 20.0]), 1.0, np.sqrt(1.25))
    assert found.problems[0] == (
        "Each element of y is drawn given the data: the program uses them before it draws them."
    )
    with pytest.raises(QvrError, match="y is observed and not given, but a step before its draw uses"):
        drawn(source, {"past": [0, 0, 1]})


def test_a_series_on_its_own_past_is_drawn_place_by_place() -> None:
    source = program(
        "sample drift <- Normal(1.0, 0.5)",
        "let before = if index(Item) >= 1 then lag(y, 1) else 0.0",
        "observe y : Item <- Normal(before + drift, 1.0)",
        "return y",
    )
    found = drawn(source)
    assert found.problems == ()
    steps = np.diff(found.samples["y"], axis=1, prepend=0.0)
    agree(steps, 1.0, np.sqrt(1.25))


def test_a_missing_input_is_told_but_no_missing_observation() -> None:
    with pytest.raises(DataError, match="sigma"):
        drawn(HIERARCHY, {"y": [1.0, 2.0, 3.0]})
    assert "y" in drawn(HIERARCHY, {"sigma": 1.0}, draws=10).samples


def test_scores_are_told_to_be_left_out() -> None:
    found = drawn(
        program(
            "sample mu <- Normal(0.0, 1.0)",
            "score pull = -(mu ^ 2.0)",
            "observe y : Item <- Normal(mu, 1.0)",
            "return y",
        ),
        draws=10,
    )
    assert found.problems == ("Prior draws take no account of the program's scores: `pull`.",)


def test_data_that_the_prior_rules_out_are_told() -> None:
    found = drawn(HIERARCHY, {"sigma": 1.0, "y": [1.0, 900.0, -900.0]})
    [problem] = found.problems
    assert problem.startswith("2 of the 3 observed values of y lie beyond all that the prior draws, -")


def test_draws_that_are_not_finite_are_counted() -> None:
    found = drawn(
        program("sample mu : Item <- Normal(0.0, 1.0)", "let ratio = mu / (mu - mu)", "return ratio")
    )
    [problem] = found.problems
    assert problem.startswith(f"In {DRAWS} of {DRAWS} draws from the prior ratio is not finite")
