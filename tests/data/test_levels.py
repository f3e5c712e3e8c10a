# ruff: noqa: E501 (a table of sentences)
"""Names of an object's elements: which there are, their order, and what is said when they don't fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quivers.check.analysis import check_source
from quivers.data import Bound, bind, diagnostics, read
from quivers.data.column import Column, Kind
from quivers.errors import DataError

RADON = """object Item : FinSet
object County : FinSet{size}
data county : Item -> County
program p : Item -> Item
    sample a : County <- Normal(0.0, 1.0)
    observe y : Item <- Normal(a[county]{more}, 1.0)
    return y
"""
GAMES = """object Game : FinSet
object Team : FinSet
data home : Game -> Team
data away : Game -> Team
program p : Game -> Game
    sample a : Team <- Normal(0.0, 1.0)
    observe margin : Game <- Normal(a[home] - a[away], 1.0)
    return margin
"""


def fit(source: str, data: dict[str, Any]) -> Bound:
    checked = check_source(source)
    assert not [found for found in checked.diagnostics if found.severity.value == "error"], (
        checked.diagnostics
    )
    return bind(checked, checked.programs["p"], data)


def radon(data: dict[str, Any], *, size: str = "", more: str = "") -> Bound:
    return fit(RADON.format(size=size, more=more), data)


def problems(source: str, data: dict[str, Any]) -> list[str]:
    with pytest.raises(DataError) as caught:
        fit(source, data)
    return [f"{problem.code} {problem.message}" for problem in caught.value.problems]


def a_column(*texts: str | None) -> Column:
    levels = tuple(dict.fromkeys(text for text in texts if text is not None))
    values = [np.nan if text is None else levels.index(text) for text in texts]
    return Column(np.array(values, dtype=np.float64), Kind.TEXT, levels)


FORMS = {
    "list": lambda *texts: list(texts),
    "tuple": lambda *texts: tuple(texts),
    "array": lambda *texts: np.array(texts),
    "objects": lambda *texts: np.array(texts, dtype=object),
    "column": a_column,
}


@pytest.mark.parametrize("form", FORMS)
def test_names_become_members_in_sorted_order_and_size_the_object(form: str) -> None:
    bound = radon({"y": [1, 2, 3, 4], "county": FORMS[form]("ITASCA", "AITKIN", "ITASCA", "ANOKA")})
    assert bound.values["county"].tolist() == [2, 0, 2, 1]
    assert bound.sizes == {"Item": 4, "County": 3}
    assert bound.levels == {"County": ("AITKIN", "ANOKA", "ITASCA")}
    assert bound.notes == ()


@pytest.mark.parametrize("form", FORMS)
def test_the_order_of_rows_and_inputs_leaves_every_name_its_place(form: str) -> None:
    made = FORMS[form]
    one = fit(GAMES, {"margin": [1, 2], "home": made("C", "A"), "away": made("B", "C")})
    other = fit(GAMES, {"margin": [2, 1], "away": made("C", "B"), "home": made("A", "C")})
    assert one.levels == other.levels == {"Team": ("A", "B", "C")}
    assert one.values["home"].tolist() == [2, 0]
    assert one.values["away"].tolist() == [1, 2]
    assert other.values["home"].tolist() == [0, 2]


def test_an_order_that_somebody_chose_is_kept() -> None:
    grade = Column(np.array([1.0, 0.0]), Kind.TEXT, ("low", "mid", "high"), ordered=True)
    bound = radon({"y": [1, 2], "county": grade})
    assert bound.levels == {"County": ("low", "mid", "high")}
    assert bound.values["county"].tolist() == [1, 0]
    assert bound.sizes["County"] == 3


def test_levels_that_no_row_uses_do_not_count() -> None:
    column = Column(np.array([2.0, 0.0]), Kind.TEXT, ("b", "unused", "a"))
    bound = radon({"y": [1, 2], "county": column})
    assert bound.levels == {"County": ("a", "b")}
    assert bound.values["county"].tolist() == [0, 1]


def test_a_list_of_names_under_the_object_s_own_name_gives_order_and_size() -> None:
    bound = radon({"y": [1, 2], "county": ["X", "Z"], "County": ["Z", "Y", "X"]})
    assert bound.values["county"].tolist() == [2, 0]
    assert bound.sizes == {"Item": 2, "County": 3}
    assert bound.levels == {"County": ("Z", "Y", "X")}
    assert radon({"y": [1, 2], "county": [0, 2], "County": ["Z", "Y", "X"]}).levels == bound.levels


def test_a_column_under_the_object_s_own_name_names_the_rows_if_each_comes_once() -> None:
    schools = """object School : FinSet
program p : School -> School
    sample a : School <- Normal(0.0, 1.0)
    observe y : School <- Normal(a, 1.0)
    return a
"""
    assert fit(schools, {"School": a_column("B", "A"), "y": [1, 2]}).levels == {"School": ("B", "A")}
    assert fit(schools, {"School": a_column("B", "B"), "y": [1, 2]}).levels == {}
    assert fit(schools, {"School": Column(np.array([1.0, 2.0])), "y": [1, 2]}).sizes == {"School": 2}


def test_values_by_place_beside_names_are_told_in_a_note() -> None:
    data = {"y": [1, 2], "county": ["ITASCA", "AITKIN"], "u": [0.1, 0.2]}
    declared = RADON.format(size="", more=" + u[county]").replace(
        "program", "data u : County * Real\nprogram"
    )
    assert fit(declared, data).notes == (
        "`u` is taken to be in the order of `County`'s names: AITKIN, ITASCA.",
    )
    assert fit(declared, {**data, "County": ["ITASCA", "AITKIN"]}).notes == ()


ROWS = {"y": [1, 2, 3, 4]}
PLAIN, TWO, FIVE = (
    RADON.format(size="", more=""),
    RADON.format(size=" 2", more=""),
    RADON.format(size=" 5", more=""),
)
FAULTS: list[tuple[str, dict[str, Any], str]] = [
    (TWO, {"county": ["b", "a", "b", "c"]}, 'QVR610 `county` has 3 different names, but `County` has 2: "c" in row 4 of `Item` is one too many.'),
    (TWO, {"county": a_column("b", "a", "c", "b")}, 'QVR610 `county` has 3 different names, but `County` has 2: "c" in row 3 of `Item` is one too many.'),
    (FIVE, {"county": ["b", "a", "b", "c"]}, 'QVR602 `county` has 3 different names, but `County` has 5; name all of them in the data, as in `"County": ["…"]`.'),
    (PLAIN, {"county": ["b", None, "b", ""]}, "QVR606 `county` has 2 missing values: rows 2 and 4 of `Item`."),
    (PLAIN, {"county": a_column("b", None, "b", "c")}, "QVR606 `county` has 1 missing value: row 2 of `Item`."),
    (PLAIN, {"county": ["b", "a", 3, "c"]}, 'QVR606 `county` must be all names or all indices: row 1 of `Item` is the text "b", and row 3 of `Item` is a number.'),
    (PLAIN, {"county": ["b", "a", "b"]}, "QVR603 `y` has 4 values for `Item`, but `county` has 3."),
    (PLAIN, {"county": ["AITKEN", "b", "b", "b"], "County": ["AITKIN", "b"]}, 'QVR610 `county` must be one of the 2 names of `County`: row 1 of `Item` is "AITKEN"; did you mean "AITKIN"?'),
    (PLAIN, {"county": ["b", "q", "b", "b"], "County": ["AITKIN", "b"]}, 'QVR610 `county` must be one of the 2 names of `County`: row 2 of `Item` is "q".'),
    (PLAIN, {"county": ["b", "b", "b", "b"], "County": ["b", "c", "b"]}, "QVR602 The list of `County`'s names has \"b\" twice, at places 1 and 3."),
    (TWO, {"county": ["a", "b", "b", "b"], "County": ["a", "b", "c"]}, "QVR602 The data say that `County` has 3, but the program says 2."),
]  # fmt: skip


@pytest.mark.parametrize(("source", "data", "sentence"), FAULTS, ids=[fault[2] for fault in FAULTS])
def test_each_fault_is_one_sentence(source: str, data: dict[str, Any], sentence: str) -> None:
    found = problems(source, {**ROWS, **data})
    assert (sentence in found) if "places 1 and 3" in sentence else found == [sentence]


def test_names_beside_numbers_for_one_object_are_refused() -> None:
    assert problems(GAMES, {"margin": [1, 2], "home": ["A", "B"], "away": [0, 1]}) == [
        "QVR603 `away` gives `Team` by number, but `home` by name: give both in the same way."
    ]


def test_names_that_disagree_with_another_input_s_size_say_which() -> None:
    declared = RADON.format(size="", more=" + u[county]").replace(
        "program", "data u : County * Real\nprogram"
    )
    data = {"y": [1, 2], "county": ["b", "a"], "u": [1, 2, 3]}
    assert problems(declared, data) == [
        "QVR603 `county` has 2 different names, but `u` has 3 values for `County`."
    ]
    data = {"y": [1, 2, 3], "county": ["b", "a", "c"], "u": [1, 2]}
    assert problems(declared, data) == [
        'QVR610 `county` has 3 different names, but `u` has 2 values for `County`: "c" in row 3 of `Item` is one too many.'
    ]


# ------------------------------------------------------------------- columns of a table

MEASURED = """object Item : FinSet
data scale : Real [low=0]
program p : Item -> Item
    sample a <- Normal(0.0, 1.0)
    observe y : Item <- Normal(a, scale)
    observe z : Item <- Bernoulli(0.5)
    return y
"""


def a_table(tmp_path: Path, text: str) -> dict[str, Any]:
    path = tmp_path / "t.csv"
    path.write_text(text)
    return read(path)


def test_a_table_binds_by_its_columns_and_a_constant_one_is_a_single_value(tmp_path: Path) -> None:
    bound = fit(MEASURED, a_table(tmp_path, "y,scale,z\n1,2.5,true\n3,2.5,FALSE\n"))
    assert bound.values["y"].tolist() == [1, 3]
    assert bound.values["z"].tolist() == [1, 0]
    assert bound.values["scale"] == 2.5
    assert bound.sizes["Item"] == 2


TABLE_FAULTS = [
    ("y,scale,z\n1,2,1\n3,4,0\n", "QVR604 `scale` is a single value, but its column has different ones: row 1 is 2, and row 2 is 4."),
    ("y,scale,z\n1,2,1\n3,,0\n", "QVR606 `scale` has 1 missing value: row 2."),
    ("y,scale,z\n1,2,1\nNA,2,0\n", "QVR606 `y` has 1 missing value: row 2 of `Item`; `[where=…]` on its `observe` would leave it out."),
    ("y,scale,z\n1,2,1\n2 kg,2,0\nx,2,0\n", 'QVR606 `y` must be numbers: row 2 of `Item` is the text "2 kg" (and 1 more).'),
    ("y,scale,z\nTRUE,2,1\nFALSE,2,0\n", "QVR606 `y` must be numbers, but its column holds truth values, true and false."),
    ("y,scale,z\n1,2,1\n1,2,2\n", "QVR608 `z` must be 0 or 1: row 2 of `Item` is 2."),
    ("y,scale,z\n1,-2,1\n1,-2,1\n", "QVR608 `scale` must be positive or zero, but it is -2."),
    ("y,scale,z\n1e999,2,1\n1,2,1\n", "QVR607 `y` must be finite: row 1 of `Item` is infinite."),
    ("Y,scale,z\n1,2,1\n", "QVR601 The data have no `y`, which is `Item ⊗ Real`; `Y` is in the data: did you mean it?"),
]  # fmt: skip


@pytest.mark.parametrize(("table", "sentence"), TABLE_FAULTS, ids=[fault[1] for fault in TABLE_FAULTS])
def test_each_fault_of_a_table_is_one_sentence(tmp_path: Path, table: str, sentence: str) -> None:
    assert problems(MEASURED, a_table(tmp_path, table)) == [sentence]


def test_the_coordinates_of_a_space_are_counted() -> None:
    source = """object Item : FinSet 2
object V : Real 3
data x : Item * V
program p : Item -> Item
    sample b <- Normal(0.0, 1.0)
    observe y : Item <- Normal(b * mean(x), 1.0)
    return y
"""
    data = {"x": [[1, 2, 3], [4, 5, 6]], "y": [1, 2]}
    assert fit(source, data).sizes["V"] == 3
    assert problems(source, {**data, "x": [[1, 2], [3, 4]]}) == [
        "QVR602 `x` is 2 × 2, but `Item ⊗ V` is 2 × 3."
    ]


def test_a_near_column_is_offered_as_the_new_name_wherever_the_old_one_stands() -> None:
    source = """object School : FinSet
data sigma : School * Real [low=0]
program p : School -> School
    sample a : School <- Normal(0.0, sigma)
    observe y : School <- Normal(a, sigma)
    return a
"""
    checked = check_source(source)
    program = checked.programs["p"]
    with pytest.raises(DataError) as caught:
        bind(checked, program, {"Sigma": [1, 2], "y": [1, 2]})
    [found] = diagnostics(caught.value.problems, program, checked)
    [fix] = found.fixes
    text = source.encode()
    for edit in reversed(fix.edits):
        text = text[: edit.span.start] + edit.text.encode() + text[edit.span.end :]
    assert text.decode() == source.replace("sigma", "Sigma")
    mended = check_source(text)
    assert bind(mended, mended.programs["p"], {"Sigma": [1, 2], "y": [1, 2]}).sizes == {"School": 2}


@pytest.mark.parametrize("near", ["y z", "1y", "let", "School", "a"])
def test_a_name_that_the_model_cannot_use_is_not_offered(near: str) -> None:
    from quivers.errors import DataProblem

    source = """object School : FinSet
program p : School -> School
    sample a : School <- Normal(0.0, 1.0)
    observe y : School <- Normal(a, 1.0)
    return a
"""
    checked = check_source(source)
    problem = DataProblem("QVR601", "The data have no `y`.", "y", near)
    [found] = diagnostics([problem], checked.programs["p"], checked)
    assert found.fixes == ()


GROUPED = RADON.format(size="{size}", more=" + u[county]").replace(
    "program", "data u : County * Real [low=0]\nprogram"
)
LONG = "county,u,y\nITASCA,0.5,1\nAITKIN,0.25,2\nITASCA,0.5,3\n"


def test_a_long_table_gives_each_group_the_value_that_its_rows_repeat(tmp_path: Path) -> None:
    bound = fit(GROUPED.format(size=""), a_table(tmp_path, LONG))
    assert bound.values["u"].tolist() == [0.25, 0.5]
    assert bound.sizes == {"Item": 3, "County": 2}
    assert bound.notes == ()
    by_number = LONG.replace("ITASCA", "0").replace("AITKIN", "1")
    assert fit(GROUPED.format(size=""), a_table(tmp_path, by_number)).values["u"].tolist() == [0.5, 0.25]


def test_a_table_with_one_row_a_group_binds_by_the_name_in_the_row(tmp_path: Path) -> None:
    bound = fit(GROUPED.format(size=""), a_table(tmp_path, "county,u,y\nITASCA,0.5,1\nAITKIN,0.25,2\n"))
    assert bound.levels == {"County": ("AITKIN", "ITASCA")}
    assert bound.values["u"].tolist() == [0.25, 0.5]


GROUP_FAULTS = [
    ("", LONG.replace("0.5,3", "0.75,3"), "QVR603 `u` must have one value for each `County`, but `ITASCA` has 0.5 in row 1 and 0.75 in row 3."),
    ("", LONG.replace("0.5,3", "-1,3"), "QVR608 `u` must be positive or zero: row 3 of `Item` is -1."),
    (" 3", LONG.replace("ITASCA", "0").replace("AITKIN", "1"), "QVR602 `u` has no value for element 3 of `County`, which no row of `county` is in."),
    (" 2", LONG.replace("ITASCA", "0").replace("AITKIN", "2"), "QVR610 `county` must be an index into `County` (0 to 1): row 2 of `Item` is 2."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("size", "table", "sentence"), GROUP_FAULTS, ids=[fault[2] for fault in GROUP_FAULTS]
)
def test_each_fault_of_a_group_s_column_is_one_sentence(
    tmp_path: Path, size: str, table: str, sentence: str
) -> None:
    assert problems(GROUPED.format(size=size), a_table(tmp_path, table)) == [sentence]
