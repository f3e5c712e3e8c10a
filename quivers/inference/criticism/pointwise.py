"""The log likelihood of each observation at each draw of a run, which leave-one-out and WAIC weigh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from quivers.element_names import axis_labels, element_names, labels
from quivers.errors import QvrError
from quivers.inference.arguments import check_result
from quivers.inference.kernels import check_count
from quivers.ir.graph import axis_size, object_of

if TYPE_CHECKING:
    from quivers.backends.torch.bound import BoundModel
    from quivers.inference.mcmc_result import MCMCResult

# Numbers that are worked out at a time, and the most that are kept: 2 GiB of them.
AT_A_TIME = 4_000_000
MOST_KEPT = 2**28
FEWEST_DRAWS = 500


@dataclass(frozen=True, eq=False, slots=True)
class Pointwise:
    """The log likelihood of one observed site: `values` is (chain, draw, *axes).

    An element is what the program scores at once: a row, a draw of a vector family, or for `[over=…]` all
    that belongs to a group. `counted`, (*axes), tells which elements are scored; the others, which
    `[where=…]` leaves out, are 0 in every draw.
    """

    site: str
    axes: tuple[str, ...]
    values: NDArray[np.float64]
    counted: NDArray[np.bool_]


def pointwise_log_likelihood(result: MCMCResult, most: int | None = None) -> tuple[Pointwise, ...]:
    """Each observed site's log likelihood at every draw, in the program's order; none for a program without.

    Normalising constants are included. A `score` is no observation and is left out. With `most`, draws are
    taken evenly from each chain, so that there are no more numbers than that, but 500 draws in all.

    Raises:
        QvrError: there are too many observations and draws to hold at once.
    """
    check_result("result", result)
    if most is not None:
        check_count("most", most, 1)
    bound = result.run.bound
    density = bound.density
    terms = [term for term in density.terms if term.kind == "likelihood"]
    shapes = [_shape(bound, density.nodes[term.node].axes) for term in terms]
    chains, draws = result.divergences.shape
    elements = sum(int(np.prod(shape)) for shape in shapes)
    every = 1
    if most is not None:
        every = max(1, min(chains * draws // FEWEST_DRAWS, -(-elements * chains * draws // most)))
        draws = -(-draws // every)
    if elements * chains * draws > MOST_KEPT:
        raise QvrError(
            f"The log likelihood of {elements:,} observations at {chains * draws:,} draws would take"
            f" {elements * chains * draws * 8 / 2**30:.1f} GiB. A run with thin={_thinning(result, elements)}"
            " keeps few enough draws."
        )
    kept = [np.empty((chains * draws, *shape)) for shape in shapes]
    latents = {name: result.samples[name][:, ::every].flatten(0, 1) for name in result.latents}
    stretch = max(1, AT_A_TIME // max(1, elements))
    with torch.no_grad():
        for start in range(0, chains * draws, stretch):
            here = slice(start, start + stretch)
            forward = bound.given({name: values[here] for name, values in latents.items()})
            for term, values in zip(terms, kept, strict=True):
                values[here] = forward.filled(term.node, density.nodes[term.node].axes).cpu().numpy()
        forward = bound.given({name: values[:1] for name, values in latents.items()})
        counted = [
            np.ones(shape, dtype=bool)
            if term.counted is None
            else forward.filled(term.counted, density.nodes[term.node].axes)[0].cpu().numpy().astype(bool)
            for term, shape in zip(terms, shapes, strict=True)
        ]
    return tuple(
        Pointwise(
            term.site,
            density.nodes[term.node].axes,
            values.reshape(chains, draws, *values.shape[1:]),
            here,
        )
        for term, values, here in zip(terms, kept, counted, strict=True)
    )


def observation_names(result: MCMCResult, each: Pointwise) -> list[str]:
    """The names of the observations that are scored, `y[Choate]`, in order."""
    shape = each.values.shape[2:]
    own = axis_labels([object_of(axis) for axis in each.axes], shape, labels(result.run.bound.levels))
    kept = each.counted.reshape(-1)
    return [name for name, here in zip(element_names(each.site, shape, own), kept, strict=True) if here]


def _shape(bound: BoundModel, axes: Sequence[str]) -> tuple[int, ...]:
    return tuple(axis_size(axis, bound.sizes) for axis in axes)


def _thinning(result: MCMCResult, elements: int) -> int:
    every = -(-elements * result.divergences.numel() // MOST_KEPT)
    return int(every * result.states.thin)
