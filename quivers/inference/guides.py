"""Guides: families of distributions over a program's latents, to be fitted to its posterior."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from quivers.errors import QvrError

if TYPE_CHECKING:
    from quivers.backends.torch.bound import BoundModel
    from quivers.backends.torch.module import ProgramModule


class AutoNormalGuide(nn.Module):
    """Independent normals on the unconstrained space (mean-field; Kucukelbir et al. 2017, ADVI).

    `loc` and `log_scale` have one element for each unconstrained coordinate, sites in program order. The
    sizes come from the file, so a guide can be made before any data are seen. `observed_names` are the
    names that the data give; they are checked against the program's.
    """

    def __init__(
        self, model: ProgramModule, observed_names: Iterable[str] | None = None, initial_scale: float = 0.1
    ) -> None:
        super().__init__()
        if not initial_scale > 0.0:
            raise QvrError(f"initial_scale must be positive, it is {initial_scale!r}.")
        self.shapes = {name: tuple(shape) for name, shape in model.latent_shapes().items()}
        _check_observed(model, self.shapes, observed_names)
        dimension = sum(model.coordinates_of_latents().values())
        self.loc = nn.Parameter(torch.zeros(dimension, dtype=torch.float64))
        self.log_scale = nn.Parameter(torch.full((dimension,), math.log(initial_scale), dtype=torch.float64))

    def rsample(self, shape: tuple[int, ...] = ()) -> Tensor:
        """Points of the unconstrained space, (*shape, coordinate), differentiable in the parameters."""
        noise = torch.randn(*shape, len(self.loc), dtype=self.loc.dtype)
        return self.loc + torch.exp(self.log_scale) * noise

    def entropy(self) -> Tensor:
        """The entropy of the guide, exactly."""
        return self.log_scale.sum() + 0.5 * len(self.loc) * (1.0 + math.log(2.0 * math.pi))

    def sample(self, bound: BoundModel, shape: tuple[int, ...] = ()) -> dict[str, Tensor]:
        """Draws of the latents and of the lets that depend on them, on their own scales, (*shape, *axes)."""
        self.check(bound)
        with torch.no_grad():
            return bound.constrain(self.rsample(shape))

    def check(self, bound: BoundModel) -> None:
        """Refuses a program with data whose latents are not those that this guide was made for."""
        theirs = {coordinates.name: tuple(coordinates.shape) for coordinates in bound.coordinates}
        if theirs != self.shapes or bound.dimension != len(self.loc):
            raise QvrError(
                f"The guide was made for latents {_described(self.shapes)}, but with these data the program"
                f" has {_described(theirs)}."
            )


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
