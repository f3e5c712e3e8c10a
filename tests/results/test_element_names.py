"""What elements are called, by the data's names, in every result that shows them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quivers.cli import main
from quivers.element_names import axis_labels, element_name, index_of, label, labels, shortened
from quivers.ide.posteriors import element, paragraphs, posterior
from quivers.report.chart import figure
from quivers.report.intervals import intervals
from quivers.results import summarise
from quivers.terminal.posterior import posterior_table
from quivers.worker.messages import run_request
from quivers.worker.runs import run

MODEL = """object Test : FinSet
object School : FinSet
object Subject : FinSet
data school : Test -> School
data subject : Test -> Subject

program p : Test -> Test [effects=[Sample, Score]]
    sample tau <- HalfNormal(1.0)
    sample theta : School * Subject <- Normal(0.0, tau)
    observe y : Test <- Normal(theta[school, subject], 1.0)
    return y

export p
"""
DATA = {
    "y": [1.0, 2.0, 3.0, 0.5],
    "school": ["Choate", "a, b", "Choate", "a, b"],
    "subject": ["math", "art", "art", "math"],
}
NAMES = ["theta[Choate, art]", "theta[Choate, math]", 'theta["a, b", art]', 'theta["a, b", math]']
ENTRY: dict[str, Any] = {"axes": ["School"], "shape": [2], "mean": [1.0, 2.0], "sd": [0.1, 0.1]}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Choate", "Choate"),
        ("St. Paul's", "St. Paul's"),
        ("1990", "1990"),
        ("👩‍🏫 Ana", "👩‍🏫 Ana"),
        ("a,b", '"a,b"'),
        ("a]", '"a]"'),
        ('say "hi"', '"say \\"hi\\""'),
        ("two\nlines", '"two\\nlines"'),
        ("right\u202eleft", '"right\\u202eleft"'),
        ("", '""'),
        (" blank ", '" blank "'),
        ("long" * 50, "long" * 50),
    ],
)
def test_a_name_that_could_be_misread_stands_in_quotes(name: str, shown: str) -> None:
    assert label(name) == shown


def test_axes_with_names_and_without_may_be_mixed() -> None:
    known = labels({"School": ("Choate", "Exeter"), "Other": ("x",)})
    assert element_name("w", (1, 2), axis_labels(("School", "K"), (2, 3), known)) == "w[Exeter, 3]"
    assert element_name("w", (1, 2), axis_labels(("K", "L"), (2, 3), known)) == "w[2,3]"
    assert element_name("w", (1,), axis_labels(("School",), (5,), known)) == "w[2]"  # of another size
    assert element_name("mu", ()) == "mu"
    assert index_of(5, (2, 3)) == (1, 2)


def test_a_long_name_keeps_both_its_ends_where_it_is_cut() -> None:
    name = "theta[" + "x" * 200 + "]"
    assert len(shortened(name)) == 40
    assert shortened(name).startswith("theta[x")
    assert shortened(name).endswith("x]")
    assert shortened("theta[Choate]") == "theta[Choate]"


def test_the_summary_and_the_terminal_have_the_names_in_aligned_columns() -> None:
    draws = np.random.default_rng(0).normal(size=(4, 50, 3))
    rows = summarise({"theta": draws}, {"theta": ("School",)}, {"School": ("東京", "a\nb", "y" * 200)})
    assert [row.name for row in rows] == ["theta[東京]", 'theta["a\\nb"]', f"theta[{'y' * 200}]"]
    lines = posterior_table(rows).splitlines()
    assert len(lines) == 4
    assert "東京]" in lines[1]
    assert "…" in lines[3]
    assert len(lines[3]) < 140


def test_a_run_of_the_worker_names_both_axes_everywhere() -> None:
    settings = {"seed": 1, "warmup": 100, "draws": 60, "chains": 2}
    params = {"source": MODEL, "name": "m.qvr", "data": DATA, "settings": settings}
    result = run(run_request(params))
    assert list(result["summary"])[1:5] == NAMES
    assert result["labels"] == {"School": ["Choate", '"a, b"'], "Subject": ["art", "math"]}
    elements = {trouble["element"] for trouble in result["troubles"]} - {None}
    assert elements <= {*NAMES}


def test_the_command_lines_json_and_table_have_the_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "m.qvr"
    model.write_text(MODEL)
    (tmp_path / "m.data.json").write_text(json.dumps(DATA))
    quick = ["--warmup", "60", "--draws", "40", "--quiet"]
    assert main(["run", str(model), *quick]) == 0
    assert 'theta["a, b", math]' in capsys.readouterr().out
    assert main(["run", str(model), *quick, "--output-format", "json"]) == 0
    assert set(NAMES) <= set(json.loads(capsys.readouterr().out)["summary"])


def test_a_hover_and_the_report_show_names_that_are_no_markup() -> None:
    entry = {**ENTRY, "q5": [0.9, 1.9], "q95": [1.1, 2.1]}
    found = posterior("theta", entry, {"School": ["<b>", "x_y*"]})
    assert element(found, 1) == "theta[x_y*]"
    assert "| theta[\\<b\\>] |" in paragraphs(found)[1]
    assert "| theta[x\\_y\\*] |" in paragraphs(found)[1]
    chart = intervals(found)
    assert chart is not None
    assert "&lt;b&gt;" in figure(chart)
    assert "[<b>" not in figure(chart)
