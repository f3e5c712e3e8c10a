"""The low-rank guide: normals whose correlations come from a few factors that all latents share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from quivers.errors import QvrError
from quivers.inference.guides import Guide, checked_scale, held, standard_normal, start
from quivers.inference.kernels import check_count

if TYPE_CHECKING:
    from quivers.backends.torch.module import ProgramModule

# Factors of nothing have no slope on average; this is what they begin with, in units of the scales.
FIRST_FACTOR = 0.01


class AutoLowRankMultivariateNormalGuide(Guide):
    """A multivariate normal on the unconstrained space whose correlations have a low rank (Ong et al. 2018).

    The covariance is S (I + W Wᵀ) S with S = diag(exp(log_scale)) and W = `factors` (coordinate, rank): it
    takes memory and time in proportion to coordinates · rank. Without a `rank` it is the root of the number
    of coordinates, rounded down, as in other languages. The factors start as small random numbers, of torch's
    global generator.

    Raises:
        QvrError: the rank is above the number of coordinates.
    """

    loc: nn.Parameter
    log_scale: nn.Parameter
    factors: nn.Parameter

    def __init__(
        self,
        model: ProgramModule,
        observed_names: Iterable[str] | None = None,
        initial_scale: float = 0.1,
        rank: int | None = None,
        *,
        observations: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(model, observed_names, observations, ("loc", "log_scale", "factors"))
        self.initial_scale = checked_scale(initial_scale)
        if rank is not None:
            check_count("rank", rank, 1)
        self.rank = rank
        self.settle()

    def initial(self, dimension: int) -> dict[str, Tensor]:
        rank = math.isqrt(dimension) if self.rank is None else self.rank
        if rank > dimension:
            raise QvrError(f"rank must be at most {dimension}, the number of coordinates; it is {rank}.")
        factors = FIRST_FACTOR * torch.randn(dimension, rank, dtype=torch.float64)
        return {**start(dimension, self.initial_scale), "factors": factors}

    def rsample(self, shape: tuple[int, ...] = ()) -> Tensor:
        noise = torch.randn(*shape, self.dimension, dtype=self.loc.dtype)
        shared = torch.randn(*shape, self.factors.shape[1], dtype=self.loc.dtype)
        return self.loc + torch.exp(self.log_scale) * (noise + shared @ self.factors.T)

    def log_density(self, q: Tensor, *, frozen: bool = True) -> Tensor:
        loc, log_scale, factors = held((self.loc, self.log_scale, self.factors), frozen)
        correlated = (q - loc) * torch.exp(-log_scale)
        # (I + W Wᵀ)⁻¹ = I − W (I + Wᵀ W)⁻¹ Wᵀ, and both determinants are equal (Woodbury, Sylvester).
        inner = torch.eye(factors.shape[1], dtype=factors.dtype) + factors.T @ factors
        root = torch.linalg.cholesky(inner)
        explained = (correlated @ factors).reshape(-1, factors.shape[1]).T
        explained = torch.linalg.solve_triangular(root, explained, upper=False).square().sum(0)
        log_determinant = root.diagonal().log().sum() + log_scale.sum()
        found: Tensor = standard_normal(correlated) + 0.5 * explained.reshape(q.shape[:-1]) - log_determinant
        return found

    def covariance(self) -> Tensor:
        """The covariance of the unconstrained coordinates, (coordinate, coordinate)."""
        with torch.no_grad():
            factors = torch.exp(self.log_scale)[:, None] * self.factors
            own = torch.diag(torch.exp(2.0 * self.log_scale))
            covariance: Tensor = own + factors @ factors.T
            return covariance
