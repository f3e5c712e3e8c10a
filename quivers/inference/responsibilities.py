"""What a run says of the latents that `marginalize` sums out: the probability of each of their values.

The probability that a latent has a value, given the data and the other latents, is the derivative of the log
density by the log weight of that value's term in the sum, whatever blocks lie around or inside (Eisner 2016,
"Inside-outside and forward-backward algorithms are just backprop"). Its mean over the draws is the posterior
probability, of less variance than draws of the latent would give (Rao and Blackwell).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from quivers.element_names import element_names, labels
from quivers.errors import QvrError
from quivers.inference.arguments import check_result, check_site
from quivers.ir.graph import RANGE, Density, Marginal, axis_size, object_of
from quivers.notebook.rows import MOST_SHOWN, aligned, table_html
from quivers.terminal.width import safe

if TYPE_CHECKING:
    from quivers.backends.torch.bound import BoundModel
    from quivers.inference.mcmc_result import MCMCResult

# Numbers of a latent's weights that are worked out at a time.
AT_A_TIME = 4_000_000


@dataclass(frozen=True, eq=False, slots=True)
class Responsibilities:
    """The posterior of a latent that is summed out.

    `probabilities` is (*axes, value), the last axis adding up to one: the posterior probability of each of
    `values`, which are an object's elements by name, or whole numbers. `axes` are what it is drawn for.
    """

    site: str
    axes: tuple[str, ...]
    values: tuple[str, ...]
    probabilities: NDArray[np.float64]

    def __repr__(self) -> str:
        return f"{self.site}: the probability of each value\n" + "\n".join(aligned(self._cells()))

    def _repr_html_(self) -> str:
        header, *lines = self._cells()
        return table_html(header, lines, f"{self.site}: the probability of each value")

    def _cells(self) -> list[tuple[str, ...]]:
        """A row for each element, as many as a screen has, by its number, and a column for each value."""
        flat = self.probabilities.reshape(-1, len(self.values))
        names = element_names(self.site, self.probabilities.shape[:-1])
        rows = [
            (name, *(f"{each:.3f}" for each in row))
            for name, row in zip(itertools.islice(names, MOST_SHOWN), flat[:MOST_SHOWN], strict=True)
        ]
        left = len(flat) - len(rows)
        return [("", *map(safe, self.values)), *rows, *([(f"… {left} more",)] if left else [])]

    @property
    def most_probable(self) -> NDArray[np.intp]:
        """The place among `values` of each element's most probable one, (*axes)."""
        return np.asarray(self.probabilities.argmax(axis=-1))


def posterior_of(result: MCMCResult, site: str) -> Responsibilities:
    """The posterior of the latent `site` of a `marginalize` block, averaged over the draws of a run.

    One that is drawn anew for each element of several observations has a posterior for each of them, under
    `z.y` for the observation `y`.

    Raises:
        QvrError: no such latent is summed out.
    """
    check_result("result", result)
    check_site(site)
    bound = result.run.bound
    marginal = _found(bound.density, site, list(result.samples))
    hidden = {other.axis for other in bound.density.marginals}
    axes = tuple(axis for axis in marginal.axes if axis not in hidden)
    sizes = {axis: axis_size(axis, bound.sizes) for axis in (*marginal.axes, marginal.axis)}
    latents = {name: result.samples[name].flatten(0, 1) for name in result.latents}
    count = result.divergences.numel()
    numbers = sum(
        int(np.prod([axis_size(axis, bound.sizes) for axis in (*each.axes, each.axis)]))
        for each in bound.density.marginals
    )
    stretch = max(1, AT_A_TIME // max(1, numbers))
    total = np.zeros([sizes[axis] for axis in (*axes, marginal.axis)])
    for start in range(0, count, stretch):
        here = {name: values[start : start + stretch] for name, values in latents.items()}
        found = _responsibilities(bound, here, marginal)
        outer = tuple(place + 1 for place, axis in enumerate(marginal.axes) if axis in hidden)
        found = found.sum(dim=outer) if outer else found
        total += found.sum(dim=0).cpu().numpy()
    return Responsibilities(
        site,
        tuple(object_of(axis) for axis in axes),
        _values(bound, marginal, sizes[marginal.axis]),
        total / count,
    )


def _found(density: Density, site: str, sampled: list[str]) -> Marginal:
    for marginal in density.marginals:
        if marginal.name == site:
            return marginal
    names = [marginal.name for marginal in density.marginals]
    several = [name for name in names if name.startswith(f"{site}.")]
    if several:
        raise QvrError(
            f"{site} is drawn anew for each element of every observation: ask for {' or '.join(several)}."
        )
    if site in sampled:
        raise QvrError(f"{site} is not summed out: its draws are samples[{site!r}].")
    known = f"it sums out {', '.join(names)}" if names else "it has no `marginalize` block"
    raise QvrError(f"The program sums out no {site}; {known}.")


def _responsibilities(bound: BoundModel, latents: dict[str, Tensor], marginal: Marginal) -> Tensor:
    """The derivative of the log density by a marginal's weights, (draw, *marginal.axes, value)."""
    with torch.enable_grad():
        forward = bound.given({name: values.detach() for name, values in latents.items()})
        density = forward.density
        stored = density.nodes[marginal.weights].axes
        weights = forward.filled(marginal.weights, stored).detach()
        # The same for every draw where no latent has a part in them.
        batch = len(forward.batch) if forward.compiler.carries_batch[marginal.weights] else 0
        weights = weights[(0,) * (len(forward.batch) - batch)].clone().requires_grad_()
        forward.put(marginal.weights, weights)
        terms = [term for term in density.terms if term.kind == "likelihood"]
        total = torch.stack(
            [forward.filled(term.node, density.nodes[term.node].axes).sum() for term in terms]
        ).sum()
        (found,) = torch.autograd.grad(total, weights)
    if not batch:  # the sum over all draws
        found = (found / math.prod(forward.batch)).expand(*forward.batch, *found.shape)
    order = [stored.index(axis) for axis in (*marginal.axes, marginal.axis)]
    return found.permute(0, *(1 + place for place in order))


def _values(bound: BoundModel, marginal: Marginal, size: int) -> tuple[str, ...]:
    name = object_of(marginal.axis)
    own = labels(bound.levels).get(name)
    if RANGE not in name and own is not None and len(own) == size:
        return tuple(own)
    first = marginal.first if RANGE in marginal.axis else 1
    return tuple(str(first + place) for place in range(size))
