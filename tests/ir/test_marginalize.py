"""A summed latent gives what adding up every assignment of it gives, in value and in gradient."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from quivers.backends.kernel.kernel import Kernel, kernel
from quivers.backends.pointer import kernel_pointer
from quivers.dsl import loads
from quivers.errors import DataError, ProgramError
from quivers.ir.build import build

QUICK = (Phase.explicit, Phase.generate)

OBJECTS = """object Item : FinSet 4
object Group : FinSet 3
object Region : FinSet 2
object K : FinSet 2
object J : FinSet 3
data group : Item -> Group
data region : Item -> Region
data group_region : Group -> Region
data x : Item * Real
"""
LATENTS = """program p : Item -> K
    sample mu : K <- Normal(0.0, 2.0)
    sample nu : J * K <- Normal(0.0, 1.0)
    sample w : K <- Beta(2.0, 2.0)
    sample v : J <- Gamma(2.0, 1.0)
    sample rows : J * K <- Normal(0.0, 1.0)
    sample by_group : Group * K <- Normal(0.0, 1.0)
    sample share <- Beta(2.0, 3.0)
    sample sd <- HalfNormal(1.0)
    sample effect : Item <- Normal(0.0, 1.0)
"""
DATA = {
    "group": [0, 2, 2, 1],
    "region": [0, 1, 1, 0],
    "group_region": [0, 0, 1],
    "x": [0.3, -1.2, 0.8, 2.0],
    "y": [0.4, 1.9, -0.7, 1.1],
    "c": [1, 0, 2, 1],
    "g": [0.2, -0.4, 1.3],
}
SIZES = {"Item": 4, "Group": 3, "Region": 2, "K": 2, "J": 3}


def summed(block: str) -> str:
    return f"{OBJECTS}{LATENTS}{block}    return mu\n"


def log_joint_by_assignment(declarations: str, steps: str, ranges: dict[str, list[list[int]]]):
    """The log of the sum of the joint density over every assignment of what stands for the latents."""
    model = loads(f"{OBJECTS}{declarations}{LATENTS}{steps}    return mu\n").morphism

    def at(q: torch.Tensor) -> torch.Tensor:
        values = []
        names = list(ranges)
        for assignment in itertools.product(*(itertools.product(*ranges[name]) for name in names)):
            data = {**DATA, **{name: list(chosen) for name, chosen in zip(names, assignment, strict=True)}}
            values.append(model.bind(data).log_density(q))
        return torch.logsumexp(torch.stack(values), 0)

    return at


def compared(block: str, expected, seed: int = 0) -> None:
    bound = loads(summed(block)).morphism.bind(DATA)
    generator = torch.Generator().manual_seed(seed)
    q = (torch.rand(bound.dimension, dtype=torch.float64, generator=generator) * 3 - 1.5).requires_grad_()
    wanted = expected(q)
    (slope,) = torch.autograd.grad(wanted, q)
    value = bound.log_density(q)
    np.testing.assert_allclose(value.item(), wanted.item(), rtol=1e-10, atol=1e-10)
    (autograd,) = torch.autograd.grad(value, q)
    np.testing.assert_allclose(autograd, slope, rtol=1e-10, atol=1e-10)
    gradient = np.empty(bound.dimension)
    np.testing.assert_allclose(
        bound.log_density_and_gradient(q.detach().numpy(), gradient), wanted.item(), rtol=1e-10, atol=1e-10
    )
    np.testing.assert_allclose(gradient, slope, rtol=1e-10, atol=1e-10)


def test_a_latent_for_each_observation() -> None:
    compared(
        """    marginalize z : K <- Categorical(w)
        let m = mu[z] + x
        observe y : Item <- Normal(m, sd)
""",
        log_joint_by_assignment(
            "data z : Item -> K\n",
            "    observe z : Item <- Categorical(w)\n    observe y : Item <- Normal(mu[z] + x, sd)\n",
            {"z": [[0, 1]] * 4},
        ),
    )


def test_a_latent_for_each_group() -> None:
    compared(
        """    marginalize z : K <- Categorical(logits=by_group) [over=Group]
        observe y : Item <- Normal(mu[z] + x, sd) [via=group]
        observe g : Group <- Normal(2.0 * mu[z], 1.0)
""",
        log_joint_by_assignment(
            "data z : Group -> K\n",
            "    observe z : Group <- Categorical(logits=by_group)\n"
            "    observe y : Item <- Normal(mu[z[group]] + x, sd)\n"
            "    observe g : Group <- Normal(2.0 * mu[z], 1.0)\n",
            {"z": [[0, 1]] * 3},
        ),
    )


def test_a_block_in_a_block_for_groups_within_regions() -> None:
    data = {**DATA, "group": [0, 2, 2, 1], "region": [0, 1, 1, 0]}
    assert data == DATA
    compared(
        """    marginalize u : J <- Categorical(v) [over=Region]
        marginalize z : K <- Categorical(logits=rows[u]) [over=Group]
            observe y : Item <- Normal(nu[u, z] + x, sd) [via=[region, group]]
            observe g : Group <- Normal(mu[z], 1.0) [via=group_region]
""",
        log_joint_by_assignment(
            "data u : Region -> J\ndata z : Group -> K\n",
            "    observe u : Region <- Categorical(v)\n"
            "    let row = rows[u[group_region]]\n"
            "    observe z : Group <- Categorical(logits=row)\n"
            "    observe y : Item <- Normal(nu[u[region], z[group]] + x, sd)\n"
            "    observe g : Group <- Normal(mu[z], 1.0)\n",
            {"u": [[0, 1, 2]] * 2, "z": [[0, 1]] * 3},
        ),
    )
