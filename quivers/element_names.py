"""What the elements of a site are called in every result: `theta[Choate]`, `beta[2,1]`, `eta[Choate, math]`.

An axis whose object's elements the data name shows those names, any other one numbers from 1. Where an
element has a name, its subscripts stand apart by comma and blank; numbers alone by a comma, as Stan has them.
A name that could be mistaken for more than one subscript, or for none, stands in quotes as in JSON.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

Levels = Mapping[str, Sequence[str]]
"""The names of the elements of those objects that have some, in the order of the elements."""

AxisLabels = tuple[Sequence[str] | None, ...]
"""For each axis of a site what its elements are called; None where they are numbers."""

LONGEST_SHOWN = 40
_APART = frozenset(',[]"')
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def label(name: str) -> str:
    """A level's name as a subscript; in quotes where it is empty, or has a comma, bracket or line break."""
    if name and name == name.strip() and not any(_needs_quotes(character) for character in name):
        return name
    return '"' + "".join([_in_quotes(character) for character in name]) + '"'


def labels(levels: Levels) -> dict[str, list[str]]:
    """All levels as subscripts, by object."""
    return {name: [label(level) for level in own] for name, own in levels.items()}


def axis_labels(axes: Sequence[str], shape: Sequence[int], labels: Mapping[str, Sequence[str]]) -> AxisLabels:
    """The labels of each axis; None for an object without any, or with more or fewer than it has elements."""
    known = [labels.get(name) for name in axes[: len(shape)]]
    known += [None] * (len(shape) - len(known))
    return tuple(
        own if own is not None and len(own) == size else None for own, size in zip(known, shape, strict=True)
    )


def subscript(index: Sequence[int], labels: AxisLabels = ()) -> str:
    """What stands between the brackets for an element, whose `index` counts from 0."""
    own = labels or (None,) * len(index)
    parts = [
        str(place + 1) if names is None else names[place] for place, names in zip(index, own, strict=True)
    ]
    return (", " if any(names is not None for names in own) else ",").join(parts)


def element_name(site: str, index: Sequence[int], labels: AxisLabels = ()) -> str:
    """An element of a site, `theta[Choate]`; the site's own name where it has no axes."""
    return f"{site}[{subscript(index, labels)}]" if index else site


def element_names(site: str, shape: Sequence[int], labels: AxisLabels = ()) -> Iterator[str]:
    """The name of every element, the last axis running fastest."""
    return (element_name(site, index, labels) for index in itertools.product(*(range(n) for n in shape)))


def index_of(number: int, shape: Sequence[int]) -> tuple[int, ...]:
    """The subscripts from 0 of the element at a flat place; the last axis runs fastest."""
    found: list[int] = []
    for size in reversed(shape):
        found.append(number % size if size else 0)
        number //= max(1, size)
    return tuple(reversed(found))


def shortened(name: str, most: int = LONGEST_SHOWN) -> str:
    """A name of at most so many characters: what is too long loses its middle, so that both ends tell it."""
    if len(name) <= most:
        return name
    tail = (most - 1) // 3
    return f"{name[: most - 1 - tail]}…{name[len(name) - tail :]}"


def _needs_quotes(character: str) -> bool:
    return character in _APART or _is_unseen(character)


def _is_unseen(character: str) -> bool:
    """Whether it breaks a line, turns the text's direction, or can't be written at all."""
    code = ord(character)
    return (
        unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        or 0x202A <= code <= 0x202E
        or 0x2066 <= code <= 0x2069
    )


def _in_quotes(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    return f"\\u{ord(character):04x}" if _is_unseen(character) else character
