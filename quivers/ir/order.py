"""`[ordered]` on a draw: its values increase along the last axis of the plate.

The density is that of independent draws, as Stan has it; what is left out is a constant where they are alike.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from quivers.families.support import Space
from quivers.ir.graph import Builder, Latent
from quivers.ir.matrices import iota
from quivers.ir.simplify import apply, gather
from quivers.syntax import ast

if TYPE_CHECKING:
    from quivers.ir.build import Building


def in_order(site: Building, step: ast.Sample, latent: Latent) -> Latent:
    """A latent whose numbers along its last axis increase.

    Raises:
        ProgramError: an end of its support varies along that axis, so that no map keeps the order.
    """
    axis = latent.axes[-1]
    for end in (latent.low, latent.high):
        if end is not None and axis in site.builder.axes(end):
            name = step.name.text
            message = f"`{name}` can't increase along `{axis}` while a bound of it varies along `{axis}` too."
            raise site.refused(step.name.span, message)
    support = latent.support
    positive = (
        support.low == 0 and support.high == float("inf") and latent.low is None and latent.high is None
    )
    return replace(latent, space=Space.POSITIVE_ORDERED if positive else Space.ORDERED, event=(axis,))


def increasing(builder: Builder, latent: Latent, guard: int | None) -> int:
    """`guard`, and that each element is no less than the one before it."""
    (axis,) = latent.event
    place = iota(builder, axis)
    before = apply(builder, "max", apply(builder, "sub", place, builder.constant(1.0)), builder.constant(0.0))
    holds = apply(builder, "ge", latent.value, gather(builder, latent.value, before, axis))
    return holds if guard is None else apply(builder, "and", guard, holds)
