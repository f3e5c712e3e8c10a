"""The tree-sitter grammar with its lowering, and the reference grammar, are one language."""

from __future__ import annotations

from generated_programs import mutations, programs
from hypothesis import example, given, settings

from quivers.syntax.document import Document
from quivers.syntax.lower import lower
from quivers.syntax.parse import tree
from quivers.syntax.reference import accepts, first_stop


def is_read(text: str) -> bool:
    return not lower(Document(text.encode())).diagnostics


@settings(max_examples=150, deadline=None)
@given(programs())
def test_both_grammars_read_every_program(text: str) -> None:
    assert accepts(text)
    assert not lower(Document(text.encode())).diagnostics
    assert not tree(text.encode()).root_node.has_error


@settings(max_examples=300, deadline=None)
@given(mutations())
@example("object X : FinSet\n  data y : X\n")
@example("program p : A -> B\n    let x = 1\n  let y = 2\n")
@example("program p : A -> B\n\tlet x = 1\n")
@example("program p : A -> B\nobject X : FinSet\n")
@example("\ufeffobject X : FinSet\n")
def test_both_grammars_agree_on_changed_programs(text: str) -> None:
    assert accepts(text) == is_read(text)


def test_a_tab_below_a_line_ends_what_can_be_read_of_it() -> None:
    stop = first_stop("object X : A\n\tb", "declaration")
    assert stop is not None
    assert stop.start == len("object X : A")
