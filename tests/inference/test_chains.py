"""The sampler on densities of known shape: correct draws, honest statistics, reproducible, stoppable."""

import threading
import time

import numpy as np
import pytest

from quivers.errors import Cancelled, SamplingError
from quivers.inference import convergence
from quivers.inference.chains import ChainProgress, continue_chains, joined, run_chains
from quivers.inference.kernels import HMCKernel, NUTSKernel
from quivers.inference.trajectory import (
    ACCEPTANCE,
    DIVERGENT,
    ENERGY,
    LEAPFROGS,
    SATURATED,
    STEP_SIZE,
    TREE_DEPTH,
)


def precision_data(covariance):
    return np.concatenate([[len(covariance)], np.linalg.inv(covariance).ravel()])


def sample_gaussian(
    gaussian, covariance, kernel=None, *, chains=4, num_warmup=1000, num_samples=1000, seed=1, **options
):
    return run_chains(
        gaussian,
        np.random.default_rng(seed).uniform(-2, 2, size=(chains, len(covariance))),
        kernel or NUTSKernel(),
        num_warmup=num_warmup,
        num_samples=num_samples,
        seed=seed,
        data=precision_data(covariance),
        **options,
    )


def assert_converged(draws):
    assert convergence.r_hat(draws.positions).max() < 1.01
    assert convergence.ess_bulk(draws.positions).min() >= 400
    assert convergence.ess_tail(draws.positions).min() >= 400
    assert convergence.e_bfmi(draws.statistics[..., ENERGY]).min() >= 0.3
    assert draws.statistics[..., DIVERGENT].mean() <= 0.001


def assert_means(values, wanted):
    """Means over chains and draws lie within 4.5 Monte Carlo standard errors of what they should be."""
    errors = (values.mean(axis=(0, 1)) - wanted) / convergence.mcse_mean(values)
    assert np.abs(errors).max() < 4.5, errors


GAUSSIANS = {
    "independent": np.eye(10),
    "correlated": np.array([[1.0, 0.95], [0.95, 1.0]]),
    "badly scaled": np.diag([1e-6, 1.0, 1e6]),
}


@pytest.mark.parametrize("mass_matrix", ["diagonal", "dense"])
@pytest.mark.parametrize("name", GAUSSIANS)
def test_gaussians_have_their_means_and_second_moments(gaussian, name, mass_matrix):
    covariance = GAUSSIANS[name]
    draws = sample_gaussian(gaussian, covariance, NUTSKernel(mass_matrix=mass_matrix))
    assert_converged(draws)
    assert_means(draws.positions, 0.0)
    assert_means(draws.positions**2, np.diag(covariance))
    assert_means(draws.positions[..., :1] * draws.positions[..., 1:2], covariance[0, 1])


@pytest.mark.parametrize("target", [0.8, 0.9, 0.95])
@pytest.mark.parametrize("name", GAUSSIANS)
def test_the_acceptance_that_draws_have_is_the_target(gaussian, name, target):
    draws = sample_gaussian(gaussian, GAUSSIANS[name], NUTSKernel(target_accept=target))
    assert draws.statistics[..., ACCEPTANCE].mean() == pytest.approx(target, abs=0.05)
    steps = draws.statistics[..., STEP_SIZE]
    assert (steps == steps[:, :1]).all()


def test_in_stans_windows_the_draws_are_accepted_more_often_than_the_last_of_warmup(gaussian):
    """Fifty draws after the last window leave steps that vary by half; as acceptance falls off faster the
    longer they are, it is higher at their mean than on average. Stan and NumPyro have the same."""
    draws = sample_gaussian(gaussian, np.eye(10), NUTSKernel(target_accept=0.8, adapt_from="draws"))
    assert draws.warmup[:, -50:, ACCEPTANCE].mean() == pytest.approx(0.8, abs=0.05)
    assert 0.82 < draws.statistics[..., ACCEPTANCE].mean() < 0.93


def test_sixty_four_chains_on_three_threads_draw_what_each_draws_alone(gaussian):
    options = {"chains": 64, "num_warmup": 30, "num_samples": 20}
    few = sample_gaussian(gaussian, np.eye(2), threads=3, **options)
    many = sample_gaussian(gaussian, np.eye(2), **options)
    np.testing.assert_array_equal(few.positions, many.positions)


@pytest.mark.parametrize("kernel", [HMCKernel(), NUTSKernel(mass_matrix="low_rank")], ids=["HMC", "low rank"])
def test_chains_that_are_continued_draw_what_longer_ones_draw(gaussian, kernel):
    options = {"num_warmup": 60, "thin": 2}
    long = sample_gaussian(gaussian, GAUSSIANS["correlated"], kernel, num_samples=40, **options)
    short = sample_gaussian(gaussian, GAUSSIANS["correlated"], kernel, num_samples=15, **options)
    rest = continue_chains(gaussian, short.states, 25, data=precision_data(GAUSSIANS["correlated"]))
    whole = joined(short, rest)
    np.testing.assert_array_equal(whole.positions, long.positions)
    np.testing.assert_array_equal(whole.statistics, long.statistics)
    np.testing.assert_array_equal(whole.states.positions, long.states.positions)


def test_the_adapted_mass_matrix_is_the_variance_of_the_posterior(gaussian):
    variance = np.array([1e-4, 1.0, 400.0])
    draws = sample_gaussian(gaussian, np.diag(variance))
    # The last window has 500 draws, nearly independent.
    np.testing.assert_allclose(draws.inverse_mass, np.tile(variance, (4, 1)), rtol=0.4)


def test_an_identity_mass_matrix_stays(gaussian):
    draws = sample_gaussian(gaussian, np.diag([1.0, 9.0]), NUTSKernel(mass_matrix="identity"))
    assert (draws.inverse_mass == 1).all()
    assert_means(draws.positions**2, [1.0, 9.0])


@pytest.mark.parametrize("max_tree_depth", [3, 10])
def test_the_depth_of_a_tree_tells_its_number_of_leapfrog_steps(gaussian, max_tree_depth):
    draws = sample_gaussian(
        gaussian, np.diag([1e-4, 1.0, 1.0]), NUTSKernel(max_tree_depth=max_tree_depth, mass_matrix="identity")
    )
    depth, leapfrogs = draws.statistics[..., TREE_DEPTH], draws.statistics[..., LEAPFROGS]
    assert (leapfrogs > 2 ** (depth - 1) - 1).all()
    assert (leapfrogs <= 2**depth - 1).all()
    assert depth.max() <= max_tree_depth
    saturated = draws.statistics[..., SATURATED] == 1
    assert (leapfrogs[saturated] == 2**max_tree_depth - 1).all()
    assert saturated.any() == (max_tree_depth == 3)


def test_energies_are_those_of_independent_momenta(gaussian):
    # H = ½|q|² + ½|p|² in 10 dimensions is a Gamma(10, 1) variable.
    draws = sample_gaussian(gaussian, np.eye(10))
    energies = draws.statistics[..., ENERGY][..., None]
    assert_means(energies, 10.0)


def test_the_centred_funnel_raises_alarms(funnel):
    for seed in range(10):
        starts = np.random.default_rng(seed).uniform(-2, 2, size=(4, 10))
        draws = run_chains(funnel, starts, NUTSKernel(), num_warmup=1000, num_samples=1000, seed=seed)
        alarms = (
            draws.statistics[..., DIVERGENT].any()
            or convergence.r_hat(draws.positions).max() > 1.01
            or convergence.ess_bulk(draws.positions).min() < 400
            or convergence.e_bfmi(draws.statistics[..., ENERGY]).min() < 0.3
        )
        assert alarms, seed


def test_the_same_seed_gives_the_same_bits_on_any_number_of_threads_watched_or_not(gaussian):
    seen = []
    options = {"num_warmup": 200, "num_samples": 200, "seed": 7}
    runs = [
        sample_gaussian(gaussian, GAUSSIANS["correlated"], threads=threads, progress=progress, **options)
        for threads, progress in [(None, None), (1, None), (2, seen.append), (4, None)]
    ]
    for run in runs[1:]:
        np.testing.assert_array_equal(run.positions, runs[0].positions)
        np.testing.assert_array_equal(run.statistics, runs[0].statistics)
    assert seen[-1] == ChainProgress(seen[-1].chain, 4, "sampling", 400, 400, 0)


def test_other_seeds_and_other_chains_draw_otherwise(gaussian):
    first = sample_gaussian(gaussian, np.eye(2), num_warmup=50, num_samples=50, seed=1).positions
    second = sample_gaussian(gaussian, np.eye(2), num_warmup=50, num_samples=50, seed=2).positions
    assert not np.isin(first[0], second[0]).any()
    assert not np.isin(first[0], first[1]).any()


def test_a_chain_does_not_depend_on_the_others(gaussian):
    starts = np.random.default_rng(3).normal(size=(4, 2))
    options = {"num_warmup": 50, "num_samples": 50, "seed": 3, "data": precision_data(np.eye(2))}
    four = run_chains(gaussian, starts, NUTSKernel(), **options)
    two = run_chains(gaussian, starts[:2], NUTSKernel(), **options)
    np.testing.assert_array_equal(four.positions[:2], two.positions)


@pytest.mark.parametrize("num_warmup", [0, 1, 10, 19, 20, 50])
def test_short_warmups_draw_all_the_same(gaussian, num_warmup):
    draws = sample_gaussian(gaussian, np.eye(3), num_warmup=num_warmup, num_samples=30)
    assert draws.positions.shape == (4, 30, 3)
    assert draws.warmup.shape[1] == num_warmup
    assert np.isfinite(draws.positions).all()
    assert (draws.statistics[..., STEP_SIZE] > 0).all()


def test_every_chain_is_reported_to_its_end(gaussian):
    seen = []
    sample_gaussian(gaussian, np.eye(2), num_warmup=20, num_samples=30, progress=seen.append)
    last = {report.chain: report for report in seen}
    assert sorted(last) == [0, 1, 2, 3]
    assert all((report.done, report.total, report.phase) == (50, 50, "sampling") for report in last.values())


def test_a_flat_density_is_refused_with_a_sentence(flat):
    with pytest.raises(
        SamplingError, match=r"Chain 1 found no step size: however far it steps.*proper prior"
    ):
        run_chains(flat, np.zeros((2, 1)), NUTSKernel(), num_warmup=10, num_samples=10, seed=1)


def test_a_density_that_is_nowhere_finite_is_refused_with_a_sentence(undefined):
    with pytest.raises(SamplingError, match="however small its steps"):
        run_chains(undefined, np.zeros((2, 1)), NUTSKernel(), num_warmup=10, num_samples=10, seed=1)


def slow_normal(q, gradient):
    time.sleep(0.0005)
    gradient[0] = -q[0]
    return -0.5 * q[0] ** 2


def test_a_python_density_draws_what_its_compiled_twin_draws(gaussian, python_density):
    def normal(q, gradient):
        gradient[0] = -q[0]
        return 0.5 * q[0] * -q[0]

    options = {"num_warmup": 50, "num_samples": 50, "seed": 2, "data": precision_data(np.eye(1))}
    starts = np.array([[0.5], [1.0]])
    compiled = run_chains(gaussian, starts, NUTSKernel(), **options)
    interpreted = run_chains(python_density(normal), starts, NUTSKernel(), **options)
    np.testing.assert_array_equal(compiled.positions, interpreted.positions)


def test_a_cancelled_run_keeps_the_draws_that_every_chain_made(python_density):
    cancel = threading.Event()
    moved = {}

    def watch(report):
        moved[report.chain] = report.done
        if min(moved.get(chain, 0) for chain in range(2)) > 40:
            cancel.set()

    draws = run_chains(
        python_density(slow_normal), np.array([[0.5], [1.0]]), NUTSKernel(), num_warmup=20, num_samples=10**5,
        seed=1, progress=watch, cancel=cancel,
    )  # fmt: skip
    assert draws.cancelled
    assert 20 < draws.positions.shape[1] < 10**5
    assert draws.statistics.shape[1] == draws.positions.shape[1]
    assert (draws.positions != 0).all()


def test_cancelling_stops_the_chains_within_a_few_leapfrogs(python_density):
    cancel = threading.Event()
    before, after = [], []

    def counted(q, gradient):
        (after if cancel.is_set() else before).append(1)
        if len(before) == 500:
            cancel.set()
        return slow_normal(q, gradient)

    with pytest.raises(Cancelled, match="before every chain had drawn"):
        run_chains(
            python_density(counted), np.array([[0.5], [1.0]]), NUTSKernel(), num_warmup=10**6, num_samples=1,
            seed=1, cancel=cancel,
        )  # fmt: skip
    # A tenth of a second has time for 400 calls at most; a trajectory to its end, or a draw, would not show.
    assert len(after) < 400


def test_an_exception_in_the_density_stops_all_chains_and_is_told(python_density):
    calls = []

    def failing(q, gradient):
        calls.append(1)
        if len(calls) > 500:
            raise ValueError("the covariance of theta is singular")
        return slow_normal(q, gradient)

    with pytest.raises(SamplingError, match="the covariance of theta is singular") as caught:
        run_chains(
            python_density(failing),
            np.array([[0.5], [1.0]]),
            NUTSKernel(),
            num_warmup=10,
            num_samples=10**6,
            seed=1,
        )
    assert isinstance(caught.value.__cause__, ValueError)


def test_an_exception_in_the_progress_stops_all_chains(python_density):
    def interrupt(report):
        raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        run_chains(
            python_density(slow_normal), np.array([[0.5], [1.0]]), NUTSKernel(),
            num_warmup=10, num_samples=10**6, seed=1, progress=interrupt,
        )  # fmt: skip
    assert threading.active_count() == before
