"""How far the counts of a rank plot may lie from even ones while the chains still agree."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

PROBABILITY = 0.95


def rank_band(
    chains: int, draws: int, bins: int, effective: float, probability: float = PROBABILITY
) -> tuple[float, float]:
    """Between which counts all bins of all chains stay with at least `probability`, if the chains agree.

    Ranks of chains that agree are dealt out among them, so that each count is hypergeometric. All have the
    same tails, a share of 1 − `probability` each, so the band holds for all at once: one of equal pointwise
    probabilities, as in Säilynoja, Bürkner and Vehtari 2022, doi:10.1007/s11222-022-10090-6, by Bonferroni's
    bound, which such counts, that compete for the same draws, come close to. Draws that hang together count
    for fewer: the band is that of `effective` draws of all chains together, the bulk ESS, at most as many as
    there are.
    """
    alone = draws if not effective < chains * draws else max(1, round(effective / chains))
    low, high = _counts(chains, alone, bins, probability)
    return low * draws / alone, high * draws / alone


@cache
def _counts(chains: int, draws: int, bins: int, probability: float) -> tuple[int, int]:
    all_draws = chains * draws
    inside = max(1, round(all_draws / bins))
    tail = (1.0 - probability) / (2 * chains * bins)
    chances = _hypergeometric(all_draws, inside, draws)
    below = np.cumsum(chances)
    above = np.cumsum(chances[::-1])[::-1]
    # Outside are the counts whose tail, themselves included, is too improbable.
    return int((below <= tail).sum()), int(len(chances) - 1 - (above <= tail).sum())


def _hypergeometric(all_draws: int, inside: int, taken: int) -> NDArray[np.float64]:
    """The probabilities of 0, 1, … of `inside` among `taken` of all draws, (count)."""
    counts = range(min(inside, taken) + 1)
    whole = _chosen(all_draws, taken)
    logs = [_chosen(inside, each) + _chosen(all_draws - inside, taken - each) - whole for each in counts]
    chances: NDArray[np.float64] = np.exp(np.array(logs))
    return chances


def _chosen(number: int, of_them: int) -> float:
    """log of the binomial coefficient; −∞ where it is 0."""
    if not 0 <= of_them <= number:
        return -math.inf
    return math.lgamma(number + 1) - math.lgamma(of_them + 1) - math.lgamma(number - of_them + 1)
