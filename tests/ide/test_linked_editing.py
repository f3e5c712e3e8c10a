"""Which names are edited at all their places while they are typed."""

import re

import pytest
from ide_places import EVERYTHING, EXAMPLES, unmarked

from quivers.check.analysis import check_source
from quivers.ide.linked_editing import WORD_PATTERN, linked_places
from quivers.syntax.reading import KEYWORDS

LINKED = {
    "the index of a factor": "let x = factor ⟦i⟧ : A in a[⟦i⟧] + ⟦i⟧ + b",
    "the state of a scan": "let x = scan t : A, ⟦s⟧ = 0.0 in ⟦s⟧ + a[t]",
    "the step of a scan": "let x = scan ⟦t⟧ : A, s = 0.0 in s + a[⟦t⟧]",
    "an index while it is typed at its binder": "let x = factor ⟦ii⟧ : A in a[⟦ii⟧]",
    "an inner index of the same name": "let x = factor i : A in i * sum(factor ⟦i⟧ : A in 1.0 * ⟦i⟧)",
}


@pytest.mark.parametrize("line", LINKED.values(), ids=LINKED)
def test_the_names_of_an_expression_are_linked(line: str) -> None:
    source, marks = unmarked(f"object A : FinSet 2\nprogram p : A -> A\n    {line}\n    return x\n")
    checked = check_source(source)
    for start, end in marks:
        for offset in (start, end):
            found = linked_places(checked, source, offset)
            assert [(span.start, span.end) for span in found] == marks


@pytest.mark.parametrize(
    "name", ["theta", "School", "dose", "sigma", "pooled", "scale", "Normal", "kind", "-> "]
)
def test_names_that_reach_further_are_for_rename(name: str) -> None:
    assert linked_places(check_source(EVERYTHING), EVERYTHING.encode(), EVERYTHING.index(name)) == ()


def test_places_that_are_spelt_differently_are_not_linked() -> None:
    text = "object A : FinSet 2\nprogram p : A -> A\n    let x = factor τ : A in 1.0 * 𝜏\n    return x\n"
    source = text.encode()
    assert linked_places(check_source(source), source, source.index("τ".encode())) == ()


def test_the_word_pattern_takes_names_and_no_operators() -> None:
    # As an editor reads it: in code units of UTF-16, where a letter beyond the first plane is two.
    pattern = re.compile(WORD_PATTERN)
    for name in ("i", "theta_1", "_x", "μ", "τ₁", "naïve", "é", "ℓ", "数", "x₁₂"):
        assert pattern.fullmatch(name), name
    halves = "𝒩".encode("utf-16-be")
    assert pattern.fullmatch("".join(chr(halves[i] * 256 + halves[i + 1]) for i in (0, 2)))
    for other in (
        "1x",
        "",
        "a b",
        "⊗",
        "a⊗b",
        "→",
        "←",
        "≤",
        "≥",
        "≠",
        "a.b",
        "a[",
        "×",
        "÷",
        "′",
        "—",
        "\u00a0",
    ):
        assert not pattern.fullmatch(other), other
    assert all(pattern.fullmatch(word) for word in KEYWORDS)


def test_at_no_prefix_of_an_example_does_linked_editing_raise() -> None:
    for path in EXAMPLES:
        source = path.read_bytes()
        for length in range(0, len(source), 31):
            checked = check_source(source[:length])
            for offset in range(max(0, length - 24), length + 1, 5):
                linked_places(checked, source[:length], offset)
