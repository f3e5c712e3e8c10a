"""Runs a program forwards: values of sites in, and out come draws, lets, log densities of sites, returns.

Here the graph is the constrained one, and nodes are evaluated as they are asked for, so that a draw may wait
for the draws before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from quivers.backends.torch.draw import draw
from quivers.backends.torch.evaluate import Compiler, Slots, Step, run
from quivers.backends.torch.inversion import between
from quivers.errors import QvrError
from quivers.families.table import FAMILIES
from quivers.ir.graph import Density, Draw
from quivers.ir.simplify import needed

MOST_ROUNDS = 1000
"""How often draws that do not fit are drawn anew before that is given up."""

FEW_ROUNDS = 20
"""The same where the distribution function gives those that are left."""


@dataclass(slots=True)
class Forward:
    """One evaluation of a program, with `batch` dimensions in front of every value that is drawn.

    `density` is in the constrained space with its sizes put in; `inputs` holds what the data give.
    """

    density: Density
    sizes: Mapping[str, int]
    inputs: Mapping[str, Tensor]
    batch: tuple[int, ...]
    device: torch.device
    compiler: Compiler = field(init=False)
    slots: Slots = field(init=False)

    def __post_init__(self) -> None:
        batched = {
            number
            for number, node in enumerate(self.density.nodes)
            if node.op == "site" or (node.op == "input" and node.name not in self.inputs)
        }
        self.compiler = Compiler(self.density.nodes, self.sizes, frozenset(batched))
        self.slots = [None] * len(self.density.nodes)

    def put(self, number: int, value: Tensor) -> None:
        """Give the value of a node, of shape (*batch, *axes)."""
        self.slots[number] = value

    def value(self, number: int, axes: tuple[str, ...] | None = None) -> Tensor:
        """The value of a node, its axes in the order of `axes`, which may have more.

        Raises:
            QvrError: it depends on an observed value that is neither given nor drawn yet.
        """
        known = [n for n, slot in enumerate(self.slots[: len(self.density.nodes)]) if slot is not None]
        steps: list[Step] = []
        for part in needed(self.density.nodes, [number], stop=known):
            if self.slots[part] is None:
                leaf = self._leaf(part)
                if leaf is not None:
                    self.slots[part] = leaf
                steps += self.compiler.steps(part)
        wanted = self.density.nodes[number].axes if axes is None else axes
        output = self.compiler.output(number, wanted, steps)
        self.slots.extend([None] * (self.compiler.slot_count - len(self.slots)))
        run(steps, self.slots)
        result = self.slots[output]
        assert isinstance(result, Tensor), "a node was asked for and not computed"
        return result

    def filled(self, number: int, axes: tuple[str, ...]) -> Tensor:
        """The value of a node broadcast to all of (*batch, *axes)."""
        return self.value(number, axes).expand((*self.batch, *self.compiler.shape(axes)))

    def drawn(self, step: Draw, generator: torch.Generator | None) -> Tensor:
        """A draw of a site given the sites before it, of shape (*batch, *axes), kept for those after it."""
        family = FAMILIES[step.family]
        parameters: dict[str, Tensor] = {}
        plates = step.axes[: len(step.axes) - family.event_rank]
        for parameter in family.forms[step.form].parameters:
            node = step.parameters[parameter.name]
            axes = self.density.nodes[node].axes
            event = step.events.get(parameter.name, axes[len(axes) - parameter.event_rank :])
            parameters[parameter.name] = self.value(node, (*plates, *event))
        low = None if step.low is None else self.value(step.low, step.axes)
        high = None if step.high is None else self.value(step.high, step.axes)
        result = self.drawn_from(step, parameters, low, high, generator)
        if step.value is not None and self._is_free(step.value):
            self.put(step.value, result)
        return result

    def drawn_from(
        self,
        step: Draw,
        parameters: Mapping[str, Tensor],
        low: Tensor | None,
        high: Tensor | None,
        generator: torch.Generator | None,
    ) -> Tensor:
        """A draw of a site with known parameters and ends, of shape (*batch, *axes); nothing keeps it."""
        family = FAMILIES[step.family]
        shape = (*self.batch, *self.compiler.shape(step.axes))
        # Only draws that differ along the axis can be in order by chance alone; others are put in order.
        by_chance = step.ordered is not None and self._vary(step, step.ordered)

        def fits(drawn: Tensor) -> Tensor:
            inside = torch.ones(shape, dtype=torch.bool, device=drawn.device)
            inside = inside if low is None else inside & (drawn >= low)
            inside = inside if high is None else inside & (drawn <= high)
            if by_chance:
                rising = (drawn.diff(dim=-1) > 0).all(-1, keepdim=True)
                inside = (inside.all(-1, keepdim=True) & rising).expand(shape)
            return inside

        form = family.forms[step.form]
        try:
            result = draw(family, parameters, shape, generator)
            if low is not None or high is not None or by_chance:
                invertible = form.log_cdf is not None and not family.discrete and not by_chance
                for _ in range(FEW_ROUNDS if invertible else MOST_ROUNDS):
                    wrong = torch.logical_not(fits(result))
                    if not wrong.any():
                        break
                    result = torch.where(wrong, draw(family, parameters, shape, generator), result)
                wrong = torch.logical_not(fits(result))
                if wrong.any() and invertible:
                    # Only those that are left: bisection takes a hundred times as long as a draw.
                    own = {name: value.expand(shape)[wrong] for name, value in parameters.items()}
                    ends = [None if end is None else end.expand(shape)[wrong] for end in (low, high)]
                    inverted = between(family, form, own, ends[0], ends[1], (int(wrong.sum()),), generator)
                    result = result.expand(shape).masked_scatter(wrong, inverted)
                elif wrong.any():
                    raise QvrError(
                        f"`{step.site}` can't be drawn: of {MOST_ROUNDS} draws from its distribution none "
                        "lies where it must, so hardly any of it is left."
                    )
        except RuntimeError as error:
            reason = str(error).splitlines()[0].rstrip(".")
            raise QvrError(f"`{step.site}` can't be drawn: {reason}.") from error
        if step.ordered is not None and not by_chance:
            result = result.sort(dim=step.axes.index(step.ordered) - len(step.axes)).values
        return result

    def _vary(self, step: Draw, axis: str) -> bool:
        """Whether the distribution of a site's elements varies along an axis."""
        nodes = [*step.parameters.values(), *(end for end in (step.low, step.high) if end is not None)]
        return any(axis in self.density.nodes[node].axes for node in nodes)

    def _is_free(self, number: int) -> bool:
        """Whether a site's value is a leaf that nothing but its draw gives."""
        node = self.density.nodes[number]
        given = node.op == "input" and (node.name or "") in self.inputs
        return node.op in {"site", "input"} and not given and self.slots[number] is None

    def _leaf(self, number: int) -> Tensor | None:
        node = self.density.nodes[number]
        if node.op == "input":
            value = self.inputs.get(node.name or "")
            if value is None:
                raise QvrError(
                    f"{node.name} is observed and not given, but a step before its draw uses its value"
                )
            return value.to(self.device)
        if node.op == "site":
            raise QvrError(f"No value is given for `{node.name}`.")
        leaf = self.compiler.leaf(number)
        return None if leaf is None else leaf.to(self.device)
