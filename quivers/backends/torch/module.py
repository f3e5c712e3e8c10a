"""A program as a torch module: log densities of given values, prior draws, and binding to data."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from quivers.backends.torch.bound import BoundModel
from quivers.backends.torch.forward import Forward
from quivers.backends.torch.series import drawn_in_order, inside, used_before_drawn
from quivers.check.program import Checked, CheckedProgram
from quivers.data import bind
from quivers.errors import QvrError
from quivers.ir.build import build
from quivers.ir.graph import Density, Latent, Term, axis_size, object_of

Values = Mapping[str, Any]


class ProgramModule(nn.Module):
    """A program: a joint density over its latents and observations, and a map to what it returns.

    It has no parameters to train. `.to(device)` says where `log_joint`, `log_prob` and `rsample` compute.
    """

    def __init__(self, checked: Checked, program: CheckedProgram) -> None:
        """Build the program's density.

        Raises:
            ProgramError: the program has errors, or uses a construct that can't be run.
        """
        super().__init__()
        self.checked = checked
        self.program = program
        self.density: Density = build(checked, program)
        self.register_buffer("_anchor", torch.zeros((), dtype=torch.float64), persistent=False)

    @property
    def device(self) -> torch.device:
        """Where values are computed."""
        anchor: Tensor = self._buffers["_anchor"]  # type: ignore[assignment]
        return anchor.device

    def _apply(self, move: Any, recurse: bool = True) -> ProgramModule:
        """Moves the module; raises `QvrError` where there is no such device."""
        try:
            return super()._apply(move, recurse)  # type: ignore[no-any-return, no-untyped-call]
        except (AssertionError, NotImplementedError, RuntimeError) as error:
            raise QvrError(f"The program can't be moved there: {error}.") from error

    def bind(self, observations: Values, require_observed: bool = True) -> BoundModel:
        """The program with its data, on the unconstrained space.

        Takes numbers, lists, arrays and tensors; leading axes of size one are ignored.

        Raises:
            DataError: the data do not fit; it lists every problem.
        """
        bound = bind(self.checked, self.program, observations, require_observed=require_observed)
        return BoundModel(self.density, bound.values, bound.sizes, bound.levels)

    def latent_shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each latent, by its axes, from the sizes that the file declares.

        Raises:
            QvrError: an object's size comes with the data.
        """
        return {latent.name: self._shape(latent, latent.axes) for latent in self.density.latents}

    def coordinates_of_latents(self) -> dict[str, int]:
        """How many unconstrained coordinates each latent has, from the sizes that the file declares.

        Raises:
            QvrError: an object's size comes with the data.
        """
        return {
            latent.name: math.prod(self._shape(latent, latent.free_axes)) for latent in self.density.latents
        }

    def _shape(self, latent: Latent, axes: tuple[str, ...]) -> tuple[int, ...]:
        sizes: dict[str, int] = {}
        for axis in axes:
            size = self.density.sizes[object_of(axis)]
            if size is None:
                raise QvrError(
                    f"The size of {object_of(axis)} comes with the data, so the shape of {latent.name} "
                    "is not known before they are given"
                )
            sizes[object_of(axis)] = size
        return tuple(axis_size(axis, sizes) for axis in axes)

    def log_joint(self, values: Values, observations: Values) -> Tensor:
        """The joint log density of latents and observations, in the constrained space: (*batch).

        Each latent's value has the shape (*batch, *axes). A value outside its support gives −inf.
        """
        forward = self._given(values, observations)
        rank = len(forward.batch)
        total = torch.zeros(forward.batch, dtype=torch.float64, device=self.device)
        possible = torch.ones(forward.batch, dtype=torch.bool, device=self.device)
        for term in forward.density.terms:
            axes = forward.density.nodes[term.node].axes
            total = total + forward.filled(term.node, axes).reshape((*forward.batch, -1)).sum(rank)
            if term.guard is not None:
                # Beyond a latent's support other terms may be NaN, such as a normal of negative scale.
                inside = forward.filled(term.guard, axes).reshape((*forward.batch, -1))
                possible = torch.logical_and(possible, inside.all(rank))
        return total.masked_fill(torch.logical_not(possible), float("-inf"))

    def log_prob(self, values: Values, observations: Values) -> dict[str, Tensor]:
        """The log density of each site and score, (*batch, *axes), in the program's order.

        A latent outside its support has −inf, and sites that depend on it may then have NaN.
        """
        forward = self._given(values, observations)
        return {term.site: _elements(forward, term) for term in forward.density.terms}

    def rsample(
        self,
        observations: Values,
        shape: tuple[int, ...] = (),
        generator: torch.Generator | None = None,
        kept: Collection[str] = (),
    ) -> dict[str, Tensor]:
        """Draws of every site from the prior, and the lets they give: (*shape, *axes) each.

        What is observed is drawn too, whether or not the data hold it. Steps that use the value of an
        observed site see its draw, or, of those `kept`, what the data hold. A series that is regressed on its
        own past is drawn place by place.

        Raises:
            NotASeriesError: a site uses observed values that are not drawn before it.
        """
        bound = self.bind(observations, require_observed=False)
        forward = self._forward(bound, shape, kept)
        return _run(forward, generator, self._series(bound, kept))

    def forward(self, x: Tensor | None = None, observations: Values | None = None) -> Any:
        """One draw of what the program returns: a tensor, or a tuple of them as in its `return`.

        `x` stands for an element of the domain and is not read.
        """
        bound = self.bind(observations or {}, require_observed=False)
        forward = self._forward(bound, ())
        _run(forward, None, self._series(bound, ()))
        density = forward.density
        returned = tuple(forward.filled(number, density.nodes[number].axes) for _, number in density.returned)
        return returned[0] if len(returned) == 1 else returned

    def _forward(self, bound: BoundModel, shape: tuple[int, ...], kept: Collection[str] = ()) -> Forward:
        observed = {entry.name for entry in self.program.inputs if entry.observed}.difference(kept)
        inputs = {name: value for name, value in bound.inputs.items() if name not in observed}
        return Forward(bound.density, bound.sizes, inputs, shape, self.device)

    def _series(self, bound: BoundModel, kept: Collection[str]) -> Mapping[str, tuple[Tensor | None, float]]:
        """The sites to draw place by place: of each what the data hold, and a value that it may have."""
        early = set(used_before_drawn(bound.density)).difference(kept)
        return {
            entry.name: (bound.inputs.get(entry.name), inside(entry.type.element))
            for entry in self.program.inputs
            if entry.observed and early
        }

    def _given(self, values: Values, observations: Values) -> Forward:
        bound = self.bind(observations)
        moved = {
            name: torch.as_tensor(value, dtype=torch.float64, device=self.device)
            for name, value in values.items()
        }
        return bound.given(moved)


def _run(
    forward: Forward,
    generator: torch.Generator | None,
    series: Mapping[str, tuple[Tensor | None, float]],
) -> dict[str, Tensor]:
    """Draw every site in the program's order, then the lets."""
    if series:
        given = {name: values for name, (values, _) in series.items() if values is not None}
        result = drawn_in_order(forward, given, {name: at for name, (_, at) in series.items()}, generator)
    else:
        result = {step.site: forward.drawn(step, generator) for step in forward.density.draws}
    for name, number in forward.density.deterministic.items():
        if name not in result:  # a let that is itself observed has been drawn
            result[name] = forward.filled(number, forward.density.nodes[number].axes)
    return result


def _elements(forward: Forward, term: Term) -> Tensor:
    """A term with all its axes, (*batch, *axes); −inf where a latent lies outside its support."""
    axes = forward.density.nodes[term.node].axes
    values = forward.filled(term.node, axes)
    if term.guard is None:
        return values
    outside = torch.logical_not(forward.filled(term.guard, axes))
    return values.masked_fill(outside, float("-inf"))
