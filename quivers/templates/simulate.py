"""The data of each template, drawn from its own program at known parameters. The figures are made up."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Columns = Mapping[str, NDArray[Any]]

TRUTHS: Mapping[str, Mapping[str, float]] = {
    "regression": {"intercept": 122.0, "for_age": 5.0, "for_exercise": -1.5, "sigma": 9.0},
    "hierarchical": {"average": 55.0, "per_hour": 1.5, "tau": 5.0, "sigma": 9.0},
    "mixture": {"mu[1]": 54.0, "mu[2]": 80.0, "sigma": 6.0, "short": 0.36},
    "time-series": {"start": 120.0, "growth": 0.5, "carry": 0.6, "sigma": 8.0},
    "irt": {},
    "survival": {"baseline": 2.7, "treatment": 0.5, "shape": 1.4},
}
"""What each template's data are simulated at, by the names in its results; a group's elements are drawn."""


def simulated(template: str, seed: int) -> str:
    """A table as CSV, a column for each input; the same seed gives the same table."""
    place = list(_SIMULATORS).index(template)
    columns = _SIMULATORS[template](np.random.default_rng([seed, place]))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*(column.tolist() for column in columns.values()), strict=True))
    return text.getvalue()


def _regression(generator: np.random.Generator) -> Columns:
    age = generator.integers(20, 80, 120)
    exercise = generator.gamma(3.0, 1.0, 120).round(1)
    at = TRUTHS["regression"]
    expected = at["intercept"] + at["for_age"] * (age - 50.0) / 10.0 + at["for_exercise"] * (exercise - 3.0)
    return {"age": age, "exercise": exercise, "pressure": generator.normal(expected, at["sigma"]).round()}


def _hierarchical(generator: np.random.Generator) -> Columns:
    schools = np.array(
        [
            *(
                "Ashford",
                "Birchwood",
                "Cedar Hill",
                "Dunmore",
                "Eastgate",
                "Fairview",
                "Glenside",
                "Highfield",
            ),
            *("Ivybridge", "Kingsmead", "Larkfield", "Millbrook", "Northgate", "Oakwood"),
        ]
    )
    at = TRUTHS["hierarchical"]
    level = generator.normal(at["average"], at["tau"], len(schools))
    school = generator.permutation(np.repeat(np.arange(len(schools)), 10))
    hours = generator.uniform(0.0, 10.0, len(school)).round(1)
    points = generator.normal(level[school] + at["per_hour"] * (hours - 5.0), at["sigma"]).round()
    return {"school": schools[school], "hours": hours, "points": points}


def _mixture(generator: np.random.Generator) -> Columns:
    at = TRUTHS["mixture"]
    kind = (generator.uniform(size=250) >= at["short"]).astype(int)
    return {"wait": generator.normal(np.array([at["mu[1]"], at["mu[2]"]])[kind], at["sigma"]).round(1)}


def _time_series(generator: np.random.Generator) -> Columns:
    at = TRUTHS["time-series"]
    carry, sigma = at["carry"], at["sigma"]
    beyond = np.full(104, generator.normal(0.0, sigma / np.sqrt(1.0 - carry**2)))
    for week in range(1, len(beyond)):
        beyond[week] = carry * beyond[week - 1] + generator.normal(0.0, sigma)
    return {"sales": (at["start"] + at["growth"] * np.arange(len(beyond)) + beyond).round(1)}


def _irt(generator: np.random.Generator) -> Columns:
    students = np.array([f"student {number:02d}" for number in range(1, 61)])
    questions = np.array(["add", "subtract", "multiply", "divide", "fractions", "percent", "roots", "powers"])
    ability = generator.normal(0.0, 1.0, len(students))
    difficulty = np.linspace(-1.5, 1.5, len(questions))
    discrimination = np.exp(generator.normal(0.2, 0.3, len(questions)))
    student, question = (
        each.reshape(-1) for each in np.meshgrid(np.arange(60), np.arange(len(questions)), indexing="ij")
    )
    logits = discrimination[question] * (ability[student] - difficulty[question])
    right = (generator.uniform(size=len(student)) < 1.0 / (1.0 + np.exp(-logits))).astype(int)
    return {"student": students[student], "question": questions[question], "right": right}


def _survival(generator: np.random.Generator) -> Columns:
    treated = generator.integers(0, 2, 150)
    at = TRUTHS["survival"]
    time = np.exp(at["baseline"] + at["treatment"] * treated) * generator.weibull(at["shape"], 150)
    time = np.maximum(time, 0.1).round(1)
    watched = generator.uniform(6.0, 60.0, 150).round(1)
    event = (time <= watched).astype(int)
    return {"treated": treated, "watched": watched, "event": event, "months": np.minimum(time, watched)}


_SIMULATORS: Mapping[str, Callable[[np.random.Generator], Columns]] = {
    "regression": _regression,
    "hierarchical": _hierarchical,
    "mixture": _mixture,
    "time-series": _time_series,
    "irt": _irt,
    "survival": _survival,
}
