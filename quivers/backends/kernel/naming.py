"""How names, numbers and axes are spelt in a kernel's source."""

from __future__ import annotations

import math
import re

from quivers.ir.graph import BELOW_DIAGONAL, INDEX, ONE_LESS, TRIANGLE, object_of, source_of

# What an index or a count begins with tells apart the axes of one object; no user's name can do that.
_MARKS = {ONE_LESS: "less", BELOW_DIAGONAL: "below", TRIANGLE: "triangle", INDEX: "own"}


def identifier(name: str) -> str:
    """A name that Python reads for what the user calls something."""
    plain = re.sub(r"\W", "_", name)
    return plain if plain[:1].isalpha() else f"_{plain}"


def index(axis: str) -> str:
    """The variable of a loop over an axis: `i_School`, `i2_School` for `School′`."""
    return f"i{_mark(axis)}_{identifier(object_of(axis))}"


def sized(axis: str) -> str:
    """The axis whose size an axis has: `School` for `School′`, and itself where it is derived."""
    return source_of(axis)


def count(axis: str) -> str:
    """The variable with an axis's number of elements: `n_School`, `nless_Topic` for `Topic⁻`."""
    return f"n{_mark(sized(axis))}_{identifier(object_of(axis))}"


def literal(value: float) -> str:
    """A number as Python writes it, in brackets where a sign could be misread."""
    if math.isnan(value):
        return "math.nan"
    if math.isinf(value):
        return "math.inf" if value > 0 else "(-math.inf)"
    return repr(value) if value >= 0 and not math.copysign(1.0, value) < 0 else f"({value!r})"


def _mark(axis: str) -> str:
    marks = axis[len(object_of(axis)) :]
    primes = marks.count("′")
    derived = "".join(_MARKS[mark] for mark in marks if mark != "′")
    return derived + (str(primes + 1) if primes else "")
