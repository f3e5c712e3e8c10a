"""The calls a reader of the hierarchical-models chapter makes, in its order, on programs of our own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from quivers.dsl import Program, load, loads
from quivers.errors import DataError
from quivers.inference import (
    ELBO,
    MCMC,
    SVI,
    AutoMultivariateNormal,
    AutoNormalGuide,
    MCMCResult,
    NUTSKernel,
    Predictive,
)

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"

CLINICS = """
object Clinic : FinSet 5

program clinics : Clinic -> Clinic [effects=[Sample, Score]]
    sample centre <- Normal(0.0, 2.0)
    sample spread <- HalfNormal(1.0)
    sample effect : Clinic <- Normal(centre, spread)
    observe seen : Clinic <- Normal(effect, error)
    return effect

export clinics
"""

ERROR = torch.tensor([[0.5, 0.4, 0.8, 0.3, 0.6]])
SEEN = torch.tensor([[1.2, 0.3, -0.4, 0.9, 0.1]])
DATA = {"error": ERROR, "seen": SEEN}
X = torch.zeros(1, 1)


@pytest.fixture(scope="module")
def clinics() -> Program:
    return loads(CLINICS)


@pytest.fixture(scope="module")
def result(clinics: Program) -> MCMCResult:
    kernel = NUTSKernel(target_accept=0.95, max_tree_depth=10)
    mcmc = MCMC(kernel, num_warmup=50, num_samples=100, num_chains=2, init_strategy="prior", seed=1)
    return mcmc.run(clinics.morphism, X, DATA)


def test_a_guide_is_fitted_step_by_step(clinics: Program) -> None:
    torch.manual_seed(0)
    model = clinics.morphism
    guide = AutoNormalGuide(model, observed_names={"seen", "error"})
    optimizer = torch.optim.Adam(list(model.parameters()) + list(guide.parameters()), lr=1e-2)
    svi = SVI(model, guide, optimizer, ELBO(num_particles=1))
    losses = [svi.step(X, DATA) for _ in range(400)]
    assert sum(losses[-50:]) < sum(losses[:50])


def test_a_full_rank_guide_takes_the_place_of_the_mean_field_one(clinics: Program) -> None:
    torch.manual_seed(0)
    model = clinics.morphism
    guide = AutoMultivariateNormal(model, observed_names={"seen", "error"})
    optimizer = torch.optim.Adam(list(model.parameters()) + list(guide.parameters()), lr=1e-2)
    svi = SVI(model, guide, optimizer, ELBO(num_particles=1))
    losses = [svi.step(X, DATA) for _ in range(400)]
    assert sum(losses[-50:]) < sum(losses[:50])
    assert guide.lower.abs().sum() > 0


def test_a_short_run_gives_every_field_the_chapter_reads(result: MCMCResult) -> None:
    assert isinstance(result.samples["spread"].mean().item(), float)
    assert result.samples["spread"].shape == (2, 100)
    assert result.samples["effect"].shape == (2, 100, 5)
    assert result.r_hat["spread"].item() < 1.5
    assert result.ess["spread"].item() > 1
    assert result.r_hat["effect"].shape == (5,)
    assert result.total_divergences == int(result.divergences.sum())


@pytest.mark.parametrize("shape", [(5,), (1, 5)])
def test_the_predictive_has_a_leading_axis_of_draws(
    clinics: Program, result: MCMCResult, shape: tuple[int, ...]
) -> None:
    predictive = Predictive(clinics.morphism, posterior=result, num_samples=60)
    seen = predictive(X, {"error": ERROR.reshape(shape)})["seen"]
    assert seen.shape[0] == 60
    assert seen.shape[-1] == 5
    assert seen[..., 0].std().item() > 0


def test_the_predictive_takes_a_guide(clinics: Program) -> None:
    guide = AutoNormalGuide(clinics.morphism, observed_names={"seen", "error"})
    seen = Predictive(clinics.morphism, posterior=guide, num_samples=20)(X, {"error": ERROR})["seen"]
    assert seen.shape[0] == 20
    assert seen.shape[-1] == 5


def test_a_wrong_length_names_the_input_and_the_object(clinics: Program) -> None:
    with pytest.raises(DataError, match=r"error.*4.*Clinic.*5"):
        MCMC(NUTSKernel(), num_warmup=1, num_samples=1).run(
            clinics.morphism, X, {**DATA, "error": ERROR[:, :4]}
        )


@pytest.mark.parametrize("name", ["centred", "noncentred"])
def test_both_examples_load_and_export(name: str) -> None:
    program = load(EXAMPLES / "eight_schools" / f"{name}.qvr")
    assert program.name == f"eight_schools_{name}"
    assert isinstance(program.morphism, torch.nn.Module)
