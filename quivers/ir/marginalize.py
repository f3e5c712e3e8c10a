"""`marginalize`: sums a discrete latent out of the observations under it.

The latent runs along an axis of its own, and the log of the sum is a logsumexp over it. Without `[over=…]`
there is a latent for each element of each observation; with it, the log densities that belong to one latent
are added up first, by the maps that `[via=…]` gives. For predictions the latent is drawn like any other site.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from quivers.check.program import BlockObserve, MarginalBlock
from quivers.families.family import Family, Form
from quivers.families.function import Kind
from quivers.families.functions import FUNCTIONS
from quivers.families.support import Element, Interval, Member
from quivers.families.table import FAMILIES
from quivers.ir import masks
from quivers.ir.densities import called_form, guarded, log_density
from quivers.ir.expressions import Scope, Value, evaluate, parsed
from quivers.ir.graph import RANGE, Builder, Draw, Marginal, Node, Range, Requirement, Term, object_of
from quivers.ir.matrices import iota, renamed
from quivers.ir.simplify import apply, gather, reduce, spread, total
from quivers.syntax import ast

if TYPE_CHECKING:
    from quivers.ir.build import Building

NOT_NESTED = "QVR613"
"""Groups that are not parts of the groups around them."""


@dataclass(slots=True)
class Block:
    """A `marginalize` block while its steps are gone through.

    `axis` is what the latent runs along, `value` its value there, `prior` its log probability. `over` are the
    axes that it is drawn for, None without `[over=…]`. `lets` are those of its body so far, and `outside` is
    what names meant above the block. `site` is the leaf of the latent as it is drawn for predictions.
    `belongs` says for an axis that a block around it is drawn over in which element of that each element of
    `over` lies.
    """

    step: ast.Marginalize
    facts: MarginalBlock
    family: Family
    form: tuple[int, Form]
    axis: str
    first: int
    over: tuple[str, ...] | None
    value: Value
    prior: int
    outside: Mapping[str, Value]
    site: int | None = None
    lets: list[ast.Let] = field(default_factory=list)
    belongs: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Log densities over `plates` and the axes of latents; `places` maps the plates into other axes."""

    node: int
    plates: tuple[str, ...]
    places: Mapping[str, int]

    def place(self, builder: Builder, axis: str) -> int:
        """The element of `axis` that each element of the plates belongs to."""
        return iota(builder, axis) if axis in self.plates else self.places[axis]


def marginalize(site: Building, step: ast.Marginalize) -> None:
    """Add a block to the program's density.

    Raises:
        ProgramError: with the place of what can't be summed out.
    """
    _, draws = _block(site, step, ())
    site.draws.extend(draws)


def _block(
    site: Building, step: ast.Marginalize, around: tuple[Block, ...]
) -> tuple[list[Evidence], list[Draw]]:
    block = _entered(site, step, around)
    inner = replace(site, names=dict(site.names), hidden=site.hidden | {block.axis})
    inner.names[step.name.text] = block.value
    stack = (*around, block)
    evidence: list[Evidence] = []
    draws: list[Draw] = []
    for each in step.body:
        if isinstance(each, ast.Let):
            inner.names[each.name.text] = inner.value(each.value)
            block.lets.append(each)
            continue
        if isinstance(each, ast.Observe):
            found = _observe(inner, each, stack)
        else:
            assert isinstance(each, ast.Marginalize), "the checker allows nothing else in a block"
            found = _block(inner, each, stack)
        evidence += found[0]
        draws += found[1]
    if block.over is None:
        return evidence, draws
    return _grouped_block(site, block, around, evidence, draws)


# ----------------------------------------------------------------- the latent


def _entered(site: Building, step: ast.Marginalize, around: tuple[Block, ...]) -> Block:
    facts = site.marginals[step.name.span]
    assert isinstance(step.draw, ast.Call), "a program without errors has no holes"
    family = FAMILIES[step.draw.function.text]
    number, form = called_form(family, step.draw)
    over = None if facts.over is None else tuple(site.axis(axis) for axis in facts.over)
    element = site.element(facts.element)
    parameters = _parameters(site, family, form, step, element, over)
    axis, first = _range(site, step, element, family, form, parameters, around)
    place = iota(site.builder, axis)
    value = Value(apply(site.builder, "add", site.builder.constant(first), place), element)
    # Its own family says whether an index into an object of unknown size is too large for it.
    known = value if family.name == "Categorical" else Value(value.node, Interval(first, integer=True))
    found = log_density(site.builder, family, form, parameters, known)
    prior = _bounded(site, step, guarded(site.builder, found.node, found.guard), value.node, axis)
    block = Block(step, facts, family, (number, form), axis, first, over, value, prior, dict(site.names))
    if over is not None:
        _refuse_finer_prior(site, block, around)
        name = site.free_name(step.name.text)
        block.site = site.builder.add(Node("site", axes=over, name=name, element=element))
    return block


def _parameters(
    site: Building,
    family: Family,
    form: Form,
    step: ast.Marginalize,
    element: Element,
    over: tuple[str, ...] | None,
) -> dict[str, Value]:
    """A family's parameters; probabilities have one axis for what the latent ranges over."""
    assert isinstance(step.draw, ast.Call), "a program without errors has no holes"
    values = site.parameters(family, form, step.draw)
    for parameter in form.parameters:
        if parameter.event_rank == 0:
            continue
        value = values[parameter.name]
        axes = [axis for axis in site.builder.axes(value.node) if axis not in site.hidden]
        own = [axis for axis in axes if isinstance(element, Member) and object_of(axis) == element.object]
        free = own or [axis for axis in axes if axis not in (over or ())]
        values[parameter.name] = replace(value, event=(free[-1],))
    return values


def _range(
    site: Building,
    step: ast.Marginalize,
    element: Element,
    family: Family,
    form: Form,
    parameters: Mapping[str, Value],
    around: tuple[Block, ...],
) -> tuple[str, int]:
    """The axis that the latent runs along, and the value at its start."""
    if isinstance(element, Member):
        return site.free_axis(element.object, [block.axis for block in around]), 0
    first = int(element.low)
    if math.isfinite(element.high):
        return site.free_axis(f"{first}{RANGE}{int(element.high)}", [block.axis for block in around]), first
    assert family.high is not None, "the checker wants an end for every count"
    last = evaluate(Scope(site.builder, parameters), parsed(family.high)).node
    axis = f"{first}{RANGE}{site.prefix}{step.name.text}"
    while any(each.axis == axis for each in site.ranges):
        axis += "·"
    site.ranges.append(Range(axis, first, last))
    return axis, first


def _bounded(site: Building, step: ast.Marginalize, prior: int, value: int, axis: str) -> int:
    """The log probability of what `[low=…, high=…]` leaves, which sums to one."""
    builder = site.builder
    low, high = site.ends(step.options)
    if low is None and high is None:
        return prior
    for end, comparison in ((low, "ge"), (high, "le")):
        if end is not None:
            inside = apply(builder, comparison, value, end.node)
            prior = apply(builder, "where", inside, prior, builder.constant(-math.inf))
    prior = spread(builder, prior, _with(builder, prior, (axis,)))
    return apply(builder, "sub", prior, reduce(builder, "logsumexp", prior, (axis,)))


def _refuse_finer_prior(site: Building, block: Block, around: tuple[Block, ...]) -> None:
    """A latent of a group can't depend on one that every observation of the group has for itself."""
    for other in around:
        if other.over is None and other.axis in site.builder.axes(block.prior):
            name, outer = block.step.name.text, other.step.name.text
            each = " and ".join(f"`{axis}`" for axis in block.over or ())
            message = (
                f"`{name}` is drawn once for each {each}, so its probabilities can't depend on `{outer}`, "
                "which is drawn anew for each observation."
            )
            raise site.refused(block.step.draw.span, message)


# --------------------------------------------------------------- observations


def _observe(
    site: Building, step: ast.Observe, stack: tuple[Block, ...]
) -> tuple[list[Evidence], list[Draw]]:
    builder = site.builder
    node = site.scored(step)
    facts = next(each for each in stack[-1].facts.observes if each.name == step.name.text)
    plates = tuple(site.axis(axis) for axis in facts.plates)
    places = _places(site, step, facts)
    for block in reversed(stack):
        if block.over is None:
            weights = _weights(builder, block, node, plates)
            several = len(block.facts.observes) > 1
            name = f"{block.step.name.text}.{step.name.text}" if several else block.step.name.text
            node = _summed(site, block, name, weights)
    draws = _predicted(site, step, stack, plates, places)
    if all(block.over is None for block in stack):
        counted = masks.condition(site, step)
        node = spread(builder, node, plates)
        site.terms.append(Term(site.prefix + step.name.text, "likelihood", node, counted=counted))
        return [], draws
    return [Evidence(spread(builder, node, _with(builder, node, plates)), plates, places)], draws


def _places(site: Building, step: ast.Observe, facts: BlockObserve) -> dict[str, int]:
    places: dict[str, int] = {}
    for axis, expression in facts.maps.items():
        places[site.axis(axis)] = node = site.value(expression).node
        if set(site.builder.axes(node)) & site.hidden:
            message = f"The map of `{step.name.text}` can't depend on a latent that is summed out."
            raise site.refused(expression.span, message)
    return places


def _with(builder: Builder, node: int, axes: Iterable[str]) -> tuple[str, ...]:
    """`axes`, then the node's others."""
    first = tuple(axes)
    return (*first, *(axis for axis in builder.axes(node) if axis not in first))


def _weights(builder: Builder, block: Block, node: int, plates: tuple[str, ...]) -> int:
    """The log of each term of the sum over a block's latent, which runs along the last axis."""
    joint = apply(builder, "add", block.prior, node)
    axes = [axis for axis in _with(builder, joint, plates) if axis != block.axis]
    return spread(builder, joint, (*axes, block.axis))


def _summed(site: Building, block: Block, name: str, weights: int) -> int:
    axes = tuple(axis for axis in site.builder.axes(weights) if axis != block.axis)
    site.found.append(Marginal(site.prefix + name, axes, block.axis, weights, block.first))
    return reduce(site.builder, "logsumexp", weights, (block.axis,))


# --------------------------------------------------------------------- groups


def _grouped_block(
    site: Building,
    block: Block,
    around: tuple[Block, ...],
    evidence: Sequence[Evidence],
    draws: list[Draw],
) -> tuple[list[Evidence], list[Draw]]:
    """Sum out a latent that is drawn for groups, once all that belongs to them is known."""
    builder, over = site.builder, block.over or ()
    node = builder.constant(0.0)
    for each in evidence:
        node = apply(builder, "add", node, _by_group(builder, each, over))
    name = block.step.name.text
    result = _summed(site, block, name, _weights(builder, block, node, over))
    result = spread(builder, result, _with(builder, result, over))
    outer = [other for other in around if other.over is not None]
    wanted = {axis: None for other in outer for axis in other.over or () if axis not in over}
    block.belongs = {axis: _belonging(site, block, outer, evidence, axis) for axis in wanted}
    drawn = _site_draw(site, block, around)
    if outer:
        return [Evidence(result, over, block.belongs)], [drawn, *draws]
    site.terms.append(Term(site.prefix + name, "likelihood", result))
    return [], [drawn, *draws]


def _by_group(builder: Builder, each: Evidence, over: tuple[str, ...]) -> int:
    """Log densities added up for each group: sums over plates, scattered by the maps into the others."""
    node = each.node
    mapped = [axis for axis in over if axis not in each.plates]
    used = {axis for target in mapped for axis in builder.axes(each.places[target])}
    node = total(builder, node, [axis for axis in each.plates if axis not in over and axis not in used])
    # One map is followed by a scatter; where there are more, the others are written out element by element.
    for axis in mapped[1:]:
        here = apply(builder, "eq", each.places[axis], iota(builder, axis))
        node = apply(builder, "where", here, node, builder.constant(0.0))
    if not mapped:
        return node
    along, index = mapped[0], each.places[mapped[0]]
    have = builder.axes(node)
    full = _with(builder, node, (*(axis for axis in over if axis != along and axis in have), *sorted(used)))
    node = spread(builder, node, full)
    left = tuple(axis for axis in builder.axes(node) if axis in over or axis not in used)
    return builder.add(Node("scatter", (node, index), (along, *left), name=along))


def _belonging(
    site: Building, block: Block, outer: Sequence[Block], evidence: Sequence[Evidence], axis: str
) -> int:
    """The element of `axis` in which each group lies; the data must agree on it."""
    builder, over = site.builder, block.over or ()
    counts, places = builder.constant(0.0), builder.constant(0.0)
    for each in evidence:
        one = spread(builder, builder.constant(1.0), each.plates)
        place = spread(builder, each.place(builder, axis), _with(builder, one, each.plates))
        counts = apply(builder, "add", counts, _by_group(builder, replace(each, node=one), over))
        places = apply(builder, "add", places, _by_group(builder, replace(each, node=place), over))
    node = apply(builder, "div", places, apply(builder, "max", counts, builder.constant(1.0)))
    group = " and ".join(f"`{each}`" for each in over)
    name = block.step.name.text
    around = next(other.step.name.text for other in outer if axis in (other.over or ()))
    for each in evidence:
        found = node
        for target in over:
            if target not in each.plates:
                found = gather(builder, found, each.places[target], target)
        same = apply(builder, "eq", found, each.place(builder, axis))
        message = (
            f"`{name}` is drawn for each {group} inside `{around}`, which is drawn for each `{axis}`, so "
            f"every {group} must lie in one `{axis}`: that of {{place}} lies in several."
        )
        site.requirements.append(Requirement(same, NOT_NESTED, message))
    return node


# ---------------------------------------------------------------- predictions


def _predicted(
    site: Building,
    step: ast.Observe,
    stack: tuple[Block, ...],
    plates: tuple[str, ...],
    places: Mapping[str, int],
) -> list[Draw]:
    """The draws of an observation and of the latents that it has for itself, in order."""
    seen = _Seen.above(site, stack, plates)
    draws: list[Draw] = []
    for block in stack:
        if block.over is None:
            draws.append(seen.drawn(block, step.name.text))
        else:
            seen.see(block, places)
        seen.work_out(block.lets)
    draws.append(seen.observed(step))
    return draws


def _site_draw(site: Building, block: Block, around: tuple[Block, ...]) -> Draw:
    """The draw of a latent for each group, given those of the groups around it."""
    seen = _Seen.above(site, (*around, block), block.over or ())
    for other in around:
        if other.over is not None:
            seen.see(other, block.belongs)
        else:
            # Nothing that is drawn depends on it.
            seen.forward.names[other.step.name.text] = other.value
        seen.work_out(other.lets)
    return seen.drawn(block, None)


@dataclass(slots=True)
class _Seen:
    """The names of a block's steps while they are worked out forwards, for each element of `plates`.

    Where an expression sums or runs along an axis, a latent drawn along the plates must be a single value to
    it: then its axes have names of their own, `aside`, until the expression has its value.
    """

    forward: Building
    plates: tuple[str, ...]
    aside: Mapping[str, str]

    @classmethod
    def above(cls, site: Building, stack: tuple[Block, ...], plates: tuple[str, ...]) -> _Seen:
        aside: dict[str, str] = {}
        if any(_mixes_elements(block.step) for block in stack):
            taken = [block.axis for block in stack]
            for axis in plates:
                aside[axis] = site.free_axis(object_of(axis), taken)
                taken.append(aside[axis])
        forward = replace(site, names=dict(stack[0].outside), hidden=frozenset(aside.values()))
        return cls(forward, plates, aside)

    def see(self, block: Block, places: Mapping[str, int]) -> None:
        """Bind a latent drawn for groups, as each element of the plates has it."""
        assert block.site is not None, "a latent drawn for groups has a site"
        node = block.site
        for axis in block.over or ():
            if axis not in self.plates:
                node = gather(self.forward.builder, node, places[axis], axis)
        self.bind(block, node)

    def bind(self, block: Block, node: int) -> None:
        for axis, name in self.aside.items():
            node = renamed(self.forward.builder, node, axis, name)
        self.forward.names[block.step.name.text] = Value(node, block.value.element)

    def work_out(self, lets: Iterable[ast.Let]) -> None:
        for let in lets:
            self.forward.names[let.name.text] = self.forward.value(let.value)

    def back(self, node: int) -> int:
        """A node with its axes under their own names again."""
        for axis, name in self.aside.items():
            node = renamed(self.forward.builder, node, name, axis)
        return node

    def drawn(self, block: Block, observe: str | None) -> Draw:
        """The draw of a latent; of one that each observation has for itself with its site."""
        site, step = self.forward, block.step
        number, form = block.form
        values = _parameters(site, block.family, form, step, block.value.element, self.plates)
        node = block.site
        if node is None:
            several = len(block.facts.observes) > 1
            name = site.free_name(f"{step.name.text}.{observe}" if several else step.name.text)
            node = site.builder.add(Node("site", axes=self.plates, name=name, element=block.value.element))
            self.bind(block, node)
        low, high = site.ends(step.options)
        return Draw(
            site=site.builder.nodes[node].name or "",
            family=block.family.name,
            form=number,
            parameters={name: self.back(value.node) for name, value in values.items()},
            axes=self.plates,
            observed=False,
            value=node,
            summed=True,
            low=None if low is None else self.back(low.node),
            high=None if high is None else self.back(high.node),
            events={name: value.event for name, value in values.items() if value.event},
        )

    def observed(self, step: ast.Observe) -> Draw:
        draw = self.forward.observed_draw(step)
        return replace(
            draw,
            parameters={name: self.back(node) for name, node in draw.parameters.items()},
            low=None if draw.low is None else self.back(draw.low),
            high=None if draw.high is None else self.back(draw.high),
        )


def _mixes_elements(step: ast.Marginalize) -> bool:
    """Whether an expression in a block does more than work on each element by itself."""
    for part in ast.walk(step):
        if isinstance(part, ast.Factor | ast.Scan) or (isinstance(part, ast.Binary) and part.operator == "@"):
            return True
        if isinstance(part, ast.Call):
            function = FUNCTIONS.get(part.function.text)
            if function is not None and function.kind is not Kind.ELEMENTWISE:
                return True
    return False
