from ide_places import EVERYTHING, EXAMPLES

from quivers.check.analysis import check_source
from quivers.ide.inlay_hints import Hint, Kind, Wanted, inlay_hints
from quivers.syntax.ast import Span
from quivers.syntax.document import Document

NONE = Wanted(types=False, inputs=False)


def hints(text: str, wanted: Wanted, span: Span | None = None) -> list[Hint]:
    document = Document(text.encode())
    return inlay_hints(check_source(text), document, span or Span(0, len(document.source)), wanted)


def shown(text: str, wanted: Wanted) -> str:
    """The text with its hints in `⟦…⟧`."""
    source = text.encode()
    for hint in reversed(hints(text, wanted)):
        blank = " " if hint.blank else ""
        source = source[: hint.offset] + f"⟦{blank}{hint.text}⟧".encode() + source[hint.offset :]
    return source.decode()


TEXT = """\
object School : FinSet
data dose : School * Real
program p : School -> School
    sample mu <- Normal(0.0, 5.0)
    sample tau <- HalfNormal(5.0)  # scale
    sample w : School <- HalfNormal(tau)
    sample eta : School <- Normal(0.0, 1.0)
    let theta = mu + tau * eta * dose
    observe y : School <- Normal(theta, sigma)
    return theta
"""


def test_names_without_a_written_type_show_theirs() -> None:
    found = shown(TEXT, Wanted(inputs=False))
    assert "sample mu⟦: Real⟧ <-" in found
    assert "sample tau⟦: Real⁺⟧ <-" in found
    assert "sample w : School⟦ ⊗ Real⁺⟧ <-" in found
    assert "sample eta : School <-" in found
    assert "let theta⟦: School ⊗ Real⟧ =" in found
    assert "observe y : School <-" in found


def test_the_header_shows_the_inputs_that_no_declaration_has() -> None:
    found = shown(TEXT, Wanted(types=False))
    assert "program p : School -> School⟦ inputs sigma : School ⊗ Real⁺, y : School ⊗ Real⟧\n" in found


def test_an_object_leads_to_its_declaration() -> None:
    (hint,) = [hint for hint in hints(TEXT, Wanted(types=False)) if hint.kind is Kind.INPUTS]
    leads = {part.text: part.declared for part in hint.parts if part.declared is not None}
    assert leads == {"School": Span(7, 13)}


def test_an_object_without_a_size_shows_that_of_the_data_and_can_take_it() -> None:
    (hint,) = hints(TEXT, Wanted(types=False, inputs=False, sizes={"School": 8, "Other": 2}))
    assert (hint.text, hint.offset) == ("8", TEXT.index("\n"))
    assert hint.edit is not None
    assert hint.edit.text == " 8"
    assert hints(TEXT.replace("FinSet\n", "FinSet 8\n", 1), Wanted(False, False, {"School": 8})) == []


def test_a_posterior_stands_at_the_end_of_its_own_programs_line() -> None:
    wanted = Wanted(False, False, posteriors={("p", "tau"): "2.1 ± 0.4", ("q", "mu"): "9"})
    assert "HalfNormal(5.0)  # scale⟦ 2.1 ± 0.4⟧\n" in shown(TEXT, wanted)
    assert shown(TEXT, wanted).count("⟦") == 1


def test_in_a_block_names_have_the_types_that_the_block_sees() -> None:
    found = shown(EVERYTHING, Wanted(inputs=False))
    assert "let level⟦: " in found
    assert "state⟦: Real⟧ = 0.0" in found
    assert "let log_w⟦: Time ⊗ Real⟧" in found


def test_only_a_size_can_be_written_into_the_text() -> None:
    found = hints(TEXT + EVERYTHING.replace("School", "Other"), Wanted(sizes={"School": 8, "Time": 3}))
    written = {hint.kind for hint in found if hint.edit is not None}
    assert written == {Kind.SIZE}


def test_only_the_range_that_is_asked_for_has_hints() -> None:
    start = TEXT.index("    sample tau")
    found = hints(TEXT, Wanted(), Span(start, TEXT.index("    sample w")))
    assert [hint.text for hint in found] == [": Real⁺"]
    assert hints(TEXT, NONE) == []


def test_at_no_prefix_of_an_example_does_a_hint_leave_the_text() -> None:
    wanted = Wanted(sizes={"School": 3}, posteriors={("everything", "theta"): "1"})
    for source in [EVERYTHING.encode(), *(path.read_bytes() for path in EXAMPLES)]:
        for end in range(0, len(source) + 1, 23):
            document = Document(source[:end])
            for hint in inlay_hints(check_source(source[:end]), document, Span(0, end), wanted):
                assert 0 <= hint.offset <= end
                assert hint.text
