"""Where the nodes of a plate diagram stand from left to right: short, straight edges around whole plates.

The order comes from sweeps that move each node towards the mean of its neighbours (Sugiyama, Tagawa and
Toda, 1981), with the cells of plates kept together; the places from the same pull, under the distances that
nodes and the borders of plates must keep.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from quivers.plate.regions import Arrangement, Cell, Region
from quivers.plate.rows import Arrow
from quivers.records import record

GAP = 22.0  # between nodes, and between a node and the border of a plate that it is not in
PAD = 14.0  # between a border and what is within
BEND = 12.0  # the width that an edge takes in a row that it passes
SWEEPS = 10


@record
class Places:
    """The middle of each node, and of each edge in the rows that it passes, from left to right."""

    x: Mapping[str, float]
    bends: Mapping[Arrow, tuple[str, ...]]
    levels: Mapping[tuple[int, str], int]


def placed(
    arrangement: Arrangement, keys: Sequence[str], arrows: Sequence[Arrow], widths: Mapping[str, float]
) -> Places:
    """The places of all nodes; `widths` are as wide as their plates' labels need."""
    work = _Placing(arrangement, keys, arrows, widths)
    best: tuple[float, list[str], dict[int, list[str]]] | None = None
    for sweep in range(SWEEPS):
        work.order(sweep)
        work.settle(6)
        cost = work.cost()
        if best is None or cost < best[0] - 1e-9:
            best = (cost, list(work.line), {row: list(items) for row, items in work.in_row.items()})
    assert best is not None
    work.take(best[1], best[2])
    work.settle(60)
    return Places(work.x, work.bends, work.levels)


class _Placing:
    """Nodes and bends with their order and places so far.

    `line` is the order of all nodes from left to right, `in_row` that of nodes and bends in each row.
    """

    def __init__(
        self,
        arrangement: Arrangement,
        keys: Sequence[str],
        arrows: Sequence[Arrow],
        widths: Mapping[str, float],
    ) -> None:
        self.regions = arrangement.regions
        self.groups = arrangement.groups
        self.keys = keys
        self.rows = dict(arrangement.rows)
        self.widths = dict(widths)
        self.bends: dict[Arrow, tuple[str, ...]] = {}
        self.pulls: dict[str, list[tuple[str, float]]] = {key: [] for key in keys}
        self.bend_keys: list[str] = []
        for arrow in arrows:
            self._chain(arrow)
        inside: dict[str, list[int]] = {key: [] for key in keys}
        sizes = sorted(range(len(self.regions)), key=lambda each: -len(self.regions[each].members))
        for number in sizes:
            for key in self.regions[number].members:
                inside[key].append(number)
        self.inside = inside
        # How many borders of a node's own plates lie between it and that of the plate, this one counted.
        self.levels = {
            (number, key): len(numbers) - place
            for key, numbers in inside.items()
            for place, number in enumerate(numbers)
        }
        self.spans = [_rows_across(region, self.rows) for region in self.regions]
        self.members = [frozenset(region.members) for region in self.regions]
        grouped = {key for group in self.groups for cell in group[0] for key in cell}
        self.alone = [key for key in keys if key not in grouped]
        self.x = self._first_places()
        self.line: list[str] = []
        self.in_row: dict[int, list[str]] = {}
        self.before: dict[str, list[tuple[str, float]]] = {}
        self.after: dict[str, list[tuple[str, float]]] = {}

    def _first_places(self) -> dict[str, float]:
        """Places by the rows' orders with few crossings, as if there were no plates."""
        order: dict[int, list[str]] = {}
        for key in self._items():
            order.setdefault(self.rows[key], []).append(key)
        rows = sorted(order)

        def spread() -> dict[str, float]:
            return {
                key: 80.0 * (number - (len(order[row]) - 1) / 2)
                for row in rows
                for number, key in enumerate(order[row])
            }

        self.x = spread()
        best = dict(self.x)
        fewest = self.cost()
        for sweep in range(2 * SWEEPS):
            for row in rows if sweep % 2 == 0 else reversed(rows):
                wanted = {key: self._wanted(key, sweep % 2) for key in order[row]}
                order[row].sort(key=lambda key: wanted[key])
                for number, key in enumerate(order[row]):
                    self.x[key] = 80.0 * (number - (len(order[row]) - 1) / 2)
            if (cost := self.cost()) < fewest - 1e-9:
                best, fewest = dict(self.x), cost
        return best

    def _items(self) -> Iterable[str]:
        return [*self.keys, *self.bend_keys]

    def _chain(self, arrow: Arrow) -> None:
        """An arrow as a chain through the rows that it passes; straight pieces weigh more."""
        source, target = arrow
        chain = [source]
        for row in range(self.rows[source] + 1, self.rows[target]):
            bend = f"\0{source}\0{target}\0{row}"
            self.rows[bend], self.widths[bend], self.pulls[bend] = row, BEND, []
            self.bend_keys.append(bend)
            chain.append(bend)
        self.bends[arrow] = tuple(chain[1:])
        chain.append(target)
        for upper, lower in pairwise(chain):
            weight = 1.0 + (upper[0] == "\0") + (lower[0] == "\0")
            self.pulls[upper].append((lower, weight))
            self.pulls[lower].append((upper, weight))

    # ------------------------------------------------------------------- order

    def order(self, sweep: int) -> None:
        """Order everything by where its neighbours stand: those above and those below in turn, then all."""
        wanted = {key: self._wanted(key, sweep) for key in self._items()}
        units: list[tuple[float, list[str]]] = [(wanted[key], [key]) for key in self.alone]
        for orders in self.groups:
            means = {cell: _mean([wanted[key] for key in cell]) for cell in orders[0]}
            order = min(orders, key=lambda cells: _disorder([means[cell] for cell in cells]))
            line = [key for cell in order for key in self._cell(cell, wanted)]
            units.append((_mean([wanted[key] for key in line]), line))
        units.sort(key=lambda unit: unit[0])
        line = [key for _, keys in units for key in keys]
        rank = {key: number for number, key in enumerate(line)}
        in_row: dict[int, list[str]] = {}
        for key in line:
            in_row.setdefault(self.rows[key], []).append(key)
        for bend in sorted(self.bend_keys, key=lambda bend: wanted[bend]):
            row = in_row.setdefault(self.rows[bend], [])
            place = sum(1 for key in row if key in rank and wanted[key] < wanted[bend])
            # After `place` nodes, and after the bends that are there already.
            seen, at = 0, len(row)
            for number, key in enumerate(row):
                if key in rank:
                    if seen == place:
                        at = number
                        break
                    seen += 1
            row.insert(at, bend)
        self.take(line, in_row)

    def _cell(self, cell: Cell, wanted: Mapping[str, float]) -> list[str]:
        return sorted(cell, key=lambda key: wanted[key])

    def _wanted(self, key: str, sweep: int) -> float:
        row = self.rows[key]
        near = [
            (self.x[other], weight)
            for other, weight in self.pulls[key]
            if sweep >= SWEEPS - 2 or (self.rows[other] < row) == (sweep % 2 == 0)
        ]
        if not near:
            return self.x[key]
        return sum(x * weight for x, weight in near) / sum(weight for _, weight in near)

    def take(self, line: list[str], in_row: dict[int, list[str]]) -> None:
        """Stand in this order: the distances that follow from it, and the leftmost places that keep them."""
        self.line, self.in_row = line, in_row
        before: dict[str, list[tuple[str, float]]] = {key: [] for key in self._items()}
        after: dict[str, list[tuple[str, float]]] = {key: [] for key in self._items()}

        def keep(left: str, right: str, distance: float) -> None:
            before[right].append((left, distance))
            after[left].append((right, distance))

        for number, right in enumerate(line):
            for left in line[:number]:
                distance = self._distance(left, right)
                if distance is not None:
                    keep(left, right, distance)
        for row in in_row.values():
            for left, right in pairwise(row):
                if left[0] == "\0" or right[0] == "\0":
                    keep(left, right, (self.widths[left] + self.widths[right]) / 2 + GAP / 2)
        self.before, self.after = before, after
        places: dict[str, float] = {}
        for key in self._sorted():
            places[key] = max((places[left] + distance for left, distance in before[key]), default=0.0)
        self.x = places

    def _sorted(self) -> list[str]:
        """Everything, each after all that stands to its left."""
        waiting = {key: len(self.before[key]) for key in self._items()}
        ready = [key for key in self._items() if not waiting[key]]
        found: list[str] = []
        while ready:
            key = ready.pop()
            found.append(key)
            for right, _ in self.after[key]:
                waiting[right] -= 1
                if not waiting[right]:
                    ready.append(right)
        return found

    def _distance(self, left: str, right: str) -> float | None:
        """How far the middles of two nodes must be apart; None where they may stand above each other."""
        apart = self.rows[left] == self.rows[right]
        borders = [0, 0]
        for side, (own, other) in enumerate(((left, right), (right, left))):
            for number in self.inside[own]:
                if other in self.members[number]:
                    continue
                first, last = self.spans[number]
                beside = first <= self.rows[other] <= last or any(
                    self.members[number].isdisjoint(self.members[far])
                    and self.spans[far][0] <= last
                    and first <= self.spans[far][1]
                    for far in self.inside[other]
                )
                if beside:
                    apart = True
                    borders[side] = max(borders[side], self.levels[number, own])
        if not apart:
            return None
        return (self.widths[left] + self.widths[right]) / 2 + GAP + PAD * sum(borders)

    # ------------------------------------------------------------------- places

    def settle(self, rounds: int) -> None:
        """Let everything move towards its neighbours as far as the distances allow, plates as wholes too."""
        items = self._sorted()
        blocks = [list(region.members) for region in self.regions if len(region.members) > 1]
        blocks += [[key for cell in group[0] for key in cell] for group in self.groups]
        for turn in range(rounds):
            for block in blocks:
                self._move(block)
            for key in items if turn % 2 else reversed(items):
                self._move([key])
        if rounds > 10:  # whatever is free to stand in the middle of what it belongs to
            for key in items:
                self._move([key])

    def _move(self, block: Sequence[str]) -> None:
        inside = set(block)
        pull = weights = 0.0
        least, most = float("-inf"), float("inf")
        for key in block:
            at = self.x[key]
            for other, weight in self.pulls[key]:
                if other not in inside:
                    pull += weight * (self.x[other] - at)
                    weights += weight
            for other, distance in self.before[key]:
                if other not in inside:
                    least = max(least, self.x[other] + distance - at)
            for other, distance in self.after[key]:
                if other not in inside:
                    most = min(most, self.x[other] - distance - at)
        if not weights:
            return
        by = min(max(pull / weights, least), most)
        if by > 1e-6 or by < -1e-6:
            for key in block:
                self.x[key] += by

    def cost(self) -> float:
        """Crossings of edges, and by little the lengths of edges."""
        crossings = 0
        lengths = 0.0
        pieces: dict[int, list[tuple[float, float]]] = {}
        for key in self._items():
            for other, _ in self.pulls[key]:
                if self.rows[other] > self.rows[key]:
                    pieces.setdefault(self.rows[key], []).append((self.x[key], self.x[other]))
                    lengths += abs(self.x[key] - self.x[other])
        for row in pieces.values():
            row.sort()
            for number, (top, bottom) in enumerate(row):
                crossings += sum(1 for t, b in row[:number] if t < top and b > bottom)
        return crossings + lengths / 2000


def _rows_across(region: Region, rows: Mapping[str, int]) -> tuple[int, int]:
    across = [rows[key] for key in region.members]
    return min(across), max(across)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _disorder(values: Sequence[float]) -> float:
    """How far values are from increasing."""
    return sum(max(0.0, first - second) for number, second in enumerate(values) for first in values[:number])
