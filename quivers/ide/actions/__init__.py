"""The refactorings of a selection: which can be offered, at little cost, and the edits of one chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import Enum

from quivers.ide.actions import declaring, extract, inline, parameterization
from quivers.ide.actions.selection import Change, Obstacle, Selection
from quivers.records import record


class Kind(Enum):
    """What a refactoring does, in the words of editors."""

    EXTRACT = "refactor.extract"
    INLINE = "refactor.inline"
    REWRITE = "refactor.rewrite"


@record
class Refactoring:
    """`title` says in a moment whether the refactoring applies to a selection, and what it would do.

    It gives None where it doesn't, and an obstacle where somebody who asks for it should be told why not.
    `change` works it out and proves it, by checking the file as it would be.
    """

    kind: Kind
    title: Callable[[Selection], str | Obstacle | None]
    change: Callable[[Selection], Change | Obstacle | None]


@record
class Offer:
    """A refactoring that applies to a selection as far as can be told in a moment; else its `obstacle`."""

    name: str
    title: str
    kind: Kind
    obstacle: str | None = None


# By the name under which a chosen one is asked for.
REFACTORINGS: Mapping[str, Refactoring] = {
    "extract": Refactoring(Kind.EXTRACT, extract.extract_title, extract.extract),
    "extract-all": Refactoring(Kind.EXTRACT, extract.extract_all_title, extract.extract_all),
    "inline": Refactoring(Kind.INLINE, inline.inline_title, inline.inline),
    "noncentre": Refactoring(Kind.REWRITE, parameterization.noncentre_title, parameterization.noncentre),
    "centre": Refactoring(Kind.REWRITE, parameterization.centre_title, parameterization.centre),
    "declare": Refactoring(Kind.REWRITE, declaring.declare_input_title, declaring.declare_input),
    "declare-all": Refactoring(Kind.REWRITE, declaring.declare_all_title, declaring.declare_all),
    "effects": Refactoring(Kind.REWRITE, declaring.effects_title, declaring.effects),
}
_WHAT: Mapping[str, str] = {
    "extract": "Extract into `let`",
    "inline": "Inline `let`",
    "declare": "Declare the input",
}


def offers(selection: Selection) -> Iterator[Offer]:
    """The refactorings that a selection can be offered, and those that it would have but for an obstacle."""
    for name, refactoring in REFACTORINGS.items():
        title = refactoring.title(selection)
        if isinstance(title, Obstacle):
            if name in _WHAT:
                yield Offer(name, _WHAT[name], refactoring.kind, title.sentence)
        elif title is not None:
            yield Offer(name, title, refactoring.kind)


def change(selection: Selection, name: str) -> Change | Obstacle | None:
    """What a refactoring makes of a selection; None where it does not apply."""
    return REFACTORINGS[name].change(selection)
