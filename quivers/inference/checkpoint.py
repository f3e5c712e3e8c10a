"""What a run has to leave behind so that it can go on later, to the bit, in another process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from quivers.inference.one_chain import Chain

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Begun:
    """What is settled before the chains of a run start.

    `starts` (chain, coordinate) is where they start, `variances` of the same shape their first inverse mass
    where there is one. `shares` says by centring how far each latent is centred, and `first` (chain,
    transition, `STATISTICS`) are the statistics of the part of warm-up that chose them, if one did.
    """

    engine: str
    starts: Array
    variances: Array | None
    shares: Mapping[str, Array]
    first: Array | None


@dataclass(frozen=True, eq=False, slots=True)
class ChainPart:
    """What one chain has made: `positions` (draw, coordinate), at least one draw.

    `warmup` and `statistics` are (transition, `STATISTICS`) of warm-up and of the transitions that led to the
    draws; `metric` (row, coordinate) and `step_size` are as warm-up left them.
    """

    positions: Array
    statistics: Array
    warmup: Array
    metric: Array
    step_size: float


@dataclass(frozen=True, eq=False, slots=True)
class Checkpoint:
    """A run that stopped: each chain's part, None for one that had no draw yet and starts anew."""

    begun: Begun
    parts: Sequence[ChainPart | None]


Record = Callable[[Begun, "Sequence[Chain]"], None]
"""Told of a run just before its chains start; their draws may be read from any thread while they are made."""
