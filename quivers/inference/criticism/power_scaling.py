"""Do the prior and the data decide the posterior together: its sensitivity to raising either to a power.

After Kallioinen, Paananen, Bürkner and Vehtari 2024, "Detecting and diagnosing prior and likelihood
sensitivity with power-scaling", doi:10.1007/s11222-023-10366-5. No refit: draws are weighted by
importance, and the change of each quantity is the cumulative Jensen-Shannon distance of Nguyen and Vreeken
2015 between its draws before and after.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from quivers.element_names import axis_labels, element_names, labels
from quivers.errors import QvrError
from quivers.inference.arguments import check_result
from quivers.ir.graph import Density
from quivers.ir.simplify import needed

if TYPE_CHECKING:
    from quivers.inference.mcmc_result import MCMCResult

# So close to 1 the weights are nearly equal, and the slope is that at 1.
POWER = 1.01
SENSITIVE = 0.05
# Log densities are worked out for so many draws at a time.
AT_A_TIME = 500

Diagnosis = Literal["", "prior-data conflict", "strong prior or weak likelihood"]


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """How far one quantity moves when the prior or the likelihood is raised to a power, per doubling of it.

    Both are slopes at the power 1 of the cumulative Jensen-Shannon distance; from 0.05 on they count. A prior
    that counts where the likelihood does not is strong, or the data say little; where both count, they pull
    in different directions or share the decision.
    """

    name: str
    prior: float
    likelihood: float
    diagnosis: Diagnosis


def power_scaling(result: MCMCResult, priors: Collection[str] | None = None) -> tuple[Sensitivity, ...]:
    """The sensitivity of each number of each site.

    `priors` are the latents whose priors are scaled. By default those whose distribution hangs on no other
    latent: what lies between them and the data, such as the effects of groups, is part of the model and not
    of what was believed before.

    Raises:
        QvrError: `priors` names no latent, the program observes nothing, or there are fewer than 100 draws.
    """
    check_result("result", result)
    density = result.run.bound.density
    chosen = _chosen(density, result.latents, priors)
    if not any(term.kind == "likelihood" for term in density.terms):
        raise QvrError("The program observes nothing, so there is no likelihood to scale.")
    if result.divergences.numel() < 100:
        raise QvrError(
            f"Sensitivity needs at least 100 draws, the run has {result.divergences.numel()}: draw more."
        )
    prior, likelihood = _log_densities(result, chosen)
    bound = result.run.bound
    axes = result.axes
    own = labels(bound.levels)
    rows = []
    for site, samples in result.samples.items():
        values = samples.numpy()
        flat = values.reshape(values.shape[0] * values.shape[1], -1)
        by_prior, by_likelihood = sensitivity(flat, prior), sensitivity(flat, likelihood)
        names = element_names(site, values.shape[2:], axis_labels(axes.get(site, ()), values.shape[2:], own))
        rows += [
            Sensitivity(name, float(p), float(q), _diagnosis(p, q))
            for name, p, q in zip(names, by_prior, by_likelihood, strict=True)
        ]
    return tuple(rows)


def sensitivity(draws: NDArray[np.float64], log_density: NDArray[np.float64]) -> NDArray[np.float64]:
    """The slope of each quantity's distance, (quantity,), from draws (draw, quantity) and a part (draw,)."""
    found = np.zeros(draws.shape[1])
    for power in (POWER, 1.0 / POWER):
        logs = (power - 1.0) * log_density
        weights = np.exp(logs - logs.max())
        weights /= weights.sum()
        found += np.maximum(distance(draws, weights), distance(-draws, weights))
    return np.asarray(found / (2.0 * np.log2(POWER)))


def distance(draws: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The cumulative Jensen-Shannon distance between draws as they are and weighted, (quantity,).

    `draws` is (draw, quantity), `weights` (draw,) adds up to 1. It is 0 for equal distributions, at most 1,
    and does not hang on a quantity's unit.
    """
    order = np.argsort(draws, axis=0, kind="stable")
    gaps = np.diff(np.take_along_axis(draws, order, axis=0), axis=0)
    before = (np.arange(1, len(draws)) / len(draws))[:, None]
    after = np.clip(np.cumsum(weights[order], axis=0)[:-1], 0.0, 1.0)
    middle = 0.5 * (before + after)
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = before * np.log2(before / middle)
        loss = np.where(after > 0.0, after * np.log2(after / middle), 0.0)
        # The terms of Nguyen and Vreeken that keep each half non-negative cancel in their sum.
        total = (gaps * (gain + loss)).sum(axis=0)
        most = (gaps * (before + after)).sum(axis=0)
        ratio = np.where(most > 0.0, total / most, 0.0)
    return np.asarray(np.sqrt(np.clip(ratio, 0.0, None)))


def _chosen(density: Density, latents: Collection[str], priors: Collection[str] | None) -> frozenset[str]:
    if priors is not None:
        given = {priors} if isinstance(priors, str) else priors
        sets = isinstance(given, Collection) and not isinstance(given, (Mapping, np.ndarray, Tensor, bytes))
        if not (sets and given):
            raise QvrError(f"priors must name one latent or more, such as ['mu', 'tau']; it is {priors!r}.")
        given = frozenset(given)
        unknown = sorted(given - set(latents), key=str)
        if unknown:
            raise QvrError(
                f"priors has {', '.join(map(str, unknown))}, which the program does not sample; it samples"
                f" {', '.join(latents)}."
            )
        return given
    found = []
    for step in density.draws:
        ends = [end for end in (step.low, step.high) if end is not None]
        used = needed(density.nodes, [*step.parameters.values(), *ends])
        if step.site in latents and not any(density.nodes[number].op == "site" for number in used):
            found.append(step.site)
    return frozenset(found)


def _log_densities(
    result: MCMCResult, chosen: frozenset[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The log prior of the latents chosen, and the log likelihood, at each draw: (draw,) each."""
    bound = result.run.bound
    count = result.divergences.numel()
    sums = {"prior": np.zeros(count), "likelihood": np.zeros(count)}
    latents = {name: result.samples[name].flatten(0, 1) for name in result.latents}
    with torch.no_grad():
        for start in range(0, count, AT_A_TIME):
            here = slice(start, start + AT_A_TIME)
            forward = bound.given({name: values[here] for name, values in latents.items()})
            for term in bound.density.terms:
                if term.kind == "likelihood" or (term.kind == "prior" and term.site in chosen):
                    values = forward.filled(term.node, bound.density.nodes[term.node].axes)
                    sums[term.kind][here] += values.reshape(len(values), -1).sum(1).cpu().numpy()
    return sums["prior"], sums["likelihood"]


def _diagnosis(prior: float, likelihood: float) -> Diagnosis:
    if prior < SENSITIVE:
        return ""
    return "prior-data conflict" if likelihood >= SENSITIVE else "strong prior or weak likelihood"
