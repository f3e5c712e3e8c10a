# ruff: noqa: E501 (a table of sentences)
"""Binding data to inputs, on programs' facts written out by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from quivers.check.analysis import check_source
from quivers.check.program import Checked, CheckedProgram, Effect, Input, Object
from quivers.check.types import Axis, Type
from quivers.data import Bound, bind, diagnostics
from quivers.errors import DataError, DataProblem
from quivers.families.support import (
    BOOLEAN,
    NATURAL,
    NON_NEGATIVE,
    OPEN_UNIT,
    POSITIVE,
    REAL,
    UNIT,
    Element,
    Interval,
    Member,
)
from quivers.syntax.ast import Name, ProgramDeclaration, SpaceName, Span

NOWHERE = Span(0, 0)


def an_object(name: str, size: int | None, factors: tuple[str, ...] = ()) -> Object:
    return Object(name, True, size, "FinSet", factors, NOWHERE)


def an_input(name: str, axes: str = "", element: Element = REAL, *, observed: bool = False) -> Input:
    named = []
    for text in axes.split():
        named.append(Axis(text.rstrip("′"), text.count("′")))
    return Input(name, Type(tuple(named), element), observed, (Span(40, 47), Span(90, 97)))


def fit(objects: dict[str, int | None], inputs: list[Input], data: dict[str, Any], **options: Any) -> Bound:
    return bind(*program_with(objects, inputs), data, **options)


def program_with(objects: dict[str, int | None], inputs: list[Input]) -> tuple[Checked, CheckedProgram]:
    space = SpaceName(Name("School", NOWHERE), (), (), NOWHERE)
    declaration = ProgramDeclaration(
        Name("schools", Span(8, 15)), (), space, space, (), (), None, NOWHERE, NOWHERE
    )
    program = CheckedProgram(
        "schools",
        declaration,
        100,
        ("School",),
        ("School",),
        tuple(inputs),
        {},
        frozenset({Effect.SCORE}),
        False,
    )
    facts = {
        name: an_object(name, size, ("School", "Item") if name == "Cell" else ())
        for name, size in objects.items()
    }
    return Checked(objects=facts, programs={"schools": program}), program


def problems(objects: dict[str, int | None], inputs: list[Input], data: dict[str, Any]) -> list[str]:
    with pytest.raises(DataError) as caught:
        fit(objects, inputs, data)
    for problem in caught.value.problems:
        assert "\n" not in problem.message
    return [f"{problem.code} {problem.message}" for problem in caught.value.problems]


SCHOOL = {"School": 8}
Y = an_input("y", "School", observed=True)
SIGMA = an_input("sigma_j", "School", POSITIVE)
EIGHT = [28, 8, -3, 7, -1, 1, 18, 12]
ERRORS = [15, 10, 16, 11, 9, 11, 10, 18]


def replaced(values: list[Any], row: int, value: Any) -> list[Any]:
    return [*values[: row - 1], value, *values[row:]]


@pytest.mark.parametrize(
    "value",
    [
        EIGHT,
        tuple(EIGHT),
        [EIGHT],
        [[EIGHT]],
        np.array(EIGHT),
        np.array([EIGHT], dtype=np.float32),
        torch.tensor(EIGHT),
        torch.tensor([[28.0, 8, -3, 7, -1, 1, 18, 12]], requires_grad=True),
        torch.tensor(EIGHT, dtype=torch.bfloat16),
        [torch.tensor(value) for value in EIGHT],
        [np.array(EIGHT)],
    ],
    ids=str,
)
def test_lists_arrays_and_tensors_with_surplus_leading_axes_all_bind_alike(value: Any) -> None:
    bound = fit(SCHOOL, [Y], {"y": value})
    assert bound.values["y"].dtype == np.float64
    assert bound.values["y"].tolist() == EIGHT
    assert bound.sizes == {"School": 8}
    assert bound.notes == ()


def test_a_scalar_is_broadcast_to_every_axis() -> None:
    bound = fit({"School": 2, "Item": 3}, [an_input("s", "School Item", POSITIVE)], {"s": 2.5})
    assert bound.values["s"].tolist() == [[2.5] * 3] * 2
    assert bound.values["s"].flags.c_contiguous
    assert bound.values["s"].flags.writeable


def test_a_value_with_fewer_axes_runs_along_the_one_whose_size_it_has() -> None:
    sizes = {"School": 2, "Item": 3}
    s = an_input("s", "School Item")
    assert fit(sizes, [s], {"s": [1, 2]}).values["s"].tolist() == [[1, 1, 1], [2, 2, 2]]
    assert fit(sizes, [s], {"s": [1, 2, 3]}).values["s"].tolist() == [[1, 2, 3], [1, 2, 3]]


def test_a_value_that_may_run_along_either_of_two_axes_is_refused() -> None:
    assert problems({"School": 2, "Item": 2}, [an_input("s", "School Item")], {"s": [1, 2]}) == [
        "QVR612 `s` has 2 values, which may run over `School` or over `Item`: give it all of `School ⊗ Item`, "
        "or declare it with `data`."
    ]


def test_sizes_come_from_arrays_products_given_numbers_and_the_largest_index() -> None:
    inputs = [an_input("y", "Item"), an_input("county", "Item", Member("County")), an_input("x", "County′")]
    bound = fit({"Item": None, "County": None}, inputs[:2], {"y": [1, 2, 3], "county": [0, 4, 2]})
    assert bound.sizes == {"Item": 3, "County": 5}
    bound = fit({"School": 2, "Item": None, "Cell": None}, [inputs[0]], {"y": [1, 2, 3]})
    assert bound.sizes == {"School": 2, "Item": 3, "Cell": 6}
    bound = fit({"Item": None}, [], {"Item": 50})
    assert bound.sizes == {"Item": 50}
    bound = fit({"Item": None}, [inputs[0]], {"Item": 4, "y": 1.0})
    assert bound.values["y"].tolist() == [1.0] * 4


def test_the_largest_index_over_all_inputs_sizes_an_object() -> None:
    inputs = [an_input("home", "Game", Member("Team")), an_input("away", "Game", Member("Team"))]
    bound = fit({"Game": None, "Team": None}, inputs, {"home": [0, 1], "away": [2, 3]})
    assert bound.sizes == {"Game": 2, "Team": 4}


def test_observed_inputs_may_be_left_out_when_not_required() -> None:
    bound = fit(SCHOOL, [Y, SIGMA], {"sigma_j": ERRORS}, require_observed=False)
    assert list(bound.values) == ["sigma_j"]
    with pytest.raises(DataError, match="no `sigma_j`"):
        fit(SCHOOL, [Y, SIGMA], {"y": EIGHT}, require_observed=False)


def test_truth_values_fit_where_the_support_is_bool_and_nowhere_else() -> None:
    kept = an_input("kept", "School", BOOLEAN)
    assert fit({"School": 3}, [kept], {"kept": [True, False, True]}).values["kept"].tolist() == [1, 0, 1]
    assert fit({"School": 2}, [kept], {"kept": np.array([True, False])}).values["kept"].tolist() == [1, 0]
    assert problems(SCHOOL, [SIGMA], {"sigma_j": replaced(ERRORS, 2, True)}) == [
        "QVR606 `sigma_j` must be numbers: row 2 of `School` is true."
    ]


@pytest.mark.parametrize(
    ("element", "good", "bad"),
    [
        (POSITIVE, [1e-300, 5], [0.0, -1e-300]),
        (NON_NEGATIVE, [0.0, 5], [-1e-300]),
        (UNIT, [0.0, 1.0], [-1e-9, 1 + 1e-9]),
        (OPEN_UNIT, [1e-9, 1 - 1e-9], [0.0, 1.0]),
        (Interval(2.0, 3.0, low_open=True), [2.1, 3.0], [2.0, 3.1]),
        (NATURAL, [0, 7], [-1, 0.5]),
        (Interval(1.0, 4.0, integer=True), [1, 4], [0, 5, 2.5]),
        (Member("School"), [0, 7], [-1, 8, 1.5]),
    ],
    ids=str,
)
def test_both_ends_of_a_support_are_held_to_exactly(
    element: Element, good: list[float], bad: list[float]
) -> None:
    entry = an_input("v", "", element)
    for value in good:
        assert fit(SCHOOL, [entry], {"v": value}).values["v"] == value
    for value in bad:
        assert len(problems(SCHOOL, [entry], {"v": value})) == 1


def test_unused_names_in_the_data_are_a_note_and_no_error() -> None:
    bound = fit(SCHOOL, [Y], {"y": EIGHT, "site": ["a"], "School": 8})
    assert bound.notes == ("`schools` makes no use of `site` in the data.",)

    many = {f"x{i}": 0 for i in range(20)}
    (note,) = fit(SCHOOL, [Y], {"y": EIGHT, **many}).notes
    assert note.endswith("`x7` and 12 more in the data.")


MATRIX = {"School": 2, "Item": 3}
TABLE = an_input("t", "School Item", POSITIVE)
COUNTY = an_input("county", "School", Member("County"))
FAULTS: list[tuple[dict[str, int | None], list[Input], dict[str, Any], str]] = [
    (SCHOOL, [SIGMA], {}, "QVR601 The data have no `sigma_j`, which is `School ⊗ Real⁺`."),
    (SCHOOL, [SIGMA], {"sigma": ERRORS}, "QVR601 The data have no `sigma_j`, which is `School ⊗ Real⁺`; `sigma` is in the data: did you mean it?"),
    (SCHOOL, [SIGMA], {"Sigma_J": ERRORS}, "QVR601 The data have no `sigma_j`, which is `School ⊗ Real⁺`; `Sigma_J` is in the data: did you mean it?"),
    (SCHOOL, [SIGMA], {"X1": EIGHT, "weight": ERRORS}, "QVR601 The data have no `sigma_j`, which is `School ⊗ Real⁺`; nothing uses `X1`, `weight` of the data: is it one of them?"),
    (SCHOOL, [SIGMA], {"School": 8}, "QVR601 The data have no `sigma_j`, which is `School ⊗ Real⁺`."),
    (SCHOOL, [an_input("n", "School", Member("School"))], {"X1": 3}, "QVR601 The data have no `n`, which is `School ⊗ School`: if it stands for the row in hand, leave `[n]` out, since each row of `School` has its own values."),
    (SCHOOL, [Y], {"y": [*EIGHT, 1]}, "QVR602 `y` has 9 values, but `School` has 8, as the program says: `object School : FinSet` lets the data give its size."),
    (SCHOOL, [Y], {"y": [1]}, "QVR602 `y` has 1 value, but `School` has 8, as the program says: `object School : FinSet` lets the data give its size."),
    (SCHOOL, [Y], {"y": []}, "QVR602 `y` has 0 values, but `School` has 8."),
    ({"School": None}, [Y], {"y": []}, "QVR602 `y` is empty, so `School` would have no elements."),
    ({"School": None}, [Y, SIGMA], {"y": EIGHT, "sigma_j": [1] * 9}, "QVR603 `sigma_j` has 9 values for `School`, but `y` has 8."),
    ({"School": None}, [], {"School": "many"}, "QVR602 `School` is an object, so its value must be its size, a whole number from 1, or the list of its names."),
    ({"School": None}, [], {"School": 10**12}, "QVR602 `School` is an object, so its value must be its size, a whole number from 1, or the list of its names."),
    (SCHOOL, [], {"School": 9}, "QVR602 The data say that `School` has 9, but the program says 8."),
    (MATRIX, [TABLE], {"t": [[1, 2], [1, 2], [1, 2]]}, "QVR602 `t` is 3 × 2, but `School ⊗ Item` is 2 × 3: its axes are in the other order."),
    (MATRIX, [TABLE], {"t": [[1, 2], [1, 2]]}, "QVR602 `t` is 2 × 2, but `School ⊗ Item` is 2 × 3."),
    (MATRIX, [TABLE], {"t": [1, 2, 3, 4]}, "QVR602 `t` has 4 values, but `School` has 2 and `Item` has 3."),
    ({"School": None}, [an_input("m", "School School′")], {"m": [[1, 2, 3], [1, 2, 3]]}, "QVR602 `m` is 2 × 3, but `School ⊗ School′` needs as many along `School′` as along `School`."),
    (SCHOOL, [Y], {"y": [[1, 2]] * 8}, "QVR604 `y` has 2 dimensions (8 × 2), but `School ⊗ Real` has 1."),
    (SCHOOL, [an_input("s")], {"s": [1, 2, 3]}, "QVR604 `s` is a single number, but the data give 3 values."),
    (MATRIX, [TABLE], {"t": [[1, 2, 3], [1, 2]]}, "QVR605 `t` is ragged: row 2 has 2 values, but row 1 has 3."),
    (MATRIX, [TABLE], {"t": [[1, 2, 3], 4]}, "QVR605 `t` is ragged: row 2 is a number, but row 1 is a list."),
    (SCHOOL, [SIGMA], {"sigma_j": replaced(ERRORS, 3, "16")}, 'QVR606 `sigma_j` must be numbers: row 3 of `School` is the text "16".'),
    (SCHOOL, [SIGMA], {"sigma_j": ["a\n"] * 8}, 'QVR606 `sigma_j` must be numbers: row 1 of `School` is the text "a\\n" (and 7 more).'),
    (SCHOOL, [SIGMA], {"sigma_j": replaced(ERRORS, 4, None)}, "QVR606 `sigma_j` has 1 missing value: row 4 of `School`."),
    (SCHOOL, [SIGMA], {"sigma_j": np.ma.masked_less(np.array(ERRORS), 11)}, "QVR606 `sigma_j` has 3 missing values: rows 2, 5 and 7 of `School`."),
    (SCHOOL, [SIGMA], {"sigma_j": "ten"}, 'QVR606 `sigma_j` must be numbers for `School`, but it is the text "ten".'),
    (SCHOOL, [an_input("s")], {"s": {"a": 1}}, "QVR606 `s` must be a number, but it is an object in braces."),
    (SCHOOL, [an_input("s")], {"s": 1 + 2j}, "QVR606 `s` must be a number, but it is a complex number."),
    (SCHOOL, [an_input("s")], {"s": None}, "QVR606 `s` must be a number, but it is null."),
    (SCHOOL, [SIGMA], {"sigma_j": replaced(ERRORS, 3, math.nan)}, "QVR607 `sigma_j` must be finite: row 3 of `School` is NaN."),
    (SCHOOL, [SIGMA], {"sigma_j": replaced(ERRORS, 3, 10**400)}, "QVR607 `sigma_j` must be finite: row 3 of `School` is infinite."),
    (SCHOOL, [SIGMA], {"sigma_j": replaced(ERRORS, 3, -16)}, "QVR608 `sigma_j` must be positive: row 3 of `School` is -16."),
    (SCHOOL, [SIGMA], {"sigma_j": [0] * 8}, "QVR608 `sigma_j` must be positive: row 1 of `School` is 0 (and 7 more)."),
    (MATRIX, [TABLE], {"t": [[1, 2, 3], [1, -2, 3]]}, "QVR608 `t` must be positive: `School` 2, `Item` 2 is -2."),
    (SCHOOL, [an_input("s", "", POSITIVE)], {"s": -2}, "QVR608 `s` must be positive, but it is -2."),
    (SCHOOL, [an_input("n", "School", NATURAL)], {"n": replaced(EIGHT, 3, 2.5)}, "QVR609 `n` must be a whole number, at least 0: row 3 of `School` is 2.5."),
    (SCHOOL, [an_input("n", "School", BOOLEAN)], {"n": [0, 1, 2, 0, 0, 0, 0, 0]}, "QVR608 `n` must be 0 or 1: row 3 of `School` is 2."),
    ({"School": 3, "County": 2}, [COUNTY], {"county": [0, 1, 2]}, "QVR610 `county` must be an index into `County` (0 to 1): row 3 of `School` is 2."),
    ({"School": 3, "County": None}, [COUNTY], {"county": [0, 1, 1e12]}, "QVR610 `county` must be an index into `County`, but goes to 1e+12."),
    ({"School": None}, [Y], {"y": 3.0}, 'QVR611 Nothing tells how many elements `School` has: no input in the data runs over it; declare `object School : FinSet 8`, or give `"School": 8` in the data.'),
]  # fmt: skip


@pytest.mark.parametrize(
    ("objects", "inputs", "data", "sentence"), FAULTS, ids=[fault[3] for fault in FAULTS]
)
def test_each_fault_is_one_sentence(
    objects: dict[str, int | None], inputs: list[Input], data: dict[str, Any], sentence: str
) -> None:
    assert problems(objects, inputs, data) == [sentence]


def test_all_problems_are_told_at_once_in_the_order_of_the_inputs() -> None:
    found = problems(
        SCHOOL, [Y, SIGMA, an_input("x", "School")], {"sigma_j": [1, -2], "y": [*EIGHT, math.nan]}
    )
    assert [line.split()[0] for line in found] == ["QVR602", "QVR607", "QVR602", "QVR608", "QVR601"]


def test_problems_stand_on_the_first_use_or_on_the_programs_name() -> None:
    _, program = program_with(SCHOOL, [SIGMA])
    placed = diagnostics([DataProblem("QVR601", "a", "sigma_j"), DataProblem("QVR600", "b")], program)
    assert [(item.code, item.span) for item in placed] == [
        ("QVR601", Span(40, 47)),
        ("QVR600", Span(108, 115)),
    ]


def test_data_are_found_by_a_name_in_another_form_of_its_letters() -> None:
    micro, mu = "\u00b5", "\u03bc"
    assert fit({}, [an_input(mu)], {micro: 2.0}).values[mu] == 2.0
    both = fit({}, [an_input(mu)], {micro: 2.0, mu: 3.0})
    assert both.values[mu] == 3.0
    assert both.notes == (f"`schools` makes no use of `{micro}` in the data.",)


def test_indices_that_count_from_one_are_told_in_a_note() -> None:
    checked = check_source(
        "object Row : FinSet\nobject Group : FinSet\ndata group : Row -> Group\n"
        "program p : Row -> Row\n"
        "    sample mu : Group <- Normal(0.0, 1.0)\n"
        "    observe y : Row <- Normal(mu[group], 1.0)\n"
        "    return y\n"
    )

    def bound(group: list[int], **more: Any) -> Bound:
        return bind(checked, checked.programs["p"], {"y": [1.0] * len(group), "group": group, **more})

    assert bound([1, 2, 3, 1]).notes == (
        "No row of `group` is 0, the first of the 4 elements of `Group`: if it counts from 1, as Stan and R do, "
        "take 1 off, or give names.",
    )
    assert bound([0, 1, 2, 1]).notes == bound([1, 3, 3, 1]).notes == bound([1, 2], Group=3).notes == ()

    numbers = [1023, 2054, 1023]
    with pytest.raises(DataError) as caught:
        bound(numbers)
    assert str(caught.value) == (
        "`group` goes to 2054, so `Group` would have 2055 elements, of which the data use 2. If the numbers are "
        'names, give text in their place; if they are indices, give `"Group": 2055` as well.'
    )
    assert bound(numbers, Group=2055).sizes["Group"] == 2055
