"""Interval arithmetic holds every result, and what it asks of an operand is enough."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from quivers.check.supports import clip, combine, demanded, hull, meet, negate
from quivers.families.function import Kind
from quivers.families.functions import FUNCTIONS
from quivers.families.support import INTEGER, NATURAL, OPEN_UNIT, POSITIVE, REAL, Interval, Member
from quivers.ir import graph
from quivers.syntax import ast
from quivers.syntax.parse import expression

ENDS = st.sampled_from([-math.inf, -3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, math.inf])


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    low, high = sorted((draw(ENDS), draw(ENDS)))
    assume(low < math.inf and high > -math.inf)
    if low == high:
        return Interval(low, high)
    return Interval(low, high, draw(st.booleans()), draw(st.booleans()))


def member(x: Interval, data: st.DataObject) -> float:
    low, high = max(x.low, -50.0), min(x.high, 50.0)
    value = data.draw(st.floats(low, high, allow_nan=False, allow_subnormal=False))
    assume(x.contains(value))
    return value


OPERATORS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "^": lambda a, b: a**b,
}


def holds(x: Interval, value: float) -> bool:
    """Whether x holds a value, but for rounding; an open end counts only where rounding cannot reach it."""
    slack = 1e-9 * max(1.0, abs(value))
    return x.low - slack <= value <= x.high + slack


@given(operator=st.sampled_from(sorted(OPERATORS)), x=intervals(), y=intervals(), data=st.data())
def test_the_result_of_an_operator_lies_in_the_combined_interval(
    operator: str, x: Interval, y: Interval, data: st.DataObject
) -> None:
    a, b = member(x, data), member(y, data)
    try:
        value = OPERATORS[operator](a, b)
    except (ZeroDivisionError, OverflowError):
        return
    if not isinstance(value, float) or not math.isfinite(value):
        return
    assert holds(combine(operator, x, y), value)


@given(x=intervals(), y=intervals())
def test_a_zero_end_is_open_only_where_zero_is_never_reached(x: Interval, y: Interval) -> None:
    product = combine("*", x, y)
    if x.contains(0.0) or y.contains(0.0):
        assert product.contains(0.0) or product.low < 0 < product.high


@given(x=intervals(), y=intervals(), data=st.data())
def test_meet_holds_what_both_hold_and_hull_what_either_holds(
    x: Interval, y: Interval, data: st.DataObject
) -> None:
    a = member(x, data)
    met = meet(x, y)
    assert isinstance(met, Interval) == (met is not None)
    if y.contains(a):
        assert isinstance(met, Interval)
        assert met.contains(a)
        assert clip(x, y).contains(a)
    assert hull(x, y).contains(a)
    assert negate(x).contains(-a)


@given(
    operator=st.sampled_from("+-*/"),
    result=st.sampled_from([POSITIVE, OPEN_UNIT, Interval(low=0.0), Interval(low=1.0)]),
    other=st.sampled_from([-2.0, 0.5, 1.0, 3.0]),
    left=st.booleans(),
    data=st.data(),
)
def test_what_is_demanded_beside_a_number_is_enough(
    operator: str, result: Interval, other: float, left: bool, data: st.DataObject
) -> None:
    wanted = demanded(operator, result, Interval(other, other), left)
    assume(wanted != REAL)
    a = member(wanted, data)
    assume(left or operator != "/" or a != 0)
    value = OPERATORS[operator](a, other) if left else OPERATORS[operator](other, a)
    assert holds(result, value)


def test_whole_numbers_meet_where_a_whole_number_is() -> None:
    assert meet(NATURAL, POSITIVE) == Interval(0.0, low_open=True, integer=True)
    assert meet(NATURAL, INTEGER) == NATURAL
    assert meet(NATURAL, Interval(0.2, 0.8)) is None


def test_indices_meet_only_their_like() -> None:
    assert meet(Member("A"), Member("A")) == Member("A")
    assert meet(Member("A"), Member("B")) is None
    assert meet(Member("A"), REAL) is None


def test_very_large_numbers_give_the_reals_and_no_exception() -> None:
    huge = Interval(1e308, 1e308)
    for operator in OPERATORS:
        assert isinstance(combine(operator, huge, huge), Interval)
        for other in (huge, combine("*", huge, huge)):
            found = combine(operator, combine("*", huge, huge), other)
            assert not math.isnan(found.low)
            assert not math.isnan(found.high)


MATHEMATICAL = {
    "exp": math.exp, "log": math.log, "log1p": math.log1p, "expm1": math.expm1, "sqrt": math.sqrt,
    "abs": abs, "tanh": math.tanh, "erf": math.erf, "erfc": math.erfc, "sin": math.sin, "cos": math.cos,
    "atan": math.atan, "asin": math.asin, "acos": math.acos, "floor": math.floor, "ceil": math.ceil,
    "lgamma": math.lgamma, "sinh": math.sinh, "cosh": math.cosh, "log10": math.log10, "log2": math.log2,
    "square": lambda x: x * x, "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "softplus": lambda x: math.log1p(math.exp(x)), "logit": lambda x: math.log(x / (1 - x)),
    "log1m": lambda x: math.log1p(-x), "log_sigmoid": lambda x: -math.log1p(math.exp(-x)),
}  # fmt: skip


@given(name=st.sampled_from(sorted(MATHEMATICAL)), x=intervals(), data=st.data())
def test_a_function_maps_an_interval_into_its_image(name: str, x: Interval, data: st.DataObject) -> None:
    function = FUNCTIONS[name]
    inside = meet(x, function.domains[0])
    assume(isinstance(inside, Interval))
    assert isinstance(inside, Interval)
    argument = member(inside, data)
    assume(name != "lgamma" or argument > 0 or argument != math.floor(argument))
    value = MATHEMATICAL[name](argument)
    assert holds(function.support((inside,)), value)


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda function: function.name)
def test_a_function_is_an_operation_a_definition_or_handled_by_shape(function) -> None:  # type: ignore[no-untyped-def]
    operations = graph.UNARY | graph.BINARY | graph.REDUCTIONS | graph.LEAVES
    assert function.op is None or function.op in operations
    assert not (function.op and function.definition)
    assert len(function.domains) == len(function.parameters)
    if function.op is None and function.definition is None:
        assert function.kind is not Kind.ELEMENTWISE or function.name == "log_ndtr"
    if function.definition is not None:
        tree = expression(function.definition)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                assert node.function.text in FUNCTIONS
                assert node.function.text != function.name
            if isinstance(node, ast.Variable):
                assert node.name in function.parameters


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda function: function.name)
def test_a_support_rule_takes_any_interval(function) -> None:  # type: ignore[no-untyped-def]
    for x in (
        REAL,
        POSITIVE,
        Interval(high=0.0),
        Interval(0.0, 0.0),
        Interval(-2.0, 3.0),
        Interval(1e308, math.inf),
    ):
        arguments = tuple(clip(x, domain) for domain in function.domains)
        found = function.support(arguments)
        assert found.low <= found.high
