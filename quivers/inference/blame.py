"""Which latent is behind a trouble of the sampler: the one whose unconstrained values go along with it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Culprit = tuple[str | None, tuple[int, ...] | None]
"""A latent, and the index of its element where it has any; None where nothing stands out."""

# How many standard errors of a chance difference a latent must exceed to be named.
CLEAR = 1.5


class Place(Protocol):
    """A latent's coordinates, `start ≤ i < stop`; they are its elements where both have one shape."""

    @property
    def name(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def free_shape(self) -> tuple[int, ...]: ...
    @property
    def start(self) -> int: ...
    @property
    def stop(self) -> int: ...


def apart_in(marked: NDArray[np.bool_], positions: Array, latents: Sequence[Place]) -> Culprit:
    """The latent, and its element, whose mean in the `marked` draws lies farthest from that in the others.

    `marked` is (chain, draw), `positions` (chain, draw, coordinate); distances are in standard deviations of
    all draws. Divergences of a funnel gather in its neck, which the scale's values show most.
    """
    count = int(marked.sum())
    if count in (0, marked.size):
        return None, None
    table = positions.reshape(-1, positions.shape[-1])
    chosen = marked.reshape(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        distance = np.abs(table[chosen].mean(axis=0) - table[~chosen].mean(axis=0)) / table.std(axis=0)
    return _farthest(distance, count, latents)


def moving_with(energies: Array, positions: Array, latents: Sequence[Place]) -> Culprit:
    """The latent, and its element, most correlated with the energies: its values, or how far out they are.

    `energies` is (chain, draw), `positions` (chain, draw, coordinate).
    """
    if energies.size < 3:
        return None, None
    table = positions.reshape(-1, positions.shape[-1])
    flat = energies.reshape(-1)
    outward = np.abs(table - np.median(table, axis=0))
    strength = np.fmax(_correlations(table, flat), _correlations(outward, flat))
    return _farthest(strength, len(flat), latents)


def _correlations(table: Array, values: Array) -> Array:
    """The absolute correlation of each column of (draw, coordinate) with the values."""
    centred, other = table - table.mean(axis=0), values - values.mean()
    with np.errstate(invalid="ignore", divide="ignore"):
        sizes = np.sqrt(np.square(centred).sum(axis=0) * np.square(other).sum())
        return np.asarray(np.abs(other @ centred) / sizes)


def _farthest(figures: Array, count: int, latents: Sequence[Place]) -> Culprit:
    """The latent with the largest figure, less what the largest of as many would be by chance."""
    error = 1.0 / math.sqrt(count)
    best, name, element = CLEAR * error, None, None
    for latent in latents:
        own = figures[latent.start : latent.stop]
        if not np.isfinite(own).any():
            continue
        place = int(np.nanargmax(own))
        # The largest of k standard normal numbers lies near √(2 log k).
        figure = float(own[place]) - error * math.sqrt(2.0 * math.log(len(own)))
        if figure > best:
            best, name, element = figure, latent.name, _element(latent, place)
    return name, element


def _element(latent: Place, place: int) -> tuple[int, ...] | None:
    if not latent.shape or latent.free_shape != latent.shape:
        return None
    return tuple(int(number) for number in np.unravel_index(place, latent.shape))
