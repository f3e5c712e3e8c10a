"""What a Markov chain does at each step, as the user sets it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from quivers.errors import QvrError
from quivers.inference.mass_matrix import DENSE, DIAGONAL, FISHER, IDENTITY, LOW_RANK
from quivers.sampling_defaults import DEEPEST, MASS_MATRICES, MAX_TREE_DEPTH, TARGET_ACCEPT

ADAPTATIONS = ("gradients", "draws")


@dataclass(frozen=True, slots=True)
class NUTSKernel:
    """The No-U-Turn Sampler (Hoffman and Gelman 2014) with multinomial weights (Betancourt 2017).

    `target_accept` is the acceptance statistic that warm-up adapts the step size to; a higher one takes
    smaller steps, which diverge less. A trajectory has at most 2^`max_tree_depth` − 1 leapfrog steps.

    `mass_matrix` is what warm-up adapts: "diagonal"; "dense"; "low_rank", a diagonal corrected along the
    directions that are most correlated; or "identity" for nothing. A diagonal is estimated by `adapt_from`:
    "gradients", from draws and gradients in overlapping windows as nutpie does, or "draws", from draws alone
    in Stan's windows. A dense one is always estimated from draws, a low-rank one from gradients too.
    """

    target_accept: float = TARGET_ACCEPT
    max_tree_depth: int = MAX_TREE_DEPTH
    mass_matrix: str = "diagonal"
    adapt_from: str = "gradients"

    def __post_init__(self) -> None:
        _check_adaptation(self.target_accept, self.mass_matrix, self.adapt_from)
        if not (_is_count(self.max_tree_depth) and 1 <= self.max_tree_depth <= DEEPEST):
            raise QvrError(
                f"max_tree_depth must be a whole number from 1 to {DEEPEST}, it is {self.max_tree_depth!r}."
            )


@dataclass(frozen=True, slots=True)
class HMCKernel:
    """Hamiltonian Monte Carlo with trajectories of a set length (Neal 2011).

    `trajectory_length` is a time: the number of leapfrog steps is that over the step size, and varies by a
    fifth either way from one trajectory to the next, so that none fits a period of the posterior; at most
    1024. π/2 takes a normal posterior, whose scales the mass matrix has, to an independent point.
    `num_steps` sets the number itself instead. `step_size` fixes it; by default warm-up adapts it to
    `target_accept`. The other settings are `NUTSKernel`'s, which has no length to choose.
    """

    step_size: float | None = None
    trajectory_length: float = math.pi / 2
    num_steps: int | None = None
    target_accept: float = TARGET_ACCEPT
    mass_matrix: str = "diagonal"
    adapt_from: str = "gradients"

    def __post_init__(self) -> None:
        _check_adaptation(self.target_accept, self.mass_matrix, self.adapt_from)
        for name in ("step_size", "trajectory_length"):
            value = getattr(self, name)
            if name == "step_size" and value is None:
                continue
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not (number and 0.0 < value < math.inf):
                raise QvrError(f"{name} must be a positive number, it is {value!r}.")
        if self.num_steps is not None:
            check_count("num_steps", self.num_steps, 1)


Kernel = NUTSKernel | HMCKernel


def kernel_of(
    algorithm: str, *, target_accept: float, mass_matrix: str, max_tree_depth: int | None
) -> Kernel:
    """The kernel that a command or a message asks for: "nuts" or "hmc"; a depth of None is the default."""
    if algorithm == "nuts":
        depth = MAX_TREE_DEPTH if max_tree_depth is None else max_tree_depth
        return NUTSKernel(target_accept, depth, mass_matrix)
    if max_tree_depth is not None:
        raise QvrError("HMC builds no trees, so it takes no greatest tree depth.")
    return HMCKernel(target_accept=target_accept, mass_matrix=mass_matrix)


def metric_kind(kernel: Kernel) -> int:
    """The kind of metric by `mass_matrix`'s number."""
    if kernel.mass_matrix == "diagonal":
        return FISHER if kernel.adapt_from == "gradients" else DIAGONAL
    return {"identity": IDENTITY, "dense": DENSE, "low_rank": LOW_RANK}[kernel.mass_matrix]


def check_count(name: str, value: object, least: int) -> None:
    """Refuses an argument that is not a whole number of at least `least`, or that nothing could hold."""
    if not (_is_count(value) and value >= least):  # type: ignore[operator]
        hint = f": take int({name})" if isinstance(value, np.integer) and value >= least else ""
        raise QvrError(f"{name} must be a whole number of at least {least}, it is {value!r}{hint}.")
    if value >= 2**31:  # type: ignore[operator]
        raise QvrError(f"{name} must be below 2³¹, it is {value}.")


def check_seed(value: object) -> None:
    """Refuses a seed that is neither None nor a whole number from 0 to 2⁶⁴ − 1."""
    if value is None:
        return
    if not (_is_count(value) and value >= 0):  # type: ignore[operator]
        hint = ": take int(seed)" if isinstance(value, np.integer) and value >= 0 else ""
        raise QvrError(f"seed must be a whole number of at least 0, it is {value!r}{hint}.")
    if value >= 2**64:  # type: ignore[operator]
        raise QvrError(f"seed must be below 2⁶⁴, it is {value}.")


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Refuses an argument that is none of `choices`."""
    if not (isinstance(value, str) and value in choices):
        quoted = ", ".join(f'"{choice}"' for choice in choices)
        raise QvrError(f"{name} must be one of {quoted}, it is {value!r}.")


def _check_adaptation(target_accept: object, mass_matrix: object, adapt_from: object) -> None:
    if not (isinstance(target_accept, (int, float)) and 0.0 < target_accept < 1.0):
        raise QvrError(f"target_accept must lie between 0 and 1, it is {target_accept!r}.")
    check_choice("mass_matrix", mass_matrix, MASS_MATRICES)
    check_choice("adapt_from", adapt_from, ADAPTATIONS)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
