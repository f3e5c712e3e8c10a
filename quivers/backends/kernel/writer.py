"""Writes the statements and loops of a graph, or of a scan's body, on a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from quivers.backends.kernel import sequential
from quivers.backends.kernel.elementary import ELEMENTARY
from quivers.backends.kernel.naming import identifier, index, literal
from quivers.backends.kernel.nests import NEXT, STORE, Blocks, Body, Item, Loop, Statement, Work
from quivers.backends.kernel.objective import constant_of
from quivers.backends.kernel.page import Page, Path, Room
from quivers.backends.kernel.special import FUNCTIONS
from quivers.ir.graph import CONDITIONS, Latent

_OPERATORS = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==",
    "ne": "!=", "and": "and", "or": "or",
}  # fmt: skip
_MATH = {
    "expm1": "expm1", "sqrt": "sqrt", "tanh": "tanh", "erf": "erf", "lgamma": "lgamma", "sin": "sin",
    "cos": "cos", "tan": "tan", "atan": "atan", "pow": "pow",
}  # fmt: skip
_SPECIAL = {"max": "maximum", "min": "minimum"}
_NEUTRAL = {"sum": "0.0", "scatter": "0.0", "prod": "1.0", "amax": "-math.inf", "amin": "math.inf"}
_LOGICAL = frozenset({"and", "or", "not"})

# An expression longer than this gets a line of its own.
INLINE = 44


@dataclass(frozen=True, slots=True)
class Array:
    """A node's values in memory, with the axes that it is laid out over."""

    node: int
    axes: tuple[str, ...]


class NotExpressible(Exception):
    """The kernel has no way to compute something; the message says what, as part of a sentence."""


@dataclass(slots=True)
class Writer:
    """Writes one graph. That of a scan's body has a `surroundings`: the writer of the graph that it is in."""

    page: Page
    work: Work
    names: Mapping[int, str] = field(default_factory=dict)
    latents: tuple[Latent, ...] = ()
    surroundings: sequential.Surroundings | None = None
    homes: dict[int, Path] = field(default_factory=dict)
    stored: dict[int, Room] = field(default_factory=dict)
    """Computed nodes that go through an array."""
    uses: dict[int, list[tuple[int | None, Path]]] = field(default_factory=dict)
    """Who reads a computed node, from within which loops; nobody's number for what reads it elsewhere too."""
    text: dict[int, str] = field(default_factory=dict)
    """The local variable, or the expression, of a computed node."""
    shared: dict[int, Array] = field(default_factory=dict)
    indices: dict[tuple[int, str], None] = field(default_factory=dict)
    spoken: dict[int, str] = field(default_factory=dict)
    begins: dict[str, str] = field(default_factory=dict)

    def inside(self, todo: Work, surroundings: sequential.Surroundings) -> Writer:
        """The writer of a scan's body."""
        return Writer(self.page, todo, surroundings=surroundings)

    def write(self, body: Body, returned: int | None = None) -> None:
        """Write the statements; the value of `returned` can be read behind all loops."""
        self._survey(body, self.page.path)
        if returned is not None and self.work.computed(self.work.source(returned)):
            self.uses.setdefault(self.work.source(returned), []).append((None, self.page.path))
        for number, home in self.homes.items():
            self._choose_memory(number, home)
        self._body(body)

    # ------------------------------------------------------------ memory

    def _survey(self, body: Body, path: Path) -> None:
        """Note where each node is computed and from where it is read."""
        for item in body:
            loops = _loops_of(item)
            for loop in loops:
                self._survey(loop.body, (*path, loop))
            if not isinstance(item, Statement):
                continue
            if item.kind != "add":
                self.homes[item.node] = path
            if item.kind != "start":
                for source, beyond in self.work.needs(item.node):
                    user = None if beyond else item.node
                    self.uses.setdefault(source, []).append((user, path))

    def _choose_memory(self, number: int, home: Path) -> None:
        """A node needs an array where it fills more than its nest's round, or is read outside of its nest."""
        bound = [loop.axis for loop in home]
        node = self.work.nodes[number]
        inner = [axis for axis in node.axes if axis not in bound] if self.work.accumulates(number) else []
        inner += self.work.own(number)
        near = min((_common(home, path) for _, path in self.uses.get(number, [])), default=len(home))
        axes = {*bound[near:], *inner}
        if axes:
            self.stored[number] = self.page.room(
                self.spoken_of(number), [axis for axis in node.axes if axis in axes]
            )

    def in_array(self, number: int) -> bool:
        """Whether a node's value never is a local variable: its statement goes through axes of its own."""
        if self.work.own(number):
            return True
        bound = {loop.axis for loop in self.homes[number]}
        node = self.work.nodes[number]
        return self.work.accumulates(number) and any(axis not in bound for axis in node.axes)

    # -------------------------------------------------------------- body

    def _body(self, body: Body) -> None:
        for place, item in enumerate(body):
            if isinstance(item, Statement):
                self._statement(item)
                continue
            if isinstance(item, Blocks):
                with self.page.blocks(item.axis):
                    self._loops(item.loops)
            else:
                self._loops((item,))
            # What accumulated in a local variable is complete now.
            for number in _ended(body[:place], item):
                if number in self.stored and not self.in_array(number):
                    self.page.line(f"{self.cell(number)} = {self.text[number]}")

    def _loops(self, loops: Sequence[Loop]) -> None:
        for loop in loops:
            with self.page.loop(loop):
                self._body(loop.body)

    def _statement(self, item: Statement) -> None:
        number = item.node
        node = self.work.nodes[number]
        if node.op == STORE:
            value, latent = self.read(node.args[0]), node.name or ""
            place = self.page.offset(self.latent_at(latent), node.axes, {})
            self.page.line(f"gradient[{place}] = {value}", f"the slope along {latent}")
        elif node.op == NEXT:
            assert self.surroundings is not None
            self.surroundings.step(self.read(node.args[0]))
        elif self.work.own(number):
            sequential.write(self, number)
        elif item.kind == "compute":
            self._compute(number)
        elif item.kind == "start":
            self._start(number)
        else:
            self._add(number)

    def _compute(self, number: int) -> None:
        text = self._expression(number)
        uses = self.uses.get(number, [])
        here = len(uses) == 1 and uses[0][0] is not None and uses[0][1] == self.page.path
        if here and number not in self.stored and number not in self.names and len(text) <= INLINE:
            self.text[number] = f"({text})" if " " in text else text
            return
        name = self.text[number] = self.spoken_of(number)
        self.page.line(f"{name} = {text}", self._site(number))
        if number in self.stored:
            value = f"(1.0 if {name} else 0.0)" if self.work.nodes[number].op in CONDITIONS else name
            self.page.line(f"{self.cell(number)} = {value}")

    def _site(self, number: int) -> str:
        """What the user wrote a node as, for a comment."""
        name = self.names.get(number)
        if name is None:
            return ""
        return f"{'sample' if any(latent.name == name for latent in self.latents) else 'let'} {name}"

    def _start(self, number: int) -> None:
        neutral = _NEUTRAL[self.work.nodes[number].op]
        if not self.in_array(number):
            name = self.text[number] = self.spoken_of(number)
            self.page.line(f"{name} = {neutral}")
            return
        bound = {loop.axis for loop in self.page.path}
        inner = [axis for axis in self.stored[number].axes if axis not in bound]
        with self.page.loops(inner):
            self.page.line(f"{self.cell(number)} = {neutral}")

    def _add(self, number: int) -> None:
        node = self.work.nodes[number]
        if node.op == "scatter":
            value, place = self.read(node.args[0]), self._index_into(node.args[1], node.name or "")
            self.page.line(f"{self.cell(number, {node.name or '': place})} += {value}")
            return
        target = self.cell(number) if self.in_array(number) else self.text[number]
        value = self.read(node.args[0])
        if node.op in {"sum", "prod"}:
            self.page.line(f"{target} {'+' if node.op == 'sum' else '*'}= {value}")
        else:
            function = self.page.use("maximum" if node.op == "amax" else "minimum")
            self.page.line(f"{target} = {function}({target}, {value})")

    # ------------------------------------------------------- expressions

    def _expression(self, number: int) -> str:
        node = self.work.nodes[number]
        if node.op == "gather":
            return self._gathered(number)
        if node.op == "where":
            condition, yes, no = node.args
            return f"{self.read(yes)} if {self.condition(condition)} else {self.read(no)}"
        if node.op in _LOGICAL:
            parts = [self.condition(arg) for arg in node.args]
            return f"not {parts[0]}" if node.op == "not" else f" {node.op} ".join(parts)
        parts = [self.read(arg) for arg in node.args]
        if node.op in _OPERATORS:
            return f"{parts[0]} {_OPERATORS[node.op]} {parts[1]}"
        if node.op == "neg":
            return f"-{parts[0]}"
        if node.op == "abs":
            return f"abs({parts[0]})"
        if node.op in _MATH:
            return f"math.{_MATH[node.op]}({', '.join(parts)})"
        function = _SPECIAL.get(node.op, node.op)
        if function not in FUNCTIONS and function not in ELEMENTARY:
            raise NotExpressible(f"it has no `{node.op}`")
        return f"{self.page.use(function)}({', '.join(parts)})"

    def read(self, number: int) -> str:
        """The text of a node's value here, a float; a local variable, or a number."""
        source = self.work.source(number)
        text = self._raw(source)
        return f"(1.0 if {text} else 0.0)" if self.is_condition(source) else text

    def condition(self, number: int) -> str:
        """The text of a node's value here as something true or false."""
        source = self.work.source(number)
        text = self._raw(source)
        return text if self.is_condition(source) else f"({text} != 0.0)"

    def is_condition(self, source: int) -> bool:
        """Whether the text of a node here is true or false, not a number."""
        local = source in self.text and self._is_near(source)
        return self.work.nodes[source].op in CONDITIONS and self.work.computed(source) and local

    def _is_near(self, source: int) -> bool:
        """Whether the loop that computed a node is still in its round."""
        home = self.homes[source]
        return self.page.path[: len(home)] == home

    def _raw(self, source: int) -> str:
        value = constant_of(self.work.nodes, source)
        if value is not None:
            return literal(value)
        node = self.work.nodes[source]
        if self.work.computed(source):
            if self._is_near(source) and not self.in_array(source):
                return self.text[source]
            return self.loaded(source, self.cell(source), self.stored[source].axes, len(self.homes[source]))
        if node.op == "iota":
            return f"float({index(node.name or '')})"
        if node.op == "size":
            return f"float({self.page.count(node.name or '')})"
        if self.surroundings is not None:
            return self.surroundings.read(self, source)
        if node.op == "position":
            place = self.page.offset(self.latent_at(node.name or ""), node.axes, {})
            return self.loaded(source, f"q[{place}]", node.axes, 0)
        array = self._shared(source)
        return self.loaded(source, self._shared_cell(array, {}), array.axes, 0)

    def loaded(self, source: int, cell: str, axes: Sequence[str], home: int) -> str:
        """A local variable read from memory as far out as the loops that its place depends on allow.

        `home` is how many of the loops around must be entered before there is anything to read.
        """
        depth = home
        if self.work.computed(source):
            depth = _common(self.homes[source], self.page.path)
        for level, loop in enumerate(self.page.path, start=1):
            if loop.axis in axes:
                depth = max(depth, level)
        for scope in self.page.scopes[: depth + 1]:
            if cell in scope.names:
                return scope.names[cell]
        scope = self.page.scopes[depth]
        node = self.work.nodes[source]
        if node.op == "position":
            name = self.page.free(f"{identifier(node.name or '')}_free")
        else:
            name = self.page.free(f"{self.spoken_of(source)}_read")
        scope.names[cell] = name
        scope.lines.append(f"{name} = {cell}")
        return name

    def _gathered(self, number: int) -> str:
        node = self.work.nodes[number]
        along = node.name or ""
        source = self.work.source(node.args[0])
        if along not in self.work.nodes[source].axes:
            return self.read(source)
        return self.element(source, {along: self._index_into(node.args[1], along)})

    def element(self, number: int, at: Mapping[str, str]) -> str:
        """The text of a node's value at indices other than the loops'."""
        source = self.work.source(number)
        node = self.work.nodes[source]
        if node.op == "iota":
            return f"float({at.get(node.name or '', index(node.name or ''))})"
        if self.work.computed(source):
            return self.cell(source, at) if source in self.stored else self.read(source)
        if constant_of(self.work.nodes, source) is not None or node.op == "size":
            return self._raw(source)
        if self.surroundings is not None:
            return self.surroundings.element(node, at)
        if node.op == "position":
            return f"q[{self.page.offset(self.latent_at(node.name or ''), node.axes, at)}]"
        return self._shared_cell(self._shared(source), at)

    def _index_into(self, number: int, along: str) -> str:
        """An index as a whole number."""
        source = self.work.source(number)
        if self.known_index(source, along):
            return f"int({self._raw(source)})"
        return f"{self.page.use('place')}({self.read(source)}, {self.page.count(along)})"

    def known_index(self, number: int, along: str) -> bool:
        """Whether an index lies in its axis for certain: then it depends on data alone, and is noted."""
        source = self.work.source(number)
        node = self.work.nodes[source]
        if node.op == "outer" and self.surroundings is not None:
            return self.surroundings.known_index(node, along)
        if self.work.computed(source) or self.surroundings is not None or node.op == "position":
            return False
        self._shared(source)
        self.indices[source, along] = None
        return True

    # ------------------------------------------------------------ places

    def cell(self, number: int, at: Mapping[str, str] | None = None) -> str:
        return self.page.cell(self.stored[number], at or {})

    def memory(self, number: int, over: Sequence[str]) -> sequential.Memory:
        """Where a node's values along the axes `over` are."""
        source = self.work.source(number)
        node = self.work.nodes[source]
        if self.work.computed(source) and source in self.stored:
            return self.strided(self.stored[source], over)
        leaf = not self.work.computed(source) and node.op not in {"constant", "iota", "size"}
        if leaf and self.surroundings is not None:
            return self.surroundings.memory(self, source, over)
        if leaf and node.op == "position":
            return self._strided("q", self.latent_at(node.name or ""), node.axes, over)
        if leaf:
            array = self._shared(source)
            return self._strided("shared", f"{self.spoken_of(source)}_at", array.axes, over)
        return self.spilled(source, over)

    def spilled(self, number: int, over: Sequence[str]) -> sequential.Memory:
        """As `memory`, for what is not in memory yet: it is put there."""
        node = self.work.nodes[number]
        name = self.page.free(f"{self.spoken_of(number)}_put")
        room = self.page.room(name, [axis for axis in node.axes if axis in over])
        with self.page.loops(room.axes):
            self.page.line(f"{self.page.cell(room, {})} = {self.read(number)}")
        return self.strided(room, over)

    def strided(self, room: Room, over: Sequence[str]) -> sequential.Memory:
        """As `memory`, for an array of the scratch."""
        return self._strided(room.pointer, room.start, room.axes, over)

    def _strided(
        self, pointer: str, start: str, axes: Sequence[str], over: Sequence[str]
    ) -> sequential.Memory:
        first = self.page.offset(start, axes, dict.fromkeys(over, "0"))
        steps = tuple(
            self.page.product(axes[axes.index(axis) + 1 :]) if axis in axes else "0" for axis in over
        )
        return pointer, first, steps

    def latent_at(self, latent: str) -> str:
        """Where a latent's coordinates begin."""
        known = self.begins.get(latent)
        if known is None:
            known = self.begins[latent] = self.page.free(f"q_{identifier(latent)}") if self.begins else "0"
        return known

    def _shared(self, number: int) -> Array:
        known = self.shared.get(number)
        if known is None:
            axes = self.page.layout(self.work.nodes[number].axes)
            known = self.shared[number] = Array(number, axes)
        return known

    def _shared_cell(self, array: Array, at: Mapping[str, str]) -> str:
        return f"shared[{self.page.offset(f'{self.spoken_of(array.node)}_at', array.axes, at)}]"

    def spoken_of(self, number: int) -> str:
        """A name for a node that no other has."""
        known = self.spoken.get(number)
        if known is None:
            node = self.work.nodes[number]
            name = self.names.get(number, node.name if node.op == "input" else None)
            known = self.spoken[number] = self.page.free(identifier(name) if name else node.op)
        return known


def _common(left: Path, right: Path) -> int:
    """How many loops two places have in common."""
    common = 0
    for one, other in zip(left, right, strict=False):
        if one is not other:
            break
        common += 1
    return common


def _loops_of(item: Item) -> tuple[Loop, ...]:
    if isinstance(item, Blocks):
        return item.loops
    return (item,) if isinstance(item, Loop) else ()


def _ended(before: Body, item: Item) -> list[int]:
    """The accumulators that were set at this level and that the loops of `item` fill."""
    started = {other.node for other in before if isinstance(other, Statement) and other.kind == "start"}
    return [number for loop in _loops_of(item) for number in _added(loop) if number in started]


def _added(loop: Loop) -> list[int]:
    found: list[int] = []
    for item in loop.body:
        for inner in _loops_of(item):
            found += _added(inner)
        if isinstance(item, Statement) and item.kind == "add":
            found.append(item.node)
    return found
