"""Stochastic variational inference: a guide moved towards the posterior by gradient steps on the ELBO."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from quivers.errors import QvrError, SamplingError
from quivers.inference.guide_checks import guide_k, problems
from quivers.inference.kernels import check_count

if TYPE_CHECKING:
    from quivers.backends.torch.bound import BoundModel
    from quivers.backends.torch.module import ProgramModule
    from quivers.inference.guides import Guide

# A run may end after so many steps, and looks whether it has converged every so many.
FEWEST_STEPS = 200
BETWEEN_LOOKS = 50
# Seconds between two reports of progress.
BETWEEN_REPORTS = 0.1
# Draws of the guide that its check weighs.
CHECK_DRAWS = 10_000


class SVI:
    """Fits `guide` to the posterior of `model`: by `run`, or one `step` of `optimizer` at a time."""

    def __init__(
        self, model: ProgramModule, guide: Guide, optimizer: torch.optim.Optimizer, elbo: ELBO
    ) -> None:
        self.model = model
        self.guide = guide
        self.optimizer = optimizer
        self.elbo = elbo
        self._bound: BoundModel | None = None
        self._seen: dict[str, np.ndarray] = {}

    def step(self, x: Any = None, observations: Mapping[str, Any] | None = None) -> float:
        """One step; returns the loss, the negative ELBO estimated before it.

        `x` is a value of the program's domain, which no program reads yet. The randomness is torch's global
        generator's. Raises `DataError` where the observations do not fit, `SamplingError` where the loss is
        not finite, the parameters then being left as they were.
        """
        return self._step(self._bind({} if observations is None else observations))

    def run(
        self,
        steps: int,
        x: Any = None,
        observations: Mapping[str, Any] | None = None,
        *,
        tolerance: float | None = 0.02,
        schedule: torch.optim.lr_scheduler.LRScheduler | None = None,
        progress: Callable[[SVIProgress], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> SVIResult:
        """Up to `steps` steps; ends sooner where the ELBO has levelled off.

        It has where its means over the last two quarters of the run differ by no more than `tolerance` (in
        nats), the standard error of their difference included. The noisier its estimates, the longer that
        takes; `tolerance=None` takes every step. `schedule` changes the optimiser's learning rate after each
        step. `progress` is called in this thread, about ten times a second and at the end. Setting `cancel`
        ends the run after the step being taken.

        Raises as `step` does, and `QvrError` for arguments that make no sense.
        """
        check_count("steps", steps, 1)
        if not (tolerance is None or (isinstance(tolerance, (int, float)) and 0.0 < tolerance < math.inf)):
            raise QvrError(f"tolerance must be a positive number or None, it is {tolerance!r}.")
        bound = self._bind({} if observations is None else observations)
        trace: NDArray[np.float64] = np.empty(steps)
        done, converged, reported, shown = 0, False, time.monotonic(), 0
        while done < steps and not converged and not (cancel is not None and cancel.is_set()):
            trace[done] = -self._step(bound)
            done += 1
            if schedule is not None:
                schedule.step()
            if tolerance is not None and done >= FEWEST_STEPS and done % BETWEEN_LOOKS == 0:
                converged = levelled_off(trace[:done], tolerance)
            if progress is not None and time.monotonic() - reported >= BETWEEN_REPORTS:
                progress(SVIProgress(done, steps, float(trace[shown:done].mean())))
                reported, shown = time.monotonic(), done
        if progress is not None and shown < done:
            progress(SVIProgress(done, steps, float(trace[shown:done].mean())))
        cancelled = done < steps and not converged
        return SVIResult(trace[:done].copy(), converged, cancelled)

    def pareto_k(
        self, observations: Mapping[str, Any] | None = None, num_samples: int = CHECK_DRAWS
    ) -> float:
        """k̂ of the guide as it is: above 0.7 it does not match the posterior (`quivers.inference.psis`).

        Without `observations`, those last given. It takes `num_samples` draws of the guide, by torch's
        global generator. Raises `DataError` where the observations do not fit.
        """
        bound = self._bound if observations is None else None
        return guide_k(bound or self._bind(observations or {}), self.guide, num_samples)

    def check(self, observations: Mapping[str, Any] | None = None) -> tuple[str, ...]:
        """A sentence where the guide does not match the posterior, with what to do; none where it does.

        Arguments, randomness and errors are `pareto_k`'s.
        """
        return problems(self.guide, self.pareto_k(observations))

    def _step(self, bound: BoundModel) -> float:
        self.optimizer.zero_grad()
        loss = self.elbo.loss(bound, self.guide)
        value = float(loss.detach())
        if not np.isfinite(value):
            raise SamplingError(
                f"The loss is {value:g}: the guide reached a point where the log density is not finite."
                " A lower learning rate, or more particles, may keep it away."
            )
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return value

    def _bind(self, observations: Mapping[str, Any]) -> BoundModel:
        """The program with these data. They are bound anew only when their content changes."""
        arrays = {name: np.asarray(value) for name, value in observations.items()}
        seen = self._seen
        if self._bound is None or not (
            arrays.keys() == seen.keys()
            and all(np.array_equal(array, seen[name]) for name, array in arrays.items())
        ):
            bound = self.model.bind(observations)
            self.guide.check(bound)
            # Copies: the caller may write into the arrays that were given.
            self._seen = {name: array.copy() for name, array in arrays.items()}
            self._bound = bound
        return self._bound


class ELBO:
    """The evidence lower bound E[log p(q, data) − log guide(q)], over `num_particles` draws of the guide.

    The draws are reparameterised (Kingma and Welling 2014), and only their paths are differentiated: the
    score of the guide, which is zero on average, is left out. A guide that matches the posterior then has no
    noise in its value or its gradient (Roeder, Wu and Duvenaud 2017, "Sticking the landing"). All particles
    are evaluated in one batch.
    """

    def __init__(self, num_particles: int = 1) -> None:
        check_count("num_particles", num_particles, 1)
        self.num_particles = num_particles

    def loss(self, bound: BoundModel, guide: Guide) -> Tensor:
        """The negative ELBO, differentiable in the guide's parameters."""
        q = guide.rsample((self.num_particles,))
        return (guide.log_density(q) - bound.log_density(q)).mean()


@dataclass(frozen=True, slots=True)
class SVIProgress:
    """How far a run is: `done` of `total` steps, and the mean `elbo` of those since the last report."""

    done: int
    total: int
    elbo: float


@dataclass(frozen=True, eq=False, slots=True)
class SVIResult:
    """What a run did: the ELBO estimated before each step (step), and whether it had levelled off.

    Whether the guide matches the posterior is another question: `SVI.check` answers it.
    """

    elbo: NDArray[np.float64] = field(repr=False)
    converged: bool
    cancelled: bool


def levelled_off(trace: NDArray[np.float64], tolerance: float) -> bool:
    """Whether the means of the last two quarters of a trace (step) are within `tolerance` of each other.

    They are compared with a standard error added. The quarters grow with the run, so that slow progress
    shows against the noise: a run twice as long would gain little.
    """
    quarter = len(trace) // 4
    before, after = trace[-2 * quarter : -quarter], trace[-quarter:]
    error = math.sqrt((before.var(ddof=1) + after.var(ddof=1)) / quarter)
    return bool(abs(after.mean() - before.mean()) + error <= tolerance)
