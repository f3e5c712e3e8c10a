"""Stochastic variational inference: a guide moved towards the posterior by gradient steps on the ELBO."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from quivers.backends.torch.minibatch import Subsampling
from quivers.errors import QvrError
from quivers.inference.arguments import (
    check_by_name,
    check_kind,
    check_model,
    check_positive,
    check_watching,
    contents,
    same_contents,
)  # fmt: skip
from quivers.inference.compiled_svi_run import CompiledSteps, why_not
from quivers.inference.engine import Engine
from quivers.inference.guide_checks import NO_SPREAD, guide_k, log_weights_of, problems
from quivers.inference.guides import Guide
from quivers.inference.kernels import check_choice, check_count
from quivers.inference.objectives import ELBO, Objective
from quivers.inference.svi_density import (
    KernelDensity,
    LogDensity,
    OwnScale,
    checked_engine,
    loss_not_finite,
    slope_not_finite,
)  # fmt: skip
from quivers.notebook.rows import Problems
from quivers.sampling_defaults import ENGINE, ENGINES

if TYPE_CHECKING:
    from quivers.backends.torch.bound import BoundModel
    from quivers.backends.torch.module import ProgramModule

StepEngine = Literal["compiled", "kernel", "torch"]

# A run may end after so many steps, and looks whether it has converged every so many, or every
# twentieth of a longer run.
FEWEST_STEPS = 200
BETWEEN_LOOKS = 50
# Seconds between two reports of progress.
BETWEEN_REPORTS = 0.1
# Draws of the guide that its check weighs.
CHECK_DRAWS = 10_000
SUBSAMPLE = '{"Row": 256}'


class SVI:
    """Fits `guide` to the posterior of `model`: by `run`, or one `step` of `optimizer` at a time.

    `engine` says what computes the log density, as `MCMC`'s does: "kernel", machine code made of the program
    and held against torch at draws of the guide; "torch"; or "auto", the kernel wherever it can be built.

    Raises `QvrError` where the arguments are not these, or the optimiser moves nothing of the guide.
    """

    def __init__(
        self,
        model: ProgramModule,
        guide: Guide,
        optimizer: torch.optim.Optimizer,
        elbo: Objective,
        *,
        engine: str = ENGINE,
    ) -> None:
        check_choice("engine", engine, ENGINES)
        check_model(model)
        check_kind("guide", guide, Guide, "a guide, such as AutoNormalGuide(model)")
        if isinstance(elbo, type) or not callable(getattr(elbo, "loss", None)):
            check_kind("elbo", elbo, (), "a bound to make large, such as ELBO(num_particles=1)")
        _check_optimizer(optimizer, guide)
        self.model = model
        self.guide = guide
        self.optimizer = optimizer
        self.elbo = elbo
        self.engine = engine
        self._bound: BoundModel | None = None
        self._engine: Engine | None = None
        self._density: LogDensity | None = None
        self._compiled: CompiledSteps | None = None
        self._subsampling: Subsampling | None = None
        self._seen: dict[str, np.ndarray] | None = None
        self._trace: NDArray[np.float64] = np.empty(0)

    def step(
        self,
        x: Any = None,
        observations: Mapping[str, Any] | None = None,
        *,
        subsample: Mapping[str, int] | None = None,
    ) -> float:
        """One step; returns the loss, the negative ELBO (or other bound) estimated before it.

        `x` is a value of the program's domain, which no program reads yet. The randomness is torch's global
        generator's. `subsample` is as in `run`. Raises `DataError` where the observations do not fit,
        `SamplingError` where the loss is not finite, the parameters then being left as they were.
        """
        check_by_name("subsample", subsample, SUBSAMPLE)
        density = self._densities(self._bind({} if observations is None else observations), subsample)
        if self._why_not(None, subsample) is not None:
            return self._step(density())
        assert self._engine is not None
        particles = self.elbo.num_particles
        if self._compiled is None or not self._compiled.are_of(self.guide, self.optimizer, particles):
            self._compiled = CompiledSteps(
                self._engine.density, self.guide, self.optimizer, particles=particles
            )
        noise = torch.randn(particles, self.guide.dimension, dtype=torch.float64)
        return self._compiled.step(noise.numpy())

    def run(
        self,
        steps: int,
        x: Any = None,
        observations: Mapping[str, Any] | None = None,
        *,
        tolerance: float | None = 0.02,
        schedule: torch.optim.lr_scheduler.LRScheduler | None = None,
        subsample: Mapping[str, int] | None = None,
        progress: bool | Callable[[SVIProgress], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> SVIResult:
        """Up to `steps` steps; ends sooner where the ELBO has levelled off.

        It has where its means over the last two quarters of the run differ by no more than `tolerance` (in
        nats), the standard error of their difference included. The noisier its estimates, the longer that
        takes; `tolerance=None` takes every step. `schedule` changes the optimiser's learning rate after each
        step. `progress=True` draws a bar where standard error is a terminal, and nothing elsewhere; a
        function is called in this thread, about ten times a second and at the end. Setting `cancel` ends the
        run within a tenth of a second, or after the step being taken where that is longer.

        `subsample={"Row": 256}` takes 256 elements of `Row` for each step, in a new random order each time
        all have had their turn, and counts what they say for all of `Row`, so that the ELBO and its gradient
        are right on average. Latents over `Row` are moved at the chosen elements alone where the guide is
        mean-field; other guides are sampled whole. Only the `ELBO` allows it, and only objects whose elements
        do not depend on one another.

        The steps are compiled where there is a kernel, the guide is mean-field or full-rank, the optimiser a
        plain Adam, AdamW or SGD over its parameters and the objective `ELBO`; they draw by a seed that
        torch's global generator gives, so `torch.manual_seed` governs. Guide and optimiser are then as `step`
        would have left them, and it can go on from there. The result's `engine` and `engine_reason` tell.

        Raises as `step` does, and `QvrError` for arguments that make no sense.
        """
        check_count("steps", steps, 1)
        if tolerance is not None:
            check_positive("tolerance", tolerance, " or None")
        check_by_name("subsample", subsample, SUBSAMPLE)
        check_watching(progress, cancel)
        _check_schedule(schedule, self.optimizer)
        bound = self._bind({} if observations is None else observations)
        taking, engine, reason = self._steps(bound, schedule, subsample)
        if progress is True:
            from quivers.terminal.fitting import fitting

            with fitting(sys.stderr) as shown:
                return self._run(bound, taking, steps, tolerance, shown, cancel, engine, reason)
        reporter = None if isinstance(progress, bool) else progress
        return self._run(bound, taking, steps, tolerance, reporter, cancel, engine, reason)

    def _run(
        self,
        bound: BoundModel,
        taking: Steps,
        steps: int,
        tolerance: float | None,
        progress: Callable[[SVIProgress], None] | None,
        cancel: threading.Event | None,
        engine: StepEngine,
        reason: str | None,
    ) -> SVIResult:
        trace = self._trace = np.full(steps, np.nan)
        done, converged, reported, shown, look = 0, False, time.monotonic(), 0, FEWEST_STEPS
        if tolerance is None:
            look = steps
        try:
            while done < steps and not converged and not (cancel is not None and cancel.is_set()):
                made = taking.take(min(look, steps) - done, BETWEEN_REPORTS / 2)
                trace[done : done + len(made)] = made
                done += len(made)
                if tolerance is not None and done == look:
                    converged = levelled_off(trace[:done], tolerance)
                    look += max(BETWEEN_LOOKS, done // 20)
                if progress is not None and time.monotonic() - reported >= BETWEEN_REPORTS:
                    taking.write_back()
                    progress(SVIProgress(done, steps, float(trace[shown:done].mean())))
                    reported, shown = time.monotonic(), done
        finally:
            taking.write_back()
        if progress is not None and shown < done:
            progress(SVIProgress(done, steps, float(trace[shown:done].mean())))
        self._trace = trace[:done]
        self.guide.finish(bound)
        cancelled = done < steps and not converged
        return SVIResult(trace[:done].copy(), converged, cancelled, engine, reason)

    def pareto_k(
        self, observations: Mapping[str, Any] | None = None, num_samples: int = CHECK_DRAWS
    ) -> float:
        """k̂ of the guide as it is: above 0.7 it does not match the posterior (`quivers.inference.psis`).

        Without `observations`, those last given. It takes `num_samples` draws of the guide, by torch's
        global generator. Raises `DataError` where the observations do not fit.
        """
        return guide_k(self._given(observations), self.guide, num_samples)

    def check(self, observations: Mapping[str, Any] | None = None) -> Problems:
        """A sentence where the guide does not match the posterior, with what to do; none where it does.

        It does not match where k̂ is above 0.7, unless the weights of 10,000 draws are so nearly equal that
        they move no mean by more than a tenth of its standard deviation. Where the last run went down again
        for too high a rate, that is said first. Arguments, randomness and errors are `pareto_k`'s.
        """
        if not self.guide.has_spread:
            return Problems((NO_SPREAD,))
        bound = self._given(observations)
        weights = log_weights_of(bound, self.guide, CHECK_DRAWS)
        return Problems(problems(self.guide, bound, weights, self._trace))

    def _given(self, observations: Mapping[str, Any] | None) -> BoundModel:
        """The program with these data, or those last given."""
        bound = self._bound if observations is None else None
        return bound or self._bind({} if observations is None else observations)

    def _steps(
        self,
        bound: BoundModel,
        schedule: torch.optim.lr_scheduler.LRScheduler | None,
        subsample: Mapping[str, int] | None,
    ) -> tuple[Steps, StepEngine, str | None]:
        """What takes a run's steps, its name, and why it is not compiled code."""
        densities = self._densities(bound, subsample)
        reason = self._why_not(schedule, subsample)
        if reason is not None:
            told = None if self.engine == "torch" else reason
            whole = not subsample and not self.guide.own_scale
            name: StepEngine = self._engine.name if whole and self._engine is not None else "torch"
            return _TorchSteps(self, densities, schedule), name, told
        assert self._engine is not None
        seed = int(torch.randint(2**62, ()).item())
        compiled = CompiledSteps(
            self._engine.density, self.guide, self.optimizer, schedule,
            particles=self.elbo.num_particles, seed=seed,
        )  # fmt: skip
        return compiled, "compiled", None

    def _why_not(
        self,
        schedule: torch.optim.lr_scheduler.LRScheduler | None,
        subsample: Mapping[str, int] | None,
    ) -> str | None:
        """Why steps are not compiled, once the engine is known."""
        if subsample:
            return "There are no compiled steps for minibatches"
        if self.guide.own_scale:
            return f"There are no compiled steps for {type(self.guide).__name__}"
        assert self._engine is not None
        if self._engine.name == "torch":
            return self._engine.reason or "Torch was asked for"
        if type(self.elbo) is not ELBO:
            return f"There are no compiled steps for {type(self.elbo).__name__}"
        return why_not(self.guide, self.optimizer, schedule)

    def _step(self, density: LogDensity) -> float:
        self.optimizer.zero_grad()
        loss = self.elbo.loss(density, self.guide)
        if not loss.requires_grad:
            raise QvrError(
                "The loss has no gradient: take steps outside torch.no_grad() and torch.inference_mode(),"
                " with guide parameters of which some require a gradient."
            )
        value = float(loss.detach())
        if not np.isfinite(value):
            raise loss_not_finite(value)
        loss.backward()  # type: ignore[no-untyped-call]
        if not all(bool(p.grad.isfinite().all()) for p in self.guide.parameters() if p.grad is not None):
            raise slope_not_finite()
        self.optimizer.step()
        return value

    def _densities(self, bound: BoundModel, subsample: Mapping[str, int] | None) -> Callable[[], LogDensity]:
        """What gives each step the log density that it takes: the whole one, or a new minibatch's."""
        if subsample:
            if not self.elbo.linear:
                raise QvrError(
                    f"{type(self.elbo).__name__} can't be estimated from a minibatch: the mean over"
                    " minibatches of a logarithm is not the logarithm of the mean. Take ELBO, or leave out"
                    " subsample."
                )
            if self.guide.own_scale:
                raise QvrError(
                    f"{type(self.guide).__name__} takes all data at each step: leave out subsample."
                )
            if self._subsampling is None or self._subsampling.counts != dict(subsample):
                self._subsampling = Subsampling(bound, subsample)
            return self._subsampling.draw
        density = OwnScale(bound) if self.guide.own_scale else self._log_density(bound)
        return lambda: density

    def _log_density(self, bound: BoundModel) -> LogDensity:
        """The program's log density with these data, by the engine that was chosen."""
        if self._density is None:
            self._engine = checked_engine(self.engine, self.model.density, bound, self.guide)
            self._density = bound if self._engine.name == "torch" else KernelDensity(self._engine.density)
        return self._density

    def _bind(self, observations: Mapping[str, Any]) -> BoundModel:
        """The program with these data. They are bound anew only when their content changes."""
        now = contents(observations)
        if self._bound is None or not same_contents(self._seen, now):
            bound = self.model.bind(observations)
            self.guide.check(bound)
            self.guide.fitted_to = bound
            # Copies: the caller may write into the arrays that were given.
            self._seen = now
            self._bound, self._density, self._compiled, self._subsampling = bound, None, None, None
        return self._bound


class Steps(Protocol):
    """What takes the steps of a run."""

    def take(self, most: int, seconds: float) -> NDArray[np.float64]:
        """The ELBO before each of the next steps: at most so many, and those that take about that time."""

    def write_back(self) -> None:
        """Gives the guide and the optimiser what they have after the steps taken."""


@dataclass(frozen=True, slots=True)
class _TorchSteps:
    """Steps by torch, one at a time."""

    svi: SVI
    densities: Callable[[], LogDensity]
    schedule: torch.optim.lr_scheduler.LRScheduler | None

    def take(self, most: int, seconds: float) -> NDArray[np.float64]:
        elbo = -self.svi._step(self.densities())
        if self.schedule is not None:
            self.schedule.step()
        return np.array([elbo])

    def write_back(self) -> None:
        """Torch's steps are taken in place."""


@dataclass(frozen=True, slots=True)
class SVIProgress:
    """How far a run is: `done` of `total` steps, and the mean `elbo` of those since the last report."""

    done: int
    total: int
    elbo: float


@dataclass(frozen=True, eq=False, slots=True)
class SVIResult:
    """What a run did: the ELBO estimated before each step (step), and whether it had levelled off.

    Whether the guide matches the posterior is another question: `SVI.check` answers it. `engine` says what
    took the steps: "compiled" is machine code throughout; with "kernel" it computed the log density and torch
    did the rest; `engine_reason` says why steps were not compiled where that was looked for.
    """

    elbo: NDArray[np.float64] = field(repr=False)
    converged: bool
    cancelled: bool
    engine: StepEngine = "torch"
    engine_reason: str | None = None

    def __repr__(self) -> str:
        from quivers.notebook.posterior import elbo_text

        told = elbo_text(self.elbo, converged=self.converged, cancelled=self.cancelled)
        return f"SVI: {told}; engine {self.engine}"

    def _repr_html_(self) -> str:
        from quivers.notebook.posterior import curve

        return f'<div class="qvr-svi"><p>{self!r}</p>{curve(self.elbo)}</div>'


def _check_optimizer(optimizer: object, guide: Guide) -> None:
    check_kind("optimizer", optimizer, torch.optim.Optimizer, "one of torch.optim's, such as Adam")
    if isinstance(optimizer, torch.optim.LBFGS):
        raise QvrError(
            "LBFGS can't follow a loss that is drawn anew at each evaluation: take Adam, or for a mode the"
            " find_mode of AutoDeltaGuide."
        )
    assert isinstance(optimizer, torch.optim.Optimizer)
    moved = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    if not any(id(parameter) in moved for parameter in guide.parameters()):
        raise QvrError("The optimiser has none of the guide's parameters: make it of guide.parameters().")


def _check_schedule(schedule: object, optimizer: torch.optim.Optimizer) -> None:
    if schedule is None:
        return
    wanted = "one of torch.optim.lr_scheduler's that counts steps, such as ExponentialLR"
    check_kind("schedule", schedule, torch.optim.lr_scheduler.LRScheduler, wanted)
    if isinstance(schedule, torch.optim.lr_scheduler.ReduceLROnPlateau):
        raise QvrError(f"schedule must be {wanted}; ReduceLROnPlateau waits for a figure that is not noisy.")
    if getattr(schedule, "optimizer", optimizer) is not optimizer:
        raise QvrError("The schedule is another optimiser's: make it of the one that SVI was given.")


def levelled_off(trace: NDArray[np.float64], tolerance: float) -> bool:
    """Whether the means of the last two quarters of a trace (step) are within `tolerance` of each other.

    They are compared with a standard error added. The quarters grow with the run, so that slow progress
    shows against the noise: a run twice as long would gain little.
    """
    quarter = len(trace) // 4
    before, after = trace[-2 * quarter : -quarter], trace[-quarter:]
    error = math.sqrt((before.var(ddof=1) + after.var(ddof=1)) / quarter)
    return bool(abs(after.mean() - before.mean()) + error <= tolerance)
