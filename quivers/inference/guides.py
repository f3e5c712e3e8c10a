"""Guides: families of distributions over a program's latents, to be fitted to its posterior."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from quivers.errors import QvrError

if TYPE_CHECKING:
    from quivers.backends.torch.bound import BoundModel
    from quivers.backends.torch.module import ProgramModule


class Guide(nn.Module, ABC):
    """A distribution on the unconstrained space, with parameters to fit.

    `shapes` has each latent's shape on its own scale, in program order, and `dimension` counts the
    unconstrained coordinates; a simplex has one fewer than numbers, a symmetric matrix those of a triangle.
    Both come from the file, so a guide can be made before any data are seen. `observed_names` are the names
    that the data give; they are checked against the program's.

    Raises:
        QvrError: an object's size comes with the data, the program samples nothing, or a name is wrong.
    """

    def __init__(self, model: ProgramModule, observed_names: Iterable[str] | None = None) -> None:
        super().__init__()
        self.shapes = {name: tuple(shape) for name, shape in model.latent_shapes().items()}
        self.dimension = sum(model.coordinates_of_latents().values())
        _check_observed(model, self.shapes, observed_names)
        if not self.dimension:
            raise QvrError("The program samples nothing, so there is no posterior for a guide to hold.")

    @abstractmethod
    def rsample(self, shape: tuple[int, ...] = ()) -> Tensor:
        """Points of the unconstrained space, (*shape, coordinate), differentiable in the parameters.

        The randomness is torch's global generator's.
        """

    @abstractmethod
    def log_density(self, q: Tensor) -> Tensor:
        """The guide's log density at q (*batch, coordinate): (*batch), differentiable in q alone."""

    def sample(self, bound: BoundModel, shape: tuple[int, ...] = ()) -> dict[str, Tensor]:
        """Draws of the latents and of the lets that depend on them, on their own scales, (*shape, *axes)."""
        self.check(bound)
        with torch.no_grad():
            return bound.constrain(self.rsample(shape))

    def check(self, bound: BoundModel) -> None:
        """Refuses a program with data whose latents are not those that this guide was made for."""
        theirs = {coordinates.name: tuple(coordinates.shape) for coordinates in bound.coordinates}
        if theirs != self.shapes or bound.dimension != self.dimension:
            raise QvrError(
                f"The guide was made for latents {_described(self.shapes)}, but with these data the program"
                f" has {_described(theirs)}."
            )


class AutoNormalGuide(Guide):
    """Independent normals on the unconstrained space (mean-field; Kucukelbir et al. 2017, ADVI).

    `loc` and `log_scale` have one element for each unconstrained coordinate, sites in program order; they
    start at 0 and at the logarithm of `initial_scale`.
    """

    def __init__(
        self, model: ProgramModule, observed_names: Iterable[str] | None = None, initial_scale: float = 0.1
    ) -> None:
        super().__init__(model, observed_names)
        self.loc, self.log_scale = start(self.dimension, initial_scale)

    def rsample(self, shape: tuple[int, ...] = ()) -> Tensor:
        noise = torch.randn(*shape, self.dimension, dtype=self.loc.dtype)
        return self.loc + torch.exp(self.log_scale) * noise

    def log_density(self, q: Tensor) -> Tensor:
        log_scale = self.log_scale.detach()
        return standard_normal((q - self.loc.detach()) * torch.exp(-log_scale)) - log_scale.sum()


def start(dimension: int, initial_scale: float) -> tuple[nn.Parameter, nn.Parameter]:
    """A place and a log scale for each coordinate: 0, and the logarithm of `initial_scale`."""
    if not 0.0 < initial_scale < math.inf:
        raise QvrError(f"initial_scale must be a positive number, it is {initial_scale!r}.")
    loc = nn.Parameter(torch.zeros(dimension, dtype=torch.float64))
    log_scale = nn.Parameter(torch.full((dimension,), math.log(initial_scale), dtype=torch.float64))
    return loc, log_scale


def standard_normal(noise: Tensor) -> Tensor:
    """The log density of independent standard normals at noise (*batch, coordinate): (*batch)."""
    return -0.5 * (noise.square().sum(-1) + noise.shape[-1] * math.log(2.0 * math.pi))


def _check_observed(
    model: ProgramModule, latents: dict[str, tuple[int, ...]], observed_names: Iterable[str] | None
) -> None:
    if observed_names is None:
        return
    given = {observed_names} if isinstance(observed_names, str) else set(observed_names)
    inputs = [entry.name for entry in model.program.inputs]
    sampled = sorted(given & latents.keys())
    if sampled:
        raise QvrError(
            f"observed_names has {', '.join(sampled)}, which the program samples; write observe there."
        )
    unknown = sorted(given - set(inputs))
    if unknown:
        raise QvrError(
            f"observed_names has {', '.join(unknown)}, which is not an input of the program;"
            f" its inputs are {', '.join(inputs) or 'none'}."
        )


def _described(shapes: dict[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {shape}" if shape else name for name, shape in shapes.items()) or "none"
