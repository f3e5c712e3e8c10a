import pytest
from ide_places import EVERYTHING, EXAMPLES, unmarked

from quivers.check.analysis import check_source
from quivers.ide.selection import selection
from quivers.syntax.document import Document


def grown(text: str) -> list[str]:
    source, [(start, _)] = unmarked(text)
    found = selection(check_source(source), Document(source), start)
    return [source[span.start : span.end].decode() for span in found]


TEXT = """\
object A : FinSet 2
## what it is for
program p : A -> A
    sample m <- Normal(0.0, 1.0)
    sample x : A <- Normal(m + 2.0 * exp(m), scale=1.0) [low=0]
    return x
"""


def test_a_selection_grows_from_a_word_to_the_file() -> None:
    found = grown(TEXT.replace("exp(m)", "exp(⟦m⟧)"))
    assert found[:9] == [
        "m",
        "exp(m)",
        "2.0 * exp(m)",
        "m + 2.0 * exp(m)",
        "m + 2.0 * exp(m), scale=1.0",
        "Normal(m + 2.0 * exp(m), scale=1.0)",
        "Normal(m + 2.0 * exp(m), scale=1.0) [low=0]",
        "sample x : A <- Normal(m + 2.0 * exp(m), scale=1.0) [low=0]",
        TEXT[TEXT.index("sample m") : TEXT.index("\n    return")] + "\n    return x",
    ]
    assert found[9].startswith("program p")
    assert found[10].startswith("## what it is for\nprogram p")
    assert found[11] == TEXT


def test_a_keyword_argument_grows_from_its_value_to_the_argument() -> None:
    assert grown(TEXT.replace("scale=1.0", "scale=⟦1.0⟧"))[:3] == [
        "1.0",
        "scale=1.0",
        "m + 2.0 * exp(m), scale=1.0",
    ]


def test_in_a_comment_the_word_grows_to_the_comment() -> None:
    assert grown(TEXT.replace("what", "⟦what⟧"))[:3] == ["what", "what it is for", "## what it is for"]


def test_a_block_stands_between_its_steps_and_its_latent() -> None:
    found = grown(EVERYTHING.replace("let level", "let ⟦level⟧"))
    steps = EVERYTHING[EVERYTHING.index("let level") : EVERYTHING.index("    let log_w")].rstrip()
    assert steps in found
    assert found[found.index(steps) + 1].startswith("marginalize kind")


@pytest.mark.parametrize("text", [EVERYTHING, *(path.read_text(encoding="utf-8") for path in EXAMPLES)])
def test_every_selection_holds_the_place_and_the_one_before_it(text: str) -> None:
    source = text.encode()
    for end in range(0, len(source) + 1, 97):
        document, checked = Document(source[:end]), check_source(source[:end])
        for offset in range(0, end + 1, 13):
            inner = (offset, offset)
            for span in selection(checked, document, offset):
                assert 0 <= span.start <= inner[0] <= inner[1] <= span.end <= end
                assert (span.start, span.end) != inner or inner == (offset, offset)
                inner = (span.start, span.end)
