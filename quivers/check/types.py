"""Types: the named axes of a value and the support of its elements, as `School ⊗ Real⁺` prints."""

from __future__ import annotations

from quivers.families.support import REAL, Element
from quivers.records import record


@record
class Axis:
    """One axis: the object it runs over, and how often that object came before (`School′` has copy 1)."""

    object: str
    copy: int = 0

    def __str__(self) -> str:
        return self.object + "′" * self.copy


@record
class Type:
    """Axes in order, outermost first, and the set each element lies in."""

    axes: tuple[Axis, ...] = ()
    element: Element = REAL

    def __str__(self) -> str:
        return " ⊗ ".join([*(str(axis) for axis in self.axes), str(self.element)])


@record
class Unknown:
    """The type of something that is already reported as wrong; it agrees with everything."""

    def __str__(self) -> str:
        return "?"


AnyType = Type | Unknown


def union(*axes: tuple[Axis, ...]) -> tuple[Axis, ...]:
    """The axes of an elementwise operation: each operand's in order, every axis once."""
    seen: dict[Axis, None] = {}
    for operand in axes:
        seen.update(dict.fromkeys(operand))
    return tuple(seen)
