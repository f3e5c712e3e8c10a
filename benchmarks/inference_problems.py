"""The problems of the inference benchmark: seeded data, and the quantities whose effective sizes count.

Every tool samples the same density in the same parametrisation from the same data; a quantity has the same
name in all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Data = dict[str, np.ndarray[Any, Any]]

SEED = 4


@dataclass(frozen=True)
class Problem:
    """`data` makes the inputs; `quantities` are the latents that every tool reports, on their own scales."""

    name: str
    title: str
    data: Callable[[np.random.Generator], Data]
    quantities: tuple[str, ...]

    def inputs(self) -> Data:
        return self.data(np.random.default_rng([SEED, *self.name.encode()]))


def _eight_schools(_: np.random.Generator) -> Data:
    return {
        "y": np.array([28.0, 8, -3, 7, -1, 1, 18, 12]),
        "sigma": np.array([15.0, 10, 16, 11, 9, 11, 10, 18]),
    }


def _hierarchical_logistic(generator: np.random.Generator) -> Data:
    rows, groups, predictors = 10_000, 500, 5
    group = generator.integers(0, groups, rows)
    design = generator.normal(size=(rows, predictors))
    slopes = np.array([0.8, -0.5, 0.3, 0.0, -0.2])
    logits = -0.4 + 0.9 * generator.normal(size=groups)[group] + design @ slopes
    y = (generator.uniform(size=rows) < 1.0 / (1.0 + np.exp(-logits))).astype(float)
    return {"group": group.astype(float), "X": design, "y": y}


def _mixture(generator: np.random.Generator) -> Data:
    # Two components, far enough apart for one mode: chains in several would make any effective size moot.
    component = generator.choice(2, size=2_000, p=[0.6, 0.4])
    mean, spread = np.array([-2.0, 2.5]), np.array([1.0, 1.3])
    return {"y": generator.normal(mean[component], spread[component])}


def _dense_regression(generator: np.random.Generator) -> Data:
    design = generator.normal(size=(50_000, 50))
    slopes = generator.normal(size=50)
    return {"X": design, "y": 0.5 + design @ slopes + 2.0 * generator.normal(size=50_000)}


PROBLEMS: Mapping[str, Problem] = {
    problem.name: problem
    for problem in (
        Problem("eight_schools", "Eight schools", _eight_schools, ("mu", "tau", "eta")),
        Problem(
            "hierarchical_logistic",
            "Hierarchical logistic\n10,000 rows, 500 groups",
            _hierarchical_logistic,
            ("intercept", "spread", "beta", "z"),
        ),
        Problem("mixture", "Gaussian mixture\n2,000 rows", _mixture, ("weights", "mu", "sigma")),
        Problem(
            "dense_regression",
            "Dense regression\n50,000 × 50",
            _dense_regression,
            ("intercept", "beta", "sigma"),
        ),
    )
}
