"""Signature help: how the family, the function or the program is called in whose brackets the cursor is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from quivers.check.program import Checked
from quivers.families.family import Family
from quivers.families.function import Function, Kind
from quivers.families.functions import FUNCTIONS
from quivers.families.table import FAMILIES
from quivers.ide.about import about_function, about_program, meaning_of, parameter_text, support_text
from quivers.ide.expected import Bracket, Place, place_at
from quivers.records import record
from quivers.syntax.document import Document


@record
class ParameterHelp:
    """One parameter: its name, where in the label it stands, in characters, and what it means (Markdown)."""

    name: str
    start: int
    end: int
    documentation: str


@record
class Form:
    """One way to make the call; `documentation` has paragraphs of Markdown."""

    label: str
    parameters: tuple[ParameterHelp, ...]
    documentation: tuple[str, ...]


@record
class SignatureHelp:
    """Every form of what is called, the one that fits the arguments so far, and the parameter in hand.

    `parameter` counts those of the `active` form; it is None where the argument is none of them.
    """

    forms: tuple[Form, ...]
    active: int
    parameter: int | None


def signature_help(checked: Checked, document: Document, offset: int) -> SignatureHelp | None:
    """The help at a byte offset; None outside of a call's brackets, and where what is called is not known."""
    place = place_at(checked, document.source, offset)
    if place is None or (bracket := place.call) is None:
        return None
    is_draw = place.draws and bracket is place.brackets[0]
    forms = _forms(checked, bracket.called, is_draw=is_draw)
    if not forms:
        return None
    given = _given(place, bracket)
    positional = sum(keyword is None for keyword in bracket.keywords[:-1])
    wanted = [*given, *([bracket.keyword] if bracket.keyword is not None else ())]
    active = _chosen(forms, wanted, positional)
    return SignatureHelp(forms, active, _parameter(forms[active], bracket, given, place.prefix))


def _given(place: Place, bracket: Bracket) -> list[str]:
    """The names of the other arguments of the call, before the place and behind it."""
    before = [keyword for keyword in bracket.keywords[:-1] if keyword is not None]
    if place.brackets[-1] is not bracket:
        return before
    return before + [name.text for name, sign in pairwise(place.after) if name.is_name and sign.text == "="]


def _chosen(forms: Sequence[Form], keywords: Iterable[str], positional: int) -> int:
    """The form that has the most of the keywords, and whose first parameters are the first form's."""
    leading = [each.name for each in forms[0].parameters[:positional]]
    wanted = set(keywords)

    def fits(number: int) -> int:
        names = [each.name for each in forms[number].parameters]
        return sum(name in wanted for name in names) if names[: len(leading)] == leading else -1

    return max(range(len(forms)), key=fits)


def _parameter(form: Form, bracket: Bracket, given: Sequence[str], prefix: str) -> int | None:
    """Which parameter of a form the argument at the place is for."""
    names = [each.name for each in form.parameters]
    if bracket.keyword is not None:
        return names.index(bracket.keyword) if bracket.keyword in names else None
    if all(keyword is None for keyword in bracket.keywords):
        positional = [name for name in names if name != "over"]
        if bracket.position < len(positional):
            return bracket.position
        return names.index("over") if "over" in names and "over" not in given else None
    # After an argument with a name only others with a name can follow.
    free = [name for name in names[bracket.keywords.count(None) - 1 :] if name not in given]
    typed = next((name for name in free if prefix and name.startswith(prefix)), None)
    chosen = typed or next(iter(free), None)
    return None if chosen is None else names.index(chosen)


# --------------------------------------------------------------------------------------------- forms


def _forms(checked: Checked, called: str, *, is_draw: bool) -> tuple[Form, ...]:
    if called in FAMILIES and is_draw:
        return _forms_of_family(FAMILIES[called])
    if is_draw:
        form = _form_of_program(checked, called)
        return () if form is None else (form,)
    return (_form_of_function(FUNCTIONS[called]),) if called in FUNCTIONS else ()


def _forms_of_family(family: Family) -> tuple[Form, ...]:
    return tuple(
        _form(
            family.name,
            [
                (each.name, parameter_text(each), f"{meaning_of(each)}, in `{support_text(each)}`")
                for each in form.parameters
            ],
            f" -> {support_text(family)}",
            (family.summary, f"log density of `x`: `{form.log_density}`"),
        )
        for form in family.forms
    )


def _form_of_function(function: Function) -> Form:
    required = len(function.parameters) - function.optional
    parts: list[tuple[str, str, str]] = []
    for number, (name, domain) in enumerate(zip(function.parameters, function.domains, strict=True)):
        default = "" if number < required else f"={function.defaults[number - required]:g}"
        meaning = "an object" if function.kind is Kind.OBJECT else f"in `{domain}`"
        parts.append((name, f"{name}{default}", meaning))
    if function.takes_over:
        parts.append(("over", "over=…", "the object to run along; without it, all"))
    return _form(function.name, parts, "", about_function(function))


def _form_of_program(checked: Checked, called: str) -> Form | None:
    program = checked.programs.get(called)
    if program is None:
        return None
    parts = [
        (
            each.name,
            f"{each.name} : {'FinSet' if each.type is None else each.type}",
            "an object, a finite set" if each.type is None else f"a value in `{each.type}`",
        )
        for each in program.parameters
    ]
    return _form(called, parts, f" : {program.signature}", about_program(checked, called))


def _form(name: str, parts: Iterable[tuple[str, str, str]], end: str, documentation: tuple[str, ...]) -> Form:
    """A form from its parameters: the name, the text in the label and the meaning of each."""
    label = f"{name}("
    parameters: list[ParameterHelp] = []
    for number, (parameter, text, meaning) in enumerate(parts):
        label += ", " if number else ""
        parameters.append(ParameterHelp(parameter, len(label), len(label) + len(text), meaning))
        label += text
    return Form(f"{label}){end}", tuple(parameters), documentation)
