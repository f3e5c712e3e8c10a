"""Stochastic variational inference: a guide moved towards the posterior by gradient steps on the ELBO."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from quivers.errors import SamplingError
from quivers.inference.kernels import check_count

if TYPE_CHECKING:
    from quivers.backends.torch.bound import BoundModel
    from quivers.backends.torch.module import ProgramModule
    from quivers.inference.guides import AutoNormalGuide


class SVI:
    """Fits `guide` to the posterior of `model`, one step of `optimizer` at a time."""

    def __init__(
        self, model: ProgramModule, guide: AutoNormalGuide, optimizer: torch.optim.Optimizer, elbo: ELBO
    ) -> None:
        self.model = model
        self.guide = guide
        self.optimizer = optimizer
        self.elbo = elbo
        self._bound: BoundModel | None = None
        self._seen: dict[str, np.ndarray] = {}

    def step(self, x: Any = None, observations: Mapping[str, Any] | None = None) -> float:
        """One step; returns the loss, the negative ELBO estimated before it.

        `x` is a value of the program's domain, which no program reads yet. The randomness is torch's global
        generator's. Raises `DataError` where the observations do not fit, `SamplingError` where the loss is
        not finite, the parameters then being left as they were.
        """
        bound = self._bind({} if observations is None else observations)
        self.optimizer.zero_grad()
        loss = self.elbo.loss(bound, self.guide)
        value = float(loss.detach())
        if not np.isfinite(value):
            raise SamplingError(
                f"The loss is {value:g}: the guide reached a point where the log density is not finite."
                " A lower learning rate, or more particles, may keep it away."
            )
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return value

    def _bind(self, observations: Mapping[str, Any]) -> BoundModel:
        """The program with these data. They are bound anew only when their content changes."""
        arrays = {name: np.asarray(value) for name, value in observations.items()}
        seen = self._seen
        if self._bound is None or not (
            arrays.keys() == seen.keys()
            and all(np.array_equal(array, seen[name]) for name, array in arrays.items())
        ):
            bound = self.model.bind(observations)
            self.guide.check(bound)
            # Copies: the caller may write into the arrays that were given.
            self._seen = {name: array.copy() for name, array in arrays.items()}
            self._bound = bound
        return self._bound


class ELBO:
    """The evidence lower bound E[log p(q, data)] + H[guide], the expectation over `num_particles` draws of
    the guide.

    The entropy is exact and the draws are reparameterised (Kingma and Welling 2014); all particles are
    evaluated in one batch.
    """

    def __init__(self, num_particles: int = 1) -> None:
        check_count("num_particles", num_particles, 1)
        self.num_particles = num_particles

    def loss(self, bound: BoundModel, guide: AutoNormalGuide) -> Tensor:
        """The negative ELBO, differentiable in the guide's parameters."""
        log_density = bound.log_density(guide.rsample((self.num_particles,)))
        return -(log_density.mean() + guide.entropy())
