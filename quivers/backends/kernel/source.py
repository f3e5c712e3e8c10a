"""Writes an objective as the source of one Python function of scalars and loops, for numba to compile."""

from __future__ import annotations

import builtins
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from keyword import iskeyword

from quivers.backends.kernel.nests import STORE, Body, Loop, Statement, Work, arranged, work
from quivers.backends.kernel.objective import Objective, constant_of
from quivers.backends.kernel.special import FUNCTIONS
from quivers.ir.graph import CONDITIONS, object_of

FUNCTION = "log_density"

_OPERATORS = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==",
    "ne": "!=", "and": "and", "or": "or",
}  # fmt: skip
_MATH = {
    "exp": "exp", "log": "log", "log1p": "log1p", "expm1": "expm1", "sqrt": "sqrt", "tanh": "tanh",
    "erf": "erf", "lgamma": "lgamma", "sin": "sin", "cos": "cos", "tan": "tan", "atan": "atan", "pow": "pow",
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


@dataclass(frozen=True, slots=True)
class Written:
    """A kernel's source and how its memory is laid out.

    The shared numbers are the sizes of `objects`, then `shared`, each an array over its axes in row-major
    order; the scratch holds `scratch`. `indices` are the shared arrays that index an axis.
    """

    source: str
    objects: tuple[str, ...]
    shared: tuple[Array, ...]
    scratch: tuple[Array, ...]
    indices: tuple[tuple[int, str], ...]


class NotExpressible(Exception):
    """The kernel has no way to compute something; the message says what, as part of a sentence."""


def write(found: Objective) -> Written:
    """The source of the log density and its gradient.

    Raises:
        NotExpressible: an index depends on a latent.
    """
    todo = work(found)
    return _Writer(found, todo).write(arranged(todo))


Path = tuple[Loop, ...]


@dataclass(slots=True)
class _Scope:
    """The lines of one loop's body, and the names of what has been read there."""

    lines: list[str] = field(default_factory=list)
    names: dict[tuple[int, str], str] = field(default_factory=dict)


@dataclass(slots=True)
class _Writer:
    found: Objective
    work: Work
    homes: dict[int, Path] = field(default_factory=dict)
    stored: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """Computed nodes that go through an array, each with the axes of that."""
    uses: dict[int, list[tuple[int | None, Path]]] = field(default_factory=dict)
    """Who reads a computed node, from within which loops; nobody's number for what is returned."""
    text: dict[int, str] = field(default_factory=dict)
    """The local variable, or the expression, of a computed node."""
    shared: dict[int, Array] = field(default_factory=dict)
    scratch: list[Array] = field(default_factory=list)
    indices: dict[tuple[int, str], None] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    spoken: dict[int, str] = field(default_factory=dict)
    functions: set[str] = field(default_factory=set)
    scopes: list[_Scope] = field(default_factory=list)
    path: Path = ()

    def write(self, body: Body) -> Written:
        self._survey(body, ())
        for number, home in self.homes.items():
            self._choose_memory(number, home)
        self.taken |= {"q", "gradient", "data", "shared", "math", "shared_numbers", FUNCTION, *FUNCTIONS}
        for axis in {axis for node in self.work.nodes for axis in node.axes}:
            self.taken |= {_index(axis), _count(axis)}
        self.taken |= {self._latent_at(latent.name) for latent in self.found.latents}
        self.scopes.append(_Scope())
        self._body(body)
        value = self.read(self.found.value)
        lines = self.scopes.pop().lines
        lines.append(f"return {value}")
        objects = self._objects()
        return Written(
            "\n".join([*self._head(objects), *(f"    {line}" for line in lines)]) + "\n",
            objects,
            tuple(self.shared.values()),
            tuple(self.scratch),
            tuple(self.indices),
        )

    # ------------------------------------------------------------ memory

    def _survey(self, body: Body, path: Path) -> None:
        """Note where each node is computed and from where it is read."""
        for item in body:
            if isinstance(item, Loop):
                self._survey(item.body, (*path, item))
                continue
            if item.kind != "add":
                self.homes[item.node] = path
            if item.kind != "start":
                for source, along in self.work.needs(item.node):
                    user = item.node if along is None else None
                    self.uses.setdefault(source, []).append((user, path))
        if not path and self.work.computed(self.work.source(self.found.value)):
            self.uses.setdefault(self.work.source(self.found.value), []).append((None, ()))

    def _choose_memory(self, number: int, home: Path) -> None:
        """A node needs an array where it accumulates over more than its nest, or is read outside of it."""
        bound = [loop.axis for loop in home]
        node = self.work.nodes[number]
        inner = [axis for axis in node.axes if axis not in bound] if self.work.accumulates(number) else []
        near = min((_common(home, path) for _, path in self.uses.get(number, [])), default=len(home))
        axes = {*bound[near:], *inner}
        if axes:
            self.stored[number] = tuple(axis for axis in self._layout_order(node.axes) if axis in axes)
            self.scratch.append(Array(number, self.stored[number]))

    def _layout_order(self, axes: Sequence[str]) -> tuple[str, ...]:
        """Axes in the order of nesting, so that inner loops run along memory."""
        nested = [axis for axis in self.work.order if axis in axes]
        return (*(axis for axis in axes if axis not in nested), *nested)

    def _accumulator_in_array(self, number: int) -> bool:
        """Whether each addition goes to memory; else the accumulator is a local variable."""
        bound = {loop.axis for loop in self.homes[number]}
        node = self.work.nodes[number]
        return any(axis not in bound for axis in node.axes)

    # -------------------------------------------------------------- body

    def _body(self, body: Body) -> None:
        for place, item in enumerate(body):
            if isinstance(item, Loop):
                self._loop(item)
                # What accumulated in a local variable is complete now.
                later = body[place + 1 :]
                for number in _ended(body[:place], item, later):
                    if number in self.stored and not self._accumulator_in_array(number):
                        self.line(f"{self._cell(number)} = {self.text[number]}")
            else:
                self._statement(item)

    def _loop(self, loop: Loop) -> None:
        self.path = (*self.path, loop)
        self.scopes.append(_Scope())
        self._body(loop.body)
        lines = self.scopes.pop().lines
        self.path = self.path[:-1]
        if lines:
            self.line(f"for {_index(loop.axis)} in range({_count(loop.axis)}):")
            self.scopes[-1].lines += [f"    {line}" for line in lines]

    def _statement(self, item: Statement) -> None:
        number = item.node
        node = self.work.nodes[number]
        if node.op == STORE:
            value = self.read(node.args[0])
            self.line(f"gradient[{self._place(node.name or '', node.axes, {})}] = {value}")
        elif item.kind == "compute":
            self._compute(number)
        elif item.kind == "start":
            self._start(number)
        else:
            self._add(number)

    def _compute(self, number: int) -> None:
        text = self._expression(number)
        uses = self.uses.get(number, [])
        here = len(uses) == 1 and uses[0][0] is not None and uses[0][1] == self.path
        if here and number not in self.stored and number not in self.found.names and len(text) <= INLINE:
            self.text[number] = f"({text})" if " " in text else text
            return
        name = self.text[number] = self._name(number)
        self.line(f"{name} = {text}")
        if number in self.stored:
            value = f"(1.0 if {name} else 0.0)" if self.work.nodes[number].op in CONDITIONS else name
            self.line(f"{self._cell(number)} = {value}")

    def _start(self, number: int) -> None:
        neutral = _NEUTRAL[self.work.nodes[number].op]
        if not self._accumulator_in_array(number):
            name = self.text[number] = self._name(number)
            self.line(f"{name} = {neutral}")
            return
        bound = {loop.axis for loop in self.path}
        inner = [axis for axis in self.stored[number] if axis not in bound]
        for depth, axis in enumerate(inner):
            self.line(f"{'    ' * depth}for {_index(axis)} in range({_count(axis)}):")
        self.line(f"{'    ' * len(inner)}{self._cell(number)} = {neutral}")

    def _add(self, number: int) -> None:
        node = self.work.nodes[number]
        if node.op == "scatter":
            value, place = self.read(node.args[0]), self._index_into(node.args[1], node.name or "")
            self.line(f"{self._cell(number, {node.name or '': place})} += {value}")
            return
        target = self._cell(number) if self._accumulator_in_array(number) else self.text[number]
        value = self.read(node.args[0])
        if node.op in {"sum", "prod"}:
            self.line(f"{target} {'+' if node.op == 'sum' else '*'}= {value}")
        else:
            function = "maximum" if node.op == "amax" else "minimum"
            self.functions.add(function)
            self.line(f"{target} = {function}({target}, {value})")

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
        if function not in FUNCTIONS:
            raise NotExpressible(f"it has no `{node.op}`")
        self.functions.add(function)
        return f"{function}({', '.join(parts)})"

    def read(self, number: int) -> str:
        """The text of a node's value here, a float; a local variable, or a number."""
        source = self.work.source(number)
        text = self._raw(source)
        return f"(1.0 if {text} else 0.0)" if self._is_bool(source) else text

    def condition(self, number: int) -> str:
        """The text of a node's value here as something true or false."""
        source = self.work.source(number)
        text = self._raw(source)
        return text if self._is_bool(source) else f"({text} != 0.0)"

    def _is_bool(self, source: int) -> bool:
        local = source in self.text and self._is_near(source)
        return self.work.nodes[source].op in CONDITIONS and self.work.computed(source) and local

    def _is_near(self, source: int) -> bool:
        """Whether the loop that computed a node is still in its round."""
        home = self.homes[source]
        return self.path[: len(home)] == home

    def _raw(self, source: int) -> str:
        value = constant_of(self.work.nodes, source)
        if value is not None:
            return _literal(value)
        if self.work.computed(source):
            if self._is_near(source) and not (
                self.work.accumulates(source) and self._accumulator_in_array(source)
            ):
                return self.text[source]
            return self._loaded(source, self._cell(source), self.stored[source])
        node = self.work.nodes[source]
        if node.op == "position":
            place = self._place(node.name or "", node.axes, {})
            return self._loaded(source, f"q[{place}]", node.axes)
        if node.op == "iota":
            return f"float({_index(node.name or '')})"
        array = self._shared(source)
        return self._loaded(source, self._shared_cell(array, {}), array.axes)

    def _loaded(self, source: int, cell: str, axes: Sequence[str]) -> str:
        """A local variable read from memory as far out as the loops that its place depends on allow."""
        depth = 0
        if self.work.computed(source):
            depth = _common(self.homes[source], self.path)
        for level, loop in enumerate(self.path, start=1):
            if loop.axis in axes:
                depth = max(depth, level)
        for scope in self.scopes[: depth + 1]:
            if (source, cell) in scope.names:
                return scope.names[source, cell]
        scope = self.scopes[depth]
        name = scope.names[source, cell] = self._name(source, again=True)
        scope.lines.append(f"{name} = {cell}")
        return name

    def _gathered(self, number: int) -> str:
        node = self.work.nodes[number]
        along = node.name or ""
        source = self.work.source(node.args[0])
        value = self.work.nodes[source]
        if along not in value.axes:
            return self.read(source)
        place = self._index_into(node.args[1], along)
        if value.op == "position":
            return f"q[{self._place(value.name or '', value.axes, {along: place})}]"
        if self.work.computed(source):
            return self._cell(source, {along: place})
        return self._shared_cell(self._shared(source), {along: place})

    def _index_into(self, number: int, along: str) -> str:
        """An index as a whole number."""
        source = self.work.source(number)
        if self.work.computed(source) or self.work.nodes[source].op == "position":
            raise NotExpressible(f"an index into {object_of(along)} depends on a latent")
        if self.work.nodes[source].op not in {"constant", "iota"}:
            self._shared(source)
            self.indices[source, along] = None
        return f"int({self._raw(source)})"

    # ------------------------------------------------------------ places

    def _cell(self, number: int, at: Mapping[str, str] | None = None) -> str:
        start = f"{self._spoken(number)}_at"
        return f"data[{_offset(start, self.stored[number], at or {})}]"

    def _place(self, latent: str, axes: Sequence[str], at: Mapping[str, str]) -> str:
        return _offset(self._latent_at(latent), axes, at)

    def _latent_at(self, latent: str) -> str:
        place = next(place for place, known in enumerate(self.found.latents) if known.name == latent)
        return "0" if place == 0 else f"{_identifier(latent)}_{place}_at"

    def _shared(self, number: int) -> Array:
        known = self.shared.get(number)
        if known is None:
            axes = self._layout_order(self.work.nodes[number].axes)
            known = self.shared[number] = Array(number, axes)
        return known

    def _shared_cell(self, array: Array, at: Mapping[str, str]) -> str:
        return f"shared[{_offset(f'{self._spoken(array.node)}_at', array.axes, at)}]"

    # ------------------------------------------------------------- names

    def _spoken(self, number: int) -> str:
        """A name for a node that no other has."""
        known = self.spoken.get(number)
        if known is None:
            node = self.work.nodes[number]
            name = self.found.names.get(number, node.name if node.op in {"input", "position"} else None)
            known = self.spoken[number] = self._free(_identifier(name) if name else node.op)
        return known

    def _name(self, number: int, again: bool = False) -> str:
        """A local variable for a node; another one each time with `again`."""
        known = self._spoken(number)
        if not again:
            return known
        node = self.work.nodes[number]
        return self._free(f"{known}_free" if node.op == "position" else f"{known}_read")

    def _free(self, wanted: str) -> str:
        name, count = wanted, 1
        while {name, f"{name}_at"} & self.taken or iskeyword(name) or hasattr(builtins, name):
            count += 1
            name = f"{wanted}_{count}"
        self.taken |= {name, f"{name}_at"}
        return name

    def line(self, text: str) -> None:
        self.scopes[-1].lines.append(text)

    # -------------------------------------------------------------- head

    def _objects(self) -> tuple[str, ...]:
        axes = [*self.work.order]
        for latent in self.found.latents:
            axes += latent.axes
        for array in (*self.shared.values(), *self.scratch):
            axes += array.axes
        return tuple(dict.fromkeys(object_of(axis) for axis in axes))

    def _head(self, objects: Sequence[str]) -> list[str]:
        head = [
            f'"""The log density of {_identifier(self.found.program)} and its gradient. Generated by QVR."""',
            "",
            "import math",
            "",
            "from quivers.backends.kernel.block import shared_numbers",
        ]
        if self.functions:
            names = ", ".join(sorted(self.functions))
            head.append(f"from quivers.backends.kernel.special import {names}")
        head += ["", "", f"def {FUNCTION}(q, gradient, data):"]
        lines = ["shared = shared_numbers(data)"]
        lines += [f"{_count(name)} = int(shared[{place}])" for place, name in enumerate(objects)]
        lines += _offsets(
            str(len(objects)), [(self._spoken(a.node) + "_at", a.axes) for a in self.shared.values()]
        )
        lines += _offsets("1", [(self._spoken(a.node) + "_at", a.axes) for a in self.scratch])
        places = [(self._latent_at(latent.name), latent.axes) for latent in self.found.latents]
        lines += _offsets("0", places)[1:]
        return [*head, *(f"    {line}" for line in lines)]


def _offsets(start: str, arrays: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """Where each array begins, one behind the other; first a line that may be dropped for the first."""
    lines: list[str] = []
    before = start
    for name, axes in arrays:
        lines.append(f"{name} = {before}")
        before = f"{name} + {_product(axes)}"
    return lines


def _product(axes: Sequence[str]) -> str:
    return " * ".join(_count(axis) for axis in axes) or "1"


def _offset(start: str, axes: Sequence[str], at: Mapping[str, str]) -> str:
    """The place of an element in row-major order, its indices the loops' or those of `at`."""
    inner = ""
    for axis in axes:
        index = at.get(axis, _index(axis))
        inner = f"({inner}) * {_count(axis)} + {index}" if inner else index
    if not inner:
        return start
    return inner if start == "0" else f"{start} + {inner}"


def _common(left: Path, right: Path) -> int:
    """How many loops two places have in common."""
    count = 0
    for one, other in zip(left, right, strict=False):
        if one is not other:
            break
        count += 1
    return count


def _ended(before: Body, loop: Loop, after: Body) -> list[int]:
    """The accumulators that were set at this level and that `loop` fills."""
    started = {item.node for item in before if isinstance(item, Statement) and item.kind == "start"}
    return [number for number in _added(loop) if number in started]


def _added(loop: Loop) -> list[int]:
    found: list[int] = []
    for item in loop.body:
        if isinstance(item, Loop):
            found += _added(item)
        elif item.kind == "add":
            found.append(item.node)
    return found


def _identifier(name: str) -> str:
    """A name that Python reads for what the user calls something."""
    plain = re.sub(r"\W", "_", name.replace("′", "_other"))
    return plain if plain[:1].isalpha() else f"_{plain}"


def _index(axis: str) -> str:
    return f"i_{_identifier(axis)}"


def _count(axis: str) -> str:
    return f"n_{_identifier(object_of(axis))}"


def _literal(value: float) -> str:
    if math.isnan(value):
        return "math.nan"
    if math.isinf(value):
        return "math.inf" if value > 0 else "(-math.inf)"
    return repr(value) if value >= 0 and not math.copysign(1.0, value) < 0 else f"({value!r})"
