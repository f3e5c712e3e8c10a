"""What a program's prior says, and what it would observe: draws of every site before any data are seen."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from quivers.backends.blocks import points_at_once
from quivers.backends.torch.series import NotASeriesError, used_before_drawn
from quivers.errors import QvrError
from quivers.families.table import FAMILIES
from quivers.inference.arguments import check_kind, check_model, check_names
from quivers.inference.draw_count import draws_to_take
from quivers.inference.kept_sites import MOST_NUMBERS_OF_A_LET
from quivers.inference.kernels import check_count, check_seed
from quivers.ir.graph import Density, axis_size, object_of
from quivers.ir.simplify import depends_on
from quivers.results import PriorDraws

if TYPE_CHECKING:
    from quivers.backends.torch.bound import BoundModel
    from quivers.backends.torch.module import ProgramModule

PRIOR_DRAWS = 1_000

Array = np.ndarray[Any, np.dtype[np.float64]]


def prior_predictive(
    model: ProgramModule,
    observations: Mapping[str, Any],
    *,
    draws: int,
    seed: int,
    sites: Collection[str] | None = None,
) -> PriorDraws:
    """Draws all latents of `model` from their priors, and with them what it would observe and its lets.

    `observations` needs the program's inputs; of what is observed nothing is used but the number of its
    elements. A series that is regressed on its own past is drawn place by place; where its `[where=…]` leaves
    places out, their values are the data's. Where a step uses observed values that don't come before it, each
    element is drawn given the data, and a problem says so. What a `marginalize` block sums out is drawn too.
    Lets that hang on no latent are left out. With `sites` those alone are kept, and no more memory is taken
    than theirs and that of a block of draws. The same `seed` gives the same draws.

    Raises:
        DataError: an input is missing or does not fit.
        QvrError: a prior is improper, there is none of these sites, or one can't be drawn.
    """
    check_model(model)
    check_count("draws", draws, 1)
    check_kind("seed", seed, int, "a whole number")
    check_seed(seed)
    density = model.density
    _require_proper(density)
    bound = model.bind(observations, require_observed=False)
    given: list[str] = []
    shown = _shown(density, sites)
    try:
        samples = _drawn(model, observations, draws, seed, shown, bound)
    except NotASeriesError:
        given = used_before_drawn(density)
        samples = _drawn(model, observations, draws, seed, shown, bound, given)
    axes = {name: density.nodes[number].axes for name, number in density.deterministic.items()}
    roles: dict[str, Literal["latent", "observed", "let"]] = dict.fromkeys(axes, "let")
    for step in density.draws:
        axes[step.site] = step.axes
        roles[step.site] = "observed" if step.observed else "latent"
    data = _observed(bound, [name for name in shown if roles[name] == "observed"])
    return PriorDraws(
        program=density.program,
        draws=draws,
        samples=samples,
        roles={name: roles[name] for name in shown},
        axes={name: tuple(object_of(axis) for axis in axes[name]) for name in shown},
        data=data,
        problems=(
            *_scores(density),
            *(
                f"Each element of {name} is drawn given the data: the program uses them before it draws them."
                for name in given
            ),
            *_not_finite(samples),
            *_unexpected(samples, data),
        ),
        levels=bound.levels,
    )


def prior_overview(
    model: ProgramModule,
    observations: Mapping[str, Any],
    *,
    seed: int,
    draws: int | None = None,
    sites: Collection[str] = (),
) -> PriorDraws:
    """The same without lets of more than 1,000 numbers but those in `sites`; `left_out` has their sizes.

    Without `draws`, 1,000 are taken, or so many as make 20 million numbers.

    Raises:
        QvrError: as `prior_predictive`, or `draws` would take more memory than 4 GiB.
    """
    check_model(model)
    sizes = model.bind(observations, require_observed=False).sizes
    _shown(model.density, sites)  # which refuses unknown ones
    known = _shown(model.density, None)
    numbers = {
        name: math.prod(axis_size(axis, sizes) for axis in own)
        for name, own in _axes(model.density).items()
        if name in known
    }
    lets = model.density.deterministic.keys() - {step.site for step in model.density.draws}
    wide = {
        name: count
        for name, count in numbers.items()
        if name in lets and name not in sites and count > MOST_NUMBERS_OF_A_LET
    }
    each = sum(numbers.values()) - sum(wide.values())
    draws = draws_to_take(each, PRIOR_DRAWS, draws)
    kept = [name for name in numbers if name not in wide]
    found = prior_predictive(model, observations, draws=draws, seed=seed, sites=kept)
    return replace(found, left_out=wide)


def _axes(density: Density) -> dict[str, tuple[str, ...]]:
    lets = {name: density.nodes[number].axes for name, number in density.deterministic.items()}
    return lets | {step.site: step.axes for step in density.draws}


def _shown(density: Density, sites: Collection[str] | None) -> list[str]:
    """The sites to keep draws of, in the order of draws and then lets."""
    moves = depends_on(density.nodes, frozenset({"site"}))
    drawn = [step.site for step in density.draws]
    lets = [name for name, number in density.deterministic.items() if moves[number]]
    known = list(dict.fromkeys([*drawn, *lets]))
    if sites is not None:
        check_names("sites", sites)
    for name in sites or ():
        if name not in known:
            there = ", ".join(f"`{each}`" for each in known)
            raise QvrError(f"The prior has no draws of `{name}`, only of {there}.")
    return [name for name in known if sites is None or name in sites]


def _drawn(
    model: ProgramModule,
    observations: Mapping[str, Any],
    draws: int,
    seed: int,
    names: Sequence[str],
    bound: BoundModel,
    kept: Collection[str] = (),
) -> dict[str, Array]:
    """Draws of `names`, (draw, *axes) each, a block of draws at a time."""
    nodes = bound.density.nodes
    block = points_at_once(nodes, range(len(nodes)), bound.sizes, frozenset({"site", "input"}))
    generator = torch.Generator().manual_seed(seed % 2**63)
    samples: dict[str, Array] = {}
    with torch.no_grad():
        for start in range(0, draws, block):
            count = min(block, draws - start)
            found = model.rsample(observations, (count,), generator, kept)
            for name in names:
                values = found[name].cpu().numpy()
                if name not in samples:
                    samples[name] = np.empty((draws, *values.shape[1:]))
                samples[name][start : start + count] = values
    return samples


def _require_proper(density: Density) -> None:
    improper = [step for step in density.draws if not FAMILIES[step.family].sampler]
    if improper:
        names = _listed([f"`{step.site}`" for step in improper])
        families = _listed(sorted({step.family for step in improper}))
        one = len(improper) == 1
        raise QvrError(
            f"The prior can't be drawn from: {names} {'has' if one else 'have'} the improper prior"
            f" {families}, which spreads over all numbers alike. Give"
            f" {'it' if one else 'them'} a proper prior, such as a wide Normal."
        )


def _listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _observed(bound: BoundModel, names: list[str]) -> dict[str, Array]:
    """The given values of what is observed, missing ones left out."""
    values = bound.inputs
    return {
        name: found[np.isfinite(found)]
        for name, found in ((name, np.asarray(values[name])) for name in names if name in values)
    }


def _scores(density: Density) -> list[str]:
    names = [f"`{term.site}`" for term in density.terms if term.kind == "score"]
    if not names:
        return []
    return [f"Prior draws take no account of the program's scores: {', '.join(names)}."]


def _not_finite(samples: Mapping[str, Array]) -> list[str]:
    found = []
    for name, values in samples.items():
        bad = int(np.count_nonzero(~np.isfinite(values).reshape(len(values), -1).all(axis=1)))
        if bad:
            found.append(
                f"In {bad} of {len(values)} draws from the prior {name} is not finite: look for an overflow"
                " or a division by 0 where it is drawn or computed, or give its scale a tighter prior."
            )
    return found


def _unexpected(samples: Mapping[str, Array], data: Mapping[str, Array]) -> list[str]:
    """Observed values that no draw comes near to, whichever element it is of."""
    found = []
    for name, values in data.items():
        with np.errstate(invalid="ignore"):
            low, high = np.nanmin(samples[name]), np.nanmax(samples[name])
        outside = int(np.count_nonzero((values < low) | (values > high)))
        if outside:
            subject = (
                f"The observed value of {name} lies"
                if values.size == 1
                else f"{outside} of the {values.size} observed values of {name}"
                f" {'lies' if outside == 1 else 'lie'}"
            )
            found.append(
                f"{subject} beyond all that the prior draws, {low:.4g} to {high:.4g}: the priors rule the"
                " data out."
            )
    return found
