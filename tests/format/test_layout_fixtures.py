"""Fixtures in Markdown: of the two ```qvr blocks under a heading the second is the first one formatted.

One block alone is canonical as it stands. Setting QVR_REWRITE_FIXTURES writes what formatting gives in the
place of the second.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from test_properties import check

FOLDER = Path(__file__).parent
CASE = re.compile(
    r"^## (?P<title>.+)\n(?P<prose>(?:(?!##|```).*\n)*)(?P<blocks>(?:```qvr\n[^`]*```\n+)+)", re.M
)
BLOCK = re.compile(r"```qvr\n([^`]*)```\n")


def cases() -> list[tuple[str, str, str]]:
    found = []
    for file in sorted(FOLDER.glob("*.md")):
        text = file.read_text("utf-8")
        if os.environ.get("QVR_REWRITE_FIXTURES"):
            text = CASE.sub(rewritten, text)
            file.write_text(text, "utf-8")
        for match in CASE.finditer(text):
            before, *after = BLOCK.findall(match["blocks"])
            found.append((f"{file.stem}: {match['title']}", before, after[0] if after else before))
    return found


def rewritten(case: re.Match[str]) -> str:
    before, *_ = BLOCK.findall(case["blocks"])
    after = check(before).decode()
    blocks = [before] if after == before else [before, after]
    return f"## {case['title']}\n{case['prose']}" + "".join(f"```qvr\n{block}```\n\n" for block in blocks)


CASES = cases()


def test_there_are_many_cases() -> None:
    assert len(CASES) >= 40
    assert len({title for title, _, _ in CASES}) == len(CASES)


@pytest.mark.parametrize(("before", "after"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_program_is_laid_out_as_shown(before: str, after: str) -> None:
    assert check(before).decode() == after
