"""Records are to their users what frozen dataclasses are, and cost a command's start less."""

import copy
import dataclasses
import pickle

import pytest

from quivers.records import field, record, replace, values_of


@record
class Place:
    """A place on a line."""

    line: int
    name: str | None = None

    @property
    def next(self) -> int:
        return self.line + 1


@record
class Other:
    """Another class with the same fields."""

    line: int
    name: str | None = None


@record
class Nothing:
    """A record without a field."""


@record(frozen=False)
class Basket:
    """Something that is filled."""

    owner: str
    items: list[int] = field(default_factory=list)


def test_a_record_takes_its_values_by_place_and_by_name_and_shows_them() -> None:
    assert Place(3, name="a").next == 4
    assert repr(Place(3)) == "Place(line=3, name=None)"
    assert list(values_of(Place(3, "a"))) == [("line", 3), ("name", "a")]
    with pytest.raises(TypeError, match="line"):
        Place()
    with pytest.raises(TypeError, match="column"):
        Place(1, column=2)


def test_records_are_equal_and_hash_by_class_and_values() -> None:
    assert Place(3, "a") == Place(3, "a") != Place(3, "b")
    assert Place(3, "a") != Other(3, "a")
    assert Place(3) != (3, None)
    assert {Place(3, "a"), Place(3, "a"), Place(4, "a")} == {Place(3, "a"), Place(4, "a")}
    assert Nothing() == Nothing()
    assert len({Nothing(), Nothing()}) == 1


def test_a_record_that_may_change_has_no_hash_and_a_list_of_its_own() -> None:
    basket = Basket("Ada")
    basket.items.append(1)
    assert Basket("Ada").items == []
    assert basket == Basket("Ada", [1])
    with pytest.raises(TypeError, match="unhashable"):
        hash(basket)


def test_a_record_has_slots_and_no_other_attribute() -> None:
    place = Place(3)
    assert not hasattr(place, "__dict__")
    with pytest.raises(AttributeError):
        place.column = 1


def test_a_field_without_a_default_may_not_follow_one_with_a_default() -> None:
    with pytest.raises(TypeError, match="without a default"):

        @record
        class Wrong:
            """Its fields stand in the wrong order."""

            line: int = 0
            name: str


def test_a_record_is_matched_by_place() -> None:
    match Place(3, "a"):
        case Place(line, "a"):
            assert line == 3
        case _:
            pytest.fail("the pattern does not match")


def test_replace_changes_the_values_named_alone() -> None:
    place = Place(3, "a")
    assert replace(place, line=4) == Place(4, "a")
    assert place == Place(3, "a")
    with pytest.raises(TypeError, match="column"):
        replace(place, column=4)


def test_a_record_is_a_dataclass_to_the_standard_library() -> None:
    assert dataclasses.is_dataclass(Place)
    assert [entry.name for entry in dataclasses.fields(Place(3))] == ["line", "name"]
    assert dataclasses.replace(Place(3), name="b") == Place(3, "b")
    assert dataclasses.asdict(Basket("Ada", [1])) == {"owner": "Ada", "items": [1]}


def test_a_record_can_be_copied_and_pickled() -> None:
    place = Place(3, "a")
    assert copy.deepcopy(place) == pickle.loads(pickle.dumps(place)) == place
