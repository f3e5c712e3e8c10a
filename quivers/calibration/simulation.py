"""Data of a program's own: latents drawn from its prior, and what is then observed.

Replicates are drawn by blocks, which costs little more than one alone; a block depends on the study's seed
and its number only.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from quivers.backends.kernel.fixed import aligned, shape_of
from quivers.backends.torch.module import ProgramModule
from quivers.backends.torch.series import NotASeriesError, used_before_drawn
from quivers.calibration.suitable import NO_SIMULATION, UnsuitableError, require_suitable
from quivers.data import Bound, bind
from quivers.data.supports import outside
from quivers.dsl import Program
from quivers.errors import QvrError

Array = NDArray[np.float64]
Samples = dict[str, Array]

BLOCK = 10
"""Replicates that are simulated at a time."""

MOST_NUMBERS = 2_000_000
"""Of a block; where one has more, its replicates are drawn one by one."""


@dataclass(frozen=True)
class Simulated:
    """The latents of one replicate, (*axes) each, and all its inputs, as `Bound.values` has them."""

    truth: Samples
    inputs: dict[str, Array]


class Simulation:
    """A program with those of its inputs that are given, to be asked for the data of any replicate."""

    def __init__(self, program: Program, data: Mapping[str, Any], seed: int) -> None:
        """Raises:
        ProgramError: the program has errors, or uses a construct that can't be run.
        DataError: an input that is not observed is missing, or does not fit.
        UnsuitableError: no data can be simulated of it, or NUTS can't sample it.
        """
        self.module: ProgramModule = program.morphism
        self.program = program
        self.data = data
        self.seed = seed
        require_suitable(program, self.module.density)
        self.bound: Bound = bind(program.checked, program.program, data, require_observed=False)
        self._entries = {entry.name: entry for entry in program.program.inputs if entry.observed}
        density = self.module.density
        leaves = {node.name: node.axes for node in density.nodes if node.op == "input"}
        self._axes = {
            step.site: (step.axes, leaves.get(step.site, step.axes))
            for step in density.draws
            if step.observed
        }
        self._latents = [latent.name for latent in density.latents]
        self._blocks: dict[int, list[Simulated | str]] = {}
        self._lock = threading.Lock()
        if used_before_drawn(density):
            self._require_order()

    def _require_order(self) -> None:
        """A series can be drawn place by place, if it is one: the first replicate tells."""
        try:
            self._sample([self.seed, 0, 1], 1)
        except NotASeriesError as error:
            raise UnsuitableError(
                NO_SIMULATION, error.site, str(error),
                "Let each place use earlier ones alone, or calibrate a program that reads the past as another"
                " input.",
            ) from None  # fmt: skip
        except QvrError:
            return  # this replicate's own misfortune, which is told with it

    def at(self, number: int) -> Simulated | str:
        """A replicate's latents and data, or a sentence that says why it has none."""
        block, place = divmod(number, BLOCK)
        with self._lock:
            if block not in self._blocks:
                if len(self._blocks) > 64:  # those asked for long ago are done
                    del self._blocks[next(iter(self._blocks))]
                self._blocks[block] = self._drawn(block)
            return self._blocks[block][place]

    def _drawn(self, block: int) -> list[Simulated | str]:
        try:
            drawn = self._sample([self.seed, block], BLOCK)
        except QvrError:
            drawn = None
        if drawn is not None:
            return [self._one(drawn, place) for place in range(BLOCK)]
        found: list[Simulated | str] = []
        for place in range(BLOCK):  # one that can't be drawn must not take the others along
            try:
                found.append(self._one(self._sample([self.seed, block, place + 1], 1), 0))
            except QvrError as error:
                found.append(str(error))
        return found

    def _sample(self, key: list[int], count: int) -> dict[str, Array]:
        seed = int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> np.uint64(1))
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            drawn = self.module.rsample(self.data, (count,), generator)
        return {name: drawn[name].cpu().numpy() for name in (*self._latents, *self._axes)}

    def _one(self, drawn: Mapping[str, Array], place: int) -> Simulated | str:
        truth = {name: np.array(drawn[name][place], dtype=np.float64) for name in self._latents}
        for name, value in truth.items():
            if not np.isfinite(value).all():
                return f"A draw of {name} from its prior is not finite."
        inputs = dict(self.bound.values)
        for name, (have, wanted) in self._axes.items():
            value = aligned(np.asarray(drawn[name][place], dtype=np.float64), have, wanted)
            shape = shape_of(wanted, self.bound.sizes)
            inputs[name] = np.array(np.broadcast_to(value, shape), dtype=np.float64, order="C")
            problem = outside(self._entries[name], inputs[name], self.bound.sizes)
            if problem is not None:
                return f"The simulated data do not fit: {problem.message}"
        return Simulated(truth, inputs)
