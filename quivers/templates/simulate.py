"""The data of each template, drawn from its own program at known parameters. The figures are made up."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Columns = Mapping[str, NDArray[Any]]


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
    expected = 122.0 + 5.0 * (age - 50.0) / 10.0 - 1.5 * (exercise - 3.0)
    return {"age": age, "exercise": exercise, "pressure": generator.normal(expected, 9.0).round()}


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
    level = generator.normal(55.0, 5.0, len(schools))
    school = generator.permutation(np.repeat(np.arange(len(schools)), 10))
    hours = generator.uniform(0.0, 10.0, len(school)).round(1)
    points = generator.normal(level[school] + 1.5 * (hours - 5.0), 9.0).round()
    return {"school": schools[school], "hours": hours, "points": points}


def _mixture(generator: np.random.Generator) -> Columns:
    kind = (generator.uniform(size=250) >= 0.36).astype(int)
    return {"wait": generator.normal(np.array([54.0, 80.0])[kind], np.array([6.0, 6.0])[kind]).round(1)}


def _time_series(generator: np.random.Generator) -> Columns:
    beyond = np.zeros(104)
    for week in range(1, len(beyond)):
        beyond[week] = 0.6 * beyond[week - 1] + generator.normal(0.0, 8.0)
    return {"sales": (120.0 + 0.5 * np.arange(len(beyond)) + beyond).round(1)}


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
    time = np.exp(2.7 + 0.5 * treated) * generator.weibull(1.4, 150)
    left = generator.uniform(6.0, 60.0, 150)
    months = np.maximum(np.minimum(time, left), 0.1).round(1)
    return {"treated": treated, "months": months, "event": (time <= left).astype(int)}


_SIMULATORS: Mapping[str, Callable[[np.random.Generator], Columns]] = {
    "regression": _regression,
    "hierarchical": _hierarchical,
    "mixture": _mixture,
    "time-series": _time_series,
    "irt": _irt,
    "survival": _survival,
}
