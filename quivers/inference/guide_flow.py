"""The flow guide: a normal bent by invertible networks, for posteriors that no normal matches."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from quivers.errors import QvrError
from quivers.inference.guides import Guide, checked_scale, held, standard_normal, start
from quivers.inference.kernels import check_count

if TYPE_CHECKING:
    from quivers.backends.torch.module import ProgramModule

# A layer stretches by at most exp(±3), so that no step of a fit throws points to infinity.
MOST_STRETCH = 3.0


class AutoFlowGuide(Guide):
    """A normalising flow on the unconstrained space (Rezende and Mohamed 2015), by affine couplings.

    Standard normals pass through `layers` couplings of RealNVP (Dinh, Sohl-Dickstein and Bengio 2017): each
    leaves half of the coordinates as they are, and stretches and shifts the others by amounts that a network
    of those computes; then `loc` and `log_scale` move all. A network has two hidden layers of `hidden` tanh
    units. That is about layers · hidden · (1.5 · coordinates + hidden) parameters. Halves alternate between
    even and odd coordinates and front and back, so that after four layers all depend on all. The last weights
    start at 0, so the guide starts as `AutoNormalGuide` does; the others are random, of torch's global
    generator.

    Unlike an inverse-autoregressive flow (Kingma et al. 2016), both draws and densities take one pass.

    Raises:
        QvrError: the program has one coordinate only, on which a coupling has nothing to depend.
    """

    loc: nn.Parameter
    log_scale: nn.Parameter

    def __init__(
        self,
        model: ProgramModule,
        observed_names: Iterable[str] | None = None,
        initial_scale: float = 0.1,
        layers: int = 4,
        hidden: int = 32,
        *,
        observations: Mapping[str, Any] | None = None,
    ) -> None:
        check_count("layers", layers, 1)
        check_count("hidden", hidden, 1)
        names = [name for layer in range(layers) for name in _names(layer)]
        super().__init__(model, observed_names, observations, ("loc", "log_scale", *names))
        self.initial_scale = checked_scale(initial_scale)
        self.layers, self.hidden = layers, hidden
        self._halves: list[tuple[Tensor, Tensor]] = []
        self.settle()

    def initial(self, dimension: int) -> dict[str, Tensor]:
        if dimension < 2:
            raise QvrError("A flow needs two coordinates or more, the program has one: take AutoNormalGuide.")
        values = start(dimension, self.initial_scale)
        for layer in range(self.layers):
            kept, moved = _halves(dimension, layer)
            self._halves.append((kept, moved))
            sizes = (len(kept), self.hidden, self.hidden, 2 * len(moved))
            names = _names(layer)
            for place, (before, after) in enumerate(itertools.pairwise(sizes)):
                spread = 0.0 if place == 2 else before**-0.5
                values[names[2 * place]] = spread * torch.randn(after, before, dtype=torch.float64)
                values[names[2 * place + 1]] = torch.zeros(after, dtype=torch.float64)
        return values

    def rsample(self, shape: tuple[int, ...] = ()) -> Tensor:
        x = torch.randn(math.prod(shape), self.dimension, dtype=self.loc.dtype)
        for layer, (kept, moved) in enumerate(self._halves):
            fixed = x[:, kept]
            stretch, shift = self._amounts(layer, fixed, frozen=False)
            x = _joined(kept, moved, fixed, x[:, moved] * torch.exp(stretch) + shift)
        return (self.loc + torch.exp(self.log_scale) * x).reshape(*shape, self.dimension)

    def log_density(self, q: Tensor, *, frozen: bool = True) -> Tensor:
        loc, log_scale = held((self.loc, self.log_scale), frozen)
        x = ((q - loc) * torch.exp(-log_scale)).reshape(-1, self.dimension)
        total = -log_scale.sum()
        for layer, (kept, moved) in reversed(list(enumerate(self._halves))):
            fixed = x[:, kept]
            stretch, shift = self._amounts(layer, fixed, frozen=frozen)
            x = _joined(kept, moved, fixed, (x[:, moved] - shift) * torch.exp(-stretch))
            total = total - stretch.sum(-1)
        return (standard_normal(x) + total).reshape(q.shape[:-1])

    def _amounts(self, layer: int, fixed: Tensor, *, frozen: bool) -> tuple[Tensor, Tensor]:
        """How far a layer stretches, in logarithms, and shifts the coordinates that it moves."""
        found = held(tuple(self.get_parameter(name) for name in _names(layer)), frozen)
        first, first_bias, second, second_bias, last, last_bias = found
        within = torch.tanh(nn.functional.linear(fixed, first, first_bias))
        within = torch.tanh(nn.functional.linear(within, second, second_bias))
        stretch, shift = nn.functional.linear(within, last, last_bias).chunk(2, dim=-1)
        return MOST_STRETCH * torch.tanh(stretch / MOST_STRETCH), shift


def _names(layer: int) -> Sequence[str]:
    return [f"{kind}_{layer}_{place}" for place in range(3) for kind in ("weight", "bias")]


def _halves(dimension: int, layer: int) -> tuple[Tensor, Tensor]:
    """The coordinates that a layer keeps, and those that it moves."""
    places = torch.arange(dimension)
    first = places % 2 == 0 if layer % 4 < 2 else places < (dimension + 1) // 2
    kept = first if layer % 2 == 0 else torch.logical_not(first)
    return places[kept], places[torch.logical_not(kept)]


def _joined(kept: Tensor, moved: Tensor, fixed: Tensor, new: Tensor) -> Tensor:
    """Both halves as one (point, coordinate)."""
    order = torch.argsort(torch.cat([kept, moved]))
    return torch.cat([fixed, new], dim=-1)[:, order]
