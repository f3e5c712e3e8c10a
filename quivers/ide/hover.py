"""Hover: what stands under the cursor, be it a name, a word, a number or a sign, and its type.

An argument also says what its parameter means. Facts that only the data or a run know are passed in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from quivers.check.expressions import type_of
from quivers.check.objects import CONSTRUCTORS, Names
from quivers.check.program import Checked, CheckedProgram, Effect, Occurrence, Role, StepEffects
from quivers.check.scope import Binding, Scope
from quivers.check.types import AnyType, Type, Unknown
from quivers.families.family import Family, Parameter
from quivers.families.functions import FUNCTIONS
from quivers.families.support import Member
from quivers.families.table import FAMILIES
from quivers.ide.about import (
    about_family,
    about_function,
    about_object,
    about_program,
    binding_step,
    effects_text,
    family_signature,
    meaning_of,
    object_signature,
    support_text,
    value_notes,
)
from quivers.ide.cursor import Cursor, cursor
from quivers.ide.expected import Token, tokens_of
from quivers.ide.signatures import Signatures
from quivers.ide.vocabulary import DECLARATIONS, EFFECTS, IN_EXPRESSIONS, OPTIONS, SIGNS, SPACES, STEPS
from quivers.records import record, replace
from quivers.syntax import ast
from quivers.syntax.document import Document
from quivers.syntax.layout import line_start


@record
class Hover:
    """What to show over `span`: a line of QVR, and paragraphs of Markdown under it."""

    span: ast.Span
    signature: str
    notes: tuple[str, ...] = ()


def hover(
    checked: Checked,
    document: Document,
    offset: int,
    *,
    data: Mapping[str, str] | None = None,
    posteriors: Mapping[str, str] | None = None,
) -> Hover | None:
    """The hover at a byte offset, None where nothing stands that has a meaning.

    `data` says of an input what its values are, as in `8 values, 9…18`, and of an object what its size is;
    `posteriors` has a paragraph of Markdown for each name of which a run has draws.
    """
    occurrence = checked.occurrence_at(offset)
    if occurrence is None or (found := _of_occurrence(checked, document, occurrence)) is None:
        return _of_token(checked, document, offset)
    notes = [*found.notes]
    if data is not None and occurrence.role in _FROM_DATA and occurrence.name in data:
        notes.append(data[occurrence.name])
    if posteriors is not None and occurrence.role in _DRAWN and occurrence.name in posteriors:
        notes.append(posteriors[occurrence.name])
    return replace(found, notes=tuple(notes))


_FROM_DATA = frozenset({Role.INPUT, Role.OBSERVED, Role.DATA, Role.OBJECT})
_DRAWN = frozenset({Role.LATENT, Role.LET})


# --------------------------------------------------------------------------- names


def _of_occurrence(checked: Checked, document: Document, occurrence: Occurrence) -> Hover | None:
    role, name, span = occurrence.role, occurrence.name, occurrence.span
    if role is Role.OBJECT:
        signature = object_signature(checked, name)
        return None if signature is None else Hover(span, signature, about_object(checked, name))
    if role is Role.PROGRAM:
        program = checked.programs.get(name)
        signature = None if program is None else f"{program.name} : {program.signature}"
        return None if signature is None else Hover(span, signature, about_program(checked, name))
    if role is Role.FAMILY:
        family = FAMILIES[name]
        return Hover(span, family_signature(family), about_family(family))
    if role is Role.FUNCTION:
        function = FUNCTIONS[name]
        return Hover(span, function.signature, about_function(function))
    if role is Role.EFFECT:
        return Hover(span, name, (EFFECTS[name],))
    program = checked.programs.get(occurrence.program or "")
    place = cursor(checked, span.start)
    argument = None if place is None else _argument_note(checked, place)
    if role is Role.PARAMETER and occurrence.type is None:
        return Hover(span, name, (argument or "an object: a finite set that the caller gives",))
    type = "?" if occurrence.type is None else str(occurrence.type)
    step = None if program is None else binding_step(program.declaration.steps, name)
    inputs = () if program is None else program.inputs
    entry = next((each for each in inputs if each.name == name), None)
    first, *others = value_notes(role, occurrence.type, program, step, entry, document)
    documentation = [others.pop(0)] if step is not None and step.documentation else []
    notes = (first, *documentation, *(() if argument is None else (argument,)), *others)
    return Hover(span, f"{name} : {type}", notes)


# ----------------------------------------------------------------- words and signs


def _of_token(checked: Checked, document: Document, offset: int) -> Hover | None:
    """The hover of a word of the language, a number or a sign."""
    token = _token_at(document.source, offset)
    place = cursor(checked, offset) if token is not None else None
    if token is None or place is None:
        return None
    option = next((node for node in reversed(place.nodes) if isinstance(node, ast.Option)), None)
    if option is not None and option.name.span.covers(place.here) and option.name.text in OPTIONS:
        return Hover(token.span, option.name.text, (OPTIONS[option.name.text],))
    if token.kind == "word":
        return _of_word(checked, document, place, token)
    if token.kind == "number":
        note = _argument_note(checked, place)
        return None if note is None else Hover(token.span, _text(document, token.span), (note,))
    return _of_sign(checked, document, place, token)


def _of_word(checked: Checked, document: Document, place: Cursor, token: Token) -> Hover | None:
    word, span, program = token.text, token.span, place.program
    step = place.step
    declaration = place.placed.declaration
    if word in STEPS and step is not None and step.span.start == place.here - (place.offset - span.start):
        return _of_step(step, program, span, STEPS[word])
    if word in DECLARATIONS and declaration.span.start == span.start - place.placed.offset:
        return _of_declaration(checked, document, declaration, span, DECLARATIONS[word])
    if word in IN_EXPRESSIONS:
        return _of_expression(checked, document, place, span, IN_EXPRESSIONS[word])
    if word in STEPS or word in DECLARATIONS:
        return Hover(span, word, (STEPS.get(word) or DECLARATIONS[word],))
    if word in CONSTRUCTORS and any(isinstance(node, ast.SpaceName) for node in place.nodes):
        return Hover(span, word, (SPACES[word],))
    return None


def _of_step(step: ast.Step, program: CheckedProgram | None, span: ast.Span, meaning: str) -> Hover:
    """The type of what the step binds, and its effects."""
    if isinstance(step, ast.Hole):
        return Hover(span, "?", (meaning,))
    effects: frozenset[Effect] = frozenset()
    if program is not None:
        entry = next((each for each in program.step_effects if _covers(step, each)), None)
        effects = entry.effects if entry is not None else _EFFECT_OF.get(type(step), frozenset())
    if isinstance(step, ast.Return):
        signature = "return" if program is None else f"return : {' * '.join(program.codomain)}"
        return Hover(span, signature, (meaning,))
    found = None if program is None else _types_at(program, step).get(step.name.text)
    signature = f"{step.name.text} : {'?' if found is None else found} ! {effects_text(effects)}"
    notes = [meaning, *(EFFECTS[effect.value] for effect in Effect if effect in effects)]
    return Hover(span, signature, tuple(notes) if not step.documentation else (*notes, step.documentation))


_EFFECT_OF: Mapping[type, frozenset[Effect]] = {
    ast.Sample: frozenset({Effect.SAMPLE}),
    ast.Observe: frozenset({Effect.SCORE}),
    ast.Score: frozenset({Effect.SCORE}),
    ast.Marginalize: frozenset({Effect.MARGINAL}),
}


def _covers(step: ast.Step, effects: StepEffects) -> bool:
    return step.span.start == effects.span.start


def _of_declaration(
    checked: Checked, document: Document, declaration: ast.Declaration, span: ast.Span, meaning: str
) -> Hover:
    """What a declaration's name is, under its keyword, and what the keyword means."""
    if isinstance(declaration, ast.Hole):
        return Hover(span, _text(document, span), (meaning,))
    at = checked.occurrence_at(span.start - declaration.span.start + declaration.name.span.start)
    named = None if at is None else _of_occurrence(checked, document, at)
    if named is None:
        return Hover(span, _text(document, span), (meaning,))
    return Hover(span, named.signature, (meaning, *named.notes))


def _of_sign(checked: Checked, document: Document, place: Cursor, token: Token) -> Hover | None:
    sign, span, program = token.text, token.span, place.program
    inner = place.nodes[-1]
    if isinstance(inner, ast.Binary | ast.Unary | ast.If | ast.Tuple | ast.Factor | ast.Scan):
        meaning = SIGNS.get(sign) if isinstance(inner, ast.Binary) else None
        is_operator = isinstance(inner, ast.Unary) or meaning is not None
        return _of_expression(checked, document, place, span, meaning) if is_operator else None
    if sign == "<-" and isinstance(place.step, ast.Sample | ast.Observe | ast.Marginalize):
        return _of_step(place.step, program, span, SIGNS["<-"])
    if sign == "->" and program is not None:
        return Hover(span, f"{program.name} : {program.signature}", (SIGNS["->"],))
    if sign == "*" and isinstance(inner, ast.SpaceProduct | ast.Sample | ast.Observe | ast.Marginalize):
        names = [each.text for each in _factors(inner)]
        sizes = [None if (found := checked.objects.get(name)) is None else found.size for name in names]
        notes = [SIGNS["⊗"]]
        if all(sizes):
            number = 1
            for size in sizes:
                number *= size or 1
            notes.append(f"{number} elements")
        return Hover(span, " ⊗ ".join(names), tuple(notes))
    if sign in ("->", ">>", "*"):
        return Hover(span, token.text, (SIGNS[sign if sign != "*" or not _composes(inner) else ">>"],))
    return None


def _composes(node: object) -> bool:
    return isinstance(node, ast.Compose)


def _factors(node: ast.SpaceProduct | ast.Sample | ast.Observe | ast.Marginalize) -> tuple[ast.Name, ...]:
    if not isinstance(node, ast.SpaceProduct):
        return node.plate
    return tuple(each.name for each in node.factors if isinstance(each, ast.SpaceName))


def _of_expression(
    checked: Checked, document: Document, place: Cursor, span: ast.Span, meaning: str | None
) -> Hover | None:
    """The text and the type of the innermost expression around a sign or a word."""
    inner = place.nodes[-1]
    if not isinstance(inner, ast.Binary | ast.Unary | ast.If | ast.Factor | ast.Scan):
        return None if meaning is None else Hover(span, _text(document, span), (meaning,))
    text = _text(document, inner.span.shifted(place.placed.offset))
    found = expression_type(checked, place, inner)
    argument = _argument_note(checked, place)
    notes = (*(() if meaning is None else (meaning,)), *(() if argument is None else (argument,)))
    return Hover(span, f"{text} : {found}", notes)


def _text(document: Document, span: ast.Span) -> str:
    """The text of a span, on one line."""
    return " ".join(document.source[span.start : span.end].decode(errors="replace").split())


def _token_at(source: bytes, offset: int) -> Token | None:
    """The token under a place, the right one at a seam; None in a comment."""
    start = line_start(source, offset)
    found = None
    for token in tokens_of(source, start, len(source)):
        if token.span.start > offset:
            break
        found = token
    return found if found is not None and found.kind != "comment" and found.span.covers(offset) else None


# ------------------------------------------------------------------- expressions


def expression_type(checked: Checked, place: Cursor, node: ast.Expression) -> AnyType:
    """The type of an expression in a program's steps, as far as the names in it are known."""
    program = place.program
    if program is None:
        return Unknown()
    types = dict(_types_at(program, place.step))
    for around in place.nodes:
        if isinstance(around, ast.Factor) and around.body in place.nodes:
            types.update((each.name.text, Type((), Member(each.object.text))) for each in around.binders)
        elif isinstance(around, ast.Scan) and around.body in place.nodes:
            types[around.binder.name.text] = Type((), Member(around.binder.object.text))
            types[around.state.text] = Unknown()
    bindings = {name: Binding(name, Role.LET, type, ast.Span(0, 0)) for name, type in types.items()}
    return type_of(node, Scope(Names(Signatures(checked)), program.name, bindings, {}))


def _types_at(program: CheckedProgram, step: ast.Step | None) -> Mapping[str, AnyType]:
    """The types of a program's names at one of its steps: those of the blocks around it among them."""
    types = program.types
    if step is None:
        return types
    for block in program.marginals:
        header = next(
            (each for each in _blocks(program.declaration.steps) if each.name.span == block.span), None
        )
        if header is not None and header.span.start <= step.span.start < header.span.end:
            types = {**types, **block.types}
    return types


def _blocks(steps: Sequence[ast.Step]) -> Iterator[ast.Marginalize]:
    for step in steps:
        if isinstance(step, ast.Marginalize):
            yield step
            yield from _blocks(step.body)


# --------------------------------------------------------------------- arguments


def _argument_note(checked: Checked, place: Cursor) -> str | None:
    """What the parameter means whose argument the place is in; the innermost call decides."""
    nodes = place.nodes
    at = next((n for n in range(len(nodes) - 1, 0, -1) if isinstance(nodes[n], ast.Argument)), None)
    if at is None:
        return None
    argument, call = nodes[at], nodes[at - 1]
    if not isinstance(argument, ast.Argument) or not isinstance(call, ast.Call):
        return None
    called = call.function.text
    is_draw = isinstance(nodes[at - 2], ast.Sample | ast.Observe | ast.Marginalize)
    if is_draw and called in FAMILIES:
        parameter = _parameter_of(call, argument, FAMILIES[called])
        return None if parameter is None else _note(called, parameter.name, _meaning(parameter))
    if is_draw:
        program = checked.programs.get(called)
        names = () if program is None else tuple(each.name for each in program.parameters)
        name = _name_of(call, argument, names)
        if program is None or name is None:
            return None
        type = next(each.type for each in program.parameters if each.name == name)
        return _note(called, name, "an object" if type is None else f"in `{type}`")
    function = FUNCTIONS.get(called)
    name = None if function is None else _name_of(call, argument, function.parameters)
    if function is None or name is None:
        return None
    return _note(called, name, f"in `{function.domains[function.parameters.index(name)]}`")


def _note(called: str, name: str, meaning: str) -> str:
    return f"argument `{name}` of `{called}`: {meaning}"


def _meaning(parameter: Parameter) -> str:
    return f"{meaning_of(parameter)}, in `{support_text(parameter)}`"


def _parameter_of(call: ast.Call, argument: ast.Argument, family: Family) -> Parameter | None:
    """The parameter of a family that an argument is for."""
    if argument.keyword is None:
        name = _name_of(call, argument, tuple(each.name for each in family.forms[0].parameters))
    else:
        name = argument.keyword.text
    found = (each for form in family.forms for each in form.parameters if each.name == name)
    return next(found, None)


def _name_of(call: ast.Call, argument: ast.Argument, names: Sequence[str]) -> str | None:
    """The parameter's name for an argument, by keyword or by its place."""
    if argument.keyword is not None:
        return argument.keyword.text if argument.keyword.text in names else None
    place = call.arguments.index(argument)
    return names[place] if place < len(names) else None
