"""Which inputs may have missing values, and in what forms they are given."""

from __future__ import annotations

import numpy as np
import pytest

from quivers.check.analysis import check_source
from quivers.data import bind
from quivers.errors import DataError

SOURCE = """object Item : FinSet 3
program called : Item -> Item
    sample b : Item <- Normal(0.0, 1.0)
    observe w : Item <- Normal(b, 1.0) [where=seen]
    return b

program p : Item -> Item
    sample a : Item <- Normal(0.0, 1.0)
    sample c <- called()
    observe y : Item <- Normal(a + c, 1.0) [where=kept]
    observe v : Item <- Normal(a, 1.0) [where=kept]
    observe u : Item <- Normal(a + v, 1.0)
    return a
"""
DATA = {
    "y": [1, 2, 3],
    "v": [1, 2, 3],
    "u": [1, 2, 3],
    "kept": [1, 0, 1],
    "c.w": [1, 2, 3],
    "c.seen": [1, 1, 0],
}


def bound(**data):
    checked = check_source(SOURCE)
    return bind(checked, checked.programs["p"], {**DATA, **data}).values


@pytest.mark.parametrize(
    "given",
    [
        [1, None, 3],
        [1.0, float("nan"), 3.0],
        np.ma.masked_array([1.0, 2.0, 3.0], [0, 1, 0]),
        np.array([1, None, 3]),
    ],
    ids=["none", "nan", "masked", "objects"],
)
def test_an_observation_with_a_condition_may_miss_values(given) -> None:
    np.testing.assert_array_equal(bound(y=given)["y"], [1.0, np.nan, 3.0])
    np.testing.assert_array_equal(bound(**{"c.w": given})["c.w"], [1.0, np.nan, 3.0])


@pytest.mark.parametrize("name", ["u", "v", "kept", "c.seen"])
def test_nothing_else_may(name) -> None:
    with pytest.raises(DataError, match=f"`{name}`"):
        bound(**{name: [1, None, 1]})
    with pytest.raises(DataError, match=f"`{name}`"):
        bound(**{name: [1, float("nan"), 1]})


def test_infinite_values_and_text_are_still_wrong() -> None:
    with pytest.raises(DataError, match="`y` must be finite: row 3 of `Item` is infinite"):
        bound(y=[1, None, float("inf")])
    with pytest.raises(DataError, match="`y` must be numbers"):
        bound(y=[1, None, "three"])
    with pytest.raises(DataError, match="`y`"):
        bound(y=None)
