import pytest
from hypothesis import given
from hypothesis import strategies as st

from quivers.check.spelling import distance, looks_misspelt, nearest
from quivers.families.table import FAMILIES

WORDS = st.text("abcd", max_size=6)


@pytest.mark.parametrize(
    ("left", "right", "edits"),
    [("", "abc", 3), ("theta", "theta", 0), ("theta", "thata", 1), ("theta", "tehta", 1), ("ca", "abc", 3)],
)
def test_distance_counts_insertions_deletions_changes_and_swaps(left: str, right: str, edits: int) -> None:
    assert distance(left, right) == edits


@given(WORDS, WORDS)
def test_distance_is_symmetric_and_zero_only_between_equals(left: str, right: str) -> None:
    assert distance(left, right) == distance(right, left)
    assert (distance(left, right) == 0) == (left == right)
    assert distance(left, right) <= max(len(left), len(right))


@pytest.mark.parametrize(
    ("name", "meant"),
    [("Norml", "Normal"), ("normal", "Normal"), ("HalfNorml", "HalfNormal"), ("half_normal", "HalfNormal"),
     ("Possion", "Poisson"), ("Zipf", None), ("N", None), ("", None)],
)  # fmt: skip
def test_the_near_name_of_a_family(name: str, meant: str | None) -> None:
    assert nearest(name, FAMILIES) == meant


@pytest.mark.parametrize(
    ("name", "bound", "meant"),
    [("thata", "theta", "theta"), ("thetas", "theta", "theta"), ("x1", "x2", None), ("beta1", "beta2", None),
     ("beta2", "beta", None), ("mu", "nu", None), ("sigma_j", "sigma", None), ("alpha", "alpha", None),
     ("\u0441", "c", "c"), ("\u0440\u0430", "pa", "pa"), ("\u03b1", "a", None)],
)  # fmt: skip
def test_only_a_single_slip_in_three_letters_or_a_letter_of_the_same_look_counts_as_misspelt(
    name: str, bound: str, meant: str | None
) -> None:
    assert looks_misspelt(name, [bound]) == meant
