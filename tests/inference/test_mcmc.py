"""MCMC on programs: the draws' names and shapes, starting points, seeds, and sentences for what is wrong."""

import subprocess
import sys
import threading

import numpy as np
import pytest
import torch

from quivers.dsl import loads
from quivers.errors import Cancelled, DataError, QvrError, SamplingError
from quivers.inference import MCMC, HMCKernel, NUTSKernel

SOURCE = """
object School : FinSet 3

program schools : School -> School
    sample mu <- Normal(0.0, 5.0)
    sample tau <- HalfNormal(5.0)
    sample eta : School <- Normal(0.0, 1.0)
    let theta = mu + tau * eta
    observe y : School <- Normal(theta, sigma)
    return theta

export schools
"""
DATA = {"sigma": [15.0, 10.0, 16.0], "y": [28.0, 8.0, -3.0]}


@pytest.fixture(scope="module")
def model():
    return loads(SOURCE).morphism


def run(model, data=DATA, kernel=None, **options):
    options = {"num_warmup": 30, "num_samples": 20, "num_chains": 2, "seed": 1, **options}
    watch = {name: options.pop(name) for name in ("progress", "cancel") if name in options}
    return MCMC(kernel or NUTSKernel(), **options).run(model, None, data, **watch)


@pytest.fixture(scope="module")
def result(model):
    return run(model)


def test_latents_and_lets_come_in_program_order_with_their_axes(result):
    shapes = {name: tuple(values.shape) for name, values in result.samples.items()}
    assert shapes == {"mu": (2, 20), "tau": (2, 20), "eta": (2, 20, 3), "theta": (2, 20, 3)}
    assert list(shapes) == ["mu", "tau", "eta", "theta"]
    assert result.latents == ("mu", "tau", "eta")
    assert all(values.dtype == torch.float64 for values in result.samples.values())
    assert (result.samples["tau"] > 0).all()
    expected = result.samples["mu"][..., None] + result.samples["tau"][..., None] * result.samples["eta"]
    torch.testing.assert_close(result.samples["theta"], expected)


@pytest.mark.parametrize("name", ["r_hat", "ess", "ess_tail", "mcse"])
def test_each_diagnostic_has_a_value_for_each_element(result, name):
    values = getattr(result, name)
    assert {site: tuple(value.shape) for site, value in values.items()} == {
        "mu": (), "tau": (), "eta": (3,), "theta": (3,),
    }  # fmt: skip
    assert np.isfinite(values["tau"].item())


def test_statistics_have_a_value_for_each_draw(result):
    assert result.divergences.shape == (2, 20)
    assert result.divergences.dtype == torch.bool
    assert result.total_divergences == int(result.divergences.sum())
    assert all(values.shape == (2, 20) for values in result.statistics.values())
    assert all(values.shape == (2, 30) for values in result.warmup_statistics.values())
    assert result.e_bfmi.shape == (2,)
    assert set(result.seconds) == {"compile", "sample"}


def test_the_reported_log_density_is_that_of_the_draw(model, result):
    bound = model.bind(DATA)
    latents = {name: result.samples[name] for name in result.latents}
    torch.testing.assert_close(
        bound.log_density(bound.unconstrain(latents)), result.statistics["log_density"]
    )


def test_the_summary_names_every_number(result):
    names = [row.name for row in result.summary()]
    assert names == ["mu", "tau", "eta[1]", "eta[2]", "eta[3]", "theta[1]", "theta[2]", "theta[3]"]


def test_the_same_seed_gives_the_same_draws_watched_or_not(model, result):
    again = run(model, progress=lambda report: None)
    other = run(model, seed=2)
    for name, values in result.samples.items():
        assert torch.equal(again.samples[name], values)
        assert not torch.equal(other.samples[name], values)


def test_without_a_seed_torch_gives_one_and_the_result_records_it(model):
    torch.manual_seed(5)
    first = run(model, seed=None)
    second = run(model, seed=None)
    torch.manual_seed(5)
    again = run(model, seed=None)
    assert first.seed == again.seed != second.seed
    assert torch.equal(first.samples["mu"], again.samples["mu"])
    assert torch.equal(first.samples["mu"], run(model, seed=first.seed).samples["mu"])


@pytest.mark.parametrize("strategy", ["prior", "uniform"])
def test_chains_start_at_points_of_their_own(model, strategy):
    result = run(model, init_strategy=strategy, num_warmup=0, num_samples=5)
    assert result.samples["mu"].shape == (2, 5)
    assert not torch.isin(result.samples["mu"][0], result.samples["mu"][1]).any()


def test_given_values_are_where_every_chain_starts(model):
    # Steps from so far out are so short that the first draws are still near.
    values = {"mu": 300.0, "tau": 0.5, "eta": [0.0, 1.0, 2.0]}
    result = run(model, init_strategy="value", initial_values=values, num_warmup=0, num_samples=1)
    assert (result.warmup_statistics["leapfrogs"].shape, result.samples["mu"].shape) == ((2, 0), (2, 1))
    from quivers.backends.pointer import torch_pointer
    from quivers.inference.starts import starting_points

    bound = model.bind(DATA)
    starts = starting_points(
        bound, torch_pointer(bound), strategy="value", num_chains=2, seed=1, initial_values=values
    )
    np.testing.assert_allclose(starts, [[300.0, np.log(0.5), 0.0, 1.0, 2.0]] * 2)


def test_data_may_be_tensors_with_leading_axes_of_size_one(model, result):
    data = {name: torch.tensor([values]) for name, values in DATA.items()}
    assert torch.equal(run(model, data).samples["mu"], result.samples["mu"])


BAD_ARGUMENTS = [
    ({"num_warmup": -1}, "num_warmup must be a whole number of at least 0, it is -1."),
    ({"num_samples": 0}, "num_samples must be a whole number of at least 1, it is 0."),
    ({"num_samples": 10.5}, "num_samples must be a whole number of at least 1, it is 10.5."),
    ({"num_chains": True}, "num_chains must be a whole number of at least 1, it is True."),
    ({"thin": 0}, "thin must be a whole number of at least 1, it is 0."),
    ({"threads": 0}, "threads must be a whole number of at least 1, it is 0."),
    ({"seed": -3}, "seed must be a whole number of at least 0, it is -3."),
    ({"seed": 2**64}, "seed must be below 2⁶⁴, it is 18446744073709551616."),
    (
        {"init_strategy": "map"},
        'init_strategy must be one of "prior", "uniform", "pathfinder", "value", it is \'map\'.',
    ),
    (
        {"init_strategy": "value"},
        'initial_values and init_strategy="value" go together: give both or neither.',
    ),
    ({"initial_values": {}}, 'initial_values and init_strategy="value" go together: give both or neither.'),
]


@pytest.mark.parametrize(("options", "message"), BAD_ARGUMENTS)
def test_bad_arguments_are_told_in_a_sentence(options, message):
    with pytest.raises(QvrError) as caught:
        MCMC(NUTSKernel(), **options)
    assert str(caught.value) == message


BAD_KERNELS = [
    ({"target_accept": 1.0}, "target_accept must lie between 0 and 1, it is 1.0."),
    ({"target_accept": "high"}, "target_accept must lie between 0 and 1, it is 'high'."),
    ({"max_tree_depth": 0}, "max_tree_depth must be a whole number from 1 to 20, it is 0."),
    (
        {"mass_matrix": "full"},
        'mass_matrix must be one of "diagonal", "dense", "identity", "low_rank", it is \'full\'.',
    ),
    ({"adapt_from": "prior"}, 'adapt_from must be one of "gradients", "draws", it is \'prior\'.'),
]


@pytest.mark.parametrize(("options", "message"), BAD_KERNELS)
def test_bad_settings_of_the_kernel_are_told_in_a_sentence(options, message):
    with pytest.raises(QvrError) as caught:
        NUTSKernel(**options)
    assert str(caught.value) == message


BAD_LENGTHS = [
    ({"step_size": 0}, "step_size must be a positive number, it is 0."),
    ({"trajectory_length": float("nan")}, "trajectory_length must be a positive number, it is nan."),
    ({"num_steps": 0}, "num_steps must be a whole number of at least 1, it is 0."),
    ({"target_accept": 0}, "target_accept must lie between 0 and 1, it is 0."),
]


@pytest.mark.parametrize(("options", "message"), BAD_LENGTHS)
def test_bad_settings_of_static_trajectories_are_told_in_a_sentence(options, message):
    with pytest.raises(QvrError) as caught:
        HMCKernel(**options)
    assert str(caught.value) == message


BAD_VALUES = [
    (
        {"mu": 0.0, "tau": 1.0, "eta": [0.0, 0, 0], "theta": [0.0, 0, 0]},
        "initial_values names theta, which the program does not sample; it samples mu, tau, eta.",
    ),
    ({"mu": 0.0}, "initial_values must give every latent a value, it has none for tau, eta."),
    (
        {"mu": "zero", "tau": 1.0, "eta": [0.0, 0, 0]},
        "The initial value of mu must be a number or an array of them, not 'zero'.",
    ),
]


@pytest.mark.parametrize(("values", "message"), BAD_VALUES)
def test_bad_initial_values_are_told_in_a_sentence(model, values, message):
    with pytest.raises(QvrError) as caught:
        run(model, init_strategy="value", initial_values=values)
    assert str(caught.value) == message


def test_a_start_at_the_edge_of_a_support_says_which_site_it_is(model):
    with pytest.raises(
        SamplingError, match=r"No starting point .* at the given start: .*tau.* where mu = 0, tau = 0"
    ):
        run(model, init_strategy="value", initial_values={"mu": 0.0, "tau": 0.0, "eta": [0.0, 0.0, 0.0]})


def test_data_that_do_not_fit_are_refused_before_sampling(model):
    with pytest.raises(DataError, match="sigma"):
        run(model, {"y": DATA["y"]})


def test_a_program_without_latents_has_nothing_to_sample():
    empty = loads(
        "object A : FinSet 2\n\nprogram p : A -> A\n    observe y : A <- Normal(0.0, 1.0)\n    return y\n"
    )
    with pytest.raises(QvrError, match="samples nothing"):
        run(empty.morphism, {"y": [1.0, 2.0]})


def test_a_run_cancelled_at_once_has_no_result(model):
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        run(model, num_warmup=10_000, cancel=cancel)


def test_a_run_cancelled_later_has_the_draws_so_far(model):
    cancel = threading.Event()
    moved = {}

    def watch(report):
        moved[report.chain] = report.done
        if len(moved) == 2 and min(moved.values()) > 40:
            cancel.set()

    result = run(model, num_samples=100_000, progress=watch, cancel=cancel)
    assert result.cancelled
    drawn = result.samples["mu"].shape[1]
    assert 10 < drawn < 100_000
    assert result.statistics["energy"].shape == (2, drawn)


@pytest.mark.parametrize("engine", ["kernel", "torch"])
def test_a_resumed_run_is_to_the_bit_the_longer_one(model, engine):
    long = run(model, num_samples=30, thin=2, engine=engine)
    short = run(model, num_samples=11, thin=2, engine=engine)
    resumed = MCMC(NUTSKernel(), threads=1).resume(short, 19)
    for name, values in long.samples.items():
        assert torch.equal(resumed.samples[name], values)
    for name, values in long.statistics.items():
        assert torch.equal(resumed.statistics[name], values)
    assert torch.equal(resumed.e_bfmi, long.e_bfmi)
    assert resumed.states.transitions == long.states.transitions == 30 + 2 * 30
    assert resumed.check() == long.check()


def test_a_cancelled_run_can_be_resumed(model):
    cancel = threading.Event()
    cancelled = run(
        model, num_samples=100_000, cancel=cancel,
        progress=lambda report: cancel.set() if report.done > 200 and report.chain == 1 else None,
    )  # fmt: skip
    assert cancelled.cancelled
    assert cancelled.check()[0].startswith("The run was cancelled when its chains had ")
    drawn = cancelled.samples["mu"].shape[1]
    resumed = MCMC(NUTSKernel()).resume(cancelled, 5)
    assert not resumed.cancelled
    assert torch.equal(resumed.samples["mu"], run(model, num_samples=drawn + 5).samples["mu"])


def test_a_thinned_run_keeps_every_third_draw(model):
    every = run(model, num_samples=30)
    kept = run(model, num_samples=10, thin=3)
    assert torch.equal(kept.samples["mu"], every.samples["mu"][:, 2::3])
    leapfrogs = every.statistics["leapfrogs"].reshape(2, 10, 3).sum(-1)
    assert torch.equal(kept.statistics["leapfrogs"], leapfrogs)
    assert torch.equal(kept.e_bfmi, every.e_bfmi)


def test_the_package_loads_its_parts_when_they_are_used():
    program = (
        "import sys, quivers.inference; before = 'torch' in sys.modules;"
        "from quivers.inference import MCMC; print(before, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
