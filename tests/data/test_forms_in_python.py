"""The forms that data have in Python: what each is read as, and the sentence that each unfit one ends in."""

# ruff: noqa: E501 (a table of sentences)

from __future__ import annotations

import decimal
import fractions
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch

from quivers.check.analysis import check_source
from quivers.data import Bound, bind
from quivers.errors import DataError

SOURCE = """object School : FinSet
object County : FinSet
data county : School -> County
program p : School -> School
    sample mu : County <- Normal(0.0, 5.0)
    observe y : School <- Normal(mu[county], sigma)
    return y
"""
CHECKED = check_source(SOURCE)
NAMES = ["b", "a", "b"]


def bound(data: Any) -> Bound:
    return bind(CHECKED, CHECKED.programs["p"], data)


def given(**values: Any) -> dict[str, Any]:
    return {"y": [1.0, 2.0, 3.0], "sigma": 1.0, "county": NAMES} | values


def frame(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"y": [1.0, 2, 3], "sigma": 1.0, "county": NAMES} | columns)


def arrow(county: Any) -> pa.Table:
    return pa.table({"y": [1.0, 2, 3], "sigma": [1.0] * 3, "county": county})


YS: dict[str, Callable[[], Any]] = {
    **{
        str(kind): lambda kind=kind: torch.tensor([1, 2, 3]).to(kind)
        for kind in (torch.int8, torch.uint16, torch.float16, torch.bfloat16)
    },
    "a tensor with a gradient": lambda: torch.tensor([1.0, 2.0, 3.0], requires_grad=True) * 1,
    "a tensor with gaps": lambda: torch.tensor([[1.0, 9.0], [2.0, 9.0], [3.0, 9.0]])[:, 0],
    "a sparse tensor": lambda: torch.tensor([1.0, 2.0, 3.0]).to_sparse(),
    "a list of tensors": lambda: [torch.tensor(1.0, requires_grad=True), torch.tensor(2), torch.tensor(3.0)],
    "numbers with the large end first": lambda: np.array([1, 2, 3], ">f8"),
    "half precision": lambda: np.array([1, 2, 3], "f2"),
    "a matrix of one row": lambda: np.array([[1, 2, 3]]),
    "decimals": lambda: [decimal.Decimal("1.0"), decimal.Decimal(2), decimal.Decimal("3")],
    "fractions": lambda: [fractions.Fraction(2, 2), 2, fractions.Fraction(3)],
    "a range": lambda: range(1, 4),
    "arrow's array": lambda: pa.array([1, 2, 3], pa.int8()),
    "arrow's decimals": lambda: pa.array([decimal.Decimal(n) for n in (1, 2, 3)]),
    "arrow's chunks": lambda: pa.chunked_array([[1.0], [2.0, 3.0]]),
    "arrow's runs": lambda: pa.RunEndEncodedArray.from_arrays([1, 2, 3], [1.0, 2.0, 3.0]),
    "a pandas index": lambda: pd.Index([1, 2, 3]),
    "pandas' nullable numbers": lambda: pd.array([1, 2, 3], dtype="Int64"),
    "pandas' categories of numbers": lambda: pd.Categorical([1, 2, 3]),
    "polars' 128 bits": lambda: pl.Series([1, 2, 3], dtype=pl.Int128),
    "polars' decimals": lambda: pl.Series([decimal.Decimal(n) for n in (1, 2, 3)]),
}


@pytest.mark.parametrize("form", YS)
def test_numbers_are_the_same_in_each_form(form: str) -> None:
    np.testing.assert_array_equal(bound(given(y=YS[form]())).values["y"], [1.0, 2.0, 3.0])


RECORD = [("y", "f8"), ("sigma", "i4"), ("county", "U1")]
WHOLES: dict[str, Callable[[], Any]] = {
    "a structured array": lambda: np.array([(1, 1, "b"), (2, 1, "a"), (3, 1, "b")], RECORD),
    "with bytes": lambda: np.array([(1, 1, "b"), (2, 1, "a"), (3, 1, "b")], [*RECORD[:2], ("county", "S1")]),
    "a record array": lambda: np.rec.array([(1, 1, "b"), (2, 1, "a"), (3, 1, "b")], RECORD),
    "arrow's batch": lambda: arrow(NAMES).to_batches()[0],
    "a frame whose index has names": lambda: frame().set_index(["county", "sigma"]),
    "a frame in another order of columns": lambda: frame()[["sigma", "county", "y"]],
}


@pytest.mark.parametrize("form", WHOLES)
def test_tables_are_the_same_in_each_form(form: str) -> None:
    found = bound(WHOLES[form]())
    np.testing.assert_array_equal(found.values["y"], [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(found.values["county"], [1, 0, 1])
    assert found.levels == {"County": ("a", "b")}


def encoded(values: list[Any], order: list[Any], *, ordered: bool) -> pa.Array:
    places = pa.array([order.index(value) for value in values], pa.int8())
    return pa.DictionaryArray.from_arrays(places, pa.array(order), ordered=ordered)


ORDERED: dict[str, tuple[Callable[[], Any], tuple[str, ...]]] = {
    "pandas": (lambda: frame(county=pd.Categorical(NAMES, ["b", "z", "a"], ordered=True)), ("b", "z", "a")),
    "pandas in a dict": (
        lambda: given(county=pd.Categorical(NAMES, ["b", "z", "a"], ordered=True)),
        ("b", "z", "a"),
    ),
    "arrow's table": (lambda: arrow(encoded(NAMES, ["b", "z", "a"], ordered=True)), ("b", "z", "a")),
    "arrow in a dict": (
        lambda: given(county=encoded(NAMES, ["b", "z", "a"], ordered=True)),
        ("b", "z", "a"),
    ),
    "polars": (lambda: given(county=pl.Series(NAMES, dtype=pl.Enum(["b", "z", "a"]))), ("b", "z", "a")),
    "without an order": (lambda: frame(county=pd.Categorical(NAMES, ["b", "z", "a"])), ("a", "b")),
    "numbers": (lambda: frame(county=pd.Categorical([205, 1010, 205])), ("205", "1010")),
    "numbers in an order": (
        lambda: frame(county=pd.Categorical([2, 1, 2], [2, 1], ordered=True)),
        ("2", "1"),
    ),
    "arrow's numbers": (
        lambda: arrow(encoded([205, 1010, 205], [1010, 205], ordered=False)),
        ("205", "1010"),
    ),
    "intervals": (lambda: frame(county=pd.cut([1, 2, 3], [0, 1.5, 4])), ("(0.0, 1.5]", "(1.5, 4.0]")),
}


@pytest.mark.parametrize("form", ORDERED)
def test_categories_name_elements_in_the_order_that_somebody_chose(form: str) -> None:
    make, levels = ORDERED[form]
    assert bound(make()).levels == {"County": levels}


def test_a_name_is_plain_text_whatever_class_it_had() -> None:
    (levels,) = bound(given(county=[np.str_(name) for name in NAMES])).levels.values()
    assert [type(level) for level in levels] == [str, str]


@pytest.mark.parametrize("size", [np.int64(5), torch.tensor(5), [5], np.array([5])], ids=str)
def test_a_size_may_be_any_whole_number_also_alone_in_a_list_as_r_writes_it(size: Any) -> None:
    assert bound(given(county=[1, 0, 1], County=size)).sizes["County"] == 5


def endless() -> list[Any]:
    rows: list[Any] = []
    rows.append(rows)
    return rows


UNFIT: dict[str, tuple[Callable[[], Any], str]] = {
    "meta": (lambda: given(y=torch.ones(3, device="meta")), "`y` is a tensor on torch's meta device, which holds no values."),
    "a list of meta": (lambda: given(y=[torch.ones((), device="meta")] * 3), "`y` is a tensor on torch's meta device, which holds no values."),
    "endless lists": (lambda: given(y=endless()), "`y` nests lists too deeply to be data."),
    "names that are numbers": (lambda: given() | {1: [1]}, "Values go by names that are text, but one name in the data is a number."),
    "columns without names": (lambda: pd.DataFrame([[1, 2]]), "The data frame's columns must go by names that are text, but column 1 is called `0`: set its `columns`."),
    "columns of two names": (lambda: pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("y", "a")])), "The data frame's columns must go by names that are text, but column 1 is called `('y', 'a')`: set its `columns`."),
    "a path": (lambda: "d.csv", 'Data must be values by name or a data frame, but this is the text "d.csv"; `quivers.data.read(Path(…))` reads a file.'),
    "rows": (lambda: [given()], "Data must be values by name or a data frame, but this is a list of rows; `pandas.DataFrame(…)` makes a frame of them."),
    "periods": (lambda: frame(y=pd.period_range("2020-01", periods=3, freq="M")), "`y` must be numbers, but its column holds values of the type period[M]."),
    "days": (lambda: given(y=np.array(["2020-01-01"] * 3, "M8[D]")), "`y` must be numbers: row 1 of `School` is a date (and 2 more)."),
    "arrow's nulls": (lambda: given(y=pa.array([1, None, 3])), "`y` has 1 missing value: row 2 of `School`; `[where=…]` on its `observe` would leave it out."),
    "an ordered category with none": (lambda: frame(county=pd.Categorical(["b", None, "a"])), "`county` has 1 missing value: row 2 of `School`."),
    "decimals beyond float64": (lambda: given(y=[decimal.Decimal(2**53 + 1), 2, 3]), "`y` has whole numbers too large to be exact: row 1 of `School` is 9007199254740993, and beyond 2⁵³ not each has a number of its own; give it in other units, or as text if it is a name."),
    "polars' 128 bits": (lambda: given(y=pl.Series([2**100 + 1, 2, 3], dtype=pl.Int128)), "`y` has whole numbers too large to be exact: row 1 of `School` is 1267650600228229401496703205377, and beyond 2⁵³ not each has a number of its own; give it in other units, or as text if it is a name."),
    "NaN": (lambda: given(y=np.array([np.nan, 2, np.nan])), "`y` must be finite: rows 1 and 3 of `School` are NaN."),
}  # fmt: skip


@pytest.mark.parametrize("form", UNFIT)
def test_each_unfit_form_is_one_sentence(form: str) -> None:
    make, sentence = UNFIT[form]
    with pytest.raises(DataError) as caught:
        bound(make())
    assert [problem.message for problem in caught.value.problems] == [sentence]
