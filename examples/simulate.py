"""Makes the small data sets of the examples: each drawn from its own model at known parameters.

`python examples/simulate.py` writes `<name>/<name>.data.json`; the seed is fixed, so it writes the same files
each time. The figures are made up: what the real studies found is theirs to tell.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

Numbers = np.ndarray | float
Simulated = tuple[Mapping[str, Numbers], Mapping[str, Numbers]]
"""The parameters that the data were drawn at, and the data, each by its name in the program."""

SEED = 20


def kidscore_momiq(generator: np.random.Generator) -> Simulated:
    truth = {"intercept": 30.0, "slope": 0.55, "sigma": 16.0}
    mom_iq = generator.normal(100.0, 15.0, 80).round(1)
    expected = truth["intercept"] + truth["slope"] * mom_iq
    kid_score = generator.normal(expected, truth["sigma"]).round()
    return truth, {"mom_iq": mom_iq, "kid_score": kid_score}


def logearn_interaction(generator: np.random.Generator) -> Simulated:
    truth = {"intercept": 8.0, "per_inch": 0.02, "for_men": -0.5, "per_inch_for_men": 0.01, "sigma": 0.8}
    male = generator.integers(0, 2, 150)
    height = (generator.normal(64.0, 2.6, 150) + 5.5 * male).round(1)
    expected = truth["intercept"] + truth["per_inch"] * height
    expected += male * (truth["for_men"] + truth["per_inch_for_men"] * height)
    earn = np.exp(generator.normal(expected, truth["sigma"])).round(2)
    return truth, {"height": height, "male": male, "earn": earn}


def kilpisjarvi(generator: np.random.Generator) -> Simulated:
    truth = {"alpha": -40.0, "beta": 0.025, "sigma": 1.1}
    x = np.arange(1961, 2011)
    y = generator.normal(truth["alpha"] + truth["beta"] * x, truth["sigma"]).round(1)
    priors = {"pmualpha": 10.0, "psalpha": 100.0, "pmubeta": 0.0, "psbeta": 0.05}
    return truth, {"x": x, "y": y, **priors}


def low_dim_gauss_mix(generator: np.random.Generator) -> Simulated:
    truth = {"mu": np.array([-2.0, 1.5]), "sigma": np.array([0.8, 1.2]), "theta": 0.4}
    group = (generator.uniform(size=200) >= truth["theta"]).astype(int)
    return truth, {"y": generator.normal(truth["mu"][group], truth["sigma"][group]).round(3)}


def nes(generator: np.random.Generator) -> Simulated:
    truth = {
        "intercept": 1.5, "for_ideology": 0.6, "for_race": -1.0, "from_30": -0.2, "from_45": -0.1,
        "from_65": 0.5, "for_education": 0.3, "for_gender": -0.1, "for_income": 0.15, "sigma": 1.8,
    }  # fmt: skip
    people = {
        "real_ideo": generator.integers(1, 8, 200),
        "race_adj": 1.0 + 0.5 * generator.integers(0, 3, 200),
        "age_discrete": generator.integers(1, 5, 200),
        "educ1": generator.integers(1, 5, 200),
        "gender": generator.integers(1, 3, 200),
        "income": generator.integers(1, 6, 200),
    }
    expected = (
        truth["intercept"]
        + truth["for_ideology"] * people["real_ideo"]
        + truth["for_race"] * people["race_adj"]
        + np.array([0.0, truth["from_30"], truth["from_45"], truth["from_65"]])[people["age_discrete"] - 1]
        + truth["for_education"] * people["educ1"]
        + truth["for_gender"] * people["gender"]
        + truth["for_income"] * people["income"]
    )
    return truth, {**people, "partyid7": generator.normal(expected, truth["sigma"]).round(2)}


def ar_k(generator: np.random.Generator) -> Simulated:
    truth = {"alpha": 0.1, "beta": np.array([0.6, 0.2, -0.1, 0.1, 0.05]), "sigma": 0.3}
    order, start = len(truth["beta"]), 50  # what comes before the start only settles the series
    y = np.zeros(start + 150)
    for t in range(order, len(y)):
        y[t] = generator.normal(truth["alpha"] + truth["beta"] @ y[t - order : t][::-1], truth["sigma"])
    return truth, {"y": y[start:].round(4)}


def logmesquite(generator: np.random.Generator) -> Simulated:
    truth = {
        "intercept": 5.0, "for_diam1": 0.5, "for_diam2": 1.0, "for_canopy_height": 0.3,
        "for_total_height": 0.4, "for_density": 0.1, "for_group": 0.5, "sigma": 0.35,
    }  # fmt: skip
    diam1 = np.exp(generator.normal(0.7, 0.4, 50)).round(2)
    total_height = np.exp(generator.normal(0.4, 0.25, 50)).round(2)
    bushes = {
        "diam1": diam1,
        "diam2": (diam1 * generator.uniform(0.5, 1.0, 50)).round(2),
        "canopy_height": (total_height * generator.uniform(0.6, 0.95, 50)).round(2),
        "total_height": total_height,
        "density": 1.0 + generator.poisson(0.7, 50),
        "group": generator.integers(0, 2, 50),
    }
    expected = truth["intercept"] + truth["for_group"] * bushes["group"]
    for name, values in bushes.items():
        if name != "group":
            expected = expected + truth[f"for_{name}"] * np.log(values)
    return truth, {**bushes, "weight": np.exp(generator.normal(expected, truth["sigma"])).round(1)}


def blr(generator: np.random.Generator) -> Simulated:
    truth = {"beta": np.array([1.0, -2.0, 0.5, 0.0]), "sigma": 1.5}
    design = generator.normal(0.0, 3.0, (60, 4)).round(3)
    return truth, {"X": design, "y": generator.normal(design @ truth["beta"], truth["sigma"]).round(3)}


def hierarchical_logistic(generator: np.random.Generator) -> Simulated:
    truth = {"intercept": -0.5, "slope": 0.8, "tau": 0.7, "z": generator.normal(size=12)}
    hospital = generator.integers(0, 12, 240)
    dose = generator.uniform(-2.0, 2.0, 240).round(2)
    logits = truth["intercept"] + truth["tau"] * truth["z"][hospital] + truth["slope"] * dose
    recovered = (generator.uniform(size=240) < 1.0 / (1.0 + np.exp(-logits))).astype(int)
    return truth, {"hospital": hospital, "dose": dose, "recovered": recovered}


def two_groups(generator: np.random.Generator) -> Simulated:
    truth = {"mu": np.array([-1.0, 1.5]), "sigma": 0.7, "theta": 0.45}
    group = (generator.uniform(size=100) >= truth["theta"]).astype(int)
    return truth, {"y": generator.normal(truth["mu"][group], truth["sigma"]).round(3)}


def test_scores(generator: np.random.Generator) -> Simulated:
    schools = np.array(["Andover", "Choate", "Deerfield", "Exeter", "Hotchkiss", "St. Paul's"])
    subjects = np.array(["art", "math", "reading"])
    truth = {"mean": 55.0, "tau": 8.0, "sigma": 9.0}
    ability = generator.normal(truth["mean"], truth["tau"], (len(schools), len(subjects)))
    school, subject = generator.integers(0, len(schools), 180), generator.integers(0, len(subjects), 180)
    points = generator.normal(ability[school, subject], truth["sigma"]).round()
    return truth, {"school": schools[school], "subject": subjects[subject], "points": points}


def varying_slopes(generator: np.random.Generator) -> Simulated:
    schools = np.array([f"school {number:02d}" for number in range(1, 21)])
    factor = np.array([[1.0, 0.0], [-0.5, np.sqrt(0.75)]])
    truth = {
        "mean": np.array([0.5, 1.2]), "spread": np.array([0.8, 0.5]), "correlation": factor,
        "z": generator.normal(size=(20, 2)), "sigma": 0.6,
    }  # fmt: skip
    effect = truth["mean"] + truth["spread"] * (truth["z"] @ factor.T)
    school, x = generator.integers(0, 20, 240), generator.normal(size=240).round(2)
    y = generator.normal(effect[school, 0] + effect[school, 1] * x, truth["sigma"]).round(2)
    return truth, {"school": schools[school], "x": x, "y": y}


def radon(generator: np.random.Generator) -> Simulated:
    trees = ("Alder", "Ash", "Beech", "Birch", "Cedar", "Elm", "Hazel", "Juniper", "Larch", "Linden", "Maple",
             "Oak", "Pine", "Rowan", "Spruce", "Walnut", "Willow")  # fmt: skip
    places = ("Bluff", "Hill", "Lake", "Mill", "Plain")
    counties = np.array([f"{tree} {place}" for tree in trees for place in places])
    truth = {
        "intercept": 1.5, "for_uranium": 0.7, "for_floor": -0.7, "spread": 0.2, "noise": 0.75,
        "z": generator.normal(size=85),
    }  # fmt: skip
    uranium = generator.normal(0.0, 0.4, 85).round(3)
    # A few counties have most of the homes, and each has at least one.
    shares = generator.dirichlet(np.full(85, 0.8))
    county = np.sort(np.concatenate([np.arange(85), generator.choice(85, 919 - 85, p=shares)]))
    floor = (generator.uniform(size=919) < 0.17).astype(int)
    level = truth["intercept"] + truth["for_uranium"] * uranium + truth["spread"] * truth["z"]
    log_radon = generator.normal(level[county] + truth["for_floor"] * floor, truth["noise"]).round(3)
    return truth, {
        "County": counties, "uranium": uranium,
        "county": counties[county], "floor": floor, "log_radon": log_radon,
    }  # fmt: skip


EXAMPLES: Mapping[str, Callable[[np.random.Generator], Simulated]] = {
    example.__name__: example
    for example in (
        kidscore_momiq,
        logearn_interaction,
        kilpisjarvi,
        low_dim_gauss_mix,
        nes,
        ar_k,
        logmesquite,
        blr,
        hierarchical_logistic,
        two_groups,
        test_scores,
        varying_slopes,
        radon,
    )
}


def simulated(name: str) -> Simulated:
    """An example's parameters and data; each example has random numbers of its own."""
    place = list(EXAMPLES).index(name)
    return EXAMPLES[name](np.random.default_rng([SEED, place]))


def text(data: Mapping[str, Numbers]) -> str:
    """The data as JSON, a line for each name."""
    lines = [f"  {json.dumps(name)}: {json.dumps(_plain(values))}" for name, values in data.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _plain(values: Numbers) -> Any:
    return values.tolist() if isinstance(values, np.ndarray) else values


def main() -> None:
    folder = Path(__file__).resolve().parent
    for name in EXAMPLES:
        path = folder / name / f"{name}.data.json"
        path.write_text(text(simulated(name)[1]), encoding="utf-8")
        print(path.relative_to(folder.parent), file=sys.stderr)


if __name__ == "__main__":
    main()
