"""What the ranks of each quantity say: calibrated, too narrow, too wide, shifted low or shifted high.

A quantity is held against the simultaneous band of uniform ranks; of how the distribution of its ranks leaves
it, two integrals tell: over the difference of the ECDF from the diagonal, which is a shift, and over that
difference times the distance from the middle, which is a matter of width.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from quivers.calibration.bands import Band, counts_below, p_value, simultaneous_band
from quivers.calibration.study import LOG_LIKELIHOOD, Calibration
from quivers.element_names import axis_labels, element_name, labels
from quivers.notebook.calibration import verdicts_html
from quivers.terminal.calibration import calibration_table

CALIBRATED = "calibrated"
NARROW, WIDE = "too narrow", "too wide"
LOW, HIGH = "shifted low", "shifted high"
UNEVEN = "uneven"
KINDS = (CALIBRATED, NARROW, WIDE, LOW, HIGH, UNEVEN)

FALSE_ALARMS = 0.01
"""How often a right sampler fails, all quantities together."""

_CLEAR = 2.0


@dataclass(frozen=True)
class Verdict:
    """What is found of one quantity.

    `element` counts from 1 and is empty for a quantity without axes. `p` is the probability that uniform
    ranks stray as far, for this quantity alone; `excess` how far they leave the band at worst, as a share of
    the replicates, 0 inside. `mean_rank` is a share of the greatest rank, ½ where all is right.
    """

    site: str
    element: tuple[int, ...]
    name: str
    kind: str
    p: float
    excess: float
    mean_rank: float
    ranks: NDArray[np.int64]

    @property
    def is_calibrated(self) -> bool:
        return self.kind == CALIBRATED


class Verdicts(tuple[Verdict, ...]):
    """A verdict for each quantity; a notebook or a terminal shows the table of `qvr sbc`.

    Ranks go from 0 to `greatest`.
    """

    greatest: int

    def __new__(cls, found: Iterable[Verdict], greatest: int) -> Self:
        made = super().__new__(cls, found)
        made.greatest = greatest
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return Verdicts, (tuple(self), self.greatest)

    def __repr__(self) -> str:
        return calibration_table(self, self.greatest) if self else "no verdict"

    def _repr_html_(self) -> str:
        return verdicts_html(self, self.greatest) if self else "<p>no verdict</p>"


def band_of(calibration: Calibration, false_alarms: float = FALSE_ALARMS) -> Band:
    """The band for each quantity, so wide that a right sampler leaves any of them `false_alarms` of the time
    at most (Bonferroni)."""
    count = sum(1 for _ in calibration.quantities())
    return simultaneous_band(
        calibration.replicates, calibration.study.draws + 1, 1.0 - false_alarms / max(count, 1)
    )


def verdicts(calibration: Calibration, false_alarms: float = FALSE_ALARMS) -> Verdicts:
    """A verdict for each quantity, in the program's order; none where no replicate has ranks."""
    if not calibration.fitted:
        return Verdicts((), calibration.study.draws)
    band = band_of(calibration, false_alarms)
    named = labels(calibration.levels)
    found = []
    for site, ranks in calibration.ranks.items():
        own = axis_labels(calibration.axes.get(site, ()), ranks.shape[1:], named)
        for index in np.ndindex(ranks.shape[1:]):
            column = ranks[(slice(None), *index)]
            excess = band.excess(column)
            found.append(
                Verdict(
                    site=site,
                    element=tuple(place + 1 for place in index),
                    name=element_name(site, index, own),
                    kind=CALIBRATED if excess == 0.0 else shape(column, band.ranks),
                    p=p_value(column, band.ranks),
                    excess=excess,
                    mean_rank=float(column.mean()) / (band.ranks - 1),
                    ranks=column,
                )
            )
    return Verdicts(found, calibration.study.draws)


def shape(ranks: NDArray[np.int64], count: int) -> str:
    """How ranks on 0, …, `count` − 1 differ from uniform ones, most of all.

    Ranks that are too small are those of truths below the draws: the posterior is shifted high. Ranks that
    gather at both ends are those of a posterior that is too narrow.
    """
    place = (ranks + 0.5) / count - 0.5  # (replicate,), on (−½, ½)
    shift = place.mean() * math.sqrt(12.0 * len(ranks))
    spread = (np.square(place).mean() - 1.0 / 12.0) * math.sqrt(180.0 * len(ranks))
    if max(abs(shift), abs(spread)) < _CLEAR:
        return UNEVEN
    if abs(shift) >= abs(spread):
        return LOW if shift > 0.0 else HIGH
    return NARROW if spread > 0.0 else WIDE


def meaning(calibration: Calibration, found: Sequence[Verdict]) -> str:
    """A sentence or two that say what the study means, and what to do."""
    failed, made = len(calibration.failed), len(calibration.made)
    if not found:
        if not made:
            return "Nothing was calibrated: the study was stopped before its first replicate was done."
        return (
            f"None of {made} replicates could be fitted, so nothing is known of the sampler:"
            " look at the priors, which draw data that the program itself can't explain."
        )
    wrong = [each for each in found if not each.is_calibrated]
    latents = [each for each in wrong if each.site != LOG_LIKELIHOOD]
    short = sum(1 for each in calibration.fitted if each.ess < calibration.study.draws)
    if not wrong and failed:
        return (
            f"{failed} of {made} replicates could not be fitted, so the others prove nothing, though their"
            " ranks are uniform: mend what stopped those, or tighten the priors that lead there."
        )
    if not wrong:
        return (
            "Posteriors of this program, sampled so, are right on average over its prior: intervals hold the"
            " truth as often as they say."
        )
    if latents:
        worst = min(latents, key=lambda each: each.p)
        text = _MEANING[worst.kind].format(name=worst.name)
        if worst.kind == UNEVEN:
            text = f"{text[:-1]}: {_where(worst, band_of(calibration))}."
    else:
        text = (
            "The latents' ranks are uniform, but the log likelihood's are not: the posterior uses the data"
            " too little or too much."
        )
    if calibration.made and _share_divergent(calibration) > 0.05:
        return (
            f"{text} Divergences say that chains did not get everywhere: write centred draws non-centred, or"
            " tighten the priors."
        )
    if short > 0.05 * calibration.replicates:
        return f"{text} Many chains mixed too slowly to tell: reparameterise the program."
    return (
        f"{text} The chains show no reason: look for modes that one chain can't cross, such as components"
        " that change places, and for inputs that were worked out from the observed values; else please"
        " report it as a fault in QVR."
    )


def remarks(calibration: Calibration) -> list[str]:
    """What went wrong in some replicates, counted."""
    made, lines = len(calibration.made), []
    # Reasons that differ in their numbers alone are one: it is told as its first replicate has it.
    reasons: dict[str, list[str]] = {}
    for each in calibration.failed:
        reason = each.problem or ""
        reasons.setdefault(re.sub(r"\(and \d+ more\)|[-+.\de]*\d", "", reason), []).append(reason)
    shown = sorted(reasons.values(), key=lambda found: -len(found))
    for found in shown[:3]:
        lines.append(f"{len(found)} of {made} replicates could not be fitted. {found[0]}")
    rest = sum(len(found) for found in shown[3:])
    if rest:
        lines.append(f"{rest} of {made} replicates could not be fitted for other reasons.")
    diverged = [each.divergences for each in calibration.fitted if each.divergences]
    if diverged:
        lines.append(
            f"{len(diverged)} of {made} replicates had divergences, {sum(diverged)} in all;"
            " their ranks count all the same."
        )
    short = sum(1 for each in calibration.fitted if not each.ess >= calibration.study.draws)
    if short:
        lines.append(
            f"The chains of {short} of {made} replicates have fewer effective draws than the"
            f" {calibration.study.draws} that rank the truth."
        )
    return lines


def _where(verdict: Verdict, band: Band) -> str:
    """Where the ranks leave the band most."""
    below = counts_below(verdict.ranks, band.ranks)
    beyond = np.maximum(below - band.high, band.low - below)
    place = int(np.argmax(beyond))
    share = (place + 1) / band.ranks
    expected = share * band.replicates
    return (
        f"{below[place]} of {band.replicates} truths lie among its lowest {100 * share:.0f} % of draws,"
        f" where {expected:.0f} should"
    )


def _share_divergent(calibration: Calibration) -> float:
    return sum(1 for each in calibration.fitted if each.divergences) / max(calibration.replicates, 1)


_MEANING = {
    NARROW: "Posteriors of {name} are too narrow: its intervals hold the truth less often than they say.",
    WIDE: "Posteriors of {name} are too wide: its intervals hold the truth more often than they say.",
    LOW: "Posteriors of {name} lie too low: the truth is above them more often than below.",
    HIGH: "Posteriors of {name} lie too high: the truth is below them more often than above.",
    UNEVEN: "Posteriors of {name} have another form than they should.",
}


def calibration_title(calibration: Calibration) -> str:
    """How large the study is."""
    made, asked, study = len(calibration.made), calibration.asked, calibration.study
    count = f"{made} replicates" if made == asked else f"{made} of {asked} replicates"
    return f"calibration: {count}, each ranked by {study.draws} draws, seed {study.seed}"
