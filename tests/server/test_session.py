"""The session's text against a plain model of what an editor does to its own."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quivers.check.analysis import check_source
from quivers.errors import DataProblem
from quivers.syntax.lines import Encoding, Position
from quivers.syntax.problems import Severity
from qvr_server.session import Change, DataVerdict, Session

URI = "file:///m/schools.qvr"
# Every character that some editor or library takes for a line's end, and some of each width.
CHARACTERS = "aµ⊗𝒩😀 :\n\r\f\v\x85\u2028(#"


def width(text: str, encoding: Encoding) -> int:
    """The columns of `text`, a UTF-16 code unit being two bytes."""
    return (
        len(text.encode(f"{encoding.value}-le" if encoding is not Encoding.UTF8 else "utf-8"))
        // {
            Encoding.UTF8: 1,
            Encoding.UTF16: 2,
            Encoding.UTF32: 4,
        }[encoding]
    )


def position(text: str, index: int, encoding: Encoding) -> Position:
    """Where the character `index` of `text` is; index 0 < i between CR and LF is the line's end."""
    before = text[:index]
    if before.endswith("\r") and text[index : index + 1] == "\n":
        before = before[:-1]
    flat = before.replace("\r\n", "\n").replace("\r", "\n")
    return Position(flat.count("\n"), width(flat[flat.rfind("\n") + 1 :], encoding))


def between(text: str, index: int) -> int:
    """`index`, or the place before CR LF where it falls between the two."""
    return index - 1 if text[index - 1 : index + 1] == "\r\n" else index


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(list(Encoding)),
    st.text(CHARACTERS, max_size=40),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.text(CHARACTERS, max_size=6)), max_size=8),
)
def test_the_text_stays_in_step_with_the_editor(
    encoding: Encoding, text: str, edits: list[tuple[int, int, str]]
) -> None:
    session = Session(encoding)
    opened = session.open(URI, 1, text, None)
    for version, (first, second, new) in enumerate(edits, start=2):
        start, end = sorted((between(text, min(first, len(text))), between(text, min(second, len(text)))))
        change = Change(new, (position(text, start, encoding), position(text, end, encoding)))
        opened.apply(version, [change])
        text = text[:start] + new + text[end:]
        assert opened.document.source.decode() == text
    assert opened.checked.diagnostics == check_source(text).diagnostics


def test_the_changes_of_one_notification_follow_one_another() -> None:
    opened = Session().open(URI, 1, "ab", None)
    here = Position(0, 1)
    opened.apply(2, [Change("X", (here, here)), Change("Y", (here, here)), Change("Z", (here, here))])
    assert opened.document.source == b"aZYXb"


def test_a_change_without_a_range_is_the_whole_text() -> None:
    opened = Session().open(URI, 1, "object A : FinSet 2\n", None)
    opened.apply(2, [Change("object B : FinSet 3\n")])
    assert list(opened.checked.objects) == ["B"]


def test_a_document_is_checked_once_for_each_text(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Session().open(URI, 1, "object A : FinSet 2\n", None)
    assert opened.checked is opened.checked
    before = opened.checked
    opened.apply(2, [Change("object B : FinSet 3\n")])
    assert opened.checked is not before


PROGRAMS = """\
object A : FinSet 2
program first : A -> A
    sample x : A <- Normal(0, 1)
    observe y : A <- Normal(x, 1)
    return x
program second : A -> A
    sample x : A <- Normal(0, 1)
    return x
"""


def test_a_run_without_a_name_is_of_the_exported_program_or_else_the_last() -> None:
    assert getattr(check_source(PROGRAMS).program_to_run(), "name", None) == "second"
    assert getattr(check_source(PROGRAMS + "export first\n").program_to_run(), "name", None) == "first"
    assert check_source("object A : FinSet 2\n").program_to_run() is None


def test_data_problems_stand_on_the_input_and_move_with_it() -> None:
    opened = Session().open(URI, 1, PROGRAMS, Path("/m/schools.qvr"))
    opened.verdict = DataVerdict("first", (DataProblem("QVR601", "y is missing.", "y"),))
    [advice, found] = opened.diagnostics()
    assert advice.code == "QVR706"
    place = PROGRAMS.encode().index(b"y : A <-")
    assert (found.span.start, found.message) == (place, "y is missing.")
    start = Position(0, 0)
    opened.apply(2, [Change("# a comment\n", (start, start))])
    assert opened.diagnostics()[1].span.start == place + 12


def test_problems_of_values_given_with_a_run_go_with_the_next_edit() -> None:
    opened = Session().open(URI, 1, PROGRAMS, None)
    opened.verdict = DataVerdict("first", (DataProblem("QVR601", "y is missing.", "y"),), of_values=True)
    assert [problem.code for problem in opened.diagnostics()] == ["QVR706", "QVR601"]
    opened.apply(2, [Change(PROGRAMS)])
    assert [problem.code for problem in opened.diagnostics()] == ["QVR706"]


DOUBTFUL = """\
object A : FinSet 2
program doubtful : A -> A
    sample spread <- Normal(0, 1)
    sample x : A <- Normal(0, spread)
    observe y : A <- Normal(x, 1)
    return x
"""


def test_a_document_that_is_opened_again_closes_the_one_before() -> None:
    session = Session()
    first = session.open(URI, 1, "object A : FinSet 2\n", None)
    second = session.open(URI, 1, DOUBTFUL, None)
    assert first.is_closed
    assert not second.is_closed
    assert session.documents == {URI: second}


def test_diagnostics_have_the_severities_of_the_project_and_obey_comments(tmp_path: Path) -> None:
    opened = Session().open(URI, 1, DOUBTFUL, tmp_path / "m.qvr")

    def found() -> list[Severity]:
        return [found.severity for found in opened.diagnostics() if found.code == "QVR402"]

    assert found() == [Severity.WARNING]
    (tmp_path / "qvr.toml").write_text("[severity]\nQVR402 = 'error'\n")
    opened.look_again()
    assert found() == [Severity.ERROR]
    (tmp_path / "qvr.toml").unlink()
    opened.look_again()
    assert found() == [Severity.WARNING]
    opened.apply(2, [Change(DOUBTFUL.replace("spread)", "spread)  # qvr: ignore[QVR402]"))])
    assert found() == []
