"""Each family's log density and its slopes against torch's autograd of a reference, in torch and compiled."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gradients import assert_same, differentiated, ours, placed, rows, theirs
from reference_densities import REFERENCES
from spread import spread
from test_densities import CONTINUOUS, DISCRETE
from vector_cases import VECTORS

from quivers.backends.kernel.kernel import Kernel, kernel
from quivers.families.table import FAMILIES
from quivers.inference.compiled import python_function
from quivers.ir.graph import Builder, Density, Latent, Node, Term

FORMS = [(name, form) for name, family in FAMILIES.items() for form in range(len(family.forms))]

# Values and parameters at the edges of their supports, where the log density and its slopes are finite.
EDGES = [
    ("Gamma", 0, [0.0, 0.5], {"concentration": 1.0, "rate": 0.4}),
    ("Chi2", 0, [0.0, 0.5], {"df": 2.0}),
    ("Weibull", 0, [0.0, 0.5], {"scale": 2.5, "concentration": 1.0}),
    ("Beta", 0, [0.0, 0.5, 1.0], {"concentration1": 1.0, "concentration0": 1.0}),
    ("Beta", 0, [0.0, 0.5], {"concentration1": 1.0, "concentration0": 3.0}),
    ("Kumaraswamy", 0, [0.0, 0.5, 1.0], {"concentration1": 1.0, "concentration0": 1.0}),
    ("Kumaraswamy", 0, [0.0, 0.5], {"concentration1": 1.0, "concentration0": 3.0}),
    ("SkewNormal", 0, [-60.0, 0.0, 60.0], {"loc": 0.7, "scale": 2.5, "alpha": 0.0}),
    ("Bernoulli", 0, [0.0, 1.0], {"probs": [0.0, 1.0]}),
    ("Binomial", 0, [0.0, 9.0], {"total_count": 9.0, "probs": [0.0, 1.0]}),
    ("NegativeBinomial", 0, [0.0], {"total_count": 3.4, "probs": 0.0}),
    ("NegativeBinomial", 2, [0.0], {"mean": 0.0, "concentration": 3.4}),
    ("NegativeBinomial2", 0, [0.0], {"mean": 0.0, "concentration": 3.4}),
    ("ZeroInflatedPoisson", 0, [0.0], {"gate": 0.2, "rate": 0.0}),
    ("DiscreteUniform", 0, [4.0], {"low": 4.0, "high": 4.0}),
    ("Dirichlet", 0, [[0.0, 0.0, 1.0]], {"concentration": [[1.0, 1.0, 1.0]]}),
    ("Multinomial", 0, [[2.0, 1.0, 0.0]], {"total_count": 3.0, "probs": [[0.5, 0.5, 0.0]]}),
]


def finite(name, form, x, parameters):
    """The rows that the test can compare: a log of 0 for a gate has no slope in floating point.

    Such a gate can only be given as data, of which nobody asks a slope.
    """
    x, parameters = rows(x, parameters)
    if "gate" in parameters:
        kept = (parameters["gate"] > 0) & (parameters["gate"] < 1)
        x, parameters = x[kept], {key: value[kept] for key, value in parameters.items()}
    return name, form, x, parameters


CASES = [
    case
    for case in (
        *((name, 0, x, parameters) for name, x, parameters, _ in CONTINUOUS),
        *((name, form, x, parameters) for name, form, x, parameters, _ in DISCRETE),
        # The degrees of freedom of a Wishart can be too few, which the reference does not know.
        *((n, form, x, given) for n, form, x, given, found in VECTORS if np.isfinite(found).all()),
        *EDGES,
    )
    if len(finite(*case)[2])
]


def test_every_form_has_a_reference_and_a_case():
    assert {name: len(found) for name, found in REFERENCES.items()} == {
        name: len(family.forms) for name, family in FAMILIES.items()
    }
    assert {(name, form) for name, form, *_ in CASES} == set(FORMS)


@pytest.mark.parametrize(
    ("name", "form", "x", "parameters"), CASES, ids=lambda v: v if isinstance(v, str) else ""
)
def test_values_and_slopes_are_the_references(name, form, x, parameters):
    case = finite(name, form, x, parameters)
    assert_same(*case, ours(*case), theirs(*case))


@pytest.mark.parametrize(("name", "form"), FORMS)
def test_values_and_slopes_are_the_references_all_over_the_support(name, form):
    case = (name, form, *spread(name, form, 400))
    expected = theirs(*case)
    assert torch.isfinite(expected[0]).all()
    assert_same(*case, ours(*case), expected)


def sample_rows(name, form, count):
    """Rows of the cases above that have a density, edges among them, then some from all over the support."""
    x, parameters = spread(name, form, count)
    parts = [(x, parameters)]
    for case in CASES:
        _, _, here, given = finite(*case)
        shapes = {key: value.shape[1:] for key, value in given.items()}
        alike = here.shape[1:] == x.shape[1:] and shapes == {k: v.shape[1:] for k, v in parameters.items()}
        if case[:2] == (name, form) and alike:
            inside = torch.isfinite(theirs(name, form, here, given)[0])
            parts.insert(0, (here[inside], {key: value[inside] for key, value in given.items()}))
    merged = {key: torch.cat([given[key] for _, given in parts])[:count] for key in parameters}
    return torch.cat([here for here, _ in parts])[:count], merged


def compiled(forms, count):
    """One kernel of the sum of several log densities, with the value and slopes of each in its gradient.

    What has slopes is latent; whole numbers are data. Each row of each density has a weight, whose slope is
    the log density of that row.
    """
    builder, latents, terms, data, point = Builder(), [], [], {}, []
    for name, form in forms:
        x, parameters = sample_rows(name, form, count)
        values, moving = {**parameters, "x": x}, differentiated(name, form)

        def leaf(key, axes, name=name, form=form, moving=moving):
            return Node("site" if key in moving else "input", axes=axes, name=f"{name}{form}{key}")

        found = placed(builder, name, form, parameters, leaf)
        places = {**found.places, "x": found.x}
        weight = builder.add(Node("site", axes=("N",), name=f"{name}{form}"))
        terms.append(Term(name, "score", builder.apply("mul", weight, found.node)))
        latents.append(Latent(f"{name}{form}", ("N",), weight))
        point.append(np.ones(count))
        for key, value in values.items():
            if key not in moving:
                data[f"{name}{form}{key}"] = value.numpy()
                continue
            latents.append(Latent(f"{name}{form}{key}", builder.axes(places[key]), places[key]))
            point.append(value.numpy().ravel())
    density = Density(
        program="families",
        nodes=tuple(builder.nodes),
        latents=tuple(latents),
        terms=tuple(terms),
        draws=(),
        deterministic={},
        returned=(),
        inputs=tuple(data),
        sizes={"N": None, "K": None},
    )
    return kernel(density, data, {"N": count, "K": 3}), latents, point


SHARES = 3


@pytest.mark.parametrize("share", range(SHARES))
def test_compiled_values_and_slopes_are_the_references(share):
    forms, count = FORMS[share::SHARES], 60
    made, latents, point = compiled(forms, count)
    assert isinstance(made, Kernel), made
    gradient = np.empty(made.dimension)
    total = python_function(made.address)(np.concatenate(point), gradient, made.block())
    parts = np.split(gradient, np.cumsum([len(part) for part in point])[:-1])
    by_name = {latent.name: torch.from_numpy(part) for latent, part in zip(latents, parts, strict=True)}
    whole = 0.0
    for name, form in forms:
        case = (name, form, *sample_rows(name, form, count))
        value, slopes = theirs(*case)
        found = {key: by_name[f"{name}{form}{key}"].reshape(slope.shape) for key, slope in slopes.items()}
        assert_same(*case, (by_name[f"{name}{form}"], found), (value, slopes))
        whole += float(value.sum())
    assert total == pytest.approx(whole, rel=1e-10)
