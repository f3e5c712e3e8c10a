"""A result asked by name: sites, elements by level, figures as frames, and results that travel."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

import quivers
from quivers.errors import QvrError
from quivers.inference import MCMC, MCMCResult, Predictive

SOURCE = """\
object Pupil  : FinSet
object School : FinSet
data school : Pupil -> School
program scores : Pupil -> School [effects=[Sample, Score]]
    sample mu <- Normal(0.0, 5.0)
    sample theta : School <- Normal(mu, 1.0)
    observe y : Pupil <- Normal(theta[school], spread)
    return theta
"""
DATA = {"school": ["Eton", "Choate", "a, b", "Choate"], "y": [1.0, 2.0, 3.0, 4.0], "spread": 1.0}
SHORT: dict[str, Any] = {"chains": 2, "warmup": 150, "draws": 50}


@pytest.fixture(scope="module")
def result() -> MCMCResult:
    return quivers.fit(SOURCE, DATA, **SHORT)


def test_a_site_has_its_draws_with_named_axes(result: MCMCResult) -> None:
    theta = result["theta"]
    np.testing.assert_array_equal(theta, result.samples["theta"].numpy())
    assert theta.dims == ("chain", "draw", "School")
    assert theta.names == ("theta[Choate]", "theta[Eton]", 'theta["a, b"]')
    assert theta.flat.shape == (100, 3)
    np.testing.assert_array_equal(theta.flat[50:], theta.values[1])
    assert theta.mean().tolist() == pytest.approx([row.mean for row in result.summary()][1:])
    assert theta.sd().tolist() == pytest.approx([row.sd for row in result.summary()][1:])
    assert theta.quantile((0.05, 0.5))[0].tolist() == pytest.approx([r.q5 for r in result.summary()][1:])
    assert float(result["mu"].mean()) == pytest.approx(result.summary()["mu"].mean)
    assert list(result) == ["mu", "theta"]
    assert "mu" in result
    assert "school" not in result


def test_elements_go_by_the_names_of_the_data(result: MCMCResult) -> None:
    theta = result["theta"]
    eton = theta.sel(School="Eton")
    assert (eton.name, eton.axes) == ("theta[Eton]", ())
    np.testing.assert_array_equal(eton, theta.values[..., 1])
    np.testing.assert_array_equal(result["theta[Eton]"], theta.values[..., 1])
    assert theta.sel(School="a, b").name == 'theta["a, b"]'
    two = theta.sel({"School": ["Eton", "Choate"]})
    np.testing.assert_array_equal(two, theta.values[..., [1, 0]])
    assert two.names == ("theta[Eton]", "theta[Choate]")
    assert [row.name for row in two.summary()] == list(two.names)


def test_axes_without_names_count_from_one_and_one_object_may_have_two() -> None:
    source = (
        "object A : FinSet 3\nobject B : FinSet 2\nprogram p : A -> A * B\n"
        "    sample x : A * B <- Normal(0.0, 1.0)\n    sample z : A * A <- Normal(0.0, 1.0)\n    return x\n"
    )
    result = quivers.fit(source, chains=1, warmup=50, draws=20)
    x, z = result["x"], result["z"]
    np.testing.assert_array_equal(x.sel(B=2, A=[3, 1]), x.values[:, :, [2, 0], 1])
    assert x.sel(B=2).names == ("x[B=2][1]", "x[B=2][2]", "x[B=2][3]")
    assert z.axes == ("A", "A′")
    np.testing.assert_array_equal(z.sel({"A": 1, "A′": 3}), z.values[:, :, 0, 2])
    np.testing.assert_array_equal(result["z[1,3]"], z.values[:, :, 0, 2])


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda r: r["tehta"], "The posterior has no `tehta`: did you mean `theta`?"),
        (lambda r: r[3], "The posterior has no `3`: there are mu, theta."),
        (
            lambda r: r["theta[Etno]"],
            "The posterior has no `theta[Etno]`: did you mean `theta[Eton]`?",
        ),
        (lambda r: r["mu[1]"], "The posterior has no `mu[1]`: it is a single number."),
        (lambda r: r["theta"].sel(Pupil=1), "`theta` has no axis `Pupil`: it runs over School."),
        (lambda r: r["mu"].sel(School=1), "`mu` has no axis `School`: it is a single number."),
        (lambda r: r["theta"].sel(School="Etno"), "`School` has no element 'Etno': did you mean `Eton`?"),
        (lambda r: r["theta"].sel(School=1), "`School` has no element 1: there are Choate, Eton, a, b."),
        (lambda r: r["mu"].quantile(95), "A quantile's share lies between 0 and 1, it is 95."),
        (lambda r: r.summary()["thta[Eton]"], "The summary has no row `thta[Eton]`: did you mean"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(result: MCMCResult, ask: Any, sentence: str) -> None:
    with pytest.raises(QvrError) as told:
        ask(result)
    assert str(told.value).startswith(sentence)


def test_a_summary_is_a_table_a_tuple_and_a_frame(result: MCMCResult) -> None:
    summary = result.summary()
    assert summary["theta[Eton]"] is summary[2]
    assert repr(summary).splitlines()[0].split() == [
        "mean", "sd", "5%", "50%", "95%", "ess_bulk", "ess_tail", "mcse", "r_hat",
    ]  # fmt: skip
    assert "<table>" in summary._repr_html_()
    frame = summary.to_pandas()
    assert isinstance(frame, pd.DataFrame)
    assert frame.set_index("name").loc["theta[Eton]", "mean"] == summary[2].mean
    assert summary.to_polars()["r_hat"].to_list() == [row.r_hat for row in summary]
    assert pickle.loads(pickle.dumps(summary)) == summary


def test_what_is_left_out_can_be_asked_for(result: MCMCResult) -> None:
    source = SOURCE.replace(
        "    observe y", "    let twice = 2.0 * theta\n    let fixed = 2.0 * spread\n    observe y"
    )
    short = quivers.fit(source, DATA, **SHORT, drop=["twice"])
    assert "twice" not in short
    np.testing.assert_array_equal(short["twice"], 2.0 * short["theta"].values)
    assert [row.site for row in short["twice"].summary()] == ["twice"] * 3
    with pytest.raises(QvrError, match="The posterior has no `fixed`"):
        short["fixed"]


def test_what_was_summed_out_shows_a_row_for_each_element() -> None:
    folder = Path(__file__).resolve().parents[2] / "examples/two_groups"
    run = quivers.fit(folder / "two_groups.qvr", chains=1, warmup=100, draws=40)
    found = run.posterior_of("group")
    header, *rows = repr(found).splitlines()[1:]
    assert header.split() == list(found.values)
    assert rows[1].split() == ["group[2]", *(f"{each:.3f}" for each in found.probabilities[1])]
    assert "<caption" in found._repr_html_()


def test_criticism_shows_as_tables(result: MCMCResult) -> None:
    rows = result.predictive_check(seed=1)
    assert repr(rows).splitlines()[0].split() == [
        "site", "statistic", "observed", "mean", "q5", "q95", "p",
    ]  # fmt: skip
    assert rows._repr_html_().count("<tr>") == 1 + len(rows)
    assert next(iter(rows.to_pandas().columns)) == "site"


def test_predictions_show_their_figures_by_name(result: MCMCResult) -> None:
    new = {"school": ["Eton", "Choate"], "spread": 1.0}
    drawn = Predictive(result.run.model, result, elements=None)(None, new)
    assert repr(drawn).splitlines()[0] == f"Predictions: 100 draws of {len(drawn)} sites"
    rows = {row.name: row for row in drawn.summary()}
    assert {"mu", "theta[Eton]", "y[1]", "y[2]"} <= set(rows)
    assert rows["y[2]"].q50 == pytest.approx(float(np.median(drawn["y"][:, 1].numpy())))
    assert rows["mu"].sd == pytest.approx(float(drawn["mu"].std()))
    assert "<th scope" in drawn._repr_html_()


@pytest.mark.parametrize("again", [lambda r: pickle.loads(pickle.dumps(r)), copy.deepcopy])
def test_a_copy_says_the_same_and_goes_on_to_the_same_draws(result: MCMCResult, again: Any) -> None:
    other = again(result)
    assert repr(other) == repr(result)
    assert other.levels == result.levels
    sampler = MCMC(result.run.draws.states.kernel)
    longer, also = sampler.resume(result, 30), sampler.resume(other, 30)
    assert all(bool((longer.samples[name] == also.samples[name]).all()) for name in longer.samples)


def fitted(job: tuple[quivers.Program, int]) -> MCMCResult:
    return quivers.fit(job[0], DATA, seed=job[1], **SHORT)


def test_programs_and_results_go_to_other_processes_and_back(
    result: MCMCResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A notebook's shell leaves a main module of its own, which no process can be started from.
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        [there] = pool.map(fitted, [(quivers.loads(SOURCE), 0)])
    np.testing.assert_array_equal(there["theta"], result["theta"])
    assert repr(there) == repr(result)


def test_draws_are_worked_with_by_the_names_of_their_axes(result: MCMCResult) -> None:
    theta, mu = result["theta"], result["mu"]
    over = theta - mu  # by position, (2, 50, 3) and (2, 50) would not go together
    np.testing.assert_array_equal(over.values, theta.values - mu.values[..., None])
    assert (over.name, over.axes, over.shape) == ("(theta - mu)", ("School",), (2, 50, 3))
    assert over.names[1] == "(theta - mu)[Eton]"
    assert over.summary()["(theta - mu)[Eton]"].mean == pytest.approx(over.mean()[1])
    np.testing.assert_array_equal((mu - theta).values, -over.values)
    rest = (mu * 2.0 + theta / 4 - 1) ** 2
    assert rest.name == "((((mu * 2) + (theta / 4)) - 1) ** 2)"
    np.testing.assert_array_equal(rest.values, (mu.values[..., None] * 2.0 + theta.values / 4 - 1) ** 2)
    np.testing.assert_array_equal(abs(-theta).values, np.abs(theta.values))
    np.testing.assert_array_equal((1 / theta).values, 1 / theta.values)
    assert (theta > 1.5).mean().tolist() == (theta.flat > 1.5).mean(axis=0).tolist()
    assert float((result["theta[Eton]"] >= result["theta[Choate]"]).mean()) == (
        (theta.flat[:, 1] >= theta.flat[:, 0]).mean()
    )
    assert np.isnan((theta * 0.0 / 0.0).values).all()


def test_an_array_is_taken_by_position(result: MCMCResult) -> None:
    theta = result["theta"]
    centred = theta - np.array([1.0, 2.0, 3.0])
    assert isinstance(centred, np.ndarray)
    np.testing.assert_array_equal(centred, theta.values - [1.0, 2.0, 3.0])


def test_draws_of_different_elements_or_runs_are_not_worked_together(result: MCMCResult) -> None:
    theta = result["theta"]
    with pytest.raises(QvrError, match=r"^`theta` and `theta` have different elements of `School`\.$"):
        _ = theta.sel(School=["Eton", "Choate"]) - theta.sel(School=["Choate", "Eton"])
    with pytest.raises(QvrError, match="different elements of `School`"):
        _ = theta - theta.sel(School=["Eton"])
    other = quivers.fit(SOURCE, DATA, chains=1, warmup=100, draws=40)
    with pytest.raises(QvrError, match="`mu` and `theta` are of different runs: 1 of 40 and 2 of 50 draws"):
        _ = other["mu"] - theta
    with pytest.raises(TypeError, match="unsupported operand"):
        _ = theta - "mu"  # type: ignore[operator]
