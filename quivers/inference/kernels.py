"""What a Markov chain does at each step, as the user sets it."""

from __future__ import annotations

from dataclasses import dataclass

from quivers.errors import QvrError
from quivers.inference.mass_matrix import KINDS
from quivers.sampling_defaults import TARGET_ACCEPT

DEEPEST = 20


@dataclass(frozen=True, slots=True)
class NUTSKernel:
    """The No-U-Turn Sampler (Hoffman and Gelman 2014) with multinomial weights (Betancourt 2017).

    `target_accept` is the acceptance statistic that warm-up adapts the step size to; a higher one takes
    smaller steps, which diverge less. A trajectory has at most 2^`max_tree_depth` − 1 leapfrog steps.
    `mass_matrix` is what warm-up adapts: "diagonal", "dense", or "identity" for nothing.
    """

    target_accept: float = TARGET_ACCEPT
    max_tree_depth: int = 10
    mass_matrix: str = "diagonal"

    def __post_init__(self) -> None:
        if not (isinstance(self.target_accept, (int, float)) and 0.0 < self.target_accept < 1.0):
            raise QvrError(f"target_accept must lie between 0 and 1, it is {self.target_accept!r}.")
        if not (_is_count(self.max_tree_depth) and 1 <= self.max_tree_depth <= DEEPEST):
            raise QvrError(
                f"max_tree_depth must be a whole number from 1 to {DEEPEST}, it is {self.max_tree_depth!r}."
            )
        if self.mass_matrix not in KINDS:
            kinds = ", ".join(f'"{kind}"' for kind in KINDS)
            raise QvrError(f"mass_matrix must be one of {kinds}, it is {self.mass_matrix!r}.")


def check_count(name: str, value: object, least: int) -> None:
    """Refuses an argument that is not a whole number of at least `least`."""
    if not (_is_count(value) and value >= least):  # type: ignore[operator]
        raise QvrError(f"{name} must be a whole number of at least {least}, it is {value!r}.")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
