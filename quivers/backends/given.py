"""What the data settle before anything runs: the sizes of ranges of counts, and the demands that a program
makes on several inputs together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from quivers.backends.kernel.fixed import aligned, evaluate
from quivers.check.types import Axis
from quivers.data.wording import row_text
from quivers.errors import DataError, DataProblem, QvrError
from quivers.ir.graph import Density, object_of
from quivers.ir.simplify import needed

Arrays = Mapping[str, np.ndarray[Any, Any]]


def settled_sizes(density: Density, inputs: Arrays, sizes: Mapping[str, int]) -> dict[str, int]:
    """`sizes` with those of the density's ranges; demands on inputs that are not given are left aside.

    Raises:
        DataError: the data do not meet the program's demands.
        QvrError: a range ends in the data, and those are not given.
    """
    _check(density, inputs, sizes)
    result = dict(sizes)
    for each in density.ranges:
        missing = _missing(density, each.last, inputs)
        if missing:
            latent = object_of(each.axis).partition("…")[2]
            raise QvrError(f"How far `{latent}` goes depends on `{missing[0]}`, which is not given.")
        last = evaluate(density.nodes, [each.last], inputs, sizes)[each.last]
        result[each.axis] = int(np.max(last, initial=each.first)) - each.first + 1
    return result


def _check(density: Density, inputs: Arrays, sizes: Mapping[str, int]) -> None:
    problems: list[DataProblem] = []
    for requirement in density.requirements:
        if _missing(density, requirement.node, inputs):
            continue
        axes = density.nodes[requirement.node].axes
        told = [each for each in (requirement.value, requirement.end) if each is not None]
        values = evaluate(density.nodes, [requirement.node, *told], inputs, sizes)
        held = values[requirement.node] != 0.0
        words = {}
        if requirement.value is not None and requirement.end is not None:
            value, end = (
                np.broadcast_to(aligned(values[each], density.nodes[each].axes, axes), held.shape)
                for each in told
            )
            held = held | np.isnan(value)
            words = _words(value, end, held, counts=requirement.counts)
        if not held.all():
            first = int(np.argmin(held))
            place = row_text(first, held.shape, [Axis(object_of(axis), axis.count("′")) for axis in axes])
            message = requirement.message.format(place=place or "it", **words)
            problems.append(DataProblem(requirement.code, message, requirement.input))
    if problems:
        raise DataError(problems)


def _words(
    value: np.ndarray[Any, Any], end: np.ndarray[Any, Any], held: np.ndarray[Any, Any], *, counts: bool
) -> dict[str, str]:
    """The first value that breaks a demand, in words."""
    first, broken = int(np.argmin(held)), int(np.sum(~held))
    from_one = counts and np.nanmin(value, initial=np.inf) == 1 and (value[~held] == end[~held] + 1).all()
    return {
        "value": f"{value.reshape(-1)[first]:.15g}",
        "end": f"{end.reshape(-1)[first]:.15g}",
        "more": f" (and {broken - 1} more)" if broken > 1 else "",
        "counting": " No value is 0: if they count from 1, as Stan and R do, take 1 off." if from_one else "",
    }


def _missing(density: Density, node: int, inputs: Arrays) -> list[str]:
    leaves = (density.nodes[number] for number in needed(density.nodes, [node]))
    return [leaf.name or "" for leaf in leaves if leaf.op == "input" and leaf.name not in inputs]
