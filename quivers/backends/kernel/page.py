"""What the writers of one kernel share: the lines so far, the loops around them, names and memory."""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from keyword import iskeyword

from quivers.backends.kernel.naming import count, index, sized
from quivers.backends.kernel.nests import Loop
from quivers.ir.graph import axis_size, object_of

Path = tuple[Loop, ...]

# The elements that several loops go through one after the other before they come to the next.
BLOCK = 128

# The greatest number of elements of an array in the function's own memory.
LOCAL = 64


@dataclass(slots=True)
class Scope:
    """The lines of one loop's body, and the variables into which memory has been read there.

    While loops are written that go through one block after the other, their text goes to `block`; a block's
    first element is in the variable `first`.
    """

    lines: list[str] = field(default_factory=list)
    block: list[str] | None = None
    first: str = ""
    names: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Room:
    """An array in row-major order: from the place in the variable `start` on in the memory at `pointer`.

    Where it has a `size`, a number of elements that is known and small, it is memory of the function's own,
    which the compiler can keep in registers.
    """

    pointer: str
    start: str
    axes: tuple[str, ...]
    size: int | None = None


@dataclass(slots=True)
class Page:
    """The only mutable thing in writing a kernel. `order` is the order in which axes are nested.

    `small` are the numbers of elements of small objects.
    """

    order: tuple[str, ...]
    small: Mapping[str, int] = field(default_factory=dict)
    scopes: list[Scope] = field(default_factory=lambda: [Scope()])
    path: Path = ()
    taken: set[str] = field(default_factory=set)
    functions: set[str] = field(default_factory=set)
    scratch: list[Room] = field(default_factory=list)
    sizes: dict[str, None] = field(default_factory=dict)
    """The axes whose sizes are used, in the order of the shared numbers."""

    def line(self, text: str, comment: str = "") -> None:
        self.scopes[-1].lines.append(f"{text}  # {comment}" if comment else text)

    @contextmanager
    def loop(self, loop: Loop, *, backwards: bool = False) -> Iterator[None]:
        """What is written within stands in a loop; nothing is written where that is nothing."""
        self.path = (*self.path, loop)
        self.scopes.append(Scope())
        yield
        lines = self.scopes.pop().lines
        self.path = self.path[:-1]
        if lines:
            size = self.count(loop.axis)
            steps = f"{size} - 1, -1, -1" if backwards else size
            comment = f"each {loop.axis}{', from the last to the first' if backwards else ''}"
            around = self.scopes[-1]
            if around.block is not None:
                steps = f"{around.first}, min({around.first} + {BLOCK}, {size})"
                comment += " of the block"
            target = around.lines if around.block is None else around.block
            target.append(f"for {index(loop.axis)} in range({steps}):  # {comment}")
            target += [f"    {line}" for line in lines]

    @contextmanager
    def blocks(self, axis: str) -> Iterator[None]:
        """The loops within, all over `axis`, go through one block of its elements after the other."""
        scope = self.scopes[-1]
        block, first, lines = self.free("block"), self.free("first"), list[str]()
        scope.block, scope.first = lines, first
        yield
        scope.block = None
        size = self.count(axis)
        self.line(f"for {block} in range(({size} + {BLOCK - 1}) // {BLOCK}):", f"{BLOCK} of {axis} at a time")
        self.line(f"    {first} = {block} * {BLOCK}")
        scope.lines += [f"    {line}" for line in lines]

    @contextmanager
    def loops(self, axes: Sequence[str]) -> Iterator[None]:
        """Loops over all of `axes`, the first outermost."""
        if not axes:
            yield
            return
        with self.loop(Loop(axes[0], ())), self.loops(axes[1:]):
            yield

    def count(self, axis: str) -> str:
        """The variable that holds an axis's number of elements."""
        self.sizes[sized(axis)] = None
        return count(axis)

    def product(self, axes: Sequence[str]) -> str:
        return " * ".join(self.count(axis) for axis in axes) or "1"

    def offset(self, start: str, axes: Sequence[str], at: Mapping[str, str]) -> str:
        """The place of an element in row-major order, its indices the loops' or those of `at`."""
        inner = ""
        for axis in axes:
            place = at.get(axis, index(axis))
            inner = f"({inner}) * {self.count(axis)} + {place}" if inner else place
        if not inner:
            return start
        return inner if start == "0" else f"{start} + {inner}"

    def room(self, name: str, axes: Sequence[str]) -> Room:
        """A new array for a value that is called `name`."""
        size = 1
        for axis in axes:
            size *= self.size(axis) or LOCAL + 1
        if 0 < size <= LOCAL:
            found = Room(f"{name}_at", "0", self.layout(axes), size)
        else:
            found = Room("data", f"{name}_at", self.layout(axes))
        self.scratch.append(found)
        return found

    def cell(self, room: Room, at: Mapping[str, str]) -> str:
        """An element of an array, its indices the loops' or those of `at`."""
        return f"{room.pointer}[{self.offset(room.start, room.axes, at)}]"

    def size(self, axis: str) -> int | None:
        """The number of elements of an axis of a small object; None where it is left to the data."""
        return axis_size(axis, self.small) if object_of(axis) in self.small else None

    def layout(self, axes: Sequence[str]) -> tuple[str, ...]:
        """Axes in the order of nesting, so that inner loops run along memory; unrolled ones first."""
        nested = [axis for axis in self.order if axis in axes]
        order = [*(axis for axis in axes if axis not in nested), *nested]
        return tuple(sorted(order, key=lambda axis: self.size(axis) is None))

    def free(self, wanted: str) -> str:
        """A name that nothing else has, and whose array nothing else has."""
        name, number = wanted, 1
        while {name, f"{name}_at"} & self.taken or iskeyword(name) or hasattr(builtins, name):
            number += 1
            name = f"{wanted}_{number}"
        self.taken |= {name, f"{name}_at"}
        return name

    def use(self, function: str) -> str:
        """The name of a special function, which the head then imports."""
        self.functions.add(function)
        return function
