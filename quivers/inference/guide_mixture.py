"""The mixture guide: several mean-field normals with weights, for posteriors with more than one mode."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from quivers.inference.guides import Guide, checked_scale, held
from quivers.inference.kernels import check_count

if TYPE_CHECKING:
    from quivers.backends.torch.module import ProgramModule

# Components start at places uniform on (−2, 2), as chains do.
SPREAD = 2.0


class AutoMixtureGuide(Guide):
    """A mixture of mean-field normals on the unconstrained space.

    `logits` (component) has the weights' logarithms up to a constant, `loc` and `log_scale` (component,
    coordinate) each component's normals. They start with equal weights, places uniform on (−2, 2) by torch's
    global generator, and `initial_scale`.

    Objectives take each particle from every component at once and weigh the results (stratified sampling:
    Morningstar et al. 2021, "Automatic differentiation variational inference with mixtures"), so that weights
    have a gradient of their own (Graves 2016 has it by another way) and no component runs dry by chance. A
    particle so costs as many evaluations as there are components.

    A fit finds a mode only where some component starts in its reach: take more components than modes.
    """

    logits: nn.Parameter
    loc: nn.Parameter
    log_scale: nn.Parameter

    def __init__(
        self,
        model: ProgramModule,
        observed_names: Iterable[str] | None = None,
        initial_scale: float = 0.1,
        components: int = 4,
        *,
        observations: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(model, observed_names, observations, ("logits", "loc", "log_scale"))
        self.initial_scale = checked_scale(initial_scale)
        check_count("components", components, 1)
        self.components = components
        self.settle()

    def initial(self, dimension: int) -> dict[str, Tensor]:
        shape = (self.components, dimension)
        return {
            "logits": torch.zeros(self.components, dtype=torch.float64),
            "loc": SPREAD * (2.0 * torch.rand(shape, dtype=torch.float64) - 1.0),
            "log_scale": torch.full(shape, math.log(self.initial_scale), dtype=torch.float64),
        }

    def rsample(self, shape: tuple[int, ...] = ()) -> Tensor:
        """Points of the unconstrained space, (*shape, coordinate).

        They are differentiable in the place and scale of the component that each comes from, and not in the
        weights: objectives use `particles`.
        """
        count, dimension = math.prod(shape), self.dimension
        weights = torch.softmax(self.logits.detach(), 0)
        chosen = torch.multinomial(weights, count, replacement=True) if count else torch.zeros(0).long()
        noise = torch.randn(count, dimension, dtype=self.loc.dtype)
        points = self.loc[chosen] + torch.exp(self.log_scale[chosen]) * noise
        return points.reshape(*shape, dimension)

    def particles(self, count: int) -> tuple[Tensor, Tensor | None]:
        """`count` points of each component, (component · point, coordinate), and the log share of each."""
        noise = torch.randn(self.components, count, self.dimension, dtype=self.loc.dtype)
        points = self.loc[:, None] + torch.exp(self.log_scale[:, None]) * noise
        shares = torch.log_softmax(self.logits, 0) - math.log(count)
        return points.reshape(-1, self.dimension), shares[:, None].expand(-1, count).reshape(-1)

    def log_density(self, q: Tensor, *, frozen: bool = True) -> Tensor:
        logits, loc, log_scale = held((self.logits, self.loc, self.log_scale), frozen)
        noise = (q[..., None, :] - loc) * torch.exp(-log_scale)
        each = -0.5 * (noise.square() + math.log(2.0 * math.pi)) - log_scale
        return torch.logsumexp(torch.log_softmax(logits, 0) + each.sum(-1), -1)

    @property
    def weights(self) -> Tensor:
        """The weight of each component, (component)."""
        return torch.softmax(self.logits.detach(), 0)
