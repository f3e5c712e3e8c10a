"""Translates a kernel's source, and the special functions it uses, from their small part of Python to LLVM's
language.

They have numbers, truth values and pointers to numbers, loops and choices. No type has to be found out:
parameters say theirs, and a variable has that of the first value it is given. So a model is compiled in a
fraction of the time that a compiler of all of Python takes.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

REAL, WHOLE, TRUTH, POINTER = "double", "i64", "i1", "ptr"

# What the compiler may do with sums and products so that loops run on vectors: all that changes rounding
# only. NaN and infinities keep their meaning.
FREEDOMS = "reassoc nsz arcp contract"

# Reassociation would undo the corrections of the special functions, so they do without it wherever they are
# used; a product and a sum may be one operation with one rounding.
EXACT = "contract"

_KINDS = {"float": REAL, "int": WHOLE, "bool": TRUTH, "Any": POINTER}
_ARITHMETIC = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div"}
_BITWISE = {ast.LShift: "shl", ast.RShift: "ashr", ast.BitAnd: "and"}
_COMPARISONS = {
    ast.Lt: ("olt", "slt"), ast.LtE: ("ole", "sle"), ast.Gt: ("ogt", "sgt"), ast.GtE: ("oge", "sge"),
    ast.Eq: ("oeq", "eq"), ast.NotEq: ("une", "ne"),
}  # fmt: skip
_LOGARITHMS = {str(2**power): power for power in range(1, 16)}
_INTRINSICS = {"sqrt": "llvm.sqrt.f64", "floor": "llvm.floor.f64", "copysign": "llvm.copysign.f64"}
_LIBRARY = frozenset(
    {"exp", "log", "log1p", "expm1", "sin", "cos", "tan", "atan", "tanh", "erf", "erfc", "lgamma", "pow"}
)


class Value(NamedTuple):
    """An operand in LLVM's spelling, and its type."""

    text: str
    kind: str


class Untranslatable(Exception):
    """The source has something that the translator does not know: a mistake in the kernel's writer."""


def translated(source: str, symbol: str) -> str:
    """LLVM's text of a module with the C function `double symbol(double *q, double *gradient, double *data)`.

    The source's function has one more parameter, `shared`: its address stands in the first element of `data`.
    The four pointers must point to different memory.
    """
    module = ast.parse(source)
    scope: dict[str, Any] = {"math": math}
    (definition,) = (item for item in module.body if isinstance(item, ast.FunctionDef))
    for item in module.body:
        if isinstance(item, ast.ImportFrom):
            origin = importlib.import_module(item.module or "")
            scope.update({alias.name: getattr(origin, alias.name) for alias in item.names})
    unit = ModuleText(symbol)
    pointers = [(parameter.arg, POINTER) for parameter in definition.args.args]
    body = FunctionText(unit, scope, FREEDOMS).written(f"{symbol}.body", pointers, REAL, definition.body)
    wrapper = [
        f'define double @"{symbol}"(ptr %q, ptr %gradient, ptr %data) {{',
        "  %shared = load ptr, ptr %data",
        f'  %value = call double @"{symbol}.body"(ptr %q, ptr %gradient, ptr %data, ptr %shared)',
        "  ret double %value",
        "}",
    ]
    apart = body[0].replace("ptr ", "ptr noalias ")
    functions = [wrapper, [apart, *body[1:]], *unit.functions.values()]
    declared = [f"declare {text}" for text in sorted(unit.declared)]
    return "\n".join([*declared, *(line for lines in functions for line in lines)]) + "\n"


@dataclass(slots=True)
class ModuleText:
    """One module: the special functions that are in it, and the functions of the C library that it calls."""

    symbol: str
    functions: dict[str, list[str]] = field(default_factory=dict)
    declared: set[str] = field(default_factory=set)

    def special(self, function: Callable[..., Any]) -> tuple[str, list[str], str]:
        """Its name here, and the types of its parameters and of its result."""
        definition = _definition(function)
        name = f"{self.symbol}.{definition.name}"
        parameters = [(item.arg, _kind(item.annotation)) for item in definition.args.args]
        result = _kind(definition.returns)
        if definition.name not in self.functions:
            self.functions[definition.name] = []  # before its body: what it calls may call it
            scope = inspect.unwrap(function).__globals__
            lines = FunctionText(self, scope, EXACT).written(name, parameters, result, definition.body)
            if _short(definition):
                lines[0] = lines[0].replace(" {", " alwaysinline {")
            self.functions[definition.name] = lines
        return name, [kind for _, kind in parameters], result


@functools.cache
def _definition(function: Callable[..., Any]) -> ast.FunctionDef:
    definition = ast.parse(inspect.getsource(function)).body[0]
    assert isinstance(definition, ast.FunctionDef)
    return definition


def _kind(annotation: ast.expr | None) -> str:
    assert isinstance(annotation, ast.Name), "a special function says what it takes and gives"
    return _KINDS[annotation.id]


def _short(definition: ast.FunctionDef) -> bool:
    """Whether a function stands wherever it is used: a call would keep a loop from running on vectors."""
    for node in ast.walk(definition):
        if isinstance(node, ast.For | ast.While):
            return False
        if isinstance(node, ast.Attribute) and node.attr in _LIBRARY:
            return False
    return True


@dataclass(slots=True)
class FunctionText:
    """Writes one function. Variables are in memory; the compiler moves them to registers."""

    unit: ModuleText
    scope: dict[str, Any]
    flags: str
    lines: list[str] = field(default_factory=list)
    rooms: list[str] = field(default_factory=list)
    variables: dict[str, Value] = field(default_factory=dict)
    pointers: dict[str, Value] = field(default_factory=dict)
    count: int = 0
    leaving: list[str] = field(default_factory=list)
    """Where `break` leads, for each loop around."""

    def written(
        self, name: str, parameters: Sequence[tuple[str, str]], result: str, body: Sequence[ast.stmt]
    ) -> list[str]:
        for parameter, kind in parameters:
            if kind == POINTER:
                self.pointers[parameter] = Value(f"%{parameter}", POINTER)
            else:
                self._assign(parameter, Value(f"%{parameter}", kind))
        self._block(body)
        listed = ", ".join(f"{kind} %{parameter}" for parameter, kind in parameters)
        head = f'define internal {result} @"{name}"({listed}) {{'
        return [head, "entry:", *self.rooms, *self.lines, "  unreachable", "}"]

    # -------------------------------------------------------- statements

    def _block(self, body: Sequence[ast.stmt]) -> None:
        for statement in body:
            self._statement(statement)

    def _statement(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                pairs = zip(targets, [self._value(value) for value in values], strict=True)
                for target, found in pairs:
                    self._store(target, found)
            case ast.Assign(
                targets=[ast.Name(id=name)],
                value=ast.Call(func=ast.Name(id="local"), args=[ast.Constant(value=size)]),
            ):
                self.rooms.append(f"  %{name}.room = alloca [{size!r} x double]")
                self.pointers[name] = Value(f"%{name}.room", POINTER)
            case ast.Assign(targets=[target], value=value):
                self._store(target, self._value(value))
            case ast.AugAssign(target=target, op=op, value=value):
                assert isinstance(target, ast.Name | ast.Subscript)
                self._store(target, self._operation(op, self._value(target), self._value(value)))
            case ast.For(target=ast.Name(id=name), iter=ast.Call(args=bounds), body=body):
                self._counted(name, bounds, body)
            case ast.While(test=test, body=body):
                self._while(lambda: self._value(test), lambda: self._block(body))
            case ast.If(test=test, body=body, orelse=otherwise):
                yes, no, end = self._label("yes"), self._label("no"), self._label("end")
                self._branch(self._value(test), yes, no)
                for label, part in ((yes, body), (no, otherwise)):
                    self._start(label)
                    self._block(part)
                    self._jump(end)
                self._start(end)
            case ast.Break():
                self._jump(self.leaving[-1])
                self._start(self._label("behind"))
            case ast.Return(value=value):
                assert value is not None
                found = self._value(value)
                self.lines.append(f"  ret {found.kind} {found.text}")
                self._start(self._label("behind"))
            case ast.Expr(value=ast.Constant()):
                pass  # a docstring
            case ast.Expr(value=value):
                self._value(value)
            case _:
                raise Untranslatable(ast.unparse(statement))

    def _counted(self, name: str, bounds: Sequence[ast.expr], body: Sequence[ast.stmt]) -> None:
        """A loop over `range(end)`, `range(start, end)` or `range(start, end, -1)`."""
        values = [self._value(bound) for bound in bounds]
        start, end = (Value("0", WHOLE), values[0]) if len(values) == 1 else values[:2]
        falls = len(values) == 3
        counter = self._room(WHOLE)
        self.lines.append(f"  store i64 {start.text}, ptr {counter}")

        def more() -> Value:
            at = self._new(f"load i64, ptr {counter}", WHOLE)
            return self._new(f"icmp {'sgt' if falls else 'slt'} i64 {at.text}, {end.text}", TRUTH)

        def round() -> None:
            self._assign(name, self._new(f"load i64, ptr {counter}", WHOLE))
            self._block(body)
            at = self._new(f"load i64, ptr {counter}", WHOLE)
            after = self._new(f"add nsw i64 {at.text}, {-1 if falls else 1}", WHOLE)
            self.lines.append(f"  store i64 {after.text}, ptr {counter}")

        self._while(more, round)

    def _while(self, test: Callable[[], Value], body: Callable[[], None]) -> None:
        head, inside, end = self._label("head"), self._label("inside"), self._label("end")
        self._jump(head)
        self._start(head)
        self._branch(test(), inside, end)
        self._start(inside)
        self.leaving.append(end)
        body()
        self.leaving.pop()
        self._jump(head)
        self._start(end)

    def _store(self, target: ast.expr, value: Value) -> None:
        if isinstance(target, ast.Name):
            self._assign(target.id, value)
        elif isinstance(target, ast.Subscript):
            real = self._real(value)
            self.lines.append(f"  store double {real.text}, ptr {self._place(target)}")
        else:
            raise Untranslatable(ast.unparse(target))

    def _assign(self, name: str, value: Value) -> None:
        variable = self.variables.get(name)
        if variable is None:
            variable = self.variables[name] = Value(self._room(value.kind), value.kind)
        if variable.kind == REAL:
            value = self._real(value)
        if variable.kind != value.kind:
            raise Untranslatable(f"`{name}` is of two types")
        self.lines.append(f"  store {value.kind} {value.text}, ptr {variable.text}")

    # ------------------------------------------------------- expressions

    def _value(self, expression: ast.expr) -> Value:
        match expression:
            case ast.Constant(value=value):
                return literal(value)
            case ast.Name(id=name):
                return self._named(name)
            case ast.Attribute(value=ast.Name(id="math"), attr=name):
                return literal(getattr(math, name))
            case ast.Subscript():
                return self._new(f"load double, ptr {self._place(expression)}", REAL)
            case ast.BinOp(left=left, op=op, right=right):
                return self._operation(op, self._value(left), self._value(right))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self._new(f"xor i1 {self._value(operand).text}, true", TRUTH)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
                return literal(-number)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                found = self._value(operand)
                if found.kind == REAL:
                    return self._new(f"fneg {self.flags} double {found.text}", REAL)
                return self._new(f"sub i64 0, {found.text}", WHOLE)
            case ast.BoolOp(op=op, values=values):
                return self._logical(isinstance(op, ast.And), values)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self._comparison(op, self._value(left), self._value(right))
            case ast.IfExp(test=test, body=yes, orelse=no):
                condition = self._value(test)
                if _plain(yes) and _plain(no):
                    return self._select(condition, *self._alike(self._value(yes), self._value(no)))
                return self._choice(condition, lambda: self._value(yes), lambda: self._value(no))
            case ast.Call(func=ast.Attribute(attr=name), args=arguments):
                return self._library(name, [self._real(self._value(argument)) for argument in arguments])
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self._call(name, arguments)
        raise Untranslatable(ast.unparse(expression))

    def _named(self, name: str) -> Value:
        if name in self.pointers:
            return self.pointers[name]
        variable = self.variables.get(name)
        if variable is None:
            return literal(self.scope[name])
        return self._new(f"load {variable.kind}, ptr {variable.text}", variable.kind)

    def _place(self, element: ast.Subscript) -> str:
        pointer, index = self._value(element.value), self._value(element.slice)
        place = self._new(f"getelementptr inbounds double, ptr {pointer.text}, i64 {index.text}", POINTER)
        return place.text

    def _operation(self, op: ast.operator, left: Value, right: Value) -> Value:
        name = _ARITHMETIC.get(type(op))
        if name is not None:
            if name != "div" and left.kind == right.kind == WHOLE:
                sure = " nsw" if self.flags == FREEDOMS else ""
                return self._new(f"{name}{sure} i64 {left.text}, {right.text}", WHOLE)
            left, right = self._real(left), self._real(right)
            return self._new(f"f{name} {self.flags} double {left.text}, {right.text}", REAL)
        bitwise = _BITWISE.get(type(op))
        if bitwise is not None and left.kind == right.kind == WHOLE:
            return self._new(f"{bitwise} i64 {left.text}, {right.text}", WHOLE)
        if isinstance(op, ast.FloorDiv) and right.text in _LOGARITHMS:
            return self._new(f"ashr i64 {left.text}, {_LOGARITHMS[right.text]}", WHOLE)
        if isinstance(op, ast.Mod) and right == literal(1.0):
            whole = self._library("floor", [left])
            return self._new(f"fsub double {left.text}, {whole.text}", REAL)
        raise Untranslatable(type(op).__name__)

    def _comparison(self, op: ast.cmpop, left: Value, right: Value) -> Value:
        real, whole = _COMPARISONS[type(op)]
        left, right = self._alike(left, right)
        if left.kind == REAL:
            return self._new(f"fcmp {real} double {left.text}, {right.text}", TRUTH)
        return self._new(f"icmp {whole} {left.kind} {left.text}, {right.text}", TRUTH)

    def _logical(self, both: bool, values: Sequence[ast.expr]) -> Value:
        found = self._value(values[0])
        for value in values[1:]:
            if _plain(value):
                op = "and" if both else "or"
                found = self._new(f"{op} i1 {found.text}, {self._value(value).text}", TRUTH)
                continue
            known = Value("false" if both else "true", TRUTH)
            ways = [functools.partial(self._value, value), functools.partial(Value, known.text, TRUTH)]
            found = self._choice(found, *(ways if both else ways[::-1]))
        return found

    def _choice(self, condition: Value, yes: Callable[[], Value], no: Callable[[], Value]) -> Value:
        """One of two values, of which only that one is worked out."""
        ends: list[tuple[str, Value]] = []
        labels = [self._label("yes"), self._label("no")]
        end = self._label("end")
        self._branch(condition, *labels)
        for label, way in zip(labels, (yes, no), strict=True):
            self._start(label)
            value = way()
            last = self._label("last")
            self._jump(last)
            self._start(last)
            self._jump(end)
            ends.append((last, value))
        self._start(end)
        (_, first), (_, second) = ends
        if first.kind != second.kind:
            raise Untranslatable("a choice between two types")
        ways = ", ".join(f"[ {value.text}, %{label} ]" for label, value in ends)
        return self._new(f"phi {first.kind} {ways}", first.kind)

    def _call(self, name: str, arguments: Sequence[ast.expr]) -> Value:
        values = [self._value(argument) for argument in arguments]
        match name:
            case "float":
                return self._real(values[0])
            case "int" if values[0].kind == REAL:
                return self._new(f"fptosi double {values[0].text} to i64", WHOLE)
            case "int":
                return values[0]
            case "abs":
                return self._foreign("llvm.fabs.f64", values)
            case "max" | "min":
                left, right = self._alike(*values)
                op = ast.Gt() if name == "max" else ast.Lt()
                return self._select(self._comparison(op, left, right), left, right)
            case "difference":
                return self._new(f"fsub double {values[0].text}, {values[1].text}", REAL)
            case "bits":
                return self._new(f"bitcast double {values[0].text} to i64", WHOLE)
            case "from_bits":
                return self._new(f"bitcast i64 {values[0].text} to double", REAL)
        called, kinds, result = self.unit.special(self.scope[name])
        passed = ", ".join(
            f"{kind} {(self._real(value) if kind == REAL else value).text}"
            for kind, value in zip(kinds, values, strict=True)
        )
        return self._new(f'call {result} @"{called}"({passed})', result)

    def _library(self, name: str, values: Sequence[Value]) -> Value:
        if name == "isnan":
            return self._new(f"fcmp uno double {values[0].text}, {values[0].text}", TRUTH)
        if name in _INTRINSICS:
            return self._foreign(_INTRINSICS[name], values)
        if name not in _LIBRARY:
            raise Untranslatable(f"math.{name}")
        return self._foreign(name, values)

    def _foreign(self, name: str, values: Sequence[Value]) -> Value:
        self.unit.declared.add(f"double @{name}({', '.join('double' for _ in values)})")
        passed = ", ".join(f"double {value.text}" for value in values)
        return self._new(f"call double @{name}({passed})", REAL)

    def _select(self, condition: Value, yes: Value, no: Value) -> Value:
        return self._new(f"select i1 {condition.text}, {yes.kind} {yes.text}, {no.kind} {no.text}", yes.kind)

    def _alike(self, left: Value, right: Value) -> tuple[Value, Value]:
        if REAL in {left.kind, right.kind}:
            return self._real(left), self._real(right)
        return left, right

    def _real(self, value: Value) -> Value:
        if value.kind == REAL:
            return value
        return self._new(
            f"{'sitofp' if value.kind == WHOLE else 'uitofp'} {value.kind} {value.text} to double", REAL
        )

    # -------------------------------------------------------------- text

    def _new(self, text: str, kind: str) -> Value:
        self.count += 1
        self.lines.append(f"  %v{self.count} = {text}")
        return Value(f"%v{self.count}", kind)

    def _room(self, kind: str) -> str:
        self.count += 1
        self.rooms.append(f"  %v{self.count} = alloca {kind}")
        return f"%v{self.count}"

    def _label(self, name: str) -> str:
        self.count += 1
        return f"{name}{self.count}"

    def _start(self, label: str) -> None:
        self.lines.append(f"{label}:")

    def _jump(self, label: str) -> None:
        self.lines.append(f"  br label %{label}")

    def _branch(self, condition: Value, yes: str, no: str) -> None:
        self.lines.append(f"  br i1 {condition.text}, label %{yes}, label %{no}")


def _plain(expression: ast.expr) -> bool:
    """Whether an expression may be worked out though its value is not wanted, at no great cost."""
    return not any(isinstance(node, ast.Call | ast.Subscript | ast.IfExp) for node in ast.walk(expression))


def literal(value: object) -> Value:
    """A number or a truth value as LLVM writes it."""
    match value:
        case bool():
            return Value("true" if value else "false", TRUTH)
        case int():
            return Value(str(value), WHOLE)
        case float():
            return Value(f"0x{struct.unpack('>Q', struct.pack('>d', value))[0]:016X}", REAL)
    raise Untranslatable(repr(value))
