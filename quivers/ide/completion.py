"""Completion: what can go on at a place of a half-typed line, the entries that fit best first.

The line in hand is read by its words (`expected`); what it can use comes from the checked rest of the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from itertools import pairwise

from quivers.check.program import Checked
from quivers.check.types import Type
from quivers.families.function import Kind as FunctionKind
from quivers.families.functions import FUNCTIONS
from quivers.families.support import REAL, Interval, Member
from quivers.families.table import FAMILIES
from quivers.ide.about import (
    about_family,
    about_function,
    about_name,
    about_object,
    about_program,
    support_text,
)
from quivers.ide.completion_draws import draw_words
from quivers.ide.completion_items import Column, Completions, Entry, Kind, Known
from quivers.ide.completion_scope import Scene
from quivers.ide.completion_symbols import symbols
from quivers.ide.completion_wanted import (
    MAY_FIT,
    MISFIT,
    UNKNOWN_FIT,
    Wanted,
    fit,
    indexed,
    wanted_at,
    wanted_of_name,
)
from quivers.ide.completion_words import (
    declaration_words,
    effect_words,
    expression_words,
    object_words,
    option_words,
    space_words,
    step_words,
)
from quivers.ide.expected import Around, Bracket, Place, Slot, place_at
from quivers.ide.vocabulary import DECLARATIONS, EFFECTS, IN_EXPRESSIONS, OPTIONS, SPACES, STEPS
from quivers.records import replace
from quivers.syntax import ast
from quivers.syntax.document import Document
from quivers.syntax.reference_state import grammar_is_loaded

# A longer list is cut to those entries that begin like the word, and to this many.
MOST_ENTRIES = 300

# The order of the groups of a value's entries; names that don't fit come last.
_NAMES, _FUNCTIONS, _ARGUMENTS, _WORDS, _MISFITS = 0, 4, 6, 7, 8


def completions(
    checked: Checked,
    document: Document,
    offset: int,
    *,
    trigger: str | None = None,
    columns: Sequence[Column] = (),
) -> Completions | None:
    """What can go on at a byte offset; None where nothing is offered, as in a comment.

    `trigger` is the character whose typing asked, None when the user did or typed a letter: a space or a sign
    asks only where an entry is likely to be wanted. `columns` are those of the data.
    """
    source = document.source
    place = place_at(checked, source, offset)
    if place is None:
        return None
    if (signs := symbols(source, offset)) is not None:
        return signs
    slot = place.slot
    if trigger is not None and not _is_asked_by(trigger, place, slot):
        return None
    scene = Scene(checked, place, columns)
    entries, whole = draw_words(scene) if slot is Slot.DRAW else (_entries(scene, slot), True)
    if slot in (Slot.EXPRESSION, Slot.DONE) and _is_in_value(place) and not _takes_object(entries):
        if grammar_is_loaded():
            entries += expression_words(place, source, _WORDS)
        else:
            whole = False
    if place.starts_line and place.brackets and scene.declaration is not None and place.depth:
        # A line that begins with a step's word ends what is left open above it.
        entries += step_words(scene, _MISFITS + 1)
    if not entries and whole:
        return None
    if len(entries) > MOST_ENTRIES:
        entries, whole = _cut(entries, place.prefix), False
    entries.sort(key=lambda entry: entry.rank)
    inserted = ast.Span(place.word.start, place.offset)
    program = None if scene.program is None else scene.program.name
    return Completions(tuple(entries), inserted, place.word, whole, program)


def _is_asked_by(trigger: str, place: Place, slot: Slot) -> bool:
    """Whether typing a sign or a space at the place should show entries."""
    if trigger == " ":
        if slot is Slot.EXPRESSION:
            bracket = place.brackets[-1] if place.brackets else None
            return bracket is not None and not bracket.tokens and bracket.around is not Around.GROUP
        return slot in (Slot.DRAW, Slot.OBSERVED, Slot.PLATE, Slot.SPACE, Slot.OBJECT, Slot.PROGRAM)
    if trigger in "([":
        return slot in (Slot.EXPRESSION, Slot.OPTION, Slot.OBJECT, Slot.SPACE)
    return trigger == "=" and bool(place.brackets) and slot in (Slot.EXPRESSION, Slot.OBJECT)


def _is_in_value(place: Place) -> bool:
    if place.keyword in DECLARATIONS:
        return False
    if place.brackets and place.brackets[0].around is Around.OPTIONS and not place.brackets[0].keyword:
        return False
    return bool(place.brackets) or place.keyword in ("let", "score", "return")


def _takes_object(entries: Sequence[Entry]) -> bool:
    """Whether an argument names an object, so that no word of an expression can stand there."""
    return bool(entries) and entries[0].kind is Kind.OBJECT


def _cut(entries: list[Entry], prefix: str) -> list[Entry]:
    wanted = prefix.casefold()
    found = [each for each in entries if (each.filter or each.label).casefold().startswith(wanted)]
    return sorted(found, key=lambda entry: entry.rank)[:MOST_ENTRIES]


def _entries(scene: Scene, slot: Slot) -> list[Entry]:
    place = scene.place
    if slot is Slot.STEP:
        return step_words(scene, 0)
    if slot is Slot.DECLARATION:
        return declaration_words(0)
    if slot is Slot.OBSERVED:
        return _observed(scene)
    if slot is Slot.PLATE:
        axes = wanted_of_name(scene).axes or ()
        given = place.plate
        entries = object_words(scene, 0, [axis.object for axis in axes])
        return [entry for entry in entries if entry.label not in given]
    if slot is Slot.OBJECT:
        return object_words(scene, 0, place.plate[-1:])
    if slot is Slot.SPACE:
        return space_words(scene)
    if slot is Slot.OPTION:
        return option_words(scene)
    if slot is Slot.PROGRAM:
        return _programs(scene)
    if slot is Slot.EXPRESSION:
        bracket = place.brackets[-1] if place.brackets else None
        if place.brackets and place.keyword == "program":
            return effect_words(scene)
        if place.keyword in DECLARATIONS:
            return []
        return _values(scene, bracket)
    return []


# ---------------------------------------------------------------------------------------------- values


def _values(scene: Scene, bracket: Bracket | None) -> list[Entry]:
    """Names that fit first, then functions, then the names of arguments, then names that don't fit."""
    wanted = wanted_at(scene)
    entries: list[Entry] = []
    if wanted.is_object:
        entries = object_words(scene)
    else:
        entries = _names(scene, wanted)
        entries += _functions(scene, wanted)
    if (
        bracket is not None
        and bracket.around is Around.CALL
        and not bracket.tokens
        and bracket.keyword is None
    ):
        entries += _arguments(scene, bracket)
    return entries


def _names(scene: Scene, wanted: Wanted) -> list[Entry]:
    known = scene.values()
    indices = [
        (each.name, each.type)
        for each in known
        if isinstance(each.type, Type) and isinstance(each.type.element, Member)
    ]
    entries: list[Entry] = []
    for each in known:
        if each.name == scene.place.name and not scene.place.brackets:
            continue
        found = fit(each.type, wanted)
        group = _MISFITS if found == MISFIT else _NAMES + {MAY_FIT: 1, UNKNOWN_FIT: 2}.get(found, 0)
        # Data that are observed are rarely what others depend on.
        order = each.order + (1000 if each.word.startswith("observed") else 0)
        entries.append(replace(_value(each, group), rank=(group, order)))
        by = indexed(each.type, wanted, indices)
        if by is not None:
            label = f"{each.name}[{by[0]}]"
            rank = (_NAMES + (fit(by[1], wanted) == MAY_FIT), each.order)
            entries.append(Entry(label, each.kind, rank, label, detail=str(by[1]), filter=each.name))
    return entries


def _value(each: Known, group: int) -> Entry:
    type = "" if each.type is None else str(each.type)
    detail = f"{each.word} : {type}" if type else each.word
    return Entry(
        each.name,
        each.kind,
        (group, each.order),
        each.name,
        detail=detail,
        aside=f" : {type}" if type else "",
    )


_LATER = frozenset({FunctionKind.MATRIX, FunctionKind.ROWS, FunctionKind.DETERMINANT, FunctionKind.SOLVE})


def _functions(scene: Scene, wanted: Wanted) -> list[Entry]:
    """The functions, first those whose value lies where it must."""
    followed = bool(scene.place.after) and scene.place.after[0].text == "("
    element = wanted.element if isinstance(wanted.element, Interval) else REAL
    asks = wanted.element is not None and wanted.element != REAL
    entries: list[Entry] = []
    for number, function in enumerate(FUNCTIONS.values()):
        fits = not asks or (isinstance(wanted.element, Interval) and _lies_in(function.name, element))
        group = _FUNCTIONS + (function.kind in _LATER or not fits)
        entries.append(_function(function.name, group, number, followed=followed))
    return entries


@lru_cache(maxsize=2048)
def _lies_in(name: str, element: Interval) -> bool:
    """Whether all values of a function lie in an interval."""
    function = FUNCTIONS[name]
    return function.support(function.domains).within(element)


@cache
def _function(name: str, group: int, number: int, *, followed: bool) -> Entry:
    function = FUNCTIONS[name]
    needed = function.parameters[: len(function.parameters) - function.optional]
    places = ", ".join(f"${{{place}:{each}}}" for place, each in enumerate(needed, 1))
    snippet = None if followed else f"{name}({places})$0"
    signature = function.signature
    return Entry(name, Kind.FUNCTION, (group, number), name, snippet, signature, signature[len(name) :])


def _arguments(scene: Scene, bracket: Bracket) -> list[Entry]:
    """The arguments' names that are not given yet, by position or by name, before the place or behind."""
    meanings = _parameters(scene, bracket)
    given = {keyword for keyword in bracket.keywords if keyword is not None}
    after = scene.place.after
    given.update(name.text for name, sign in pairwise(after) if name.is_name and sign.text == "=")
    positional = list(meanings)[: sum(keyword is None for keyword in bracket.keywords[:-1])]
    family = FAMILIES.get(bracket.called) if scene.place.draws else None
    names = [name for name in meanings if name not in given and name not in positional]
    if family is not None and given:
        forms = [{each.name for each in form.parameters} for form in family.forms]
        fitting = [form for form in forms if given <= form]
        names = [name for name in names if any(name in form for form in fitting)] if fitting else names
    return [
        Entry(f"{name}=", Kind.ARGUMENT, (_ARGUMENTS, number), f"{name}=", detail=meanings[name])
        for number, name in enumerate(names)
    ]


def _parameters(scene: Scene, bracket: Bracket) -> Mapping[str, str]:
    """The parameters of what is called, the first form's first, each with what it means."""
    called = bracket.called
    if scene.place.draws and bracket is scene.place.brackets[0]:
        if called in FAMILIES:
            parameters = [each for form in FAMILIES[called].forms for each in form.parameters]
            return {each.name: f"{support_text(each)} · {each.meaning}" for each in parameters}
        program = scene.checked.programs.get(called)
        listed = () if program is None else program.parameters
        return {each.name: "an object" if each.type is None else str(each.type) for each in listed}
    function = FUNCTIONS.get(called)
    if function is None or function.kind is FunctionKind.OBJECT:
        return {}
    names = {name: str(domain) for name, domain in zip(function.parameters, function.domains, strict=True)}
    return {**names, "over": "the object to run over"} if function.takes_over else names


# ---------------------------------------------------------------------------------- observes and programs


def _observed(scene: Scene) -> list[Entry]:
    """What is there to observe: declared data, columns of the data, names used as inputs, `let`s of data."""
    taken = scene.observed()
    known = {each.name: each for each in scene.values()}
    made = scene.from_data()
    program = scene.program
    used = {} if program is None else {each.name: each for each in program.inputs}
    entries: list[Entry] = []
    for name, each in known.items():
        if name in taken or (each.kind is not Kind.INPUT and name not in made):
            continue
        unused = each.kind is Kind.INPUT and name not in used
        entries.append(_value(each, 0 if unused else 1 if name in made else 2))
    return entries


def _programs(scene: Scene) -> list[Entry]:
    """The programs that can be exported or composed; those without parameters, for the others can't."""
    entries: list[Entry] = []
    total = len(scene.checked.module.declarations)
    for number, placed in enumerate(scene.checked.module.declarations):
        declaration = placed.declaration
        if (
            not isinstance(declaration, ast.ProgramDeclaration | ast.DefineDeclaration)
            or not declaration.name.text
        ):
            continue
        if placed.offset == scene.place.statement:
            continue
        takes = isinstance(declaration, ast.ProgramDeclaration) and bool(declaration.parameters)
        # The last program is the one that is most likely meant.
        rank = (int(takes), total - number)
        name = declaration.name.text
        entries.append(
            Entry(name, Kind.PROGRAM, rank, name, detail="takes parameters" if takes else "a program")
        )
    return entries


# ----------------------------------------------------------------------------------------------- resolve


def documentation(
    checked: Checked, document: Document, kind: Kind, name: str, program: str | None = None
) -> tuple[str, ...]:
    """What an entry means, as paragraphs of Markdown; none for one that says it all itself.

    `program` is the one in whose steps the entry was offered.
    """
    name = name.partition("[")[0] if kind in (Kind.VALUE, Kind.INPUT, Kind.PARAMETER) else name.rstrip("=")
    if kind is Kind.FAMILY and name in FAMILIES:
        return about_family(FAMILIES[name])
    if kind is Kind.FUNCTION and name in FUNCTIONS:
        return about_function(FUNCTIONS[name])
    if kind is Kind.PROGRAM:
        return about_program(checked, name)
    if kind is Kind.OBJECT or (kind is Kind.SPACE and name not in SPACES):
        return about_object(checked, name)
    if kind in (Kind.VALUE, Kind.INPUT, Kind.PARAMETER):
        return about_name(checked, document, name, program)
    for words in _WORDS_OF.get(kind, ()):
        if name in words:
            return (words[name],)
    return ()


_WORDS_OF: Mapping[Kind, tuple[Mapping[str, str], ...]] = {
    Kind.KEYWORD: (STEPS, DECLARATIONS, IN_EXPRESSIONS),
    Kind.OPTION: (OPTIONS,),
    Kind.EFFECT: (EFFECTS,),
    Kind.SPACE: (SPACES,),
}
