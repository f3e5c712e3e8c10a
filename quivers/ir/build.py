"""Builds a program's density graph from its checked syntax: sites, terms of the log density, draws and lets.

Values are the constrained ones (`site` leaves for latents, `input` leaves for data). A site whose parameters
have fewer axes than its plate is repeated over the plate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from quivers.check import supports
from quivers.check.program import Checked, CheckedProgram
from quivers.check.types import Axis, Type
from quivers.errors import ProgramError
from quivers.families.family import Family, Form
from quivers.families.support import Member
from quivers.families.table import FAMILIES
from quivers.ir import simplify
from quivers.ir.densities import called_form, guarded, log_density
from quivers.ir.expressions import (
    NOT_EVALUATED,
    Scope,
    Value,
    as_number,
    evaluate,
    single_objects,
)
from quivers.ir.graph import Builder, Density, Draw, Latent, Node, Term
from quivers.syntax import ast
from quivers.syntax.problems import Diagnostic, Severity


def build(checked: Checked, program: CheckedProgram) -> Density:
    """The density of a program over its latents and observations, in the constrained space.

    Raises:
        ProgramError: the program has errors, or uses a construct that no backend evaluates; its
            diagnostics say where.
    """
    if program.has_errors:
        raise ProgramError(f"`{program.name}` has errors and can't be run.", checked.diagnostics)
    site = _Building(checked, program)
    for parameter in program.declaration.parameters:
        raise site.refused(parameter.span, f"`{program.name}` takes parameters, and can't be run by itself.")
    for entry in program.inputs:
        site.names[entry.name] = site.leaf("input", entry.name, entry.type)
    for step in program.declaration.steps:
        site.step(step)
    return Density(
        program=program.name,
        nodes=tuple(site.builder.nodes),
        latents=tuple(site.latents),
        terms=tuple(site.terms),
        draws=tuple(site.draws),
        deterministic=site.deterministic,
        returned=tuple(site.returned),
        inputs=tuple(entry.name for entry in program.inputs),
        order=tuple(site.order),
        sizes={name: known.size for name, known in checked.objects.items() if known.finite},
    )


@dataclass(slots=True)
class _Building:
    """What has been built of a program so far."""

    checked: Checked
    program: CheckedProgram
    builder: Builder = field(default_factory=Builder)
    names: dict[str, Value] = field(default_factory=dict)
    latents: list[Latent] = field(default_factory=list)
    terms: list[Term] = field(default_factory=list)
    draws: list[Draw] = field(default_factory=list)
    deterministic: dict[str, int] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    returned: list[tuple[str, int]] = field(default_factory=list)
    factors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        objects = self.checked.objects
        self.factors = {name: known.factors for name, known in objects.items() if known.factors}

    def refused(self, span: ast.Span, message: str) -> ProgramError:
        diagnostic = Diagnostic(NOT_EVALUATED, Severity.ERROR, span.shifted(self.program.offset), message)
        return ProgramError(message, (diagnostic,))

    def leaf(self, op: str, name: str, known: Type) -> Value:
        axes = tuple(str(axis) for axis in known.axes)
        return Value(self.builder.add(Node(op, axes=axes, name=name, element=known.element)), known.element)

    def value(self, expression: ast.Expression) -> Value:
        objects = frozenset(self.checked.objects)
        scope = Scope(self.builder, self.names, objects, self.program.offset, factors=self.factors)
        found = evaluate(scope, expression)
        return replace(found, node=as_number(self.builder, found.node))

    def step(self, step: ast.Step) -> None:
        match step:
            case ast.Sample():
                self.draw(step, observed=False)
            case ast.Observe():
                self.draw(step, observed=True)
            case ast.Let(name=name, value=value):
                self.names[name.text] = found = self.value(value)
                self.deterministic[name.text] = found.node
                self.order.append(name.text)
            case ast.Score(name=name, value=value):
                found = self.value(value)
                self.names[name.text] = found
                self.terms.append(Term(name.text, "score", found.node))
            case ast.Return(values=values):
                for place, returned in enumerate(values):
                    self.returned.append(
                        (_label(returned, place, len(values)), self.value(returned.value).node)
                    )
            case ast.Marginalize():
                raise self.refused(step.name.span, "`marginalize` can be checked but not run yet.")
            case ast.Hole():
                raise self.refused(step.span, "This step could not be read.")

    def draw(self, step: ast.Sample | ast.Observe, *, observed: bool) -> None:
        """Add a site: its draw, its term, and the latent it is unless observed."""
        name, call = step.name.text, step.draw
        for option in step.options:
            raise self.refused(option.span, f"`[{option.name.text}]` can be checked but not run yet.")
        if isinstance(call, ast.Hole):
            raise self.refused(call.span, "This draw could not be read.")
        family = FAMILIES.get(call.function.text)
        if family is None:
            raise self.refused(
                call.function.span, f"A draw from the program `{call.function.text}` can't be run yet."
            )
        form_number, form = called_form(family, call)
        parameters = self.parameters(family, form, call)
        if observed:
            axes = _plate(step.plate, self.factors)
            value = self.names[name]
        else:
            known = self.program.types[name]
            assert isinstance(known, Type), "a program without errors has a type for every name"
            axes = tuple(str(axis) for axis in known.axes)
            value = self.names[name] = self.leaf("site", name, known)
        # A latent's type says where it lies; a value given for it may still lie elsewhere.
        checked = value if observed or isinstance(value.element, Member) else Value(value.node)
        found = log_density(self.builder, family, form, parameters, checked)
        if not observed:
            self.order.append(name)
            self.latents.append(Latent(name, axes, value.node, family.support, found.low, found.high))
        kind = "likelihood" if observed else "prior"
        density = guarded(self.builder, found.node, found.guard) if observed else found.node
        wanted = (*axes, *(axis for axis in self.builder.axes(density) if axis not in axes))
        node = simplify.spread(self.builder, density, wanted)
        self.terms.append(Term(name, kind, node, None if observed else found.guard))
        nodes = {parameter: given.node for parameter, given in parameters.items()}
        self.draws.append(Draw(name, family.name, form_number, nodes, axes, observed, value.node))

    def parameters(self, family: Family, form: Form, call: ast.Call) -> dict[str, Value]:
        """Each parameter's value by its name, in the form's order, with its event axes marked."""
        names = [parameter.name for parameter in form.parameters]
        given: dict[str, Value] = {}
        for place, argument in enumerate(call.arguments):
            name = names[place] if argument.keyword is None else argument.keyword.text
            given[name] = self.value(argument.value)
        values: dict[str, Value] = {}
        for parameter in form.parameters:
            value = given.get(parameter.name)
            if value is None:
                if parameter.default is None:
                    raise self.refused(call.span, f"`{family.name}` needs `{parameter.name}`.")
                value = Value(self.builder.constant(parameter.default), supports.point(parameter.default))
            axes = self.builder.axes(value.node)
            if len(axes) < parameter.event_rank:
                raise self.refused(
                    call.span, f"`{parameter.name}` of `{family.name}` needs an axis of its own."
                )
            values[parameter.name] = replace(value, event=axes[len(axes) - parameter.event_rank :])
        return values


def _plate(objects: tuple[ast.Name, ...], factors: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The axes of a plate; a product is its factors, and an object that comes again has a prime."""
    names = [axis for name in objects for axis in single_objects(name.text, factors)]
    return tuple(str(Axis(name, names[:place].count(name))) for place, name in enumerate(names))


def _label(returned: ast.Returned, place: int, count: int) -> str:
    if returned.label is not None:
        return returned.label.text
    if isinstance(returned.value, ast.Variable):
        return returned.value.name
    return "return" if count == 1 else f"return.{place + 1}"
