"""What a run's check says: nothing of a sound run, and of each fault its figure and what to do."""

from dataclasses import replace

import numpy as np
import pytest

from quivers.inference.chains import ChainStates, Draws
from quivers.inference.checks import troubles
from quivers.inference.kernels import HMCKernel, NUTSKernel
from quivers.inference.trajectory import DIVERGENT, ENERGY, LOG_DENSITY, SATURATED, STATISTICS
from quivers.results import summarise


def drawn(kernel=None, *, chains=4, cancelled=False):
    """Independent normal draws with independent energies, which nothing is wrong with."""
    rng = np.random.default_rng(0)
    statistics = np.zeros((chains, 1000, len(STATISTICS)))
    statistics[..., LOG_DENSITY] = rng.normal(size=(chains, 1000))
    statistics[..., ENERGY] = rng.normal(size=(chains, 1000))
    states = ChainStates(
        np.zeros((chains, 1)), np.ones((chains, 1, 1)), np.ones(chains), 2000, 1000, 1, 0,
        kernel or NUTSKernel(),
    )  # fmt: skip
    positions = rng.normal(size=(chains, 1000, 1))
    return Draws(positions, statistics, statistics[:, :0], np.ones((chains, 1)), cancelled, states)


def told(draws, **samples):
    samples = samples or {"mu": draws.positions[..., 0]}
    return tuple(trouble.message for trouble in troubles(draws, summarise(samples), 1000))


@pytest.mark.parametrize("chains", [1, 4])
def test_a_sound_run_is_told_nothing(chains):
    assert told(drawn(chains=chains)) == ()


def test_divergences_come_with_their_number_and_what_to_do():
    draws = drawn()
    draws.statistics[2, :12, DIVERGENT] = 1
    assert told(draws) == (
        "12 transitions of 4000 diverged, so parts of the posterior may be missing: raise the target"
        " acceptance towards 0.99, or write the model non-centred.",
    )


@pytest.mark.parametrize(
    ("kernel", "sentence"),
    [
        (NUTSKernel(), "1 trajectory of 4000 stopped at the greatest tree depth, 10, before turning back"),
        (HMCKernel(), "1 trajectory of 4000 stopped at 1024 leapfrog steps, short of the length asked for"),
    ],
)
def test_trajectories_that_were_cut_short_are_counted(kernel, sentence):
    draws = drawn(kernel)
    draws.statistics[0, 0, SATURATED] = 1
    (problem,) = told(draws)
    assert problem.startswith(sentence)


def test_slow_energies_name_their_chains():
    draws = drawn()
    draws.statistics[1, :, ENERGY] = np.cumsum(draws.statistics[1, :, ENERGY])
    (problem,) = told(draws)
    assert problem.startswith("Chain 2 explores the posterior's energies slowly (E-BFMI is 0.0")


def test_a_chain_that_never_moved_is_named():
    draws = drawn()
    draws.statistics[3, :, LOG_DENSITY] = -4.0
    draws.statistics[3, :, ENERGY] = 1.0
    (problem,) = told(draws)
    assert problem.startswith("Chain 4 never moved: all its draws are one point")


def test_chains_that_disagree_name_the_worst_quantity():
    draws = drawn()
    apart = draws.positions[..., 0] + np.arange(4)[:, None]
    sentences = told(draws, mu=draws.positions[..., 0], tau=apart, nu=apart * 2)
    assert sentences[0].startswith("The chains disagree (R-hat of tau is 1.")
    assert ", the worst of 2; it should be below 1.01): run more warm-up and more draws" in sentences[0]


def test_few_effective_draws_are_told_of_one_chain_too():
    draws = drawn(chains=1)
    walk = np.cumsum(draws.positions[..., 0], axis=1)
    (problem,) = told(draws, mu=walk)
    assert problem.startswith("The draws of mu are worth only ")
    assert problem.endswith(" independent ones; 400 make its interval reliable: run more draws.")


def test_a_constant_raises_no_alarm_but_an_infinite_quantity_does():
    draws = drawn()
    infinite = np.where(np.arange(1000) == 7, np.inf, draws.positions[..., 0])
    (problem,) = told(draws, one=np.ones((4, 1000)), ratio=infinite)
    assert problem.startswith("Some draws of ratio are not finite, so it has no mean")


def test_a_cancelled_run_says_how_far_it_got():
    (problem,) = told(replace(drawn(cancelled=True)))
    assert problem.startswith("The run was cancelled when its chains had 1000 draws of 1000 each: resume it")
