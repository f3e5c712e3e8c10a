"""Hover: the type of the name under the cursor, what it is, and what its author wrote about it."""

from __future__ import annotations

from quivers.check.program import Checked, CheckedProgram, Effect, Occurrence, Role
from quivers.check.types import Unknown
from quivers.families.family import Family, Form, Parameter
from quivers.families.functions import FUNCTIONS
from quivers.families.table import FAMILIES
from quivers.records import record
from quivers.syntax import ast
from quivers.syntax.document import Document


@record
class Hover:
    """What to show over `span`: a line of QVR, and paragraphs of Markdown under it."""

    span: ast.Span
    signature: str
    notes: tuple[str, ...] = ()


def hover(checked: Checked, document: Document, offset: int) -> Hover | None:
    """The hover at a byte offset, None where no name stands."""
    occurrence = checked.occurrence_at(offset)
    if occurrence is None:
        return None
    program = checked.programs.get(occurrence.program or "")
    role = occurrence.role
    if role is Role.OBJECT:
        return _object(checked, occurrence)
    if role is Role.PROGRAM:
        return _program(checked, occurrence)
    if role is Role.FAMILY:
        return _family(occurrence.span, FAMILIES[occurrence.name])
    if role is Role.FUNCTION:
        function = FUNCTIONS[occurrence.name]
        return Hover(occurrence.span, function.signature, (function.summary,))
    if role is Role.EFFECT:
        return _effect(occurrence)
    argument = None if program is None else _argument_note(program, occurrence.span)
    if role is Role.PARAMETER and occurrence.type is None:
        return None if argument is None else Hover(occurrence.span, occurrence.name, (argument,))
    return _value(occurrence, program, document, argument)


# -------------------------------------------------------------------------- values


def _value(
    occurrence: Occurrence, program: CheckedProgram | None, document: Document, argument: str | None
) -> Hover:
    name = occurrence.name
    type = "?" if occurrence.type is None else str(occurrence.type)
    step = None if program is None else _binding_step(program.declaration.steps, name)
    notes = [_role_note(occurrence, program, step, document)]
    if step is not None and step.documentation:
        notes.append(step.documentation)
    if argument is not None:
        notes.append(argument)
    if isinstance(occurrence.type, Unknown):
        notes.append("Its type is not known, because something that it depends on has an error.")
    return Hover(occurrence.span, f"{name} : {type}", tuple(notes))


def _role_note(
    occurrence: Occurrence, program: CheckedProgram | None, step: ast.Step | None, document: Document
) -> str:
    role = occurrence.role
    observed = program is not None and any(
        entry.observed for entry in program.inputs if entry.name == occurrence.name
    )
    text = None if program is None else _right_side(step, program.offset, document)
    if role is Role.LATENT:
        return "latent" if text is None else f"latent, drawn from `{text}`"
    if role is Role.LET:
        return "let" if text is None else f"let, `{text}`"
    if role is Role.OBSERVED or (role is Role.DATA and observed):
        return "input, observed: its values come from the data"
    if role in (Role.INPUT, Role.DATA):
        return "input: its values come from the data"
    return str(role.value)


def _right_side(step: ast.Step | None, offset: int, document: Document) -> str | None:
    """What stands to the right of `<-` or `=`, on one line."""
    if isinstance(step, ast.Sample | ast.Observe | ast.Marginalize):
        span = step.draw.span
    elif isinstance(step, ast.Let | ast.Score):
        span = step.value.span
    else:
        return None
    text = document.source[offset + span.start : offset + span.end].decode(errors="replace")
    return " ".join(text.split()) or None


def _binding_step(
    steps: tuple[ast.Step, ...], name: str
) -> ast.Sample | ast.Observe | ast.Let | ast.Marginalize | ast.Score | None:
    """The step that binds a name, or else the one that observes it."""
    observes: ast.Observe | None = None
    for step in steps:
        if isinstance(step, ast.Hole | ast.Return):
            continue
        if step.name.text == name:
            if not isinstance(step, ast.Observe):
                return step
            observes = observes or step
    return observes


def _argument_note(program: CheckedProgram, span: ast.Span) -> str | None:
    """What the parameter means whose argument the span lies in."""
    here = span.shifted(-program.offset)
    for step in program.declaration.steps:
        if not isinstance(step, ast.Sample | ast.Observe) or not isinstance(step.draw, ast.Call):
            continue
        if not (step.draw.span.start <= here.start and here.end <= step.draw.span.end):
            continue
        family = FAMILIES.get(step.draw.function.text)
        parameter = None if family is None else _parameter_at(step.draw, family, here)
        if family is None or parameter is None:
            return None
        return f"argument `{parameter.name}` of `{family.name}`: {parameter.meaning}, in `{_type(parameter)}`"
    return None


def _parameter_at(call: ast.Call, family: Family, here: ast.Span) -> Parameter | None:
    """The parameter of a family whose argument covers `here`."""
    for position, argument in enumerate(call.arguments):
        if not (argument.span.start <= here.start and here.end <= argument.span.end):
            continue
        if argument.keyword is None:
            parameters = family.forms[0].parameters
            return parameters[position] if position < len(parameters) else None
        for form in family.forms:
            for parameter in form.parameters:
                if parameter.name == argument.keyword.text:
                    return parameter
    return None


# ------------------------------------------------------------ objects and programs


def _object(checked: Checked, occurrence: Occurrence) -> Hover | None:
    declared = checked.objects.get(occurrence.name)
    if declared is None:
        return None
    notes = []
    if declared.documentation:
        notes.append(declared.documentation)
    if declared.finite and not declared.factors:
        elements = "element" if declared.size == 1 else "elements"
        size = "its size comes from the data" if declared.size is None else f"{declared.size} {elements}"
        notes.append(f"an index set: {size}")
    return Hover(occurrence.span, f"object {declared.name} : {declared.space}", tuple(notes))


def _program(checked: Checked, occurrence: Occurrence) -> Hover | None:
    program = checked.programs.get(occurrence.name)
    if program is None:
        return None
    notes = []
    if program.inputs:
        listed = ", ".join(f"{entry.name} : {entry.type}" for entry in program.inputs)
        notes.append(f"inputs `{listed}`")
    if program.declaration.documentation:
        notes.append(program.declaration.documentation)
    return Hover(occurrence.span, f"{program.name} : {program.signature}", tuple(notes))


# ------------------------------------------------------------------ built-in names


def _family(span: ast.Span, family: Family) -> Hover:
    notes = [family.summary]
    if family.event_rank:
        what = "a vector along" if family.event_rank == 1 else "a matrix over"
        space = "" if family.space is None else f": {family.space.value}"
        notes.append(f"A draw is {what} the last object of its plate{space}.")
    for form in family.forms:
        notes.append(_form(form, family))
    if family.reference is not None:
        notes.append(family.reference)
    parameters = ", ".join(
        f"{parameter.name} : {_type(parameter)}"
        + ("" if parameter.default is None else f" = {parameter.default:g}")
        for parameter in family.forms[0].parameters
    )
    low, high = family.low, family.high
    ends = "" if low is None and high is None else f" from {low or '…'} to {high or '…'}"
    return Hover(span, f"{family.name}({parameters}) -> {_type(family)}{ends}", tuple(notes))


_OWN_AXES = ("", "K ⊗ ", "K ⊗ K′ ⊗ ")


def _type(value: Family | Parameter) -> str:
    """Where one draw or one argument lies, K standing for the object that it runs along."""
    return f"{_OWN_AXES[value.event_rank]}{value.support}"


def _form(form: Form, family: Family) -> str:
    names = ", ".join(parameter.name for parameter in form.parameters)
    lines = [f"`{family.name}({names})`", ""]
    lines += [
        f"- `{parameter.name} : {_type(parameter)}`: {parameter.meaning}"
        + (f" ({parameter.space.value})" if parameter.space is not None else "")
        for parameter in form.parameters
    ]
    lines += ["", f"log density of `x`: `{form.log_density}`"]
    return "\n".join(lines)


_EFFECTS = {
    Effect.SAMPLE.value: "a latent is drawn",
    Effect.SCORE.value: "an observation or a `score` adds to the log density",
    Effect.MARGINAL.value: "a discrete latent is summed out",
    "Pure": "the program has no effects",
}


def _effect(occurrence: Occurrence) -> Hover:
    return Hover(occurrence.span, occurrence.name, (_EFFECTS[occurrence.name],))
