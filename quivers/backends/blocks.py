"""How many points are worked out at once, so that values over many rows take no memory beyond their own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from quivers.ir.graph import Node, axis_size
from quivers.ir.simplify import depends_on, needed

# What is worked out on the way to the wanted values is counted too: 64 MB of numbers.
_MOST_NUMBERS = 8_000_000


def points_at_once(
    nodes: Sequence[Node],
    wanted: Sequence[int],
    sizes: Mapping[str, int],
    moving: frozenset[str] = frozenset({"position"}),
) -> int:
    """As many points as give no more numbers than fit: of the nodes `wanted` and all that they need.

    `nodes` have the axes that they have at one point; those that hang on no node of the kinds `moving` are
    the same at all.
    """
    moves = depends_on(nodes, moving)
    each = sum(
        math.prod(axis_size(axis, sizes) for axis in nodes[number].axes)
        for number in needed(nodes, wanted)
        if moves[number]
    )
    return max(1, _MOST_NUMBERS // max(1, each))
