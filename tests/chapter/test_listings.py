"""The chapter's own listings, cut from its text where a copy of it lies beside the checkout."""

from __future__ import annotations

import contextlib
import io
import os
import re
from pathlib import Path

import pytest

from quivers.dsl import loads
from quivers.syntax.problems import Severity

CHAPTER = Path(__file__).resolve().parents[3] / "shared" / "seed" / "hierarchical-models.txt"

pytestmark = pytest.mark.skipif(not CHAPTER.exists(), reason="the chapter does not lie beside this checkout")

# Each Python listing by its first line and the prose that follows it.
LISTINGS = (
    ("def eight_schools(sigma_j, y=None):", "The theta : School <- Normal(...) line"),
    ("import torch", "You'll see something like"),
    ("from quivers.inference import NUTSKernel, MCMC", "A clean run shows"),
    ("from quivers.inference import Predictive", "What you've seen"),
)


def listing(first: str, after: str) -> str:
    text = CHAPTER.read_text(encoding="utf-8")
    start = text.index(f"\n{first}\n") + 1
    return text[start : text.index(f"\n{after}", start)]


def program(name: str) -> str:
    text = CHAPTER.read_text(encoding="utf-8")
    found = re.search(rf"object School : FinSet 8\nprogram {name} .*?\nexport {name}\n", text, re.DOTALL)
    assert found, f"the chapter prints no {name}"
    return found[0]


@pytest.mark.parametrize("name", ["eight_schools_centred", "eight_schools_noncentred"])
def test_the_printed_programs_check_with_no_more_than_a_hint(name: str) -> None:
    checked = loads(program(name)).checked
    assert [problem.code for problem in checked.diagnostics] == (
        ["QVR701"] if name == "eight_schools_centred" else []
    )
    assert all(problem.severity is Severity.HINT for problem in checked.diagnostics)
    assert checked.programs[name].signature == "School -> School ! {Sample, Score}"


@pytest.mark.parametrize("name", ["eight_schools_centred", "eight_schools_noncentred"])
def test_every_python_listing_runs_as_printed_in_one_process(name: str) -> None:
    code = [listing(first, after) for first, after in LISTINGS]
    if name == "eight_schools_noncentred":
        source = re.compile(r'CENTRED_SRC = """.*?"""', re.DOTALL)
        assert source.search(code[1])
        code[1] = source.sub(lambda _: f'CENTRED_SRC = """\n{program(name)}"""', code[1])
    names: dict[str, object] = {}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        for text in code:
            exec(compile(text, os.fspath(CHAPTER), "exec"), names)
    assert re.search(r"posterior mean tau: \d+\.\d+", printed.getvalue())
    assert re.search(r"R-hat tau: \d+\.\d+", printed.getvalue())
    assert re.search(r"ESS tau: \d+\.\d+", printed.getvalue())
    assert re.search(r"divergences: \d+\n", printed.getvalue())
    assert re.search(r"predictive school 1: -?\d+\.\d+ \+/- \d+\.\d+", printed.getvalue())
    shape = names["y_hat"].shape  # type: ignore[attr-defined]
    assert (shape[0], shape[-1]) == (100, 8)
