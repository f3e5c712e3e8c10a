"""Which programs can be calibrated: those whose data can be simulated and whose latents NUTS can sample."""

from __future__ import annotations

from quivers.dsl import Program
from quivers.errors import QvrError
from quivers.families.table import FAMILIES
from quivers.ir.graph import Density

NO_SIMULATION = "QVR901"
NO_OBSERVATION = "QVR706"
DISCRETE = "QVR702"


class UnsuitableError(QvrError):
    """A program that can't be calibrated, and why; `site` is responsible, None for the program as a whole.

    `hint` says what to do.
    """

    def __init__(self, code: str, site: str | None, message: str, hint: str) -> None:
        super().__init__(f"{message} {hint}")
        self.code = code
        self.site = site
        self.message = message
        self.hint = hint


def require_suitable(program: Program, density: Density) -> None:
    """Raises UnsuitableError for the first reason why the program can't be calibrated."""
    for step in density.draws:
        if step.observed:
            continue
        if not FAMILIES[step.family].sampler:
            raise UnsuitableError(
                NO_SIMULATION, step.site,
                f"`{step.site}` has the improper prior {step.family}, from which nothing can be drawn, so no"
                " data can be simulated.",
                "Give it a proper prior, such as a wide Normal.",
            )  # fmt: skip
        if FAMILIES[step.family].discrete and not step.summed:
            raise UnsuitableError(
                DISCRETE, step.site,
                f"`{step.site}` is discrete, and NUTS, whose draws are to be checked, can't sample it.",
                "Sum it out with `marginalize`.",
            )  # fmt: skip
    for term in density.terms:
        if term.kind == "score":
            raise UnsuitableError(
                NO_SIMULATION, term.site,
                f"`{term.site}` is a score, which weighs the posterior and says nothing of how data arise,"
                " so no data can be simulated.",
                "Write it as `observe` of an input, or leave it out while you calibrate.",
            )  # fmt: skip
    observed = [step for step in density.draws if step.observed]
    if not observed:
        raise UnsuitableError(
            NO_OBSERVATION, None,
            f"`{density.program}` observes nothing, so there is no posterior to check.",
            "`observe` an input.",
        )  # fmt: skip
    if not density.latents:
        raise UnsuitableError(
            NO_OBSERVATION, None,
            f"`{density.program}` samples nothing, so there is no posterior to check.",
            "`sample` what is to be inferred.",
        )  # fmt: skip
    for name in (entry.name for entry in program.program.inputs if entry.observed):
        if name not in {step.site for step in observed}:
            raise UnsuitableError(
                NO_SIMULATION, None,
                f"`{name}` is observed, but nothing says how it is drawn, so it can't be simulated.",
                "Give its distribution in the `observe` step.",
            )  # fmt: skip
