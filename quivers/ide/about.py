"""What a family, a function, a program, an object or a name is: a line of QVR and paragraphs of Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from quivers.check.program import Checked, CheckedProgram, Effect, Input, Role
from quivers.check.types import AnyType, Unknown
from quivers.families.family import Family, Form, Parameter
from quivers.families.function import Function
from quivers.syntax import ast
from quivers.syntax.document import Document

_OWN_AXES = ("", "K ⊗ ", "K ⊗ K′ ⊗ ")

Binds = ast.Sample | ast.Observe | ast.Let | ast.Marginalize | ast.Score


# ------------------------------------------------------------------ built-in names


def family_signature(family: Family, form: Form | None = None) -> str:
    """`Normal(loc : Real, scale : Real⁺) -> Real`."""
    parameters = ", ".join(parameter_text(each) for each in (form or family.forms[0]).parameters)
    low, high = family.low, family.high
    ends = "" if low is None and high is None else f" from {low or '…'} to {high or '…'}"
    return f"{family.name}({parameters}) -> {support_text(family)}{ends}"


def parameter_text(parameter: Parameter) -> str:
    """`scale : Real⁺ = 1`."""
    default = "" if parameter.default is None else f" = {parameter.default:g}"
    return f"{parameter.name} : {support_text(parameter)}{default}"


def support_text(value: Family | Parameter) -> str:
    """Where one draw or one argument lies, K standing for the object that it runs along."""
    return f"{_OWN_AXES[value.event_rank]}{value.support}"


def about_family(family: Family) -> tuple[str, ...]:
    """A family's summary, its draws' own axes, and each of its forms with the density."""
    notes = [family.summary]
    if family.event_rank:
        what = "a vector along" if family.event_rank == 1 else "a matrix over"
        space = "" if family.space is None else f": {family.space.value}"
        notes.append(f"A draw is {what} the last object of its plate{space}.")
    notes += [_form(form, family) for form in family.forms]
    if family.reference is not None:
        notes.append(family.reference)
    return tuple(notes)


def _form(form: Form, family: Family) -> str:
    names = ", ".join(parameter.name for parameter in form.parameters)
    lines = [f"`{family.name}({names})`", ""]
    lines += [f"- `{each.name} : {support_text(each)}`: {meaning_of(each)}" for each in form.parameters]
    lines += ["", f"log density of `x`: `{form.log_density}`"]
    return "\n".join(lines)


def meaning_of(parameter: Parameter) -> str:
    """What a family's parameter means, and what its numbers are together."""
    return parameter.meaning + (f" ({parameter.space.value})" if parameter.space is not None else "")


def about_function(function: Function) -> tuple[str, ...]:
    """What a function gives."""
    return (function.summary,)


# ------------------------------------------------------------ objects and programs


def object_signature(checked: Checked, name: str) -> str | None:
    """`object School : FinSet 8`; None where no object is declared by the name."""
    declared = checked.objects.get(name)
    return None if declared is None else f"object {declared.name} : {declared.space}"


def about_object(checked: Checked, name: str) -> tuple[str, ...]:
    """An object's documentation and size."""
    declared = checked.objects.get(name)
    if declared is None:
        return ()
    notes = [] if not declared.documentation else [declared.documentation]
    if declared.finite and not declared.factors:
        elements = "element" if declared.size == 1 else "elements"
        size = "its size comes from the data" if declared.size is None else f"{declared.size} {elements}"
        notes.append(f"an index set: {size}")
    return tuple(notes)


def about_program(checked: Checked, name: str) -> tuple[str, ...]:
    """A program's inputs and documentation."""
    program = checked.programs.get(name)
    if program is None:
        return ()
    notes = []
    if program.inputs:
        listed = ", ".join(f"{entry.name} : {entry.type}" for entry in program.inputs)
        notes.append(f"inputs `{listed}`")
    if program.declaration.documentation:
        notes.append(program.declaration.documentation)
    return tuple(notes)


# -------------------------------------------------------------------------- values


def about_name(checked: Checked, document: Document, name: str, program: str | None) -> tuple[str, ...]:
    """What a name of a program's steps is: where its values come from, and its documentation."""
    found = checked.programs.get(program or "")
    if found is None:
        return ("input: its values come from the data",)
    step = binding_step(found.declaration.steps, name)
    entry = next((each for each in found.inputs if each.name == name), None)
    if isinstance(step, ast.Let | ast.Score):
        role = Role.LET
    elif any(each.name == name for each in found.parameters):
        role = Role.PARAMETER
    else:
        role = Role.INPUT if entry is not None or step is None else Role.LATENT
    return value_notes(role, found.types.get(name), found, step, entry, document)


def value_notes(
    role: Role,
    type: AnyType | None,
    program: CheckedProgram | None,
    step: Binds | None,
    entry: Input | None,
    document: Document,
) -> tuple[str, ...]:
    """What a name stands for, its documentation, and why its type is not known where that is so."""
    notes = [_role_note(role, program, step, entry, document)]
    if step is not None and step.documentation:
        notes.append(step.documentation)
    if isinstance(type, Unknown):
        notes.append("Its type is not known, because something that it depends on has an error.")
    return tuple(notes)


def _role_note(
    role: Role, program: CheckedProgram | None, step: Binds | None, entry: Input | None, document: Document
) -> str:
    text = None if program is None or step is None else _right_side(step, program.offset, document)
    if role is Role.LATENT:
        return "latent" if text is None else f"latent, drawn from `{text}`"
    if role is Role.LET:
        return "let" if text is None else f"let, `{text}`"
    observed = entry is not None and entry.observed
    if role is Role.OBSERVED or (role in (Role.DATA, Role.INPUT) and observed):
        return "input, observed: its values come from the data"
    if role in (Role.INPUT, Role.DATA):
        return "input: its values come from the data"
    return str(role.value)


def _right_side(step: Binds, offset: int, document: Document) -> str | None:
    """What stands to the right of `<-` or `=`, on one line."""
    span = step.value.span if isinstance(step, ast.Let | ast.Score) else step.draw.span
    text = document.source[offset + span.start : offset + span.end].decode(errors="replace")
    return " ".join(text.split()) or None


def binding_step(steps: Sequence[ast.Step], name: str) -> Binds | None:
    """The step that binds a name, or else the one that observes it; those in blocks among them."""
    observes: ast.Observe | None = None
    for step in _named(steps):
        if step.name.text == name:
            if not isinstance(step, ast.Observe):
                return step
            observes = observes or step
    return observes


def _named(steps: Sequence[ast.Step]) -> Iterator[Binds]:
    for step in steps:
        if isinstance(step, ast.Hole | ast.Return):
            continue
        yield step
        if isinstance(step, ast.Marginalize):
            yield from _named(step.body)


def effects_text(effects: frozenset[Effect]) -> str:
    """`{Sample, Score}`, or `{Pure}`."""
    return f"{{{', '.join(effect.value for effect in Effect if effect in effects) or 'Pure'}}}"
