"""What an editor says of data, in words."""

from __future__ import annotations

import pytest

from quivers.ide.data_facts import DataFacts, ValueFacts

COUNTIES = ("AITKIN", "ANOKA", "BECKER", "BELTRAMI")
SENTENCES = [
    (ValueFacts("y", "", (8,), 0, 9.0, 18.0), "8 values, 9…18"),
    (ValueFacts("y", "", (1,), 0, 9.0, 9.0), "1 value, 9"),
    (ValueFacts("y", "", (3, 4), 2, 0.0, 0.123456), "3 × 4 values, 2 missing, 0…0.1235"),
    (ValueFacts("y", "", (), 0, 2.5, 2.5), "2.5 in the data"),
    (ValueFacts("y", "", (3,), 3), "3 values, 3 missing"),
    (ValueFacts("y", "", (2,), 0, -1e300, 1e300), "2 values, -1e+300…1e+300"),
    (ValueFacts("y", "", (2,), 0, float("-inf"), float("inf")), "2 values, -inf…inf"),
    (ValueFacts("c", "", (919,), 0, levels=COUNTIES), "919 values, 4 levels: AITKIN, ANOKA, BECKER, …"),
    (ValueFacts("c", "", (9,), 0, levels=("A",)), "9 values, 1 level: A"),
    (ValueFacts("c", "", (9,), fault="dates"), "in the data: dates"),
]


@pytest.mark.parametrize(("facts", "sentence"), SENTENCES, ids=[each[1] for each in SENTENCES])
def test_values_are_said_in_few_words(facts: ValueFacts, sentence: str) -> None:
    assert facts.sentence == sentence


def test_long_names_are_cut() -> None:
    facts = ValueFacts("c", "", (9,), levels=("x" * 100,))
    assert facts.sentence == f"9 values, 1 level: {'x' * 29}…"


def test_objects_that_the_data_size_are_said_with_their_names() -> None:
    facts = DataFacts("m.csv", sizes={"County": 4, "Item": 1}, levels={"County": COUNTIES})
    assert facts.sentences == {
        "County": "4 elements in the data: AITKIN, ANOKA, BECKER, …",
        "Item": "1 element in the data",
    }


def test_a_note_is_said_of_the_names_in_it() -> None:
    values = {"y": ValueFacts("y", "", (2,), 0, 1.0, 2.0), "x": ValueFacts("x", "", (), 0, 1.0, 1.0)}
    facts = DataFacts("m.csv", values, notes=("`y` is in order.",))
    assert facts.sentences == {"y": "2 values, 1…2. `y` is in order.", "x": "1 in the data"}


def test_columns_are_the_unused_ones_with_what_they_hold() -> None:
    values = {
        "y": ValueFacts("y", "Item ⊗ Real", (2,), 0, 1.5, 2.5),
        "x": ValueFacts("x", "Real", (), 0, 1.0, 1.0),
    }
    facts = DataFacts("m.csv", values, unused=("y",))
    assert facts.columns == (("y", "Item ⊗ Real · 2 values, 1.5…2.5"),)
