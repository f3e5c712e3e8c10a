"""The full-rank guide: one normal distribution over all latents, with their correlations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from quivers.errors import QvrError
from quivers.inference.guides import Guide, checked_scale, held, standard_normal, start

if TYPE_CHECKING:
    from quivers.backends.torch.module import ProgramModule

# Its matrix then takes 0.8 GB, and an optimiser such as Adam three times that.
LARGEST_DIMENSION = 10_000


class AutoMultivariateNormalGuide(Guide):
    """A multivariate normal on the unconstrained space (full-rank; Kucukelbir et al. 2017, ADVI).

    The covariance is L Lᵀ with L = diag(exp(log_scale)) (I + lower), `lower` (coordinate, coordinate) being
    strictly lower triangular: what stands on and above its diagonal is not read. Scales thus stay positive,
    and correlations do not depend on units. It starts as `AutoNormalGuide` does, without correlations.

    Raises:
        QvrError: there are more than 10,000 coordinates.
    """

    loc: nn.Parameter
    log_scale: nn.Parameter
    lower: nn.Parameter
    _below: Tensor

    def __init__(
        self,
        model: ProgramModule,
        observed_names: Iterable[str] | None = None,
        initial_scale: float = 0.1,
        *,
        observations: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(model, observed_names, observations, ("loc", "log_scale", "lower"))
        self.initial_scale = checked_scale(initial_scale)
        self.settle()

    def initial(self, dimension: int) -> dict[str, Tensor]:
        if dimension > LARGEST_DIMENSION:
            raise QvrError(
                f"The program has {dimension} coordinates, too many for a guide that holds all their"
                f" correlations (at most {LARGEST_DIMENSION}): take AutoLowRankMultivariateNormalGuide."
            )
        # A product with it takes 10 µs where torch.tril wakes every thread, which can take milliseconds.
        below = torch.ones(dimension, dimension, dtype=torch.bool).tril(-1)
        self.register_buffer("_below", below, persistent=False)
        lower = torch.zeros(dimension, dimension, dtype=torch.float64)
        return {**start(dimension, self.initial_scale), "lower": lower}

    def rsample(self, shape: tuple[int, ...] = ()) -> Tensor:
        noise = torch.randn(*shape, self.dimension, dtype=self.loc.dtype)
        correlated = noise + noise @ (self.lower * self._below).T
        return self.loc + torch.exp(self.log_scale) * correlated

    def log_density(self, q: Tensor, *, frozen: bool = True) -> Tensor:
        loc, log_scale, lower = held((self.loc, self.log_scale, self.lower), frozen)
        correlated = (q - loc) * torch.exp(-log_scale)
        noise = torch.linalg.solve_triangular(
            lower, correlated.reshape(-1, self.dimension).T, upper=False, unitriangular=True
        )
        return standard_normal(noise.T.reshape(q.shape)) - log_scale.sum()

    def covariance(self) -> Tensor:
        """The covariance of the unconstrained coordinates, (coordinate, coordinate)."""
        with torch.no_grad():
            unit = torch.eye(self.dimension, dtype=self.loc.dtype) + self.lower * self._below
            factor = torch.exp(self.log_scale)[:, None] * unit
            return factor @ factor.T


# The name under which other languages' users look for it.
AutoMultivariateNormal = AutoMultivariateNormalGuide
