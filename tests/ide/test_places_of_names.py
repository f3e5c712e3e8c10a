"""All places of a name, which of them bind or write it, and those that only look alike."""

import pytest
from ide_places import EVERYTHING, EXAMPLES, unmarked

from quivers.check.analysis import check_source
from quivers.ide.references import references

# Every place of one name is marked, and nothing else.
MARKED = {
    "a latent, and not the one of another program": """\
object A : FinSet 2
program p : A -> A
    sample ⟦x⟧ : A <- Normal(0, 1)
    let y = ⟦x⟧ + sum(⟦x⟧)
    return ⟦x⟧
program q : A -> A
    sample x : A <- Normal(0, 1)
    return x
""",
    "an object, and not the value of its name": """\
object ⟦A⟧ : FinSet 2
program p : ⟦A⟧ -> ⟦A⟧
    sample x : ⟦A⟧ <- Normal(0, 1)
    let y = sum(x, over=⟦A⟧) + x + length(⟦A⟧)
    return y
program q : ⟦A⟧ -> ⟦A⟧
    let A = 1.0
    let y = A + index(⟦A⟧)
    return y
""",
    "data in two programs": """\
object A : FinSet 2
data ⟦d⟧ : A * Real
program p : A -> A
    let x = 2 * ⟦d⟧
    return x
program q : A -> A
    observe ⟦d⟧ : A <- Normal(0, 1)
    return ⟦d⟧
""",
    "an input of one program of two": """\
object A : FinSet 2
program p : A -> A
    sample x : A <- Normal(⟦k⟧, 1)
    observe y : A <- Normal(x + ⟦k⟧, 1)
    return x
program q : A -> A
    sample x : A <- Normal(k, 1)
    return x
""",
    "an index, and not the name outside nor inside": """\
object A : FinSet 2
program p : A -> A
    let i = 1.0
    let x = factor ⟦i⟧ : A in ⟦i⟧ * sum(factor i : A in 1.0 * i) + ⟦i⟧
    return x + i
""",
    "a parameter with its keywords, those of a composition too": """\
object A : FinSet 2
program f(⟦scale⟧ : Real [low=0], other : Real) : A -> A
    sample x : A <- Normal(other, scale=⟦scale⟧)
    return x
define d = f
program p : A -> A
    let scale = 2.0
    sample t <- f(⟦scale⟧=scale, other=scale)
    sample u <- d(other=scale, ⟦scale⟧=1.0)
    return t + u
program g(scale : Real [low=0]) : A -> A
    sample x : A <- Normal(0, scale)
    return x
program q : A -> A
    sample t <- g(scale=1.0)
    return t
""",
    "a program that is exported, composed and drawn from": """\
object A : FinSet 2
program ⟦f⟧ : A -> A
    sample f : A <- Normal(0, 1)
    return f
define d = ⟦f⟧
program p : A -> A
    sample t <- ⟦f⟧()
    return t
export ⟦f⟧
""",
    "a name in several spellings": """\
object A : FinSet 2
program p : A -> A
    sample ⟦τ⟧ : A <- Normal(0, 1)
    sample t : A <- Normal(⟦𝜏⟧, 1)
    return ⟦τ⟧
""",
    "a name of two blocks beside each other": """\
object K : FinSet 2
object A : FinSet 3
program p : A -> K
    sample m : K <- Normal(0, 1) [ordered]
    marginalize ⟦z⟧ : K <- Categorical(w)
        observe y : A <- Normal(m[⟦z⟧], 1)
    marginalize z : K <- Categorical(w)
        observe v : A <- Normal(m[z], 1)
    return m
""",
    "a family": """\
object A : FinSet 2
program p : A -> A
    sample Normal : A <- ⟦Normal⟧(0, 1)
    sample t : A <- ⟦Normal⟧(Normal, 1)
    return t
""",
    "a label, which is no other name": """\
object A : FinSet 2
program p : A -> A
    sample x : A <- Normal(0, 1)
    return (⟦here⟧: x, there: x)
""",
}


@pytest.mark.parametrize("text", MARKED.values(), ids=MARKED)
def test_all_places_of_a_name_and_no_others(text: str) -> None:
    source, marks = unmarked(text)
    checked = check_source(source)
    for start, _ in marks:
        found = references(checked, start)
        assert [(each.span.start, each.span.end) for each in found] == marks


@pytest.mark.parametrize("place", ["1.0", "# Normal", "FinSet", "sample", "Missing", "-> "])
def test_no_places_where_no_name_stands(place: str) -> None:
    source = (
        "object A : FinSet 2\nprogram p : A -> A\n    # Normal\n    sample x : Missing <- Normal(0, 1.0)\n"
        "    return x\n"
    )
    assert references(check_source(source), source.index(place) + 2) == ()


def _writes(before: str, name: str) -> list[tuple[bool, bool]]:
    found = references(check_source(EVERYTHING), EVERYTHING.index(before + name) + len(before))
    return [(each.binds, each.writes) for each in found]


def test_a_name_is_written_where_it_is_bound_and_where_it_is_observed() -> None:
    bound, observed, read = (True, True), (False, True), (False, False)
    assert _writes("let ", "log_w") == [bound, observed]
    assert _writes("observe ", "y") == [observed]
    assert _writes("log(", "w") == [read]
    assert _writes("score ", "centring") == [bound]
    assert _writes("marginalize ", "kind") == [bound, read]
    assert _writes("data ", "dose") == [bound, read]
    assert _writes("0.0, ", "scale") == [bound, read, read, read]


def test_every_name_of_every_example_is_among_its_own_places() -> None:
    for path in EXAMPLES:
        checked = check_source(path.read_bytes())
        for occurrence in checked.occurrences:
            if occurrence.definition is None:
                continue
            found = references(checked, occurrence.span.start)
            assert occurrence.span in [each.span for each in found]
            assert {
                each.definition for each in checked.occurrences if each.span in [r.span for r in found]
            } == {occurrence.definition}


def test_at_no_prefix_of_an_example_do_references_raise() -> None:
    for path in EXAMPLES:
        source = path.read_bytes()
        for length in range(0, len(source), 29):
            checked = check_source(source[:length])
            for offset in range(max(0, length - 24), length + 1, 3):
                references(checked, offset)
