"""Builds a program's density graph from its checked syntax: sites, terms of the log density, draws and lets.

Values are the constrained ones (`site` leaves for latents, `input` leaves for data). A site whose parameters
have fewer axes than its plate is repeated over the plate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from quivers.check import supports
from quivers.check.draws import Shape, shape_of
from quivers.check.program import Checked, CheckedProgram, MarginalBlock
from quivers.check.summary import substituted
from quivers.check.truncation import BOUNDS
from quivers.check.types import Axis, Type
from quivers.errors import ProgramError
from quivers.families.family import Family, Form
from quivers.families.support import Element, Member
from quivers.families.table import FAMILIES
from quivers.ir import masks, simplify
from quivers.ir.densities import called_form, guarded, log_density
from quivers.ir.expressions import (
    NOT_EVALUATED,
    Scope,
    Value,
    as_number,
    evaluate,
    single_objects,
)
from quivers.ir.graph import (
    INDEX,
    RANGE,
    Builder,
    Density,
    Draw,
    Latent,
    Marginal,
    Node,
    Range,
    Requirement,
    Term,
    object_of,
)
from quivers.ir.marginalize import marginalize
from quivers.ir.matrices import spread_over
from quivers.ir.observed_ends import demand
from quivers.ir.order import in_order, increasing
from quivers.ir.programs import draw_from_program
from quivers.ir.truncate import Bounds, truncated
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
    marginals = {block.span: block for block in program.marginals}
    site = Building(checked, program, marginals=marginals)
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
        returned=tuple((label, value.node) for label, value in site.returned),
        inputs=tuple(entry.name for entry in program.inputs),
        order=tuple(site.order),
        sizes={name: known.size for name, known in checked.objects.items() if known.finite},
        marginals=tuple(site.found),
        ranges=tuple(site.ranges),
        requirements=tuple(site.requirements),
    )


@dataclass(slots=True)
class Building:
    """What has been built of a program so far.

    `hidden` are the axes of the latents that are summed out around the step in hand, `marginals` what the
    checker knows of blocks, by the place of their latent's name. `prefix` stands before the names of sites,
    and `objects` has the caller's objects for the parameters of a program that is drawn from.
    """

    checked: Checked
    program: CheckedProgram
    builder: Builder = field(default_factory=Builder)
    names: dict[str, Value] = field(default_factory=dict)
    latents: list[Latent] = field(default_factory=list)
    terms: list[Term] = field(default_factory=list)
    draws: list[Draw] = field(default_factory=list)
    deterministic: dict[str, int] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    returned: list[tuple[str, Value]] = field(default_factory=list)
    factors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    marginals: Mapping[ast.Span, MarginalBlock] = field(default_factory=dict)
    found: list[Marginal] = field(default_factory=list)
    ranges: list[Range] = field(default_factory=list)
    requirements: list[Requirement] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    hidden: frozenset[str] = frozenset()
    prefix: str = ""
    objects: Mapping[str, str] = field(default_factory=dict)

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
        scope = Scope(
            self.builder,
            self.names,
            objects,
            self.program.offset,
            factors=self.factors,
            hidden=self.hidden,
        )
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
                self.deterministic[self.prefix + name.text] = found.node
                self.order.append(self.prefix + name.text)
            case ast.Score(name=name, value=value):
                found = self.value(value)
                self.names[name.text] = found
                self.terms.append(Term(self.prefix + name.text, "score", found.node))
            case ast.Return(values=values):
                for place, returned in enumerate(values):
                    label = _label(returned, place, len(values))
                    self.returned.append((label, self.value(returned.value)))
            case ast.Marginalize():
                marginalize(self, step)
            case ast.Hole():
                raise self.refused(step.span, "This step could not be read.")

    def draw(self, step: ast.Sample | ast.Observe, *, observed: bool) -> None:
        """Add a site: its draw, its term, and the latent it is unless observed."""
        if isinstance(step, ast.Observe):
            node = self.scored(step)
            name = self.prefix + step.name.text
            plates = tuple(str(axis) for axis in self.shape(step).plates)
            counted = masks.condition(self, step)
            self.terms.append(Term(name, "likelihood", self.spread(node, plates), counted=counted))
            self.draws.append(self.observed_draw(step))
            return
        if not isinstance(step.draw, ast.Hole) and step.draw.function.text not in FAMILIES:
            draw_from_program(self, step)
            return
        family, number, form, call = self.called(step)
        known = substituted(self.program.types[step.name.text], self.objects)
        assert isinstance(known, Type), "a program without errors has a type for every name"
        axes = tuple(str(axis) for axis in known.axes)
        places = len(axes) - family.event_rank
        event = axes[places:]
        parameters = self.parameters(
            family, form, call, shape=Shape(known.axes[:places], known.axes[places:])
        )
        name = self.prefix + step.name.text
        value = self.names[step.name.text] = self.leaf("site", name, known)
        # A latent's type says where it lies; a value given for it may still lie elsewhere.
        checked = value if isinstance(value.element, Member) else Value(value.node, event=event)
        found = log_density(self.builder, family, form, parameters, checked)
        bounds = Bounds(*self.ends(step.options))
        left = truncated(self, step.draw.span, family, form, parameters, found, value.node, bounds)
        latent = Latent(
            name,
            axes,
            value.node,
            left.support,
            left.found.low,
            left.found.high,
            family.space,
            event,
        )
        guard = left.found.guard
        ordered = any(option.name.text == "ordered" for option in step.options)
        if ordered:
            latent = in_order(self, step, latent)
            guard = increasing(self.builder, latent, guard)
        self.order.append(name)
        self.taken.add(name)
        self.latents.append(latent)
        self.terms.append(Term(name, "prior", self.spread(left.found.node, axes[:places]), guard))
        self.draws.append(
            Draw(
                name,
                family.name,
                number,
                {parameter: given.node for parameter, given in parameters.items()},
                axes,
                observed=False,
                value=value.node,
                low=None if bounds.low is None else bounds.low.node,
                high=None if bounds.high is None else bounds.high.node,
                ordered=latent.event[0] if ordered else None,
                events=_events(parameters),
            )
        )

    def called(self, step: ast.Sample | ast.Observe) -> tuple[Family, int, Form, ast.Call]:
        """The family that a step draws from, the place of the form called, that form, and the call."""
        call = step.draw
        if isinstance(call, ast.Hole):
            raise self.refused(call.span, "This draw could not be read.")
        family = FAMILIES[call.function.text]
        return family, *called_form(family, call), call

    def scored(self, step: ast.Observe) -> int:
        """The log density of each element of what is observed, −inf where it can't be."""
        family, _, form, call = self.called(step)
        shape = self.shape(step)
        parameters = self.parameters(family, form, call, self.plate(step), shape)
        value = replace(self.names[step.name.text], event=tuple(str(axis) for axis in shape.events))
        bounds = Bounds(*self.ends(step.options))
        kept = masks.condition(self, step)
        if kept is not None:
            value = masks.filled_in(self, step, family, parameters, value, bounds, kept)
        found = log_density(self.builder, family, form, parameters, value)
        plates = self.plate(step)
        given = self.builder.nodes[self.names[step.name.text].node].name or step.name.text
        demand(self, given, family, value, (found.low, found.high), bounds, plates)
        left = truncated(self, call.span, family, form, parameters, found, value.node, bounds).found
        node = guarded(self.builder, left.node, left.guard)
        if kept is None:
            return node
        return simplify.apply(self.builder, "where", kept, node, self.builder.constant(0.0))

    def observed_draw(self, step: ast.Observe) -> Draw:
        """How what is observed is drawn anew."""
        family, number, form, call = self.called(step)
        axes = self.plate(step)
        parameters = self.parameters(family, form, call, axes, self.shape(step))
        low, high = self.ends(step.options)
        name = step.name.text
        return Draw(
            self.prefix + name,
            family.name,
            number,
            {parameter: given.node for parameter, given in parameters.items()},
            axes,
            observed=True,
            value=self.names[name].node,
            low=None if low is None else low.node,
            high=None if high is None else high.node,
            events=_events(parameters) if family.event_rank else {},
        )

    def shape(self, step: ast.Observe) -> Shape:
        """The axes that an observation is repeated over, and those of one draw."""
        family = self.called(step)[0]
        axes = tuple(_axis(name) for name in self.plates(step))
        over = [option.values[0] for option in step.options if option.name.text == "over"]
        named = [value.name for value in over if isinstance(value, ast.Variable)]
        chosen = tuple(Axis(self.objects.get(name, name)) for name in named)
        shape = shape_of(family, axes, chosen if family.event_rank else ())
        assert shape is not None, "the checker refuses a vector without an axis of its own"
        return shape

    def plate(self, step: ast.Observe) -> tuple[str, ...]:
        """The axes of what is observed, those of one draw at the end."""
        return tuple(str(axis) for axis in self.shape(step).axes)

    def plates(self, step: ast.Sample | ast.Observe) -> tuple[str, ...]:
        """The axes that a step names."""
        return _plate(step.plate, self.factors)

    def spread(self, node: int, axes: tuple[str, ...]) -> int:
        """A node with at least these axes, in front."""
        others = (axis for axis in self.builder.axes(node) if axis not in axes)
        return simplify.spread(self.builder, node, (*axes, *others))

    def ends(self, options: Sequence[ast.Option]) -> tuple[Value | None, Value | None]:
        """The bounds of a draw that `[low=…, high=…]` gives."""
        given = {option.name.text: option.values[0] for option in options if option.name.text in BOUNDS}
        low, high = given.get("low"), given.get("high")
        return None if low is None else self.value(low), None if high is None else self.value(high)

    def axis(self, axis: Axis) -> str:
        """The name of an axis, with the caller's object in the place of a parameter."""
        return str(Axis(self.objects.get(axis.object, axis.object), axis.copy))

    def element(self, element: Element) -> Element:
        """Where a value lies, with the caller's object in the place of a parameter."""
        if isinstance(element, Member):
            return Member(self.objects.get(element.object, element.object))
        return element

    def free_axis(self, name: str, taken: Sequence[str]) -> str:
        """An axis over an object, or over whole numbers, that no value of the program has."""
        mark = "′" if RANGE in name else INDEX
        name = name if RANGE in name else name + mark
        while name in taken:
            name += mark
        return name

    def free_name(self, name: str) -> str:
        """A name for a site that is drawn for predictions alone, beside those that are there."""
        base, number = self.prefix + name, 2
        found = base
        while found in self.taken:
            found, number = f"{base}_{number}", number + 1
        self.taken.add(found)
        return found

    def parameters(
        self,
        family: Family,
        form: Form,
        call: ast.Call,
        plates: tuple[str, ...] = (),
        shape: Shape | None = None,
    ) -> dict[str, Value]:
        """Each parameter's value by its name, in the form's order, with its event axes marked.

        A vector parameter of a family of single numbers runs along an axis that is not among the `plates`;
        one of a family of vectors along the draw's own, in `shape`, over which a single number is repeated.
        """
        others = self.hidden if family.event_rank else self.hidden | frozenset(plates)
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
            if shape is not None and shape.events:
                own = tuple(str(axis) for axis in shape.own(parameter))
                values[parameter.name] = Value(
                    spread_over(self.builder, value.node, *own), value.element, own
                )
                continue
            axes = tuple(axis for axis in self.builder.axes(value.node) if axis not in others)
            if len(axes) < parameter.event_rank:
                raise self.refused(
                    call.span, f"`{parameter.name}` of `{family.name}` needs an axis of its own."
                )
            values[parameter.name] = replace(value, event=axes[len(axes) - parameter.event_rank :])
        return values


def _events(parameters: Mapping[str, Value]) -> dict[str, tuple[str, ...]]:
    return {name: value.event for name, value in parameters.items() if value.event}


def _axis(name: str) -> Axis:
    return Axis(object_of(name), name.count("′"))


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
