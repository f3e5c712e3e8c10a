"""Plates as regions of the drawing, and the orders from left to right in which each can be one rectangle.

Nodes that share all their plates make a cell. Over the rows from a region's first to its last, no node of
another cell may stand between the region's nodes; where three plates overlap in ways that no drawing has,
one is drawn twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations

from quivers.check.types import Axis
from quivers.plate.diagram import Diagram
from quivers.plate.rows import Arrow, rows_of
from quivers.records import record

MOST_TRIED = 6  # cells of one group, whose orders are all tried
MOST_ORDERS = 200

Cell = tuple[str, ...]


@record
class Region:
    """A rectangle of a plate and the keys of the nodes within, in the diagram's order."""

    axis: Axis
    members: tuple[str, ...]


@record
class Arrangement:
    """Regions that can be drawn: the row of each node, and the groups of cells that hang together.

    A group's orders are those in which all its regions are rectangles. Nodes outside of all plates are in
    no group.
    """

    regions: tuple[Region, ...]
    rows: Mapping[str, int]
    groups: tuple[tuple[tuple[Cell, ...], ...], ...]


def arranged(diagram: Diagram, arrows: Sequence[Arrow]) -> Arrangement:
    """The regions of a diagram's plates, over the arrows that have no cycles."""
    keys = [node.key for node in diagram.nodes]
    own = {node.key: node.axes for node in diagram.nodes}
    regions = [
        Region(plate.axis, tuple(key for key in keys if plate.axis in diagram.around[key]))
        for plate in diagram.plates
    ]
    while True:
        regions = [region for region in regions if region.members]
        rows = rows_of(keys, arrows, [region.members for region in regions])
        groups = []
        for cells in _groups(keys, regions):
            orders, clash = _orders(cells, regions, rows)
            if clash is not None:
                regions = list(_mended(regions, clash, own))
                break
            groups.append(orders)
        else:
            return Arrangement(tuple(regions), rows, tuple(groups))


def _groups(keys: Sequence[str], regions: Sequence[Region]) -> list[list[Cell]]:
    """The cells of plates that share nodes, by group."""
    inside: dict[str, list[int]] = {key: [] for key in keys}
    for number, region in enumerate(regions):
        for key in region.members:
            inside[key].append(number)
    cells: dict[tuple[int, ...], list[str]] = {}
    for key in keys:
        if inside[key]:
            cells.setdefault(tuple(inside[key]), []).append(key)
    group = list(range(len(regions)))
    for numbers in cells:
        joined = {group[number] for number in numbers}
        group = [min(joined) if each in joined else each for each in group]
    found: dict[int, list[Cell]] = {}
    for numbers, members in cells.items():
        found.setdefault(group[numbers[0]], []).append(tuple(members))
    return list(found.values())


# A region, and its nodes on both sides of one that stands between them.
_Clash = tuple[Region, set[str], set[str]]


def _orders(
    cells: list[Cell], regions: Sequence[Region], rows: Mapping[str, int]
) -> tuple[tuple[tuple[Cell, ...], ...], _Clash | None]:
    """The orders of a group's cells in which its regions are rectangles, or what stands in the way."""
    here = {key for cell in cells for key in cell}
    tests = [_Test(region, cells, rows) for region in regions if region.members[0] in here]
    numbers = range(len(cells))
    best: tuple[int, ...] = tuple(numbers)
    fewest = None
    found: list[tuple[Cell, ...]] = []
    tried: Iterator[tuple[int, ...]] | list[tuple[int, ...]] = permutations(numbers)
    if len(cells) > MOST_TRIED:
        tried = [_by_insertion(tests, len(cells))]
    for order in tried:
        clashes = sum(test.clashes(order) for test in tests)
        if fewest is None or clashes < fewest:
            best, fewest = order, clashes
        if clashes == 0:
            found.append(tuple(cells[number] for number in order))
            if len(found) == MOST_ORDERS:
                break
    if found:
        return tuple(found), None
    for test in tests:
        between = test.first_clash(best)
        if between is not None:
            place = best.index(between)
            left = {key for number in best[:place] if number in test.mine for key in cells[number]}
            right = {key for number in best[place:] if number in test.mine for key in cells[number]}
            return (), (test.region, left, right)
    raise AssertionError("an order with a clash has a first one")


class _Test:
    """Whether an order of cells lets a region be a rectangle."""

    def __init__(self, region: Region, cells: Sequence[Cell], rows: Mapping[str, int]) -> None:
        self.region = region
        members = set(region.members)
        across = [rows[key] for key in region.members]
        self.mine = {number for number, cell in enumerate(cells) if cell[0] in members}
        self.others = {
            number
            for number, cell in enumerate(cells)
            if number not in self.mine and any(min(across) <= rows[key] <= max(across) for key in cell)
        }

    def clashes(self, order: Sequence[int]) -> int:
        places = [place for place, number in enumerate(order) if number in self.mine]
        if len(places) < 2:
            return 0
        return sum(number in self.others for number in order[places[0] : places[-1]])

    def first_clash(self, order: Sequence[int]) -> int | None:
        places = [place for place, number in enumerate(order) if number in self.mine]
        between = order[places[0] : places[-1]] if places else ()
        return next((number for number in between if number in self.others), None)


def _by_insertion(tests: Sequence[_Test], count: int) -> tuple[int, ...]:
    """An order of many cells with few clashes: each goes where it makes the fewest, and then once more."""
    order: list[int] = []
    for turn in range(2):
        for number in range(count):
            if turn:
                order.remove(number)
            tried = [[*order[:place], number, *order[place:]] for place in range(len(order) + 1)]
            order = min(tried, key=lambda each: sum(test.clashes(each) for test in tests))
    return tuple(order)


def _mended(regions: Sequence[Region], clash: _Clash, own: Mapping[str, Sequence[Axis]]) -> Iterator[Region]:
    """The regions without one clash.

    Nodes that only lie within the plate by an input leave it; else the plate is drawn twice.
    """
    torn, left, right = clash
    for region in regions:
        if region is not torn:
            yield region
            continue
        parts = [left, right]
        loose = [part for part in parts if all(region.axis not in own[key] for key in part)]
        if loose:
            parts.remove(loose[0])
            parts = [part for part in parts if part]
        for part in parts:
            yield Region(region.axis, tuple(key for key in region.members if key in part))
