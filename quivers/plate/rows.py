"""Rows of a plate diagram: every node below what it reads, and plates as a whole below what they rest on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

Arrow = tuple[str, str]
MOST_SIDE_BY_SIDE = 7


def without_cycles(keys: Sequence[str], arrows: Iterable[Arrow]) -> list[Arrow]:
    """The arrows but those that lead back to where a walk came from, as a series that reads itself has."""
    below: dict[str, list[str]] = {key: [] for key in keys}
    for source, target in arrows:
        below[source].append(target)
    kept: list[Arrow] = []
    state: dict[str, int] = {}  # 1 while a walk is under a node, 2 after it
    for root in keys:
        if root in state:
            continue
        state[root] = 1
        walk = [(root, 0)]
        while walk:
            key, place = walk.pop()
            if place == len(below[key]):
                state[key] = 2
                continue
            walk.append((key, place + 1))
            target = below[key][place]
            if state.get(target) != 1:
                kept.append((key, target))
                if target not in state:
                    state[target] = 1
                    walk.append((target, 0))
    return kept


def rows_of(
    keys: Sequence[str], arrows: Sequence[Arrow], plates: Sequence[Collection[str]]
) -> dict[str, int]:
    """The row of each node, 0 at the top; the arrows have no cycles.

    What a plate rests on stands above all of it, and what rests on the plate below, as far as plates
    that depend on each other or overlap allow. Sources stand close above what reads them.
    """
    order = _Precedence(keys, arrows)
    for plate in plates:
        inside = set(plate)
        for key in keys:
            if key in inside or any(
                key in other and not inside.isdisjoint(other) and not inside <= set(other) for other in plates
            ):
                continue
            above = order.precedes_some(key, inside)
            below = order.follows_some(key, inside)
            if above != below:
                for member in plate:
                    order.add((key, member) if above else (member, key))
    rows = order.longest_paths()
    read = {target for _, target in arrows}
    for key in reversed(order.sorted()):
        under = order.below[key]
        if key not in read and under:
            rows[key] = min(rows[each] for each in under) - 1
    return _narrowed(keys, rows, arrows, plates)


def _narrowed(
    keys: Sequence[str], rows: dict[str, int], arrows: Sequence[Arrow], plates: Sequence[Collection[str]]
) -> dict[str, int]:
    """Rows in which no crowd of sources of one kind stands side by side: every other one moves up a row."""
    read = {target for _, target in arrows}
    crowds: dict[tuple[int, tuple[int, ...]], list[str]] = {}
    for key in keys:
        if key not in read:
            places = tuple(number for number, plate in enumerate(plates) if key in plate)
            crowds.setdefault((rows[key], places), []).append(key)
    wide = {row: crowd for (row, _), crowd in crowds.items() if len(crowd) > MOST_SIDE_BY_SIDE}
    for row in sorted(wide):
        moved = set(wide[row][1::2])
        rows = {key: at - 1 if at < row or key in moved else at for key, at in rows.items()}
    used = {row: number for number, row in enumerate(sorted(set(rows.values())))}
    return {key: used[row] for key, row in rows.items()}


class _Precedence:
    """Which node stands above which; the nodes under each, direct and at any depth."""

    def __init__(self, keys: Sequence[str], arrows: Iterable[Arrow]) -> None:
        self.keys = keys
        self.bit = {key: 1 << number for number, key in enumerate(keys)}
        self.below: dict[str, list[str]] = {key: [] for key in keys}
        self.reached = dict.fromkeys(keys, 0)
        for arrow in arrows:
            self.add(arrow)

    def add(self, arrow: Arrow) -> None:
        """Take an arrow in, unless it would close a cycle."""
        source, target = arrow
        if source == target or self.reached[target] & self.bit[source]:
            return
        if target not in self.below[source]:
            self.below[source].append(target)
        if self.reached[source] & self.bit[target]:
            return
        gained = self.bit[target] | self.reached[target]
        for key in self.keys:
            if key == source or self.reached[key] & self.bit[source]:
                self.reached[key] |= gained

    def precedes_some(self, key: str, inside: Collection[str]) -> bool:
        return any(self.reached[key] & self.bit[each] for each in inside)

    def follows_some(self, key: str, inside: Collection[str]) -> bool:
        return any(self.reached[each] & self.bit[key] for each in inside)

    def sorted(self) -> list[str]:
        """The keys, each before all under it; in their own order where that is free."""
        return sorted(self.keys, key=lambda key: -self.reached[key].bit_count())

    def longest_paths(self) -> dict[str, int]:
        rows = dict.fromkeys(self.keys, 0)
        for key in self.sorted():
            for target in self.below[key]:
                rows[target] = max(rows[target], rows[key] + 1)
        return rows
