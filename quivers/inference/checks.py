"""What is wrong with a run, in sentences, with the latent that is responsible, and what to do about it.

The limits are those of Vehtari et al. (2021), doi:10.1214/20-BA1221, for R-hat and effective sizes, and of
Betancourt (2016), "Diagnosing suboptimal cotangent disintegrations in Hamiltonian Monte Carlo", for E-BFMI.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from quivers.inference.blame import apart_in, moving_with
from quivers.inference.chains import per_draw
from quivers.inference.convergence import e_bfmi
from quivers.inference.kernels import NUTSKernel
from quivers.inference.trajectory import DIVERGENT, ENERGY, LOG_DENSITY, SATURATED
from quivers.results import Trouble

if TYPE_CHECKING:
    from quivers.inference.blame import Place
    from quivers.inference.chains import Draws
    from quivers.results import SummaryRow

LARGEST_R_HAT = 1.01
SMALLEST_SIZE = 400
SMALLEST_E_BFMI = 0.3

Names = Mapping[tuple[str | None, tuple[int, ...] | None], str]
"""What each element is called, by its site and its index."""


def troubles(
    draws: Draws,
    rows: Sequence[SummaryRow],
    wanted: int,
    latents: Sequence[Place] = (),
    centred: Sequence[str] = (),
) -> tuple[Trouble, ...]:
    """The problems of a run, the gravest first; none where it looks sound.

    `rows` is the posterior's summary, `wanted` the number of draws that each chain was to keep. `latents`
    has the place of each latent's coordinates; without it, no latent is blamed for divergences or energies.
    `centred` names those that were sampled centred and could be moved.
    """
    stuck = _stuck(draws)
    other_form = _other_form(centred)
    names: Names = {(row.site, row.index): row.name for row in rows if row.index}
    return (
        *_of_course(draws, wanted),
        *(Trouble("stuck", _never_moved(chain)) for chain in stuck),
        *_of_trajectories(draws, latents, names, other_form),
        *_of_energies(draws, stuck, latents, names, other_form),
        *_of_summary(rows, many=draws.positions.shape[0] > 1),
    )


def _stuck(draws: Draws) -> list[int]:
    """Chains whose transitions all ended where they began; a chain of one transition can't show it."""
    values = draws.statistics[..., LOG_DENSITY]
    if values.shape[1] < 2:
        return []
    return [chain for chain in range(len(values)) if (values[chain] == values[chain, 0]).all()]


def _of_course(draws: Draws, wanted: int) -> Iterator[Trouble]:
    if draws.cancelled:
        made = draws.positions.shape[1]
        yield Trouble(
            "cancelled",
            f"The run was cancelled when its chains had {_number(made, 'draw')} of {wanted} each: resume it,"
            " or run it again to the end, before you rely on it.",
        )


def _never_moved(chain: int) -> str:
    return (
        f"Chain {chain + 1} never moved: all its draws are one point, so that nothing is learnt from it."
        " Raise the number of warm-up draws, or start it elsewhere, with another seed or with initial values."
    )


def _other_form(centred: Sequence[str]) -> str:
    """What to do about a funnel."""
    if not centred:
        return "write the model non-centred"
    names = " and ".join(f"`{name}`" for name in centred)
    return f"let warm-up choose the form of {names} (reparameterize: auto)"


def _of_trajectories(
    draws: Draws, latents: Sequence[Place], names: Names, other_form: str
) -> Iterator[Trouble]:
    diverged = int(draws.statistics[..., DIVERGENT].sum())
    saturated = int(draws.statistics[..., SATURATED].sum())
    total = draws.statistics[..., DIVERGENT].size
    if diverged:
        marked = per_draw(draws.statistics, draws.states.thin)[..., DIVERGENT] != 0.0
        site, index = apart_in(marked, draws.positions, latents)
        yield Trouble(
            "divergences",
            f"{_number(diverged, 'transition')} of {total} diverged, so parts of the posterior may be"
            f" missing: raise the target acceptance towards 0.99, or {other_form}.",
            site,
            names.get((site, index)),
            diverged,
        )
    kernel = draws.states.kernel
    if saturated and isinstance(kernel, NUTSKernel):
        depth = kernel.max_tree_depth
        yield Trouble(
            "tree_depth",
            f"{_number(saturated, 'trajectory', 'trajectories')} of {total} stopped at the greatest tree"
            f" depth, {depth}, before turning back, so that draws are slow to become independent: give the"
            f" parameters similar scales and weaker correlations, or raise max_tree_depth to {depth + 2}.",
            count=saturated,
        )
    elif saturated:
        yield Trouble(
            "tree_depth",
            f"{_number(saturated, 'trajectory', 'trajectories')} of {total} stopped at 1024 leapfrog steps,"
            " short of the length asked for: shorten the trajectories, or give the parameters similar"
            " scales.",
            count=saturated,
        )


def _of_energies(
    draws: Draws, stuck: list[int], latents: Sequence[Place], names: Names, other_form: str
) -> Iterator[Trouble]:
    fractions = e_bfmi(draws.statistics[..., ENERGY])
    low = [
        chain for chain, fraction in enumerate(fractions) if fraction < SMALLEST_E_BFMI and chain not in stuck
    ]
    if low:
        least = min(low, key=lambda chain: float(fractions[chain]))
        chains = "Chain" if len(low) == 1 else "Chains"
        explore = "explores" if len(low) == 1 else "explore"
        numbers = ", ".join(str(chain + 1) for chain in low)
        energies = per_draw(draws.statistics, draws.states.thin)[low, :, ENERGY]
        site, index = moving_with(energies, draws.positions[low], latents)
        yield Trouble(
            "e_bfmi",
            f"{chains} {numbers} {explore} the posterior's energies slowly (E-BFMI is {fractions[least]:.2f};"
            f" it should be at least {SMALLEST_E_BFMI}), as with heavy tails or a funnel:"
            f" {other_form}, or give its scales tighter priors.",
            site,
            names.get((site, index)),
            len(low),
        )


def _of_summary(rows: Sequence[SummaryRow], *, many: bool) -> Iterator[Trouble]:
    moving = [row for row in rows if not math.isnan(row.r_hat)]
    worst = max(moving, key=lambda row: row.r_hat, default=None)
    if many and worst is not None and worst.r_hat >= LARGEST_R_HAT:
        count = sum(row.r_hat >= LARGEST_R_HAT for row in moving)
        others = f", the worst of {count}" if count > 1 else ""
        yield Trouble(
            "r_hat",
            f"The chains disagree (R-hat of {worst.name} is {worst.r_hat:.3f}{others}; it should be below"
            f" {LARGEST_R_HAT}): run more warm-up and more draws; if that does not help, the posterior may"
            " have several modes, or parameters that the data can't tell apart.",
            worst.site,
            _element(worst),
            count,
        )
    sized = [row for row in rows if not math.isnan(row.ess_bulk + row.ess_tail)]
    least = min(sized, key=_size, default=None)
    if least is not None and _size(least) < SMALLEST_SIZE:
        yield Trouble(
            "ess",
            f"The draws of {least.name} are worth only {_size(least):.0f} independent ones; {SMALLEST_SIZE}"
            " make its interval reliable: run more draws.",
            least.site,
            _element(least),
            sum(_size(row) < SMALLEST_SIZE for row in sized),
        )
    undefined = [row for row in rows if not np.isfinite(row.mean)]
    if undefined:
        others = f" and of {len(undefined) - 1} more" if len(undefined) > 1 else ""
        first = undefined[0]
        yield Trouble(
            "not_finite",
            f"Some draws of {first.name}{others} are not finite, so it has no mean: look for a division by"
            " 0 or an overflow where it is computed.",
            first.site,
            _element(first),
            len(undefined),
        )


def _element(row: SummaryRow) -> str | None:
    return row.name if row.index else None


def _size(row: SummaryRow) -> float:
    return min(row.ess_bulk, row.ess_tail)


def _number(count: int, one: str, several: str | None = None) -> str:
    return f"{count} {one if count == 1 else several or one + 's'}"
