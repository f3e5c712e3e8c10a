"""The posteriors of the posteriordb collection that are at hand, as programs of ours, and the two compared.

The collection stands beside the checkout where somebody put it there; its data are not ours to copy. As a
script, `python tests/posteriors/references.py` prints a table of figures; with a folder it also writes there
the draws of each posterior, `NAME.json`, under the collection's names.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from quivers.data import bind
from quivers.dsl import load
from quivers.inference import convergence
from quivers.inference.compiled_run import CompiledRun, run_compiled
from quivers.inference.kernels import NUTSKernel
from quivers.inference.trajectory import STATISTICS
from quivers.ir.build import build

ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLES = ROOT / "examples"
COLLECTION = ROOT.parent / "shared" / "posteriordb"

FAIL, WARN = 5.0, 4.0
SD_RATIO = (0.9, 1.1)
HEAVY_TAILS = 10.0
"""Kurtosis above which the error of a second moment can't be estimated."""


@dataclass(frozen=True)
class Reference:
    """A posterior of the collection: our program, and what the collection calls its scalars.

    `names` maps the collection's name to ours, an element counted from 1 as in `theta[1]`. A dense metric
    spares the regressions that are not centred, whose coefficients are all but collinear, their long
    trajectories. Each of 4 chains keeps `draws`: more where scales of a thousandth, which Stan's rule for the
    metric's shrinkage takes for larger ones, leave few effective draws.
    """

    name: str
    program: str
    names: Mapping[str, str]
    mass_matrix: str = "diagonal"
    draws: int = 1000

    @property
    def path(self) -> Path:
        return EXAMPLES / f"{self.program}.qvr"


def _coefficients(*ours: str) -> dict[str, str]:
    return {f"beta[{place}]": name for place, name in enumerate(ours, start=1)} | {"sigma": "sigma"}


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


def _elements(name: str, count: int) -> tuple[str, ...]:
    return tuple(f"{name}[{place}]" for place in range(1, count + 1))


REFERENCES = (
    Reference(
        "eight_schools-eight_schools_noncentered",
        "eight_schools/half_cauchy",
        _same("mu", "tau", *_elements("theta", 8)),
    ),
    Reference(
        "kidiq-kidscore_momiq", "kidscore_momiq/kidscore_momiq", _coefficients("intercept", "slope"), "dense"
    ),
    Reference(
        "earnings-logearn_interaction",
        "logearn_interaction/logearn_interaction",
        _coefficients("intercept", "per_inch", "for_men", "per_inch_for_men"),
        "dense",
    ),
    Reference(
        "kilpisjarvi_mod-kilpisjarvi",
        "kilpisjarvi/kilpisjarvi",
        _same("alpha", "beta", "sigma"),
        "dense",
        2000,
    ),
    Reference(
        "low_dim_gauss_mix-low_dim_gauss_mix",
        "low_dim_gauss_mix/low_dim_gauss_mix",
        _same(*_elements("mu", 2), *_elements("sigma", 2), "theta"),
    ),
    Reference(
        "nes1980-nes",
        "nes/nes",
        _coefficients(
            "intercept",
            "for_ideology",
            "for_race",
            "from_30",
            "from_45",
            "from_65",
            "for_education",
            "for_gender",
            "for_income",
        ),
        "dense",
    ),
    Reference("arK-arK", "ar_k/ar_k", _same("alpha", *_elements("beta", 5), "sigma"), "dense"),
    Reference(
        "mesquite-logmesquite",
        "logmesquite/logmesquite",
        _coefficients(
            "intercept",
            "for_diam1",
            "for_diam2",
            "for_canopy_height",
            "for_total_height",
            "for_density",
            "for_group",
        ),
        "dense",
    ),
    Reference("sblrc-blr", "blr/blr", _same(*_elements("beta", 5), "sigma"), "dense", 2000),
)


def sampled(reference: Reference, data: Mapping[str, object], *, seed: int = 1) -> CompiledRun:
    """4 chains after 1000 transitions of warm-up, on the posterior of a program, by the kernel."""
    program = load(reference.path)
    bound = bind(program.checked, program.program, data)
    run = run_compiled(
        build(program.checked, program.program),
        bound.values,
        bound.sizes,
        NUTSKernel(mass_matrix=reference.mass_matrix),
        num_warmup=1000,
        num_samples=reference.draws,
        num_chains=4,
        seed=seed,
    )
    assert isinstance(run, CompiledRun), run.reason
    return run


def scalar(run: CompiledRun, name: str) -> np.ndarray:
    """The draws of an element, `theta[1]`, (chain, draw), or of a whole site, (chain, draw, *axes)."""
    site, _, place = name.partition("[")
    draws = run.samples[site]
    return draws[..., int(place.rstrip("]")) - 1] if place else draws


def of_collection(reference: Reference) -> tuple[dict[str, object], dict[str, dict[str, float]]]:
    """The collection's data for a posterior, and what it knows of each scalar."""
    folder = COLLECTION / reference.name
    return json.loads((folder / "data.json").read_text()), json.loads((folder / "reference.json").read_text())


def alarms(run: CompiledRun, names: Mapping[str, str]) -> list[str]:
    """What forbids trusting the draws, so that no other figure is worth looking at."""
    found = []
    for ours in names.values():
        draws = scalar(run, ours)
        r_hat = float(np.max(convergence.r_hat(draws)))
        size = float(np.min([convergence.ess_bulk(draws), convergence.ess_tail(draws)]))
        if not r_hat < 1.01:
            found.append(f"{ours}: R-hat {r_hat:.3f}")
        if not size >= 400:
            found.append(f"{ours}: ESS {size:.0f}")
    energy = convergence.e_bfmi(run.statistics[..., STATISTICS.index("energy")])
    if not energy.min() >= 0.3:
        found.append(f"E-BFMI {energy.min():.2f}")
    if run.total_divergences > 1e-3 * run.statistics.shape[0] * run.statistics.shape[1]:
        found.append(f"{run.total_divergences} divergences")
    return found


@dataclass(frozen=True)
class Row:
    """How far our draws of a scalar lie from the reference, each z in Monte Carlo standard errors of both."""

    name: str
    mean: float
    reference_mean: float
    z: Mapping[str, float]
    sd_ratio: float
    ess: float

    @property
    def worst(self) -> float:
        return max(abs(z) for z in self.z.values())


def compared(draws: np.ndarray, name: str, reference: Mapping[str, float]) -> Row:
    """One scalar's draws (chain, draw) held against the reference's mean, second moment and quantiles."""
    pooled = draws.ravel()
    mean, sd = float(pooled.mean()), float(pooled.std(ddof=1))
    # The reference's draws are as many as its error of the mean says.
    their_size = (reference["sd"] / reference["mcse"]) ** 2
    z = {"mean": _z(mean - reference["mean"], convergence.mcse_mean(draws), reference["mcse"])}
    centred = (draws - reference["mean"]) ** 2
    if stats.kurtosis(pooled, fisher=False) <= HEAVY_TAILS:
        error = convergence.mcse_mean(centred)
        theirs = float(centred.std()) / math.sqrt(their_size)
        z["second moment"] = _z(float(centred.mean()) - reference["sd"] ** 2, error, theirs)
    for probability, key in ((0.05, "q05"), (0.95, "q95")):
        below = (draws <= np.quantile(pooled, probability)).astype(float)
        error = _quantile_error(pooled, probability, float(convergence.ess_mean(below)))
        theirs = _quantile_error(pooled, probability, their_size)
        z[key] = _z(float(np.quantile(pooled, probability)) - reference[key], error, theirs)
    return Row(name, mean, reference["mean"], z, sd / reference["sd"], float(convergence.ess_bulk(draws)))


def _z(difference: float, error: float | np.ndarray, reference_error: float) -> float:
    return difference / math.hypot(float(error), reference_error)


def _quantile_error(pooled: np.ndarray, probability: float, size: float) -> float:
    """The Monte Carlo standard error of a quantile, half the width between the ends of one for its rank."""
    rank = stats.beta(size * probability + 1.0, size * (1.0 - probability) + 1.0)
    low, high = np.quantile(pooled, rank.ppf(stats.norm.cdf([-1.0, 1.0])))
    return float(high - low) / 2.0


def rows(reference: Reference, run: CompiledRun) -> Iterator[Row]:
    """A row for each scalar of the reference."""
    _, known = of_collection(reference)
    assert set(known) == set(reference.names), "every scalar of the reference has a name of ours"
    for theirs, ours in reference.names.items():
        yield compared(scalar(run, ours), theirs, known[theirs])


def table(lines: Mapping[str, list[Row]]) -> str:
    """The figures as text: for each posterior its scalars, with the worst z of each."""
    head = (
        f"{'':28s} {'mean':>12s} {'reference':>12s} {'worst z':>8s} {'of':14s} {'sd ratio':>8s} {'ESS':>6s}"
    )
    text = [head]
    for name, found in lines.items():
        text.append(name)
        for row in found:
            at = max(row.z, key=lambda key: abs(row.z[key]))
            text.append(
                f"  {row.name:26s} {row.mean:12.5g} {row.reference_mean:12.5g} {row.z[at]:8.2f} {at:14s}"
                f" {row.sd_ratio:8.3f} {row.ess:6.0f}"
            )
    return "\n".join(text)


def main() -> None:
    if not COLLECTION.is_dir():
        sys.exit(f"{COLLECTION} is not there.")
    found: dict[str, list[Row]] = {}
    for reference in REFERENCES:
        run = sampled(reference, of_collection(reference)[0])
        found[reference.name] = list(rows(reference, run))
        if len(sys.argv) > 1:
            draws = {theirs: scalar(run, ours).ravel().tolist() for theirs, ours in reference.names.items()}
            Path(sys.argv[1], f"{reference.name}.json").write_text(json.dumps(draws), encoding="utf-8")
    print(table(found))


if __name__ == "__main__":
    main()
