"""Each argument of each public call of inference, of a wrong kind: the answer is a sentence about it."""

import inspect
import math
import traceback
from pathlib import Path

import numpy as np
import pytest
import torch

import quivers
from quivers import inference
from quivers.dsl import loads
from quivers.errors import QvrError
from quivers.inference import guide_checks
from quivers.inference.criticism import (
    arviz_groups,
    leave_one_out,
    pointwise,
    power_scaling,
    predictive_check,
    psis_loo,
)
from quivers.inference.prior_predictive import prior_predictive
from quivers.inference.responsibilities import posterior_of

MODEL = loads("""
object Row : FinSet

program means : Row -> Row
    sample mu <- Normal(0.0, 2.0)
    sample theta : Row <- Normal(mu, 1.0)
    observe y : Row <- Normal(theta, 1.0)
    return theta

export means
""").morphism
DATA = {"y": [1.0, 2.0, 0.5, -1.0]}

# What no argument of these may be, and what only arguments of some kinds may.
NEVER = [1j, b"mu", object(), torch.ones(2), np.ones((2, 2)), int]
NAMES = ["", "no such"]
NUMBERS = [True, -1, 2.5, math.nan, np.int64(4), 2**70]
MAPPINGS = [{"no such": 1.0}, {1: 2.0}]
COLLECTIONS = [[1.0], (None,), {3}]
EVERYTHING = [*NEVER, *NAMES, *NUMBERS, *MAPPINGS, *COLLECTIONS, None, [], {}]

# Arguments that take some of these, with what they take; `x` is read by no program yet.
ANYTHING = {"x"}
TAKES = {
    "threads": [None],
    "seed": [None],
    "initial_values": [None],
    "reparameterize": [None, {}, *MAPPINGS[:1]],  # names are looked at when there is a program
    "observed_names": [None, [], {}],
    "site": [None],
    "statistics": [None],
    "priors": [None],
    "posterior": [None],
    "num_samples": [None],
    "most": [None],
    "sites": [None, [], {}, *MAPPINGS[:1]],  # a collection of names
    "elements": [None, {}],
    "step_size": [None, 2.5, 2**70],
    "trajectory_length": [2.5, 2**70],
    "initial_scale": [2.5, 2**70],
    "alpha": [-1, 2.5, 2**70],
    "num_steps": [None],
    "progress": [None, True],
    "cancel": [None],
    "watch": [None],
    "record": [None],
    "checkpoint": [None],
    "tolerance": [None, 2.5, 2**70],
    "schedule": [None],
    "subsample": [None, {}],
    "rank": [None],
    "predictive": [True],
    "log_likelihood": [True],
    "keep": [None, [], {}, *MAPPINGS[:1]],  # collections of names
    "drop": [None, [], {}, *MAPPINGS[:1]],
    "observations": [None],
    "shape": [()],
}
# A class is a function too; whether it takes what it will be given, only a call can tell.
CALLED = {"progress", "watch", "record"}
QVR = str(Path(quivers.__file__).parent)


@pytest.fixture(scope="module")
def run():
    return inference.MCMC(inference.NUTSKernel(), 50, 50, 2, seed=0).run(MODEL, None, DATA)


def calls(run):
    """Each public call by name, with arguments that are right."""
    guide = inference.AutoNormalGuide(MODEL, observations=DATA)
    optimizer = torch.optim.Adam(guide.parameters())
    fit = inference.SVI(MODEL, guide, optimizer, inference.ELBO(), engine="torch")
    short = inference.MCMC(inference.NUTSKernel(), 5, 5, 2, seed=1)
    prior = prior_predictive(MODEL, DATA, draws=20, seed=0)
    yield inference.NUTSKernel, {}
    yield inference.HMCKernel, {}
    yield inference.MCMC, {"kernel": inference.NUTSKernel()}
    yield short.run, {"model": MODEL, "observations": DATA}
    yield short.resume, {"previous": run, "num_samples": 5}
    for bound in ("ELBO", "IWAE", "RenyiELBO"):
        yield getattr(inference, bound), {}
    for name in inference.__all__:
        if name.startswith("Auto"):
            yield getattr(inference, name), {"model": MODEL, "observations": DATA}
    yield guide.sample, {"bound": MODEL.bind(DATA), "shape": (3,)}
    yield inference.AutoDeltaGuide(MODEL).find_mode, {"model": MODEL, "observations": DATA}
    yield inference.SVI, {"model": MODEL, "guide": guide, "optimizer": optimizer, "elbo": inference.ELBO()}
    yield fit.step, {"observations": DATA}
    yield fit.run, {"steps": 2, "observations": DATA}
    yield fit.pareto_k, {"observations": DATA, "num_samples": 30}
    yield fit.check, {"observations": DATA}
    yield inference.Predictive, {"model": MODEL, "posterior": run}
    yield inference.Predictive(MODEL, run, num_samples=3), {"observations": DATA}
    yield (
        inference.pathfinder,
        {"model": MODEL, "observations": DATA, "num_draws": 25, "num_paths": 1},
    )
    yield prior_predictive, {"model": MODEL, "observations": DATA, "draws": 3, "seed": 0}
    yield guide_checks.guide_k, {"bound": MODEL.bind(DATA), "guide": guide, "num_samples": 30}
    for criticism in (
        arviz_groups.to_arviz,
        leave_one_out.loo,
        leave_one_out.waic,
        pointwise.pointwise_log_likelihood,
        power_scaling.power_scaling,
        predictive_check.posterior_predictive_check,
        psis_loo.psis_loo,
    ):
        yield criticism, {"result": run}
    yield predictive_check.prior_predictive_check, {"draws": prior}
    yield posterior_of, {"result": run, "site": "z"}


def wrong(name):
    """What is not to be taken for an argument of this name."""
    allowed = [repr(value) for value in TAKES.get(name, ())]
    for value in EVERYTHING:
        if repr(value) not in allowed and not (name in CALLED and callable(value)):
            yield value


def complaint(function, arguments, name, value):
    """What is wrong with the answer to a wrong argument; None where it is a sentence about it."""
    try:
        function(**{**arguments, name: value})
    except QvrError as error:
        text = str(error)
        about = name in text or "ata" in text or "shape" in text or name in ("bound", "site")
        return None if about and text.rstrip()[-1] in ".?`" else f"says {text!r}"
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        return f"ends inside, in {Path(frame.filename).name}:{frame.lineno}: {error!r}"
    return "is taken"


@pytest.mark.filterwarnings("ignore")
def test_a_wrong_argument_ends_in_a_sentence_about_it(run):
    found = []
    for function, arguments in calls(run):
        for name, parameter in inspect.signature(function).parameters.items():
            if name in ANYTHING or parameter.kind is parameter.VAR_KEYWORD:
                continue
            for value in wrong(name):
                answer = complaint(function, arguments, name, value)
                if answer is not None:
                    found.append(f"{getattr(function, '__qualname__', function)}({name}={value!r}) {answer}")
    assert not found, "\n".join(found)
