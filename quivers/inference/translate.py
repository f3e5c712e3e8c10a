"""Translates the sampler's parts to LLVM's language, as `quivers.backends.kernel.translate` does kernels.

Beside what kernels have, parts have tables, numbers of 64 bits without a sign, and one another. Their
arithmetic is Python's to the bit: nothing is reassociated or contracted.
"""

from __future__ import annotations

import ast
import functools
import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from quivers.backends.kernel.translate import (
    POINTER,
    REAL,
    TRUTH,
    WHOLE,
    FunctionText,
    ModuleText,
    Untranslatable,
    Value,
    literal,
)  # fmt: skip


class _Word(str):
    """The type of whole numbers without a sign; LLVM writes it as it writes the others."""


WORD = _Word(WHOLE)
NOTHING = "void"
TABLE = "table"

_ELEMENTS = {"Vector": REAL, "Counts": WHOLE, "Words": WORD}
_KINDS = {"float": REAL, "int": WHOLE, "bool": TRUTH, "None": NOTHING, "np.uint64": WORD, "Table": TABLE}
_SIGNED = {
    ast.FloorDiv: "sdiv", ast.Mod: "srem", ast.LShift: "shl", ast.RShift: "ashr", ast.BitAnd: "and",
    ast.BitOr: "or", ast.BitXor: "xor", ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul",
}  # fmt: skip
_UNSIGNED = {**_SIGNED, ast.RShift: "lshr", ast.FloorDiv: "udiv", ast.Mod: "urem"}
_INFINITE = literal(math.inf)


class Parameter(NamedTuple):
    """A parameter's name and annotation; a table takes three of LLVM's, pointer, rows and width."""

    name: str
    kind: str

    @property
    def expanded(self) -> list[tuple[str, str]]:
        if self.kind == TABLE:
            return [(self.name, POINTER), (f"{self.name}.rows", WHOLE), (f"{self.name}.width", WHOLE)]
        return [(self.name, POINTER if self.kind in _ELEMENTS else self.kind)]


def translated(function: Callable[..., Any], symbol: str) -> str:
    """LLVM's text of a module with the part `function` as the C function `symbol`, and all that it calls."""
    unit = _Module(symbol)
    unit.part(function)
    unit.functions[function.__name__][0] = unit.functions[function.__name__][0].replace("internal ", "", 1)
    declared = [f"declare {text}" for text in sorted(unit.declared)]
    return "\n".join([*declared, *(line for lines in unit.functions.values() for line in lines)]) + "\n"


def parameters(function: Callable[..., Any]) -> tuple[list[Parameter], str]:
    """The parameters of a part, and the type of its result, from annotations that are kept as text."""
    annotations = function.__annotations__
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    return [Parameter(name, _kind(annotations[name])) for name in names], _kind(annotations["return"])


@functools.cache
def _definition(function: Callable[..., Any]) -> ast.FunctionDef:
    definition = ast.parse(inspect.getsource(function)).body[0]
    assert isinstance(definition, ast.FunctionDef)
    return definition


def _kind(annotation: str) -> str:
    if annotation in _ELEMENTS:
        return annotation
    if annotation.startswith("tuple["):
        return "{" + ", ".join(_kind(item.strip()) for item in annotation[6:-1].split(",")) + "}"
    return _KINDS[annotation]


@dataclass(slots=True)
class _Module(ModuleText):
    """The module, whose functions have their parts' names behind the symbol of the whole."""

    def part(self, function: Callable[..., Any]) -> tuple[str, list[Parameter], str]:
        listed, result = parameters(function)
        name = f"{self.symbol}.{function.__name__}" if self.functions else self.symbol
        if function.__name__ not in self.functions:
            self.functions[function.__name__] = []
            writer = _Part(
                self, function.__globals__, "", result=result, arguments={p.name: p for p in listed}
            )
            expanded = [pair for parameter in listed for pair in parameter.expanded]
            lines = writer.written(name, expanded, result, _definition(function).body)
            if result == NOTHING:
                lines[-2:] = ["  ret void", "}"]
            if writer.apart:
                lines[0] = lines[0].replace(" {", " noinline {")
            self.functions[function.__name__] = lines
        return name, listed, result


@dataclass(slots=True)
class _Part(FunctionText):
    result: str = NOTHING
    arguments: dict[str, Parameter] = field(default_factory=dict)
    apart: bool = False

    # -------------------------------------------------------- statements

    def _statement(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Call() as call):
                found = self._value(call)
                kinds = _members(found.kind)
                for place, (target, kind) in enumerate(zip(targets, kinds, strict=True)):
                    self._store(target, self._new(f"extractvalue {found.kind} {found.text}, {place}", kind))
            case ast.Return(value=ast.Tuple(elts=items)):
                made = Value("undef", self.result)
                for place, item in enumerate(items):
                    value = self._value(item)
                    text = f"insertvalue {made.kind} {made.text}, {value.kind} {value.text}, {place}"
                    made = self._new(text, self.result)
                self._leave(made)
            case ast.Return(value=value):
                assert value is not None
                self._leave(self._as(self.result, self._value(value)))
            case ast.Expr(value=ast.Call(func=ast.Name(id="kept_apart"))):
                self.apart = True
            case _:
                FunctionText._statement(self, statement)

    def _leave(self, value: Value) -> None:
        self.lines.append(f"  ret {value.kind} {value.text}")
        self._start(self._label("behind"))

    def _counted(self, name: str, bounds: Sequence[ast.expr], body: Sequence[ast.stmt]) -> None:
        """A loop over `range(…)`, whose step is a number."""
        values = [self._value(bound) for bound in bounds]
        start, end = (Value("0", WHOLE), values[0]) if len(values) == 1 else values[:2]
        by = int(values[2].text) if len(values) == 3 else 1
        counter = self._room(WHOLE)
        self.lines.append(f"  store i64 {start.text}, ptr {counter}")

        def more() -> Value:
            at = self._new(f"load i64, ptr {counter}", WHOLE)
            return self._new(f"icmp {'sgt' if by < 0 else 'slt'} i64 {at.text}, {end.text}", TRUTH)

        def once() -> None:
            at = self._new(f"load i64, ptr {counter}", WHOLE)
            self._assign(name, at)
            self._block(body)
            after = self._new(f"add nsw i64 {at.text}, {by}", WHOLE)
            self.lines.append(f"  store i64 {after.text}, ptr {counter}")

        self._while(more, once)

    def _store(self, target: ast.expr, value: Value) -> None:
        if isinstance(target, ast.Subscript):
            place, kind = self._element(target)
            value = self._as(kind, value)
            self.lines.append(f"  store {kind} {value.text}, ptr {place}")
        else:
            FunctionText._store(self, target, value)

    # ------------------------------------------------------- expressions

    def _value(self, expression: ast.expr) -> Value:
        match expression:
            case ast.Subscript(value=ast.Attribute(value=ast.Name(id=name), attr="shape"), slice=axis):
                return Value(f"%{name}.{('rows', 'width')[int(self._value(axis).text)]}", WHOLE)
            case ast.Subscript():
                place, kind = self._element(expression)
                return self._new(f"load {kind}, ptr {place}", kind)
            case ast.Call(func=ast.Attribute(attr="uint64"), args=[argument]):
                return Value(self._value(argument).text, WORD)
            case ast.Compare(left=left, ops=[_, _, *_] as ops, comparators=rest):
                operands = [left, *rest]
                pairs: list[ast.expr] = [
                    ast.Compare(operands[place], [op], [operands[place + 1]]) for place, op in enumerate(ops)
                ]
                return self._value(ast.BoolOp(ast.And(), pairs))
        return FunctionText._value(self, expression)

    def _named(self, name: str) -> Value:
        if name not in self.pointers and name not in self.variables:
            constant = self.scope[name]
            if isinstance(constant, np.uint64):
                return Value(str(int(constant)), WORD)
        return FunctionText._named(self, name)

    def _element(self, element: ast.Subscript) -> tuple[str, str]:
        """Where an element is, and its type."""
        assert isinstance(element.value, ast.Name)
        parameter = self.arguments[element.value.id]
        if isinstance(element.slice, ast.Tuple):
            row, column = (self._value(item) for item in element.slice.elts)
            first = self._new(f"mul nsw i64 {row.text}, %{parameter.name}.width", WHOLE)
            index, kind = self._new(f"add nsw i64 {first.text}, {column.text}", WHOLE), REAL
        else:
            index, kind = self._value(element.slice), _ELEMENTS[parameter.kind]
        text = f"getelementptr inbounds {kind}, ptr %{parameter.name}, i64 {index.text}"
        return self._new(text, POINTER).text, kind

    def _operation(self, op: ast.operator, left: Value, right: Value) -> Value:
        if isinstance(op, ast.Pow):
            return self._foreign("llvm.pow.f64", [self._real(left), self._real(right)])
        if left.kind == right.kind == WHOLE and type(op) in _SIGNED:
            word = left.kind is WORD or right.kind is WORD
            name = (_UNSIGNED if word else _SIGNED)[type(op)]
            return self._new(f"{name} i64 {left.text}, {right.text}", WORD if word else WHOLE)
        return FunctionText._operation(self, op, left, right)

    def _call(self, name: str, arguments: Sequence[ast.expr]) -> Value:
        match name:
            case "min" | "max":
                found, *rest = (self._value(argument) for argument in arguments)
                for value in rest:  # as Python's: the first, unless a later one is beyond it
                    first, value = self._alike(found, value)
                    op = ast.Gt() if name == "max" else ast.Lt()
                    found = self._select(self._comparison(op, value, first), value, first)
                return found
            case "float" | "int" | "abs":
                return FunctionText._call(self, name, arguments)
            case "row_pointer":
                table, row = arguments
                assert isinstance(table, ast.Name)
                first = self._new(f"mul nsw i64 {self._value(row).text}, %{table.id}.width", WHOLE)
                return self._new(f"getelementptr inbounds double, ptr %{table.id}, i64 {first.text}", POINTER)
            case "evaluate":
                density, position, gradient, data = (self._value(argument) for argument in arguments)
                function = self._new(f"inttoptr i64 {density.text} to ptr", POINTER)
                block = self._new(f"inttoptr i64 {data.text} to ptr", POINTER)
                passed = ", ".join(f"ptr {pointer.text}" for pointer in (position, gradient, block))
                return self._new(f"call double {function.text}({passed})", REAL)
        assert isinstance(self.unit, _Module)
        called, listed, result = self.unit.part(self.scope[name])
        given: list[Value] = []
        for parameter, argument in zip(listed, arguments, strict=True):
            if parameter.kind in _ELEMENTS or parameter.kind == TABLE:
                assert isinstance(argument, ast.Name)
                expanded = Parameter(argument.id, parameter.kind).expanded
                given += [Value(f"%{part}", kind) for part, kind in expanded]
            else:
                given.append(self._as(parameter.kind, self._value(argument)))
        passed = ", ".join(f"{value.kind} {value.text}" for value in given)
        text = f'call {result} @"{called}"({passed})'
        if result == NOTHING:
            self.lines.append(f"  {text}")
            return Value("", NOTHING)
        return self._new(text, result)

    def _library(self, name: str, values: Sequence[Value]) -> Value:
        if name in {"isfinite", "isinf"}:
            size = self._foreign("llvm.fabs.f64", values)
            return self._new(
                f"fcmp {'one' if name == 'isfinite' else 'oeq'} double {size.text}, {_INFINITE.text}", TRUTH
            )
        return FunctionText._library(self, name, values)

    def _as(self, kind: str, value: Value) -> Value:
        if kind == REAL:
            return self._real(value)
        if kind != value.kind:
            raise Untranslatable(f"{value.kind} where {kind} is wanted")
        return Value(value.text, kind)

    def _real(self, value: Value) -> Value:
        if value.kind is WORD:
            return self._new(f"uitofp i64 {value.text} to double", REAL)
        return FunctionText._real(self, value)

    def _branch(self, condition: Value, yes: str, no: str) -> None:
        if condition.kind == WHOLE:
            condition = self._new(f"icmp ne i64 {condition.text}, 0", TRUTH)
        FunctionText._branch(self, condition, yes, no)


def _members(kind: str) -> list[str]:
    return [WORD] * (kind.count(",") + 1)
