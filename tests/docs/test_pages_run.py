"""The Python of the documentation runs as it is printed, each page in a process of its own names."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
FENCE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = [
    path for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    if FENCE.search(path.read_text(encoding="utf-8"))
]  # fmt: skip


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_python_of_a_page_runs_from_top_to_bottom(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    names: dict[str, object] = {}
    text = page.read_text(encoding="utf-8")
    with warnings.catch_warnings():
        # A page may show what draws a warning from ArviZ.
        warnings.simplefilter("ignore")
        for fence in FENCE.finditer(text):
            lines = text.count("\n", 0, fence.start(1))
            exec(compile("\n" * lines + fence[1], str(page), "exec"), names)
