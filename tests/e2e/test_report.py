"""The reports of three models in a real Chromium without a network: what they draw, say, zoom, print."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parent.parent))
from editor_programs import program

from quivers.cli import main

ROOT = Path(__file__).resolve().parents[2]
DRIVE = Path(__file__).parent / "report"
MODELS = {
    "noncentred": ROOT / "examples/eight_schools/noncentred.qvr",
    "test_scores": ROOT / "examples/test_scores/test_scores.qvr",
    "low_dim_gauss_mix": ROOT / "examples/low_dim_gauss_mix/low_dim_gauss_mix.qvr",
}
# What the charts are called of which each report has some.
KINDS = ("Density", "Elements", "Trace", "Ranks", "Energies", "against", "k̂")

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def modules() -> Path:
    """The folder of the pinned playwright-core and axe-core, which npm fills once for each lock file."""
    key = hashlib.sha256((DRIVE / "package-lock.json").read_bytes()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "qvr-report-drive"
    folder = cache / key
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as begun:
            made = Path(begun) / "made"
            made.mkdir()
            for name in ("package.json", "package-lock.json"):
                shutil.copy(DRIVE / name, made)
            command = [program("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(command, cwd=made, capture_output=True, encoding="utf-8", check=False)
            assert done.returncode == 0, done.stderr[-3000:]
            if not folder.exists():
                made.rename(folder)
    return folder


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the browser saw of each report."""
    chromium, node = program("chromium"), program("node")
    pages = tmp_path_factory.mktemp("reports")
    for name, model in MODELS.items():
        assert main(["report", str(model), "-o", str(pages / f"{name}.html"), "--quiet"]) == 0
    screens = Path(os.environ.get("QVR_REPORT_SCREENS") or ROOT / "build/report-screens")
    command = [
        *(node, str(DRIVE / "opened.mjs"), "--modules", str(modules()), "--chromium", chromium),
        *("--screens", str(screens), *[str(pages / f"{name}.html") for name in MODELS]),
    ]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=600)
    assert done.returncode == 0, done.stderr[-4000:]
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.fixture(params=MODELS)
def page(request: pytest.FixtureRequest, seen: dict[str, Any]) -> dict[str, Any]:
    """What was seen of one report."""
    return dict(seen[request.param])


def test_nothing_is_complained_of_and_nothing_asked_of_a_network(page: dict[str, Any]) -> None:
    assert page["told"] == []
    assert page["requests"] == []
    assert page["bytes"] < 1_000_000


def test_every_chart_is_drawn_with_marks_in_it(page: dict[str, Any]) -> None:
    for kind in KINDS:
        assert any(kind in chart["name"].split(". ")[0] for chart in page["charts"]), kind
    for chart in page["charts"]:
        assert chart["width"] > 100, chart
        assert chart["height"] > 60, chart
        assert chart["marks"] > 20, chart


def test_the_drawings_are_there_without_the_script(page: dict[str, Any]) -> None:
    assert page["chartsWithoutScript"]


def test_pointing_at_a_chart_tells_its_numbers(page: dict[str, Any]) -> None:
    for kind in KINDS:
        assert any(character.isdigit() for character in page["hovered"][kind]), (kind, page["hovered"])
    assert all(f"chain {number}: " in page["hovered"]["Trace"] for number in (1, 2, 3, 4))


def test_buttons_and_dragging_zoom_and_show_all_again(page: dict[str, Any]) -> None:
    zoomed = page["zoomed"]
    assert zoomed["near"] != zoomed["before"]
    assert float(zoomed["transform"].removeprefix("matrix(").split()[0]) == pytest.approx(4.0)
    assert zoomed["after"] == zoomed["before"]
    dragged = page["dragged"]
    first, last = (int(dragged["near"][place]) for place in (0, -1))
    assert 300 < first < last < 700
    assert dragged["after"] == dragged["before"]


def test_the_arrow_keys_read_a_chart_aloud(page: dict[str, Any]) -> None:
    said = page["read"]
    assert len(set(said)) == 3
    assert all(any(character.isdigit() for character in each) for each in said)


def test_a_column_explains_itself_where_it_has_the_focus(page: dict[str, Any]) -> None:
    assert "chains agree" not in page["explained"]["before"]
    assert "below 1.01 the chains agree" in page["explained"]["after"]


def test_another_element_is_chosen_with_the_keyboard_and_drawn(page: dict[str, Any]) -> None:
    chosen = page["chosen"]
    before, after, again = chosen["before"], chosen["after"], chosen["again"]
    name = chosen["option"].partition(" · ")[0]
    assert after["titles"] == [f"Trace of {name}", f"Ranks of {name}"] != before["titles"]
    assert after["label"].startswith(f"Trace of {name}. R̂ ")
    assert all(new != old for new, old in zip(after["starts"], before["starts"], strict=True))
    # The script draws the first element as Python drew it, to the packed draws' step.
    assert again["titles"] == before["titles"]
    for new, old in zip(again["starts"], before["starts"], strict=True):
        assert new == pytest.approx(old, abs=0.11)


def test_the_page_is_light_dark_and_fit_for_paper(page: dict[str, Any]) -> None:
    light, dark = page["grounds"]
    assert light == "rgb(255, 255, 255)"
    assert max(map(int, dark.removeprefix("rgb(").removesuffix(")").split(", "))) < 64
    assert page["print"]["ground"] == "rgb(255, 255, 255)"
    assert not page["print"]["navigation"]
    assert page["print"]["bytes"] > 50_000


def test_a_telephone_need_not_scroll_sideways(page: dict[str, Any]) -> None:
    assert page["sideways"] <= 0
    assert page["letters"] > 9.0  # pixels, of the numbers on the axes


def test_axe_finds_no_violation_of_wcag_a_or_aa(page: dict[str, Any]) -> None:
    assert page["violations"] == []
