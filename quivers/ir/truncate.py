"""`[low=…, high=…]` on a draw: where its values lie then, and the log of the probability that is left.

That probability comes from the family's distribution function, or for counts from a finite sum. It is taken
from the side of the distribution that the bounds lie on, so that the tails keep their digits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from quivers.families.family import Family, Form
from quivers.families.support import REAL, Interval
from quivers.families.table import FAMILIES
from quivers.ir.densities import FamilyDensity, all_of, guarded, log_density
from quivers.ir.expressions import Scope, Value, evaluate, parsed
from quivers.ir.graph import INCOMPLETE, RANGE, Builder, Range
from quivers.ir.matrices import iota
from quivers.ir.simplify import apply, depends_on, needed, reduce, spread
from quivers.syntax import ast

if TYPE_CHECKING:
    from quivers.ir.build import Building

IMPROPER = frozenset({"Flat", "HalfFlat"})


@dataclass(frozen=True, slots=True)
class Bounds:
    """The ends that `[low=…, high=…]` gives, each None where it is not given."""

    low: Value | None
    high: Value | None

    def __bool__(self) -> bool:
        return self.low is not None or self.high is not None


@dataclass(frozen=True, slots=True)
class Truncated:
    """A truncated density, and the support that is left; ends that are nodes are those of `found`."""

    found: FamilyDensity
    support: Interval


def truncated(
    site: Building,
    span: ast.Span,
    family: Family,
    form: Form,
    parameters: Mapping[str, Value],
    found: FamilyDensity,
    value: int,
    bounds: Bounds,
) -> Truncated:
    """The density of what lies between the bounds.

    Raises:
        ProgramError: the family's distribution function is not known in closed form, or a count's bound
            depends on a latent.
    """
    builder = site.builder
    if not bounds:
        return Truncated(found, family.support)
    inside = [] if found.guard is None else [found.guard]
    if bounds.low is not None:
        inside.append(apply(builder, "ge", value, bounds.low.node))
    if bounds.high is not None:
        inside.append(apply(builder, "le", value, bounds.high.node))
    node = found.node
    if family.name not in IMPROPER:
        node = apply(builder, "sub", node, _log_mass(site, span, family, form, parameters, found, bounds))
    support = family.support
    low, high = found.low, found.high
    if bounds.low is not None:
        support, low = _narrowed(builder, support, low, bounds.low.node, lower=True)
    if bounds.high is not None:
        support, high = _narrowed(builder, support, high, bounds.high.node, lower=False)
    return Truncated(FamilyDensity(node, all_of(builder, inside), low, high), support)


def _narrowed(
    builder: Builder, support: Interval, end: int | None, bound: int, *, lower: bool
) -> tuple[Interval, int | None]:
    """A support with a bound; where that is no number, or the support's end is none, the end is a node."""
    own = support.low if lower else support.high
    value = builder.nodes[bound].value
    if value is not None and end is None:
        if lower:
            return replace(support, low=value, low_open=False) if value > own else support, None
        return replace(support, high=value, high_open=False) if value < own else support, None
    op = "max" if lower else "min"
    if end is not None:
        bound = apply(builder, op, end, bound)
    if math.isfinite(own):
        bound = apply(builder, op, bound, builder.constant(own))
    return support, bound


# -------------------------------------------------------- the probability that is left


def _log_mass(
    site: Building,
    span: ast.Span,
    family: Family,
    form: Form,
    parameters: Mapping[str, Value],
    found: FamilyDensity,
    bounds: Bounds,
) -> int:
    counted = family.discrete and family.event_rank == 0 and math.isfinite(family.support.low)
    if form.log_cdf is None or form.log_survival is None:
        if counted:
            return _finite_sum(site, span, family, form, parameters, found, bounds)
        alike = " and ".join(f"`{entry.name}`" for entry in FAMILIES.values() if _lacks_function(entry))
        message = (
            f"A draw from `{family.name}` can't be truncated: that takes its distribution function, which "
            f"has no closed form. Of the families of one number, {alike} have none."
        )
        raise site.refused(span, message)
    node = _closed_form(site.builder, family, form, parameters, found, bounds)
    shape = _drawn_shape(site.builder, node)
    if not shape:
        return node
    if counted:
        return _finite_sum(site, span, family, form, parameters, found, bounds)
    nodes = site.builder.nodes
    # A parameter may have been simplified away, as `2 * df` halved is `df`.
    parts = {name: set(needed(nodes, [value.node])) & shape for name, value in parameters.items()}
    drawn = [name for name, value in parameters.items() if value.node in shape]
    drawn = drawn or [name for name, part in parts.items() if part]
    message = (
        f"A draw from `{family.name}` can't be truncated where {' and '.join(f'`{name}`' for name in drawn)} "
        "depends on a latent: its distribution function has no slope in closed form along that."
    )
    raise site.refused(span, message)


def _lacks_function(family: Family) -> bool:
    alone = family.event_rank == 0 and not family.discrete and family.name not in IMPROPER
    return alone and family.forms[0].log_cdf is None


def _closed_form(
    builder: Builder,
    family: Family,
    form: Form,
    parameters: Mapping[str, Value],
    found: FamilyDensity,
    bounds: Bounds,
) -> int:
    mass = _Mass(builder, family, form, parameters, found)
    low = None if bounds.low is None else mass.at(bounds.low.node, lower=True)
    high = None if bounds.high is None else mass.at(bounds.high.node, lower=False)
    if high is None:
        assert low is not None, "there is a bound"
        return low[1]
    return high[0] if low is None else _between(builder, low, high)


def _drawn_shape(builder: Builder, node: int) -> set[int]:
    """The nodes that depend on latents and that a distribution function under `node` has in its shape."""
    nodes = builder.nodes
    drawn = depends_on(nodes, frozenset({"site"}))
    incomplete = [number for number in needed(nodes, [node]) if nodes[number].op in INCOMPLETE]
    shapes = {arg for number in incomplete for arg in nodes[number].args[:-1] if drawn[arg]}
    return {number for number in needed(nodes, shapes) if drawn[number]}


@dataclass(frozen=True, slots=True)
class _Mass:
    """A family's distribution function."""

    builder: Builder
    family: Family
    form: Form
    parameters: Mapping[str, Value]
    found: FamilyDensity

    def at(self, bound: int, *, lower: bool) -> tuple[int, int]:
        """The logs of the probabilities of what lies below and of what lies above a bound."""
        builder, discrete = self.builder, self.family.discrete
        if discrete and lower:  # what lies below: up to the whole number before the bound
            up = apply(builder, "neg", apply(builder, "floor", apply(builder, "neg", bound)))
            point = apply(builder, "sub", up, builder.constant(1.0))
        else:
            point = apply(builder, "floor", bound) if discrete else bound
        certain, open_end = builder.constant(0.0), builder.constant(-math.inf)
        end = self._end(lower=lower)
        if end is None:
            return self._log(self.form.log_cdf, point), self._log(self.form.log_survival, point)
        # Beyond the family's own support nothing is cut off, and the functions mean nothing.
        cuts = apply(builder, "gt" if lower else "lt", bound, end)
        values = [builder.nodes[node].value for node in (bound, end)]
        if values[0] is not None and values[1] is not None:
            if (values[0] > values[1]) if lower else (values[0] < values[1]):
                return self._log(self.form.log_cdf, point), self._log(self.form.log_survival, point)
            return (open_end, certain) if lower else (certain, open_end)
        inner = apply(builder, "where", cuts, point, self._interior())
        below = self._log(self.form.log_cdf, inner)
        above = self._log(self.form.log_survival, inner)
        return (
            apply(builder, "where", cuts, below, open_end if lower else certain),
            apply(builder, "where", cuts, above, certain if lower else open_end),
        )

    def _end(self, *, lower: bool) -> int | None:
        node = self.found.low if lower else self.found.high
        constant = self.family.support.low if lower else self.family.support.high
        if node is not None:
            return node
        return None if math.isinf(constant) else self.builder.constant(constant)

    def _interior(self) -> int:
        return interior(self.builder, self._end(lower=True), self._end(lower=False), self.family.support)

    def _log(self, text: str | None, point: int) -> int:
        assert text is not None, "asked for where the family has it"
        return evaluate(Scope(self.builder, {**self.parameters, "x": Value(point, REAL)}), parsed(text)).node


def interior(builder: Builder, low: int | None, high: int | None, support: Interval) -> int:
    """A value between two ends, each of which may be none; a whole one where the support is whole."""
    one = builder.constant(1.0)
    if low is not None and support.integer:
        return apply(builder, "neg", apply(builder, "floor", apply(builder, "neg", low)))
    if high is not None and support.integer:
        return apply(builder, "floor", high)
    if low is not None and high is not None:
        return apply(builder, "mul", builder.constant(0.5), apply(builder, "add", low, high))
    if low is not None:
        return apply(builder, "add", low, one)
    return builder.constant(0.0) if high is None else apply(builder, "sub", high, one)


def _between(builder: Builder, low: tuple[int, int], high: tuple[int, int]) -> int:
    """log(F(b) − F(a)), from above where a lies above the median, else from below."""
    upper = apply(builder, "gt", low[0], low[1])
    # The side that is not chosen must have a finite slope all the same.
    aside = builder.constant(-1.0)
    from_above = apply(builder, "where", upper, apply(builder, "sub", high[1], low[1]), aside)
    from_below = apply(builder, "where", upper, aside, apply(builder, "sub", low[0], high[0]))
    greater = apply(builder, "where", upper, low[1], high[0])
    share = apply(builder, "where", upper, from_above, from_below)
    return apply(builder, "add", greater, log_one_less_exp(builder, share))


def log_one_less_exp(builder: Builder, x: int) -> int:
    """log(1 − eˣ) for x < 0."""
    return apply(builder, "log", apply(builder, "neg", apply(builder, "expm1", x)))


def _finite_sum(
    site: Building,
    span: ast.Span,
    family: Family,
    form: Form,
    parameters: Mapping[str, Value],
    found: FamilyDensity,
    bounds: Bounds,
) -> int:
    """The probability of a count between its bounds; without an upper one, 1 less what lies below."""
    builder = site.builder
    first = int(family.support.low)
    low = None if bounds.low is None else bounds.low.node
    high = None if bounds.high is None else bounds.high.node
    for end in (low, high):
        if end is not None and depends_on(builder.nodes, frozenset({"site"}))[end]:
            raise site.refused(
                span, "A bound of a count can't depend on a latent: the sum has no length then."
            )
    ends = [end for end in (high, found.high) if end is not None]
    ends += [] if math.isinf(family.support.high) else [builder.constant(family.support.high)]
    complement = not ends
    if complement:
        assert low is not None, "there is a bound"
        up = apply(builder, "neg", apply(builder, "floor", apply(builder, "neg", low)))
        last = apply(builder, "sub", up, builder.constant(1.0))
        least = builder.nodes[last].value
        if least is not None and least < first:
            return builder.constant(0.0)
    else:
        last = next((end for end in ends if builder.nodes[end].value is not None), ends[0])
        if depends_on(builder.nodes, frozenset({"site"}))[last]:
            raise site.refused(span, "This count has no greatest value that is known before it is drawn.")
    value = builder.nodes[last].value
    if value is not None:
        axis = site.free_axis(f"{first}{RANGE}{math.floor(value)}", sorted(site.hidden))
    else:
        axis = f"{first}{RANGE}{site.prefix}{len(site.ranges)}"
        site.ranges.append(Range(axis, first, apply(builder, "floor", last)))
    place = apply(builder, "add", builder.constant(first), iota(builder, axis))
    each = log_density(builder, family, form, parameters, Value(place, Interval(first, integer=True)))
    term = guarded(builder, each.node, each.guard)
    inside: list[int] = []
    if complement:
        inside.append(apply(builder, "le", place, last))
    else:
        inside += [] if low is None else [apply(builder, "ge", place, low)]
        inside += [] if high is None else [apply(builder, "le", place, high)]
    for condition in inside:
        term = apply(builder, "where", condition, term, builder.constant(-math.inf))
    others = tuple(each for each in builder.axes(term) if each != axis)
    total = reduce(builder, "logsumexp", spread(builder, term, (*others, axis)), (axis,))
    return log_one_less_exp(builder, total) if complement else total
