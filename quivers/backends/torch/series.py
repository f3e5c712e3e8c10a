"""Draws a series that is regressed on its own past place by place, so that each sees the draws before it.

Whether what a step reads of a series does lie before its draw is not read off the program, but held against
the draws: with the whole series known, each place must have the distribution that it was drawn from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf

import torch
from torch import Tensor

from quivers.backends.torch.evaluate import Plan, plan
from quivers.backends.torch.forward import Forward
from quivers.errors import QvrError
from quivers.families.support import Member
from quivers.families.table import FAMILIES
from quivers.ir.graph import Density, Draw
from quivers.ir.simplify import needed

_SAME = 1e-6  # of a distribution's parameters, computed twice; what lies ahead would change them by far more


class NotASeriesError(QvrError):
    """`site` uses observed values that are not drawn before it."""

    def __init__(self, site: str, message: str) -> None:
        super().__init__(message)
        self.site = site


def used_before_drawn(density: Density) -> list[str]:
    """The observed sites whose values their own draw, or one before it, uses, in the order of such uses."""
    waiting = [step.site for step in density.draws if step.observed]
    found: list[str] = []
    for step in density.draws:
        used = _inputs_of(density, step)
        found += [name for name in waiting if name in used and name not in found]
        if step.observed:
            waiting.remove(step.site)
    return found


def drawn_in_order(
    forward: Forward,
    given: Mapping[str, Tensor],
    starts: Mapping[str, float],
    generator: torch.Generator | None,
    latents: Mapping[str, Tensor] | None = None,
) -> dict[str, Tensor]:
    """Draws of all sites, (*batch, *axes) each, the series of a program place by place.

    `given` holds values of series, (*axes): they stand where `[where=…]` leaves a place out, of which the
    program says nothing. `starts` has for each series a value that it may take.

    With `latents`, whose values `forward` has, the rest is forecast: what is `given` and finite is the past.
    Each place is drawn anew, but those after it see the past where it is known.

    Raises:
        NotASeriesError: a place of a series depends on itself or on later ones, or is left out and not given.
        QvrError: a site can't be drawn.
    """
    density = forward.density
    group = _group(density)
    names = {step.site for step in group}
    result: dict[str, Tensor] = {}
    others = [step for step in density.draws if step.site not in names]
    later = [step for step in others if names & _inputs_of(density, step)]
    after = {step.site for step in later}
    for step in others:
        if latents is not None and step.site in latents:
            result[step.site] = latents[step.site]
        elif step.site not in after:
            result[step.site] = forward.drawn(step, generator)
    problem: NotASeriesError | None = None
    for axis in _common_axes(group):
        try:
            along = _Series(forward, group, axis, result, given, starts, past=latents is not None)
            series = along.drawn(generator)
            break
        except NotASeriesError as error:
            problem = problem or error
    else:
        raise problem or NotASeriesError(
            group[0].site, f"`{group[0].site}` depends on itself and runs along no object that orders it."
        )
    for step in group:
        assert step.value is not None
        forward.put(step.value, along.values[step.site])
    result |= series
    for step in later:
        if latents is not None and step.site in latents:
            result[step.site] = latents[step.site]
        else:
            result[step.site] = forward.drawn(step, generator)
    return {step.site: result[step.site] for step in density.draws}


def inside(element: object) -> float:
    """A value that an input of this type may have."""
    if isinstance(element, Member):
        return 0.0
    low, high = getattr(element, "low", -inf), getattr(element, "high", inf)
    if low > -inf and high < inf:
        middle = (low + high) / 2
        return float(round(middle)) if getattr(element, "integer", False) else middle
    return low + 1.0 if low > -inf else high - 1.0 if high < inf else 0.0


class _Series:
    """The sites of a group, drawn together along one axis."""

    def __init__(
        self, forward: Forward, group: Sequence[Draw], axis: str, latents: Mapping[str, Tensor],
        given: Mapping[str, Tensor], starts: Mapping[str, float], *, past: bool,
    ) -> None:  # fmt: skip
        self.forward, self.group, self.axis, self.latents = forward, group, axis, latents
        self.size = forward.compiler.shape((axis,))[0]
        shapes = {step.site: (*forward.batch, *forward.compiler.shape(step.axes)) for step in group}
        self.dimension = {step.site: step.axes.index(axis) - len(step.axes) for step in group}
        self.given = {name: values for name, values in given.items() if name in shapes}
        self.values = {
            name: torch.full(shape, starts.get(name, 0.0), dtype=torch.float64, device=forward.device)
            for name, shape in shapes.items()
        }
        for name, values in self.given.items():
            known = values.to(forward.device).expand(shapes[name])
            self.values[name] = torch.where(torch.isfinite(known), known, self.values[name])
        # Where the past is known, later places see it and not what is drawn for it.
        self.past = {name: torch.isfinite(values) for name, values in self.given.items()} if past else {}
        self.draws = {name: values.clone() for name, values in self.values.items()} if past else self.values
        self.plans = {step.site: self._plan(step) for step in group}

    def _plan(self, step: Draw) -> tuple[Plan, list[tuple[str, ...]]]:
        """What computes a site's parameters, its ends and what counts, and the axes of each."""
        density, forward = self.forward.density, self.forward
        family = FAMILIES[step.family]
        plates = step.axes[: len(step.axes) - family.event_rank]
        outputs: list[tuple[int, tuple[str, ...]]] = []
        for parameter in family.forms[step.form].parameters:
            node = step.parameters[parameter.name]
            axes = density.nodes[node].axes
            event = step.events.get(parameter.name, axes[len(axes) - parameter.event_rank :])
            outputs.append((node, (*plates, *event)))
        outputs += [(end, step.axes) for end in (step.low, step.high) if end is not None]
        counts = counted(density, step)
        if counts is not None:
            outputs.append((counts, plates))
        names = {each.site for each in self.group}
        nodes = [
            replace(node, op="site") if node.op == "input" and node.name in names else node
            for node in density.nodes
        ]
        made = plan(nodes, outputs, forward.sizes, forward.inputs, moving="site", batched=True)
        return made, [axes for _, axes in outputs]

    def _outputs(self, step: Draw) -> list[Tensor]:
        made, axes = self.plans[step.site]
        found = made({**self.latents, **self.values})
        shapes = [self.forward.compiler.shape(own) for own in axes]
        return [
            value.expand((*self.forward.batch, *shape)) for value, shape in zip(found, shapes, strict=True)
        ]

    def drawn(self, generator: torch.Generator | None) -> dict[str, Tensor]:
        """Each site's draws, (*batch, *axes)."""
        seen: dict[str, list[list[Tensor]]] = {step.site: [] for step in self.group}
        place = 0
        # All places up to the first unknown one see what is known, so one evaluation serves them.
        for count in [*([known] if (known := self._known()) else []), *[1] * (self.size - known)]:
            for step in self.group:
                found = self._outputs(step)
                seen[step.site].append(self._at(step, found, place, count))
                self._draw(step, found, place, count, generator)
            place += count
        for step in self.group:
            self._require_same(step, seen[step.site])
        return self.draws

    def _known(self) -> int:
        """How many places of the axis lie before the first of which something is unknown."""
        known = self.size
        for step in self.group:
            if step.site not in self.past:
                return 0
            there = self.past[step.site].movedim(self.dimension[step.site], 0).reshape(self.size, -1).all(1)
            known = min(known, int(there.long().cumprod(0).sum()))
        return known

    def _draw(
        self, step: Draw, found: list[Tensor], place: int, count: int, generator: torch.Generator | None
    ) -> None:
        """Put the draws of `count` places, and where nothing is known yet, the last into all later ones."""
        forms = FAMILIES[step.family].forms[step.form].parameters
        parameters = {each.name: value for each, value in zip(forms, found, strict=False)}
        ends = found[len(forms) :]
        low = ends.pop(0) if step.low is not None else None
        high = ends.pop(0) if step.high is not None else None
        dimension = self.dimension[step.site]
        anew = self.forward.drawn_from(step, parameters, low, high, generator)
        anew = anew.narrow(dimension, place, count)
        values = self.values[step.site]
        here = values.narrow(dimension, place, count)
        if ends:  # where it does not count, the value is the data's
            counts = ends[0].bool()
            for _ in range(FAMILIES[step.family].event_rank):
                counts = counts.unsqueeze(-1)
            counts = counts.expand(values.shape).narrow(dimension, place, count)
            if not counts.all():
                self._require_given(step, counts, place, count)
                anew = torch.where(counts, anew, here)
        if self.draws is not self.values:
            self.draws[step.site].narrow(dimension, place, count).copy_(anew)
            if step.site in self.past:
                known = self.past[step.site].expand(values.shape).narrow(dimension, place, count)
                anew = torch.where(known, here, anew)
        here.copy_(anew)
        after = place + count
        if step.site not in self.given and after < self.size:
            last = anew.narrow(dimension, count - 1, 1)
            finite = torch.where(torch.isfinite(last), last, torch.zeros_like(last))
            values.narrow(dimension, after, self.size - after).copy_(finite)

    def _require_given(self, step: Draw, counts: Tensor, place: int, count: int) -> None:
        known = self.given.get(step.site)
        if known is not None:
            there = torch.isfinite(known).expand(self.values[step.site].shape)
            if bool((counts | there.narrow(self.dimension[step.site], place, count)).all()):
                return
        raise NotASeriesError(
            step.site,
            f"`{step.site}` is regressed on its own past, and its `[where=…]` leaves out some of its places,"
            " so nothing says how these are drawn. Give their values in the data.",
        )

    def _dimensions(self, step: Draw) -> list[int]:
        """Where each of a site's outputs has the axis, counted from the end."""
        return [own.index(self.axis) - len(own) for own in self.plans[step.site][1]]

    def _at(self, step: Draw, found: list[Tensor], place: int, count: int) -> list[Tensor]:
        places = self._dimensions(step)
        return [
            value.narrow(dimension, place, count).clone()
            for value, dimension in zip(found, places, strict=True)
        ]

    def _require_same(self, step: Draw, seen: Sequence[list[Tensor]]) -> None:
        """Each place must have been drawn from the distribution that the whole series gives it."""
        family = FAMILIES[step.family]
        found = self._outputs(step)
        dimensions = self._dimensions(step)
        counts = found[-1].bool() if counted(self.forward.density, step) is not None else None
        for number, (value, dimension) in enumerate(zip(found, dimensions, strict=True)):
            then = torch.cat([each[number] for each in seen], dim=dimension)
            same = torch.isclose(value, then, rtol=_SAME, atol=_SAME, equal_nan=True)
            if counts is not None and family.event_rank == 0:
                same = same | torch.logical_not(counts)
            if not bool(same.all()):
                raise NotASeriesError(
                    step.site,
                    f"`{step.site}` is used before it is drawn, and not only at earlier places of"
                    f" {self.axis}, so it can't be simulated.",
                )


def _group(density: Density) -> list[Draw]:
    """The observed steps that must be drawn together: those used early, and those in between that use them.

    Raises:
        NotASeriesError: one of them is no input of the program, or a latent stands in between.
    """
    early = set(used_before_drawn(density))
    last = max(place for place, step in enumerate(density.draws) if step.site in early)
    group = []
    for step in density.draws[: last + 1]:
        if step.site not in early and not early & _inputs_of(density, step):
            continue
        node = density.nodes[step.value] if step.value is not None else None
        if not step.observed:
            names = ", ".join(f"`{name}`" for name in sorted(early & _inputs_of(density, step)))
            raise NotASeriesError(
                step.site,
                f"`{step.site}` is drawn by what is observed later, {names}, so that can't be simulated.",
            )
        if node is None or node.op != "input" or node.axes != step.axes:
            raise NotASeriesError(
                step.site, f"`{step.site}` is used before it is drawn, so it can't be simulated."
            )
        early.add(step.site)
        group.append(step)
    return group


def _common_axes(group: Sequence[Draw]) -> list[str]:
    """The axes along which all sites of a group are repeated; the last come first, as time mostly does."""
    plates = [step.axes[: len(step.axes) - FAMILIES[step.family].event_rank] for step in group]
    return [axis for axis in reversed(plates[0]) if all(axis in own for own in plates)]


def _inputs_of(density: Density, step: Draw) -> set[str]:
    """The inputs that a step's distribution depends on."""
    ends = [end for end in (step.low, step.high) if end is not None]
    used = needed(density.nodes, [*step.parameters.values(), *ends])
    return {density.nodes[number].name or "" for number in used if density.nodes[number].op == "input"}


def counted(density: Density, step: Draw) -> int | None:
    """The node that says which places `[where=…]` keeps, None where all count."""
    return next(
        (term.counted for term in density.terms if term.site == step.site and term.kind == "likelihood"), None
    )
