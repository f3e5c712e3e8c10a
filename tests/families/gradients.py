"""Our log density and its slopes in the value and every parameter, and the same of a reference in torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from reference_densities import REFERENCES
from torch import Tensor

from quivers.backends.torch.evaluate import plan
from quivers.families.support import Space
from quivers.families.table import FAMILIES
from quivers.ir.densities import guarded, log_density
from quivers.ir.differentiate import differentiate
from quivers.ir.expressions import Value
from quivers.ir.graph import Builder, Node
from quivers.ir.joint import joint

SYMMETRIC = {Space.COVARIANCE, Space.CORRELATION}
TRIANGULAR = {Space.CHOLESKY_COVARIANCE, Space.CHOLESKY_CORRELATION}


def tensor(values):
    array = values if isinstance(values, Tensor) else np.asarray(values)
    return torch.as_tensor(array, dtype=torch.float64)


@dataclass
class Placed:
    """A family's guarded log density over the axis N in a graph, its parameters' nodes and its value's."""

    node: int
    places: dict[str, int]
    x: int


def position(key, axes):
    return Node("position", axes=axes, name=key)


def placed(builder, name, form, parameters, leaf=position):
    """Add the log density of one form to a graph. One value has the axes K and K′ as far as it needs them.

    `leaf` gives the node of a parameter, or of the value, by its name and its axes.
    """
    entry = FAMILIES[name]
    values = {}
    for parameter in entry.forms[form].parameters:
        if parameter.name not in parameters:
            values[parameter.name] = Value(builder.constant(parameter.default))
            continue
        axes = ("N", "K", "K′")[: parameters[parameter.name].ndim]
        event = axes[len(axes) - parameter.event_rank :]
        node = builder.add(leaf(parameter.name, axes))
        values[parameter.name] = Value(node, event=event)
    axes = ("N", "K", "K′")[: 1 + entry.event_rank]
    x = builder.add(leaf("x", axes))
    found = log_density(builder, entry, entry.forms[form], values, Value(x, event=axes[1:]))
    places = {key: value.node for key, value in values.items() if key in parameters}
    return Placed(guarded(builder, found.node, found.guard), places, x)


def sizes_of(x, parameters):
    return {"N": len(x), "K": next((v.shape[-1] for v in (x, *parameters.values()) if v.ndim > 1), 1)}


def rows(x, parameters):
    """The value and the parameters as tensors with a row for each value."""
    x = tensor(x)
    wide = {
        key: tensor(value).expand(len(x), *np.shape(value)[1:]).clone() for key, value in parameters.items()
    }
    return x, wide


def differentiated(name, form):
    """The parameters that a log density has slopes in; whole numbers have none, nor has a discrete value."""
    family = FAMILIES[name]
    wanted = [each.name for each in family.forms[form].parameters if not each.support.integer]
    return wanted if family.discrete else [*wanted, "x"]


def density(name, x, parameters, form=0):
    """The log density of each row."""
    x, parameters = rows(x, parameters)
    builder = Builder()
    found = placed(builder, name, form, parameters)
    run = plan(builder.nodes, [(found.node, ("N",))], sizes_of(x, parameters), {}, batched=False)
    return run({"x": x, **parameters})[0]


def ours(name, form, x, parameters):
    """The log density of each row, and its slopes by parameter."""
    builder = Builder()
    found = placed(builder, name, form, parameters)
    places = {**found.places, "x": found.x}
    wanted = [key for key in differentiated(name, form) if key in places]
    slopes = differentiate(builder, joint(builder, [(found.node, ("N",))]), [places[key] for key in wanted])
    outputs = [(found.node, ("N",))]
    outputs += [(slopes[places[key]], builder.axes(places[key])) for key in wanted]
    value, *along = plan(builder.nodes, outputs, sizes_of(x, parameters), {}, batched=False)(
        {"x": x, **parameters}
    )
    return value, dict(zip(wanted, along, strict=True))


def theirs(name, form, x, parameters):
    """The same of the reference, by torch's autograd."""
    leaves = {key: value.clone().requires_grad_() for key, value in parameters.items()}
    leaf = x.clone().requires_grad_()
    value = REFERENCES[name][form](leaf, **leaves)
    leaves["x"] = leaf
    wanted = [key for key in differentiated(name, form) if key in leaves]
    if not value.requires_grad or not wanted:
        return value.detach(), {key: torch.zeros_like(leaves[key]) for key in wanted}
    found = torch.autograd.grad(value.sum(), [leaves[key] for key in wanted], allow_unused=True)
    slopes = {
        key: torch.zeros_like(leaves[key]) if slope is None else slope
        for key, slope in zip(wanted, found, strict=True)
    }
    return value.detach(), slopes


def along_the_space(slope, value, space):
    """The part of a slope that a value can follow without leaving its space."""
    if space in TRIANGULAR:
        slope = torch.tril(slope)
    if space in SYMMETRIC:
        slope = 0.5 * (slope + slope.mT)
    if space is Space.CORRELATION:
        slope = slope - torch.diag_embed(torch.diagonal(slope, dim1=-2, dim2=-1))
    if space is Space.CHOLESKY_CORRELATION:  # its rows have the length 1
        slope = slope - (slope * value).sum(-1, keepdim=True) * value
    return slope


def space_of(name, form, key):
    family = FAMILIES[name]
    if key == "x":
        return family.space
    return next(each.space for each in family.forms[form].parameters if each.name == key)


def assert_same(name, form, x, parameters, found, expected):
    """Hold our value and slopes against a reference's, to 1e-10 of each number.

    The slopes of a truncated normal in `loc` and `scale` are held to 1e-10 of the greatest term that they are
    the sum of: between ends near each other, or far from `loc`, the terms cancel. Where the log density is
    −inf there is no slope to compare.
    """
    value, slopes = found
    wanted, others = expected
    torch.testing.assert_close(value.detach(), wanted, rtol=1e-10, atol=1e-13)
    inside = torch.isfinite(wanted)
    terms = terms_of_truncated(x, parameters, others) if name == "TruncatedNormal" else {}
    assert set(slopes) == set(others)
    for key, slope in slopes.items():
        space, at = space_of(name, form, key), x if key == "x" else parameters[key]
        mine, other = (along_the_space(each.detach(), at, space)[inside] for each in (slope, others[key]))
        scale = terms[key][inside] if key in terms else other.abs()
        same = (mine == other) | ((mine - other).abs() <= 1e-10 * scale)
        assert same.all(), (key, mine[~same], other[~same])


def terms_of_truncated(x, parameters, slopes):
    """The greatest term of a truncated normal's slopes in `loc` and in `scale`, by the chain rule."""
    places = {key: value for key, value in {**parameters, "x": x}.items() if key in ("x", "low", "high")}
    loc, scale = parameters["loc"], parameters["scale"]
    shifted = [slopes[key].abs() for key in places]
    scaled = [(slopes[key] * (place - loc) / scale).abs() for key, place in places.items()]
    return {
        "loc": torch.stack(shifted).amax(0),
        "scale": torch.stack([*scaled, 1 / scale]).amax(0),
    }
