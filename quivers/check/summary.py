"""What a program is to those that draw from it or compose it: its type in terms of its parameters.

A summary has no spans, so an edit inside a program that leaves its summary as it was re-checks no caller.
"""

from __future__ import annotations

from collections.abc import Mapping

from quivers.check.objects import DataSignature
from quivers.check.program import Effect
from quivers.check.types import AnyType, Axis, Type
from quivers.families.support import Member
from quivers.records import record


@record
class ParameterSummary:
    """A program's parameter. `type` is None where it stands for a finite set; that set's `size` may be given.

    `space` is what is written after the colon, where it is a value.
    """

    name: str
    type: AnyType | None
    size: int | None = None
    space: DataSignature | None = None


@record
class InputSummary:
    """An input of a program. One that the file `declared` with `data` keeps its name in every caller."""

    name: str
    type: Type
    observed: bool
    declared: bool


@record
class Summary:
    """A program as its callers see it, with its object parameters standing for themselves.

    `returned` has the label and the type of each returned value; `types` those of all names that its steps
    bind. A program is `sound` when nothing that it needs is wrong.
    """

    parameters: tuple[ParameterSummary, ...]
    domain: tuple[str, ...]
    codomain: tuple[str, ...]
    returned: tuple[tuple[str, AnyType], ...]
    inputs: tuple[InputSummary, ...]
    types: tuple[tuple[str, AnyType], ...]
    effects: frozenset[Effect]
    sound: bool

    @property
    def objects(self) -> frozenset[str]:
        """The objects in the types of its names, its parameters aside."""
        own = {parameter.name for parameter in self.parameters if parameter.type is None}
        found: set[str] = set()
        for _, type in (*self.types, *((entry.name, entry.type) for entry in self.inputs)):
            if isinstance(type, Type):
                found.update(axis.object for axis in type.axes)
                if isinstance(type.element, Member):
                    found.add(type.element.object)
        return frozenset(found - own)


@record
class Recursion:
    """In the place of a summary: the program is drawn from inside itself."""


def substituted(type: AnyType, objects: Mapping[str, str]) -> AnyType:
    """A type with objects put in the place of the parameters that stood for them."""
    if not isinstance(type, Type):
        return type
    element = type.element
    if isinstance(element, Member):
        element = Member(objects.get(element.object, element.object))
    axes = tuple(Axis(objects.get(axis.object, axis.object), axis.copy) for axis in type.axes)
    return Type(axes, element)
