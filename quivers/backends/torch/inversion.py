"""Draws between bounds from a family's distribution function, where hardly any of its own draws lie there."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from quivers.backends.torch.evaluate import plan
from quivers.families.family import Family, Form
from quivers.ir.expressions import Scope, Value, evaluate, parsed
from quivers.ir.graph import Builder, Node

Function = Callable[[Tensor], Tensor]

# Halving an interval this often leaves nothing of it in float64; doubling it this often leaves its range.
_MOST_HALVINGS = 200
_MOST_DOUBLINGS = 1000


def between(
    family: Family,
    form: Form,
    parameters: Mapping[str, Tensor],
    low: Tensor | None,
    high: Tensor | None,
    shape: tuple[int, ...],
    generator: torch.Generator | None,
) -> Tensor:
    """Independent draws of a continuous family between `low` and `high`, each of `shape` or None.

    A uniform number is a probability between those of the bounds; bisection finds where it is reached. That
    goes on the logarithm of the tail that the bounds lie in.
    """
    names = [parameter.name for parameter in form.parameters]
    device = next((value.device for value in parameters.values()), torch.device("cpu"))
    given = {name: parameters[name].expand(shape) for name in names}
    below = _function(form.log_cdf, names, given)
    above = _function(form.log_survival, names, given)
    least = _own_end(family.low, family.support.low, given)
    most = _own_end(family.high, family.support.high, given)
    low, high = _tighter(low, least, torch.maximum), _tighter(high, most, torch.minimum)
    certain = torch.zeros(shape, dtype=torch.float64, device=device)
    never = torch.full_like(certain, float("-inf"))
    below_low, above_low = (never, certain) if low is None else (below(low), above(low))
    below_high, above_high = (certain, never) if high is None else (below(high), above(high))
    u = torch.rand(shape, generator=generator, dtype=torch.float64, device=device)
    u = u.clamp(min=torch.finfo(torch.float64).tiny)
    upper = below_low > above_low
    from_above = torch.logaddexp(above_low + torch.log1p(-u), above_high + torch.log(u))
    from_below = torch.logaddexp(below_low + torch.log1p(-u), below_high + torch.log(u))

    def lies_right(x: Tensor) -> Tensor:
        # The functions take long: neither is asked where every draw goes by the other.
        if not upper.any():
            return below(x) < from_below
        if upper.all():
            return above(x) > from_above
        return torch.where(upper, above(x) > from_above, below(x) < from_below)

    # Beyond its support a distribution function says nothing, so no interval grows past an end of that.
    starts = low if low is not None else _filled(least, certain)
    left, right = _bracket(starts, high if high is not None else _filled(most, certain), lies_right, certain)
    for _ in range(_MOST_HALVINGS):
        middle = left + 0.5 * (right - left)
        if ((middle <= left) | (middle >= right)).all():
            break
        on = lies_right(middle)
        left, right = torch.where(on, middle, left), torch.where(on, right, middle)
    return left + 0.5 * (right - left)


def _function(text: str | None, names: list[str], given: Mapping[str, Tensor]) -> Function:
    assert text is not None, "asked for where the family has it"
    builder = Builder()
    values = {name: Value(builder.add(Node("position", name=name))) for name in (*names, "x")}
    node = evaluate(Scope(builder, values), parsed(text)).node
    compiled = plan(builder.nodes, [(node, ())], {}, {}, batched=True)

    def function(x: Tensor) -> Tensor:
        (result,) = compiled({**given, "x": x})
        return result

    return function


def _own_end(text: str | None, constant: float, given: Mapping[str, Tensor]) -> Tensor | float | None:
    if text is not None:
        return given.get(text)
    return None if abs(constant) == float("inf") else constant


def _tighter(
    bound: Tensor | None, end: Tensor | float | None, choose: Callable[[Tensor, Tensor], Tensor]
) -> Tensor | None:
    if end is None or bound is None:
        return bound
    return choose(bound, torch.as_tensor(end, dtype=torch.float64, device=bound.device).expand(bound.shape))


def _filled(end: Tensor | float | None, like: Tensor) -> Tensor | None:
    if end is None:
        return None
    return torch.as_tensor(end, dtype=torch.float64, device=like.device).expand(like.shape)


def _bracket(
    low: Tensor | None, high: Tensor | None, lies_right: Function, zeros: Tensor
) -> tuple[Tensor, Tensor]:
    """An interval in which the draw lies; where an end is open, it grows until it is far enough."""
    left = low if low is not None else (high if high is not None else zeros) - 1.0
    right = high if high is not None else left + 1.0
    width = torch.ones_like(zeros)
    for _ in range(_MOST_DOUBLINGS):
        short = lies_right(right) if high is None else torch.zeros_like(zeros, dtype=torch.bool)
        far = torch.logical_not(lies_right(left)) if low is None else torch.zeros_like(short)
        if not (short | far).any():
            break
        width = 2.0 * width
        right = torch.where(short, left + width, right)
        left = torch.where(far, right - width, left)
    return left, right
