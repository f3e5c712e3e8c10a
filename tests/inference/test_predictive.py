"""Predictions from a run, a guide or the prior, for the fit's own elements and for new ones."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from quivers.dsl import loads
from quivers.errors import DataError, QvrError
from quivers.inference import ELBO, MCMC, SVI, AutoNormalGuide, MCMCResult, NUTSKernel, Predictive
from quivers.inference.new_elements import Elements

TOWNS = """
object Town : FinSet
object Row : FinSet
data town : Row -> Town

program towns : Row -> Town
    sample mu <- Normal(0.0, 1.0)
    sample effect : Town <- Normal(mu, 0.5)
    let double = 2.0 * effect
    observe y : Row <- Normal(effect[town], 0.1)
    return effect
"""
DATA = {"town": ["Pi", "Rho", "Pi", "Rho"], "y": [1.0, 3.0, 1.1, 3.1]}
NEW: dict[str, Elements] = {"Town": "new"}
NUMBERED = {"town": [0, 1, 0, 1], "y": [1.0, 3.0, 1.1, 3.1]}

REGRESSION = """
object Row : FinSet
program line : Row -> Row
    sample slope <- Normal(0.0, 10.0)
    let centre = slope * x
    observe y : Row <- Normal(centre, 0.5)
    return centre
"""

SCHOOLS = """
object School : FinSet 8
program schools : School -> Real
    sample mu <- Normal(0.0, 5.0)
    observe y : School <- Normal(mu, sigma_j)
    return mu
"""
SIGMA = [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0]
SEEN = [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0]


def run(source: str, data: dict[str, Any], draws: int = 500) -> MCMCResult:
    mcmc = MCMC(NUTSKernel(), num_warmup=300, num_samples=draws, num_chains=4, seed=5)
    return mcmc.run(loads(source).morphism, None, data)


@pytest.fixture(scope="module")
def towns() -> MCMCResult:
    return run(TOWNS, DATA)


def test_towns_that_the_fit_had_keep_their_draws_whatever_their_order(towns: MCMCResult) -> None:
    torch.manual_seed(0)
    drawn = Predictive(towns.run.model, towns, elements=NEW)(None, {"town": ["Rho", "Sigma", "Pi"]})
    # Names are sorted: Pi, Rho, Sigma.
    assert drawn.levels["Town"] == ("Pi", "Rho", "Sigma")
    before = towns.samples["effect"].flatten(0, 1)
    torch.testing.assert_close(drawn["effect"][:, :2], before)
    torch.testing.assert_close(drawn["double"], 2.0 * drawn["effect"])
    # The new one is drawn from the town's distribution, given each draw of mu.
    mu = towns.samples["mu"].flatten()
    apart = (drawn["effect"][:, 2] - mu) / 0.5
    assert stats.kstest(apart.numpy(), "norm").pvalue > 1e-4
    assert drawn["y"].shape == (2000, 3)
    assert abs(float((drawn["y"][:, 0] - drawn["effect"][:, 1]).mean())) < 4.5 * 0.1 / math.sqrt(2000)


def test_a_name_that_the_fit_never_saw_is_refused_unless_it_is_said_to_be_new(towns: MCMCResult) -> None:
    with pytest.raises(QvrError) as refused:
        Predictive(towns.run.model, towns)(None, {"town": ["Rho", "Pii"]})
    assert str(refused.value) == (
        "Town has an element in these data that the fit never saw: `Pii`. Did you mean `Pi`? To draw what is"
        ' new from the program, as more of its kind, say elements={"Town": "new"}.'
    )
    with pytest.raises(QvrError, match=r"Town has 6 elements .* `A`, `B`, `C`, `D`, `E`, …\. To draw"):
        Predictive(towns.run.model, towns)(None, {"town": ["Rho", *"ABCDEF"]})


def test_of_elements_without_names_the_caller_says_which_are_new() -> None:
    result = run(TOWNS, NUMBERED, draws=100)
    model = result.run.model
    data = {"town": [0, 1, 2]}
    with pytest.raises(QvrError, match=r'Town has 3 elements in these data, 2 in the fit.s.*"further"'):
        Predictive(model, result)(None, data)
    before = result.samples["effect"].flatten(0, 1)
    further = Predictive(model, result, elements={"Town": "further"})(None, data)
    torch.testing.assert_close(further["effect"][:, :2], before)
    new = Predictive(model, result, elements={"Town": "new"})(None, data)
    assert not (new["effect"][:, :2] == before).any()
    fewer = Predictive(model, result, elements={"Town": "further"})(None, {"town": [0]})
    torch.testing.assert_close(fewer["effect"], before[:, :1])


@pytest.mark.parametrize(
    ("elements", "message"),
    [
        ({"Village": "new"}, "elements has Village, which is no object"),
        ({"Town": "old"}, "must be one of 'new', 'further'"),
    ],
)
def test_a_wrong_word_about_elements_is_refused(
    towns: MCMCResult, elements: dict[str, Any], message: str
) -> None:
    with pytest.raises(QvrError) as caught:
        Predictive(towns.run.model, towns, elements=elements)
    assert message in str(caught.value).replace('"', "'")


def test_a_vector_that_is_drawn_at_once_is_not_extended() -> None:
    source = """
object Week : FinSet
program walk : Week -> Week
    sample level : Week <- GaussianRandomWalk(0.3)
    observe y : Week <- Normal(level, 0.5)
    return level
"""
    result = run(source, {"y": [0.0, 0.2, 0.1]}, draws=50)
    predictive = Predictive(result.run.model, result, elements={"Week": "further"})
    with pytest.raises(QvrError, match="One draw of level spans all of Week"):
        predictive(None, {"Week": 5})


def test_rows_of_another_number_need_nothing_said() -> None:
    x = np.linspace(-1, 1, 30)
    result = run(REGRESSION, {"x": x, "y": 2.0 * x})
    drawn = Predictive(result.run.model, result)(None, {"x": [10.0, 0.0]})
    assert drawn["y"].shape == (2000, 2)
    slope = result.samples["slope"]
    error = math.hypot(10 * float(slope.std()), 0.5) / math.sqrt(500)
    assert abs(float(drawn["y"][:, 0].mean()) - 10 * float(slope.mean())) < 4.5 * error


def test_a_guide_remembers_what_it_was_fitted_to() -> None:
    torch.manual_seed(0)
    model = loads(TOWNS).morphism
    guide = AutoNormalGuide(model, observations=DATA)
    svi = SVI(model, guide, torch.optim.Adam(guide.parameters(), lr=0.05), ELBO())
    svi.run(800, None, DATA)
    drawn = Predictive(model, guide, num_samples=400, elements=NEW)(None, {"town": ["Sigma", "Rho"]})
    # Rho comes first by its name.
    assert abs(float(drawn["effect"][:, 0].mean()) - 3.05) < 0.2
    assert float(drawn["effect"][:, 1].std()) > 0.3


def test_without_a_posterior_everything_is_drawn_from_the_prior() -> None:
    torch.manual_seed(0)
    drawn = Predictive(loads(SCHOOLS).morphism, num_samples=4000)(None, {"sigma_j": SIGMA})
    assert drawn["y"].shape == (4000, 8)
    exact = np.hypot(5.0, SIGMA)
    found = drawn["y"].std(dim=0).numpy()
    assert (np.abs(found / exact - 1) < 4.5 / math.sqrt(2 * 4000)).all()
    torch.manual_seed(0)
    again = Predictive(loads(SCHOOLS).morphism, num_samples=4000)(None, {"sigma_j": SIGMA})
    torch.testing.assert_close(drawn["y"], again["y"], rtol=0, atol=0)


@pytest.mark.parametrize("shape", [(8,), (1, 8)])
def test_an_array_may_have_leading_axes_of_one(shape: tuple[int, ...]) -> None:
    data = {"sigma_j": torch.tensor(SIGMA).reshape(shape), "y": torch.tensor(SEEN).reshape(shape)}
    result = run(SCHOOLS, data, draws=25)
    drawn = Predictive(result.run.model, posterior=result, num_samples=100)(
        torch.zeros(1, 1), {"sigma_j": data["sigma_j"]}
    )
    assert drawn["y"].shape == (100, 8)


def test_an_array_of_the_wrong_length_names_the_object_and_the_input() -> None:
    with pytest.raises(DataError, match="sigma_j") as caught:
        Predictive(loads(SCHOOLS).morphism)(None, {"sigma_j": SIGMA[:7]})
    assert "School" in str(caught.value)
    assert "8" in str(caught.value)
    assert "7" in str(caught.value)


def test_predictions_name_their_axes(towns: MCMCResult) -> None:
    drawn = Predictive(towns.run.model, towns, num_samples=10, elements=NEW)(
        None, {"town": ["Rho", "Sigma", "Pi"]}
    )
    assert drawn.axes["effect"] == ("Town",)
    assert drawn.axes["y"] == ("Row",)
    data = drawn.to_dataset()
    assert data["y"].dims == ("draw", "Row")
    assert list(data["Town"].values) == ["Pi", "Rho", "Sigma"]
