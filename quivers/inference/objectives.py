"""What variational inference makes large: bounds on the log evidence, estimated from draws of a guide."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from quivers.errors import QvrError
from quivers.inference.kernels import check_count

if TYPE_CHECKING:
    from quivers.inference.guides import Guide
    from quivers.inference.svi_density import LogDensity


class Objective(Protocol):
    """A bound on the log evidence, to be made large.

    `linear` says whether an unbiased estimate of the log density gives one of the bound, so that minibatches
    may stand for all data.
    """

    num_particles: int
    linear: bool

    def loss(self, density: LogDensity, guide: Guide) -> Tensor:
        """The bound's negative, estimated by `num_particles`; its gradient moves the guide's parameters."""


class ELBO:
    """The evidence lower bound E[log p(q, data) − log guide(q)], over `num_particles` draws of the guide.

    The draws are reparameterised (Kingma and Welling 2014), and only their paths are differentiated: the
    score of the guide, which is zero on average, is left out. A guide that matches the posterior then has no
    noise in its value or its gradient (Roeder, Wu and Duvenaud 2017, "Sticking the landing"). All particles
    are evaluated in one batch.
    """

    linear = True

    def __init__(self, num_particles: int = 1) -> None:
        check_count("num_particles", num_particles, 1)
        self.num_particles = num_particles

    def loss(self, density: LogDensity, guide: Guide) -> Tensor:
        """The negative ELBO, differentiable in the guide's parameters."""
        q, log_shares = guide.particles(self.num_particles)
        log_weights = guide.log_weights(density, q)
        if log_shares is None:
            return -log_weights.mean()
        return -(log_shares.exp() * log_weights).sum()


class RenyiELBO:
    """Rényi's bound 1/(1 − α) · log E[(p(q, data) / guide(q))^(1 − α)] (Li and Turner 2016).

    The expectation is the mean over `num_particles` draws, inside the logarithm. `alpha` = 1 is the `ELBO`
    and 0 is `IWAE`. Below 1 a guide covers more of the posterior than the ELBO's, above 1 it keeps more to a
    mode; the estimate falls below the bound that infinitely many particles would give, or above it where
    alpha is greater than 1. With one particle every alpha is the ELBO.

    Gradients are reparameterised twice, so that their noise does not grow with the particles (Tucker, Lawson,
    Gu and Maddison 2019; for any alpha Daudel, Benton, Shi and Doucet 2023, "Alpha-divergence variational
    inference meets importance weighted auto-encoders"). A mixture guide's are reparameterised once.
    """

    def __init__(self, alpha: float = 0.0, num_particles: int = 2) -> None:
        if isinstance(alpha, bool) or not isinstance(alpha, (int, float)) or not math.isfinite(alpha):
            raise QvrError(f"alpha must be a finite number, it is {alpha!r}.")
        check_count("num_particles", num_particles, 1)
        self.alpha = float(alpha)
        self.num_particles = num_particles
        self.linear = self.alpha == 1.0

    def loss(self, density: LogDensity, guide: Guide) -> Tensor:
        """The bound's negative, differentiable in the guide's parameters."""
        if self.alpha == 1.0:
            return ELBO(self.num_particles).loss(density, guide)
        rest = 1.0 - self.alpha
        q, log_shares = guide.particles(self.num_particles)
        if log_shares is not None:
            log_weights = guide.log_weights(density, q, frozen=False)
            return -torch.logsumexp(log_shares + rest * log_weights, 0) / rest
        log_weights = guide.log_weights(density, q)
        value = (torch.logsumexp(rest * log_weights, 0) - math.log(self.num_particles)) / rest
        # What each path's slope counts; the sum below has that gradient, and the loss the bound's value.
        parts = torch.softmax(rest * log_weights.detach(), 0)
        slopes = self.alpha * parts + rest * parts.square()
        paths = (slopes * torch.where(parts > 0.0, log_weights, 0.0)).sum()
        return -(value.detach() + paths - paths.detach())


class IWAE(RenyiELBO):
    """The importance-weighted bound E[log mean weight] over `num_particles` draws (Burda et al. 2016).

    It is `RenyiELBO` of alpha 0, tightens with the particles, and is the `ELBO` with one. Its gradient is
    doubly reparameterised (Tucker et al. 2019).
    """

    def __init__(self, num_particles: int = 10) -> None:
        super().__init__(0.0, num_particles)
