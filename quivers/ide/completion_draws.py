"""What can stand after `<-`: distributions, those whose support fits first, and programs to draw from."""

from __future__ import annotations

from functools import cache

from quivers.check.objects import DataSignature, space_text
from quivers.check.types import Type
from quivers.families.family import Family
from quivers.families.support import REAL, Element, Interval, Member
from quivers.families.table import FAMILIES
from quivers.ide.about import family_signature
from quivers.ide.completion_items import Entry, Kind
from quivers.ide.completion_scope import Scene
from quivers.ide.completion_wanted import wanted_of_name
from quivers.syntax import ast

_IMPROPER = ("Flat", "HalfFlat")


# Of more programs than this, only those that begin like the word are offered.
MOST_PROGRAMS = 60


def draw_words(scene: Scene) -> tuple[list[Entry], bool]:
    """Families, best first, and after those that fit the programs that a `sample` can draw from.

    Also whether those are all the programs that there are.
    """
    place = scene.place
    followed = bool(place.after) and place.after[0].text == "("
    entries: list[Entry] = []
    support = _support_wanted(scene)
    for number, family in enumerate(FAMILIES.values()):
        if place.keyword == "observe":
            group = _group_of_observed(family, support)
        elif place.keyword == "marginalize":
            group = _group_of_summed(family)
        else:
            group = _group_of_latent(family, support)
        if group < _LAST and family.event_rank:
            group = group + 1 if place.plate else _LAST - 1
        entries.append(_family(family.name, group, number, followed=followed))
    if place.keyword not in ("sample", ""):
        return entries, True
    programs = _programs(scene)
    wanted = [each for each in programs if each.name.text.startswith(place.prefix)]
    shown = programs if len(programs) <= MOST_PROGRAMS else wanted[:MOST_PROGRAMS]
    entries += [_program(each, number, followed=followed) for number, each in enumerate(shown)]
    return entries, len(shown) == len(programs)


_LAST = 9
_PROGRAMS = 3


def _support_wanted(scene: Scene) -> Element | None:
    """Where what is drawn must lie, by its type or its other uses; None where nothing says."""
    place = scene.place
    if not place.name:
        return None
    if place.keyword == "observe":
        declared = isinstance(scene.names.declared(place.name), DataSignature)
        found = scene.type(place.name) if declared or place.name in scene.from_data() else None
        if isinstance(found, Type):
            return found.element
    return wanted_of_name(scene).element


def _group_of_latent(family: Family, wanted: Element | None) -> int:
    """Where a latent's family belongs; a discrete one can only be summed out, so it comes last."""
    if family.discrete:
        return _LAST - 1
    if family.name in _IMPROPER:
        return _LAST - 2
    if not isinstance(wanted, Interval):
        return 0
    support = family.support
    if _same(support, wanted):
        return 0
    if support.within(wanted):
        return 1 if wanted != REAL else 2
    return _LAST - 3 if support.disjoint_from(wanted) else 4


def _group_of_observed(family: Family, found: Element | None) -> int:
    """Where a family belongs for data that lie in `found`."""
    if family.name in _IMPROPER:
        return _LAST
    if found is None:
        return 0
    if isinstance(found, Member):
        return 0 if family.name == "Categorical" else 2 if family.discrete else _LAST - 2
    if _same(family.support, found):
        return 0
    if found.within(family.support):
        return 1
    return _LAST - 2 if found.disjoint_from(family.support) or family.discrete else 4


def _group_of_summed(family: Family) -> int:
    """Where a family belongs in a `marginalize`: those of few values first; others can't be summed out."""
    if not family.discrete:
        return _LAST
    return {"Categorical": 0, "Bernoulli": 1}.get(family.name, 2)


def _same(left: Interval, right: Interval) -> bool:
    return (left.low, left.high, left.integer) == (right.low, right.high, right.integer)


@cache
def _family(name: str, group: int, number: int, *, followed: bool) -> Entry:
    signature, names, snippet = _texts(name)
    return Entry(
        name,
        Kind.FAMILY,
        (group, number),
        name,
        None if followed else snippet,
        signature,
        names,
    )


@cache
def _texts(name: str) -> tuple[str, str, str]:
    """A family's signature, its parameters in brackets, and its call with a place for each needed one."""
    family = FAMILIES[name]
    parameters = family.forms[0].parameters
    listed = ", ".join(parameter.name for parameter in parameters)
    needed = [parameter.name for parameter in parameters if parameter.default is None]
    places = ", ".join(f"${{{number}:{name}}}" for number, name in enumerate(needed, 1))
    body = places or ("$1" if parameters else "")
    return family_signature(family), f"({listed})", f"{name}({body})$0"


Drawn = ast.ProgramDeclaration | ast.DefineDeclaration


def _programs(scene: Scene) -> list[Drawn]:
    """The file's other programs, those with parameters first, since they are made to be drawn from."""
    own = None if scene.declaration is None else scene.declaration.name.text
    found: list[Drawn] = []
    for placed in scene.checked.module.declarations:
        declaration = placed.declaration
        if isinstance(declaration, Drawn) and declaration.name.text not in ("", own):
            found.append(declaration)
    return sorted(found, key=lambda each: isinstance(each, ast.DefineDeclaration) or not each.parameters)


def _program(declaration: Drawn, number: int, *, followed: bool) -> Entry:
    name = declaration.name.text
    names: list[str] = []
    detail = "a composition of programs"
    if isinstance(declaration, ast.ProgramDeclaration):
        names = [parameter.name.text for parameter in declaration.parameters]
        detail = f"{space_text(declaration.domain)} -> {space_text(declaration.codomain)}"
    places = ", ".join(f"${{{place}:{each}}}" for place, each in enumerate(names, 1))
    snippet = None if followed else f"{name}({places})$0"
    group = _PROGRAMS if names else _PROGRAMS + 2
    return Entry(name, Kind.PROGRAM, (group, number), name, snippet, detail, f"({', '.join(names)})")
