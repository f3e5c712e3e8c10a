"""Lowering: what each construct becomes, where it stands, and that no text whatever breaks it."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest
from generated_programs import mutations, programs
from hypothesis import given, settings
from hypothesis import strategies as st
from printed import expression, module

from quivers.syntax import ast
from quivers.syntax.document import Document
from quivers.syntax.lower import Lowered, Memo, lower
from quivers.syntax.parse import expression as parse_expression


def lowered(text: str) -> Lowered:
    return lower(Document(text.encode()))


def shape(node: object) -> object:
    """The node without its spans, to compare what two texts say."""
    if isinstance(node, ast.Span):
        return None
    if isinstance(node, tuple):
        return tuple(map(shape, node))
    if dataclasses.is_dataclass(node):
        values = (shape(getattr(node, field.name)) for field in dataclasses.fields(node))
        return (type(node).__name__, *values)
    return node


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a + b * c - d", "((a + (b * c)) - d)"),
        ("-a ^ 2", "(- (a ^ 2))"),
        ("a ^ b ^ c", "(a ^ (b ^ c))"),
        ("a ^ -b * c", "((a ^ (- b)) * c)"),
        ("2 * -a", "(2 * (- a))"),
        ("a / b * c @ d", "(((a / b) * c) @ d)"),
        ("not a < b and c or d", "(((not (a < b)) and c) or d)"),
        ("a + 1 ≥ b", "((a + 1) >= b)"),
        ("a ≠ b", "(a != b)"),
        ("a < - b", "(a < (- b))"),
        ("f(a, over=B)[i, j][k]", "f(a, over=B)[i, j][k]"),
        ("if a then b else if c then d else e + 1", "(if a then b else (if c then d else (e + 1)))"),
        ("factor i : I, j : J in a[i] * b[j]", "(factor i : I, j : J in (a[i] * b[j]))"),
        ("scan t : T, s = s0 + 1 in s * x[t]", "(scan t : T, s = (s0 + 1) in (s * x[t]))"),
        ("sum((a, b + (1)))", "sum((a, (b + 1)))"),
        ("1e3 + .5 + 2.", "((1000.0 + 0.5) + 2.0)"),
        ("f(\n  a, # why\n  b,\n)", "f(a, b)"),
    ],
)
def test_operators_bind_as_the_language_says(written: str, read: str) -> None:
    (placed,) = lowered(f"program p : A -> B\n    let x = {written}\n").module.declarations
    assert isinstance(placed.declaration, ast.ProgramDeclaration)
    (let,) = placed.declaration.steps
    assert isinstance(let, ast.Let)
    assert expression(let.value) == read


def test_one_expression_is_read_with_spans_in_its_own_bytes() -> None:
    read = parse_expression("⊗"[:0] + "μ + lgamma(\n  x\n)")
    assert expression(read) == "(μ + lgamma(x))"
    assert isinstance(read, ast.Binary)
    assert read.operator_span == ast.Span(3, 4)
    assert read.span == ast.Span(0, 18)


@pytest.mark.parametrize("text", ["", "a +", "a b", "a)", "a\nlet y = 2", "1 < 2 < 3", "x # y", "let", "a]("])
def test_what_is_not_one_expression_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an expression"):
        parse_expression(text)


@settings(max_examples=100, deadline=None)
@given(programs())
def test_printed_syntax_reads_as_itself(text: str) -> None:
    read = lowered(text)
    again = lowered(module(read.module))
    assert again.diagnostics == ()
    assert [shape(p.declaration) for p in again.module.declarations] == [
        shape(p.declaration) for p in read.module.declarations
    ]


@settings(max_examples=60, deadline=None)
@given(programs() | mutations())
def test_names_stand_where_their_spans_say(text: str) -> None:
    source = text.encode()
    for placed in lowered(text).module.declarations:
        for node in ast.walk(placed.declaration):
            span = node.span.shifted(placed.offset)  # type: ignore[attr-defined]
            assert 0 <= span.start <= span.end <= len(source)
            if isinstance(node, ast.Name):
                assert source[span.start : span.end].decode() == node.text
            if isinstance(node, ast.Variable):
                assert source[span.start : span.end].decode() == node.name


def test_documentation_is_the_lines_directly_above() -> None:
    text = (
        "## not this\n\n## The schools\n##   of the study.\nobject School : FinSet 8\n"
        "program p : A -> A\n    # no\n    ## The mean.\n    sample mu <- Normal(0, 1)\n"
        "    #### a rule\n    let x = 1\n"
    )
    school, program = (placed.declaration for placed in lowered(text).module.declarations)
    assert isinstance(school, ast.ObjectDeclaration)
    assert school.documentation == "The schools\nof the study."
    assert isinstance(program, ast.ProgramDeclaration)
    assert [step.documentation for step in program.steps] == ["The mean.", None]  # type: ignore[union-attr]


def test_bounds_in_a_header_belong_to_the_codomain_and_all_else_to_the_program() -> None:
    text = "program p : A -> B * Real [low=0] [effects=[Sample]]\n    return 1\n"
    program = lowered(text).module.declarations[0].declaration
    assert isinstance(program, ast.ProgramDeclaration)
    assert [option.name.text for option in program.options] == ["effects"]
    assert isinstance(program.codomain, ast.SpaceProduct)
    last = program.codomain.factors[-1]
    assert isinstance(last, ast.SpaceName)
    assert [option.name.text for option in last.options] == ["low"]
    header = program.header_span
    assert text[header.start : header.end] == text.split("\n", maxsplit=1)[0]


def test_a_half_typed_draw_still_binds_its_name_over_its_plate() -> None:
    text = "program p : A -> A\n    sample theta : School * Item <- Normal(mu,\n    let x = theta\n"
    read = lowered(text)
    program = read.module.declarations[0].declaration
    assert isinstance(program, ast.ProgramDeclaration)
    sample, let = program.steps
    assert isinstance(sample, ast.Sample)
    assert (sample.name.text, [name.text for name in sample.plate]) == ("theta", ["School", "Item"])
    assert isinstance(sample.draw, ast.Call)
    assert isinstance(sample.draw.arguments[-1].value, ast.Hole)
    assert isinstance(let, ast.Let)
    assert len(read.diagnostics) == 1


@pytest.mark.parametrize(("plate", "names"), [("⊗", []), ("A ⊗ B", ["A", "B"]), ("A⊗⊗μ", ["A", "μ"])])
def test_the_sign_between_objects_is_no_object_of_a_half_typed_plate(plate: str, names: list[str]) -> None:
    text = f"program p\nl:{plate}<-"
    (placed,) = lowered(text).module.declarations
    found = [node for node in ast.walk(placed.declaration) if isinstance(node, ast.Name)]
    assert [name.text for name in found if name.text not in ("p", "l", "")] == names
    for name in found:
        span = name.span.shifted(placed.offset)
        assert text.encode()[span.start : span.end].decode() == name.text


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000,
        "program p : A -> A\n    let x = " + "(" * 10_000 + "1" + ")" * 10_000 + "\n",
        "program p : A -> A\n    let x = " + "-" * 10_000 + "1\n",
        "program p : A -> A\n    let x = " + "1 + " * 10_000 + "1\n",
        "program p : A -> A\n    let x = " + "f(" * 10_000 + "1" + ")" * 10_000 + "\n",
        "program p : A -> A\n    let x = " + "if a then b else " * 3_000 + "1\n",
        "object X : " + "(" * 10_000 + "A" + ")" * 10_000 + "\n",
        "object X : " + "A * " * 10_000 + "A\n",
        "define x = " + "a >> " * 10_000 + "a\n",
        "program p : A -> A\n" + "".join(" " * n + "marginalize z : K <- F(1)\n" for n in range(1, 300)),
        "# comment\n" * 20_000,
        "program p : A -> A\n    x <- F(\n" + "# comment\n" * 20_000,
        "\r\n" * 50_000 + "\t" * 50_000,
    ],
    ids=lambda text: f"{text[:40]!r}",
)
def test_depth_and_length_break_nothing(text: str) -> None:
    read = lowered(text)
    for placed in read.module.declarations:
        assert sum(1 for _ in ast.walk(placed.declaration)) > 0


def test_what_is_nested_too_deeply_is_reported_once() -> None:
    read = lowered("program p : A -> A\n    let x = " + "-" * 500 + "1 + " + "-" * 500 + "1\n")
    assert [diagnostic.code for diagnostic in read.diagnostics] == ["QVR109"]


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_break_the_front_end(source: bytes) -> None:
    document = Document(source)
    read = lower(document)
    assert document.tree.root_node.end_byte <= len(source)
    for diagnostic in read.diagnostics:
        assert 0 <= diagnostic.span.start <= diagnostic.span.end <= len(source)


@settings(max_examples=150, deadline=None)
@given(
    st.text(
        st.sampled_from("ab1 (\n\t\r[]),:=<-~#*^.⊗θ\0\ufeff\u2028") | st.characters(codec="utf-8"),
        max_size=120,
    )
)
def test_no_text_breaks_the_front_end(text: str) -> None:
    for prefix in ("", "program p : A -> A\n    let x = "):
        lowered(prefix + text)


def test_the_same_text_says_the_same_wherever_it_stands() -> None:
    text = "program p : A -> A\n    let x = (\nobject Y : FinSet 8\n"
    alone, below = lowered(text), lowered("# ⊗\n\n" + text)
    assert [shape(p.declaration) for p in alone.module.declarations] == [
        shape(p.declaration) for p in below.module.declarations
    ]
    assert [d.shifted(len("# ⊗\n\n".encode())) for d in alone.diagnostics] == list(below.diagnostics)


def test_a_file_without_errors_does_not_load_the_reference_grammar() -> None:
    code = (
        "import sys; from quivers.syntax.document import Document; from quivers.syntax.lower import lower;"
        "assert not lower(Document(b'object A : FinSet 8')).diagnostics; assert 'lark' not in sys.modules;"
        "assert lower(Document(b'object A :')).diagnostics; assert 'lark' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


MISSPELT = """object School : FinSet 8
## The schools.
progam first(scale : Real) : School -> School [effects=[Sample]]
    sample mu <- Normal(0.0, scale)
    return mu
programm second : School -> School
    sample x : School <-
    return x

export first
"""


def test_a_program_under_a_misspelt_keyword_is_read_with_its_steps() -> None:
    found = lowered(MISSPELT)
    assert [diagnostic.code for diagnostic in found.diagnostics] == ["QVR101"] * 3
    right = lowered(MISSPELT.replace("progam", "program").replace("programm", "program"))
    assert [diagnostic.code for diagnostic in right.diagnostics] == ["QVR101"]
    source = MISSPELT.encode()
    _, first, second, _ = found.module.declarations
    for placed, start in ((first, b"progam"), (second, b"programm")):
        program = placed.declaration
        assert isinstance(program, ast.ProgramDeclaration)
        assert source.startswith(start, placed.offset + program.span.start)
        assert source.startswith(start, placed.offset + program.header_span.start)
        name = program.name.span.shifted(placed.offset)
        assert source[name.start : name.end].decode() == program.name.text
    assert [type(step.declaration.steps[-1]) for step in (first, second)] == [ast.Return, ast.Return]
    assert first.declaration.documentation == "The schools."


def test_a_keyword_typed_letter_by_letter_says_at_each_what_a_fresh_start_says() -> None:
    document, memo = Document(MISSPELT.encode()), Memo()
    place = MISSPELT.index("progam")
    for start, end, text in [(4, 4, "r"), (0, 7, ""), (0, 0, "p"), (1, 1, "rogra"), (6, 6, "m"), (6, 7, "n")]:
        document.edit(ast.Span(place + start, place + end), text)
        again = Document(document.source)
        assert lower(document, memo) == lower(again)


def test_many_misspelt_programs_are_read_without_recursion() -> None:
    text = "progam p : A -> B\n    return 1\n" * 2000
    found = lowered(text)
    assert len(found.module.declarations) == len(found.diagnostics) == 2000


def test_a_shape_tells_what_is_said_and_not_where() -> None:
    assert shape(parse_expression("a + b * 3")) == shape(parse_expression(" a +  b*3"))
    assert shape(parse_expression("a + b * 3")) != shape(parse_expression("a + b * 4"))
    assert shape(parse_expression("a + b")) != shape(parse_expression("a - b"))
