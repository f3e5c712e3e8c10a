"""A program bound to data, on the unconstrained space: log density, gradient, and the way there and back."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from quivers.backends.blocks import points_at_once
from quivers.backends.given import settled_sizes
from quivers.backends.torch.evaluate import Plan, plan, run
from quivers.backends.torch.forward import Forward
from quivers.errors import QvrError
from quivers.ir.constrain import constrain, unconstrained
from quivers.ir.differentiate import differentiate
from quivers.ir.graph import Builder, Density, Latent, Node, axis_size
from quivers.ir.joint import joint, specialise
from quivers.ir.settle import conditions, settle
from quivers.ir.simplify import depends_on, needed


@dataclass(frozen=True, slots=True)
class Coordinates:
    """A latent's slice of q, `start ≤ i < stop`: an array of the shape `free_shape` over its free axes.

    `axes` and `shape` are those of the latent's value, which may have more numbers or fewer.
    """

    name: str
    axes: tuple[str, ...]
    shape: tuple[int, ...]
    free_shape: tuple[int, ...]
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class TermValue:
    """A term of the log density, and the sum of its elements at some point."""

    site: str
    kind: str
    value: float


class BoundModel:
    """A program and its data as a function on ℝⁿ.

    `values` holds the inputs, each with exactly the axes that the program gives it; `sizes` the number of
    elements of each object, and `levels` their names where the data name
    them. What depends on data alone is computed when it is first needed, and kept.
    """

    def __init__(
        self,
        density: Density,
        values: Mapping[str, np.ndarray[Any, Any]],
        sizes: Mapping[str, int],
        levels: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.levels = levels or {}
        self.sizes = settled_sizes(density, values, sizes)
        self.inputs = {
            name: torch.as_tensor(np.asarray(value, dtype=np.float64)) for name, value in values.items()
        }
        self.density = specialise(density, self.sizes)
        self.coordinates = _coordinates(self.density.latents, self.sizes)
        self.dimension = self.coordinates[-1].stop if self.coordinates else 0
        self._plans: dict[tuple[str, ...], Plan] = {}
        self._shares: dict[str, Tensor] = {}
        self._threads = threading.local()

    def moved(self, density: Density, shares: Mapping[str, np.ndarray[Any, Any]]) -> BoundModel:
        """The same data under the same program, whose `density` has centrings with these shares."""
        values = {name: value.numpy() for name, value in self.inputs.items()}
        result = BoundModel(density, values, self.sizes, self.levels)
        result._shares = {name: torch.from_numpy(share) for name, share in shares.items()}
        return result

    def __reduce__(self) -> tuple[Any, ...]:
        # Plans are functions, which a copy and another process make for themselves.
        values = {name: value.numpy() for name, value in self.inputs.items()}
        shares = {name: value.numpy() for name, value in self._shares.items()}
        return _bound_again, (self.density, values, self.sizes, self.levels, shares)

    @property
    def known(self) -> dict[str, Tensor]:
        """All inputs of the graph: the program's, and the shares of its centrings."""
        return {**self.inputs, **self._shares}

    # ------------------------------------------------------ log density

    def log_density(self, q: Tensor) -> Tensor:
        """The joint log density at q (*batch, dimension), log Jacobians included: (*batch)."""
        (value,) = self._value_plan(self._positions(q))
        return value.expand(q.shape[:-1])

    def own_log_density(self, q: Tensor) -> Tensor:
        """The joint log density at q (*batch, dimension) of the latents on their own scales: (*batch).

        That is `log_density` without the log Jacobians: where it is greatest hangs on no bijection.
        """
        (value,) = self._own_plan(self._positions(q))
        return value.expand(q.shape[:-1])

    def log_density_and_gradient(self, q: np.ndarray[Any, Any], gradient: np.ndarray[Any, Any]) -> float:
        """The log density at q (dimension), its gradient written into `gradient`.

        Straight-line code from the differentiated graph. Where the density is not finite, the gradient may
        hold NaN. Threads may call it at the same time.
        """
        line = self.straight_line()
        line.position[:] = q
        value = line.evaluate()
        gradient[:] = line.gradient
        return value

    def straight_line(self) -> StraightLine:
        """This thread's own straight-line code, made when the thread first asks."""
        line: StraightLine | None = getattr(self._threads, "line", None)
        if line is None:
            line = self._threads.line = StraightLine(self._gradient_plan, self.coordinates)
        return line

    def explain(self, q: Tensor) -> tuple[TermValue, ...]:
        """Each term's sum at q (dimension): which of them makes a density infinite or NaN."""
        with torch.no_grad():
            values = self._term_plan(self._positions(q))
        return tuple(
            TermValue(term.site, term.kind, float(value.sum()))
            for term, value in zip(self._unconstrained.terms, values, strict=True)
        )

    # ------------------------------------------- to the constrained space and back

    def constrain(self, q: Tensor, names: Sequence[str] | None = None) -> dict[str, Tensor]:
        """Latents, and lets that depend on latents, at q (*batch, dimension), in the program's order.

        Each has the shape (*batch, *axes). With `names` those alone, in that order, and only what they depend
        on is worked out. Raises KeyError where there is none of a name.
        """
        ranks = self._reported
        wanted = tuple(ranks) if names is None else tuple(names)
        values = self._plan_of(wanted)(self._positions(q))
        batch = q.shape[:-1]
        return {
            name: value.expand((*batch, *value.shape[value.ndim - ranks[name] :]))
            for name, value in zip(wanted, values, strict=True)
        }

    def draws_of(self, names: Sequence[str], positions: Tensor) -> dict[str, Tensor]:
        """`constrain` of many positions (*batch, dimension), a block of them at a time, without gradients.

        However many rows a let runs over, no more memory is taken than the answer's own.
        """
        flat = positions.reshape(-1, positions.shape[-1])
        outputs = [number for number, _ in self._outputs(names)]
        step = points_at_once(self._constrained.nodes, outputs, self.sizes)
        result: dict[str, Tensor] = {}
        with torch.no_grad():
            for start in range(0, max(1, len(flat)), step):
                for name, value in self.constrain(flat[start : start + step], names).items():
                    if name not in result:
                        result[name] = torch.empty((len(flat), *value.shape[1:]), dtype=torch.float64)
                    result[name][start : start + step] = value
        return {name: each.reshape((*positions.shape[:-1], *each.shape[1:])) for name, each in result.items()}

    def unconstrain(self, values: Mapping[str, Any]) -> Tensor:
        """The coordinates (*batch, dimension) of the latents' values, each (*batch, *axes).

        A value on the edge of its support has infinite coordinates.

        Raises:
            QvrError: a latent has no value, or one of a shape that is not its own.
        """
        given, batch = self._checked(values)
        if not given:
            return torch.zeros(0, dtype=torch.float64)
        found = self._free_plan({place.name: x for place, x in zip(self.coordinates, given, strict=True)})
        return torch.cat(
            [
                x.expand((*batch, *place.free_shape)).reshape((*batch, place.stop - place.start))
                for place, x in zip(self.coordinates, found, strict=True)
            ],
            dim=-1,
        )

    # ------------------------------------------------------------ draws

    def sample_prior(
        self, shape: tuple[int, ...] = (), generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Independent draws of all latents from the prior, (*shape, *axes) each.

        Raises:
            QvrError: a prior is improper.
        """
        forward = self.forward(shape)
        nodes = self.density.nodes
        latents = [step for step in self.density.draws if not step.observed and not step.summed]
        numbers = [number for step in latents for number in step.parameters.values()]
        used = {nodes[number].name for number in needed(nodes, numbers) if nodes[number].op == "input"}
        missing = used - self.inputs.keys()
        draws: dict[str, Tensor] = {}
        for step in self.density.draws:
            if not step.observed and not step.summed:
                draws[step.site] = forward.drawn(step, generator)
            elif step.site in missing or (step.summed and missing):
                forward.drawn(step, generator)
        return draws

    def predict(
        self, values: Mapping[str, Any], generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Draws of everything observed, and the lets, given the latents' values with any batch in front.

        Each has the shape (*batch, *axes); they come in the program's order, observed ones first.
        """
        forward = self.given(values)
        draws = [step for step in self.density.draws if step.observed or step.summed]
        result = {step.site: forward.drawn(step, generator) for step in draws}
        result = {step.site: result[step.site] for step in draws if step.observed}
        for name, number in self.density.deterministic.items():
            if name not in result:  # a let that is itself observed has been drawn
                result[name] = forward.filled(number, self.density.nodes[number].axes)
        return result

    def forward(self, batch: Sequence[int] = (), device: torch.device | str = "cpu") -> Forward:
        """The program run forwards over its data, with `batch` dimensions in front."""
        return Forward(self.density, self.sizes, self.inputs, tuple(batch), torch.device(device))

    def given(self, values: Mapping[str, Any]) -> Forward:
        """The program run forwards with every latent's value given, (*batch, *axes) each.

        Raises:
            QvrError: a latent has no value, or one of a shape that is not its own.
        """
        tensors, batch = self._checked(values)
        forward = self.forward(batch, tensors[0].device if tensors else "cpu")
        for latent, tensor in zip(self.density.latents, tensors, strict=True):
            forward.put(latent.value, tensor)
        return forward

    def _checked(self, values: Mapping[str, Any]) -> tuple[list[Tensor], tuple[int, ...]]:
        """Each latent's value, (*batch, *axes), and the batch that all have in common."""
        tensors: list[Tensor] = []
        batches: list[tuple[int, ...]] = []
        for place in self.coordinates:
            if place.name not in values:
                raise QvrError(f"No value is given for `{place.name}`.")
            tensor = torch.as_tensor(values[place.name], dtype=torch.float64)
            rank = tensor.ndim - len(place.shape)
            if rank < 0 or tuple(tensor.shape[rank:]) != place.shape:
                raise QvrError(
                    f"{place.name} has the shape {_shape(place.shape)}, but the value given for it has "
                    f"{_shape(tensor.shape)}"
                )
            tensors.append(tensor)
            batches.append(tuple(tensor.shape[:rank]))
        try:
            batch = tuple(np.broadcast_shapes(*batches))
        except ValueError:
            shapes = ", ".join(
                f"{place.name} {_shape(batch)}"
                for place, batch in zip(self.coordinates, batches, strict=True)
            )
            raise QvrError(f"The batches of the values given do not match: {shapes}.") from None
        wide = [x.expand((*batch, *place.shape)) for x, place in zip(tensors, self.coordinates, strict=True)]
        return wide, batch

    # ------------------------------------------------------------ plans

    @property
    def unconstrained(self) -> Density:
        """The density of the unconstrained coordinates, with these data's sizes and decided conditions."""
        return self._unconstrained

    @cached_property
    def _unconstrained(self) -> Density:
        density = constrain(self.density)
        self._require_inputs(density)
        numbers = conditions(density)
        outcomes = plan(
            density.nodes,
            [(number, density.nodes[number].axes) for number in numbers],
            self.sizes,
            self.known,
            batched=False,
        )({})
        decided = {
            number: bool(outcome.all())
            for number, outcome in zip(numbers, outcomes, strict=True)
            if bool(outcome.all()) or not bool(outcome.any())
        }
        return settle(density, decided)

    def _require_inputs(self, density: Density) -> None:
        terms = needed(density.nodes, [term.node for term in density.terms])
        missing = [
            node.name
            for node in (density.nodes[number] for number in terms)
            if node.op == "input" and node.name not in self.known
        ]
        if missing:
            names = " and ".join(f"`{name}`" for name in missing)
            raise QvrError(f"The log density of `{density.program}` needs {names}, which is not given.")

    @cached_property
    def _joint(self) -> tuple[Builder, int]:
        density = self._unconstrained
        known = {node: number for number, node in enumerate(density.nodes)}
        builder = Builder(list(density.nodes), known, self.sizes)
        return builder, joint(builder, [(term.node, builder.axes(term.node)) for term in density.terms])

    @cached_property
    def _value_plan(self) -> Plan:
        builder, output = self._joint
        return plan(builder.nodes, [(output, ())], self.sizes, self.known, batched=True)

    @cached_property
    def _own_plan(self) -> Plan:
        builder, _ = self._joint
        terms = [term.node for term in self._unconstrained.terms if term.kind != "jacobian"]
        output = joint(builder, [(node, builder.axes(node)) for node in terms])
        return plan(builder.nodes, [(output, ())], self.sizes, self.known, batched=True)

    @cached_property
    def _gradient_plan(self) -> Plan:
        builder, output = self._joint
        positions = [
            builder.add(Node("position", axes=latent.free_axes, name=latent.name))
            for latent in self.density.latents
        ]
        slopes = differentiate(builder, output, positions)
        outputs = [(output, ())] + [
            (slopes[number], _own_axes(builder, slopes[number], latent))
            for number, latent in zip(positions, self.density.latents, strict=True)
        ]
        return plan(builder.nodes, outputs, self.sizes, self.known, batched=False, scalars=True)

    @cached_property
    def _term_plan(self) -> Plan:
        density = self._unconstrained
        outputs = [(term.node, density.nodes[term.node].axes) for term in density.terms]
        return plan(density.nodes, outputs, self.sizes, self.known, batched=False)

    @cached_property
    def _reported(self) -> dict[str, int]:
        """What `constrain` gives: each name, and how many axes its value has."""
        moves = depends_on(self.density.nodes, frozenset({"site"}))
        ranks = {latent.name: len(latent.axes) for latent in self.density.latents}
        for name, number in self.density.deterministic.items():
            if moves[number]:
                ranks[name] = len(self.density.nodes[number].axes)
        return {name: ranks[name] for name in self.density.order if name in ranks}

    @cached_property
    def _constrained(self) -> Density:
        return constrain(self.density)

    def _outputs(self, names: Sequence[str]) -> list[tuple[int, tuple[str, ...]]]:
        """The nodes of latents and lets on their own scales, and their axes."""
        free = self._constrained
        outputs = {latent.name: (latent.value, latent.axes) for latent in free.latents}
        for name, number in free.deterministic.items():
            outputs[name] = (number, self.density.nodes[self.density.deterministic[name]].axes)
        return [outputs[name] for name in names]

    def _plan_of(self, names: tuple[str, ...]) -> Plan:
        made = self._plans.get(names)
        if made is None:
            made = self._plans[names] = plan(
                self._constrained.nodes, self._outputs(names), self.sizes, self.known, batched=True
            )
        return made

    @cached_property
    def _free_plan(self) -> Plan:
        nodes, numbers = unconstrained(self.density)
        outputs = [
            (number, latent.free_axes) for number, latent in zip(numbers, self.density.latents, strict=True)
        ]
        return plan(nodes, outputs, self.sizes, self.known, moving="site", batched=True)

    def _positions(self, q: Tensor) -> dict[str, Tensor]:
        if q.shape[-1:] != (self.dimension,):
            raise QvrError(f"q has the shape {_shape(q.shape)}, but there are {self.dimension} coordinates.")
        q = q.to(torch.float64)
        return {
            place.name: q[..., place.start : place.stop].reshape((*q.shape[:-1], *place.free_shape))
            for place in self.coordinates
        }


class StraightLine:
    """The log density and its gradient as torch code without autograd, for one thread.

    `position` and `gradient` are float64 arrays (dimension): the point to read, and the gradient there.
    """

    def __init__(self, gradient_plan: Plan, coordinates: Sequence[Coordinates]) -> None:
        dimension = coordinates[-1].stop if coordinates else 0
        self.position: np.ndarray[Any, Any] = np.zeros(dimension)
        self.gradient: np.ndarray[Any, Any] = np.zeros(dimension)
        position, gradient = torch.from_numpy(self.position), torch.from_numpy(self.gradient)
        self.position_address: int = self.position.ctypes.data
        self.gradient_address: int = self.gradient.ctypes.data
        self._slots = gradient_plan.slots.copy()
        self._steps = gradient_plan.steps
        self._value, *slopes = gradient_plan.outputs
        self._copies: list[tuple[Tensor, int, Coordinates]] = []
        for place, slope in zip(coordinates, slopes, strict=True):
            leaf = gradient_plan.leaves.get(place.name)
            if leaf is not None:
                self._slots[leaf] = position[place.start : place.stop].reshape(place.free_shape)
            target = gradient[place.start : place.stop].reshape(place.free_shape)
            self._copies.append((target, slope, place))

    def evaluate(self) -> float:
        """The log density at `position`; writes `gradient`."""
        slots = self._slots
        with torch.no_grad():
            run(self._steps, slots)
            for target, slope, place in self._copies:
                computed = slots[slope]
                if isinstance(computed, Tensor):
                    target.copy_(computed)
                else:
                    self.gradient[place.start : place.stop] = computed
        return float(slots[self._value])


def _own_axes(builder: Builder, slope: int, latent: Latent) -> tuple[str, ...]:
    """The axes of the coordinates; none for a derivative that has none, which copying broadcasts anyway."""
    return latent.free_axes if builder.axes(slope) else ()


def _bound_again(
    density: Density,
    values: Mapping[str, np.ndarray[Any, Any]],
    sizes: Mapping[str, int],
    levels: Mapping[str, Sequence[str]],
    shares: Mapping[str, np.ndarray[Any, Any]],
) -> BoundModel:
    return BoundModel(density, values, sizes, levels).moved(density, shares)


def _coordinates(latents: Sequence[Latent], sizes: Mapping[str, int]) -> tuple[Coordinates, ...]:
    places: list[Coordinates] = []
    start = 0
    for latent in latents:
        shape = tuple(axis_size(axis, sizes) for axis in latent.axes)
        free = tuple(axis_size(axis, sizes) for axis in latent.free_axes)
        stop = start + math.prod(free)
        places.append(Coordinates(latent.name, latent.axes, shape, free, start, stop))
        start = stop
    return tuple(places)


def _shape(shape: Sequence[int]) -> str:
    return f"({', '.join(str(size) for size in shape)})"
