import pytest
from ide_places import EXAMPLES, unmarked

from quivers.check.analysis import check_source
from quivers.ide.on_type import indentation
from quivers.syntax.document import Document

HEAD = "object A : FinSet 2\n"


def entered(text: str) -> str:
    """The text after its line with the mark was begun."""
    source, [(offset, _)] = unmarked(text)
    edit = indentation(check_source(source), Document(source), offset)
    if edit is None:
        return source.decode()
    return (source[: edit.span.start] + edit.text.encode() + source[edit.span.end :]).decode()


@pytest.mark.parametrize(
    ("before", "columns"),
    [
        ("object B : FinSet 2\n", 0),
        ("program p : A -> A\n", 4),
        ("program p(\n", 4),
        ("program p : A -> A [effects=[Sample],\n", 4),
        ("program p : A -> A\n    sample m <- Normal(0.0, 1.0)\n", 4),
        ("program p : A -> A\n  sample m <- Normal(0.0, 1.0)\n", 2),
        ("program p : A -> A\n    sample m <- Normal(\n", 8),
        ("program p : A -> A\n    sample m <- Normal(\n        0.0, # (\n", 8),
        ("program p : A -> A\n    sample m <- Normal(\n        exp(\n", 12),
        ("program p : A -> A\n    sample m <- Normal(\n        0.0,\n    )\n", 4),
        ("program p : A -> A\n    marginalize z : A <- Categorical(w)\n", 8),
        ("program p : A -> A\n    marginalize z : A <- Categorical(w)\n        let a = z\n", 8),
        ("program p : A -> A\n    ## what it is\n", 4),
        ("program p : A -> A\n    return a\n# aside\n", 0),
        ("# aside\n", 0),
    ],
)
@pytest.mark.parametrize("typed", ["", "  ", "        "])
def test_a_line_is_indented_by_what_stands_above(before: str, columns: int, typed: str) -> None:
    assert entered(f"{HEAD}{before}{typed}⟦⟧") == f"{HEAD}{before}{' ' * columns}"


def test_the_rest_of_a_line_that_was_broken_moves_along() -> None:
    text = f"{HEAD}program p : A -> A\n    sample m <- Normal(\n"
    assert entered(f"{text}⟦⟧) # end\n") == f"{text}    ) # end\n"
    assert entered(f"{text}⟦⟧0.0, 1.0)\n") == f"{text}        0.0, 1.0)\n"
    assert entered(f"{HEAD}program p : A -> A\n    ⟦⟧object B : FinSet 2\n").endswith(
        "\nobject B : FinSet 2\n"
    )


def test_under_a_blank_line_the_author_decides() -> None:
    text = f"{HEAD}program p : A -> A\n    return a\n\n"
    assert entered(f"{text}⟦⟧") == text
    assert entered(f"{text}    ⟦⟧") == f"{text}    "


@pytest.mark.parametrize("line_end", ["\r\n", "\r"])
def test_other_line_ends_count(line_end: str) -> None:
    text = f"{HEAD}program p : A -> A\n".replace("\n", line_end)
    assert entered(f"{text}⟦⟧") == f"{text}    "


def test_no_place_of_an_example_raises() -> None:
    for path in EXAMPLES:
        source = path.read_bytes()
        for end in range(0, len(source) + 1, 19):
            indentation(check_source(source[:end]), Document(source[:end]), end)
