"""`qvr explain`: pages, lists and what is said of a code that is none."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from quivers.cli import main
from quivers.codes import CODES, FAMILIES
from quivers.explanations import page

LISTS = ": `qvr explain distributions`, `functions` and `language` list the words of programs.\n"


@pytest.mark.parametrize("written", ["QVR401", "qvr401", "401"])
def test_a_page_is_printed_as_it_stands_where_there_is_no_terminal(
    written: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", written]) == 0
    assert capsys.readouterr().out == page("QVR401")


def test_without_a_code_all_are_listed_by_hundred(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain"]) == 0
    out = capsys.readouterr().out
    assert [line[:6] for line in out.splitlines() if line.startswith("QVR") and line[4:6] != "xx"] == [*CODES]
    for family, meaning in FAMILIES.items():
        assert f"{family}: {meaning}\n" in out


def test_a_family_lists_its_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "qvr4xx"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "QVR4xx: supports"
    assert {line[:6] for line in lines[1:]} == {code for code in CODES if code.startswith("QVR4")}


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("QVR4O1", "error: No code and no word is called `QVR4O1`; did you mean `QVR401`?\n"),
        ("funnel", f"error: No code and no word is called `funnel`{LISTS}"),
        ("", f"error: No code and no word is called ``{LISTS}"),
        ("../QVR401", "error: No code and no word is called `../QVR401`; did you mean `QVR401`?\n"),
    ],
)
def test_an_unknown_code_is_misuse_with_the_near_codes(
    written: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", written]) == 2
    assert capsys.readouterr() == ("", sentence)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_the_page_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert main(["explain", "QVR402"]) == 0
    drawn = terminal.getvalue()
    assert "\x1b[" in drawn
    assert "```" not in drawn
    assert "QVR402" in drawn


def test_a_page_is_a_file_of_the_package() -> None:
    assert (Path(__file__).resolve().parents[2] / "quivers" / "explanations" / "QVR401.md").is_file()
    with pytest.raises(KeyError):
        page("QVR999")
