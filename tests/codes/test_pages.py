"""Every code has one entry in the table, one page, and an example there that raises it.

With QVR_REWRITE=1 what the pages print is written anew.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from pages import outcome, read_page, with_printed

from quivers.codes import CODES, FAMILIES, near_codes
from quivers.explanations import page
from quivers.syntax.problems import Severity

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "quivers" / "explanations"
CODE = re.compile(r"""["'](QVR\d{3})["']""")
HOW = "docs/codes/README.md tells how to add a code"


def codes_in_source() -> dict[str, str]:
    """Each code that the sources raise, with one file that does."""
    found: dict[str, str] = {}
    for path in sorted([*ROOT.glob("quivers/**/*.py"), *ROOT.glob("server/**/*.py")]):
        if path != ROOT / "quivers" / "codes.py":
            for code in CODE.findall(path.read_text("utf-8")):
                found.setdefault(code, str(path.relative_to(ROOT)))
    return found


def test_every_code_in_the_sources_is_in_the_table() -> None:
    for code, file in codes_in_source().items():
        assert code in CODES, f"{file} raises {code}, which quivers/codes.py does not have: {HOW}."


def test_every_code_of_the_table_is_raised_in_the_sources() -> None:
    for code in CODES.keys() - codes_in_source().keys():
        pytest.fail(f"quivers/codes.py has {code}, which nothing raises: remove it, and its page.")


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    pages = {path.stem for path in FOLDER.glob("*.md")}
    for code in CODES.keys() - pages:
        pytest.fail(f"{code} has no page: write quivers/explanations/{code}.md; {HOW}.")
    for code in pages - CODES.keys():
        pytest.fail(f"quivers/explanations/{code}.md is the page of no code in quivers/codes.py.")


def test_the_table_is_in_order_and_names_each_code_once() -> None:
    assert list(CODES) == sorted(CODES)
    assert len({entry.title for entry in CODES.values()}) == len(CODES)
    for entry in CODES.values():
        assert entry.family in FAMILIES
        assert 2 <= len(entry.title.split()) <= 4, f"{entry.code}: a title has two to four words"
        assert entry.summary.endswith("."), entry.code


PAGES = sorted(code for code in CODES if (FOLDER / f"{code}.md").exists())


@pytest.mark.parametrize("code", PAGES)
def test_a_page_shows_its_code_as_it_is_printed(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    read = read_page(code)
    assert read.heading == f"# {code}: {CODES[code].title}"
    found = outcome(read.example, tmp_path)
    mine = [each for each in found if each.diagnostic.code == code]
    errors = {each.diagnostic.code for each in found if each.diagnostic.severity is Severity.ERROR}
    assert mine, f"The example of {code} does not raise it."
    assert errors - {code} == set(), f"The example of {code} raises other errors too."
    for each in mine:
        assert each.diagnostic.severity is CODES[code].severity
    printed = "\n\n".join(map(str, mine)) + "\n"
    if os.environ.get("QVR_REWRITE"):
        (FOLDER / f"{code}.md").write_text(with_printed(page(code), printed), "utf-8")
    else:
        assert printed == read.printed, "QVR_REWRITE=1 writes the pages anew"


@pytest.mark.parametrize("code", PAGES)
def test_a_page_s_mended_program_is_sound(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    read = read_page(code)
    assert read.mended != read.example
    found = outcome(read.mended, tmp_path)
    bad = [str(each) for each in found if each.diagnostic.severity in (Severity.ERROR, Severity.WARNING)]
    assert code not in {each.diagnostic.code for each in found}
    assert bad == []


@pytest.mark.parametrize(
    ("written", "meant"),
    [("qvr401", "QVR401"), ("QVR4O1", "QVR401"), ("401", "QVR401"), ("qvr7XX", "QVR7xx"), ("E401", "QVR401")],
)
def test_a_code_that_is_nearly_right_is_recognised(written: str, meant: str) -> None:
    assert near_codes(written)[0] == meant


def test_what_is_like_no_code_has_no_near_one() -> None:
    assert near_codes("W") == ()
    assert near_codes("") == ()
