"""Writes what goes through rows and matrices as a whole, or along an axis one element after the other.

Each is one statement of its nest: loops over its other axes stand around it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from quivers.backends.kernel.nests import Loop, arranged, body_work, plates_of
from quivers.backends.kernel.page import Room
from quivers.ir.graph import Node

if TYPE_CHECKING:
    from quivers.backends.kernel.writer import Writer

Memory = tuple[str, str, tuple[str, ...]]
"""A pointer, the place of the first element there, and the step to the next along each axis asked for."""


def write(writer: Writer, number: int) -> None:
    """Write the statement of a node that has axes of its own (see `Work.own`)."""
    _STATEMENTS[writer.work.nodes[number].op](writer, number)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stands around a scan's body: the writer of the graph that the scan is in, and the state.

    The state is in the local variable `state`, or where it has axes that a step mixes, in `room`. A step
    stands within `depth` loops, that of the scan's own axis the last.
    """

    outside: Writer
    scan: int
    state: str
    room: Room | None
    depth: int

    def _argument(self, leaf: Node) -> int:
        return self.outside.work.nodes[self.scan].args[int(leaf.name or "")]

    def read(self, writer: Writer, source: int) -> str:
        """The text of a leaf's value here."""
        leaf = writer.work.nodes[source]
        if leaf.op == "outer":
            return self.outside.read(self._argument(leaf))
        if self.room is None:
            return self.state
        return writer.loaded(source, self.element(leaf, {}), self.room.axes, self.depth)

    def element(self, leaf: Node, at: Mapping[str, str]) -> str:
        """The text of a leaf's value at indices other than the loops'."""
        if leaf.op == "outer":
            return self.outside.element(self._argument(leaf), at)
        if self.room is None:
            return self.state
        return self.outside.page.cell(self.room, at)

    def known_index(self, leaf: Node, along: str) -> bool:
        """Whether a leaf, taken as an index, lies in the axis `along` for certain."""
        return leaf.op == "outer" and self.outside.known_index(self._argument(leaf), along)

    def memory(self, writer: Writer, source: int, over: Sequence[str]) -> Memory:
        """Where a leaf's values are."""
        leaf = writer.work.nodes[source]
        if leaf.op == "outer":
            return self.outside.memory(self._argument(leaf), over)
        if self.room is None:
            return writer.spilled(source, over)
        return writer.strided(self.room, over)

    def step(self, value: str) -> None:
        """Write the end of a step: its value is the scan's here, and the state of the next step."""
        page = self.outside.page
        if self.room is None:
            page.line(f"{self.state} = {value}")
            value = self.state
        page.line(f"{self.outside.cell(self.scan)} = {value}")


def _scan(writer: Writer, number: int) -> None:
    node, page = writer.work.nodes[number], writer.page
    assert node.body is not None
    along = node.name or ""
    plates = plates_of(node)
    own = [axis for axis in node.axes if axis != along and axis not in plates]
    state = page.free(f"{writer.spoken_of(number)}_before")
    room = page.room(state, own) if own else None
    surroundings = Surroundings(writer, number, state, room, len(page.path) + 1)
    first = node.args[0]
    if room is None:
        page.line(f"{state} = {writer.read(first)}")
    else:
        with page.loops(room.axes):
            page.line(f"{page.cell(room, {})} = {writer.read(first)}")
    todo = body_work(node.body, frozenset(plates))
    with page.loop(Loop(along, ()), backwards=node.op == "rscan"):
        writer.inside(todo, surroundings).write(arranged(todo))
        if room is not None:  # not before the whole step is done: it may read any element of the state
            with page.loops(room.axes):
                page.line(f"{page.cell(room, {})} = {writer.cell(number)}")


def _running_sum(writer: Writer, number: int) -> None:
    node, page = writer.work.nodes[number], writer.page
    total = page.free(f"{writer.spoken_of(number)}_so_far")
    page.line(f"{total} = 0.0")
    with page.loop(Loop(node.name or "", ()), backwards=node.op == "rcumsum"):
        page.line(f"{total} += {writer.read(node.args[0])}")
        page.line(f"{writer.cell(number)} = {total}")


def _argsort(writer: Writer, number: int) -> None:
    node, page = writer.work.nodes[number], writer.page
    along = (node.name or "",)
    row = _spelt(writer.memory(node.args[0], along))
    result = _spelt(writer.strided(writer.stored[number], along))
    page.line(f"{page.use('argsort')}({row}, {page.count(along[0])}, {result})")


def _cholesky(writer: Writer, number: int) -> None:
    node, page = writer.work.nodes[number], writer.page
    matrix = _spelt(writer.memory(node.args[0], node.over))
    result = _spelt(writer.strided(writer.stored[number], node.over))
    page.line(f"{page.use('cholesky')}({matrix}, {page.count(node.over[0])}, {result})")


def _solve(writer: Writer, number: int) -> None:
    node, page = writer.work.nodes[number], writer.page
    rows = node.over[:1]
    matrix = _spelt(writer.memory(node.args[0], node.over))
    right = _spelt(writer.memory(node.args[1], rows))
    result = _spelt(writer.strided(writer.stored[number], rows))
    page.line(f"{page.use(node.op)}({matrix}, {right}, {page.count(rows[0])}, {result})")


def _spelt(memory: Memory) -> str:
    pointer, first, steps = memory
    return ", ".join((pointer, first, *steps))


_STATEMENTS: Mapping[str, Callable[[Writer, int], None]] = {
    "scan": _scan,
    "rscan": _scan,
    "cumsum": _running_sum,
    "rcumsum": _running_sum,
    "argsort": _argsort,
    "cholesky": _cholesky,
    "solve": _solve,
    "solve_transposed": _solve,
}
