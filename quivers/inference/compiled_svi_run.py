"""SVI's steps in machine code, from the guide and the optimiser as torch has them, and back to them."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from quivers.backends.pointer import DensityPointer
from quivers.inference import compiled_svi as code
from quivers.inference.guide_full_rank import AutoMultivariateNormalGuide
from quivers.inference.guides import AutoNormalGuide, Guide
from quivers.inference.machine_code import compiled_steps
from quivers.inference.random import stream
from quivers.inference.svi_density import loss_not_finite, slope_not_finite

if TYPE_CHECKING:
    from torch.optim.lr_scheduler import LRScheduler

Array = NDArray[np.float64]

# What Adam and gradient descent keep of each parameter, in the order of the tables.
_KEPT = {code.ADAM: ("exp_avg", "exp_avg_sq"), code.SGD: ("momentum_buffer",)}


@dataclass(frozen=True, slots=True)
class Method:
    """An optimiser that the compiled steps have: its number, and its settings as they want them."""

    number: int
    settings: Array


def why_not(guide: Guide, optimizer: torch.optim.Optimizer, schedule: LRScheduler | None) -> str | None:
    """Why these have no compiled steps, as a sentence without its full stop; None where they have."""
    if type(guide) not in (AutoNormalGuide, AutoMultivariateNormalGuide):
        return f"There are no compiled steps for {type(guide).__name__}"
    if method_of(optimizer) is None:
        return f"There are no compiled steps for {type(optimizer).__name__} with these settings"
    parameters = list(guide.parameters())
    groups = optimizer.param_groups
    if len(groups) != 1 or {id(p) for p in groups[0]["params"]} != {id(p) for p in parameters}:
        return "The optimiser has other parameters than the guide's, or several groups of them"
    if not all(p.requires_grad and p.is_cpu and p.dtype == torch.float64 for p in parameters):
        return "Some of the guide's parameters are held fixed, or are not float64 numbers of the processor"
    if any(p._backward_hooks for p in parameters) or _has_hooks(optimizer):
        return "There are hooks on the optimiser or on the guide's parameters"
    if isinstance(schedule, (torch.optim.lr_scheduler.OneCycleLR, torch.optim.lr_scheduler.CyclicLR)):
        return f"{type(schedule).__name__} changes more than the learning rate"
    return None


def method_of(optimizer: torch.optim.Optimizer) -> Method | None:
    """The compiled form of a plain Adam, AdamW or SGD; None for any other."""
    if type(optimizer) not in (torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD):
        return None
    group = optimizer.param_groups[0]
    if any(group.get(name) for name in ("amsgrad", "maximize", "capturable", "differentiable")):
        return None
    settings = np.zeros(code.SETTINGS_SIZE)
    settings[code.WEIGHT_DECAY] = group["weight_decay"]
    if type(optimizer) in (torch.optim.Adam, torch.optim.AdamW):
        settings[code.DECOUPLED] = bool(group.get("decoupled_weight_decay", False))
        settings[code.BETA_1], settings[code.BETA_2] = (float(beta) for beta in group["betas"])
        settings[code.EPSILON] = group["eps"]
        return Method(code.ADAM, settings)
    settings[code.MOMENTUM], settings[code.DAMPENING] = group["momentum"], group["dampening"]
    settings[code.NESTEROV] = group["nesterov"]
    return Method(code.SGD, settings)


def _has_hooks(optimizer: torch.optim.Optimizer) -> bool:
    return bool(optimizer._optimizer_step_pre_hooks or optimizer._optimizer_step_post_hooks)


class CompiledSteps:
    """Steps of a guide and an optimiser for which `why_not` has no reason.

    The parameters and the optimiser's state are read when it is made and by `read`, and written by
    `write_back`. The standard normals are those of the streams (seed, step, particle), or else `noise`
    (step · particle, coordinate), counted from where they were last read.
    """

    def __init__(
        self,
        density: DensityPointer,
        guide: Guide,
        optimizer: torch.optim.Optimizer,
        schedule: LRScheduler | None = None,
        *,
        particles: int,
        seed: int = 0,
        noise: Array | None = None,
    ) -> None:
        self._density, self._block = density, density.block()
        self._guide, self._optimizer, self._schedule = guide, optimizer, schedule
        self._particles = particles
        full = isinstance(guide, AutoMultivariateNormalGuide)
        self._kind = code.FULL_RANK if full else code.MEAN_FIELD
        shape = (code.LOWER + (guide.dimension if full else 0), guide.dimension)
        self._parameters, self._gradients, *self._kept = (np.zeros(shape) for _ in range(4))
        self._work = np.zeros((code.WORK_ROWS, guide.dimension))
        self._generator = stream(seed, 0)
        self._noise = np.zeros((0, guide.dimension)) if noise is None else noise
        self._counts = np.zeros(code.COUNTS_SIZE, dtype=np.int64)
        self._last, self._seconds = 0, 0.0  # the number of the last steps, and their time
        self.read()

    def are_of(self, guide: Guide, optimizer: torch.optim.Optimizer, particles: int) -> bool:
        """Whether these steps are those of that guide, optimiser and number of particles."""
        return self._guide is guide and self._optimizer is optimizer and self._particles == particles

    def step(self, noise: Array) -> float:
        """One step from what guide and optimiser have now; returns the loss. Raises as `take` does."""
        self.read()
        self._noise = noise
        (elbo,) = self.take(1)
        self.write_back()
        return -float(elbo)

    def take(self, most: int, seconds: float = math.inf) -> Array:
        """The ELBO before each of the next steps: `most` of them, or as many as take about that time.

        Raises `SamplingError` where a step's loss or slope is not finite; those before it are taken.
        """
        steps = min(most, self._steps_in(seconds))
        rates, before = self._rates(steps)
        trace, done = np.zeros(steps), int(self._counts[code.COUNT_DONE])
        noise = self._noise[done * self._particles :] if len(self._noise) else self._noise
        began = time.perf_counter()
        outcome = compiled_steps()(
            self._density.address, self._block.ctypes.data, self._kind, self._method.number, self._particles,
            self._method.settings, rates, self._parameters, self._gradients, *self._kept, self._work,
            self._generator, noise, steps, trace, self._counts,
        )  # fmt: skip
        taken = int(self._counts[code.COUNT_DONE]) - done
        self._last, self._seconds = steps, time.perf_counter() - began
        if outcome == code.FINISHED:
            return trace
        if self._schedule is not None:  # it is ahead of the steps
            self._schedule.load_state_dict(before)
            self._optimizer.param_groups[0]["lr"] = float(rates[0])
            for _ in range(taken):
                self._schedule.step()
        raise loss_not_finite(-trace[taken]) if outcome == code.LOSS_NOT_FINITE else slope_not_finite()

    def _steps_in(self, seconds: float) -> int:
        """How many steps take so long, by the last ones, and at most four times as many as those."""
        if math.isinf(seconds):
            return 2**62
        return int(max(1.0, self._last * min(4.0, seconds / max(self._seconds, 1e-9))))

    def _rates(self, steps: int) -> tuple[Array, dict[str, Any]]:
        """The learning rate of each step, the schedule being moved on; and where the schedule stood."""
        group = self._optimizer.param_groups[0]
        if self._schedule is None:
            return np.full(steps, float(group["lr"])), {}
        before = dict(self._schedule.state_dict())
        rates = np.zeros(steps)
        self._optimizer._opt_called = True  # type: ignore[attr-defined]  # or the schedule warns of no step
        for step in range(steps):
            rates[step] = float(group["lr"])
            self._schedule.step()
        return rates, before

    # -------------------------------------------------- to torch and back

    def _rows(self) -> Iterator[tuple[Tensor, slice | int]]:
        """The guide's parameters, and the rows that they have in the tables."""
        yield self._guide.loc, code.LOC  # type: ignore[misc]
        yield self._guide.log_scale, code.LOG_SCALE  # type: ignore[misc]
        if isinstance(self._guide, AutoMultivariateNormalGuide):
            yield self._guide.lower, slice(code.LOWER, None)

    def read(self) -> None:
        """Takes over what the guide and the optimiser have now."""
        method = method_of(self._optimizer)
        assert method is not None, "why_not was asked"
        self._method = method
        self._counts[:] = 0
        for parameter, rows in self._rows():
            self._parameters[rows] = parameter.detach().numpy()
            state = self._optimizer.state[parameter]
            for table, name in zip(self._kept, _KEPT[method.number], strict=False):
                if state.get(name) is None:
                    table[rows] = 0.0
                else:
                    table[rows] = state[name].numpy()
                    self._counts[code.COUNT_BEFORE] = int(state.get("step", 1))

    def write_back(self) -> None:
        """Gives the guide and the optimiser what torch's steps would leave there, the last gradients too."""
        if self._counts[code.COUNT_DONE] == 0:
            return
        self._optimizer._opt_called = True  # type: ignore[attr-defined]  # or a schedule warns of no step
        momentum = self._method.number == code.ADAM or self._method.settings[code.MOMENTUM] != 0.0
        for parameter, rows in self._rows():
            parameter.detach().copy_(torch.from_numpy(self._parameters[rows]))
            parameter.grad = torch.from_numpy(self._gradients[rows].copy())
            state = self._optimizer.state[parameter]
            if self._method.number == code.ADAM:
                # As torch makes it: the count is a number of the default type.
                state["step"] = torch.tensor(float(self._counts.sum()))
            if momentum:
                for table, name in zip(self._kept, _KEPT[self._method.number], strict=False):
                    state[name] = torch.from_numpy(table[rows].copy())
