"""Values and parameters all over their supports, each row with parameters of its own."""

from __future__ import annotations

import math

import numpy as np
from gradients import tensor

from quivers.families.support import Space
from quivers.families.table import FAMILIES

SIZE = 3

# Parameters whose place depends on another's.
ABOVE_LOW = {("Uniform", "high"), ("TruncatedNormal", "high"), ("DiscreteUniform", "high")}


def spread(name, form, count):
    """`count` values of a family inside its support, and its parameters."""
    rng = np.random.default_rng(20261122)
    family = FAMILIES[name]
    parameters = {}
    for each in family.forms[form].parameters:
        found = _parameter(rng, name, each, count)
        if (name, each.name) in ABOVE_LOW:
            width = 1 + np.floor(np.abs(found)) if each.support.integer else np.exp(found / 3)
            found = parameters["low"] + width
        parameters[each.name] = found
    if "df" in parameters and family.event_rank == 2:
        parameters["df"] = parameters["df"] + SIZE - 1
    x = _value(rng, family, parameters, count)
    return tensor(x), {key: tensor(value) for key, value in parameters.items()}


def _parameter(rng, name, parameter, count):
    shape = (count, SIZE) if parameter.event_rank == 1 else (count,)
    if parameter.event_rank == 2:
        return _matrices(rng, parameter.space, count)
    if parameter.space is Space.ORDERED:
        return np.cumsum(0.1 + rng.exponential(size=shape), axis=-1) - 2
    return _numbers(rng, parameter.support, shape, trials=parameter.name == "total_count")


def _numbers(rng, support, shape, trials=False):
    if support.integer:
        least = -20 if support.low < 0 else int(trials)
        return rng.integers(least, 40, size=shape).astype(float)
    if (support.low, support.high) == (0, 1):
        return 1 / (1 + np.exp(-rng.normal(size=shape) * 2))
    if support.low == 0:
        return np.exp(rng.uniform(-4, 4, size=shape))
    if math.isfinite(support.low):
        return rng.uniform(support.low, support.high, size=shape)
    return rng.normal(size=shape) * 3


def _matrices(rng, space, count):
    a = rng.normal(size=(count, SIZE, SIZE))
    root = np.tril(a, -1)
    root[:, range(SIZE), range(SIZE)] = 0.5 + rng.exponential(size=(count, SIZE))
    if space in (Space.CORRELATION, Space.CHOLESKY_CORRELATION):
        root = root / np.linalg.norm(root, axis=-1, keepdims=True)
    if space in (Space.CHOLESKY_COVARIANCE, Space.CHOLESKY_CORRELATION):
        return root
    return root @ np.swapaxes(root, -1, -2)


def _value(rng, family, parameters, count):
    if family.event_rank == 2:
        return _matrices(rng, family.space, count)
    if family.space is Space.SIMPLEX:
        return rng.dirichlet(np.ones(SIZE), size=count)
    if family.name == "Multinomial":
        return rng.multinomial(parameters["total_count"].astype(int), np.ones(SIZE) / SIZE).astype(float)
    if family.event_rank == 1:
        return rng.normal(size=(count, SIZE)) * 3
    share = rng.uniform(size=count)
    if family.name == "Pareto":
        return parameters["scale"] * np.exp(rng.exponential(size=count))
    if family.low is not None and family.high is not None:
        low, high = parameters["low"], parameters["high"]
        return low + (np.floor(share * (high - low + 1)) if family.discrete else share * (high - low))
    if family.high == "total_count":
        return np.floor(share * (parameters["total_count"] + 1))
    if family.name in ("Categorical", "OrderedLogistic"):
        return np.floor(share * (SIZE + (family.name == "OrderedLogistic")))
    if family.support.integer and family.support.high == 1:
        return np.floor(2 * share)
    return _numbers(rng, family.support, (count,))
