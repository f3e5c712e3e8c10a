# ruff: noqa: E501 (a table of sentences)
"""What is observed beyond an end that other data or a size give is told with its row, before anything runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from quivers.backends.given import settled_sizes
from quivers.check.analysis import check_source
from quivers.data import bind
from quivers.errors import DataError
from quivers.ir.build import build

HEAD = "object Row : FinSet\nobject Cut : FinSet 3\n"
GRADES = "sample cuts : Cut <- Normal(0.0, 1.0) [ordered]\nobserve y : Row <- OrderedLogistic(0.0, cuts)"
ORDERED = "`y` must be a whole number from 0 to 3, the number of cutpoints of its `OrderedLogistic`: "
FROM_ONE = " No value is 0: if they count from 1, as Stan and R do, take 1 off."


def bound(steps: str, data: dict[str, Any], **options: Any) -> None:
    body = "".join(f"    {line}\n" for line in ["sample p <- Beta(1.0, 1.0)", *steps.splitlines()])
    checked = check_source(f"{HEAD}\nprogram m : Row -> Real\n{body}    return p\n")
    assert not checked.programs["m"].has_errors, checked.diagnostics
    program = checked.programs["m"]
    given = bind(checked, program, data, **options)
    settled_sizes(build(checked, program), given.values, given.sizes)


FAULTS = [
    (GRADES, {"y": [1, 2, 3, 4, 1]}, ORDERED + "row 4 of `Row` is 4." + FROM_ONE),
    (GRADES, {"y": [1, 4, 4]}, ORDERED + "row 2 of `Row` is 4 (and 1 more)." + FROM_ONE),
    (GRADES, {"y": [0, 2, 4]}, ORDERED + "row 3 of `Row` is 4."),
    (GRADES, {"y": [1, 2, 9]}, ORDERED + "row 3 of `Row` is 9."),
    ("observe y : Row <- Binomial(n, p)", {"y": [1, 3, 5], "n": [1, 2, 4]}, "`y` must be at most the `total_count` of its `Binomial`, here 2: row 2 of `Row` is 3 (and 1 more)."),
    ("observe y <- Binomial(n, p)", {"y": 3, "n": 2, "Row": 2}, "`y` must be at most the `total_count` of its `Binomial`, here 2: it is 3."),
    ("observe y : Row <- BetaBinomial(1.0, p + 1.0, n)", {"y": [3], "n": [2]}, "`y` must be at most the `total_count` of its `BetaBinomial`, here 2: row 1 of `Row` is 3."),
    ("observe y : Row <- Uniform(0.5 * n, n)", {"y": [0, 2, 3], "n": 4}, "`y` must be at least the `low` of its `Uniform`, here 2: row 1 of `Row` is 0."),
    ("observe y : Row <- Pareto(n, p + 1.0)", {"y": [0.5], "n": 1}, "`y` must be at least the `scale` of its `Pareto`, here 1: row 1 of `Row` is 0.5."),
    ("observe y : Row <- Normal(p, 1.0) [high=n]", {"y": [1, 3], "n": [1, 2]}, "`y` must be at most the `high` of its draw: row 2 of `Row` is 3."),
    ("observe y : Row <- Binomial(n, p) [where=k == 1]", {"y": [5, 5], "n": [4, 4], "k": [0, 1]}, "`y` must be at most the `total_count` of its `Binomial`, here 4: row 2 of `Row` is 5."),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "data", "sentence"), FAULTS, ids=[each[2] for each in FAULTS])
def test_what_is_beyond_an_end_that_the_data_give_is_told_with_its_row(
    steps: str, data: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(DataError) as caught:
        bound(steps, data)
    (problem,) = caught.value.problems
    assert (problem.code, problem.input, problem.message) == ("QVR608", "y", sentence)


@pytest.mark.parametrize(
    ("steps", "data"),
    [
        (GRADES, {"y": [0, 1, 2, 3]}),
        (GRADES, {"y": [1, 2, 3]}),
        ("observe y : Row <- Binomial(n, p)", {"y": [0, 2, 4], "n": [0, 2, 4]}),
        ("observe y : Row <- Uniform(0.0, p)", {"y": [0.9]}),  # its ends move with a latent
        ("marginalize z <- Binomial(4, 0.5)\n    observe y : Row <- Binomial(z, p)", {"y": [4]}),  # some z are as many,
    ],
    ids=str,
)  # fmt: skip
def test_what_lies_within_its_ends_or_may_passes(steps: str, data: dict[str, Any]) -> None:
    bound(steps, data)


def test_what_is_missing_for_a_prediction_breaks_no_end() -> None:
    steps = "observe y : Row <- Binomial(n, p)"
    bound(steps, {"y": [1, math.nan], "n": [2, 2]}, require_observed=False)
    with pytest.raises(DataError, match="row 1 of `Row` is 3"):
        bound(steps, {"y": [3, math.nan], "n": [2, 2]}, require_observed=False)
