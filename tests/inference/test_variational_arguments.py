"""What variational inference, sampling and criticism can't be given ends in a sentence, and does no harm."""

import copy
import math
import pickle

import numpy as np
import polars
import pytest
import torch

from quivers.dsl import loads
from quivers.errors import QvrError
from quivers.inference import (
    ELBO,
    MCMC,
    SVI,
    AutoDeltaGuide,
    AutoLaplaceApproximation,
    AutoNormalGuide,
    NUTSKernel,
    Predictive,
    pathfinder,
)
from quivers.inference.arguments import contents, same_contents
from quivers.inference.guide_checks import fall, largest_shift

SOURCE = """
object Row : FinSet

program means : Row -> Row
    sample mu <- Normal(0.0, 2.0)
    sample tau <- HalfNormal(1.0)
    sample theta : Row <- Normal(mu, tau)
    observe y : Row <- Normal(theta, 1.0) [where=kept]
    return theta

export means
"""
PROGRAM = loads(SOURCE)
MODEL = PROGRAM.morphism
DATA = {"y": [1.0, 2.0, math.nan, -1.0], "kept": [1, 1, 0, 1]}


def guide():
    return AutoNormalGuide(MODEL, observations=DATA)


def made(**changes):
    own = guide()
    arguments = {
        "model": MODEL,
        "guide": own,
        "optimizer": torch.optim.Adam(own.parameters()),
        "elbo": ELBO(),
    }
    return SVI(**{**arguments, **changes})


def free():
    return [torch.zeros(1, requires_grad=True)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": PROGRAM}, "not the program itself: give its .morphism"),
        ({"model": "means"}, "model must be a program's morphism, load.*, not 'means'"),
        ({"guide": AutoNormalGuide}, r"guide must be a guide, such as .*, not the class AutoNormalGuide"),
        ({"optimizer": torch.optim.Adam}, "optimizer must be one of torch.optim's.*, not the class Adam"),
        ({"optimizer": None}, "optimizer must be one of torch.optim's.*, not None"),
        ({"optimizer": torch.optim.Adam(free())}, "has none of the guide's parameters: make it of guide.par"),
        ({"optimizer": torch.optim.LBFGS(free())}, "LBFGS can't follow a loss that is drawn anew"),
        ({"elbo": ELBO}, "elbo must be a bound to make large, .*, not the class ELBO"),
        ({"elbo": None}, "elbo must be a bound to make large, .*, not None"),
    ],
)
def test_a_fit_of_the_wrong_things_is_refused(changes, message):
    with pytest.raises(QvrError, match=message):
        made(**changes)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tolerance": True}, "tolerance must be a positive number or None, it is True"),
        ({"subsample": 2}, 'subsample must be values by name, such as {"Row": 256}, not 2'),
        ({"progress": "yes"}, "progress must be True, False or a function of the report, not 'yes'"),
        ({"cancel": 3}, "cancel must be a threading.Event, not 3"),
        ({"schedule": 3}, "schedule must be one of torch.optim.lr_scheduler's that counts steps"),
        (
            {"schedule": torch.optim.lr_scheduler.ExponentialLR(torch.optim.Adam(free()), 0.9)},
            "The schedule is another optimiser's",
        ),
        (
            {"schedule": torch.optim.lr_scheduler.ReduceLROnPlateau(torch.optim.Adam(free()))},
            "ReduceLROnPlateau waits for a figure that is not noisy",
        ),
    ],
)
def test_a_run_told_nonsense_is_refused(options, message):
    with pytest.raises(QvrError, match=message):
        made().run(5, None, DATA, **options)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: AutoNormalGuide(PROGRAM), "give its .morphism"),
        (
            lambda: AutoNormalGuide(MODEL, initial_scale="a"),
            "initial_scale must be a positive number, it is 'a'",
        ),
        (lambda: AutoNormalGuide(MODEL, observed_names=3), "observed_names must be names, such as .*, not 3"),
        (
            lambda: guide().sample(MODEL, (3,)),
            r"a program with its data, model.bind\(observations\), not for",
        ),
        (lambda: guide().sample(MODEL.bind(DATA), 3), r"shape must be a tuple of whole numbers.*, it is 3"),
        (lambda: guide().sample(MODEL.bind(DATA), (-3,)), r"shape must be a tuple .*, it is \(-3,\)"),
        (lambda: guide().float(), "Guides compute in float64 on the processor"),
        (lambda: guide().to("meta"), "Guides compute in float64 on the processor, .* on meta"),
        (lambda: guide().to("hip"), "The guide can't be moved there"),
        (lambda: loads(SOURCE).morphism.to("hip"), "The program can't be moved there"),
        (
            lambda: AutoNormalGuide(MODEL).load_state_dict(guide().state_dict()),
            "The size of Row comes with the data, .* give it `observations=`",
        ),
        (lambda: AutoDeltaGuide(MODEL).find_mode(PROGRAM, DATA), "give its .morphism"),
        (lambda: Predictive(PROGRAM), "give its .morphism"),
        (lambda: Predictive(MODEL, elements="Row"), "elements must be values by name, such as .*, not 'Row'"),
        (lambda: pathfinder(PROGRAM, None, DATA), "give its .morphism"),
        (lambda: MCMC(NUTSKernel), "kernel must be a kernel, such as .*, not the class NUTSKernel"),
        (lambda: MCMC(NUTSKernel()).run(PROGRAM, None, DATA), "give its .morphism"),
        (
            lambda: MCMC(NUTSKernel(), init_strategy="value", initial_values=[1.0]),
            "initial_values must be values by name",
        ),
        (lambda: MCMC(NUTSKernel()).run(MODEL, None, DATA, cancel=3), "cancel must be a threading.Event"),
    ],
)
def test_wrong_arguments_end_in_a_sentence(call, message):
    with pytest.raises(QvrError, match=message):
        call()


def test_a_step_where_nothing_is_differentiated_is_refused():
    with torch.no_grad(), pytest.raises(QvrError, match="The loss has no gradient: take steps outside"):
        made(engine="torch").step(None, DATA)


def test_a_density_without_a_mode_is_told_as_one_from_wherever_the_search_goes():
    data = {"y": [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0], "kept": [0] * 8}
    for kind in (AutoDeltaGuide, AutoLaplaceApproximation):
        with pytest.raises(QvrError, match=r"(?s)tau.*rite the model non-centred"):
            kind(MODEL).find_mode(MODEL, data)


def test_data_with_a_value_that_is_missing_are_bound_once():
    one = made()
    one.step(None, DATA)
    bound = one._bound
    one.step(None, {name: list(values) for name, values in DATA.items()})
    assert one._bound is bound
    one.step(None, {**DATA, "y": [1.0, 2.0, math.nan, -2.0]})
    assert one._bound is not bound


def test_data_of_every_kind_are_taken_step_by_step():
    rows = {"y": [1.0, 2.0, 4.0, -1.0], "kept": [1.0, 1.0, 0.0, 1.0]}
    losses = []
    for data in (
        rows,
        polars.DataFrame(rows),
        {name: torch.tensor(values, requires_grad=True) for name, values in rows.items()},
        {name: torch.tensor(values, dtype=torch.bfloat16) for name, values in rows.items()},
    ):
        one = made()
        torch.manual_seed(1)
        losses.append([one.step(None, data) for _ in range(3)])
    assert all(each == losses[0] for each in losses)


@pytest.mark.parametrize(
    ("before", "now", "same"),
    [
        ({"y": ["Ann", None]}, {"y": ["Ann", None]}, True),
        ({"y": ["Ann", None]}, {"y": ["Bob", None]}, False),
        ({"y": [1.0, math.nan]}, {"y": [1.0, 2.0]}, False),
        ({"y": [1, 2]}, {"y": [1, 2], "x": 3}, False),
        ({"y": [[1], [2, 3]]}, {"y": [[1], [2, 3]]}, False),  # ragged: it can't be told
    ],
)
def test_contents_tell_whether_data_changed(before, now, same):
    assert same_contents(contents(before), contents(now)) is same


@pytest.mark.parametrize("kind", [AutoNormalGuide, AutoDeltaGuide])
def test_a_fitted_guide_can_be_copied_and_written(kind):
    one = kind(MODEL, observations=DATA)
    SVI(MODEL, one, torch.optim.Adam(one.parameters()), ELBO()).run(3, None, DATA)
    for other in (copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        torch.testing.assert_close(other.loc, one.loc)
        assert other.sample(MODEL.bind(DATA), (2,))["theta"].shape == (2, 4)


def test_weights_that_are_nearly_equal_move_no_mean_far():
    # A weight of 2 on half and 0 on the others: their mean is 1, and so is their standard deviation.
    assert largest_shift(np.log([2.0, 2.0, 1e-300, 1e-300])) == pytest.approx(1.0)
    assert largest_shift(np.full(30, -1000.0)) == 0.0
    assert largest_shift(np.full(30, -math.inf)) == math.inf


def test_a_trace_that_goes_down_again_is_told_from_noise_and_from_a_rise():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=2000) * 3.0
    rising = np.linspace(-50.0, -30.0, 2000) + noise
    assert fall(-31.0 + noise) is None
    assert fall(rising) is None
    assert fall(np.r_[rising, -31.0 + 0.5 * noise, -31.0 * np.ones(2000)]) is None
    best, last = fall(np.r_[rising, rising[::-1]])
    assert best > -32.0
    assert last < -48.0
    # One draw far out says nothing.
    assert fall(np.r_[-31.0 + noise, [-1e30]]) is None


def test_a_rate_that_is_too_high_is_named():
    torch.manual_seed(2)
    own = guide()
    one = SVI(MODEL, own, torch.optim.Adam(own.parameters(), lr=1.0), ELBO())
    one.run(600, None, DATA, tolerance=None)
    one._trace[:] = np.linspace(-5.0, -50.0, 600)
    down, misses = one.check()
    assert "The ELBO went down again, from" in down
    assert "the steps are too large, so give the optimiser a lower rate" in down
    assert "write theta non-centred" in misses


def test_too_few_draws_to_leave_one_out_are_refused():
    few = MCMC(NUTSKernel(), num_warmup=20, num_samples=2, num_chains=2, seed=0).run(MODEL, None, DATA)
    for call in (few.loo, few.waic):
        with pytest.raises(QvrError, match="loo and waic need at least 25 draws, the run has 4"):
            call()


def test_priors_to_scale_that_name_nothing_are_refused():
    run = MCMC(NUTSKernel(), num_warmup=50, num_samples=50, num_chains=2, seed=0).run(MODEL, None, DATA)
    for priors in ([], 3):
        with pytest.raises(QvrError, match="priors must name one latent or more"):
            run.power_scaling(priors)


def test_chains_are_drawn_on_a_terminal_alone(capsys):
    MCMC(NUTSKernel(), num_warmup=20, num_samples=5, num_chains=1, seed=0).run(
        MODEL, None, DATA, progress=True
    )
    assert capsys.readouterr().err == ""
